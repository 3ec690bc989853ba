"""A part of an order goes its own way. What is disputed or returned is frozen in escrow until it ends, then it is the
buyer's, the seller's, or some of it each one's. What is canceled or refunded goes back at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from entrepot import bonded, inventory, payments
from entrepot.inventory import Goods
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import new_id, show
from entrepot.kit.problem import NotFound
from entrepot.orders import (
    actions,
    locks,
    money,
    screening,
    settling,
    shares,
    store,
    store_borders,
    store_parts,
    taxes,
)
from entrepot.orders.money import Step
from entrepot.orders.shares import Share
from entrepot.orders.store import OrderRow
from entrepot.orders.store_parts import Amounts, PartLine, SoldLine
from entrepot.orders.taxes import NOTHING, Back
from entrepot.orders.types import LineNotThere, NothingPaid, OrderHeld, UnitsTaken

SENT = ("shipped", "delivered", "completed")
Party = Literal["buyer", "seller"]


class Frozen(msgspec.Struct, frozen=True):
    """A part as it was frozen; when its order was delivered and released, if it was."""

    buyer_id: UUID
    seller_id: UUID
    market: str
    currency: str
    paid_minor: int
    delivered_at: datetime | None
    released_at: datetime | None


class Part(msgspec.Struct, frozen=True):
    """A part that is to be taken: what of each line (by number), of what kind, by whom and why. `border` was paid
    for the border of what is not sent. With `of_part` it is of no lines, but `kept` of what that part left its
    seller."""

    id: UUID
    kind: str
    party: Party
    reason: str
    lines: Mapping[int, Share]
    border: Back = NOTHING
    of_part: UUID | None = None
    kept: Amounts | None = None

    @property
    def amounts(self) -> Amounts:
        return self.kept or shares.total(self.lines.values())


async def freeze(
    tx: Tx,
    cell: int,
    part_id: UUID,
    order_id: UUID,
    units: Mapping[int, int],
    kind: Literal["disputed", "returned"] = "disputed",
    *,
    buyer_id: UUID | None = None,
    promised: Goods | None = None,
) -> Frozen:
    """Takes so many units of lines (by number) out of an order that was sent. Their money lies in escrow until
    `end_part`, also when the order is released; of one that was released it comes back there from the seller. A bundle
    is returned as a whole; of its components each can be disputed. With `buyer_id` only that buyer's. What is
    `promised` for it is held. Raises NotFound, WrongStatus, LineNotThere, UnitsTaken, NothingPaid, StockPromised,
    NotReleased, PaymentChargedBack."""
    (order,) = await locks.lock(tx, cell, [order_id], SENT, buyer_id=buyer_id)
    lines = await tx.all(store_parts.LEFT, cell=cell, order_id=order_id)
    wanted = shares.with_components(lines, units) if kind == "returned" else units
    taken = shares.of_units(shares.left(lines, order.payment_fee_minor, order.fee_tax_minor), wanted)
    part = Part(part_id, kind, "buyer", "", taken)
    if part.amounts.paid_minor == 0:
        raise NothingPaid
    left = await payments.left_of(tx, order.group_cell, order.group_id, order.id)
    if part.amounts.paid_minor > left:
        raise payments.PaymentChargedBack(left)
    await take(tx, cell, order, part)
    if promised is not None:
        await bonded.require_released(tx, cell, [promised])  # nothing that lies in bond is sent without a declaration
        await inventory.hold(tx, cell, promised)
    if order.status == "completed":
        await money.post(tx, cell, await settling.recalled(tx, cell, part_id, money.worth(order, part.amounts)))
    times = await tx.one(store_parts.TIMES, cell=cell, id=order_id)
    tell(tx, cell, "order_part_frozen", order, part_id, part.kind)
    return Frozen(
        order.buyer_id, order.seller_id, order.market, order.currency, part.amounts.paid_minor, times.delivered_at,
        times.ended_at,
    )  # fmt: skip


async def take_promise(tx: Tx, cell: int, part_id: UUID, promised: Goods) -> None:
    """What was promised for a part (see `freeze`) is free again. Who calls it holds the lock of what the part is of."""
    await locks.lock_buyers_below(tx, cell, [await tx.one(store_parts.ORDER_OF_PART, cell=cell, id=part_id)])
    await inventory.move(tx, cell, "expire", [promised])


async def restock(
    tx: Tx, cell: int, part_id: UUID, units: Mapping[int, int] | None, instead: Goods | None = None
) -> None:
    """So many units of the lines of a part that came back are good to be sold again: all of them (None), or by line.
    The others are written off, and what is held to be sent `instead` goes. The purchase cost of own goods comes back
    with them: own_stock 20 -> cost_of_goods 20. Who calls it holds the lock of what the part is of, and calls it once.
    What was let out of bond is in bond again, in the time that the law gives. Raises LineNotThere, UnitsTaken,
    NotBackIntoBond, NotReleased for what would be sent out of bond, and OrderHeld when something would be sent for an
    order that is held."""
    order_id = await tx.one(store_parts.ORDER_OF_PART, cell=cell, id=part_id)
    if instead is not None and await screening.held(tx, cell, [order_id]):
        raise OrderHeld(show("ord", order_id))
    await locks.lock_buyers_below(tx, cell, [order_id])
    lines = {line.line_no: line for line in await tx.all(store_parts.TO_RESTOCK, cell=cell, id=part_id)}
    units = {no: line.quantity for no, line in lines.items()} if units is None else units
    for line_no, quantity in units.items():
        if line_no not in lines:
            raise LineNotThere(line_no)
        if quantity > lines[line_no].quantity:
            raise UnitsTaken(line_no, lines[line_no].quantity)
    back = [(line, units[line.line_no]) for line in lines.values() if units.get(line.line_no)]
    if back or instead:
        goods = [Goods(line.stock_id, n, part_id) for line, n in back]
        await inventory.take_back(
            tx, cell, goods,
            [line.cost_minor * n // line.quantity for line, n in back], lines[min(lines)].currency, instead,
        )  # fmt: skip
        if await bonded.items_of(tx, cell, goods):
            if not await taxes.may_come_back_into_bond(tx, cell, part_id):
                raise bonded.NotBackIntoBond
            await bonded.put_back(tx, cell, part_id, goods)
    quantities = [units.get(line_no, 0) for line_no in lines]
    await tx.run(store_parts.RESTOCKED, cell=cell, id=part_id, lines=list(lines), quantities=quantities)


async def end_part(tx: Tx, cell: int, part_id: UUID, back_minor: int) -> None:
    """Ends a part that is frozen: `back_minor` of what was paid for it goes back to the buyer, with its shares of
    discount, commission and fee at the rates of the sale, and the rest is released. Who calls it holds the lock of what
    the part is of. Raises OrderHeld when something would be released of an order that is held.

    With what was returned over a border goes back what the law of its country gives back (taxes.of_return).

    Of 107, with 10 + 2 of fees, 50 go back: escrow 50 -> wallet 50, escrow 57 -> seller 57, seller 6 -> commission 6,
    seller 2 -> payment_fee 2."""
    part = await tx.maybe(store_parts.LOCK_FROZEN, cell=cell, id=part_id)
    assert part is not None, "a part is ended once, by what it is of"
    (order,) = await tx.all(store.ORDERS, cell=cell, ids=[part.order_id])
    if back_minor < part.paid_minor and await screening.held(tx, cell, [order.id]):
        raise OrderHeld(show("ord", order.id))
    back = shares.portion(part, back_minor, part.paid_minor)
    if order.group_cell < cell:
        await locks.lock_buyers(tx, order.group_cell, [order])
    kept = await kept_of(tx, cell, order, part_id, part, back)
    border = await taxes.of_return(tx, cell, part_id) if part.kind == "returned" and back.paid_minor else NOTHING
    if border.charge_minor:
        await tx.run(store_borders.DUTIES_OF_PART, cell=cell, id=part_id, duties_minor=border.charge_minor)
    await _end(tx, cell, order, part_id, part.kind, back, kept, border)


async def kept_of(
    tx: Tx, cell: int, order: OrderRow, part_id: UUID, part: store_parts.PartRow, back: Amounts
) -> list[Step]:
    """Steps that release what of a part does not go back. What was held back when its order was released is held
    still."""
    left = [(part_id, money.worth(order, shares.less(part, back)))]
    if part.recalled:
        return await settling.earned(tx, cell, left, "part_")
    return await settling.released(tx, cell, left, "part_")


async def cancel_lines(
    tx: Tx,
    cell: int,
    order_id: UUID,
    units: Mapping[int, int],
    *,
    buyer_id: UUID | None = None,
    seller_id: UUID | None = None,
    reason: str = "",
) -> None:
    """The buyer, whose cell it is, or the seller cancels so many units of lines (by number) of an order that is not
    sent: goods and money go back, with their shares of discounts, shipping and duties; the others keep theirs. A
    bundle is canceled as a whole. When nothing is left, the order is canceled. Raises NotFound, WrongStatus,
    LineNotThere, UnitsTaken."""
    if buyer_id is not None:
        cell = await tx.one(store.CELL_OF_ORDER, cell=cell, id=order_id)
    await locks.lock_buyers_below(tx, cell, [order_id])
    (order,) = await locks.lock(tx, cell, [order_id], ("paid",), buyer_id=buyer_id, seller_id=seller_id)
    lines = await tx.all(store_parts.LEFT, cell=cell, order_id=order_id)
    rest = shares.left(lines, order.payment_fee_minor, order.fee_tax_minor)
    taken = shares.of_units(rest, shares.with_components(lines, units))
    if all(line_no in taken and taken[line_no].units == line.units for line_no, line in rest.items() if line.units):
        await actions.cancel(tx, cell, [order_id])
        return
    stock = {line.line_no: line.stock_id for line in lines}
    await inventory.move(tx, cell, "give_back", [Goods(stock[no], s.units, order_id) for no, s in taken.items()])
    party: Party = "seller" if buyer_id is None else "buyer"
    border = await taxes.of_units(tx, cell, order_id, {line_no: share.units for line_no, share in taken.items()})
    await _give_back(tx, cell, order, Part(new_id(tx.now), "canceled", party, reason, taken, border))


async def refund_amount(
    tx: Tx, cell: int, order_id: UUID, line_no: int, amount_minor: int, reason: str, *, seller_id: UUID
) -> None:
    """The seller gives back an amount of what was paid for a line, and the buyer keeps the goods; of an order that was
    released it comes from the seller, who may then owe it. Raises NotFound, WrongStatus, LineNotThere,
    AmountNotLeft."""
    await locks.lock_buyers_below(tx, cell, [order_id])
    (order,) = await locks.lock(tx, cell, [order_id], ("paid", *SENT), seller_id=seller_id)
    lines = await tx.all(store_parts.LEFT, cell=cell, order_id=order_id)
    taken = shares.of_amount(
        lines, shares.left(lines, order.payment_fee_minor, order.fee_tax_minor), line_no, amount_minor
    )
    await _give_back(tx, cell, order, Part(new_id(tx.now), "refunded", "seller", reason, taken))


async def _give_back(tx: Tx, cell: int, order: OrderRow, part: Part) -> None:
    """Takes a part of an order, which is locked as are its buyer's things in a cell below, and gives all of it back."""
    await take(tx, cell, order, part)
    released = order.status == "completed"
    before = await settling.recalled(tx, cell, part.id, money.worth(order, part.amounts)) if released else []
    await _end(tx, cell, order, part.id, part.kind, part.amounts, before, part.border)


