"""What was paid for a border goes back: duty and fee, the tax that the platform collected, the buyer's yearly quota."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta
from uuid import UUID

import msgspec

from entrepot import ledger, trade
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.money import allocate
from entrepot.kit.sql import sql
from entrepot.orders import store_borders as store
from entrepot.orders.store import OrderRow
from entrepot.orders.store_borders import ChargedRow
from entrepot.orders.store_parts import Amounts


class Back(msgspec.Struct, frozen=True):
    """What goes back of what was paid for an order's border: `charge_minor` in all, in it the tax of a scheme by rate,
    (base, tax) of each; `quota_minor` of the buyer's."""

    charge_minor: int = 0
    taxes: Mapping[int, tuple[int, int]] = {}
    quota_minor: int = 0


NOTHING = Back()


async def of_units(tx: ReadTx, cell: int, order_id: UUID, units: Mapping[int, int] | None) -> Back:
    """What was paid for the border of so many more units of lines (by number) of an order that is not sent, or of all
    that is left (None). Every share is a difference of floors: all units together have all of their line's. The fee
    for the clearance is the order's, and not in it."""
    lines = await tx.all(store.CHARGED, cell=cell, order_id=order_id)
    wanted = {
        line.line_no: line.quantity - line.canceled if units is None else units.get(line.line_no, 0) for line in lines
    }
    return _back(lines, wanted)


def _back(lines: Sequence[ChargedRow], units: Mapping[int, int]) -> Back:
    charge, quota = 0, 0
    taxes: dict[int, tuple[int, int]] = {}
    for line in lines:

        def share(whole: int, line: ChargedRow = line) -> int:
            after = line.canceled + units[line.line_no]
            return whole * after // line.quantity - whole * line.canceled // line.quantity

        charge += share(line.charge_minor)
        quota += share(line.quota_minor)
        if line.tax_minor and units[line.line_no]:
            base, tax = taxes.get(line.rate_bp, (0, 0))
            taxes[line.rate_bp] = (base + share(line.base_minor), tax + share(line.tax_minor))
    return Back(charge, taxes, quota)


