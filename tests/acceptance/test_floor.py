"""The floor, part by part, as its users meet it: over HTTP, by the command, on the real data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import orders, report
from entrepot import pricing
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, show
from tests.bench.test_bench_smoke import TINY
from tests.shop import MARKET, START, Shop, open_shop

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


def entrepot(*arguments: str, url: str, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed command."""
    return subprocess.run(
        [Path(sys.executable).parent / "entrepot", *arguments], text=True, capture_output=True, timeout=240,
        check=False, env=os.environ | {"ENTREPOT_DATABASE_URL": url, "ENTREPOT_HOME": str(home)} | environ,
    )  # fmt: skip


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
    assert {row["name"] for row in keys if row["attname"] != "cell"} == {"payments.webhook"}
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


def test_3_the_main_job_on_real_input(own_db_url: str, tmp_path: Path) -> None:
    """A day of real retail through the production path: every pair of source and ledger ties, the audit is clean, and
    running it again changes nothing. (`demo --check` in CI does the four weeks.)"""
    first = entrepot("import", "completejourney", "--days", "1", "--json", url=own_db_url, home=tmp_path)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["differences"], told["audit"]["findings"]) == ([], [])
    assert told["departments"][-1]["source"] == told["departments"][-1]["ledger"]
    again = entrepot("import", "completejourney", "--days", "1", "--json", url=own_db_url, home=tmp_path)
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    audited = entrepot("audit", "--json", url=own_db_url, home=tmp_path)
    assert audited.returncode == 0, audited.stdout


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


def test_5_speed() -> None:
    """The benchmark runs between two pgbenches, recounts and audits, and prints one object; its figures are not judged
    here."""
    outcome = orders.run(TINY, ("batch_32", "limit_128", "http_c16"), tell=lambda _: None)
    printed: dict[str, Any] = msgspec.json.decode(report.as_json(outcome))
    assert {"bench", "commit", "results"} <= printed.keys()
    assert {"batch_32", "limit_128", "http_c16"} <= {result["name"] for result in printed["results"]}
    assert all({"name", "value", "unit", "vs", "ratio"} == result.keys() for result in printed["results"])


async def test_6_bad_input_and_bad_luck(shop: Shop, tmp_path: Path) -> None:
    """An empty shelf, another's quote, a key used twice, no database: each has its Problem, nothing is half done."""
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 2)
    buyer, other, poor = await shop.buyer(), await shop.buyer(), await shop.buyer(1)
    quote = await buyer.quote([(offer, 2)])
    too_many = await other.quote([(offer, 3)])
    too_dear = await poor.quote([(offer, 1)])
    before = await shop.state()
    for who, what, status, problem in (
        (other, quote, 404, "not_found"),
        (other, too_many, 409, "sold_out"),
        (poor, too_dear, 409, "wallet_too_low"),
    ):
        refused = await who.place(what)
        assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{problem}")
    assert await shop.state() == before
    assert (await buyer.place(quote, "one key")).status_code == 201
    assert (await buyer.place(quote, "one key")).status_code == 201
    assert (await buyer.place(quote, "another")).json()["type"] == "/problems/quote_placed"
    conflict = await buyer.place(await buyer.quote([(await shop.offer(seller, 5, 1), 1)]), "one key")
    assert (conflict.status_code, conflict.json()["type"]) == (409, "/problems/key_conflict")
    down = entrepot("audit", url="postgresql://nobody@127.0.0.1:1/nothing", home=tmp_path)
    assert (down.returncode, down.stderr.count("\n")) == (1, 1)
    assert "Traceback" not in down.stderr
    await shop.run()
    await shop.audited()


def test_7_fit_to_run(own_db_url: str, db_url: str, tmp_path: Path) -> None:
    """A backup restores into an empty database and audits; the papers are there."""
    assert entrepot("migrate", url=own_db_url, home=tmp_path).returncode == 0
    file = tmp_path / "backup"
    saved = entrepot("backup", str(file), url=own_db_url, home=tmp_path)
    assert saved.returncode == 0, saved.stderr
    refused = entrepot("restore", str(file), url=db_url, home=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    for paper in ("SECURITY.md", "docs/dependencies.md", "docs/guide/licenses.md", "docs/reference/openapi.json"):
        assert (ROOT / paper).stat().st_size > 500, paper
    json.loads((ROOT / "docs/reference/openapi.json").read_text())
