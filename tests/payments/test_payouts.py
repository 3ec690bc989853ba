"""Payouts: on their days, from so much on, to a bank account, as a file that the bank's schema takes."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from entrepot import ledger
from entrepot.kit.auth import Keys, Role
from entrepot.kit.ids import NIL, new_id, show
from entrepot.ledger import Transfer
from entrepot.payments import BankAccount, SealedOtherwise, add_account, house_account, paying_out, rules
from entrepot.payments.pain import NAMESPACE, Batch, Order, pain_001
from entrepot.payments.paying_out import settle_due
from entrepot.payments.types import BankAccountNotValid, PayoutTerms, Schedule
from entrepot.world.auditor import audit
from tests.iso20022 import schema
from tests.shop import START, Shop, open_shop

HOUSE = "DE89 3704 0044 0532 0130 00"
SELLERS = ("FR14 2004 1010 0505 0001 3M02 606", "GB29 NWBK 6016 1331 9268 19", "NL91ABNA0417164300")


@pytest.mark.parametrize("iban", [HOUSE, *SELLERS, "no93 8601 1117 947", "MT84MALT011000012345MTLCAST001S"])
def test_an_iban_is_taken(iban: str) -> None:
    assert rules.iban_of(iban) == iban.replace(" ", "").upper()


@pytest.mark.parametrize(
    "iban",
    ["DE88370400440532013000", "DE8937040044053201300", "US89370400440532013000", "DEA9370400440532013000",
     "DE89-3704-0044-0532-0130-00", "DE8937040044053201300O", "", "DE8937040044053201300\u0660"],
)  # fmt: skip
def test_a_mistyped_iban_is_refused(iban: str) -> None:
    with pytest.raises(BankAccountNotValid) as refused:
        rules.iban_of(iban)
    assert refused.value.field == "iban"


def test_a_holder_is_written_as_banks_take_it() -> None:
    assert rules.holder_of("  Müller & Söhne  Großhandel ") == "Muller . Sohne Grosshandel"
    for name in ("店主", "x" * 71, " "):
        with pytest.raises(BankAccountNotValid):
            rules.holder_of(name)


@pytest.mark.parametrize(
    ("every", "on_day", "days"),
    [
        ("day", 1, list(range(1, 32))),
        ("week", 1, [2, 9, 16, 23, 30]),  # March 2026 begins on a Sunday
        ("week", 7, [1, 8, 15, 22, 29]),
        ("two_weeks", 1, [2, 16, 30]),
        ("month", 1, [1]),
        ("month", 28, [28]),
    ],
)
def test_payout_days(every: Any, on_day: int, days: list[int]) -> None:
    schedule, month = Schedule(every, on_day), [date(2026, 3, 1) + timedelta(days=n) for n in range(31)]
    assert [day.day for day in month if rules.is_due(schedule, day - timedelta(days=1), day)] == days
    assert all(rules.is_due(schedule, None, day) for day in month)
    # Whoever was away on a payout day makes up for it, once.
    assert rules.is_due(schedule, month[0] - timedelta(days=1), month[-1])
    assert not rules.is_due(schedule, month[-1], month[-1])


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "1234.05"), ("JPY", "123405"), ("KWD", "123.405")])
def test_a_file_is_as_the_schema_says_and_always_the_same(currency: str, amount: str) -> None:
    source, ids = BankAccount("Entrepot", "DE89370400440532013000"), [new_id(START) for _ in range(3)]
    orders = [Order(id_, 123_405, BankAccount("A. <B>", rules.iban_of(iban))) for id_, iban in zip(ids, SELLERS)]  # noqa: B905
    batch = Batch(UUID(int=1), datetime(2026, 3, 2, 9, tzinfo=UTC), date(2026, 3, 2), currency, source, orders)
    written = pain_001(batch)
    assert written == pain_001(batch)
    document = etree.fromstring(written)
    schema("pain.001.001.09").assertValid(document)
    ns = {"p": NAMESPACE}
    assert document.xpath("//p:EndToEndId/text()", namespaces=ns) == [id_.hex for id_ in ids]
    assert document.xpath("//p:InstdAmt/text()", namespaces=ns) == [amount] * 3
    assert set(document.xpath("//p:InstdAmt/@Ccy", namespaces=ns)) == {currency}
    assert document.xpath("//p:CdtrAcct//p:IBAN/text()", namespaces=ns) == [order.to.iban for order in orders]
    assert document.xpath("//p:SvcLvl/p:Cd/text()", namespaces=ns) == (["SEPA"] if currency == "EUR" else [])


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def earn(shop: Shop, seller: UUID, amount_minor: int) -> None:
    async with shop.db.write() as tx:
        cash, account = await ledger.account_ids(tx, 0, ["cash", "seller"], [NIL, seller], ["USD"] * 2)
        await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "top_up", cash, account, amount_minor)])


async def sent(shop: Shop) -> list[tuple[UUID, int, str, bool]]:
    """(seller, amount, status, whether it is in a file) of all payouts, in their order."""
    async with shop.db.read() as tx:
        rows = await tx.conn.fetch("select seller_id, amount_minor, status, file_id from payments.payout order by id")
    return [(row[0], row[1], row[2], row[3] is not None) for row in rows]


async def suspects(shop: Shop) -> list[tuple[str, str]]:
    """What the auditor finds, but for the earnings that `earn` gave away."""
    report = await audit(shop.db, 0)
    return [(one.check, one.row) for one in report.findings if one.check not in ("transfer_way", "payout_limit")]


async def ask(shop: Shop, path: str, body: Any = None, seller: UUID | None = None) -> tuple[int, Any]:
    headers = shop.operator if seller is None else shop.session(Role.SELLER, NIL, seller)
    answer = await shop.http.request("GET" if body is None else "POST", path, json=body, headers=headers)
    return answer.status_code, answer.json() if answer.content else None


async def test_payouts_by_terms_into_a_file(shop: Shop) -> None:
    """Without terms and bank account everything goes out every other Monday. Then: each Friday from 5.00 on, for one
    seller each month, by a file; who has no bank account waits until there is one."""
    first, second, third = [await shop.seller() for _ in range(3)]
    for seller in (first, second, third):
        await earn(shop, seller, 1_000)
    await shop.run()  # a Monday
    assert await sent(shop) == [(seller, 1_000, "sent", False) for seller in sorted((first, second, third))]

    terms = {"currency": "USD", "valid_from": "2026-03-03T00:00:00Z", "source": "tests"}
    weekly = terms | {"every": "week", "on_day": 5, "minimum_minor": 500}
    assert (await ask(shop, "/v1/operator/payout-terms", weekly | {"on_day": 8}))[0] == 400
    assert (await ask(shop, "/v1/operator/payout-terms", weekly | {"currency": "EUR"}))[0] == 404
    assert (await ask(shop, "/v1/operator/payout-terms", weekly))[0] == 204
    state = await shop.state()
    assert (await ask(shop, "/v1/operator/payout-terms", weekly))[1]["type"] == "/problems/payout_terms_not_later"
    assert await shop.state() == state
    own = terms | {"every": "month", "on_day": 28, "seller_id": show("sel", third)}
    assert (await ask(shop, "/v1/operator/payout-terms", own))[0] == 204

    house = {"currency": "USD", "holder": "Entrepot Ltd", "iban": HOUSE}
    assert (await ask(shop, "/v1/operator/bank-accounts", house))[0] == 204
    for seller, iban in zip((first, third), SELLERS[1:], strict=True):
        body = {"currency": "USD", "holder": "Ada Byron", "iban": iban}
        assert (await ask(shop, "/v1/seller/bank-accounts", body, seller))[0] == 204
    refused = await ask(shop, "/v1/seller/bank-accounts", house | {"iban": HOUSE[:-1] + "1"}, second)
    assert (refused[1]["type"], refused[1]["field"]) == ("/problems/bank_account_not_valid", "iban")
    assert (await ask(shop, "/v1/seller/bank-accounts", seller=second))[1] == {"items": []}
    (shown,) = (await ask(shop, "/v1/seller/bank-accounts", seller=first))[1]["items"]
    assert shown == {"currency": "USD", "ending": "6819", "added_at": "2026-03-02T09:00:00Z"}

    for seller in (second, third):
        await earn(shop, seller, 700)
    await earn(shop, first, 499)
    await shop.run(after=timedelta(days=3, hours=23))  # Friday: one has too little, one no bank account, one waits
    assert len(await sent(shop)) == 3
    await earn(shop, first, 1)
    await shop.run()  # the day's run is over
    assert len(await sent(shop)) == 3
    await ask(shop, "/v1/seller/bank-accounts", house | {"iban": SELLERS[0]}, second)
    await shop.run(after=timedelta(days=8))  # nobody ran on the next Friday: the Saturday makes up for it
    assert (await sent(shop))[3:] == [
        (seller, owed, "sent", True) for seller, owed in sorted([(first, 500), (second, 700)])
    ]
    await shop.run(after=timedelta(days=14))  # the 28th, a Saturday
    assert (await sent(shop))[5:] == [(third, 700, "sent", True)]
    # What is in a file waits for the bank's word, and only that.
    assert [status for _, _, status, _ in await sent(shop)] == ["settled"] * 3 + ["sent"] * 3

    latest, one = (await ask(shop, "/v1/operator/bank-files"))[1]["items"]
    assert (one["day"], one["payouts"], one["total_minor"], latest["total_minor"]) == ("2026-03-14", 2, 1_200, 700)
    content = (await ask(shop, f"/v1/operator/bank-files/{one['id']}"))[1]["content"]
    await ask(shop, "/v1/seller/bank-accounts", house, first)
    assert (await ask(shop, f"/v1/operator/bank-files/{one['id']}"))[1]["content"] == content
    document = etree.fromstring(b64decode(content))
    schema("pain.001.001.09").assertValid(document)
    assert document.xpath("//p:CtrlSum/text()", namespaces={"p": NAMESPACE}) == ["12.00", "12.00"]
    async with shop.db.read() as tx:
        rows = await tx.conn.fetch("select * from payments.bank_account")
        logged = str(await tx.conn.fetch("select data from kit.event")) + str(rows)
    assert len(rows) == 5
    assert not any(secret in logged for secret in ("Byron", "DE893704", "601613319268", "ABNA0417"))
    assert await suspects(shop) == []


async def test_the_house_is_known_by_its_account_in_a_currency_and_by_any_secret_that_is_right(shop: Shop) -> None:
    """After a change of the secret the house gives its account again, and for another currency the same IBAN."""
    old, new, iban = Keys(b"a secret of the house"), Keys(b"another one of it"), rules.iban_of(HOUSE)
    async with shop.db.write() as tx:
        await add_account(tx, old, 0, NIL, "USD", BankAccount("Entrepot", iban), NIL)
        with pytest.raises(SealedOtherwise):
            await house_account(tx, new, iban, "USD")
        for currency in ("USD", "EUR"):
            await add_account(tx, new, 0, NIL, currency, BankAccount("Entrepot", iban), NIL)
        found = [await house_account(tx, new, iban, currency) for currency in ("USD", "EUR", "JPY")]
    assert [one and (one.currency, one.ending) for one in found] == [("USD", "3000"), ("EUR", "3000"), None]


async def test_a_run_locks_whom_it_pays_and_its_files_have_a_limit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three sellers one is not due: what is released to it waits for no run."""
    monkeypatch.setattr(paying_out, "IN_FILE_MAX", 1)
    sellers = [await shop.seller() for _ in range(3)]
    async with shop.db.write() as tx:
        for owner in (NIL, *sellers):
            await add_account(tx, Keys(b"a secret"), 0, owner, "USD", BankAccount("Ada", rules.iban_of(HOUSE)), NIL)
        terms = PayoutTerms("USD", sellers[2], shop.clock.now(), "month", 28, 1, "tests")
        await paying_out.set_terms(tx, terms)
        await paying_out.pay_out(tx, 0)
    for seller in sellers:
        await earn(shop, seller, 600)
    shop.clock.advance(timedelta(days=14))
    async with shop.db.write() as tx, asyncio.timeout(5):
        await ledger.lock(tx, 0, await ledger.account_ids(tx, 0, ["seller"], sellers[2:], ["USD"]))
        async with shop.db.write() as run:
            assert await paying_out.pay_out(run, 0) == 2
    files = (await ask(shop, "/v1/operator/bank-files"))[1]["items"]
    assert [(one["day"], one["payouts"], one["total_minor"]) for one in files] == [("2026-03-16", 1, 600)] * 2
    assert await suspects(shop) == []


