"""Metered use: what a seller has used and what it costs; the operator's meters and prices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import metering, sellers
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.problem import Malformed
from entrepot.metering import Meter, Use
from entrepot.web.chart import Chart, chart
from entrepot.web.visit import Go, Visit, form, page
from entrepot.web.words import COMBINES

CHARTS_MAX = 8
"""Of the meters that were used; the table has all of them."""
YEARS = (2000, 2999)

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class MeterForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{1,39}$")]
    name: Text
    unit: Annotated[str, Meta(min_length=1, max_length=40)]
    combine: Literal["sum", "count", "max"]
    filter_by: Annotated[str, Meta(pattern="^([a-z][a-z0-9_]{0,39})?$")] = ""


class PriceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two tiers at most: so many units are free. The API takes more."""

    meter: Text
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    unit_price: Annotated[str, Meta(max_length=20)]
    source: Text
    free: Annotated[str, Meta(max_length=15)] = ""
    filter: Annotated[str, Meta(max_length=100)] = ""
    valid_from: Annotated[str, Meta(max_length=10)] = ""


async def usage_page(tx: ReadTx, visit: Visit) -> Response:
    """One month: what it costs, line by line, and what was used by day."""
    month = _month(visit.query("month")) or metering.month_of(tx.now.date())
    meters = {meter.code: meter for meter in await metering.meters(tx)}
    used = await metering.use_of(tx, visit.seller_id, month)
    edges = {month, min(_beside(month, 1) - timedelta(days=1), max(month, tx.now.date()))}
    pictures = [picture for use in used for picture in _pictures(use, meters, edges)]
    return await visit.show(
        tx, "seller_usage.html", month=month, meters=meters, used=used, before=_beside(month, -1),
        following=_beside(month, 1), pictures=pictures[:CHARTS_MAX], worth=Price,
    )  # fmt: skip


def _pictures(use: Use, meters: dict[str, Meter], edges: Iterable[date]) -> list[tuple[Meter, str, Chart]]:
    """For each meter and filter its bars by day, at least from the one edge to the other."""
    by: dict[tuple[str, str], dict[date, int]] = {}
    for one in use.days:
        by.setdefault((one.meter, one.filter), {})[one.day] = one.by(meters[one.meter].combine)
    return [(meters[code], filter_, chart(dict.fromkeys(edges, 0) | days)) for (code, filter_), days in by.items()]


async def meters_page(tx: ReadTx, visit: Visit) -> Response:
    """What is metered, at which prices, and what all sellers have used in a month."""
    month = _month(visit.query("month")) or metering.month_of(tx.now.date())
    meters = await metering.meters(tx)
    return await visit.show(
        tx, "operator_metering.html", month=month, before=_beside(month, -1), following=_beside(month, 1),
        meters=meters, names={meter.code: meter for meter in meters}, rates=await metering.rates(tx),
        totals=await metering.totals(tx, month), currencies=await sellers.currencies(tx), combines=COMBINES,
        worth=Price,
    )  # fmt: skip


async def add_meter(tx: Tx, _: Visit, body: MeterForm) -> Go:
    await metering.add_meter(tx, Meter(body.code, body.name, body.unit, body.combine, body.filter_by, tx.now))
    return Go("/operator/metering", done="meter_added")


async def set_price(tx: Tx, _: Visit, body: PriceForm) -> Go:
    try:
        rate = metering.micro_of(body.unit_price, body.currency)
    except ValueError:
        raise Malformed("no price of this currency - at `$.unit_price`") from None
    if body.free and not (body.free.isascii() and body.free.isdecimal()):
        raise Malformed("no number of units - at `$.free`")
    free = int(body.free or "0")
    try:
        valid_from = date.fromisoformat(body.valid_from) if body.valid_from else None
    except ValueError:
        raise Malformed("no day - at `$.valid_from`") from None
    over, rates = ([0, free], [0, rate]) if free else ([0], [rate])
    await metering.set_rate(tx, body.meter, body.currency, body.filter, valid_from, over, rates, body.source)
    return Go("/operator/metering", done="meter_priced")


def _month(text: str) -> date | None:
    """The first of a month written 2026-03."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return found.replace(year=min(max(found.year, YEARS[0]), YEARS[1]))


def _beside(month: date, by: int) -> date:
    """The month before or after, of a year that there are bills of."""
    count = month.year * 12 + month.month - 1 + by
    return date(min(max(count // 12, YEARS[0]), YEARS[1]), count % 12 + 1, 1)


routes = [
    page("/seller/usage", usage_page, SELLER),
    page("/operator/metering", meters_page, OPERATOR),
    form("/operator/metering/meters", add_meter, MeterForm, OPERATOR, again=meters_page),
    form("/operator/metering/prices", set_price, PriceForm, OPERATOR, again=meters_page),
]
