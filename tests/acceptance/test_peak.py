"""The peak, part by part, as its users meet it: over HTTP and by the command. Parts that are not built are not here."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import pytest

from entrepot import cli, platform
from entrepot.kit import postgres
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.ids import NIL, parse, show
from entrepot.kit.migrate import migrate
from entrepot.platform import SWITCHES
from entrepot.settings import load
from entrepot.world import market, sim_command
from entrepot.world.sim import SimulationError, in_own_database
from tests.api.server import SECRET, environment
from tests.campaigns.test_memory import no_database
from tests.races.planting import plant
from tests.rehearse.deployed import SIZES, TINY, deployment, fetch, rehearsals
from tests.rehearse.untouched import Untouched
from tests.shop import MARKET, START, Shop, open_shop
from tests.sim.test_planted import KEY_FORGOTTEN
from tests.web.site import Visitor, text


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def add_promotion(shop: Shop, code: str, **limits: int) -> None:
    """10 % off, at the operator's expense."""
    body = {
        "code": code, "market": MARKET, "funding_party": "operator", "percent_bp": 1_000,
        "valid_from": (START - timedelta(days=1)).isoformat(), "valid_to": (START + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    added = await shop.http.post("/v1/promotions", json=body | limits, headers=shop.operator)
    assert added.status_code == 201, added.text


async def used(shop: Shop) -> dict[str, int]:
    async with shop.db.read() as tx:
        return {
            row[0]: row[1] for row in await tx.conn.fetch("select name, sum(used)::int from pricing.quota group by 1")
        }


async def test_1_stock(shop: Shop) -> None:
    """Twenty buyers at once want ten units: ten have one, ten are told so. What is not paid in time, and what is
    canceled, is sold again, once; the stock is what its movements say. So it is when they are in bundles."""
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 10)
    buyers = [await shop.buyer(100_000) for _ in range(20)]
    quotes = [await buyer.quote([(offer, 1)]) for buyer in buyers]
    answers = await asyncio.gather(*(buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)))
    told = [answer.status_code for answer in answers]
    assert (told.count(201), told.count(409)) == (10, 10)
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(problem["type"], problem["available"]) for problem in refused} == {("/problems/sold_out", 0)}
    assert await shop.stock(offer) == (10, 0, 10)
    lucky = buyers[told.index(201)]
    group = (await lucky.send("GET", f"/v1/groups/{answers[told.index(201)].json()['id']}")).json()
    for status in (204, 409):  # it goes back once
        assert (await lucky.send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == status
    assert await shop.stock(offer) == (10, 0, 9)
    late = buyers[told.index(409)]
    assert (await late.place(await late.quote([(offer, 1)]))).status_code == 201
    assert await shop.stock(offer) == (10, 0, 10)
    await shop.audited()

    # Ten batteries: a kit needs two, a pack three, and one buyer wants a kit and another two batteries in one cart.
    camera, battery = await shop.offer(seller, 18_000, 9), await shop.offer(seller, 3_000, 10)
    kit = await shop.bundle(seller, 20_000, {camera: 1, battery: 2})
    pack = await shop.bundle(seller, 8_000, {battery: 3})
    wanted = [[(kit, 1)], [(pack, 1)], [(kit, 1), (battery, 2)], [(battery, 1)]] * 5
    quotes = [await buyer.quote(cart) for buyer, cart in zip(buyers, wanted, strict=True)]
    answers = await asyncio.gather(*(buyer.place(quote) for buyer, quote in zip(buyers, quotes, strict=True)))
    placed = [n for n, answer in enumerate(answers) if answer.status_code == 201]
    units = {kit: 2, pack: 3, battery: 1}
    sold = sum(units[offer] * quantity for n in placed for offer, quantity in wanted[n])
    kits = sum(offer == kit for n in placed for offer, _ in wanted[n])
    assert (await shop.stock(battery), await shop.stock(camera)) == ((10, 0, sold), (9, 0, kits))
    assert sold in (9, 10)  # a kit would take two
    for answer, cart in zip(answers, wanted, strict=True):
        if answer.status_code == 409:
            problem = answer.json()
            assert problem["type"] == "/problems/sold_out"
            assert problem["available"] < dict(cart)[problem["offer_id"]]
    for n in placed:
        group = (await buyers[n].send("GET", f"/v1/groups/{answers[n].json()['id']}")).json()
        for status in (204, 409):
            assert (await buyers[n].send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == status
    assert (await shop.stock(battery), await shop.stock(camera)) == ((10, 0, 0), (9, 0, 0))
    await shop.audited()


async def test_2_coupons_and_budgets(shop: Shop) -> None:
    """Of a promotion for two purchases, one of each buyer, two are placed however many come at once; a cancelation
    gives its use back once; a budget is never overdrawn."""
    offer = await shop.offer(await shop.seller(), 1_000, 100)
    await add_promotion(shop, "TWO", max_uses=2, max_per_buyer=1)
    buyers = [await shop.buyer(100_000) for _ in range(6)]
    # Each buyer twice, all at once.
    quotes = [(buyer, await buyer.quote([(offer, 1)], "TWO")) for buyer in buyers for _ in range(2)]
    answers = await asyncio.gather(*(buyer.place(quote) for buyer, quote in quotes))
    placed = [
        (buyer, answer.json()["id"]) for (buyer, _), answer in zip(quotes, answers, strict=True) if answer.is_success
    ]
    assert len(placed) == 2
    assert placed[0][0].id != placed[1][0].id
    assert await used(shop) == {"promotion:TWO": 2, "promotion:TWO:buyer": 2}
    problems: list[dict[str, Any]] = [answer.json() for answer in answers if not answer.is_success]
    assert {problem["type"] for problem in problems} == {"/problems/limit_reached"}
    buyer, group = placed[0]
    order = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]
    for status in (204, 409):
        assert (await buyer.send("POST", f"/v1/orders/{order}/cancel")).status_code == status
    assert await used(shop) == {"promotion:TWO": 1, "promotion:TWO:buyer": 1}
    again = await buyer.place(await buyer.quote([(offer, 1)], "TWO"))
    assert again.status_code == 201

    await add_promotion(shop, "PURSE", budget_minor=250)  # two of 100, not three
    quotes = [(buyer, await buyer.quote([(offer, 1)], "PURSE")) for buyer in buyers[:3]]
    told = [await buyer.place(quote) for buyer, quote in quotes]
    assert [answer.status_code for answer in told] == [201, 201, 409]
    assert told[2].json() | {"instance": None} == told[2].json() | {
        "type": "/problems/limit_reached", "limit": "promotion:PURSE:budget", "available": 50, "instance": None,
    }  # fmt: skip
    assert (await used(shop))["promotion:PURSE:budget"] == 200
    with pytest.raises(AssertionError, match="limit_reached"):  # who asks for a price now is told so at once
        await buyers[3].quote([(offer, 1)], "PURSE")
    assert await shop.balance("promotions") == -2 * 100 - 2 * 100
    await shop.audited()


async def test_3_flash_sale(shop: Shop) -> None:
    """Three of ten units are set aside for a campaign with a line. Who waits has a place that only gets better, on a
    page that needs no script, with a ticket of its own; one after another is let in from the start on; a buyer gets
    one; when nothing is left that is said without asking the database, and a lost answer is told again."""
    offer = await shop.offer(await shop.seller(), 1_000, 10)
    start = shop.clock.now() + timedelta(minutes=10)
    body = {
        "market": MARKET, "name": "Ten past nine", "starts_at": start.isoformat(), "admit_per_s": 1,
        "ends_at": (start + timedelta(hours=1)).isoformat(),
        "offers": [{"offer_id": offer, "unit_price_minor": 700, "units": 3, "max_per_buyer": 1}],
    }  # fmt: skip
    opened = await shop.http.post("/v1/campaigns", json=body, headers=shop.operator)
    assert opened.status_code == 201, opened.text
    page, api = f"/campaigns/{opened.json()['id']}", f"/v1/campaigns/{opened.json()['id']}"
    sold = (await shop.http.get(api)).json()["offers"][0]["id"]
    assert (await shop.stock(offer), await shop.stock(sold)) == ((7, 0, 0), (3, 0, 0))

    view = shop.app.state.desk.view
    buyers = [await shop.buyer() for _ in range(5)]
    signed_in = [buyer.headers for buyer in buyers]
    browsers = [browser(shop, headers) for headers in signed_in]
    for one in browsers:
        joined = await one.send(f"{page}/line", await one.form(page, "/line"))
        assert joined.headers["location"] == page
    tickets = [one.http.cookies[f"line-{page[-32:]}"].strip('"') for one in browsers]
    await view.refresh()
    with no_database():
        waiting = await browsers[4].get(page)
        assert "4 people before you" in text(waiting)
        assert '<meta http-equiv="refresh" content="60">' in waiting.text

    async def buy(number: int, key: str, ticket: int | None = None) -> httpx.Response:
        wanted = {"offer_id": sold, "address_id": show("adr", buyers[number].address), "shipping": "standard"}
        held = {"ticket": tickets[number if ticket is None else ticket]}
        headers = signed_in[number] | {"idempotency-key": key}
        return await shop.http.post(f"{api}/orders", json=wanted | held, headers=headers)

    assert said(await buy(0, "early")) == (409, "campaign_not_started")
    shop.clock.advance(timedelta(minutes=10))
    ahead, told = [], []
    for _ in range(6):
        await view.refresh()
        await shop.app.state.sessions.refresh()
        with no_database():
            place = await shop.http.get(f"{api}/line", params={"ticket": tickets[4]}, headers=signed_in[4])
        ahead.append((place.json()["ahead"], place.json()["admitted"]))
        told.append(said(await buy(4, "k")) if len(ahead) < 6 else (0, ""))
        shop.clock.advance(timedelta(seconds=1))
    assert ahead == [(4, False), (3, False), (2, False), (1, False), (0, False), (0, True)]
    assert told == [(429, "not_your_turn")] * 5 + [(0, "")]
    assert said(await buy(1, "k", ticket=0)) == (403, "ticket_needed")

    fields = await browsers[0].form(page, "/buy")
    chosen = {"address_id": show("adr", buyers[0].address), "shipping": "standard", "quantity": "1"}
    assert (await browsers[0].send(f"{page}/buy", fields | chosen)).headers["location"].startswith("/orders/grp_")
    assert said(await buy(0, "more")) == (409, "limit_reached")
    placed = await buy(1, "k")
    assert [said(one) for one in (placed, await buy(2, "k"), await buy(3, "k"))] == [
        (201, ""), (201, ""), (409, "sold_out"),
    ]  # fmt: skip
    before = await shop.state()
    with no_database():
        for number in (3, 4):
            assert said(await buy(number, "k")) == (409, "sold_out")
        assert said(await buy(2, "other")) == (409, "limit_reached")
        assert (await buy(1, "k")).json() == placed.json()
    assert await shop.state() == before
    assert await shop.stock(sold) == (3, 0, 3)
    await buyers[3].buy([(offer, 7)])  # the ordinary goods are there as ever, at their own price
    await shop.audited()


def browser(shop: Shop, headers: dict[str, str]) -> Visitor:
    """Somebody signed in at a browser without JavaScript."""
    return Visitor(
        httpx.AsyncClient(
            transport=httpx.ASGITransport(shop.app), base_url="http://shop.test",
            cookies={"session": headers["authorization"].removeprefix("Bearer ")}, headers={"accept": "text/html"},
        )
    )  # fmt: skip


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, "" if answer.is_success else answer.json()["type"].split("/")[-1]


async def test_4_degrade_switches(own_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command turns off everything that buying does not need, with who and why on record; an operator's page does
    so one by one. Buying goes on, and when its time has come everything is on again by itself."""
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", own_db_url)
    monkeypatch.setenv("ENTREPOT_HOME", str(folder))
    async with open_shop(own_db_url, clock=VirtualClock(RealClock().now())) as shop:
        offer = await shop.offer(await shop.seller(), 1_000, 5)
        buyer, operator = await shop.buyer(), browser(shop, shop.operator)
        await buyer.buy([(offer, 1)])
        day = shop.clock.now().date()
        statement = f"/v1/seller/statement?currency=USD&first={day}&last={day}"

        async def refunds() -> bool:  # what they do without it: tests/journeys/test_gateway.py
            async with shop.db.read() as tx:
                return not await platform.is_off(tx, platform.Switch.REFUNDS)

        async def works() -> dict[str, bool]:
            await shop.app.state.switches._glance.refresh()
            seller = shop.session(Role.SELLER, NIL, shop.sellers[0])
            found = await shop.http.get("/v1/products", params={"market": MARKET, "q": "product"})
            days = await shop.http.get("/v1/operator/days", params={"market": MARKET}, headers=shop.operator)
            return {
                "facets": found.json()["facets"] != [], "reports": days.is_success,
                "recommendations": "Bought a lot right now" in (await operator.get("/?lang=en")).text,
                "statements": (await shop.http.get(statement, headers=seller)).is_success,
                "reviews": (await shop.http.get("/v1/products/1/reviews")).is_success, "refunds": await refunds(),
            }  # fmt: skip

        assert await works() == dict.fromkeys(SWITCHES, True)
        command = ["switch", "all", "off", "--for", "2h", "--why", "Double 11"]
        assert await asyncio.to_thread(cli.main, command) == 0
        assert await works() == dict.fromkeys(SWITCHES, False)
        await buyer.buy([(offer, 1)])
        fields = await operator.form("/operator/switches", "statements/on")
        await operator.send("/operator/switches/statements/on", fields)
        assert await works() == dict.fromkeys(SWITCHES, False) | {"statements": True}
        shop.clock.advance(timedelta(hours=2, minutes=5))
        assert await works() == dict.fromkeys(SWITCHES, True)
        await shop.run()
        board = (await shop.http.get("/v1/operator/switches", headers=shop.operator)).json()
        assert {(one["name"], one["why"]) for one in board["changes"]} == {(name, "Double 11") for name in SWITCHES}
        assert all(one["ended_at"] for one in board["changes"])
        assert await shop.stock(offer) == (5, 0, 2)
        await shop.audited()


async def test_5_the_proof(pg_url: str, lone_db_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command runs worlds that are audited after each step, and they tie. With a defect in the database, a key that
    is not looked up, a world does not, and says where. (That every lock has a race: tests/shape/test_locks.py.)"""
    settings = load({"ENTREPOT_DATABASE_URL": pg_url, "ENTREPOT_HOME": str(tmp_path)})
    kept = tmp_path / "seeds.txt"
    assert await asyncio.to_thread(sim_command.main, settings, seeds=[5, 6], steps=40, keep=kept) == 0
    assert "2 worlds of 40 steps: all ties" in capsys.readouterr().out
    conn = await asyncpg.connect(lone_db_url)
    await plant(conn, *KEY_FORGOTTEN)
    await conn.close()
    with pytest.raises(SimulationError, match=r"seed 3, step \d+ \(place_again\): .*again: ./dev sim --seed 3 --steps"):
        await in_own_database(pg_url, 3, 300, template=urlsplit(lone_db_url).path[1:])


async def test_5_the_proof_watches(shop: Shop, own_db_url: str, tmp_path: Path) -> None:
    """`audit --watch` beside a shop: a balance, a row of stock and a payment that somebody changed in the database are
    named within a minute."""
    buyer, offer = await shop.buyer(100_000), await shop.offer(await shop.seller(), 1_000, 10)
    placed = (await buyer.place(await buyer.quote([(offer, 1)]))).json()["id"]
    command = "from entrepot.world.auditor import watch; watch.INTERVAL_S = 0.5; from entrepot import cli; "
    process = subprocess.Popen(  # noqa: ASYNC220 - it is killed below, whatever happens
        [sys.executable, "-c", command + "import sys; sys.exit(cli.main(['audit', '--watch', '--json']))"],
        env=environment(own_db_url, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        while "audit_watches" not in process.stderr.readline():
            assert process.poll() is None
        began = time.monotonic()
        async with shop.db.write() as tx:
            await tx.conn.execute("update ledger.balance set credits = credits + 5, debits = debits + 5 where limited")
            await tx.conn.execute("update inventory.stock set on_hand = on_hand - 1")
            await tx.conn.execute("delete from payments.payment")
        wrong = {"balance", "stock", "group_payment"}
        found: dict[str, dict[str, str]] = {}
        while wrong - found.keys():
            said = json.loads(process.stdout.readline())
            found[said["check"]] = said
        assert time.monotonic() - began < 60
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 1
    assert (found["stock"]["expected"], found["stock"]["found"]) == ("(10,0,1,0)", "(9,0,1,0)")
    assert (found["balance"]["expected"], found["balance"]["found"]) == ("(1600,100000,0)", "(1605,100005,0)")
    assert found["group_payment"]["row"] == f"orders.order_group {parse('grp', placed)}"
    assert found["group_payment"]["detail"] == "placed (payments, amount)"


async def test_5_the_proof_after_a_kill(folder: Path) -> None:
    """kill -9 of PostgreSQL: what was acknowledged is there, once, and is acknowledged again. (Under load, with web
    processes, worker and gateway: tests/crash.)"""
    server = postgres.start(folder)
    await migrate(server.url)
    async with open_shop(server.url) as shop:
        buyer, offer = await shop.buyer(100_000), await shop.offer(await shop.seller(), 1_000, 5)
        quote, unsent = await buyer.quote([(offer, 1)]), await buyer.quote([(offer, 1)])
        placed = await buyer.place(quote, "the key")
        assert placed.status_code == 201
        os.kill(server.pid, signal.SIGKILL)
        told = await buyer.place(unsent, "another")  # a backend may outlive its postmaster by one answer
        assert told.status_code in (201, 503)
        server.stop()  # gives the lock on its home back
        server = postgres.start(folder)
        again = await buyer.place(quote, "the key")
        assert (again.status_code, again.json()) == (201, placed.json())
        second = await buyer.place(unsent, "another")
        assert second.status_code == 201
        assert told.status_code == 503 or told.json() == second.json()
        assert (await shop.balance("wallet", buyer.id), await shop.stock(offer)) == (100_000 - 2 * 1_600, (5, 0, 2))
        await shop.audited()
    server.stop()


MIX = "listing=2,detail=1,cart=1,purchase=1,place=1,campaign=6"
"""Most of those who must not fail come for a campaign."""


def test_6_rehearsal(
    lone_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A peak is rehearsed against the running server, through a campaign's waiting room, half of it paid through a
    gateway. Nothing is written to a real table but what was measured; its database is gone; the report shows every
    link; a campaign lets in what was measured."""
    asyncio.run(market.open_market(lone_db_url, SIZES))
    there, report = rehearsals(lone_db_url), folder / "report.html"
    with deployment(lone_db_url, folder, monkeypatch) as server:
        # The worker has just opened its cursors and looked at fees; when PostgreSQL counts that is its own business.
        before = asyncio.run(Untouched.of(lone_db_url, apart=("platform.rehearsal", "kit.cursor", "fees.counted")))
        metrics = shop_metrics(server.url)
        asked = ["--forecast", "16", "--mix", MIX, "--gateway", "50", "--report", str(report), "--json"]
        code = cli.main(["rehearse", *TINY, *asked])
        found = json.loads(capsys.readouterr().out)
        asyncio.run(before.require_same(lone_db_url))
        assert rehearsals(lone_db_url) == there
        assert shop_metrics(server.url) == metrics
        assert '"event":"fault"' not in server.said()
        require_proven(found)
        assert code == (
            1 if found["verdict"]["word"] == "no_go" else 0
        )  # how fast this machine is decides nothing here
        require_self_contained(report.read_text())
        follow_it(lone_db_url, server.url, found)


async def test_7_beyond_one_machine(shop: Shop) -> None:
    """Four cells, each with a seller of ten units and three buyers: all twelve want a basket of all four at once. Ten
    have all of it, two nothing; what one gives back is sold again; each seller ships and is paid in its own cell."""
    for cell in (1, 2, 3):
        await shop.open_cell(cell)
    sellers = [await shop.seller(cell=cell) for cell in range(4)]
    offers = [await shop.offer(seller, 1_000, 10, cell=cell) for cell, seller in enumerate(sellers)]
    await add_promotion(shop, "ONCE", max_per_buyer=1)
    buyers = [await shop.buyer(10_000, cell) for cell in (0, 1, 2, 3) * 3]
    quotes = [await buyer.quote([(offer, 1) for offer in offers], "ONCE") for buyer in buyers]
    answers = await asyncio.gather(*(buyer.place(quote, "k") for buyer, quote in zip(buyers, quotes, strict=True)))
    told = [answer.status_code for answer in answers]
    assert (told.count(201), told.count(409)) == (10, 2)
    assert [await shop.stock(offer) for offer in offers] == [(10, 0, 10)] * 4
    lucky, late = told.index(201), told.index(409)
    assert (await buyers[lucky].place(quotes[lucky], "k")).json() == answers[lucky].json()

    group = (await buyers[lucky].send("GET", f"/v1/groups/{answers[lucky].json()['id']}")).json()
    for order in group["orders"]:
        for status in (204, 409):
            canceled = await buyers[lucky].send("POST", f"/v1/orders/{order['id']}/cancel")
            assert canceled.status_code == status
    assert await shop.balance("wallet", buyers[lucky].id, buyers[lucky].cell) == 10_000
    assert (await buyers[late].place(quotes[late], "k")).status_code == 201
    assert await used(shop) == {"promotion:ONCE:buyer": 10}
    await shop.audited()

    await shop.run()
    for cell, seller in enumerate(sellers):
        staff = shop.session(Role.SELLER, seller, seller, cell)
        paid = (await shop.http.get("/v1/seller/orders", params={"status": "paid"}, headers=staff)).json()["items"]
        assert len(paid) == 10
        for order in paid:
            parcel = {"carrier": "house", "tracking_number": order["id"]}
            sent = await shop.http.post(f"/v1/seller/orders/{order['id']}/ship", json=parcel, headers=staff)
            assert sent.status_code == 204
    await shop.run(after=timedelta(days=40))  # past the time to object, and a payout is sent
    await shop.run(after=timedelta(days=5))  # the bank did not send it back
    earned = [sum([await shop.balance(code, cell=cell) for code in ("commission", "payment_fee", "payout")])
              for cell in range(4)]  # fmt: skip
    assert earned == [10 * 1_600] * 4
    assert sum([await shop.balance("between_cells", cell=cell) for cell in range(4)]) == 0
    assert [await shop.balance("escrow", cell=cell) for cell in range(4)] == [0] * 4
    await shop.audited()


def test_7_cells_by_command(
    own_db_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cells are added, closed and listed; what takes Citus says so in one line where there is none."""
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", own_db_url)
    assert cli.main(["cells", "add"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "cell 1 is there and open to new buyers and sellers",
        "  0 open           0 sellers         0 buyers         0 orders",
        "  1 open           0 sellers         0 buyers         0 orders",
    ]
    assert cli.main(["cells", "close", "0"]) == 0
    assert "  0 closed" in capsys.readouterr().out
    for command, remedy in (
        (["move", "1", "--to", "there:5432"], "init --citus"),
        (["init", "--citus"], "create extension"),
    ):
        assert cli.main(["cells", *command]) == 1
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert remedy in said.err


def shop_metrics(url: str) -> dict[str, str]:
    """What the shop has counted: its requests, verdicts and batches."""
    lines = httpx.get(f"{url}/metrics", trust_env=False).text.splitlines()
    counted = re.compile(r"entrepot_(request_seconds|place_verdicts|batch_commands)_(count|total|sum)")
    return dict(line.rsplit(" ", 1) for line in lines if counted.match(line) and "/healthz" not in line)


def require_proven(found: dict[str, Any]) -> None:
    evidence = found["evidence"]
    assert evidence["placed"] >= evidence["acknowledged"] >= 4
    assert (evidence["findings"], evidence["strayed"]) == (0, 0)
    assert evidence["checked"] > 0
    assert evidence["payments"]["paid"] == evidence["payments"]["asked"] > 0
    assert max(point["in_line"] for point in found["timeline"]) > 0
    assert {point["phase"] for point in found["timeline"]} == {"warm", "ramp", "peak"}
    assert not any(point["failed"] for point in found["timeline"])
    # Which process answers whom is the system's choice.
    assert {point["usage"]["web_processes"] for point, *_ in found["ramp"]} <= {1, 2}
    assert [size["real"] for size in found["sizes"]] == [3, 40, 5, 0]
    assert {link["code"] for link in found["links"]} == {
        "machine", "web", "postgres", "worker", "pool", "connections", "locks", "log",
    }  # fmt: skip


def require_self_contained(html: str) -> None:
    """Nothing is fetched from anywhere, and nothing was left unsaid by the template."""
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert not re.search(r"""(?:src|href|action)\s*=|url\(|@import|<script|<link""", html)
    assert html.count("<svg") == 12
    assert "None" not in html


def follow_it(db_url: str, url: str, found: dict[str, Any]) -> None:
    """A campaign takes the measured rate over, and who did it is known."""
    operator, now = UUID(int=7), datetime.now(UTC)
    session = Keys(SECRET.encode()).session(Role.OPERATOR, operator, now)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {session}"}, trust_env=False) as http:
        (measured,) = http.get("/v1/operator/rehearsals").json()["items"]
        rate = found["admit_per_s"]
        assert (measured["admit_per_s"], measured["capacity_per_s"]) == (rate, int(found["capacity_per_s"]))
        assert (measured["verdict"], measured["forecast_per_s"]) == (found["verdict"]["word"], 16)
        campaign = {
            "market": "us", "name": "Midnight", "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
            "offers": [{"offer_id": 1, "unit_price_minor": 50, "units": 10}],
        }  # fmt: skip
        path = f"/v1/campaigns/{http.post('/v1/campaigns', json=campaign).json()['id']}"
        taken = http.post(f"{path}/admission/rehearsed", json={"rehearsal_id": measured["id"]})
    assert taken.status_code == (204 if rate else 400)
    said = fetch(db_url, "select data from kit.event where kind = 'campaign_admission_set'")
    assert [json.loads(row[0]) for row in said] == [
        {"admit_per_s": rate, "user_id": str(operator), "rehearsal_id": str(UUID(measured["id"][4:]))}
    ] * bool(rate)
    assert fetch(db_url, "select admit_per_s from campaigns.line") == [(rate or None,)]
