"""Channels as their seller sees them, and what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

from entrepot.channels import store
from entrepot.channels.store import ChannelRow, SaleRow
from entrepot.channels.types import Channel, Level, Line, Sale
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound

if TYPE_CHECKING:
    from entrepot.channels.types import Status

PAGE = 100
LEVELS_MAX = 1_000


async def channels(tx: ReadTx, cell: int, seller_id: UUID) -> list[Channel]:
    """The seller's channels, the closed ones last."""
    return [_channel(row) for row in await tx.all(store.CHANNELS, cell=cell, seller_id=seller_id)]


async def channel(tx: ReadTx, cell: int, seller_id: UUID, channel_id: UUID) -> Channel:
    """Raises NotFound, also for another seller's."""
    row = await tx.maybe(store.CHANNEL, cell=cell, seller_id=seller_id, channel_id=channel_id)
    if row is None:
        raise NotFound
    return _channel(row)


async def levels(
    tx: ReadTx, cell: int, seller_id: UUID, channel_id: UUID, *, after: int = 0, limit: int = LEVELS_MAX
) -> list[Level]:  # fmt: skip
    """What the channel may offer of each variant whose id is above `after`. Raises NotFound."""
    of = await channel(tx, cell, seller_id, channel_id)
    found = await tx.all(
        store.LEVELS, cell=cell, seller_id=seller_id, channel_id=channel_id, after=after, buffer=of.buffer, limit=limit
    )  # fmt: skip
    return found if of.closed_at is None else [_none(level) for level in found]


async def sales(tx: ReadTx, cell: int, seller_id: UUID, channel_id: UUID, before: UUID | None = None) -> list[Sale]:
    """What the channel has sold, the latest first, PAGE at a time. Raises NotFound."""
    await channel(tx, cell, seller_id, channel_id)
    return await _sales(
        tx, await tx.all(store.SALES, cell=cell, channel_id=channel_id, before=before, limit=PAGE)
    )  # fmt: skip


async def oversold(tx: ReadTx, cell: int, seller_id: UUID, channel_id: UUID) -> list[Sale]:
    """What it has sold and there was not, the latest first, at most PAGE. Raises NotFound."""
    await channel(tx, cell, seller_id, channel_id)
    return await _sales(tx, await tx.all(store.OVERSOLD, cell=cell, channel_id=channel_id, limit=PAGE))


async def sale(tx: ReadTx, cell: int, seller_id: UUID, channel_id: UUID, sale_id: UUID) -> Sale:
    """Raises NotFound."""
    await channel(tx, cell, seller_id, channel_id)
    row = await tx.maybe(store.SALE, cell=cell, channel_id=channel_id, sale_id=sale_id)
    if row is None:
        raise NotFound
    (found,) = await _sales(tx, [row])
    return found


async def skus(tx: ReadTx, variants: Sequence[int]) -> dict[int, str]:
    return {row.variant_id: row.sku for row in await tx.all(store.SKUS, variants=variants)}


async def _sales(tx: ReadTx, rows: Sequence[SaleRow]) -> list[Sale]:
    names = await skus(tx, [variant for row in rows for variant in row.variants])
    return [
        Sale(show("chs", row.id), row.number, cast("Status", row.status), _lines(row, names), row.at, row.ended_at)
        for row in rows
    ]


def _lines(row: SaleRow, names: dict[int, str]) -> list[Line]:
    left = row.left_over or row.quantities
    return [
        Line(names[variant], quantity, over if over < quantity else None)
        for variant, quantity, over in zip(row.variants, row.quantities, left, strict=True)
    ]


def _channel(row: ChannelRow) -> Channel:
    return Channel(show("chn", row.id), row.name, row.buffer, row.opened_at, row.closed_at, row.oversold)


def _none(level: Level) -> Level:
    """A channel that is closed has nothing to offer."""
    return Level(level.variant_id, level.sku, 0, level.available, level.buffer, level.version)
