"""Metering over HTTP: meters and their prices, reports of use, and what it costs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.catalog import Price
from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post
from entrepot.kit.ids import END, show
from entrepot.kit.problem import Malformed, NotFound
from entrepot.metering import actions, reads, rules
from entrepot.metering.types import Bill, Event, Line, Meter, MeterExists, PriceNotLater, Rate, Report, Said, Use

REPORTS_MAX = 1_000
BODY_MAX_BYTES = 1 << 20
"""A thousand reports with some properties."""
QUANTITY_MAX = 10**9
TIERS_MAX = 20
PROPERTIES_MAX = 16

Code = Annotated[str, Meta(pattern=f"^[a-z][a-z0-9_]{{1,39}}{END}", examples=["api_calls"])]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Filter = Annotated[str, Meta(max_length=100)]
Month = Annotated[str, Meta(pattern=f"^2[0-9]{{3}}-(0[1-9]|1[0-2]){END}", examples=["2026-03"])]
Currency = Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}", examples=["USD"])]
UnitPrice = Annotated[str, Meta(pattern=f"^[0-9]{{1,6}}(\\.[0-9]{{1,9}})?{END}", examples=["0.0004"])]


class NewMeter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is metered. The use of a month is the `sum` of the quantities, the `count` of the events or the largest
    quantity (`max`). The values of the property `filter_by` may have prices of their own."""

    code: Code
    name: Text
    unit: Annotated[str, Meta(min_length=1, max_length=40)]
    combine: Literal["sum", "count", "max"]
    filter_by: Annotated[str, Meta(pattern=f"^([a-z][a-z0-9_]{{0,39}})?{END}")] = ""


class PriceTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of what is over `over` in a month, up to the next tier, a unit costs so much: a decimal of the currency, at most
    six digits below its minor unit. "0" is free."""

    unit_price: UnitPrice
    over: Annotated[int, Meta(ge=0, le=10**15)] = 0


class NewMeterPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a meter costs in a currency from a day (UTC) on: without `valid_from` from tomorrow, and today where it had
    no price. With `filter` only the events of that value."""

    currency: Currency
    tiers: Annotated[list[PriceTier], Meta(min_length=1, max_length=TIERS_MAX)]
    source: Text
    filter: Filter = ""
    valid_from: date | None = None


class MeterPrice(msgspec.Struct, frozen=True):
    currency: str
    filter: str
    valid_from: date
    tiers: list[PriceTier]
    source: str


class MeterView(msgspec.Struct, frozen=True):
    """`prices` by currency and filter, the earliest first: those that were, are and will be."""

    code: str
    name: str
    unit: str
    combine: str
    filter_by: str
    prices: list[MeterPrice]


class Meters(msgspec.Struct, frozen=True):
    items: list[MeterView]


class UsageEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A seller's use of a meter. Of one `id` of a seller the first report is the event, however often it comes."""

    id: Annotated[str, Meta(min_length=1, max_length=100)]
    seller_id: Annotated[str, ids.ref("sel")]
    market: Annotated[str, Meta(min_length=1, max_length=20)]
    meter: Annotated[str, Meta(min_length=1, max_length=40)]
    at: Annotated[datetime, Meta(tz=True)]
    quantity: Annotated[int, Meta(ge=0, le=QUANTITY_MAX)] = 1
    properties: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=40)], Annotated[str, Meta(max_length=100)]],
        Meta(max_length=PROPERTIES_MAX),
    ] = {}

    def __post_init__(self) -> None:
        require_calendar(self.at)


class UsageEvents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[UsageEvent], Meta(min_length=1, max_length=REPORTS_MAX)]


class EventVerdict(msgspec.Struct, frozen=True):
    """`accepted`, or `duplicate` (it is stored, and the same), `conflict` (it is stored, and was something else); or
    why it is not taken. `month` is on whose bill it is."""

    id: str
    seller_id: str
    said: Said
    month: date | None


class EventVerdicts(msgspec.Struct, frozen=True):
    """One for each event, in their order."""

    items: list[EventVerdict]


