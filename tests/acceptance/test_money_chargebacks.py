"""Chargebacks: parts 3 and 6 of money that ties, and row PY5. A cardholder turns to the bank: every event is split into
what sums to it, whoever is liable bears it, and the books, the provider and the statement say the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from entrepot import disputes, logistics, orders, payments, webhooks
from entrepot.catalog import Price
from entrepot.chargebacks import actions
from entrepot.chargebacks.types import EVIDENCE_MAX, EvidenceFull, Rule
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import NotFound
from entrepot.world.gateway_book import DisputeOrder
from tests.acceptance.banks import Town, open_town


@pytest.fixture
async def town(own_db_url: str) -> AsyncIterator[Town]:
    async with open_town(own_db_url) as opened:
        yield opened


async def test_py5_each_event_is_split_and_sums(town: Town) -> None:
    """Of 66.00 and 46.00, both released, the bank takes 50.00 and a fee of 15.00. The first seller is liable by a rule;
    for the other the operator is. The bank keeps 20.00 in the end."""
    shop = town.shop
    a, b = await shop.seller(), await shop.seller()
    offers = [await shop.offer(a, 6_000, 10), await shop.offer(b, 4_000, 10)]
    async with shop.db.write() as tx:
        await actions.add_rule(tx, Rule(None, a, None, tx.now, "seller", "agreed"))
        for owner in (a, NIL):
            told_of = ["chargeback.taken", "chargeback.decided"]
            await webhooks.add(tx, shop.keys, owner, "https://a.example/", told_of, private=False)
    payment, sold = await town.buy(await shop.buyer(0), (offers[0], 1), (offers[1], 1))
    await town.deliver(*sold)
    assert await town.balances(a, b) == [5_901, 4_131]  # 6,600 - 600 - 99; 4,600 - 400 - 69
    dispute = await town.dispute(payment, 5_000, reason="product_not_received")
    # 5,000 = 2,946 + 2,054 by 6,600 : 4,600, and 1,500 = 884 + 616. Of the first seller 2,946 are called back, with 267
    # and 44 of its commission and fee; of the other nothing.
    assert await town.balances("gateway", "chargebacks", "escrow", "chargeback_fee") == [-4_700, -5_000, 2_946, -616]
    assert await town.balances(a, b, "commission", "payment_fee") == [2_382, 4_131, 733, 124]
    async with shop.db.write() as tx:  # who says too much takes the word from nobody else
        (told,) = await payments.latest_chargebacks(tx, None, 10)
        for said in range(EVIDENCE_MAX):
            await actions.add_evidence(tx, told.id, f"Again: {said}", None, seller=(0, a))
        for other in ((0, b), None):
            await actions.add_evidence(tx, told.id, "Signed for.", None, seller=other)
        with pytest.raises(EvidenceFull):
            await actions.add_evidence(tx, told.id, "And again.", None, seller=(0, a))
    await shop.audited()
    await town.close(dispute, "lost", returned_minor=3_000)
    # The bank keeps 2,000 = 1,178 + 822. The first is paid by what was frozen, and the rest of that is released.
    assert await town.balances("gateway", "chargebacks", "escrow", "chargeback_loss") == [-7_700, 0, 0, -822]
    assert await town.balances(a, b, "commission", "payment_fee") == [3_962, 4_131, 894, 151]
    async with shop.db.read() as tx:  # the first seller is told of its share, the house of both
        rows = await tx.conn.fetch(
            "select d.type, (body::jsonb #> '{data,amount_minor}')::int, (body::jsonb #> '{data,lost_minor}')::int, "
            "count(*) from webhooks.delivery d group by 1, 2, 3 order by 1 desc, 2"
        )
    taken, decided = "chargeback.taken", "chargeback.decided"
    assert [tuple(row) for row in rows] == [
        (taken, 2_054, None, 1), (taken, 2_946, None, 2), (decided, 2_054, 822, 1), (decided, 2_946, 1_178, 2),
    ]  # fmt: skip
    await shop.audited()


async def test_py5_after_the_payout_won_and_lost(town: Town) -> None:
    """Whoever was paid out owes it; what the bank gives back is the exact reverse, and its fee, too."""
    shop = town.shop
    seller = await shop.seller()
    offer = await shop.offer(seller, 6_000, 10)
    async with shop.db.write() as tx:
        await actions.add_rule(tx, Rule("us", None, None, tx.now, "seller", "agreed"))
    payment, sold = await town.buy(await shop.buyer(0), (offer, 1))
    await town.deliver(*sold)
    await town.work(after=timedelta(days=21))
    await town.work(after=timedelta(days=6))
    codes = (seller, "gateway", "chargebacks", "escrow", "commission", "payment_fee", "chargeback_fee")
    before = await town.balances(*codes)
    assert before == [0, -6_600, 0, 0, 600, 99, 0]
    dispute = await town.dispute(payment, 6_600)
    assert await town.balances(*codes) == [-7_401, 1_500, -6_600, 6_600, 0, 0, 0]  # 5,901 and the fee
    await shop.audited()
    await town.close(dispute, "won", fee_back=True)
    assert await town.balances(*codes) == before
    await shop.audited()
    payment, sold = await town.buy(await shop.buyer(0), (offer, 1))
    await town.deliver(*sold)
    assert await shop.balance("seller", seller) == 5_901
    await town.close(await town.dispute(payment, 6_600), "lost")
    assert await town.balances(*codes, "chargeback_loss") == [-1_500, -5_100, 0, 0, 600, 99, 0, 0]
    await shop.audited()


async def test_py5_what_is_not_sent_is_held(town: Town) -> None:
    """It is neither sent nor given back while the bank decides; lost, escrow pays, and its goods go back."""
    shop = town.shop
    seller = await shop.seller()
    offer = await shop.offer(seller, 6_000, 10)
    buyer = await shop.buyer(0)
    payment, (order,) = await town.buy(buyer, (offer, 1))
    dispute = await town.dispute(payment, 6_600)
    before = await shop.state("kit.audit_line")
    refused = await buyer.send("POST", f"/v1/orders/{show('ord', order)}/cancel")
    assert (refused.status_code, refused.json()["left_minor"]) == (409, 0), refused.text
    assert await shop.state("kit.audit_line") == before
    with pytest.raises(orders.OrderHeld):
        await town.deliver(order)
    await shop.audited()
    await town.close(dispute, "lost")
    assert await town.balances("gateway", "escrow", "chargebacks", "chargeback_loss", seller) == [1_500, 0, 0, 0, 0]
    async with shop.db.write() as tx:
        await orders.reject_held(tx, order, NIL, "the bank has it")
    await town.work()
    assert (await shop.stock(offer), await shop.balance("gateway")) == ((10, 0, 0), 1_500)
    await shop.audited()
    payment, (order,) = await town.buy(buyer, (offer, 1))
    await town.close(await town.dispute(payment, 6_600), "won")
    await town.deliver(order)
    assert await shop.balance("seller", seller) == 5_901
    await shop.audited()


async def test_3_a_dispute_here_and_a_refund_meet_the_bank(town: Town) -> None:
    """What is disputed here the bank decides instead; nothing is given back twice, and what the bank takes beyond what
    was left, since a refund crossed it, is the operator's loss at once."""
    shop = town.shop
    seller = await shop.seller()
    offer = await shop.offer(seller, 3_000, 10)
    buyer = await shop.buyer(0)
    payment, (order,) = await town.buy(buyer, (offer, 2))
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [logistics.NewShipment(order, "dhl", "T")])
        claim = disputes.Claim("wrong_or_damaged", {1: 1}, "Broken.")
        argued = await disputes.open_dispute(tx, 0, order, buyer.id, claim)
        await orders.refund_amount(tx, 0, order, 1, 200, "a scratch", seller_id=seller)
    await town.work()
    told = await town.dispute(payment, 6_600)  # 6,600 were paid, of which 200 are on their way back
    assert await town.balances("gateway", "escrow", "chargebacks", "chargeback_loss") == [1_700, 6_400, -6_400, -200]
    async with shop.db.read() as reading:
        assert (await disputes.dispute_view(reading, 0, argued)).dispute.status == "at_bank"
    with pytest.raises(orders.AmountNotLeft):
        await shop.db.transact(lambda tx: orders.refund_amount(tx, 0, order, 1, 1, "more", seller_id=seller))
    await shop.audited()
    async with shop.db.write() as tx:
        await actions.add_rule(tx, Rule(None, None, None, tx.now, "seller", "too late for this one"))
    await town.close(told, "lost")
    # The operator bears it, since there was no rule: the seller has what it sent, less commission and fee.
    assert await town.balances("escrow", "chargebacks", "chargeback_loss") == [0, 0, -6_600]
    async with shop.db.read() as reading:
        assert (await disputes.dispute_view(reading, 0, argued)).dispute.granted == Price(0, "USD")
    await shop.audited()
    async with shop.db.write() as tx:
        await actions.add_rule(tx, Rule(None, None, None, tx.now, "operator", "changed"))
    payment, (order,) = await town.buy(buyer, (offer, 2))
    await town.deliver(order)
    await town.dispute(payment, 6_600)  # released, and nobody's to call back: but it is given back by nobody either
    before = await shop.state()
    with pytest.raises(payments.PaymentChargedBack):
        await shop.db.transact(lambda tx: orders.refund_amount(tx, 0, order, 1, 1, "more", seller_id=seller))
    with pytest.raises(payments.PaymentChargedBack):
        await shop.db.transact(lambda tx: disputes.open_dispute(tx, 0, order, buyer.id, claim))
    assert await shop.state() == before


