"""Chargebacks that meet what else an order is: of several cells, with taxes and duties, on installments, disputed here
before, in the provider's report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from entrepot import disputes, logistics, orders, payments, reconciliation
from entrepot.chargebacks import actions
from entrepot.chargebacks.types import Rule
from entrepot.invoices.actions import issue_due
from entrepot.kit.ids import NIL, show
from entrepot.payments import charging_back
from entrepot.payments.actions import claim_due
from entrepot.payments.gateways.types import DisputeTold
from entrepot.reconciliation import ProviderFee, ReportLine
from entrepot.reconciliation.actions import set_fee
from entrepot.world import gateway_report
from entrepot.world.gateway_book import DisputeOrder
from tests.acceptance.abroad import far_offers
from tests.acceptance.banks import Town, open_town
from tests.acceptance.test_borders_modes import IOSS, buyer_in, in_hamburg, tax
from tests.acceptance.test_money_credit import CREDIT
from tests.acceptance.test_money_credit import buy as on_installments

PLAN = {"months": 3, "fee_bp": 0, "bearer": "platform", "minimum_minor": 3_000, "source": "tests"}


@pytest.fixture
async def town(own_db_url: str) -> AsyncIterator[Town]:
    async with open_town(own_db_url) as opened:
        async with opened.shop.db.write() as tx:
            await actions.add_rule(tx, Rule(None, None, None, tx.now, "seller", "agreed"))
        yield opened


async def test_3_who_won_here_can_lose_at_the_bank(town: Town) -> None:
    """66.00, of which 33.00 were disputed here, for nothing; then the bank takes all. The seller is liable for all of
    it, not only for what nobody had disputed."""
    shop = town.shop
    seller = await shop.seller()
    offer = await shop.offer(seller, 3_000, 10)
    buyer = await shop.buyer(0)
    payment, (order,) = await town.buy(buyer, (offer, 2))
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [logistics.NewShipment(order, "dhl", "T")])
        argued = await disputes.open_dispute(tx, 0, order, buyer.id, disputes.Claim("not_received", {1: 1}, "Where?"))
        await disputes.act(tx, 0, argued, "buyer", disputes.Word("withdraw"))
        await orders.release_many(tx, 0, [order])
    await town.work()
    codes = (seller, "escrow", "commission", "payment_fee", "chargebacks", "chargeback_loss")
    assert await town.balances(*codes) == [5_901, 0, 600, 99, 0, 0]
    told = await town.dispute(payment, 6_600, fee_minor=0)
    assert await town.balances(*codes) == [0, 6_600, 0, 0, -6_600, 0]
    await shop.audited()
    await town.close(told, "lost", returned_minor=1_600)
    # 50.00 of it stay with the bank, 16.00 are the seller's again, less commission and fee
    assert await town.balances("escrow", "chargebacks", "chargeback_loss") == [0, 0, 0]
    assert sum(await town.balances(seller, "commission", "payment_fee")) == 1_600
    await shop.audited()


async def test_3_the_fee_of_what_won_here_is_credited(town: Town) -> None:
    """The order is not released, but the half that was disputed is, and paid its fees; the bank takes it, and the
    month's documents say when they were charged."""
    shop = town.shop
    house = {"currency": "USD", "code": "ACME", "name": "Acme", "address": "Hafen 1", "country": "DE", "tax_id": "DE1"}
    assert (await shop.http.post("/v1/operator/fee-entities", json=house, headers=shop.operator)).status_code == 204
    seller = await shop.seller()
    payment, (order,) = await town.buy(await shop.buyer(0), (await shop.offer(seller, 3_000, 10), 2))
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [logistics.NewShipment(order, "dhl", "T")])
        buyer = await tx.conn.fetchval("select buyer_id from orders.order where id = $1", order)
        argued = await disputes.open_dispute(tx, 0, order, buyer, disputes.Claim("not_received", {1: 1}, "Where?"))
        await disputes.act(tx, 0, argued, "buyer", disputes.Word("withdraw"))
    await town.dispute(payment, 6_600, fee_minor=0)
    await shop.audited()
    shop.clock.advance(timedelta(days=35))
    while await shop.db.transact(lambda tx: issue_due(tx, 0)):
        pass
    async with shop.db.read() as reading:
        issued = await reading.conn.fetch("select kind, of_month from invoices.line where kind = 'commission'")
    assert [tuple(line) for line in issued] == [("commission", date(2026, 3, 1))] * 2


