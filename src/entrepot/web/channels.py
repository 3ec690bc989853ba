"""A seller's channels: shops elsewhere, what each is told, what it has sold."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import channels
from entrepot.channels import Buffer, ChannelName, Sku, Sold
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import SELLER
from entrepot.kit.i18n import N
from entrepot.web.visit import Go, Visit, form, page

STATES = {
    "taken": N("To be sent"),
    "oversold": N("Sold elsewhere, and not there"),
    "sent": N("Sent"),
    "canceled": N("Canceled"),
}


class ChannelForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channel: ChannelName
    buffer: Buffer


class ChangeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    buffer: Buffer
    state: Literal["open", "closed"]


class BufferForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty `units`: as of all."""

    sku: Sku
    units: Annotated[str, Meta(pattern=r"^[0-9]{0,7}$(?!\n)")] = ""


class SaleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    act: Literal["again", "send", "cancel"]


async def list_page(tx: ReadTx, visit: Visit) -> Response:
    found = await channels.channels(tx, visit.me.cell, visit.seller_id)
    return await visit.show(tx, "seller_channels.html", channels=found)


async def channel_page(tx: ReadTx, visit: Visit) -> Response:
    mine = (visit.me.cell, visit.seller_id, visit.id("chn", "channel_id"))
    channel = await channels.channel(tx, *mine)
    before = visit.query_id("chs", "before")
    sales = await channels.sales(tx, *mine, before)
    levels = await channels.levels(tx, *mine, after=visit.query_number("after"), limit=channels.PAGE)
    return await visit.show(
        tx, "seller_channel.html", channel=channel, sales=sales, levels=levels, states=STATES,
        oversold=[] if before else await channels.oversold(tx, *mine),
        next_sale=sales[-1].id if len(sales) == channels.PAGE else None,
        next_level=levels[-1].variant_id if len(levels) == channels.PAGE else None,
    )  # fmt: skip


async def open_channel(tx: Tx, visit: Visit, body: ChannelForm) -> Go:
    opened = await channels.open_channel(tx, visit.me.cell, visit.seller_id, body.channel, body.buffer)
    return Go(f"/seller/channels/{opened.id}", done="channel_opened")


async def change(tx: Tx, visit: Visit, body: ChangeForm) -> Go:
    mine = (visit.me.cell, visit.seller_id, visit.id("chn", "channel_id"))
    changed = await channels.change(tx, *mine, body.buffer, closed=body.state == "closed")
    return Go(f"/seller/channels/{changed.id}", done="channel_changed")


async def set_buffer(tx: Tx, visit: Visit, body: BufferForm) -> Go:
    mine = (visit.me.cell, visit.seller_id, visit.id("chn", "channel_id"))
    await channels.set_buffer(tx, *mine, body.sku, int(body.units) if body.units else None)
    return Go(f"/seller/channels/{visit.param('channel_id')}", done="channel_changed")


async def act_on_sale(tx: Tx, visit: Visit, body: SaleForm) -> Go:
    mine = (visit.me.cell, visit.seller_id, visit.id("chn", "channel_id"))
    sale_id = visit.id("chs", "sale_id")
    if body.act == "again":
        sale = await channels.sale(tx, *mine, sale_id)
        await channels.sell(tx, *mine, sale.number, [Sold(line.sku, line.quantity) for line in sale.lines])
    else:
        await (channels.send if body.act == "send" else channels.cancel)(tx, *mine, sale_id)
    return Go(f"/seller/channels/{visit.param('channel_id')}", done="sale_moved_on")


routes = [
    page("/seller/channels", list_page, SELLER),
    form("/seller/channels", open_channel, ChannelForm, SELLER, again=list_page),
    page("/seller/channels/{channel_id}", channel_page, SELLER),
    form("/seller/channels/{channel_id}", change, ChangeForm, SELLER, again=channel_page),
    form("/seller/channels/{channel_id}/buffers", set_buffer, BufferForm, SELLER, again=channel_page),
    form("/seller/channels/{channel_id}/sales/{sale_id}", act_on_sale, SaleForm, SELLER),
]