class DayOfUse(msgspec.Struct, frozen=True):
    day: date
    quantity: int
    events: int


class MeterUse(msgspec.Struct, frozen=True):
    """By day (UTC) of use: the sum, the number or the largest, as the meter combines them."""

    meter: str
    name: str
    unit: str
    combine: str
    filter: str
    days: list[DayOfUse]


class UseLine(msgspec.Struct, frozen=True):
    """So many units at one price, used in `use_month`."""

    meter: str
    filter: str
    use_month: date
    quantity: int
    unit_price: str
    net: Price


class UseBill(msgspec.Struct, frozen=True):
    id: str
    net: Price
    tax: Price
    tax_kind: str | None
    tax_bp: int | None
    at: datetime


class CurrencyUse(msgspec.Struct, frozen=True):
    """`net` is what it costs without tax: so far, or as it was billed."""

    currency: str
    meters: list[MeterUse]
    lines: list[UseLine]
    net: Price
    bill: UseBill | None


class MonthOfUse(msgspec.Struct, frozen=True):
    month: date
    items: list[CurrencyUse]


class StoredEvent(msgspec.Struct, frozen=True):
    id: str
    meter: str
    filter: str
    market: str
    quantity: int
    at: datetime
    properties: dict[str, str]
    received_at: datetime


class UsageEventPage(msgspec.Struct, frozen=True):
    """By id; `next` is the `after` of the page that follows."""

    items: list[StoredEvent]
    next: str | None


class TotalOfUse(msgspec.Struct, frozen=True):
    """What all sellers together used, and what was billed of it without tax."""

    meter: str
    filter: str
    sellers: int
    events: int
    quantity: int
    billed: Price


class TotalsOfUse(msgspec.Struct, frozen=True):
    month: date
    items: list[TotalOfUse]


class UsageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The month of the bill, this one without it."""

    month: Month | None = None


class UsageEventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    month: Month | None = None
    after: Annotated[str, Meta(max_length=100)] = ""


SellerPath = Annotated[UUID, "sel"]


async def list_meters(tx: ReadTx) -> Meters:
    """What is metered, and at which prices."""
    rates = await reads.rates(tx)
    return Meters([
        MeterView(m.code, m.name, m.unit, m.combine, m.filter_by, [_price(r) for r in rates if r.meter == m.code])
        for m in await reads.meters(tx)
    ])  # fmt: skip


def _price(rate: Rate) -> MeterPrice:
    tiers = [
        PriceTier(rules.written(micro, rate.currency), over)
        for over, micro in zip(rate.over, rate.rates_micro, strict=True)
    ]  # fmt: skip
    return MeterPrice(rate.currency, rate.filter, rate.valid_from, tiers, rate.source)


async def add_meter(tx: Tx, body: NewMeter) -> None:
    """Adds a meter. It stays as it is; what it costs is said by its prices."""
    await actions.add_meter(tx, Meter(body.code, body.name, body.unit, body.combine, body.filter_by, tx.now))


async def set_price(tx: Tx, meter: str, body: NewMeterPrice) -> None:
    """Says what a meter costs from a day on, that has not begun."""
    try:
        micro = [rules.micro_of(tier.unit_price, body.currency) for tier in body.tiers]
    except ValueError:
        raise Malformed("more than six decimals below the minor unit - at `$.tiers`") from None
    over = [tier.over for tier in body.tiers]
    await actions.set_rate(tx, meter, body.currency, body.filter, body.valid_from, over, micro, body.source)


async def report_usage(tx: Tx, body: UsageEvents) -> EventVerdicts:
    """Takes reports of use: each seller's id once, whatever a repeat says, also in parallel; a verdict for each."""
    reports = [
        Report(
            ids.parse("sel", one.seller_id), one.id, one.market, one.meter, one.quantity, one.at.astimezone(UTC),
            one.properties,
        )
        for one in body.items
    ]  # fmt: skip
    verdicts = await actions.take(tx, reports)
    return EventVerdicts([
        EventVerdict(one.id, one.seller_id, verdict.said, verdict.month)
        for one, verdict in zip(body.items, verdicts, strict=True)
    ])  # fmt: skip


