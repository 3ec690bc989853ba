"""A bank that tells exchange rates, on some days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from entrepot import exchange
from entrepot.kit.db import Tx
from entrepot.world.scene import World, until_answered

NAME = "rates_simulation"


async def tell_rates(tx: Tx, world: World) -> None:
    """What a euro is today."""
    chance, today = world.chance, tx.now.date()
    rows: list[tuple[str, date, Decimal]] = [
        ("USD", today, Decimal(chance.randrange(10_000, 13_000)).scaleb(-4)),
        ("JPY", today, Decimal(chance.randrange(15_000, 18_000)).scaleb(-2)),
    ]
    await exchange.take_rates(tx, exchange.Rates(NAME, "simulation", str(rows), rows))


async def tell(world: World) -> None:
    """One day's rates come; those that are too old by now hold up no other sale."""
    await until_answered(lambda: world.db.transact(lambda tx: tell_rates(tx, world)))
    world.counts["rates"] += 1
