"""Metered use: an event of it that is sent three times with different filters is billed once (case 18 of the peak)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot import fees
from entrepot.kit.auth import Role
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, show
from entrepot.metering.actions import bill_due
from tests.acceptance.test_money import ask
from tests.shop import MARKET, Shop, open_shop

MARCH, APRIL = "2026-03-01", "2026-04-01"
CHANNELS = {"sms": "0.05", "mail": "0.001", "push": "0.0001"}
"""What a message costs, in dollars."""
MESSAGES = {"sms": 35, "mail": 1, "push": 0}
"""What seven cost, in cents."""


class CrashError(Exception):
    pass


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        async with opened.db.write() as tx:
            await tx.conn.execute(
                "insert into trade.law (country, kind, valid_from, facts, citation, source) "
                "values ('DE', 'tax', '2021-01-01', '{\"name\": \"VAT\", \"rate\": \"19\"}', 'tests', 'tests')"
            )
            await fees.add_entity(tx, fees.Entity("USD", tx.now, "ACME", "Acme Markets GmbH", "Hafen 1", "DE", "DE1"))
        yield opened


async def _meters(shop: Shop) -> None:
    """Calls by region, the largest storage, and messages by channel, each with prices from today on."""
    for code, unit, combine, filter_by in (
        ("api_calls", "calls", "sum", "region"), ("storage", "GB", "max", ""), ("messages", "messages", "sum", "by"),
    ):  # fmt: skip
        meter = {"code": code, "name": code.title(), "unit": unit, "combine": combine, "filter_by": filter_by}
        assert (await ask(shop, "/v1/operator/meters", meter, shop.operator))[0] == 204
        assert (await ask(shop, "/v1/operator/meters", meter, shop.operator))[0] == 409
    await _price(shop, "api_calls", "0.0125")
    await _price(shop, "api_calls", "0", "0.0004", filter="eu")
    await _price(shop, "storage", "0.023")
    for channel, price in CHANNELS.items():
        await _price(shop, "messages", price, filter=channel)


async def _price(shop: Shop, meter: str, *prices: str, status: int = 204, **more: Any) -> None:
    """The second price is of what is over a thousand."""
    tiers = [{"unit_price": price, "over": 1_000 * i} for i, price in enumerate(prices)]
    body = {"currency": "USD", "tiers": tiers, "source": "tests"} | more
    told = await ask(shop, f"/v1/operator/meters/{meter}/prices", body, shop.operator)
    assert told[0] == status, told
    assert status != 409 or told[1]["soonest"] == "2026-03-03"


def _event(seller: UUID, id_: str, meter: str, quantity: int, at: datetime, **properties: str) -> dict[str, Any]:
    return {
        "id": id_, "seller_id": show("sel", seller), "market": MARKET, "meter": meter, "quantity": quantity,
        "at": at.isoformat(), "properties": properties,
    }  # fmt: skip


async def _report(shop: Shop, *events: dict[str, Any]) -> list[tuple[str, str | None]]:
    status, told = await ask(shop, "/v1/operator/usage-events", {"items": list(events)}, shop.operator)
    assert status == 200, told
    return [(one["said"], one["month"]) for one in told["items"]]


async def _usage(shop: Shop, seller: UUID, month: str) -> Any:
    headers = shop.session(Role.SELLER, NIL, seller)
    own = (await shop.http.get(f"/v1/seller/usage?month={month}", headers=headers)).json()
    path = f"/v1/sellers/{show('sel', seller)}/usage?month={month}"
    assert (await shop.http.get(path, headers=shop.operator)).json() == own
    assert (await shop.http.get(path, headers=headers)).status_code == 403
    return own


async def test_18_usage_is_billed_once(shop: Shop) -> None:
    """Whatever a repeat says, at once or later, over a crash and by several workers: one event, on one bill, to the
    cent. A price changes within the month, some use comes late, another seller has an event of the same name; the
    invoice and the statement say what the bill says."""
    seller, other = await shop.seller(), await shop.seller()
    async with shop.db.write() as tx:
        for one in (seller, other):
            await fees.set_billing(tx, fees.Billing(one, tx.now, "A Seller", "Street 2", "DE", ""))
    await _meters(shop)
    first = _event(seller, "e-1", "api_calls", 3, shop.clock.now(), region="us")
    channel = await _sent_three_times(shop, first, seller)
    await _refused(shop, first, seller)
    assert await _report(shop, _event(other, "e-1", "storage", 1, shop.clock.now())) == [("accepted", MARCH)]
    await _used_in_march(shop, seller)
    march = [
        ("api_calls", "eu", MARCH, 1_000, "0.00", 0), ("api_calls", "eu", MARCH, 500, "0.0004", 20),
        ("api_calls", "us", MARCH, 3, "0.0125", 4), ("api_calls", "us", MARCH, 5, "0.02", 10),
        ("messages", channel, MARCH, 7, CHANNELS[channel], MESSAGES[channel]),
        ("storage", "", MARCH, 130, "0.023", 299),
    ]  # fmt: skip
    net, tax = 333 + MESSAGES[channel], {"sms": 70, "mail": 63, "push": 63}[channel]
    (so_far,) = (await _usage(shop, seller, "2026-03"))["items"]
    assert (_lines(so_far), so_far["net"]["minor"], so_far["bill"]) == (march, net, None)
    (stored,) = [one for one in so_far["meters"] if one["meter"] == "storage"]
    assert [(day["day"], day["quantity"]) for day in stored["days"]] == [
        ("2026-03-05", 100), ("2026-03-12", 130), ("2026-03-25", 90),
    ]  # fmt: skip

    await _billed_over_a_crash(shop)
    assert await shop.balance("seller", seller) == -net - tax
    assert await shop.balance("seller", other) == -2
    (billed,) = (await _usage(shop, seller, "2026-03"))["items"]
    assert (_lines(billed), billed["net"]["minor"], billed["bill"]["tax"]["minor"]) == (march, net, tax)
    await _late(shop, first, seller)
    assert await shop.balance("cloud_fees") == net + 2 + 55
    assert await shop.balance("seller", seller) == -net - tax - 55 - 10

    await _papers(shop, seller, march, net, tax)
    staff = shop.session(Role.SELLER, NIL, other)
    theirs = (await shop.http.get("/v1/seller/usage-events?month=2026-03", headers=staff)).json()["items"]
    assert [(one["id"], one["meter"], one["quantity"]) for one in theirs] == [("e-1", "storage", 1)]
    totals = (await shop.http.get("/v1/operator/usage?month=2026-03", headers=shop.operator)).json()["items"]
    assert [
        (t["meter"], t["filter"], t["sellers"], t["events"], t["quantity"], t["billed"]["minor"]) for t in totals
    ] == [
        ("api_calls", "eu", 1, 1, 1_500, 20), ("api_calls", "us", 1, 2, 8, 14),
        ("messages", channel, 1, 1, 7, MESSAGES[channel]), ("storage", "", 2, 4, 131, 301),
    ]  # fmt: skip
    await shop.audited()


async def _sent_three_times(shop: Shop, first: dict[str, Any], seller: UUID) -> str:
    """With different filters: one after the other in a batch, and another event at once, of which one wins; by which
    channel that was."""
    three = [first, *(first | {"properties": {"region": region}} for region in ("eu", "asia"))]
    assert await _report(shop, *three) == [("accepted", MARCH), ("conflict", MARCH), ("conflict", MARCH)]
    sent = [_event(seller, "e-2", "messages", 7, shop.clock.now(), by=channel) for channel in CHANNELS]
    told = [verdict for (verdict,) in await asyncio.gather(*(_report(shop, one) for one in sent))]
    assert sorted(told) == [("accepted", MARCH), ("conflict", MARCH), ("conflict", MARCH)]
    channel = list(CHANNELS)[told.index(("accepted", MARCH))]
    assert await _report(shop, first, *sent) == [
        ("duplicate", MARCH), *(("duplicate" if by == channel else "conflict", MARCH) for by in CHANNELS),
    ]  # fmt: skip
    return channel


async def _refused(shop: Shop, first: dict[str, Any], seller: UUID) -> None:
    """What cannot be taken is told one by one, and changes nothing; nor does a price for a day that has begun."""
    now, before = shop.clock.now(), await shop.state("kit.audit_line")
    told = await _report(
        shop, first | {"seller_id": show("sel", NIL)}, first | {"id": "a", "market": "x"},
        first | {"id": "b", "meter": "x"}, _event(seller, "c", "api_calls", 1, now + timedelta(seconds=1)),
        _event(seller, "d", "api_calls", 1, now - timedelta(days=62, seconds=1)),
        _event(seller, "e", "api_calls", 1, now - timedelta(days=1)), first | {"meter": "x"},
    )  # fmt: skip
    assert [said for said, _ in told] == [
        "unknown_seller", "unknown_market", "unknown_meter", "in_future", "too_old", "no_price", "conflict",
    ]  # fmt: skip
    await _price(shop, "api_calls", "0.02", status=409, valid_from="2026-03-02")
    await _price(shop, "storage", "0.02", status=400, filter="eu")
    await _price(shop, "storage", "0.02", status=400, valid_from="9999-12-31")
    await _price(shop, "api_calls", "0.000000001", status=400)
    assert await shop.state("kit.audit_line") == before


async def _used_in_march(shop: Shop, seller: UUID) -> None:
    """The price of a call rises on the sixteenth."""
    await _price(shop, "api_calls", "0.02", valid_from="2026-03-16")
    for day, quantity in ((5, 100), (12, 130), (25, 90)):
        at = datetime(2026, 3, day, 12, tzinfo=UTC)
        shop.clock.move_to(at)
        taken = await _report(shop, _event(seller, f"gb-{day}", "storage", quantity, at))
        assert taken == [("accepted", MARCH)]
    at = datetime(2026, 3, 20, tzinfo=UTC)
    told = await _report(
        shop, _event(seller, "e-3", "api_calls", 5, at, region="us"),
        _event(seller, "eu", "api_calls", 1_500, at, region="eu"),
    )  # fmt: skip
    assert told == [("accepted", MARCH)] * 2


async def _billed_over_a_crash(shop: Shop) -> None:
    """On the first of April it is not billed yet, on the second it is, once."""
    shop.clock.move_to(datetime(2026, 4, 1, 23, 59, tzinfo=UTC))
    await shop.run()
    assert await shop.balance("cloud_fees") == 0
    shop.clock.move_to(datetime(2026, 4, 2, tzinfo=UTC))

    async def crash(tx: Tx) -> None:
        assert await bill_due(tx, 0) == 2
        raise CrashError

    before = await shop.state()
    with pytest.raises(CrashError):
        await shop.db.transact(crash)
    assert await shop.state() == before
    told = await asyncio.gather(*(shop.db.transact(lambda tx: bill_due(tx, 0)) for _ in range(3)))
    assert sorted(told) == [0, 0, 2]
    await shop.run()


async def _late(shop: Shop, first: dict[str, Any], seller: UUID) -> None:
    """What comes now of March is on April's bill, at the price of its day, in the tiers where March ended."""
    at = datetime(2026, 4, 3, tzinfo=UTC)
    shop.clock.move_to(at)
    assert await _report(
        shop, first, _event(seller, "e-4", "api_calls", 2, datetime(2026, 3, 10, tzinfo=UTC), region="us"),
        _event(seller, "gb-28", "storage", 150, datetime(2026, 3, 28, tzinfo=UTC)),
        _event(seller, "eu-28", "api_calls", 100, datetime(2026, 3, 28, tzinfo=UTC), region="eu"),
        _event(seller, "e-5", "api_calls", 1, at, region="us"),
    ) == [("duplicate", MARCH), *[("accepted", APRIL)] * 4]  # fmt: skip
    await shop.run(after=timedelta(days=32))  # 5 May
    (april,) = (await _usage(shop, seller, "2026-04"))["items"]
    assert _lines(april) == [
        ("api_calls", "eu", MARCH, 100, "0.0004", 4), ("api_calls", "us", MARCH, 2, "0.0125", 3),
        ("api_calls", "us", APRIL, 1, "0.02", 2), ("storage", "", MARCH, 20, "0.023", 46),
    ]  # fmt: skip


