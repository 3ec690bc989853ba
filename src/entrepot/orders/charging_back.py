"""What a buyer's bank takes back of an order: an amount of what is left of its lines, as a part of the order
(docs/adr/0041). It is frozen until the bank has decided; then it is the bank's, or the seller's again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot import payments
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import new_id, show
from entrepot.kit.money import allocate
from entrepot.orders import (
    holds,
    locks,
    money,
    parts,
    screening,
    settling,
    shares,
    store,
    store_borders,
    store_parts,
    taxes,
)
from entrepot.orders.money import Step
from entrepot.orders.parts import SENT, Part
from entrepot.orders.screening import Found
from entrepot.orders.shares import Share
from entrepot.orders.store import OrderRow
from entrepot.orders.types import OrderHeld

BANK = "chargeback"
"""The list that orders are on that wait for a buyer's bank."""


class Sold(msgspec.Struct, frozen=True):
    """An order of a payment: `paid_minor` with its border, of which `left_minor` neither went back nor were taken by
    a bank."""

    cell: int
    id: UUID
    seller_id: UUID
    market: str
    currency: str
    paid_minor: int
    left_minor: int


class Charged(msgspec.Struct, frozen=True):
    """What of an order is to be frozen for the bank: `taken_minor` of what is left of it. `paid_otherwise`: its seller
    is paid in another currency."""

    status: str
    taken_minor: int
    paid_otherwise: bool


async def sold_by_payment(tx: ReadTx, home: int, group_id: UUID) -> list[Sold]:
    """The orders that a group's payment paid for, over all cells, by id."""
    back, taken = await payments.refunded_of(tx, home, [group_id]), await payments.taken_of(tx, home, group_id)
    cells = [home, *((await tx.maybe(store.CELLS_OF_GROUP, cell=home, id=group_id)) or ())]
    found = []
    for there in cells:
        for o in await tx.all(store.SOLD_IN_GROUP, cell=there, group_id=group_id):
            paid = o.paid_minor + o.duties_minor
            left = max(0, paid - back.get(o.id, 0) - taken.get(o.id, 0))
            found.append(Sold(there, o.id, o.seller_id, o.market, o.currency, paid, left))
    return sorted(found, key=lambda sold: sold.id)


async def is_own(tx: ReadTx, cell: int, order_id: UUID) -> bool:
    """Whether the operator sells it on its own account."""
    (order,) = await tx.all(store.ORDERS, cell=cell, ids=[order_id])
    return order.own


async def charge_back(tx: Tx, cell: int, part_id: UUID, order_id: UUID, amount_minor: int, *, recall: bool) -> Charged:
    """Takes as much of what is left of an order that was sent, at most `amount_minor`, split over its lines by what is
    left of each; of one that was released only if `recall` (`recall_parts` then brings it). One that is not sent yet is
    held, and keeps its money until the bank has decided (`charge_late`)."""
    (order,) = await tx.all(store.LOCK_ORDERS, cell=cell, ids=[order_id])
    otherwise = bool(await settling.of_orders(tx, cell, [order_id]))
    if order.status == "paid":
        await screening.hold(tx, cell, [Found(order_id, BANK, show("prt", part_id), "", "hand")])
    if order.status not in SENT or (order.status == "completed" and not recall):
        return Charged(order.status, 0, otherwise)
    return Charged(order.status, await _take(tx, cell, order, part_id, amount_minor), otherwise)


async def charge_kept(tx: Tx, cell: int, order_id: UUID, amount_minor: int) -> list[tuple[UUID, int]]:
    """Takes at most `amount_minor` of what parts of an order, which is locked, have left its seller when they ended: of
    what was disputed here and decided for the seller. The parts that it takes, and what of each."""
    (order,) = await tx.all(store.ORDERS, cell=cell, ids=[order_id])
    taken = list[tuple[UUID, int]]()
    for kept in await tx.all(store_parts.KEPT, cell=cell, order_id=order_id):
        amount = min(amount_minor - sum(minor for _, minor in taken), kept.paid_minor)
        if amount:
            of = shares.portion(kept, amount, kept.paid_minor)
            part = Part(new_id(tx.now), "charged_back", "buyer", "", {}, of_part=kept.id, kept=of)
            await parts.take(tx, cell, order, part)
            parts.tell(tx, cell, "order_part_frozen", order, part.id, part.kind)
            taken.append((part.id, amount))
    return taken


