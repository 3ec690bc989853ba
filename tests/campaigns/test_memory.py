"""No from memory: what a process refuses, or answers again, without asking the database; and what it must not."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from entrepot.campaigns import Wish
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, parse, show
from entrepot.orders import SoldOut
from tests.campaigns.stage import MINUTE, Stage, buy, problem
from tests.shop import Buyer

pytestmark = pytest.mark.anyio


@contextmanager
def no_database() -> Iterator[None]:
    """Whoever asks it fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_connection", None)
        yield


async def cancel(buyer: Buyer, group: str) -> None:
    (order,) = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"]
    assert (await buyer.send("POST", f"/v1/orders/{order['id']}/cancel")).status_code == 204


async def test_refusals_do_not_reach_the_database(stage: Stage) -> None:
    path, offer = await stage.campaign(units=2, limit=1)
    first, second, third = [await stage.shop.buyer() for _ in range(3)]
    assert problem(await buy(first, path, offer))["type"] == "campaign_not_started"
    with no_database():
        assert problem(await buy(first, path, offer))["type"] == "campaign_not_started"
    stage.shop.clock.advance(10 * MINUTE)
    assert (await buy(first, path, offer)).status_code == 201
    assert problem(await buy(first, path, offer))["type"] == "limit_reached"
    with no_database():
        assert problem(await buy(first, path, offer))["type"] == "limit_reached"
        assert problem(await buy(third, path, offer, 2))["type"] == "limit_reached"
    assert (await buy(second, path, offer)).status_code == 201
    assert problem(await buy(third, path, offer))["type"] == "sold_out"
    with no_database():
        assert problem(await buy(third, path, offer)) == {
            "type": "sold_out", "status": 409, "offer_id": offer, "available": 0,
        }  # fmt: skip
        assert problem(await buy(first, path, offer))["type"] == "limit_reached"
        await refused_without_garbage(stage, third, path, offer)
    stage.shop.clock.advance(60 * MINUTE)
    assert problem(await buy(third, path, offer))["type"] == "campaign_over"
    with no_database():
        assert problem(await buy(third, path, offer))["type"] == "campaign_over"


async def refused_without_garbage(stage: Stage, buyer: Buyer, path: str, offer: int) -> None:
    """A million refusals that only the collector could clear away would take it half of the processor."""
    caller = stage.shop.keys.caller(buyer.headers["authorization"][7:], stage.shop.clock.now())
    assert caller is not None
    wish = Wish(caller.user_id, "k", parse("cmp", path.split("/")[-1]), offer, 1, buyer.address, "standard", "wallet")
    gc.collect()
    for _ in range(10):
        with suppress(SoldOut):
            await stage.shop.app.state.desk.buy(caller, wish)
    assert gc.collect() == 0


async def test_a_key_that_bought_is_answered_the_same_by_every_process(stage: Stage) -> None:
    path, offer = await stage.running(units=1, limit=1)
    buyer, other = await stage.shop.buyer(), await stage.shop.buyer()
    async with stage.process() as elsewhere:
        placed = await buy(buyer, path, offer, key="k")
        before = await stage.shop.state()
        for http in (stage.shop.http, elsewhere):
            assert (await buy(buyer, path, offer, key="k", http=http)).json() == placed.json()
            assert problem(await buy(buyer, path, offer, key="k", shipping="x", http=http))["type"] == "key_conflict"
        # Another process that has been told that nothing is left knows who has bought it.
        assert problem(await buy(other, path, offer, http=elsewhere))["type"] == "sold_out"
        with no_database():
            assert problem(await buy(other, path, offer, http=elsewhere))["type"] == "sold_out"
            assert (await buy(buyer, path, offer, key="k", http=elsewhere)).json() == placed.json()
            assert problem(await buy(buyer, path, offer, key="k2", http=elsewhere))["type"] == "limit_reached"
        assert await stage.shop.state() == before


async def test_a_limit_that_another_process_knows_is_learned_with_its_keys(stage: Stage) -> None:
    path, offer = await stage.running(units=5, limit=1)
    buyer = await stage.shop.buyer()
    async with stage.process() as elsewhere:
        placed = await buy(buyer, path, offer, key="k")
        assert problem(await buy(buyer, path, offer, key="l", http=elsewhere))["type"] == "limit_reached"
        with no_database():
            assert problem(await buy(buyer, path, offer, key="m", http=elsewhere))["type"] == "limit_reached"
            assert (await buy(buyer, path, offer, key="k", http=elsewhere)).json() == placed.json()


