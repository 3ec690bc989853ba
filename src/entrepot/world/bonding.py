"""Goods in bond in the simulated world: in some worlds a seller has a thing that customs lets out order by order, and
the office answers late, rejects, or loses what it has answered. Its tally and our book must be the same in the end."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from uuid import UUID

import httpx

from entrepot import bonded, catalog, customs, inventory, logistics, trade
from entrepot.kit.auth import Keys
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import DatabaseAway
from entrepot.kit.sql import sql
from entrepot.world import crossing
from entrepot.world.customs import Customs, Moods
from entrepot.world.faults import KilledError
from entrepot.world.scene import World, ask

EACH = 8
"""Of so many seeds one has such a world."""
PLACE, COUNTRY, PER_UNIT = 3, "US", 250
SECRET = b"what a simulated customs and we know"
OFFICE = customs.Office("http://customs.test", SECRET)
KEYS = Keys(b"the secret of a simulated shop")
MOODS = Moods(reject_rate=0.15, delay_rate=0.2, error_rate=0.1, lost_rate=0.1)

# The first order whose messages do not agree yet, or which customs rejected.
_WAITING = sql(
    """
    select d.order_id
      from customs.declaration d
      join orders.order o on o.cell = d.cell and o.id = d.order_id and o.status = 'paid'
     where d.cell = :cell and d.status in ('open', 'rejected')
       and not exists (select from customs.declaration n
                        where n.cell = d.cell and n.order_id = d.order_id and n.no > d.no)
     order by d.order_id limit 1
    """,
    UUID,
)
_RELEASED = sql("select coalesce(sum(released_milli), 0)::bigint from bonded.item", int)


@dataclass
class Bond:
    """What lies in bond, and the office that lets it out."""

    offer: int
    variant: int
    stock: int
    market: str
    seller: UUID
    cell: int
    office: Customs
    client: httpx.AsyncClient
    receipts: int = 0


async def set_up(tx: Tx, world: World, chance: Random) -> Bond:
    """A warehouse with its book, and one thing of the first seller's that it knows."""
    seller, market, cell = world.sellers[0], "us", world.cells[0]
    await logistics.import_locations(tx, cell, [PLACE], ["zone"], ["Zone"], [COUNTRY])
    await logistics.set_address(tx, cell, None, PLACE, logistics.LocationAddress("3 Dock Road", "Harbor"))
    await bonded.open_book(tx, cell, PLACE, "B1", "Harbor", NIL)
    category = (await catalog.categories(tx))[0].id
    made = await catalog.add_product(tx, catalog.NewProduct("Thing in bond", category, [catalog.NewVariant("bond")]))
    (variant,) = made.variant_ids
    (stock,) = await inventory.open_stock(tx, cell, [seller], [variant], [PLACE])
    new = catalog.NewOffer(seller, variant, market, PLACE, stock, 1_999)
    offer = await catalog.add_offer(tx, cell, new)
    await trade.set_item(tx, trade.Item(variant, crossing.CODE, {}, "VN", "Thing in bond", PER_UNIT), 0, None)
    item = bonded.NewItem("A1", variant, PER_UNIT, crossing.CODE, "VN", "Things", "kg", 4_000, world.markets[market])
    await bonded.say_item(tx, cell, seller, PLACE, item)
    office = Customs(SECRET, world.clock, chance, MOODS)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(office))
    return Bond(offer.id, variant, stock, market, seller, cell, office, client)


async def trade_in_bond(world: World) -> None:
    """Somebody wants some of it, more comes in, a parcel is packed, or customs is asked."""
    bond = world.bond
    assert bond is not None, "an actor of worlds with a bond"
    verb = world.chance.choice((_want, _want, _receive, _pack, _pack, _pack, _declare, _declare))
    await verb(world, bond)


async def _want(world: World, bond: Bond) -> None:
    chance = world.chance
    buyer, units = chance.choice(world.buyers), chance.randrange(1, 4)
    await crossing.ask_price(world, buyer, bond.market, [(bond.offer, units)], "ddp", bond.market, None)


async def _receive(world: World, bond: Bond) -> None:
    units = world.chance.randrange(1, 12)
    bond.receipts += 1
    number, lines = f"IN-{bond.receipts}", [bonded.Incoming(bond.variant, units)]

    async def receive(tx: Tx) -> None:
        await bonded.receive(tx, bond.cell, bond.seller, PLACE, number, lines, NIL)

    if await ask(world, bond.seller, "receive_into_bond", receive):
        world.received[bond.stock] += units


async def _pack(world: World, bond: Bond) -> None:
    """The parcel as actors.go_on sends it."""
    async with world.db.read() as tx:
        order = await tx.maybe(_WAITING, cell=bond.cell)
    if order is not None:
        said = customs.ParcelSaid("house", order.hex, 2_000)
        await ask(world, bond.seller, "say", lambda tx: customs.say(tx, bond.cell, order, said, NIL, bond.seller))


async def _declare(world: World, _: Bond) -> None:
    try:
        world.counts["declared"] += await declare(world)
    except (DatabaseAway, KilledError):
        world.counts["worker killed"] += 1


async def declare(world: World) -> int:
    """Asks customs what is due, one after another, so that a seed is one history; how much it was."""
    bond, asked = world.bond, 0
    if bond is None:
        return 0
    while await customs.sweep(world.db, bond.client, OFFICE, KEYS, bond.cell, limit=1):
        asked += 1
    return asked


async def tie(world: World) -> None:
    """What customs says that it has let out is what the book says."""
    if world.bond is not None:
        world.counts.update(f"customs: {one['status']}" for one in world.bond.office.decided.values())
        async with world.db.read() as tx:
            released = await tx.one(_RELEASED)
        let_out = sum(world.bond.office.let_out().values())
        assert released == let_out, f"customs let out {let_out}, the book says {released}"
