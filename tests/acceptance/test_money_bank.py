"""Payouts and the bank: part 8 of money that ties; the other parts are in test_money.py."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from entrepot import ledger, payments, sellers
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, show
from entrepot.ledger import Transfer
from entrepot.reconciliation.actions import reconcile
from entrepot.world import bank, gateway_report
from entrepot.world.month import MISTAKES, Month, month
from tests.acceptance.test_money import ask
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


IBANS = {"USD": "DE89370400440532013000", "EUR": "GB29NWBK60161331926819"}
FIRST = START.date()


async def _month(shop: Shop, seller_ids: list[UUID], first: date) -> None:
    """Four weeks of payments through a gateway, some given back (rows, as the gateway's side of the shop leaves them),
    and of sellers who earn and are paid out each Monday by a file."""
    shop.clock.move_to(datetime.combine(first, time(9), UTC))
    for number in range(28):
        async with shop.db.write() as tx:
            back = 700 + number
            for payment in (ids := [new_id(tx.now) for _ in range(4)]):
                await tx.conn.execute(
                    "insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, "
                    "refunded_minor, status, external_id, created_at, captured_at) "
                    "values (0, $1::uuid, $1, $1, 'sandbox', 'USD', $2, $3, 'captured', $1::text, $4, $4)",
                    payment, 5_000 + 37 * number, back, tx.now,
                )  # fmt: skip
            await tx.conn.execute(
                "insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, reason, "
                "created_at) values (0, $1, $2, $2, $2, $3, 'done', 'refund', $4)",
                new_id(tx.now), ids[0], back, tx.now,
            )  # fmt: skip
            cash, *mine = await ledger.account_ids(tx, 0, ["cash"] + ["seller"] * 4, [NIL, *seller_ids], ["USD"] * 5)
            earned = [Transfer(new_id(tx.now), "top_up", cash, account, 1_000 + number) for account in mine]
            await ledger.post_all(tx, 0, earned)
        await shop.run(after=timedelta(days=1))


async def _told(shop: Shop, made: Month, name: str, first: date) -> list[tuple[int, Any]]:
    """What the bank and the provider send of a month, imported: the report, and a statement for each currency."""
    last = first + timedelta(days=40)
    files = [gateway_report.report(name, first, last, made.lines)]
    for currency, iban in IBANS.items():
        entries = [entry for entry in made.entries if entry.currency == currency]
        files.append(bank.statement(name, iban, currency, first, last, 100_000, entries))
    return [
        await ask(shop, "/v1/operator/bank-imports", {"content": b64encode(file).decode()}, shop.operator)
        for file in files
    ]


async def test_8_payouts_and_reconciliation(shop: Shop) -> None:
    """Weekly payouts by files for the bank. Of a clean month everything matches, and its payouts are settled by the
    statement. Into the next one twelve mistakes are planted, of twelve kinds: exactly those are found, once, however
    often it is told. The payout that came back is the seller's again; a person says what a discrepancy was."""
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("de", "Germany", "EUR", "de"))
    for currency, iban in IBANS.items():
        house = {"currency": currency, "holder": "Entrepot", "iban": iban}
        assert (await ask(shop, "/v1/operator/bank-accounts", house, shop.operator))[0] == 204
        fee = {"provider": "sandbox", "currency": currency, "valid_from": "2026-01-01T00:00:00Z", "source": "tests"}
        terms = {"fee_bp": gateway_report.FEE_BP, "fixed_minor": gateway_report.FEE_FIXED_MINOR}
        assert (await ask(shop, "/v1/operator/provider-fees", fee | terms, shop.operator))[0] == 204
    weekly = {"currency": "USD", "valid_from": f"{START:%Y-%m-%d}T00:00:00Z", "every": "week", "source": "tests"}
    assert (await ask(shop, "/v1/operator/payout-terms", weekly, shop.operator))[0] == 204
    seller_ids = [await shop.seller() for _ in range(4)]
    for seller in seller_ids:
        account = {"currency": "USD", "holder": "A Seller", "iban": "NL91ABNA0417164300"}
        staff = shop.session(Role.SELLER, NIL, seller)
        assert (await ask(shop, "/v1/seller/bank-accounts", account, staff))[0] == 204

    async def queue(status: str = "open") -> list[dict[str, Any]]:
        path = f"/v1/operator/discrepancies?status={status}"
        items: list[dict[str, Any]] = (await shop.http.get(path, headers=shop.operator)).json()["items"]
        return items

    second, known, made = FIRST + timedelta(days=42), list[payments.Fact](), Month(Random(0), [])
    for first, planted in ((FIRST, ()), (second, MISTAKES)):
        await _month(shop, seller_ids, first)
        async with shop.db.read() as reading:
            facts = await payments.facts(reading, "sandbox", first, first + timedelta(days=40), [])
        known = [fact for fact in facts if fact.day >= first]
        made = month(known, 7, planted, f"{IBANS['USD'][-4:]} {first}")
        answers = await _told(shop, made, f"{first}", first)
        assert [(status, told["new"]) for status, told in answers] == [(201, True)] * 3
        found = {(one["kind"], one["subject"]) for one in await queue()}
        assert found == made.planted
        assert {kind for kind, _ in found} == set(planted)
        assert answers[-1][1]["discrepancies"] == len(planted)
    assert await queue("cleared") == []

    async with shop.db.read() as reading:
        rows = await reading.conn.fetch("select status, count(*) from payments.payout group by status")
    # In each month five runs for four sellers; one payout came back, and one the bank has never sent.
    assert dict(rows) == {"settled": 38, "returned": 1, "sent": 1}
    (returned,) = [one for one in await queue() if one["kind"] == "payout_returned"]
    async with shop.db.read() as reading:
        back = await reading.conn.fetchrow(
            "select t.amount, a.owner from ledger.transfer t join ledger.account a on a.id = t.credit "
            "where t.code = 'payout_return'"
        )
    assert back is not None
    assert back[0] == returned["found_minor"]
    assert back[1] in seller_ids

    state = await shop.state("kit.audit_line")
    again = await _told(shop, made, f"{second}", second)
    assert [(status, told["new"], told["discrepancies"]) for status, told in again] == [(201, False, 12)] * 3
    assert (await _told(shop, month(known, 8, MISTAKES, f"{second}"), f"{second}", second))[0][1]["type"] == (
        "/problems/told_otherwise"
    )
    assert await shop.state("kit.audit_line") == state
    one, *others = await queue()
    path = f"/v1/operator/discrepancies/{one['id']}/resolve"
    assert (await ask(shop, path, {"note": "The provider has told it in April."}, shop.operator))[0] == 204
    assert (await ask(shop, path, {"note": "Again."}, shop.operator))[1]["discrepancy_status"] == "resolved"
    async with shop.db.write() as tx:
        await reconcile(tx, FIRST, second + timedelta(days=40))
    assert await queue() == others
    (resolved,) = await queue("resolved")
    assert (resolved["note"], resolved["ended_by"]) == ("The provider has told it in April.", show("usr", NIL))