async def test_what_was_bought_and_canceled_is_told_again_and_counts_for_nothing(stage: Stage) -> None:
    path, offer = await stage.running(units=5, limit=2)
    buyer = await stage.shop.buyer()
    canceled = await buy(buyer, path, offer, 2, key="k")
    await cancel(buyer, canceled.json()["id"])
    await stage.left(path)
    assert (await buy(buyer, path, offer, 2, key="k")).json() == canceled.json()
    kept = await buy(buyer, path, offer, 2, key="l")
    assert kept.status_code == 201
    for _ in range(2):
        assert problem(await buy(buyer, path, offer, key="m"))["type"] == "limit_reached"
        assert (await buy(buyer, path, offer, 2, key="k")).json() == canceled.json()
        assert (await buy(buyer, path, offer, 2, key="l")).json() == kept.json()
    assert await stage.left(path) == 3


async def test_a_key_that_bought_is_answered_when_there_is_too_little_or_it_is_over(stage: Stage) -> None:
    path, offer = await stage.running(units=5, limit=3)
    buyer, other = await stage.shop.buyer(), await stage.shop.buyer()
    placed = await buy(buyer, path, offer, 3, key="k")
    async with stage.process() as elsewhere:
        assert problem(await buy(other, path, offer, 3, http=elsewhere)) == {
            "type": "sold_out", "status": 409, "offer_id": offer, "available": 2,
        }  # fmt: skip
        with no_database():
            assert problem(await buy(other, path, offer, 3, http=elsewhere))["type"] == "sold_out"
            assert (await buy(buyer, path, offer, 3, key="k", http=elsewhere)).json() == placed.json()
    async with stage.process() as elsewhere:
        assert (await elsewhere.get(path)).json()["offers"][0]["available"] == 2  # what it knows before the end
        stage.shop.clock.advance(60 * MINUTE)
        assert (await buy(buyer, path, offer, 3, key="k", http=elsewhere)).json() == placed.json()
        assert problem(await buy(other, path, offer, http=elsewhere))["type"] == "campaign_over"
        with no_database():
            assert problem(await buy(other, path, offer, http=elsewhere))["type"] == "campaign_over"
            assert (await buy(buyer, path, offer, 3, key="k", http=elsewhere)).json() == placed.json()


async def test_what_is_given_back_is_sold_again_after_a_second(stage: Stage) -> None:
    path, offer = await stage.running(units=1, limit=1)
    first, second = await stage.shop.buyer(), await stage.shop.buyer()
    placed = (await buy(first, path, offer)).json()
    assert problem(await buy(second, path, offer))["type"] == "sold_out"
    await cancel(first, placed["id"])
    assert problem(await buy(second, path, offer))["type"] == "sold_out"
    stage.shop.clock.advance(timedelta(seconds=1))
    assert problem(await buy(second, path, offer))["type"] == "sold_out"  # this one makes the process look
    await asyncio.sleep(0.2)
    assert (await buy(second, path, offer)).status_code == 201
    assert problem(await buy(first, path, offer))["type"] == "sold_out"
    await stage.shop.audited()


async def test_a_crowd_at_two_processes_gets_exactly_what_there_is(stage: Stage) -> None:
    path, offer = await stage.running(units=7, limit=2)
    buyers = [await stage.shop.buyer() for _ in range(12)]
    async with stage.process() as elsewhere:
        answers = await asyncio.gather(
            *(buy(b, path, offer, http=http) for http in (None, elsewhere, None) for b in buyers)
        )
    assert sorted(a.status_code for a in answers) == [201] * 7 + [409] * 29
    assert {problem(a)["type"] for a in answers if a.status_code == 409} <= {"sold_out", "limit_reached"}
    assert await stage.shop.stock(offer) == (7, 0, 7)
    async with stage.shop.db.read() as tx:
        used = await tx.conn.fetch("select used from pricing.quota where used > 0")
        assert sum(row[0] for row in used) == 7
        assert max(row[0] for row in used) <= 2
        assert await tx.conn.fetchval("select count(*) from orders.quote") == 7
    await stage.shop.audited()


async def test_a_campaign_that_is_long_over_is_told_from_one_that_never_was(stage: Stage) -> None:
    path, offer = await stage.running()
    stage.shop.clock.advance(60 * 24 * MINUTE)
    buyer = await stage.shop.buyer()
    assert problem(await buy(buyer, path, offer))["type"] == "campaign_over"
    assert problem(await buy(buyer, f"/v1/campaigns/{show('cmp', NIL)}", offer))["type"] == "not_found"