async def test_3_what_is_not_sent_abroad_and_charged_back_is_canceled(town: Town) -> None:
    """Shirts of two cells, bought from a third place: of what was paid for the border of what is never sent the bank
    keeps a part, or all; canceled, that is no loss of the operator's, and goods and taxes are where they were."""
    shop = town.shop
    offers, _, _ = await far_offers(shop)
    buyer = await shop.buyer(0, 1)
    codes = ("duties", "escrow", "chargebacks", "chargeback_loss", "gateway")

    async def totals() -> list[int]:
        return [sum([await shop.balance(code, cell=cell) for cell in (0, 1)]) for code in codes]

    payment, sold = await town.buy(buyer, (offers[0], 2), (offers[1], 1), shipping="ddp")
    async with shop.db.read() as tx:
        paid = await tx.conn.fetch("select id, cell, paid_minor, duties_minor from orders.order order by id")
    whole = sum(row["paid_minor"] + row["duties_minor"] for row in paid)
    duties = sum(row["duties_minor"] for row in paid)
    assert await totals() == [duties, whole - duties, 0, 0, -whole]
    told = await town.dispute(payment, whole, fee_minor=0)
    assert await totals() == [duties, whole - duties, -whole, 0, 0]
    await shop.audited()
    # All but 1.00 is lost; 0.67 and 0.33, say, are the buyer's still.
    await town.close(told, "lost", returned_minor=100)
    assert await totals() == [duties, 0, 0, -(duties - 100), -100]
    await shop.audited()
    for order in sold:
        async with shop.db.write() as tx:
            await orders.reject_held(tx, order, NIL, "the bank has it")
    await town.work()
    assert await totals() == [0, 0, 0, 0, 0]
    assert [await shop.stock(offer) for offer in offers] == [(100, 0, 0)] * 2
    await shop.audited()


async def test_3_over_cells_with_the_tax_in_the_price(town: Town) -> None:
    """Two sellers in two cells, of whom the platform owes the tax in the price; bought from either cell. What the bank
    takes is split, frozen in each cell, and takes its share of the tax with it when it is lost; won, all is as it was.
    """
    shop = town.shop
    await shop.open_cell(1)
    sellers = [await in_hamburg(shop), await shop.seller(cell=1)]
    async with shop.db.write() as tx:
        await logistics.import_locations(tx, 1, [5], ["de1"], ["Hamburg"], ["DE"])
    offers = [await shop.offer(one, 1_999, 100, location=5, cell=cell) for cell, one in enumerate(sellers)]
    await shop.http.put("/v1/operator/registrations/OSS", json=IOSS, headers=shop.operator)
    codes = ("gateway", "chargebacks", "escrow", "advanced_tax", "commission", "payment_fee", "chargeback_loss")

    async def books() -> list[int]:
        house = [sum([await shop.balance(code, cell=cell) for cell in (0, 1)]) for code in codes]
        return [*house, await tax(shop, "oss", (0, 1)), *[
            await shop.balance("seller", one, cell=cell) for cell, one in enumerate(sellers)
        ]]  # fmt: skip

    async def since(before: list[int]) -> list[int]:
        return [now - then for now, then in zip(await books(), before, strict=True)]

    for home in (0, 1):
        before = await books()
        buyer = await buyer_in(shop, "DE", home, 0)
        payment, sold = await town.buy(buyer, (offers[0], 2), (offers[1], 1))
        async with shop.db.read() as reading:
            rows = await reading.conn.fetch("select id, cell from orders.order")
        cells = {row["id"]: row["cell"] for row in rows}
        here, there = sorted(sold, key=lambda order: cells[order])
        await town.deliver(here)  # the other is not sent
        # 45.98 and 25.99, of which 7.34 and 4.15 are tax; of the first 4.00 and 0.69 are commission and fee
        sent = [-7_197, 0, 2_599, -415, 400, 69, 0, 734 + 415, 4_598 - 469 - 734, 0]
        assert await since(before) == sent
        told = await town.dispute(payment, 5_000, fee_minor=0)
        # 31.94 + 18.06: of the first 5.09 of tax, 2.77 and 0.47 come back from the seller
        frozen = [-2_197, -5_000, 2_599 + 3_194, -415 - 509, 400 - 277, 69 - 47, 0, 1_149, 1_404 - 123 - 22 - 225, 0]
        assert await since(before) == frozen
        await town.close(told, "won")
        assert await since(before) == sent
        # Once more: 14.04 are of what was left, and 17.90 of what was frozen then. The bank keeps it: with 5.10 of the
        # tax of the first, and of the other, which is not sent, 18.06 with 2.88.
        told = await town.dispute(payment, 5_000, fee_minor=0)
        await town.close(told, "lost")
        kept = [-2_197, 0, 793, -127, 122, 21, 0, 1_149 - 510 - 288, 1_404 - 122 - 21 - 224, 0]
        assert await since(before) == kept
        async with shop.db.write() as tx:
            await orders.reject_held(tx, there, NIL, "the bank has it")
        await town.work()
        assert await since(before) == [-1_404, 0, 0, 0, 122, 21, 0, 224, 1_037, 0]
        await shop.audited()