async def recall_parts(tx: Tx, cell: int, order_id: UUID, part_ids: Sequence[UUID]) -> None:
    """What is taken of what was released comes back from the seller, who may then owe it. It is the last that is
    locked."""
    (order,) = await tx.all(store.ORDERS, cell=cell, ids=[order_id])
    steps: list[Step] = []
    for part in await tx.all(store_parts.RECALLED, cell=cell, ids=part_ids):
        steps += await settling.recalled(tx, cell, part.id, money.worth(order, part))
    await money.post(tx, cell, steps)


async def charge_late(tx: Tx, cell: int, part_id: UUID, order_id: UUID, amount_minor: int, *, bears: bool) -> int:
    """The bank keeps what it took of an order of which nothing is frozen: as much of it as is left, at most
    `amount_minor`; how much. One that is not sent stays held, for the operator to cancel: what was paid for its border
    is then the operator's again, as far as the bank has that, too. One that was sent meanwhile pays only if its seller
    `bears` it."""
    (order,) = await tx.all(store.LOCK_ORDERS, cell=cell, ids=[order_id])
    if order.status != "paid" and not (bears and order.status in SENT):
        return 0
    taken = await _take(tx, cell, order, part_id, amount_minor)
    if taken:
        await recall_parts(tx, cell, order_id, [part_id])
        await end_charged(tx, cell, part_id, taken)
    if order.status == "paid" and taken < amount_minor:
        (left,) = await money.beside_parts(tx, cell, [order])
        await tx.run(
            store_borders.CHARGE_BACK, cell=cell, order_id=order_id, amount_minor=amount_minor - taken,
            duties_minor=left.duties_minor,
        )  # fmt: skip
    return taken


async def _take(tx: Tx, cell: int, order: OrderRow, part_id: UUID, amount_minor: int) -> int:
    lines = await tx.all(store_parts.LEFT, cell=cell, order_id=order.id)
    rest = shares.left(lines, order.payment_fee_minor, order.fee_tax_minor)
    amount = min(amount_minor, sum(line.paid_minor for line in rest.values()))
    if amount == 0:
        return 0
    amounts = allocate(amount, [line.paid_minor for line in rest.values()])
    taken = {
        no: Share(**msgspec.structs.asdict(shares.portion(line, part, line.paid_minor)), units=0)
        for (no, line), part in zip(rest.items(), amounts, strict=True)
        if part
    }
    part = Part(part_id, "charged_back", "buyer", "", taken)
    await parts.take(tx, cell, order, part)
    parts.tell(tx, cell, "order_part_frozen", order, part_id, part.kind)
    return amount


async def end_charged(tx: Tx, cell: int, part_id: UUID, back_minor: int) -> None:
    """Ends a part that a bank decides about: it keeps `back_minor` of what was paid for it, with its shares of
    discount, commission and fee at the rates of the sale, and the rest is released. Raises OrderHeld when something
    would be released of an order that is held for another reason."""
    part = await tx.maybe(store_parts.LOCK_FROZEN, cell=cell, id=part_id)
    assert part is not None, "a part is ended once, by what it is of"
    (order,) = await tx.all(store.ORDERS, cell=cell, ids=[part.order_id])
    if back_minor < part.paid_minor and await screening.held(tx, cell, [order.id]):
        raise OrderHeld(show("ord", order.id))
    back = shares.portion(part, back_minor, part.paid_minor)
    kept = await parts.kept_of(tx, cell, order, part_id, part, back)
    await tx.run(store_parts.END, cell=cell, id=part_id, now=tx.now, **msgspec.structs.asdict(back))
    home = order.group_cell
    if home != cell and not order.own:  # in one cell, what posts it locks it
        currencies = sorted({order.currency, *(step.currency for step in kept)})
        await locks.lock_accounts(tx, cell, "seller", [(order.seller_id, currency) for currency in currencies])
    steps = money.charged_back(cell, home, part_id, money.worth(order, back))
    steps[cell] += kept
    if back.withheld_minor:  # what the buyer has back bears no tax
        await taxes.note(tx, cell, part_id, order, await taxes.withheld_of_part(tx, cell, part_id, back))
        steps[cell] += await money.no_longer_owed(tx, cell, part_id, order)
    for there, some in sorted(steps.items()):
        await money.post(tx, there, some)
    parts.tell(tx, cell, "order_part_ended", order, part_id, part.kind)


async def bank_is_done(tx: Tx, cell: int, part_id: UUID, order_id: UUID, note: str) -> None:
    """The bank has given back what it took of an order: whatever else it is held for, it is not held for that."""
    await holds.let_go(tx, cell, order_id, BANK, show("prt", part_id), note)
