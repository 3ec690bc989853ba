"""Does the net hold? Defects are planted, and small worlds must find each of them and say after which step."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from entrepot import campaigns, inventory, ledger
from entrepot.inventory import Goods
from entrepot.kit import idempotency
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id
from entrepot.ledger import Transfer
from entrepot.world import campaigning, sim, working
from entrepot.world.actors import two_at_once
from entrepot.world.sim import ACTORS, SimulationError, in_own_database, simulate
from tests.races.planting import Defect, plant

STEPS = 300
SEEDS = range(1, 4)

NO_STOCK_LOCK = ("inventory.lock_many", "for no key update", "")
WALLETS_FIRST = ("orders.lock_all", "begin", "begin\n    perform ledger.lock_many(p_cell, p_wallets);")
KEY_FORGOTTEN = ("orders.place_many", "if k_new < n then", "if false then")
FREED_TWICE = ("inventory.move_many", "when 'give_back' then -1", "when 'give_back' then -2")

Find = Callable[[Defect | None], Awaitable[str]]


@pytest.fixture
def find(pg_url: str, lone_db_url: str) -> Find:
    """What the first world says in which something goes wrong, with a defect in the database or none."""

    async def found(defect: Defect | None) -> str:
        if defect is not None:
            conn = await asyncpg.connect(lone_db_url)
            await plant(conn, *defect)
            await conn.close()
        for seed in SEEDS:
            try:
                await in_own_database(pg_url, seed, STEPS, template=urlsplit(lone_db_url).path[1:])
            except SimulationError as error:
                return str(error)
        return "nothing"

    return found


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds in which every third step is two at once."""
    often = [(60 if actor is two_at_once else weight, actor) for weight, actor in ACTORS]
    monkeypatch.setattr(sim, "ACTORS", often)


@pytest.mark.usefixtures("crowded")
async def test_a_crowded_world_without_a_defect_ties(own_db_url: str) -> None:
    assert (await simulate(own_db_url, 1, STEPS)).counts["cancel, two at once"] > 0


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize(
    ("defect", "by"), [(NO_STOCK_LOCK, "stock_not_oversold|a deadlock"), (WALLETS_FIRST, "a deadlock")]
)
async def test_a_world_finds_locks_that_are_wrong(find: Find, defect: Defect, by: str) -> None:
    assert re.search(by, await find(defect))


@pytest.mark.parametrize(
    ("defect", "by"),
    [
        (KEY_FORGOTTEN, "(place_again): AssertionError"),
        (FREED_TWICE, "allocated"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
async def test_a_world_finds_a_defective_function(find: Find, defect: Defect, by: str) -> None:
    assert by in await find(defect)


async def test_a_world_finds_an_expiry_that_gives_back_twice(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = inventory.move

    async def twice(tx: Tx, cell: int, kind: str, goods: Sequence[Goods]) -> None:
        for _ in range(2 if kind == "expire" else 1):
            await honest(tx, cell, kind, goods)

    monkeypatch.setattr(inventory, "move", twice)
    assert re.search("stock_held_check|order_movements", await find(None))  # the table or the auditor, who comes first


async def test_a_world_finds_a_release_posted_twice(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another name, for the ledger takes none twice. When nothing is released before, it is seen in the end."""
    honest = ledger.post_all

    async def twice(tx: Tx, cell: int, transfers: Sequence[Transfer]) -> None:
        again = [
            Transfer(new_id(tx.now), t.code, t.debit, t.credit, t.amount) for t in transfers if t.code == "release"
        ]
        await honest(tx, cell, [*transfers, *again])

    monkeypatch.setattr(ledger, "post_all", twice)
    told = await find(None)
    assert "check='transfer_party'" in told or "owed to sellers" in told


async def test_a_world_finds_a_key_that_is_not_looked_up(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    async def skipped(*_: Any) -> None:
        return None

    monkeypatch.setattr(idempotency, "_find", skipped)
    assert "duplicate key value" in await find(None)


async def test_a_world_finds_a_campaign_that_puts_nothing_back(
    own_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = [(60 if actor is campaigning.campaign else weight, actor) for weight, actor in ACTORS]
    monkeypatch.setattr(sim, "ACTORS", often)
    monkeypatch.setattr(working, "TIMERS", tuple(one for one in working.TIMERS if one is not campaigns.settle))
    with pytest.raises(SimulationError, match=r"seed 1, step \d+ .*set aside by campaigns that are over"):
        await simulate(own_db_url, 1, 40)
