"""The waiting room: tickets of one session, positions in the order of coming, so many let in each second."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.campaigns.rules import SECOND, served, wait
from entrepot.campaigns.types import Line
from entrepot.kit.ids import NIL, parse
from entrepot.kit.limits import Limits
from tests.campaigns.stage import MINUTE, Stage, buy, problem
from tests.campaigns.test_memory import no_database
from tests.shop import START, Buyer, rehearsed

pytestmark = pytest.mark.anyio


async def join(buyer: Buyer, path: str) -> dict[str, Any]:
    answer = await buyer.send("POST", f"{path}/line")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def place(buyer: Buyer, path: str, ticket: str) -> dict[str, Any]:
    answer = await buyer.shop.http.get(f"{path}/line", params={"ticket": ticket}, headers=buyer.headers)
    return dict(answer.json()) if answer.is_success else problem(answer)


@pytest.mark.cluster
async def test_positions_are_in_the_order_of_coming_and_the_line_moves_with_the_clock(stage: Stage) -> None:
    path, offer = await stage.campaign(units=5, admit_per_s=2)
    buyers = [await stage.shop.buyer() for _ in range(5)]
    headers = [buyer.headers for buyer in buyers]
    tickets = [await join(buyer, path) for buyer in buyers]
    assert [ticket["position"] for ticket in tickets] == [0, 1, 2, 3, 4]
    assert tickets[4] | {"ticket": ""} == {
        "ticket": "", "position": 4, "ahead": 4, "wait_s": 10 * 60 + 3, "admitted": False,
    }  # fmt: skip

    async def try_it(number: int) -> tuple[int, str]:
        body = {"offer_id": offer, "address_id": f"adr_{buyers[number].address.hex}", "shipping": "standard"}
        answer = await stage.shop.http.post(
            f"{path}/orders", json=body | {"ticket": tickets[number]["ticket"]},
            headers=headers[number] | {"idempotency-key": f"k{number}"},
        )  # fmt: skip
        return answer.status_code, "" if answer.is_success else problem(answer)["type"]

    assert await try_it(0) == (409, "campaign_not_started")
    stage.shop.clock.advance(10 * MINUTE)
    await stage.shop.app.state.desk.view.refresh()
    assert [await try_it(n) for n in range(3)] == [(429, "not_your_turn")] * 3
    stage.shop.clock.advance(timedelta(seconds=1))
    assert [await try_it(n) for n in range(3)] == [(201, ""), (201, ""), (429, "not_your_turn")]
    stage.shop.clock.advance(timedelta(seconds=1))
    assert [(await try_it(n))[0] for n in range(5)] == [201, 201, 201, 201, 429]
    await stage.shop.audited()


@pytest.mark.cluster
async def test_a_ticket_is_good_for_one_session_and_one_campaign(stage: Stage) -> None:
    path, offer = await stage.running(units=2, admit_per_s=1_000)
    other_path, _ = await stage.running(units=2, admit_per_s=1_000)
    buyer, thief = await stage.shop.buyer(), await stage.shop.buyer()
    ticket = (await join(buyer, path))["ticket"]
    stolen = {"type": "ticket_needed", "status": 403}
    assert await place(thief, path, ticket) == stolen
    assert await place(buyer, other_path, ticket) == stolen
    assert await place(buyer, path, ticket[:-2] + ("AA" if ticket[-2:] != "AA" else "BB")) == stolen
    assert await place(buyer, path, "x") == stolen
    assert problem(await buy(thief, path, offer, ticket=ticket)) == stolen
    assert problem(await buy(buyer, path, offer)) == stolen
    before = buyer.headers
    stage.shop.clock.advance(timedelta(seconds=4))
    again = await stage.shop.http.get(f"{path}/line", params={"ticket": ticket}, headers=buyer.headers)
    assert problem(again) == stolen  # the same buyer, in a session that began later
    same = await stage.shop.http.get(f"{path}/line", params={"ticket": ticket}, headers=before)
    assert same.status_code == 200


async def test_waiting_writes_nothing_and_a_crowd_shares_one_write(stage: Stage) -> None:
    path, _ = await stage.campaign(admit_per_s=1)
    buyers = [await stage.shop.buyer(0) for _ in range(40)]
    await join(buyers[0], path)
    writes, transact = [], stage.shop.db.transact

    async def counted(work: Any, **how: Any) -> Any:
        writes.append(how.get("durable", True))
        return await transact(work, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.shop.db, "transact", counted)
        tickets = await asyncio.gather(*(join(buyer, path) for buyer in buyers))
        positions = [ticket["position"] for ticket in tickets]
        assert sorted(positions) == list(range(40))
        assert positions[0] == 0
        assert positions != sorted(positions)  # of those who come at once nobody is first by a millisecond
        assert writes in ([True], [True, True])  # what is told survives a crash
        # Who asks again and again, and all at once, keeps the place and takes nobody's.
        newcomer = await stage.shop.buyer(0)
        again = await asyncio.gather(*(join(buyer, path) for buyer in [*buyers, *[newcomer] * 20]))
    assert [ticket["position"] for ticket in again] == [*positions, *[40] * 20]
    assert len(writes) <= 4
    before = await stage.shop.state()
    await stage.shop.app.state.desk.view.refresh()
    with no_database():
        shown = await place(buyers[7], path, tickets[7]["ticket"])
    assert shown["ahead"] == shown["position"]
    assert await stage.shop.state() == before


async def test_many_accounts_of_one_address_get_places_slowly_and_hold_nobody_up(stage: Stage) -> None:
    path, _ = await stage.campaign(admit_per_s=1)
    buyers, passed = [await stage.shop.buyer(0) for _ in range(13)], 0.0
    stage.shop.app.state.desk.lines._limits = Limits(2, lambda: passed)
    far = httpx.ASGITransport(stage.shop.app, client=("2001:db8::7", 1))
    async with httpx.AsyncClient(transport=far, base_url="http://shop.test") as elsewhere:
        answers = await asyncio.gather(*(buyer.send("POST", f"{path}/line") for buyer in buyers[:12]))
        told = sorted((answer.status_code, answer.headers.get("retry-after")) for answer in answers)
        assert told == [(201, None)] * 10 + [(429, "1")] * 2
        late, held = [buyers[n] for n in range(12) if answers[n].status_code == 429], answers[0].json()["position"]
        before = await stage.shop.state()
        assert problem(await late[0].send("POST", f"{path}/line"))["type"] == "too_many_requests"
        assert await stage.shop.state() == before
        assert (await join(buyers[0], path))["position"] == held  # who has a place asks for none
        other = await elsewhere.post(f"{path}/line", headers=buyers[12].headers)
        assert (other.status_code, other.json()["position"]) == (201, 10)
    passed = 0.5
    assert (await join(late[0], path))["position"] == 11
    assert (await late[1].send("POST", f"{path}/line")).status_code == 429


@pytest.mark.cluster
async def test_a_line_in_which_nobody_waits_saves_nothing_up(stage: Stage) -> None:
    path, _ = await stage.running(admit_per_s=1)
    early = await stage.shop.buyer()
    await join(early, path)
    stage.shop.clock.advance(20 * MINUTE)
    late = [await stage.shop.buyer() for _ in range(3)]
    tickets = [await join(buyer, path) for buyer in late]
    await stage.shop.app.state.desk.view.refresh()
    assert [(await place(b, path, t["ticket"]))["wait_s"] for b, t in zip(late, tickets, strict=True)] == [1, 2, 3]


@pytest.mark.cluster
async def test_the_operator_sets_the_rate_and_takes_the_line_away(stage: Stage) -> None:
    path, offer = await stage.running(units=5, admit_per_s=1)
    buyers = [await stage.shop.buyer() for _ in range(10)]
    tickets = [await join(buyer, path) for buyer in buyers]

    async def set_rate(rate: int | None) -> None:
        answer = await stage.shop.http.put(f"{path}/admission", json={"admit_per_s": rate}, headers=stage.shop.operator)
        assert answer.status_code == 204
        await stage.shop.app.state.desk.view.refresh()

    await stage.shop.app.state.desk.view.refresh()
    assert (await place(buyers[9], path, tickets[9]["ticket"]))["wait_s"] == 10
    await set_rate(5)
    assert (await place(buyers[9], path, tickets[9]["ticket"]))["wait_s"] == 2
    await set_rate(None)
    assert (await place(buyers[9], path, tickets[9]["ticket"]))["admitted"]
    assert (await buy(buyers[9], path, offer)).status_code == 201
    assert problem(await buyers[0].send("POST", f"{path}/line"))["type"] == "no_line"
    async with stage.shop.db.read() as tx:
        kinds = await tx.conn.fetch(
            "select data ->> 'admit_per_s' from kit.event where kind = 'campaign_admission_set'"
        )
    assert [row[0] for row in kinds] == ["5", None]


async def test_a_campaign_lets_in_what_was_rehearsed(stage: Stage) -> None:
    path, _ = await stage.running(units=1)
    http, operator = stage.shop.http, stage.shop.operator
    assert (await http.get("/v1/operator/rehearsals", headers=operator)).json() == {"items": []}
    nothing, some = await rehearsed(stage.shop.db, 0), await rehearsed(stage.shop.db, 36)
    listed = (await http.get("/v1/operator/rehearsals", headers=operator)).json()["items"]
    assert [(one["id"], one["capacity_per_s"], one["admit_per_s"]) for one in listed] == [
        (some, 45, 36),
        (nothing, 0, 0),
    ]

    async def take(rehearsal: str) -> int:
        body = {"rehearsal_id": rehearsal}
        return (await http.post(f"{path}/admission/rehearsed", json=body, headers=operator)).status_code

    assert [await take(nothing), await take(f"reh_{'0' * 32}")] == [400, 404]
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select admit_per_s from campaigns.line") is None
    assert await take(some) == 204
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select admit_per_s from campaigns.line") == 36
        (said,) = await tx.conn.fetch("select data from kit.event where kind = 'campaign_admission_set'")
    assert said[0] == {"admit_per_s": 36, "user_id": str(NIL), "rehearsal_id": str(parse("reh", some))}


lines = st.builds(
    lambda rate, served_, more, ahead_s: Line(rate, served_ + more, served_, START + ahead_s * SECOND),
    st.integers(1, 10_000), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-100, 100),
)  # fmt: skip


@given(lines, st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**9))
def test_who_was_let_in_stays_in_and_the_wait_is_what_it_takes(line: Line, extra: int, one: int, more: int) -> None:
    now, later = (START + timedelta(microseconds=t) for t in (one, one + more))
    assert line.served <= served(line, now) <= served(line, later) <= line.given
    position = min(line.served + extra, line.given - 1)
    if position < 0:
        return
    waits = wait(line, position, now)
    assert (waits == timedelta()) == (position < served(line, now))
    assert position < served(line, now + waits)
    if waits > SECOND:
        assert position >= served(line, now + waits - SECOND)


def test_where_the_line_was_taken_away_nobody_waits() -> None:
    """Also one whose place was given by a process that knows already that there is a line again."""
    assert wait(Line(None, given=3, served=3, served_at=START), 7, START) == timedelta()
