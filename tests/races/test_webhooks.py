"""Two hands on a webhook: a message goes out once, an endpoint is turned off once, and nobody has one too many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from entrepot import webhooks
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL
from entrepot.webhooks import jobs, rules
from tests.races.ground import Ground, open_ground
from tests.races.test_hands import does

SEEDS = range(6)
KEYS = Keys(b"a secret of the tests, long enough")
URL = "https://receiver.example/"


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


async def _endpoint(ground: Ground) -> UUID:
    """The only one of the house."""
    async with ground.db.write() as tx:
        await tx.conn.execute("update webhooks.endpoint set status = 'removed', reason = 'owner'")
        return (await webhooks.add(tx, KEYS, NIL, URL, ["order.paid"], private=False)).id


class Receiver:
    def __init__(self, endpoint: UUID, status: int) -> None:
        self.endpoint, self.status, self.got = endpoint, status, list[str]()

    async def work(self, db: Database) -> int:
        """What a lane does; how much it has sent."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.got.append(request.headers["webhook-id"])
            return httpx.Response(self.status)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await jobs._serve(db, client, KEYS, 0, self.endpoint)


async def test_a_message_goes_out_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        endpoint = await _endpoint(ground)
        event = await ground.db.transact(lambda tx, id_=endpoint: webhooks.test(tx, 0, NIL, id_))  # type: ignore[misc]
        again = does(webhooks.test, 0, NIL, endpoint)
        for receiver, standing in ((Receiver(endpoint, 500), (1, "due")), (Receiver(endpoint, 200), (2, "sent"))):
            async with ground.db.write() as tx:  # its pause is over
                await tx.conn.execute("update webhooks.endpoint set next_at = $1", tx.now)
                await tx.conn.execute("update webhooks.delivery set due_at = $1 where status = 'due'", tx.now)
            async with ground.race(seed, receiver.work, receiver.work, again) as told:
                assert {*told} == {0, 1, event}
            assert len(receiver.got) == 1
            query = "select (attempts, status) from webhooks.delivery where id = $1"
            assert tuple(await ground.value(query, event)) == standing


async def test_it_is_turned_off_while_a_call_fails(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        endpoint = await _endpoint(ground)
        await ground.db.transact(lambda tx, id_=endpoint: webhooks.test(tx, 0, NIL, id_))  # type: ignore[misc]
        gone, off = Receiver(endpoint, 410), does(webhooks.turn_off, NIL, endpoint)
        told_before = await ground.value("select count(*) from kit.event where kind = 'webhook_disabled'")
        async with ground.race(seed, gone.work, off, off) as told:
            reason = await ground.value("select reason from webhooks.endpoint where id = $1", endpoint)
            assert list(told).count(None) == (reason == "owner")
        events = await ground.value("select count(*) from kit.event where kind = 'webhook_disabled'") - told_before
        assert events == (reason == "gone")


async def test_the_last_endpoint_is_added_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ENDPOINTS", 2)
    for seed in SEEDS:
        await ground.fresh()
        await _endpoint(ground)
        add = does(webhooks.add, KEYS, NIL, URL, ["order.paid"], private=False)
        async with ground.race(seed, add, add) as told:
            assert [isinstance(one, webhooks.Made) for one in told].count(True) == 1
            assert "too_many_endpoints" in told


async def test_what_was_sent_is_sent_again_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        endpoint = await _endpoint(ground)
        event = await ground.db.transact(lambda tx, id_=endpoint: webhooks.test(tx, 0, NIL, id_))  # type: ignore[misc]
        await Receiver(endpoint, 200).work(ground.db)
        again = does(webhooks.resend, NIL, endpoint, event)
        async with ground.race(seed, again, again) as told:
            assert sorted(told, key=str) == [None, "delivery_is_due"]
