"""What a seller sent out of its customs territory, with what proves it: who sells it without tax shows this to the tax
office."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Literal
from uuid import UUID

import msgspec

from entrepot import logistics, trade
from entrepot.catalog import Price
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.ids import NIL, first_id, parse, show
from entrepot.kit.money import Money
from entrepot.kit.problem import Malformed
from entrepot.kit.spreadsheet import safe
from entrepot.orders import store_borders as store

PAGE = 100
PLACED_BEFORE = timedelta(days=366)
"""What was placed longer before its month is not looked for."""
COLUMNS = (
    "order", "sent_at", "from", "to", "incoterm", "currency", "goods", "carrier", "tracking_number", "delivered_at",
    "proof",
)  # fmt: skip


class Export(msgspec.Struct, frozen=True):
    """An order that left: `goods` is what was paid for what was sent. It is `delivered` where the carrier says so, else
    only `handed_over` to it."""

    order_id: str
    sent_at: datetime
    from_country: str
    to_country: str
    incoterm: str
    goods: Price
    carrier: str
    tracking_number: str
    delivered_at: datetime | None
    proof: Literal["handed_over", "delivered"]


async def exports(
    tx: ReadTx, cell: int, seller_id: UUID, month: datetime, after: str | None = None
) -> tuple[list[Export], str | None]:
    """Those sent in the month that begins then, by id, of PAGE orders over a border; where the next page begins. Raises
    Malformed."""
    try:
        last = NIL if after is None else parse("ord", after)
    except ValueError:
        raise Malformed("no order - at `$.after`") from None
    page = await tx.all(
        store.EXPORTS, cell=cell, seller_id=seller_id, begins=month, ends=(month + timedelta(days=31)).replace(day=1),
        after=max(last, first_id(month - PLACED_BEFORE)), limit=PAGE,
    )  # fmt: skip
    left = {way for way in {_way(row) for row in page} if await trade.is_import(tx, *way)}
    rows = [row for row in page if _way(row) in left]
    shipped = await logistics.parcels_of(tx, cell, [row.order_id for row in rows])
    found = [
        Export(
            show("ord", row.order_id), row.shipped_at, row.from_country, row.to_country, row.incoterm,
            Price(row.goods_minor, row.currency), parcel.carrier, parcel.tracking_number, parcel.delivered_at,
            "delivered" if parcel.delivered_at else "handed_over",
        )
        for row in rows
        for parcel in [shipped[row.order_id]]
    ]  # fmt: skip
    return found, show("ord", page[-1].order_id) if len(page) == PAGE else None


def _way(row: store.ExportRow) -> tuple[str, str, date]:
    """From where to where, and on which day: what was abroad then is told, whatever the law became."""
    return row.from_country, row.to_country, row.shipped_at.astimezone(UTC).date()


async def exports_csv(db: Database, cell: int, seller_id: UUID, month: datetime) -> AsyncIterator[bytes]:
    """All of the month, a row each."""
    out, after, is_first = StringIO(), None, True
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    while is_first or after:
        async with db.read() as tx:
            found, after = await exports(tx, cell, seller_id, month, after)
        for one in found:
            writer.writerow((
                one.order_id, _time(one.sent_at), one.from_country, one.to_country, one.incoterm, one.goods.currency,
                str(Money(one.goods.minor, one.goods.currency)).partition(" ")[0], safe(one.carrier),
                safe(one.tracking_number),
                _time(one.delivered_at) if one.delivered_at else "", one.proof,
            ))  # fmt: skip
        yield out.getvalue().encode()
        out.seek(out.truncate(0))
        is_first = False


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
