"""Two real days through the whole life of an order: every figure ties, again changes nothing, kill -9 loses nothing."""

import asyncio
import io
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from entrepot import accounts, bonded, customs, ledger, orders
from entrepot.customs import jobs as declarations
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.events import consume
from entrepot.settings import load
from entrepot.world.auditor import audit
from entrepot.world.completejourney import main, window_end
from entrepot.world.completejourney.command import import_and_report
from entrepot.world.completejourney.identity import Kind, uuid_of
from entrepot.world.completejourney.progressline import ProgressLine
from entrepot.world.completejourney.replay import batches
from entrepot.world.completejourney.report import Sold, lines_of, make_report
from entrepot.world.completejourney.run import LOCK, BusyError, import_window
from entrepot.world.completejourney.source import END_DAY, Basket, Source, open_source
from entrepot.world.completejourney.steps import OtherWindowError, Step
from entrepot.world.completejourney.totals import Totals, totals
from entrepot.world.seed import (
    BUYER,
    OPERATOR,
    OWN_GOODS,
    OWN_PIECES,
    OWN_SHOP,
    PASSWORD,
    SELLER,
    WALLET_MINOR,
    seed,
)
from tests.databases import made
from tests.world.replay_state import state

UNTIL = date(2017, 1, 3)


def _silent(_: Step) -> None:
    pass


KILLS = 6


@pytest.fixture(scope="module")
def source() -> Source:
    return open_source()


@pytest.fixture(scope="module")
def world(pg_url: str, template: str, source: Source) -> Iterator[str]:
    """A database that holds the two days; nothing stays open to it, so that it can be copied."""
    with made(pg_url, template) as url:
        asyncio.run(import_window(url, source, UNTIL, _silent))
        yield url


@pytest.fixture(scope="module")
def counted(source: Source) -> Totals:
    return totals(source, None, UNTIL)


@pytest.fixture
def copy_url(pg_url: str, world: str) -> Iterator[str]:
    """A copy of the two days, to be changed."""
    with made(pg_url, urlsplit(world).path[1:]) as url:
        yield url


async def test_every_pair_ties_and_the_audit_finds_nothing(world: str, source: Source, counted: Totals) -> None:
    db = await Database.open(world)
    async with db.read() as tx:
        report = await make_report(tx, source, UNTIL, counted)
    assert report.differences() == []
    theirs, ours = report.departments[-1]
    assert ours == theirs == Sold("All", 704, 4472, 7144, 402360, 2450931, 357375, 745, 4219, 2088592, 103, 419)
    assert len(report.departments) == 21
    assert (report.source_lines, report.sales_minor, report.coupon_excess_minor) == (7175, 2092811, 70)
    assert {pair.name: pair.ledger for pair in report.money} == MONEY
    assert (await audit(db)).findings == []
    await db.close()


MONEY = {
    "topped up by buyers": 2089355,
    "paid for baskets into escrow, by buyers and the funder": 2088592,
    "operator's discounts into escrow": 358120,
    "given back of what was paid": 4963,
    "operator's discounts taken back": 707,
    "released to sellers": 2440405,
    "commission": 244750,
    "payment fees": 31212,
    "called back from sellers": 1401,
    "commission given up": 140,
    "payment fees given up": 18,
    "released of what was disputed or sent back": 2038,
    "commission of it": 206,
    "payment fees of it": 30,
    "paid out to sellers": 2165203,
    "installments paid to the funder": 25427,
    "fees of installments": 763,
    "left in escrow": 0,
    "left in wallets": 4963,
    "left in sellers' accounts, their debts": -201,
    "units of opening stock": 402360,
    "units of stock left, canceled or sent back": 21,
}


async def test_orders_live_their_days(world: str) -> None:
    """Shipped the day after, delivered two days later, confirmed then by half of the buyers, else ten days later; lines
    are canceled, given back, sent back or disputed, and baskets paid in installments."""
    connection = await asyncpg.connect(world)
    lives = await connection.fetch(
        """
        select distinct shipped_at::date - placed_at::date, delivered_at::date - placed_at::date,
               ended_at::date - delivered_at::date, status
          from orders.order where status <> 'canceled' order by 1, 2, 3
        """
    )
    assert [tuple(life) for life in lives] == [(1, 3, 0, "completed"), (1, 3, 10, "completed")]
    payouts = await connection.fetch("select distinct created_at from payments.payout order by 1")
    assert [row[0] for row in payouts] == [datetime(2017, 1, 16, 8, tzinfo=UTC), datetime(2017, 1, 30, 8, tzinfo=UTC)]
    kinds = await connection.fetch("select kind, count(*) from orders.part group by 1 order by 1")
    assert [tuple(row) for row in kinds] == [("canceled", 6), ("disputed", 2), ("refunded", 7), ("returned", 10)]
    plans = await connection.fetch("select status, count(*) from credit.plan group by 1")
    assert [tuple(row) for row in plans] == [("paid", 3)]
    await connection.close()


