"""Channels are opened; what they have sold is taken from stock, sent or given back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot import inventory
from entrepot.channels import reads, store
from entrepot.channels.types import (
    CHANNELS_MAX,
    Channel,
    ChannelClosed,
    ChannelExists,
    Sale,
    SaleConflict,
    SaleStatusIs,
    SkuUnknown,
    Sold,
    TooManyChannels,
)
from entrepot.inventory import Goods, Short, Want
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id
from entrepot.kit.problem import NotFound


async def open_channel(tx: Tx, cell: int, seller_id: UUID, name: str, buffer: int) -> Channel:
    """Opens a channel, told of `buffer` units of each variant fewer than there are. Raises ChannelExists and
    TooManyChannels."""
    await tx.one(store.LOCK_SELLER, seller_id=seller_id)
    if len(await reads.channels(tx, cell, seller_id)) >= CHANNELS_MAX:
        raise TooManyChannels(CHANNELS_MAX)
    id_ = new_id(tx.now)
    if await tx.maybe(store.ADD, cell=cell, id=id_, seller_id=seller_id, name=name, buffer=buffer, now=tx.now) is None:
        raise ChannelExists
    return await reads.channel(tx, cell, seller_id, id_)


async def change(tx: Tx, cell: int, seller_id: UUID, channel_id: UUID, buffer: int, *, closed: bool) -> Channel:
    """Sets the buffer of all variants that have none of their own; closes the channel or opens it again. What it has
    sold is still sent or canceled. Raises NotFound."""
    before = await reads.channel(tx, cell, seller_id, channel_id)
    tx.was(buffer=before.buffer, closed=before.closed_at is not None)
    await tx.run(store.CHANGE, cell=cell, channel_id=channel_id, buffer=buffer, closed=closed, now=tx.now)
    return await reads.channel(tx, cell, seller_id, channel_id)


async def set_buffer(tx: Tx, cell: int, seller_id: UUID, channel_id: UUID, sku: str, units: int | None) -> None:
    """Says how many of a variant the channel is told of fewer; null is again as many as of all. Raises NotFound and
    SkuUnknown."""
    await reads.channel(tx, cell, seller_id, channel_id)
    variant = (await _variants(tx, [sku]))[sku]
    before = await reads.levels(tx, cell, seller_id, channel_id, after=variant - 1, limit=1)
    if not before or before[0].variant_id != variant:
        raise SkuUnknown(sku)
    tx.was(buffer=before[0].buffer)
    of = {"cell": cell, "channel_id": channel_id, "variant_id": variant}
    if units is None:
        await tx.run(store.FORGET_BUFFER, **of)
    else:
        await tx.run(store.SET_BUFFER, units=units, **of)


async def sell(tx: Tx, cell: int, seller_id: UUID, channel_id: UUID, number: str, lines: Sequence[Sold]) -> Sale:
    """Takes from stock what the channel has sold under its `number`: all of it, or nothing when there are too few of
    something, which is then known as oversold and told the seller. The same again is the same sale; one that was
    oversold is tried again. Emits channel_oversold.

    Raises NotFound, ChannelClosed, SkuUnknown, and SaleConflict when the number stands for something else."""
    closed = (await reads.channel(tx, cell, seller_id, channel_id)).closed_at is not None
    variants = await _variants(tx, [line.sku for line in lines])
    wanted: dict[int, int] = {}
    for line in lines:
        wanted[variants[line.sku]] = wanted.get(variants[line.sku], 0) + line.quantity
    of = {"cell": cell, "channel_id": channel_id}
    asked = sorted(wanted.items())
    id_ = await tx.maybe(
        store.ADD_SALE, id=new_id(tx.now), number=number, variants=[variant for variant, _ in asked],
        quantities=[quantity for _, quantity in asked], now=tx.now, **of,
    )  # fmt: skip
    sale = await tx.one(store.LOCK_NUMBER, number=number, **of)
    if list(zip(sale.variants, sale.quantities, strict=True)) != asked:
        raise SaleConflict
    if sale.status == "oversold":
        if closed:
            raise ChannelClosed
        await _take(tx, cell, seller_id, sale, again=id_ is None)
    return await reads.sale(tx, cell, seller_id, channel_id, sale.id)


async def _take(tx: Tx, cell: int, seller_id: UUID, sale: store.SaleRow, *, again: bool) -> None:
    shelves: dict[int, list[int]] = {variant: [] for variant in sale.variants}
    for row in await tx.all(store.SHELVES, cell=cell, seller_id=seller_id, variants=sale.variants):
        shelves[row.variant_id].append(row.stock_id)
    for variant, stocks in shelves.items():
        if not stocks:
            raise SkuUnknown((await reads.skus(tx, [variant]))[variant])
    wants = [Want(shelves[v], quantity) for v, quantity in zip(sale.variants, sale.quantities, strict=True)]
    of = {"cell": cell, "sale_id": sale.id}
    try:
        goods = await inventory.allocate(tx, cell, wants, sale.id)
    except Short as short:
        await tx.run(store.MOVE_ON, status="oversold", left_over=short.left, ended_at=None, **of)
        if not again:
            tx.emit("channel_oversold", seller_id, {"sale_id": sale.id, "number": sale.number}, cell)
        return
    stocks, quantities = [g.stock_id for g in goods], [g.quantity for g in goods]
    await tx.run(store.TAKE, stocks=stocks, quantities=quantities, **of)
    await tx.run(store.MOVE_ON, status="taken", left_over=None, ended_at=None, **of)


async def send(tx: Tx, cell: int, seller_id: UUID, channel_id: UUID, sale_id: UUID) -> Sale:
    """The goods have left: they are taken off the shelf, once. Raises NotFound and SaleStatusIs."""
    return await _end(tx, cell, seller_id, channel_id, sale_id, "sent")


async def cancel(tx: Tx, cell: int, seller_id: UUID, channel_id: UUID, sale_id: UUID) -> Sale:
    """The sale is off: what was taken is given back, once. Raises NotFound and SaleStatusIs."""
    return await _end(tx, cell, seller_id, channel_id, sale_id, "canceled")


async def _end(tx: Tx, cell: int, seller_id: UUID, channel_id: UUID, sale_id: UUID, status: str) -> Sale:
    await reads.channel(tx, cell, seller_id, channel_id)
    sale = await tx.maybe(store.LOCK_SALE, cell=cell, channel_id=channel_id, sale_id=sale_id)
    if sale is None:
        raise NotFound
    if sale.status != status:
        if sale.status not in (("taken",) if status == "sent" else ("taken", "oversold")):
            raise SaleStatusIs(sale.status)
        goods = [
            Goods(row.stock_id, row.quantity, sale_id)
            for row in await tx.all(store.TAKEN, cell=cell, sale_id=sale_id)
        ]  # fmt: skip
        if status == "sent":
            await inventory.ship(tx, cell, goods)
        elif goods:
            await inventory.move(tx, cell, "give_back", goods)
        await tx.run(
            store.MOVE_ON, cell=cell, sale_id=sale_id, status=status, left_over=sale.left_over, ended_at=tx.now
        )  # fmt: skip
    return await reads.sale(tx, cell, seller_id, channel_id, sale_id)


async def _variants(tx: Tx, skus: Sequence[str]) -> dict[str, int]:
    found = {row.sku: row.variant_id for row in await tx.all(store.VARIANTS, skus=skus)}
    for sku in skus:
        if sku not in found:
            raise SkuUnknown(sku)
    return found