async def test_3_an_installment_that_the_bank_has_is_not_given_back_again(town: Town) -> None:
    """Of 66.00 in three installments the first is paid and charged back. While the bank has not decided nothing of the
    goods goes back; then what goes back of them is what the buyer has already, and no loss any more."""
    shop = town.shop
    for path, terms in (("credit-terms", CREDIT), ("installment-terms", PLAN)):
        agreed = await shop.http.post(f"/v1/markets/us/{path}", json=terms, headers=shop.operator)
        assert agreed.status_code == 204, agreed.text
    seller = await shop.seller()
    offer = await shop.offer(seller, 3_000, 10)
    buyer = await shop.buyer(0)
    status, placed = await on_installments(buyer, offer, 2, 3)
    assert status == 201
    await town.work(after=timedelta(days=31))
    payment = town.bank.open_payments()[-1]
    town.bank.book.decide(payment.id, "captured")
    await town.work(after=timedelta(minutes=5))
    assert await town.balances("gateway", "funder", "chargeback_loss") == [-2_200, -4_400, 0]
    told = await town.dispute(payment.id, 2_200, fee_minor=0)
    assert await town.balances("gateway", "chargebacks", "chargeback_loss") == [0, 0, -2_200]
    await shop.audited()
    order = (await buyer.send("GET", f"/v1/groups/{placed['id']}")).json()["orders"][0]["id"]
    before = await shop.state("kit.audit_line")
    refused = await buyer.send("POST", f"/v1/orders/{order}/cancel")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/payment_charged_back")
    assert await shop.state("kit.audit_line") == before
    await town.close(told, "lost")
    assert (await buyer.send("POST", f"/v1/orders/{order}/cancel")).status_code == 204
    await town.work()
    assert await town.balances("gateway", "funder", "chargebacks", "chargeback_loss", "escrow") == [0, 0, 0, 0, 0]
    assert await shop.balance("wallet", buyer.id) == 0
    await shop.audited()


async def test_3_an_installment_that_was_paid_twice_and_taken_by_the_bank_is_no_loss(town: Town) -> None:
    """The gateway has captured an installment and we have not heard of it; its buyer pays the whole plan from the
    wallet, and has the bank take the other payment back. What was paid too much is then with its buyer: while the bank
    has not decided nothing is posted, afterwards the loss is none."""
    shop = town.shop
    for path, terms in (("credit-terms", CREDIT), ("installment-terms", PLAN)):
        await shop.http.post(f"/v1/markets/us/{path}", json=terms, headers=shop.operator)
    buyer = await shop.buyer(10_000)
    _, placed = await on_installments(buyer, await shop.offer(await shop.seller(), 3_000, 10), 2, 3)
    await town.work(after=timedelta(days=31))
    payment = town.bank.open_payments()[-1]
    town.bank.book.decide(payment.id, "captured")
    assert (await buyer.send("POST", f"/v1/installments/{placed['id']}/pay", {"what": "all"})).is_success
    async with shop.db.write() as tx:
        assert len(await claim_due(tx, 0, "sandbox", 10)) == 1  # and who took it on dies
    told = await town.dispute(payment.id, 2_200, fee_minor=0)
    for _ in range(2):
        assert await town.balances("gateway", "funder", "chargeback_loss") == [2_200, 0, -2_200]
        await town.work(after=timedelta(hours=2))
    await town.close(told, "lost")
    await town.work(after=timedelta(hours=2))
    assert await town.balances("gateway", "funder", "chargeback_loss") == [0, 0, 0]
    assert await shop.balance("wallet", buyer.id) == 10_000 - 6_600
    await shop.audited()