async def test_a_refused_payout_holds_up_no_other_and_comes_back_after_it_was_settled(shop: Shop) -> None:
    """Of two payouts that are past their time the ledger refuses one, whose hold somebody has ended; the other is
    settled, and the bank returns it late: it is the seller's again by an entry of its own."""
    first, second = sorted([await shop.seller(), await shop.seller()])
    for seller in (first, second):
        await earn(shop, seller, 1_000)
    await shop.run()
    async with shop.db.write() as tx:
        refused, settled = [row[0] for row in await tx.conn.fetch("select id from payments.payout order by id")]
        await ledger.post_all(tx, 0, [ledger.Void(refused, "payout")])
    shop.clock.advance(timedelta(days=5))
    async with shop.db.write() as tx:
        assert await settle_due(tx, 0) == 2
    async with shop.db.write() as tx:
        assert await settle_due(tx, 0) == 0  # until tomorrow
    assert [status for _, _, status, _ in await sent(shop)] == ["sent", "settled"]
    assert (await shop.balance("seller", second), await shop.balance("payout")) == (0, 1_000)

    shop.clock.advance(timedelta(hours=1))
    path = f"/v1/operator/payouts/{show('pay', settled)}/return"
    assert (await ask(shop, path, {}))[0] == 204
    assert (await shop.balance("seller", second), await shop.balance("payout")) == (1_000, 0)
    state = await shop.state()
    assert (await ask(shop, path, {}))[1]["payout_status"] == "returned"
    assert await shop.state() == state
    staff = shop.session(Role.SELLER, NIL, second)
    period = {"currency": "USD", "first": "2026-03-01", "last": "2026-03-31"}
    lines = (await shop.http.get("/v1/seller/statement", params=period, headers=staff)).json()["lines"]
    assert [(line["code"], line["amount_minor"], line["event"]) for line in lines[1:]] == [
        ("payout", -1_000, show("pay", settled)), ("payout_return", 1_000, show("pay", settled)),
    ]  # fmt: skip
    assert await suspects(shop) == [("payout", f"payments.payout {refused}")]
    await shop.run(after=timedelta(days=9))
    assert (await sent(shop))[-1][:3] == (second, 1_000, "sent")
