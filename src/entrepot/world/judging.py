"""Odd orders and reviews in the simulated world: rules hold orders, the operator looks at some, buyers review."""

from __future__ import annotations

from uuid import UUID

import msgspec

from entrepot import fraud, orders, reviews
from entrepot.fraud import Rule
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, parse
from entrepot.reviews import Said
from entrepot.world.scene import World, ask

DAY_S = 86_400


class _Sent(msgspec.Struct, frozen=True):
    id: UUID
    buyer_id: UUID
    line_no: int


# A line of an order, delivered or not, of those that came last.
_SENT = """
    select o.id, o.buyer_id, l.line_no
      from orders.order o
      join orders.order_line l on l.cell = o.cell and l.order_id = o.id
     where o.cell = $1 order by o.id desc, l.line_no limit 40
"""


async def set_up(tx: Tx, world: World) -> None:
    """Who buys much in a day is looked at: much is let go by itself, and very much canceled."""
    for name, count, then in (("much", 6, "released"), ("very_much", 9, "rejected")):
        rule = Rule(name, "buyer", "XXX", 0, count, DAY_S, DAY_S // 2, then, world.clock.now(), "simulation")
        await fraud.add_rule(tx, rule, NIL)


async def look(world: World) -> None:
    """The operator lets an order go that is held, or has it canceled."""
    async with world.db.read() as tx:
        held = await orders.held_orders(tx)
    if not held:
        return
    one = world.chance.choice(held)
    order_id, seen = parse("ord", one.order_id), max(each.held_at for each in held)
    if world.chance.random() < 0.5:
        await ask(world, NIL, "let go", lambda tx: orders.release_held(tx, order_id, NIL, "Seen.", seen))
    else:
        await ask(world, NIL, "reject", lambda tx: orders.reject_held(tx, order_id, NIL, "Seen."))


async def review(world: World) -> None:
    """A buyer reviews something, or changes what it said; now and then the operator hides it."""
    cell = world.chance.choice(world.cells)
    async with world.db.read() as tx:
        lines = [_Sent(*row) for row in await tx.conn.fetch(_SENT, cell)]
    if not lines:
        return
    one, said = world.chance.choice(lines), Said(world.chance.randrange(1, 6), "", world.chance.randrange(1, 6))
    hides = world.chance.random() < 0.2

    async def write(tx: Tx) -> None:
        home = world.cell_of[one.buyer_id]
        id_ = await reviews.write(tx, home, one.buyer_id, one.id, one.line_no, said, "en")
        if hides:
            await reviews.set_hidden(tx, id_, NIL, "Seen.", hidden=True)

    await ask(world, one.buyer_id, "review", write)