async def test_py11_the_report_has_disputes(town: Town) -> None:
    """One that is lost but for 20.00, one that is won with its fee, one that is open, an inquiry that took nothing: the
    provider's report fits the books and its own settlements; what it tells otherwise is found, with the amounts."""
    shop, book, clock = town.shop, town.bank.book, town.shop.clock
    offer = await shop.offer(await shop.seller(), 6_000, 100)
    async with shop.db.write() as tx:
        fee = ProviderFee("sandbox", "USD", tx.now, gateway_report.FEE_BP, gateway_report.FEE_FIXED_MINOR, "agreed")
        await set_fee(tx, fee)
    first = clock.now().date()
    payments_ = []
    for _ in range(4):
        payment, (order,) = await town.buy(await shop.buyer(0), (offer, 1))
        payments_.append(payment)
        await town.deliver(order)
    lost, won = await town.dispute(payments_[0], 6_600), await town.dispute(payments_[1], 5_000)
    await town.dispute(payments_[2], 100, inquiry=True)
    await town.work(after=timedelta(days=4))
    await town.dispute(payments_[3], 6_600)
    await town.close(lost, "lost", returned_minor=2_000)
    await town.work(after=timedelta(days=3))
    await town.close(won, "won", fee_back=True)
    await town.work(after=timedelta(days=5))
    lines = gateway_report.lines_of(book.payments.values(), book.refunds.values(), book.disputes.values())
    told = [(line.kind, line.amount_minor, line.fee_minor) for line in lines if line.kind.startswith("dispute")]
    assert sorted(told) == [
        ("dispute", 5_000, 1_500), ("dispute", 6_600, 1_500), ("dispute", 6_600, 1_500), ("dispute_back", 2_000, 0),
        ("dispute_back", 5_000, -1_500),
    ]  # fmt: skip

    async def found(some: list[ReportLine], last: date) -> list[tuple[str, int | None, int | None]]:
        """What a report to this day with these lines differs in; it is not kept."""
        content = gateway_report.report("R", first, last, [*some, *gateway_report.settlements(some)])
        async with shop.db.write() as tx:
            savepoint = tx.conn.transaction()
            await savepoint.start()
            await reconciliation.import_file(tx, shop.keys, content, NIL)
            rows = await tx.conn.fetch(
                "select kind, expected_minor, found_minor from reconciliation.discrepancy where status = 'open' "
                "order by kind, found_minor"
            )
            await savepoint.rollback()
        return [tuple(row) for row in rows]

    last = clock.now().date()
    assert await found(lines, last) == []
    one, back, two, fee_back, three = [line for line in lines if line.kind.startswith("dispute")]
    others = [line for line in lines if not line.kind.startswith("dispute")]
    unlike = [
        replace(one, amount_minor=6_599), replace(two, fee_minor=1_400), replace(three, reference="sd_9"),
        replace(back, amount_minor=2_001), fee_back, replace(fee_back, id="sd_again"),
    ]  # fmt: skip
    assert await found([*others, *unlike], last) == [
        ("duplicate_in_report", 0, 5_000), ("fee_difference", 1_500, 1_400), ("missing_in_books", None, 6_600),
        ("missing_in_report", 6_600, None), ("wrong_amount_in_report", 2_000, 2_001),
        ("wrong_amount_in_report", 6_600, 6_599),
    ]  # fmt: skip
    # What was only asked about is taken in the end: it is missing in no report of the days before.
    asked = next(one.id for one in book.disputes.values() if one.status == "inquiry")
    await town.work(after=timedelta(days=20))
    async with shop.db.write() as tx:
        (due,) = [one for one in await payments.latest_chargebacks(tx, None, 9) if one.external_id == asked]
        taken = DisputeTold(asked, payments_[2], "open", "general", 100, "USD", 100, 0, 0)
        assert await charging_back.record(tx, 0, due.id, taken, is_sent=False)
    assert await found(lines, last) == []