def _lines(use: Any) -> list[tuple[Any, ...]]:
    return [
        (x["meter"], x["filter"], x["use_month"], x["quantity"], x["unit_price"], x["net"]["minor"])
        for x in use["lines"]
    ]


async def _papers(shop: Shop, seller: UUID, march: list[tuple[Any, ...]], net: int, tax: int) -> None:
    """The invoice of April, when March's use was taken, has a line for each of the bill; the statement has the sum."""
    staff = shop.session(Role.SELLER, NIL, seller)
    (head,) = (await shop.http.get("/v1/seller/fee-invoices", headers=staff)).json()["items"]
    path = f"/v1/seller/fee-invoices/{head['id']}"
    invoice = (await shop.http.get(path, headers=staff)).json()
    assert [
        (x["kind"], x["name"], x["of_month"], x["quantity"], x["unit_price"], x["net"]["minor"])
        for x in invoice["lines"]
    ] == [
        ("usage_fee", f"{meter.title()}{' · ' * bool(filter_)}{filter_}", month, quantity, price, minor)
        for meter, filter_, month, quantity, price, minor in march
    ]  # fmt: skip
    assert (head["net"]["minor"], head["tax"]["minor"]) == (net, tax)
    assert (await shop.http.get(f"{path}/pdf", headers=staff)).content[:5] == b"%PDF-"
    statement = (await shop.http.get("/v1/seller/statements/2026-04?currency=USD", headers=staff)).json()
    assert {one["group"]: one["amount_minor"] for one in statement["groups"]} == {"cloud": -net, "fee_tax": -tax}
    credit = {"line_no": 6, "net_minor": 300, "reason": "Agreed"}
    back = f"/v1/operator/fee-invoices/{head['id']}/credit"
    assert (await ask(shop, back, credit, shop.operator))[1]["left_minor"] == 299
    assert (await ask(shop, back, credit | {"net_minor": 100}, shop.operator))[0] == 201
    assert await shop.balance("cloud_fees") == net + 2 + 55 - 100


async def test_whose_bill_cannot_be_made_holds_up_nobody(shop: Shop) -> None:
    """A price was entered wrong, and a bill is more than any account can hold: it stays due, and the other seller has
    its own."""
    await _meters(shop)
    await _price(shop, "messages", "999999", filter="fax")
    first, other = sorted([await shop.seller(), await shop.seller()])
    now = shop.clock.now()
    await _report(shop, *(_event(first, f"f-{n}", "messages", 10**9, now, by="fax") for n in range(100)))
    await _report(shop, _event(other, "m-1", "messages", 1_000, now, by="sms"))
    shop.clock.move_to(datetime(2026, 4, 2, tzinfo=UTC))
    assert [await shop.db.transact(lambda tx: bill_due(tx, 0)) for _ in range(2)] == [1, 0]
    assert [(await _usage(shop, seller, "2026-03"))["items"][0]["bill"] is None for seller in (first, other)] == [
        True, False,
    ]  # fmt: skip
    assert await shop.balance("cloud_fees") > 0
    assert await shop.balance("seller", first) == 0
