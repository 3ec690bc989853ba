"""The incremental audit and the watch find what the full audit finds: in what is touched, in slices, in rounds."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import ReadTx
from entrepot.kit.sql import QUERIES, sql
from entrepot.world import auditor
from entrepot.world.auditor import touched, watch
from entrepot.world.auditor.check import TOUCHED, arguments, filled
from tests.world.planted import PLANTED
from tests.world.small_world import NOW, build, uid
from tests.world.test_auditor import named

ROUNDS = 12
"""A minute of them."""
A_PASS_S = 60.0
"""Long enough for a look at everything; no round does more."""


async def expected(conn: asyncpg.Connection, planted: str, checks: set[str]) -> list[str]:
    rows = [row for row in PLANTED[planted][1] if row.partition(":")[0] in checks]
    return sorted([await named(conn, row) for row in rows])


SLICED = {check.name for check in auditor.CHECKS if check.slices is not None}
AT_ONCE = {check.name for check in [*touched.OF_ORDERS, *touched.OF_CAUSES]} | {
    *(check.name for check in touched.BY_INDEXES),
    "balance",
    "stock",
    "slot_places",
}


async def test_most_checks_can_be_cut_and_most_are_made_at_once() -> None:
    names = {check.name for check in auditor.CHECKS}
    assert names - SLICED == {
        "balance", "trial_balance", "escrow_balance", "duties_balance", "purchase_cost", "payout_limit", "stock",
        "stock_promised", "order_movements", "adjustment", "replaced", "returned", "set_aside", "quota", "between_sum",
        "closed_day", "bank_file", "statement", "exchange_position", "tax_balance", "exposure", "funder_balance",
        "deposit", "invoice_month", "invoice_numbers", "invoice_sum", "shop_months", "tax_return",
        "done_alone", "product_rating", "seller_rating", "bonded_book", "bonded_entry",
        "broker_balance", "slot_places", "webhook_noted", "webhook_own",
        "usage_billed", "usage_price", "usage_months", "payment_charged_back", "chargebacks_balance",
        "campaign", "sold_elsewhere", "advanced_tax",
    }  # fmt: skip
    assert names - AT_ONCE == {
        "closed_day", "between_sum", "bank_file", "statement", "done_alone", "product_rating", "seller_rating",
        "replaced", "deposit", "invoice_month", "invoice_numbers", "invoice_sum", "shop_months", "tax_return",
        "bonded_book", "bonded_entry", "broker_balance", "webhook_noted", "webhook_own",
        "usage_billed", "usage_price", "usage_months", "payment_charged_back", "chargebacks_balance",
        "campaign", "advanced_tax",
        # Each follows from others.
        "trial_balance", "escrow_balance", "duties_balance", "payout_limit", "stock_promised",
        "exchange_position", "tax_balance", "exposure", "funder_balance", "plan_status",
        "fulfillment", "shipment", "hold_overdue", "release_overdue", "dispute_overdue",  # these wait
    }  # fmt: skip


async def sliced(tx: ReadTx, names: set[str]) -> tuple[list[str], int]:
    """What these checks find slice by slice, and in how many slices."""
    found, slices = [], 0
    for check in auditor.CHECKS:
        if check.slices is None or check.name not in names:
            continue
        after, more = None, True
        while more:
            _, findings, after = await watch.slice_of(tx, 0, check, after, size=2)
            found += [f"{f.check}: {f.row}" for f in findings]
            slices, more = slices + 1, after is not None
    return sorted(found), slices


async def test_slices_of_a_sound_world_find_nothing(conn: asyncpg.Connection) -> None:
    found, slices = await sliced(ReadTx(conn, NOW), SLICED)
    assert found == []
    assert slices > 100


@pytest.mark.parametrize("planted", PLANTED)
async def test_slices_find_what_the_whole_finds(conn: asyncpg.Connection, planted: str) -> None:
    """Those of the checks that it is planted for: what others find of it is looked at for the whole."""
    statement, rows = PLANTED[planted]
    await conn.execute(statement)
    found, _ = await sliced(ReadTx(conn, NOW), {row.partition(":")[0] for row in rows})
    assert found == await expected(conn, planted, SLICED)


EVERYTHING = {
    "orders": "select id from orders.order union select order_id from orders.order_line "
    "union select order_id from payments.refund union select id from logistics.fulfillment_order "
    "union select fulfillment_order_id from logistics.shipment union select order_id from orders.discount_line "
    "union select cause_id from ledger.transfer union select cause_id from inventory.movement",
    "groups": "select id from orders.order_group union select id from payments.payment "
    "union select cause_id from pricing.quota_use",
    "causes": "select cause_id from ledger.transfer union select cause_id from ledger.hold "
    "union select cause_id from inventory.movement "
    "union select id from payments.payout union select id from payments.refund",
    "goods": "select cause_id from inventory.movement union select cause_id from ledger.transfer "
    "union select id from inventory.adjustment",
    "accounts": "select id from ledger.account union select account_id from ledger.balance "
    "union select debit from ledger.transfer union select credit from ledger.transfer",
    "stocks": "select id from inventory.stock union select stock_id from inventory.movement",
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_what_is_touched_is_judged_as_by_the_whole(conn: asyncpg.Connection, planted: str) -> None:
    await conn.execute(PLANTED[planted][0])
    given: dict[str, Any] = {name: [row[0] for row in await conn.fetch(query)] for name, query in EVERYTHING.items()}
    given |= {"cell": 0, "moved_after": 0, "sample": 1_000}
    tx, found = ReadTx(conn, NOW), []
    there = set(await tx.all(touched.THERE, **arguments(touched.THERE, given)))
    asked = [rules.query for rules in touched.RULES_BY_INDEXES if not rules.of or rules.of & there]
    for query in [*asked, touched.BALANCES, touched.STOCKS]:
        found += [f"{f.check}: {f.row}" for f in await tx.all(query, **arguments(query, given))]
    assert sorted(found) == await expected(conn, planted, AT_ONCE)


async def test_what_is_not_asked_of_what_is_touched_has_nothing_to_compare(conn: asyncpg.Connection) -> None:
    """Of each order, group and cause alone: a rule whose rows and transfers are not there would find none."""
    checks = [c for c in [*touched.OF_ORDERS, *touched.BY_INDEXES, *touched.OF_CAUSES] if c.of or c.codes]
    counts = [(c, sql(f"select count(*) from ({filled(c.compare, TOUCHED)}) c", int)) for c in checks]
    del QUERIES[-len(counts) :]
    tx, passed = ReadTx(conn, NOW), 0
    nothing: dict[str, Any] = {name: [] for name in EVERYTHING} | {"cell": 0, "moved_after": 0}
    for key, query in list(EVERYTHING.items())[:3]:
        for (one,) in await conn.fetch(query):
            given = nothing | {key: [one]}
            there = set(await tx.all(touched.THERE, **arguments(touched.THERE, given)))
            for check, count in counts:
                if not there.intersection(check.of + check.codes):
                    assert await tx.one(count, **arguments(count, given)) == 0, (check.name, key, one)
                    passed += 1
    assert passed > 1_000


# A watch over the small world: what is planted is committed behind its back.

CORRUPTIONS = {
    "a balance": (
        "update ledger.balance set debits = debits + 5, credits = credits + 5 where account_id = acc('wallet')",
        "balance: ledger.balance account {wallet}",
    ),
    "what is held": (
        "update ledger.balance set held = held + 5 where account_id = acc('wallet')",
        "balance: ledger.balance account {wallet}",
    ),
    "a row of stock": ("update inventory.stock set on_hand = on_hand + 1 where id = 2", "stock: inventory.stock 2"),
    "an order without its payment": (
        "delete from payments.payment where id = uid('basket')",
        "group_payment: orders.order_group [basket]",
    ),
}


class Watched:
    def __init__(self, url: str) -> None:
        self.found: list[str] = []
        self.watch = watch.Watch(url, VirtualClock(NOW), self._hear)

    def _hear(self, _: int, finding: auditor.Finding) -> None:
        self.found.append(f"{finding.check}: {finding.row}")


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[tuple[asyncpg.Connection, Watched]]:
    conn, watched = await asyncpg.connect(own_db_url), Watched(own_db_url)
    await build(conn)
    await watched.watch.open()
    yield conn, watched
    await watched.watch.close()
    await conn.close()


@pytest.mark.parametrize("planted", CORRUPTIONS)
async def test_a_corruption_is_found_within_a_minute_of_rounds(
    shop: tuple[asyncpg.Connection, Watched], planted: str
) -> None:
    conn, watched = shop
    statement, row = CORRUPTIONS[planted]
    await watched.watch.round(watch.INTERVAL_S * watch.SHARE)
    assert watched.found == []
    await conn.execute(statement)
    wanted, rounds = await named(conn, row), 0
    while wanted not in watched.found:
        rounds += 1
        assert rounds <= ROUNDS
        await watched.watch.round(watch.INTERVAL_S * watch.SHARE)
    for _ in range(2):  # to the end of this pass, and all of the next
        await watched.watch.round(A_PASS_S)
    assert len(watched.found) == len(set(watched.found)) == watched.watch.total, "each is told once"


@pytest.mark.parametrize("planted", ["a balance", "what is held", "a row of stock"])
async def test_a_look_alone_sees_rows_that_nobody_told_of(
    shop: tuple[asyncpg.Connection, Watched], planted: str
) -> None:
    conn, watched = shop
    statement, row = CORRUPTIONS[planted]
    await watched.watch.round(0)
    await conn.execute(statement)
    await watched.watch.round(0)
    assert watched.found == [await named(conn, row)]


async def test_what_is_new_is_judged_at_once_and_added_to_what_is_remembered(
    shop: tuple[asyncpg.Connection, Watched],
) -> None:
    """A top-up ties; one that comes while a transaction is open is seen when it commits, and not before; goods that
    came in without a row of stock that knows of them do not tie."""
    conn, watched = shop
    at = "2020-03-01 12:00Z"
    top_up = (
        "insert into ledger.transfer (cell, cause_id, code, debit, credit, amount, at) "
        f"values (0, gen_random_uuid(), 'top_up', acc('cash'), acc('wallet'), 7, '{at}');"
        "update ledger.balance set debits = debits + 7 where account_id = acc('cash') and stripe = 1;"
        "update ledger.balance set credits = credits + 7 where account_id = acc('wallet')"
    )
    await conn.execute(top_up)
    await watched.watch.round(0)
    other = await asyncpg.connect(dsn=str(watched.watch._url))
    async with other.transaction():
        await other.execute(top_up.replace("gen_random_uuid()", "uid('late')"))
        await conn.execute("select move('receive', 1, 3, uid('more'))")
        await watched.watch.round(0)
    await watched.watch.round(0)
    assert watched.found == []
    await conn.execute(
        "insert into inventory.movement (cell, stock_id, kind, on_hand_delta, cause_id, at) "
        f"values (0, 1, 'receive', 2, uid('lost'), '{at}')"
    )
    await watched.watch.round(0)
    await watched.watch.round(0)
    assert watched.found == ["stock: inventory.stock 1"]
    await other.close()


async def test_a_cell_that_is_added_is_watched_from_the_next_round_on(shop: tuple[asyncpg.Connection, Watched]) -> None:
    conn, watched = shop
    await conn.execute("insert into kit.cell (cell) values (7)")
    await watched.watch.round(0)
    account = await conn.fetchval(
        "insert into ledger.account (cell, code, currency, limited, striped, created_at) "
        "values (7, 'cash', 'USD', false, true, '2020-03-01Z') returning id"
    )
    await conn.execute(
        "insert into ledger.balance (cell, account_id, stripe, limited, debits) values (7, $1, 1, false, 5)", account
    )
    await watched.watch.round(0)
    assert watched.found == [f"balance: ledger.balance account {account}"]


async def test_a_look_finds_new_rows_in_a_simulation_as_beside_a_shop(conn: asyncpg.Connection) -> None:
    """By the index of transfers by their time, or by the house's accounts and the orders; nobody told of them."""
    tx = ReadTx(conn, datetime(2020, 2, 20, 12, tzinfo=UTC))  # as is what the builders post and move
    books = await touched.open_books(tx)
    await conn.execute(
        "select post(uid('shipped'), 'refund', 'escrow', 'wallet', 9), post(uid('up'), 'top_up', 'cash', 'wallet', 7),"
        " repost(uid('shipped'), 'pay', 'wallet', 'escrow', 5), move('receive', 1, 3, uid('goods')),"
        " post(uid('abroad'), 'refund', 'between_cells', 'wallet', 4)"
    )
    accounts = dict(await conn.fetch("select id, code from ledger.account where cell = 0"))
    for has_indexes in (False, True):
        (new,) = await touched.changes(tx, [replace(books, has_indexes=has_indexes)])
        sums = {accounts[id_]: both for id_, *both in zip(new.accounts, new.debits, new.credits, strict=True)}
        assert sorted(new.groups) == sorted([uid("basket"), uid("trip")])
        assert sorted(new.orders) == sorted([uid("paid"), uid("shipped"), uid("abroad")])
        assert sorted(new.causes) == sorted([uid("shipped"), uid("abroad"), uid("up"), uid("goods")])
        assert sums == {"escrow": [9, 5], "wallet": [5, 20], "cash": [7, 0], "between_cells": [4, 0]}
        assert (new.goods, new.stocks, new.on_hand) == ([uid("goods")], [1], [3])


