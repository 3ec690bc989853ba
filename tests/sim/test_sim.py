"""The simulated world on real PostgreSQL: seeds that once failed, a few others, and that a seed is a world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from entrepot import orders
from entrepot.kit.db import Tx
from entrepot.settings import load
from entrepot.world import sim, sim_command
from entrepot.world.ground import open_ground
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
    """Also on a ground on which another was played before; it serves so many worlds and goes."""
    async with open_ground(own_db_url) as ground:
        first = await sim.play(ground, 11, 90)
    here = sim_command._Here(pg_url, "", 2, asyncio.Runner(), AsyncExitStack())
    other, again = await sim_command._play(here, 12, 90), await sim_command._play(here, 11, 90)
    assert (here.played, here.ground) == (2, None)
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


async def test_two_runs_of_one_seed_are_one_history_whatever_the_plans_are(pg_url: str, own_db_url: str) -> None:
    """Which row comes first when nothing says so is for PostgreSQL to choose, and must decide nothing."""
    conn = await asyncpg.connect(own_db_url)
    await conn.execute("alter database " + urlsplit(own_db_url).path[1:] + " set enable_indexscan = off")
    await conn.close()
    assert (await simulate(own_db_url, 13, 120)).state == (await sim.in_own_database(pg_url, 13, 120)).state


def test_seeds_are_given_one_by_one_or_as_ranges() -> None:
    assert sim_command.seeds_of("7") == [7]
    assert sim_command.seeds_of("1-3,9") == [1, 2, 3, 9]
    for wrong in ("", "x", "3-1", "1-", "-5", "1-99999999999", "9" * 30):
        with pytest.raises(ValueError, match="--seed is 7, or several, up to 100,000, as in 1-200,5000; not "):
            sim_command.seeds_of(wrong)


async def test_the_command_runs_many_worlds_at_a_time(
    pg_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({"ENTREPOT_DATABASE_URL": pg_url, "ENTREPOT_HOME": str(tmp_path)})
    kept = tmp_path / "seeds.txt"
    assert await asyncio.to_thread(sim_command.main, settings, seeds=[1, 2, 3], steps=20, keep=kept) == 0
    assert "3 worlds of 20 steps: all ties" in capsys.readouterr().out
    assert not kept.exists()


async def test_the_command_keeps_a_seed_that_fails(
    pg_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object) -> None:
        raise SimulationError(5, 17, "shop", ValueError("so"), 20)

    monkeypatch.setattr(sim_command, "in_own_database", failing)
    kept = tmp_path / "seeds.txt"
    kept.touch()
    settings = load({"ENTREPOT_DATABASE_URL": pg_url, "ENTREPOT_HOME": str(tmp_path)})
    assert await asyncio.to_thread(sim_command.main, settings, seeds=[5], steps=20, keep=kept) == 1
    assert kept.read_text(encoding="utf-8").startswith("5 17  # seed 5, step 17 (shop): ValueError('so')")
    assert "seed 5, step 17" in capsys.readouterr().out


def test_every_actor_is_weighed() -> None:
    """An actor that nobody calls would be a hole in the world."""
    acting: list[Callable[[World], Awaitable[None]]] = [actor for _, actor in sim.ACTORS]
    assert len(set(acting)) == len(acting) == 29
    assert all(weight > 0 for weight, _ in sim.ACTORS)