async def test_a_second_run_changes_nothing(world: str, source: Source) -> None:
    before = await state(world)
    steps: list[Step] = []
    await import_window(world, source, UNTIL, steps.append)
    assert steps == []
    assert await state(world) == before


async def test_another_window_is_refused_and_nothing_changes(world: str, source: Source) -> None:
    before = await state(world)
    with pytest.raises(OtherWindowError, match="until 2017-01-03, not until 2017-01-08: import into another one"):
        await import_window(world, source, date(2017, 1, 8), _silent)
    assert await state(world) == before


async def test_two_imports_at_once_are_one_too_many(world: str, source: Source) -> None:
    connection = await asyncpg.connect(world)
    await connection.execute("select pg_advisory_lock($1)", LOCK)
    with pytest.raises(BusyError):
        await import_window(world, source, UNTIL, _silent)
    await connection.close()


IMPORT = """
import asyncio, datetime, sys
from entrepot.world.completejourney.run import import_window
from entrepot.world.completejourney.source import open_source
def tell(step):
    print(step.at, flush=True)
asyncio.run(import_window(sys.argv[1], open_source(), datetime.date(2017, 1, 3), tell))
"""


def test_killed_again_and_again_it_ends_as_if_it_had_run_through(world: str, own_db_url: str) -> None:
    chance, steps = random.Random(7), []
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", IMPORT, own_db_url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        steps.append([process.stdout.readline() for _ in range(chance.randint(2, 20))])
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        process.communicate()
    assert all(lines[-1] for lines in steps), "each of them was killed in the middle"
    last = subprocess.run([sys.executable, "-c", IMPORT, own_db_url], capture_output=True, text=True, check=True)
    assert len(last.stdout.splitlines()) > 20
    assert asyncio.run(state(own_db_url)) == asyncio.run(state(world))


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        (
            """
            update orders.order_line set gross_minor = gross_minor + 1, rounding_minor = rounding_minor + 1
             where (order_id, line_no) =
                   (select order_id, line_no from orders.order_line where rounding_minor = 0 order by 1, 2 limit 1)
            """,
            {"All: gross_minor", "All: paid_minor", "All: rounding_lines", "All: rounding_minor"},
        ),
        (
            """
            delete from ledger.transfer where code = 'fund';
            update ledger.transfer set at = at + interval '1 day' where code = 'principal'
            """,
            {"operator's discounts into escrow", "2017-02-02 principal", "2017-02-03 principal"},
        ),
        (
            "update inventory.movement set on_hand_delta = -2 where on_hand_delta = -1",
            {"units of stock left, canceled or sent back"},
        ),
    ],
)
async def test_a_pair_that_does_not_tie_is_named(
    world: str, source: Source, counted: Totals, tampering: str, named: set[str]
) -> None:
    connection = await asyncpg.connect(world)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(tampering)
    report = await make_report(ReadTx(connection, datetime.now(UTC)), source, UNTIL, counted)
    assert named <= {pair.name for pair in report.differences()}
    assert any("DIFFERS" in line for line in lines_of(report))
    await transaction.rollback()
    await connection.close()


