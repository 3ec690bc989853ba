"""Channels over HTTP, for what connects a shop elsewhere: levels of stock out, sales in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.channels import actions, reads
from entrepot.channels.types import (
    LINES_MAX,
    Buffer,
    Channel,
    ChannelClosed,
    ChannelExists,
    ChannelName,
    Level,
    Number,
    Sale,
    SaleConflict,
    SaleStatusIs,
    Sku,
    SkuUnknown,
    Sold,
    TooManyChannels,
)
from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import SELLER, get, post, put

ChannelRef = Annotated[UUID, "chn"]
SaleRef = Annotated[UUID, "chs"]


class NewChannel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: ChannelName
    buffer: Buffer


class ChannelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    buffer: Buffer
    closed: bool = False


class VariantBuffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`buffer` null: as of all."""

    sku: Sku
    buffer: Buffer | None


class NewSale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` is the channel's own of this sale; lines of one SKU are added up."""

    number: Number
    lines: Annotated[list[Sold], Meta(min_length=1, max_length=LINES_MAX)]


class LevelsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the `next` of the page before."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=reads.LEVELS_MAX)] = 100


class SalesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the `next` of the page before."""

    before: Annotated[str, Meta(pattern=f"^chs_[0-9a-f]{{32}}{ids.END}")] | None = None


class Channels(msgspec.Struct, frozen=True):
    items: list[Channel]


class Levels(msgspec.Struct, frozen=True):
    items: list[Level]
    next: int | None


class Sales(msgspec.Struct, frozen=True):
    items: list[Sale]
    next: str | None


async def list_channels(tx: ReadTx, caller: Caller) -> Channels:
    """The seller's channels: shops elsewhere that sell the same goods."""
    return Channels(await reads.channels(tx, caller.cell, caller.seller))


async def open_channel(tx: Tx, caller: Caller, body: NewChannel) -> Channel:
    """Opens a channel. It is told of `buffer` units of each variant fewer than there are."""
    return await actions.open_channel(tx, caller.cell, caller.seller, body.name, body.buffer)


async def change_channel(tx: Tx, caller: Caller, channel_id: ChannelRef, body: ChannelChange) -> Channel:
    """Sets a channel's buffer; closes it or opens it again. A closed one is told that there is nothing."""
    return await actions.change(tx, caller.cell, caller.seller, channel_id, body.buffer, closed=body.closed)


async def set_channel_buffer(tx: Tx, caller: Caller, channel_id: ChannelRef, body: VariantBuffer) -> None:
    """Says of how many of a variant the channel is told fewer."""
    await actions.set_buffer(tx, caller.cell, caller.seller, channel_id, body.sku, body.buffer)


async def list_levels(tx: ReadTx, caller: Caller, channel_id: ChannelRef, query: LevelsQuery) -> Levels:
    """What the channel may offer: of each variant what is available at all locations, less its buffer."""
    found = await reads.levels(tx, caller.cell, caller.seller, channel_id, after=query.after, limit=query.limit)
    return Levels(found, found[-1].variant_id if len(found) == query.limit else None)


async def add_sale(tx: Tx, caller: Caller, channel_id: ChannelRef, body: NewSale) -> Sale:
    """Tells of what the channel has sold. It is taken from stock whole, or nothing of it (`oversold`, with what was
    left); the same again is the same sale, and one that was oversold is tried again."""
    return await actions.sell(tx, caller.cell, caller.seller, channel_id, body.number, body.lines)


async def list_sales(tx: ReadTx, caller: Caller, channel_id: ChannelRef, query: SalesQuery) -> Sales:
    """What the channel has sold, the latest first."""
    before = ids.parse("chs", query.before) if query.before else None
    found = await reads.sales(tx, caller.cell, caller.seller, channel_id, before)
    return Sales(found, found[-1].id if len(found) == reads.PAGE else None)


async def send_sale(tx: Tx, caller: Caller, channel_id: ChannelRef, sale_id: SaleRef) -> Sale:
    """Says that the goods have left; they are taken off the shelf."""
    return await actions.send(tx, caller.cell, caller.seller, channel_id, sale_id)


async def cancel_sale(tx: Tx, caller: Caller, channel_id: ChannelRef, sale_id: SaleRef) -> Sale:
    """Says that the sale is off; what was taken is given back."""
    return await actions.cancel(tx, caller.cell, caller.seller, channel_id, sale_id)


ONE = "/v1/seller/channels/{channel_id}"

routes = [
    get("/v1/seller/channels", list_channels, access=SELLER),
    post(
        "/v1/seller/channels", open_channel, access=SELLER, status=201, key="taken",
        raises=(ChannelExists, TooManyChannels),
    ),
    put(ONE, change_channel, access=SELLER, key="taken"),
    put(f"{ONE}/buffers", set_channel_buffer, access=SELLER, raises=(SkuUnknown,), key="taken"),
    get(f"{ONE}/levels", list_levels, access=SELLER),
    get(f"{ONE}/sales", list_sales, access=SELLER),
    post(
        f"{ONE}/sales", add_sale, access=SELLER, status=201, key="taken",
        raises=(ChannelClosed, SkuUnknown, SaleConflict),
    ),
    post(f"{ONE}/sales/{{sale_id}}/send", send_sale, access=SELLER, raises=(SaleStatusIs,), key="taken"),
    post(f"{ONE}/sales/{{sale_id}}/cancel", cancel_sale, access=SELLER, raises=(SaleStatusIs,), key="taken"),
]  # fmt: skip
