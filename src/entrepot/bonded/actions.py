"""What goes into bond and out of it. The goods and the account book change in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from entrepot import inventory, logistics
from entrepot.bonded import store
from entrepot.bonded.types import (
    BookShort,
    DeclarationReceived,
    Incoming,
    ItemInUse,
    ItemNeeded,
    NewItem,
    NoBook,
    NotReleased,
    ParcelDeclaredIs,
)
from entrepot.inventory import Goods, Reason
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import parse, show
from entrepot.kit.problem import NotFound


async def open_book(tx: Tx, cell: int, location_id: int, number: str, office: str, by: UUID) -> None:
    """A location is a bonded warehouse with this account book, kept by this customs office. Raises NotFound, and
    LocationInUse when goods have lain there before."""
    await logistics.set_bonded(tx, cell, location_id)
    before = await tx.maybe(store.BOOK, cell=cell, location_id=location_id)
    if before is not None:
        tx.was(number=before)
    await tx.one(store.OPEN_BOOK, cell=cell, location_id=location_id, number=number, office=office, now=tx.now, by=by)


async def say_item(tx: Tx, cell: int, seller_id: UUID, location_id: int, new: NewItem) -> None:
    """Which item of the book a variant is. Raises NotFound, NoBook, and ItemInUse for a change once goods of it have
    come in: what they were brought in as is what they are let out as, and come back as."""
    await _require_book(tx, cell, seller_id, location_id)
    of = {"cell": cell, "seller_id": seller_id, "location_id": location_id}
    said = msgspec.structs.asdict(new)
    variant, per_unit = said.pop("variant_id"), said.pop("per_unit_milli")
    known = await tx.all(store.MAPPED, variants=[variant], **of)
    moved = sum(await tx.all(store.MOVED, variant_id=variant, **of))
    item = await tx.maybe(store.SAY_ITEM, now=tx.now, **of, **said)
    if item is None or (moved and [(one.item_id, one.per_unit_milli) for one in known] != [(item, per_unit)]):
        raise ItemInUse(variant)
    for before in known:
        tx.was(item_id=before.item_id, per_unit_milli=before.per_unit_milli)
    await tx.run(store.MAP, variant_id=variant, item_id=item, per_unit_milli=per_unit, **of)


async def receive(
    tx: Tx,
    cell: int,
    seller_id: UUID,
    location_id: int,
    declaration_no: str,
    lines: Sequence[Incoming],
    by: UUID,
    currency: str | None = None,
) -> logistics.Receipt:
    """Takes goods into bond, which an inbound declaration has brought there with duty suspended, once. Raises what
    logistics.receive raises, and NoBook, ItemNeeded, DeclarationReceived."""
    await _require_book(tx, cell, seller_id, location_id)
    of = {"cell": cell, "seller_id": seller_id, "location_id": location_id}
    mapped = {one.variant_id: one for one in await tx.all(store.MAPPED, variants=[x.variant_id for x in lines], **of)}
    for line in lines:
        if line.variant_id not in mapped:
            raise ItemNeeded(line.variant_id)
    delivered = [logistics.Delivered(line.variant_id, line.quantity, line.cost_minor) for line in lines]
    receipt = await logistics.receive(tx, cell, seller_id, location_id, delivered, currency, in_bond=True)
    id_ = parse("rcp", receipt.id)
    if await tx.maybe(store.RECEIVE, id=id_, declaration_no=declaration_no, now=tx.now, by=by, **of) is None:
        raise DeclarationReceived
    milli = [mapped[line.variant_id].per_unit_milli * line.quantity for line in lines]
    await _enter(tx, cell, "receive", id_, [mapped[line.variant_id].item_id for line in lines], milli)
    return receipt


async def write_off(
    tx: Tx, cell: int, seller_id: UUID, stock_id: int, on_hand_delta: int, reason: Reason, user_id: UUID
) -> UUID:
    """What is missing in bond, or was found there, changes the count and the book alike; the adjustment's id. Raises
    what inventory.adjust raises, NotFound for what does not lie in bond, and BookShort."""
    id_ = await inventory.adjust(tx, cell, seller_id, stock_id, on_hand_delta, reason, user_id)
    good = await tx.maybe(store.GOODS, cell=cell, stocks=[stock_id])
    if good is None:
        raise NotFound
    milli = on_hand_delta * good.per_unit_milli
    if milli < 0:
        await _require_left(tx, cell, {good.item_id: -milli})
    await _enter(tx, cell, "write_off" if milli < 0 else "found", id_, [good.item_id], [milli])
    return id_


async def ask(
    tx: Tx, cell: int, id_: UUID, order_id: UUID, goods: Sequence[Goods], carrier: str, tracking_number: str
) -> None:
    """Customs is to be asked, by the declaration `id_`, to let an order's goods out of bond with this parcel: the book
    promises it what that takes, which nobody else is promised. Raises BookShort."""
    wanted = await items_of(tx, cell, goods)
    await _require_left(tx, cell, wanted)
    items, quantities = list(wanted), list(wanted.values())
    await tx.run(store.PROMISE, cell=cell, items=items, quantities=quantities)
    await tx.run(
        store.ASK, cell=cell, id=id_, order_id=order_id, carrier=carrier, tracking_number=tracking_number, now=tx.now
    )
    await tx.run(store.ASK_LINES, cell=cell, id=id_, items=items, quantities=quantities)


async def let_out(tx: Tx, cell: int, id_: UUID) -> None:
    """Customs has let out what it was asked for: book -3, and promised -3."""
    lines = await _move_on(tx, cell, id_, "asked", "released")
    await _unpromise(tx, cell, lines)
    await _enter(tx, cell, "release", id_, list(lines), [-milli for milli in lines.values()])


async def take_back(tx: Tx, cell: int, id_: UUID) -> None:
    """What customs was asked to let out stays in bond, or is there again: once, whatever had been answered."""
    status = await tx.one(store.STATUS, cell=cell, id=id_)
    if status == "asked":
        await _unpromise(tx, cell, await _move_on(tx, cell, id_, "asked", "dropped"))
    elif status == "released":
        lines = await _move_on(tx, cell, id_, "released", "revoked")
        await _enter(tx, cell, "revoke", id_, list(lines), list(lines.values()))


async def put_back(tx: Tx, cell: int, part_id: UUID, goods: Sequence[Goods]) -> None:
    """Goods that were let out and sent are in bond again."""
    wanted = await items_of(tx, cell, goods)
    await _enter(tx, cell, "return", part_id, list(wanted), list(wanted.values()))


async def require_released(
    tx: ReadTx, cell: int, goods: Sequence[Goods], parcels: Mapping[UUID, tuple[str, str]] | None = None
) -> None:
    """Before goods of orders (their causes) are sent, by these parcels (carrier, tracking number): what of them lies in
    bond was let out, just so much, and to be sent like this. Raises NotReleased, ParcelDeclaredIs."""
    found = await tx.all(
        store.OUT_OF_BOND, cell=cell, orders=[one.cause_id for one in goods], stocks=[one.stock_id for one in goods],
        quantities=[one.quantity for one in goods],
    )  # fmt: skip
    for row in found:
        if not row.released:
            raise NotReleased(show("ord", row.order_id))
        if parcels is not None and parcels[row.order_id] != (row.carrier, row.tracking_number):
            raise ParcelDeclaredIs(show("ord", row.order_id), row.carrier, row.tracking_number)


async def items_of(tx: ReadTx, cell: int, goods: Sequence[Goods]) -> dict[int, int]:
    """Thousandths of the items of books that goods in bond are; of other goods nothing."""
    found = {good.stock_id: good for good in await tx.all(store.GOODS, cell=cell, stocks=[g.stock_id for g in goods])}
    wanted: dict[int, int] = {}
    for one in goods:
        if one.stock_id in found:
            good = found[one.stock_id]
            wanted[good.item_id] = wanted.get(good.item_id, 0) + one.quantity * good.per_unit_milli
    return wanted


async def _require_book(tx: ReadTx, cell: int, seller_id: UUID, location_id: int) -> None:
    await logistics.location_of(tx, cell, seller_id, location_id)
    if await tx.maybe(store.BOOK, cell=cell, location_id=location_id) is None:
        raise NoBook


async def _require_left(tx: Tx, cell: int, wanted: Mapping[int, int]) -> None:
    for left in await tx.all(store.LOCK_ITEMS, cell=cell, items=list(wanted)):
        if left.left_milli < wanted[left.id]:
            raise BookShort(left.record_no, left.left_milli)


async def _move_on(tx: Tx, cell: int, id_: UUID, was: str, status: str) -> dict[int, int]:
    """The lines of a release, which is in its next status. It is asked once, by the status of its declaration."""
    moved = await tx.maybe(store.MOVE_ON, cell=cell, id=id_, was=was, status=status, now=tx.now)
    assert moved is not None, f"a release that is {was} is {status} once"
    return {line.id: line.left_milli for line in await tx.all(store.LINES, cell=cell, id=id_)}


async def _unpromise(tx: Tx, cell: int, lines: Mapping[int, int]) -> None:
    await tx.all(store.LOCK_ITEMS, cell=cell, items=list(lines))
    await tx.run(store.PROMISE, cell=cell, items=list(lines), quantities=[-milli for milli in lines.values()])


async def _enter(tx: Tx, cell: int, kind: str, cause: UUID, items: Sequence[int], quantities: Sequence[int]) -> None:
    await tx.run(
        store.ENTER, cell=cell, now=tx.now, kind=kind, cause_id=cause, items=items, quantities=quantities
    )  # fmt: skip