def test_the_command_prints_the_report_and_tells_what_differs(
    world: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({"ENTREPOT_HOME": str(tmp_path), "ENTREPOT_DATABASE_URL": world})
    assert import_and_report(settings, UNTIL, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["differences"] == []
    assert told["audit"]["findings"] == []
    assert told["departments"][-1]["ledger"]["paid_minor"] == 2088592
    assert main(settings, days=0) == 2
    assert main(settings, days=7) == 1
    assert "until 2017-01-03, not until 2017-01-08" in capsys.readouterr().err


async def test_the_demo_furnishes_the_marketplace_once(copy_url: str) -> None:
    assert await seed(copy_url)
    db = await Database.open(copy_url)
    members = {email: await accounts.sign_in(db, email, PASSWORD, "192.0.2.1") for email in (BUYER, SELLER, OPERATOR)}
    assert [member.role for member in members.values()] == ["buyer", "seller", "operator"]
    buyer = members[BUYER].user_id
    async with db.read() as tx:
        statuses = await tx.conn.fetch(
            "select status, count(*) from orders.order where buyer_id = $1 group by 1 order by 1", buyer
        )
        bought = await tx.conn.fetchval("select sum(paid_minor) from orders.order_group where buyer_id = $1", buyer)
        assert await ledger.balance(tx, 0, "wallet", "USD", buyer) == WALLET_MINOR - bought
        assert await ledger.balance(tx, 0, "own_stock", "USD") == -sum(g.cost_minor for g in OWN_GOODS) * OWN_PIECES + (
            2 * OWN_GOODS[0].cost_minor
        )
        ((_, sweaters),) = await bonded.book_items(tx, 0)
        assert (sweaters.quantity_milli, sweaters.released_milli) == (OWN_PIECES * 540, 0)
        cart = await orders.latest_cart(tx, 0, buyer, "US")
        assert cart is not None
        assert len((await orders.load_cart(tx, 0, buyer, cart)).lines) == 4
        owen = await accounts.sign_in(db, OWN_SHOP, PASSWORD, "192.0.2.1")
        assert owen.seller_id is not None
        (awaited,) = (await orders.to_ship(tx, 0, owen.seller_id)).awaited
        assert (awaited.window.starts.hour, awaited.window.ends.hour) == (10, 12)
    assert [row["status"] for row in statuses] == ["delivered", "paid", "shipped"]
    assert (await audit(db)).findings == []
    while await consume(db, declarations.CONSUMERS[0], 0):
        pass  # as the worker does that serves it
    async with db.read() as tx:
        (waiting,), _ = await customs.listed(tx, waiting=True)
    assert [problem.field for problem in waiting.declaration.problems] == ["parcel"]
    await db.close()
    before = await state(copy_url)
    assert not await seed(copy_url)
    assert await state(copy_url) == before


def test_the_year_is_the_longest_window() -> None:
    assert window_end(None) == window_end(371) == END_DAY
    assert window_end(28) == date(2017, 1, 29)


def _basket(number: int, store: int, *prices: tuple[int, int]) -> Basket:
    count = len(prices)
    ones = [1] * count
    return Basket(
        number, 1, store, datetime(2017, 1, 1, tzinfo=UTC), [product for product, _ in prices], ones, ones,
        [price for _, price in prices], ones, [price for _, price in prices], *([0] * count for _ in range(5)),
    )  # fmt: skip


def test_a_batch_is_cut_where_an_offer_changes_its_price() -> None:
    baskets = [
        _basket(1, 5, (10, 100), (11, 200)),
        _basket(2, 5, (10, 100)),
        _basket(3, 6, (10, 150)),  # another store, so another offer
        _basket(4, 5, (10, 101)),
        _basket(5, 5, (11, 200)),
        _basket(6, 5, (10, 100)),
    ]
    found = [([b.basket_id for b in batch.baskets], batch.prices) for batch in batches(baskets)]
    assert found == [
        ([1, 2, 3], {1_000_005: 100, 1_100_005: 200, 1_000_006: 150}),
        ([4, 5], {1_000_005: 101, 1_100_005: 200}),
        ([6], {1_000_005: 100}),
    ]


def test_ids_say_their_time_and_what_they_count() -> None:
    at = datetime(2017, 3, 4, 5, 6, 7, tzinfo=UTC)
    made = uuid_of(Kind.BASKET, 41_481_282_915, at, 3)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == 1_488_603_967_000
    assert uuid_of(Kind.BASKET, 41_481_282_915, at, 2) < made
    assert len({uuid_of(kind, 7) for kind in Kind}) == len(Kind)


def test_progress_is_told_line_by_line_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("entrepot.world.completejourney.progressline.monotonic", lambda: now[0])
    out = io.StringIO()
    line = ProgressLine("orders", 1_000, already=100, out=out)
    line.add(100, "first")
    now[0] = 10.0
    line.add(200, "second")
    now[0] = 11.0
    line.add(0, "third")
    line.end("done")
    assert out.getvalue().splitlines() == [
        "400 of 1,000 orders, 30/s, 0:20 left, second",
        "400 of 1,000 orders, 27/s, 0:22 left, done",
    ]