async def list_totals(tx: ReadTx, query: UsageQuery) -> TotalsOfUse:
    """What all sellers together have on the bills of a month."""
    month = _month(tx, query.month)
    return TotalsOfUse(
        month,
        [
            TotalOfUse(t.meter, t.filter, t.sellers, t.events, t.quantity, Price(t.net_minor, t.currency))
            for t in await reads.totals(tx, month)
        ],
    )


async def read_own_usage(tx: ReadTx, caller: Caller, query: UsageQuery) -> MonthOfUse:
    """What the seller has used, by meter and day, and what it costs by now or was billed as."""
    return await _usage(tx, caller.seller, query)


async def read_usage(tx: ReadTx, seller_id: SellerPath, query: UsageQuery) -> MonthOfUse:
    """What a seller has used, by meter and day, and what it costs by now or was billed as."""
    return await _usage(tx, seller_id, query)


async def _usage(tx: ReadTx, seller_id: UUID, query: UsageQuery) -> MonthOfUse:
    month = _month(tx, query.month)
    meters = {meter.code: meter for meter in await reads.meters(tx)}
    return MonthOfUse(month, [_use(use, meters) for use in await reads.use_of(tx, seller_id, month)])


def _use(use: Use, meters: dict[str, Meter]) -> CurrencyUse:
    days: dict[tuple[str, str], list[DayOfUse]] = {}
    for one in use.days:
        mine = days.setdefault((one.meter, one.filter), [])
        mine.append(DayOfUse(one.day, one.by(meters[one.meter].combine), one.events))
    by_meter = [
        MeterUse(code, meters[code].name, meters[code].unit, meters[code].combine, filter_, found)
        for (code, filter_), found in days.items()
    ]
    lines = [_line(line, use.currency) for line in use.lines]
    bill = None if use.bill is None else _bill(use.bill)
    return CurrencyUse(use.currency, by_meter, lines, Price(use.net_minor, use.currency), bill)


def _bill(b: Bill) -> UseBill:
    return UseBill(
        show("ubl", b.id), Price(b.net_minor, b.currency), Price(b.tax_minor, b.currency), b.tax_kind, b.tax_bp, b.at
    )


def _line(line: Line, currency: str) -> UseLine:
    return UseLine(
        line.meter, line.filter, line.use_month, line.quantity, rules.written(line.rate_micro, currency),
        Price(line.net_minor, currency),
    )  # fmt: skip


async def list_own_events(tx: ReadTx, caller: Caller, query: UsageEventsQuery) -> UsageEventPage:
    """The events on the seller's bill of a month, 100 at a time."""
    found = await reads.events_of(tx, caller.seller, _month(tx, query.month), query.after)
    following = found[-1].event_id if len(found) == reads.PAGE else None
    return UsageEventPage([_event(event) for event in found], following)


def _event(e: Event) -> StoredEvent:
    return StoredEvent(e.event_id, e.meter, e.filter, e.market, e.quantity, e.at, e.properties, e.received_at)


def _month(tx: ReadTx, text: str | None) -> date:
    return rules.month_of(tx.now.date()) if text is None else date.fromisoformat(f"{text}-01")


routes = [
    get("/v1/operator/meters", list_meters, access=OPERATOR),
    post("/v1/operator/meters", add_meter, access=OPERATOR, raises=(MeterExists,), key="taken"),
    post(
        "/v1/operator/meters/{meter}/prices", set_price, access=OPERATOR, raises=(NotFound, PriceNotLater), key="taken"
    ),
    post("/v1/operator/usage-events", report_usage, access=OPERATOR, body_max_bytes=BODY_MAX_BYTES),
    get("/v1/operator/usage", list_totals, access=OPERATOR),
    get("/v1/seller/usage", read_own_usage, access=SELLER),
    get("/v1/seller/usage-events", list_own_events, access=SELLER),
    get("/v1/sellers/{seller_id}/usage", read_usage, access=OPERATOR),
]  # fmt: skip
