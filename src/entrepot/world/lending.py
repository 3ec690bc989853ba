"""Buyers of the simulated world who buy on installments, and pay them in time, late, early or never."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import credit, orders
from entrepot.credit import CreditRefused, InstallmentsNotOffered, PlanTerms, Terms
from entrepot.kit.db import Tx
from entrepot.kit.sql import sql
from entrepot.orders import Place
from entrepot.world import actors
from entrepot.world.scene import World, ask, until_answered

DAY_S = 86_400
GIVEN_UP_DAYS = 40
OFFERED = ((3, 300, "buyer"), (6, 650, "seller"), (12, 900, "platform"), (24, 1_900, "buyer"))
LIMITS = ([0, 200, 350], [0, 60_000, 250_000])


async def agree(tx: Tx, market: str, begin: datetime) -> None:
    """What the operator offers in a market."""
    await credit.set_terms(
        tx, Terms(market, begin, 3 * DAY_S, 2 * DAY_S, 500, 1_500, GIVEN_UP_DAYS * DAY_S, *LIMITS, "simulation")
    )
    for months, fee_bp, bearer in OFFERED:
        await credit.set_plan_terms(tx, PlanTerms(market, months, begin, True, fee_bp, bearer, 500, "simulation"))


async def borrow(world: World) -> None:
    """A buyer places a quote on installments, or is refused, and knows why."""
    if not world.quotes:
        return
    (buyer, quote), months = actors.choose(world), world.chance.choice((3, 3, 6, 12, 24))
    command = Place(buyer, world.key(), quote, credit.INSTALLMENTS, months=months)
    home = world.cell_of[command.caller]
    try:
        verdict = await until_answered(lambda: orders.place_on_credit(world.db, home, command))
    except (CreditRefused, InstallmentsNotOffered) as refused:
        world.counts[f"borrow: {refused.code()}"] += 1
        return
    await actors.note(world, [command], [verdict])


class _Plan(msgspec.Struct, frozen=True):
    id: UUID
    buyer_id: UUID


_OPEN = sql(
    "select id, buyer_id from credit.plan where cell = :cell and status in ('open', 'defaulted') order by id", _Plan
)


async def repay(world: World) -> None:
    """A buyer pays what is due of a plan, or all of it, from the wallet or through the gateway, where another payment
    may be under way."""
    chance, cell = world.chance, world.chance.choice(world.cells)
    async with world.db.read() as tx:
        plans = await tx.all(_OPEN, cell=cell)
    if not plans:
        return
    plan, method, whole = chance.choice(plans), chance.choice(("wallet", "sandbox")), chance.random() < 0.3
    await ask(
        world, plan.buyer_id, "repay", lambda tx: credit.pay(tx, cell, plan.buyer_id, plan.id, method, whole=whole)
    )
