"""Use as it is so far, what it costs, and what was billed."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from entrepot import sellers
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.metering import store
from entrepot.metering.actions import drafted
from entrepot.metering.types import Event, Meter, Rate, Total, Use, Used

PAGE = 100


async def meters(tx: ReadTx) -> list[Meter]:
    return await tx.all(store.METERS)


async def rates(tx: ReadTx) -> list[Rate]:
    """All prices that there were, are and will be, by meter, currency and filter, the earliest first."""
    return await tx.all(store.RATES)


async def use_of(tx: ReadTx, seller_id: UUID, month: date) -> list[Use]:
    """What a seller has on the bill of a month, by currency. Raises NotFound."""
    cell = (await sellers.seller(tx, sellers.SellerId(seller_id))).cell
    used = await tx.all(store.USED, cell=cell, sellers=[seller_id], months=[month])
    bills = {bill.currency: bill for bill in await tx.all(store.BILLS, cell=cell, seller_id=seller_id, month=month)}
    days: dict[str, list[Used]] = {}
    for one in used:
        days.setdefault(one.currency, []).append(one)
    drafts = {} if bills else await drafted(tx, cell, used)
    found = []
    for currency in sorted(days):
        bill = bills.get(currency)
        lines = drafts.get((seller_id, currency), [])
        if bill is not None:
            lines = await tx.all(store.LINES, cell=cell, bill_id=bill.id)
        found.append(Use(currency, days[currency], lines, bill))
    return found


async def events_of(tx: ReadTx, seller_id: UUID, month: date, after: str = "") -> list[Event]:
    """The events on a seller's bill of a month by their id, PAGE at a time. Raises NotFound."""
    cell = (await sellers.seller(tx, sellers.SellerId(seller_id))).cell
    return await tx.all(store.EVENTS, cell=cell, seller_id=seller_id, month=month, after=after, limit=PAGE)


async def totals(tx: ReadTx, month: date) -> list[Total]:
    """What all sellers together have on the bills of a month, by meter, filter and currency."""
    found: dict[tuple[str, str, str], Total] = {}
    for cell in await cells(tx):
        for one in await tx.all(store.TOTALS, cell=cell, month=month):
            key = (one.meter, one.filter, one.currency)
            before = found.get(key, Total(*key, 0, 0, 0, 0))
            found[key] = Total(
                *key, before.sellers + one.sellers, before.events + one.events, before.quantity + one.quantity,
                before.net_minor + one.net_minor,
            )  # fmt: skip
    return [found[key] for key in sorted(found)]
