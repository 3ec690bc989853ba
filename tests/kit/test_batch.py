"""The batcher: it gathers while it sends, a poisoned command stands alone, nothing is done twice or forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from entrepot.kit.batch import Batcher
from entrepot.kit.db import Database
from entrepot.kit.problem import DatabaseAway, Overloaded
from entrepot.orders import Place, Placing
from tests.orders.counter import Wanted
from tests.races.ground import Ground, open_ground


class Server:
    """Answers a command with ten times itself; a command in `poison` raises; while `gate` is closed it is busy."""

    def __init__(self, *poison: int) -> None:
        self.batches: list[list[int]] = []
        self.poison = poison
        self.away = 0  # how many more times the server is not there
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, commands: Sequence[int]) -> list[int]:
        self.batches.append(list(commands))
        await self.gate.wait()
        if self.away:
            self.away -= 1
            raise DatabaseAway
        for command in commands:
            if command in self.poison:
                raise RuntimeError(f"poison {command}")
        return [command * 10 for command in commands]


async def all_of(batcher: Batcher[int, int], commands: Sequence[int]) -> list[int | BaseException]:
    return await asyncio.gather(*(batcher.do(command) for command in commands), return_exceptions=True)


async def test_what_comes_while_a_batch_is_in_flight_goes_together() -> None:
    server = Server()
    batcher = Batcher(server.run)
    server.gate.clear()
    first = asyncio.create_task(batcher.do(1))
    await asyncio.sleep(0)
    rest = asyncio.create_task(all_of(batcher, [2, 3, 4]))
    await asyncio.sleep(0)
    server.gate.set()
    assert (await first, await rest) == (10, [20, 30, 40])
    assert server.batches == [[1], [2, 3, 4]]
    assert await batcher.do(5) == 50  # and it starts again after it has ended


async def test_a_batch_has_a_limit() -> None:
    server = Server()
    batcher = Batcher(server.run, max_commands=3)
    assert await all_of(batcher, [1, 2, 3, 4, 5]) == [10, 20, 30, 40, 50]
    assert server.batches == [[1, 2, 3], [4, 5]]


async def test_a_full_queue_refuses_and_recovers() -> None:
    server = Server()
    batcher = Batcher(server.run, max_queue=2)
    server.gate.clear()
    flying = asyncio.create_task(batcher.do(1))
    await asyncio.sleep(0)
    queued = asyncio.create_task(all_of(batcher, [2, 3, 4]))
    await asyncio.sleep(0)
    server.gate.set()
    assert await flying == 10
    answers = await queued
    assert answers[:2] == [20, 30]
    assert isinstance(answers[2], Overloaded)
    assert await batcher.do(4) == 40


@pytest.mark.parametrize("poison", range(1, 9))
async def test_a_poisoned_command_fails_alone(poison: int) -> None:
    server = Server(poison)
    answers = await all_of(Batcher(server.run), range(1, 9))
    failed = answers.pop(poison - 1)
    assert (type(failed), str(failed)) == (RuntimeError, f"poison {poison}")
    assert answers == [n * 10 for n in range(1, 9) if n != poison]
    assert len(server.batches) == 7  # eight are halved three times
    assert server.batches[0] == list(range(1, 9))


async def test_all_of_them_poisoned() -> None:
    answers = await all_of(Batcher(Server(1, 2, 3).run), [1, 2, 3])
    assert [str(answer) for answer in answers] == ["poison 1", "poison 2", "poison 3"]


async def test_a_server_that_answers_too_little_leaves_nobody_waiting() -> None:
    async def run(commands: Sequence[int]) -> list[int]:
        return [10] * (len(commands) - 1)

    answers = await asyncio.wait_for(all_of(Batcher(run), [1, 2]), 5)
    assert [type(answer) for answer in answers] == [ValueError, ValueError]


async def test_a_caller_that_goes_away_does_not_take_its_command_back() -> None:
    server = Server()
    batcher = Batcher(server.run)
    server.gate.clear()
    flying, queued = asyncio.create_task(batcher.do(1)), asyncio.create_task(batcher.do(2))
    await asyncio.sleep(0)
    stays = asyncio.create_task(batcher.do(3))
    await asyncio.sleep(0)
    for task in (flying, queued):
        task.cancel()
    server.gate.set()
    assert await stays == 30
    assert sorted(command for batch in server.batches for command in batch) == [1, 2, 3]
    gone = await asyncio.gather(flying, queued, return_exceptions=True)
    assert [type(answer) for answer in gone] == [asyncio.CancelledError] * 2


async def test_a_lost_server_is_sent_the_same_batch_again_and_given_up_in_the_end() -> None:
    server = Server()
    server.away = 2
    batcher = Batcher(server.run, resends=3)
    assert await all_of(batcher, [1, 2]) == [10, 20]
    assert server.batches == [[1, 2]] * 3
    server.away = 9
    away = await all_of(Batcher(server.run, resends=1), [1, 2])
    assert [type(answer) for answer in away] == [
        DatabaseAway,
        DatabaseAway,
    ]  # not halved: it is not the commands' fault


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def kill(ground: Ground, waiting: str) -> None:
    """Ends the server's process that waits for `waiting` (a lock, or a client that holds its transaction open)."""
    query = """
        select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'entrepot write' and query like '%place_many%'
           and case $1 when 'lock' then wait_event_type = 'Lock' else state = 'idle in transaction' end"""
    for _ in range(500):
        if await ground.value(query, waiting):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody waits for {waiting}")


async def test_a_backend_killed_in_a_batch_costs_nobody_anything(ground: Ground) -> None:
    """Killed while the batch waits for a lock: nothing was done; the same keys go again and each is placed once."""
    await ground.fresh(units=3)
    buyer = ground.counter.buyers[0]
    quotes = await ground.quotes(*[Wanted(0, ((0, 1),))] * 4)
    placing = Placing(ground.db)
    async with ground.db.write() as blocker:
        await blocker.conn.execute("select 1 from inventory.stock for update")
        commands = [placing.place(0, Place(buyer, f"kill {n}", quote.id, "wallet")) for n, quote in enumerate(quotes)]
        told = asyncio.gather(*commands, return_exceptions=True)
        await kill(ground, "lock")
    answers = await told
    assert [type(answer).__name__ for answer in answers] == ["Placed", "Placed", "Placed", "SoldOut"]
    assert await ground.wallet() == 100 - 3 * 3


async def test_a_batch_whose_reply_is_lost_is_not_done_twice(ground: Ground) -> None:
    """The commit arrived, the answer did not: the same keys go again and are found done."""
    await ground.fresh(units=3)
    buyer = ground.counter.buyers[0]
    quotes = await ground.quotes(*[Wanted(0, ((0, 1),))] * 3)

    class Forgetful(Database):
        lost = 0

        async def transact(self, work: Any, *, durable: bool = True) -> Any:
            answer = await super().transact(work, durable=durable)
            if self.lost == 0:
                self.lost += 1
                raise DatabaseAway
            return answer

    forgetful = Forgetful(ground.db.url, ground.db.clock, ground.db._pools)
    placing = Placing(forgetful)
    commands = [placing.place(0, Place(buyer, f"lost {n}", quote.id, "wallet")) for n, quote in enumerate(quotes)]
    answers = await asyncio.gather(*commands)
    assert [answer.status for answer in answers] == ["placed"] * 3
    assert forgetful.lost == 1
    assert await ground.wallet() == 100 - 3 * 3
    assert await ground.value("select count(*) from orders.order_group where buyer_id = $1", buyer) == 3