async def test_6_lost_letters_are_found_and_evidence_is_sent_in_time(town: Town) -> None:
    """No webhook comes: the gateway is asked what it has. What was said is sent before the deadline, by itself; the
    provider's report has the dispute and its fee, and fits the books."""
    shop = town.shop
    seller = await shop.seller()
    offer = await shop.offer(seller, 6_000, 10)
    payment, (order,) = await town.buy(await shop.buyer(0), (offer, 1))
    await town.deliver(order)
    dispute = town.bank.book.dispute(payment, DisputeOrder(6_600))
    await town.work(after=payments.LISTED_EVERY)
    assert await shop.balance("chargebacks") == -6_600
    async with shop.db.write() as tx:
        (told,) = await payments.latest_chargebacks(tx, None, 10)
        await actions.add_evidence(tx, told.id, "Signed for by the neighbor.", None, seller=(0, seller))
    with pytest.raises(NotFound):
        async with shop.db.write() as tx:
            await actions.add_evidence(tx, told.id, "Mine!", None, seller=(0, NIL))
    await town.work(after=timedelta(days=5, hours=22))
    assert town.bank.book.disputed(dispute.id).evidence == ""
    await town.work(after=timedelta(hours=2))
    assert town.bank.book.disputed(dispute.id).evidence == "seller: Signed for by the neighbor."
    with pytest.raises(payments.EvidenceTooLate):
        async with shop.db.write() as tx:
            await actions.send_evidence(tx, told.id)
    await town.close(dispute, "won")
    await shop.audited()
