"""Buyers of the simulated world who complain or send things back, how all parties go on from there, and what is written
off in the end."""

from __future__ import annotations

from uuid import UUID

import msgspec

from entrepot import disputes, payments
from entrepot.kit.ids import NIL, parse
from entrepot.kit.sql import sql
from entrepot.world.scene import LIVE_MAX, World, ask


class _Line(msgspec.Struct, frozen=True):
    line_no: int
    quantity: int
    offer_id: int


class _Argued(msgspec.Struct, frozen=True):
    id: UUID
    status: str
    claimed_minor: int


_LINES = sql(
    "select line_no, quantity, offer_id from orders.order_line where cell = :cell and order_id = :id order by 1", _Line
)
_ARGUED = sql(
    "select id, status, claimed_minor from disputes.dispute where cell = :cell and order_id = :id order by id", _Argued
)


async def complain(world: World) -> None:
    """A buyer disputes some units of some lines of an order, whatever became of it."""
    if not world.live:
        return
    chance, order = world.chance, world.chance.choice(world.live)
    async with world.db.read() as tx:
        lines = await tx.all(_LINES, cell=order.cell, id=order.id)
    some = chance.sample(lines, chance.randrange(1, len(lines) + 1))
    units = {line.line_no: chance.choice((1, 1, line.quantity, line.quantity + 1)) for line in some}
    kind: disputes.Kind = chance.choice(
        ("not_received", "not_as_described", "wrong_or_damaged", "unwanted", "unwanted")
    )
    instead = some[0].offer_id if kind == "unwanted" and chance.random() < 0.5 else None  # refused for several lines
    claim = disputes.Claim(kind, units, "Look.", instead=instead)
    home = world.cell_of[order.buyer_id]
    if await ask(
        world, order.buyer_id, "dispute", lambda tx: disputes.open_dispute(tx, home, order.id, order.buyer_id, claim)
    ):
        world.disputed = [*world.disputed, order][-LIVE_MAX:]


async def argue(world: World) -> None:
    """A party of a dispute does something, mostly what is its turn."""
    if not world.disputed:
        return
    chance, order = world.chance, world.chance.choice(world.disputed)
    async with world.db.read() as tx:
        dispute = chance.choice(await tx.all(_ARGUED, cell=order.cell, id=order.id))
    party: disputes.Party = chance.choice(("buyer", "seller", "operator"))
    mine = disputes.acts(dispute.status, party)
    if mine and chance.random() < 0.9:
        act = chance.choice(mine)
    else:
        act = chance.choice(
            ("note", "send_back", "inspect", "replace", "answer", "accept", "escalate", "withdraw", "appeal", "decide")
        )
    word = disputes.Word(
        act,
        "Look.",
        chance.choice((0, dispute.claimed_minor // 3, dispute.claimed_minor)),
        restock=chance.choice((None, None, {}, {1: 1})),
    )
    await ask(world, order.buyer_id, f"dispute {act}", lambda tx: disputes.act(tx, order.cell, dispute.id, party, word))
    if dispute.status == "closed":
        world.disputed.remove(order)


async def forgive(world: World) -> None:
    """The operator writes off what a seller owes, or some of it, or more."""
    async with world.db.read() as tx:
        owed = await payments.debts(tx)
    if owed:
        debt, factor = world.chance.choice(owed), world.chance.choice((1, 1, 2, 3))
        seller, amount_minor = parse("sel", debt.seller_id), max(1, debt.owed_minor * factor // 2)
        await ask(
            world, NIL, "write_off",
            lambda tx: payments.write_off(tx, seller, debt.currency, amount_minor, "It is gone.", NIL),
        )  # fmt: skip