async def test_what_happened_to_an_order_is_judged_by_its_event(shop: tuple[asyncpg.Connection, Watched]) -> None:
    conn, watched = shop
    await conn.execute(
        "update orders.order set status = 'delivered' where id = uid('shipped');"
        "insert into kit.event (cell, kind, key, at, data) "
        "values (0, 'order_delivered', uid('shipped'), '2020-03-01 12:00Z', '{}')"
    )
    await watched.watch.round(0)
    assert watched.found == [await named(conn, "order_times: orders.order [shipped]")]


async def test_goods_set_aside_come_from_somewhere(shop: tuple[asyncpg.Connection, Watched]) -> None:
    """What ties is set aside without a word; what comes to its row and leaves none is found by the next look."""
    conn, watched = shop
    await conn.execute("select move('set_aside', 3, -1, uid('rush'), -20), move('set_aside', 5, 1, uid('rush'), 20)")
    await watched.watch.round(0)
    assert watched.found == []
    await conn.execute("select move('set_aside', 5, 1, uid('rush'), 20)")
    await watched.watch.round(0)
    assert watched.found == [await named(conn, "set_aside: inventory.movement [rush]")]


async def test_the_command_says_what_it_found_and_exits_with_one(own_db_url: str, tmp_path: Any) -> None:
    conn = await asyncpg.connect(own_db_url)
    await build(conn)
    await conn.execute(CORRUPTIONS["a row of stock"][0])
    await conn.close()
    environment = {"ENTREPOT_DATABASE_URL": own_db_url, "ENTREPOT_HOME": str(tmp_path)}
    command = "import sys; from entrepot.cli import main; sys.exit(main(['audit', '--watch']))"
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", command], env=environment | {"PYTHONPATH": ":".join(sys.path)}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while "stock: inventory.stock 2: expected" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 1
    process.stdout.close()
