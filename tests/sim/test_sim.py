"""The simulated world on real PostgreSQL: seeds that once failed, a few others, and that a seed is a world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from entrepot import orders
from entrepot.kit.db import Tx
from entrepot.world import actors, sim
from entrepot.world.scene import World
from entrepot.world.sim import SimulationError, simulate

SEEDS = [
    tuple(map(int, line.split("#")[0].split()))
    for line in Path(__file__).with_name("seeds.txt").read_text(encoding="utf-8").splitlines()
    if line.split("#")[0].strip()
]


@pytest.mark.parametrize(("seed", "steps"), SEEDS)
async def test_a_world_with_accidents_ties(own_db_url: str, seed: int, steps: int) -> None:
    outcome = await simulate(own_db_url, seed, steps)
    assert outcome.steps == steps


async def test_one_seed_is_one_world(pg_url: str, own_db_url: str) -> None:
    first = await simulate(own_db_url, 11, 90)
    again = await sim.in_own_database(pg_url, 11, 90)
    other = await sim.in_own_database(pg_url, 12, 90)
    assert (again.state, again.counts) == (first.state, first.counts)
    assert other.state != first.state


async def test_a_world_that_breaks_says_how_to_see_it_again(own_db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escrow is forgotten when a seller cancels: the auditor finds it, and the message names seed and step."""
    honest = orders.cancel

    async def forgetful(tx: Tx, cell: int, ids: list[object], **who: object) -> None:
        await honest(tx, cell, ids, **who)  # type: ignore[arg-type]
        if ids:
            await tx.conn.execute("delete from ledger.transfer where cause_id = $1 and code = 'refund'", ids[0])

    monkeypatch.setattr(orders, "cancel", forgetful)
    with pytest.raises(SimulationError, match=r"seed 11, step \d+ .*again: ./dev sim --seed 11 --steps 120"):
        await simulate(own_db_url, 11, 120)


def test_every_actor_is_weighed() -> None:
    """An actor that nobody calls would be a hole in the world."""
    acting: list[Callable[[World], Awaitable[None]]] = [actor for _, actor in actors.ACTORS]
    assert len(set(acting)) == len(acting) == 14
    assert all(weight > 0 for weight, _ in actors.ACTORS)