async def of_return(tx: ReadTx, cell: int, part_id: UUID) -> Back:
    """What goes back for a part that was returned, by the windows of the country's law on the day that it was sent: by
    them all that was paid at the border but for the clearance, and the buyer's quota, when the seller has seen that
    the goods came back; the tax of a scheme, of which no window says until when, in any case. Each is the share of
    the units, rounded down."""
    lines = await tx.all(store.RETURNED, cell=cell, part_id=part_id)
    if not lines:
        return NOTHING
    first = lines[0]
    windows = await trade.return_windows(tx, first.country, first.mode, first.sent_at.date())

    def holds(of: str) -> bool:
        seen = all(line.restocked is not None for line in lines)
        return seen and of in windows and first.asked_at <= first.sent_at + timedelta(days=windows[of])

    charge, quota = 0, 0
    taxes: dict[int, tuple[int, int]] = {}
    for line in lines:
        if holds("duty"):
            charge += (line.charge_minor - line.tax_minor) * line.units // line.quantity
        if holds("quota"):
            quota += line.quota_minor * line.units // line.quantity
        if line.tax_minor and ("tax" not in windows or holds("tax")):
            tax, base = (whole * line.units // line.quantity for whole in (line.tax_minor, line.base_minor))
            before = taxes.get(line.rate_bp, (0, 0))
            taxes[line.rate_bp] = (before[0] + base, before[1] + tax)
            charge += tax
    return Back(charge, taxes, quota)


async def withheld_of_part(tx: ReadTx, cell: int, part_id: UUID, back: Amounts) -> Back:
    """The tax in the prices, by rate, in what goes back of a part: of each line its share."""
    lines = await tx.all(store.WITHHELD_OF_PART, cell=cell, part_id=part_id)
    within = allocate(back.withheld_minor, [line.tax_minor for line in lines])
    bases = allocate(back.paid_minor - back.withheld_minor, [line.paid_minor - line.tax_minor for line in lines])
    return _by_rate((line.rate_bp, base, tax) for line, base, tax in zip(lines, bases, within, strict=True))


async def withheld_left(tx: ReadTx, cell: int, order_id: UUID) -> Back:
    """The tax in the prices, by rate, of what of an order is in no part."""
    lines = await tx.all(store.WITHHELD_LEFT, cell=cell, order_id=order_id)
    return _by_rate((line.rate_bp, line.paid_minor - line.tax_minor, line.tax_minor) for line in lines)


def _by_rate(lines: Iterable[tuple[int, int, int]]) -> Back:
    taxes: dict[int, tuple[int, int]] = {}
    for rate_bp, base, tax in lines:
        before = taxes.get(rate_bp, (0, 0))
        taxes[rate_bp] = (before[0] + base, before[1] + tax)
    return Back(taxes=taxes)


async def may_come_back_into_bond(tx: ReadTx, cell: int, part_id: UUID) -> bool:
    """Whether what is returned with a part may lie in bond again: so many days after it was sent as the country's law
    says, and without such a law never."""
    lines = await tx.all(store.RETURNED, cell=cell, part_id=part_id)
    if not lines:
        return False
    first = lines[0]
    windows = await trade.return_windows(tx, first.country, first.mode, first.sent_at.date())
    return "bond" in windows and tx.now <= first.sent_at + timedelta(days=windows["bond"])


class TaxEntry(msgspec.Struct, frozen=True):
    """Tax of a scheme that an order was collected for in `country`, or (negative) that went back with it or a part of
    it, at a rate; `sold_on` is the day (UTC) on which the order was paid."""

    cause_id: UUID
    country: str
    rate_bp: int
    currency: str
    sold_on: date
    base_minor: int
    tax_minor: int


class TaxRow(msgspec.Struct, frozen=True):
    order_id: UUID
    cause_id: UUID
    country: str
    rate_bp: int
    currency: str
    base_minor: int
    tax_minor: int


TAX_ENTRIES = sql(
    """
    select b.order_id, b.order_id, b.to_country, c.rate_bp, b.currency, sum(c.base)::bigint, sum(c.tax)::bigint
      from orders.border b
     cross join lateral unnest(b.line_taxes, b.line_bases, b.line_rates_bp) as c (tax, base, rate_bp)
     where b.cell = :cell and b.order_id = any (:causes::uuid[]) and b.scheme <> ''
     group by b.order_id, b.to_country, c.rate_bp, b.currency
    union all
    select t.order_id, t.cause_id, b.to_country, t.rate_bp, b.currency, -t.base_minor, -t.tax_minor
      from orders.tax_back t
      join orders.border b on b.cell = t.cell and b.order_id = t.order_id
     where t.cell = :cell and t.cause_id = any (:causes::uuid[])
    """,
    TaxRow,
)


async def tax_entries(tx: ReadTx, cell: int, causes: Sequence[UUID]) -> list[TaxEntry]:
    """What these orders were collected for and what went back with them, and with these parts, by rate. What is
    placed before midnight may be paid after it: its tax is that of the day on which the ledger has it."""
    rows = await tx.all(TAX_ENTRIES, cell=cell, causes=causes)
    paid = await ledger.named(tx, cell, sorted({row.order_id for row in rows}), "tax")
    return [
        TaxEntry(
            row.cause_id, row.country, row.rate_bp, row.currency, paid[row.order_id].astimezone(UTC).date(),
            row.base_minor, row.tax_minor,
        )
        for row in rows
    ]  # fmt: skip


async def note(tx: Tx, cell: int, cause: UUID, order: OrderRow, back: Back) -> None:
    """Notes the tax that goes back, for the next return, and gives back what was taken of the buyer's quota: whoever
    calls it has locked the quotas of the buyer."""
    taxes = {rate: amounts for rate, amounts in back.taxes.items() if any(amounts)}
    if any(tax for _, tax in taxes.values()):
        await tx.run(
            store.TAX_BACK, cell=cell, cause_id=cause, order_id=order.id, now=tx.now, rates=list(taxes),
            bases=[base for base, _ in taxes.values()], taxes=[tax for _, tax in taxes.values()],
        )  # fmt: skip
    if back.quota_minor:
        (quota,) = await tx.all(store.QUOTA_OF, cell=cell, order_id=order.id)
        await tx.run(
            store.RETURN_QUOTA, cell=order.group_cell, group_id=order.group_id, quota_id=quota, amount=back.quota_minor
        )  # fmt: skip