async def test_3_what_comes_back_late_comes_back_each_time(town: Town) -> None:
    """Of 66.00 that are lost 10.00 come back, and 10.00 again, and then the fee: each is posted, once."""
    shop = town.shop
    offer = await shop.offer(await shop.seller(), 6_000, 10)
    payment, (order,) = await town.buy(await shop.buyer(0), (offer, 1))
    await town.deliver(order)
    told = await town.dispute(payment, 6_600)
    await town.close(told, "lost")
    assert await town.balances("gateway", "chargeback_loss", "chargeback_fee") == [1_500, 0, 0]
    for returned, fee in ((1_000, 1_500), (2_000, 1_500), (2_000, 0), (2_000, 0)):
        async with shop.db.write() as tx:
            (one,) = await payments.latest_chargebacks(tx, None, 9)
            late = DisputeTold(told.id, payment, "lost", "general", 6_600, "USD", 6_600, returned, fee)
            assert await charging_back.record(tx, 0, one.id, late, is_sent=False)
        await town.work()
    assert await town.balances("gateway", "chargeback_loss", "chargeback_fee") == [-2_000, 2_000, 1_500]
    await shop.audited()


async def test_3_an_order_gives_back_no_more_than_banks_have_left_of_it(town: Town) -> None:
    """Two orders of 35.00, of which the bank takes 35.00, of each a half. While it decides neither is canceled, though
    the payment has that much; then of each the other half goes back. A refund that the gateway refuses since the bank
    has a part of it is given into the wallet for the rest."""
    shop = town.shop
    offers = [await shop.offer(await shop.seller(), 2_900, 10) for _ in range(2)]
    buyer = await shop.buyer(0)
    payment, sold = await town.buy(buyer, *((offer, 1) for offer in offers))
    told = await town.dispute(payment, 3_500, fee_minor=0)
    before = await shop.state("kit.audit_line")
    for order in sold:
        refused = await buyer.send("POST", f"/v1/orders/{show('ord', order)}/cancel")
        assert (refused.status_code, refused.json()["left_minor"]) == (409, 1_750), refused.text
    assert await shop.state("kit.audit_line") == before
    await town.close(told, "lost")
    for order in sold:
        async with shop.db.write() as tx:
            await orders.reject_held(tx, order, NIL, "the bank has it")
    await town.work()
    assert await town.balances("gateway", "escrow", "chargebacks", "chargeback_loss") == [0, 0, 0, 0]
    await shop.audited()
    payment, (order, _) = await town.buy(buyer, *((offer, 1) for offer in offers))
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/cancel")).status_code == 204
    told = town.bank.book.dispute(payment, DisputeOrder(5_000, fee_minor=0))  # before the refund comes there
    await town.hear()
    # 35.00 are on their way back, 35.00 were left: of 50.00 15.00 are over, and the refund is refused.
    assert await town.balances("gateway", "chargeback_loss") == [1_500, -1_500]
    async with shop.db.read() as reading:
        refund = await reading.conn.fetchval("select id from payments.refund where status = 'failed'")
    path = f"/v1/operator/refunds/{show('rfd', refund)}/credit"
    for status, code in (("open", 409), ("lost", 204)):
        if status == "lost":
            await town.close(told, "lost")
        done = await shop.http.post(path, headers=shop.operator | {"idempotency-key": status})
        assert done.status_code == code, done.text
    assert await town.balances("gateway", "chargeback_loss") == [-2_000, 0]
    assert await shop.balance("wallet", buyer.id) == 2_000
    await shop.audited()
