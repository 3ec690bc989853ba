"""Sellers of the simulated world who sell elsewhere too, in shops that hear of stock late and are heard late."""

from __future__ import annotations

from uuid import UUID

from entrepot import channels
from entrepot.channels import Sold
from entrepot.kit.db import Tx
from entrepot.kit.ids import parse
from entrepot.world.scene import Offer, World, ask

NAME = "Out there"
PATIENCE = 0.6
"""How often what was sold before is sent, canceled or told again, rather than something new."""


async def sell_elsewhere(world: World) -> None:
    """A channel tells of a sale, of more units than there are now and then, or of how one ended; all of it may be told
    twice."""
    offer = world.chance.choice([offer for offer in world.offers if not offer.own])
    channel = await _channel(world, offer)
    if world.sold_elsewhere and world.chance.random() < PATIENCE:
        offer, number, units = world.chance.choice(world.sold_elsewhere)
        channel = await _channel(world, offer)
    else:
        number, units = world.key(), world.chance.choice((1, 1, 2, 30))
        world.sold_elsewhere = [*world.sold_elsewhere[-9:], (offer, number, units)]
    mine = (offer.cell, offer.seller, channel)
    what = world.chance.choice(("sell", "sell", "send", "cancel"))

    async def tell(tx: Tx) -> None:
        sku = await tx.conn.fetchval(
            "select v.sku from inventory.stock s join catalog.variant v on v.id = s.variant_id "
            "where s.cell = $1 and s.id = $2", offer.cell, offer.stock,
        )  # fmt: skip
        sale = await channels.sell(tx, *mine, number, [Sold(sku, units)])
        if what != "sell":
            await (channels.send if what == "send" else channels.cancel)(tx, *mine, parse("chs", sale.id))

    await ask(world, offer.seller, f"{what}_elsewhere", tell)


async def _channel(world: World, offer: Offer) -> UUID:
    async def open_(tx: Tx) -> None:
        await channels.open_channel(tx, offer.cell, offer.seller, NAME, 1)

    if offer.seller not in world.channels:
        await ask(world, offer.seller, "open_channel", open_)
        async with world.db.read() as tx:
            (channel,) = await channels.channels(tx, offer.cell, offer.seller)
        world.channels[offer.seller] = parse("chn", channel.id)
    return world.channels[offer.seller]