async def take(tx: Tx, cell: int, order: OrderRow, part: Part) -> None:
    """Writes a part of an order, which is locked."""
    taken = list(part.lines.values())
    await tx.run(
        store_parts.FREEZE, cell=cell, id=part.id, order_id=order.id, kind=part.kind, party=part.party,
        reason=part.reason, recalled=order.status == "completed" or part.of_part is not None,
        duties_minor=part.border.charge_minor, now=tx.now, of_part=part.of_part,
        **msgspec.structs.asdict(part.amounts),
    )  # fmt: skip
    await tx.run(
        store_parts.FREEZE_LINES, cell=cell, id=part.id, order_id=order.id, lines=list(part.lines),
        quantities=[s.units for s in taken], paid=[s.paid_minor for s in taken],
        discounts=[s.operator_discount_minor for s in taken], commissions=[s.commission_minor for s in taken],
        fees=[s.payment_fee_minor for s in taken], taxes=[s.fee_tax_minor for s in taken],
        withheld=[s.withheld_minor for s in taken],
    )  # fmt: skip


async def _end(
    tx: Tx,
    cell: int,
    order: OrderRow,
    part_id: UUID,
    kind: str,
    back: Amounts,
    others: Sequence[Step],
    border: Back = NOTHING,
) -> None:
    """Gives `back` of a part, and what was paid for its border, to the buyer and makes `others`, steps of the part in
    its cell, in the same posting: its accounts are locked together, and last. What is in a cell below is locked."""
    await tx.run(store_parts.END, cell=cell, id=part_id, now=tx.now, **msgspec.structs.asdict(back))
    home = order.group_cell
    if home != cell and not order.own:  # in one cell, what posts it locks it
        currencies = sorted({order.currency, *(step.currency for step in others)})
        await locks.lock_accounts(tx, cell, "seller", [(order.seller_id, currency) for currency in currencies])
    if home > cell:
        await locks.lock_buyers(tx, home, [order])
    if order.withheld_minor:
        border = await taxes.withheld_of_part(tx, cell, part_id, back)
    await taxes.note(tx, cell, part_id, order, border)
    given = msgspec.structs.replace(money.worth(order, back), duties_minor=border.charge_minor)
    steps = await money.refunded(tx, cell, home, [(part_id, given)], kind)
    steps[cell] += others
    for there, some in sorted(steps.items()):
        await money.post(tx, there, some)
    tell(tx, cell, "order_part_ended", order, part_id, kind)


async def sold_line(tx: ReadTx, cell: int, order_id: UUID, buyer_id: UUID, line_no: int) -> SoldLine:
    """A line of this buyer's order. Raises NotFound."""
    found = await tx.maybe(store_parts.SOLD_LINE, cell=cell, order_id=order_id, buyer_id=buyer_id, line_no=line_no)
    if found is None:
        raise NotFound
    return found


async def part_lines(tx: ReadTx, cell: int, part_ids: Sequence[UUID]) -> list[PartLine]:
    """What is in parts."""
    return await tx.all(store_parts.PART_LINES, cell=cell, ids=part_ids)


def tell(tx: Tx, cell: int, event: str, order: OrderRow, part_id: UUID, kind: str) -> None:
    data = {"part_id": part_id, "kind": kind, "seller_id": order.seller_id, "buyer_id": order.buyer_id}
    tx.emit(event, order.id, data, cell)
