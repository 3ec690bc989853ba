"""The floor, part by part, as its users meet it: over HTTP, by the command, on the real data."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from bench import orders, report
from entrepot import catalog, pricing
from entrepot.accounts.rules import EMAIL_FAILURES
from entrepot.kit import postgres
from entrepot.kit.auth import Role
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.ids import new_id, show
from entrepot.kit.migrate import migrate
from entrepot.kit.secrets import put_secret
from tests.api.test_privacy import PEOPLE, WHO, live, rows
from tests.bench.test_bench_smoke import TINY
from tests.browser import test_purchase
from tests.browser.conftest import browsing
from tests.browser.test_accessibility import violations
from tests.shop import MARKET, START, TERMS, Shop, open_shop
from tests.world.replay_state import state

IMPORT = ("import", "completejourney", "--days", "1", "--json")
JSON = {"content-type": "application/json"}
ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "entrepot"


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


def entrepot(*arguments: str, url: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs the installed command; with an empty `url` on the PostgreSQL of `home`."""
    return subprocess.run(
        [COMMAND, *arguments], text=True, capture_output=True, timeout=240, check=False, env=told_of(url, home)
    )


def told_of(url: str, home: Path) -> dict[str, str]:
    return os.environ | {"ENTREPOT_DATABASE_URL": url, "ENTREPOT_HOME": str(home)}


