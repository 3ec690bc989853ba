"""What was paid for a border goes back: duty and fee, the tax that the platform collected, the buyer's yearly quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx, Tx
from entrepot.orders import store_borders as store
from entrepot.orders.store import OrderRow
from entrepot.orders.store_borders import ChargedRow


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


async def note(tx: Tx, cell: int, cause: UUID, order: OrderRow, back: Back) -> None:
    """Notes the tax that goes back, for the next return, and gives back what was taken of the buyer's quota: whoever
    calls it has locked the quotas of the buyer."""
    taxes = {rate: amounts for rate, amounts in back.taxes.items() if any(amounts)}
    if taxes:
        await tx.run(
            store.TAX_BACK, cell=cell, cause_id=cause, order_id=order.id, now=tx.now, rates=list(taxes),
            bases=[base for base, _ in taxes.values()], taxes=[tax for _, tax in taxes.values()],
        )  # fmt: skip
    if back.quota_minor:
        (quota,) = await tx.all(store.QUOTA_OF, cell=cell, order_id=order.id)
        await tx.run(
            store.RETURN_QUOTA, cell=order.group_cell, group_id=order.group_id, quota_id=quota, amount=back.quota_minor
        )  # fmt: skip