async def test_1_kit_and_shape(shop: Shop) -> None:
    """Layers hold; every table of a sale starts with its cell; problems, OpenAPI, health and metrics speak."""
    lint = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert lint.returncode == 0, lint.stdout
    async with shop.db.read() as tx:
        keys = await tx.conn.fetch(
            "select c.conrelid::regclass::text as name, a.attname from pg_constraint c join pg_attribute a "
            "on a.attrelid = c.conrelid and a.attnum = c.conkey[1] join pg_namespace n on n.oid = c.connamespace "
            "where c.contype = 'p' and n.nspname in ('orders', 'ledger', 'inventory', 'payments', 'logistics')"
        )
        columns = {
            row[0]
            for row in await tx.conn.fetch(
                "select column_name from information_schema.columns "
                "where table_schema = 'orders' and table_name = 'order'"
            )
        }
    shared = {row["name"] for row in keys if row["attname"] != "cell"}
    terms = {"payments.payout_terms", "payments.reserve_terms"}  # of markets and sellers
    assert shared == {"payments.webhook", "payments.listing", *terms}
    assert {"cell", "seller_id", "market", "currency", "location_id", "commission_minor"} <= columns
    document = (await shop.http.get("/v1/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert "/v1/orders" in document["paths"]
    missing = await shop.http.get("/v1/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert missing.json()["type"] == "/problems/not_found"
    assert (await shop.http.get("/v1/markets")).status_code == 200
    assert (await shop.http.get("/healthz")).json() == {"status": "ok"}
    assert "entrepot_request_seconds_bucket" in (await shop.http.get("/metrics")).text


async def test_2_the_way_of_an_order(shop: Shop) -> None:
    """Two sellers and the operator's own goods in one cart, with a promotion, to one statement of account."""
    first, second, own = await shop.seller(), await shop.seller(), await shop.seller("own")
    offers = [
        await shop.offer(first, 1_000, 9),
        await shop.offer(second, 333, 9),
        await shop.offer(own, 2_500, 9, cost_minor=1_200),
    ]
    async with shop.db.write() as tx:
        ten_off = pricing.Promotion(
            "TEN", MARKET, None, 1_000, 0, "operator", START - timedelta(days=1), START + timedelta(days=1)
        )
        await pricing.add_promotion(tx, ten_off)
    buyer = await shop.buyer(10_000)
    bought = await buyer.buy([(offer, 1) for offer in offers], promotion="TEN")
    # 10.00 + 3.33 + 25.00 + 3 x 6.00 shipping - 10.00, of which the operator pays the discount into escrow
    assert await shop.balance("wallet", buyer.id) == 10_000 - (1_000 + 333 + 2_500 + 1_800 - 1_000)
    assert await shop.balance("escrow") == 1_000 + 333 + 2_500 + 1_800
    assert await shop.balance("promotions") == -1_000
    await shop.run()
    for order, seller in zip(bought, (first, second, own), strict=True):
        staff = shop.session(Role.SELLER, new_id(START), seller)
        parcel = {"carrier": "house", "tracking_number": order.hex}
        shipped = await shop.http.post(f"/v1/seller/orders/{show('ord', order)}/ship", json=parcel, headers=staff)
        assert shipped.status_code == 204, shipped.text
        scan = parcel | {"status": "delivered", "at": shop.clock.now().isoformat()}
        await shop.http.post("/v1/tracking", json={"scans": [scan]}, headers=shop.operator)
    await shop.run(after=timedelta(days=11))  # the timer confirms
    await shop.run(after=timedelta(days=15))  # and the payout runs
    await shop.run(after=timedelta(days=5))  # which the bank does not return
    assert await shop.balance("escrow") == 0
    # 10 % of the goods; 1.5 % of what the buyer paid for each: 13.39 and 8.46
    assert await shop.balance("commission") == 100 + 33
    assert await shop.balance("own_revenue") == 2_500 + 600
    assert await shop.balance("cost_of_goods") == -1_200
    statement = await shop.http.get(
        "/v1/seller/statement",
        params={"currency": "USD", "first": "2026-03-01", "last": "2026-04-30"},
        headers=shop.session(Role.SELLER, new_id(START), first),
    )
    found = statement.json()
    assert found["opening_minor"] + sum(line["amount_minor"] for line in found["lines"]) == found["closing_minor"]
    assert [line["code"] for line in found["lines"]] == ["release", "payment_fee", "commission", "payout"]
    assert found["lines"][0]["event"] == show("ord", bought[0])
    await shop.audited()


def test_3_the_main_job_on_real_input(own_db_url: str, folder: Path) -> None:
    """A day of real retail through the production path: every pair of source and ledger ties, the audit is clean, and
    running it again changes nothing. (`demo --check` in CI does the four weeks.)"""
    first = entrepot(*IMPORT, url=own_db_url, home=folder)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["differences"], told["audit"]["findings"]) == ([], [])
    assert told["departments"][-1]["source"] == told["departments"][-1]["ledger"]
    again = entrepot(*IMPORT, url=own_db_url, home=folder)
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    audited = entrepot("audit", "--json", url=own_db_url, home=folder)
    assert audited.returncode == 0, audited.stdout
    _killed_on_its_way_it_ends_the_same(first.stdout, asyncio.run(state(own_db_url)), folder)


def _killed_on_its_way_it_ends_the_same(report: str, books: dict[str, Any], home: Path) -> None:
    """The same day on a data folder of its own. kill -9 takes the import and its PostgreSQL in the middle, after a
    second demo was refused; the next run ends with the very figures of the one that nobody disturbed."""
    process = subprocess.Popen([COMMAND, *IMPORT], env=told_of("", home), stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while asyncio.run(_steps(home)) < 3:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGSTOP)
    second = entrepot("demo", "--check", url="", home=home)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == "entrepot: another import runs on this database; wait for it to end\n"
    process.kill()
    process.wait()
    resumed = entrepot(*IMPORT, url="", home=home)
    assert (resumed.returncode, resumed.stdout) == (0, report), resumed.stderr
    server = postgres.start(home)
    assert asyncio.run(state(server.url)) == books
    server.stop()


async def _steps(home: Path) -> int:
    """How far the import of a data folder has got."""
    try:
        connection = await asyncpg.connect(postgres.attach(home).url)
    except (postgres.PostgresError, OSError, asyncpg.exceptions.PostgresError):
        return 0
    try:
        return int(await connection.fetchval("select coalesce(max(step), 0) from world.progress"))
    except asyncpg.UndefinedTableError:
        return 0
    finally:
        await connection.close()


async def test_4_pages(shop: Shop) -> None:
    """A buyer's way over pages, as HTML only."""
    seller = await shop.seller()
    await shop.offer(seller, 1_999, 5)
    for path, says in (("/", "Product"), ("/search?q=Product", "19.99"), ("/sign-in", "<form"), ("/cart", "")):
        page = await shop.http.get(path, follow_redirects=True)
        assert page.status_code == 200, path
        assert page.headers["content-type"].startswith("text/html")
        assert says in page.text, path
        assert "<script>" not in page.text
    signed_out = await shop.http.get("/operator")
    assert signed_out.status_code in (302, 303, 404)


def test_4_pages_in_a_browser(own_db_url: str) -> None:
    """Chromium against the real server: a whole purchase in the second language, on a phone, without JavaScript; then
    axe looks at a page of each kind, and a page says what it may load. (tests/browser looks at all of them, and buys in
    the first language.)"""
    with browsing(own_db_url) as shop:
        test_purchase.test_buying_without_javascript_on_a_phone(shop, "de")
        product = f"/p/{shop.stage.slugs['White Milk, 1 gal']}"
        visits = {"ada": ("/", product, "/cart"), "seller": ("/seller/statement",)}
        for who, paths in visits.items():
            with shop.visit(who, phone=True) as page:
                for path in paths:
                    answer = page.goto(path)
                    assert answer is not None
                    assert "default-src 'self'" in answer.headers["content-security-policy"]
                    assert violations(page, path) == []


def test_5_speed() -> None:
    """The benchmark runs between two pgbenches, recounts and audits, and prints one object; its figures are not judged
    here. (Its parts over HTTP are in tests/bench.)"""
    outcome = orders.run(TINY, ("batch_32", "limit_128"), tell=lambda _: None)
    printed: dict[str, Any] = msgspec.json.decode(report.as_json(outcome))
    assert {"bench", "commit", "results"} <= printed.keys()
    assert [result["name"] for result in printed["results"]] == ["pgbench", "batch_32", "batch_32_alone", "limit_128"]
    assert all({"name", "value", "unit", "vs", "ratio"} == result.keys() for result in printed["results"])


async def test_6_bad_input(shop: Shop) -> None:
    """Each has its own Problem, and nothing is half done. (tests/api asks every route, schemathesis too.)"""
    seller, stranger = await shop.seller(), await shop.seller()
    offer = await shop.offer(seller, 1_000, 9)
    buyer, other, poor = await shop.buyer(), await shop.buyer(), await shop.buyer(1)
    (order,) = await buyer.buy([(offer, 1)])
    group = (await buyer.send("GET", "/v1/groups")).json()["items"][0]["id"]
    cart = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    quote, too_many, too_dear = [
        await who.quote([(offer, units)]) for who, units in ((buyer, 2), (other, 9), (poor, 1))
    ]
    lines, top_up = f"/v1/carts/{cart}/lines", {"user_id": show("usr", buyer.id), "currency": "USD"}
    staff, key = shop.session(Role.SELLER, new_id(START), stranger), {"idempotency-key": "k"}
    march = "currency=USD&first=2026-03-01&last=2026-03-31"

    def placing(placed: dict[str, Any]) -> dict[str, str]:
        return {"quote_id": placed["id"]}

    refusals: list[tuple[dict[str, str], str, str, Any, int, str]] = [
        (buyer.headers, "POST", "/v1/carts", {"market": MARKET, "color": "red"}, 400, "malformed"),
        (buyer.headers, "POST", lines, {"offer_id": "one"}, 400, "malformed"),
        (buyer.headers, "POST", lines, {"offer_id": offer, "quantity": -1}, 400, "malformed"),
        (buyer.headers, "POST", lines, {"offer_id": offer, "quantity": 0}, 400, "malformed"),
        (buyer.headers, "POST", lines, {"offer_id": offer, "quantity": 10**30}, 400, "malformed"),
        (shop.operator | key, "POST", "/v1/top-ups", top_up | {"amount_minor": -5}, 400, "malformed"),
        (shop.operator | key, "POST", "/v1/top-ups", top_up | {"amount_minor": 2**63}, 400, "malformed"),
        (shop.operator | key, "POST", "/v1/top-ups", top_up | {"amount_minor": 1, "currency": "JPY"}, 404, "not_found"),
        (buyer.headers, "GET", "/v1/wallet?currency=JPY", None, 404, "not_found"),
        (buyer.headers, "POST", "/v1/carts", {"market": "u" * 70_000}, 413, "too_large"),
        (other.headers, "GET", f"/v1/carts/{cart}", None, 404, "not_found"),
        (other.headers, "POST", lines, {"offer_id": offer}, 404, "not_found"),
        (other.headers, "GET", f"/v1/orders/{show('ord', order)}", None, 404, "not_found"),
        (other.headers, "GET", f"/v1/groups/{group}", None, 404, "not_found"),
        (other.headers, "POST", f"/v1/orders/{show('ord', order)}/cancel", None, 404, "not_found"),
        (staff, "GET", f"/v1/seller/orders/{show('ord', order)}", None, 404, "not_found"),
        (staff, "POST", f"/v1/seller/orders/{show('ord', order)}/refund", None, 404, "not_found"),
        (buyer.headers, "GET", f"/v1/seller/statement?{march}", None, 403, "not_allowed"),
        ({}, "GET", "/v1/groups", None, 401, "sign_in_needed"),
        (buyer.headers, "POST", "/v1/orders", placing(quote), 400, "key_needed"),
        (other.headers | key, "POST", "/v1/orders", placing(quote), 404, "not_found"),
        (other.headers | key, "POST", "/v1/orders", placing(too_many), 409, "sold_out"),
        (poor.headers | key, "POST", "/v1/orders", placing(too_dear), 409, "wallet_too_low"),
    ]
    before = await shop.state()
    for headers, method, path, body, status, problem in refusals:
        refused = await shop.http.request(method, path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{problem}"), (path, body)
        assert refused.headers["content-type"] == "application/problem+json"
    torn = await shop.http.post("/v1/carts", content=b'{"market":', headers=buyer.headers | JSON)
    assert torn.json()["type"] == "/problems/malformed"
    assert await shop.state() == before
    assert (await buyer.place(quote, "one key")).status_code == 201
    assert (await buyer.place(quote, "one key")).status_code == 201
    for what, again, problem in ((quote, "another", "quote_placed"), (too_dear, "one key", "key_conflict")):
        assert (await buyer.place(what, again)).json()["type"] == f"/problems/{problem}"
    stale, late = await buyer.quote([(offer, 1)]), await buyer.quote([(await shop.offer(seller, 5, 1), 1)])
    async with shop.db.write() as tx:
        await catalog.set_prices(tx, 0, [offer], [1_001])
    assert (await buyer.place(stale)).json()["type"] == "/problems/price_changed"
    await shop.run(after=timedelta(seconds=TERMS.quote_ttl_s))
    assert (await buyer.place(late)).json()["type"] == "/problems/quote_expired"
    assert await shop.balance("wallet", buyer.id) == 100_000 - (1_000 + 600) - (2_000 + 600)
    await shop.audited()


def test_6_bad_luck(own_db_url: str, folder: Path) -> None:
    """A database that is down at the start, a port that is taken: one line each. (A second demo on a data folder is in
    part 3; the bank test, with everything killed under load, in tests/crash.)"""
    down = "postgresql://nobody@127.0.0.1:1/nothing"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, url, says in (
            (("up",), down, "entrepot: "),
            (("audit",), down, "entrepot: "),
            (("up", "--port", port), own_db_url, f"entrepot: port {port} cannot be used (Address already in use)"),
        ):
            refused = entrepot(*arguments, url=url, home=folder)
            assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1), refused.stderr
            assert refused.stderr.startswith(says)
            assert "Traceback" not in refused.stderr


async def test_6_a_database_that_goes_away(folder: Path) -> None:
    """What was asked meanwhile is answered 503 and was not done; afterwards the same key gets it done once."""
    server = postgres.start(folder)
    await migrate(server.url)
    async with open_shop(server.url) as shop:
        buyer = await shop.buyer()
        quote = await buyer.quote([(await shop.offer(await shop.seller(), 1_000, 5), 1)])
        server.stop()
        away = await buyer.place(quote, "the key")
        assert (away.status_code, away.json()["type"]) == (503, "/problems/database_away")
        assert away.headers["retry-after"] == "2"
        assert (await shop.http.get("/healthz")).status_code == 503
        server = postgres.start(folder)
        assert [(await buyer.place(quote, "the key")).status_code for _ in range(2)] == [201, 201]
        assert await shop.balance("wallet", buyer.id) == 100_000 - 1_600
        await shop.run()
        await shop.audited()
    server.stop()


async def test_7_fit_to_run(
    own_db_url: str, empty_db_url: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Who people are is in no log and in no table but their own, secrets are sealed, another site's form does nothing,
    passwords cannot be tried for ever; a backup restores elsewhere and audits; the papers are there."""
    async with open_shop(own_db_url, clock=VirtualClock(RealClock().now())) as shop:
        person, _ = await live(shop)
        async with shop.db.write() as tx:
            await put_secret(tx, shop.keys, "sandbox_webhook", b"whsec_of_the_gateway")
        found = await rows(shop)
        assert {table for table, texts in found.items() if any(WHO.search(text) for text in texts)} == PEOPLE
        assert not [table for table, texts in found.items() if any("whsec" in text for text in texts)]
        logged = "".join(capfd.readouterr())
        assert '"event":"request"' in logged
        assert not WHO.search(logged)
        assert not [token for token in person.tokens if token in logged]

        before = await shop.state()
        cookie = {"cookie": f"session={person.tokens[-1]}"}
        for headers in (cookie, cookie | {"sec-fetch-site": "cross-site"}, cookie | {"origin": "http://evil.test"}):
            forged = await shop.http.post("/cart/add", data={"offer_id": "1", "form_token": "0"}, headers=headers)
            assert forged.status_code == 403
        assert await shop.state() == before
        guesses = [
            (await shop.http.post("/v1/sessions", json={"email": "ada@example.org", "password": "a guess"})).status_code
            for _ in range(EMAIL_FAILURES + 1)
        ]
        assert guesses == [401] * EMAIL_FAILURES + [429]

    file = folder / "backup"
    saved = entrepot("backup", str(file), url=own_db_url, home=folder)
    assert saved.returncode == 0, saved.stderr
    refused = entrepot("restore", str(file), url=own_db_url, home=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert entrepot("restore", str(file), url=empty_db_url, home=folder).returncode == 0
    audited = entrepot("audit", "--json", url=empty_db_url, home=folder)
    assert (audited.returncode, json.loads(audited.stdout)["total"]) == (0, 0)
    async with open_shop(empty_db_url) as restored:
        assert (await restored.state())["ledger.transfer"] == before["ledger.transfer"]
    for paper in ("SECURITY.md", "docs/dependencies.md", "docs/guide/licenses.md", "docs/reference/openapi.json"):
        assert (ROOT / paper).stat().st_size > 500, paper
    json.loads((ROOT / "docs/reference/openapi.json").read_text())
