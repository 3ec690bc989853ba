"""The auditor finds nothing in a small world that is right, and exactly what is planted in it otherwise."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.migrate import MigrationError
from entrepot.settings import load
from entrepot.world import auditor
from tests.world.small_world import GROUPS, NOW, build, uid

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def world(db_url: str) -> str:
    conn = await asyncpg.connect(db_url)
    try:
        await build(conn)
    finally:
        await conn.close()
    return db_url


@pytest.fixture
async def conn(world: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction on the world, undone after the test with all that was planted."""
    connection = await asyncpg.connect(world)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def test_a_right_world_is_clean_and_every_check_looked_at_something(conn: asyncpg.Connection) -> None:
    report = await auditor.examine(ReadTx(conn, NOW))
    assert report.findings == []
    assert report.total == 0
    assert all(report.checked.values()), report.checked
    assert {name: report.checked[name] for name in ("balance", "transfer_way", "stock", "movement", "line_gross")} == {
        "balance": 13,
        "transfer_way": 27,
        "stock": 4,
        "movement": 44,
        "line_gross": 18,
    }


# What is planted (in SQL), and the findings that must follow, no more and no fewer: "check: row".
PLANTED = {
    "balance with more of both": (
        "update ledger.balance set debits = debits + 5, credits = credits + 5 where account_id = acc('wallet')",
        ["balance: ledger.balance account {wallet}"],
    ),
    "balance with more credit": (
        "update ledger.balance set credits = credits + 5 where account_id = acc('wallet')",
        ["balance: ledger.balance account {wallet}", "trial_balance: currency USD"],
    ),
    "stripe lost": (
        "delete from ledger.balance where account_id = acc('commission')",
        ["balance: ledger.balance account {commission}", "trial_balance: currency USD"],
    ),
    "second row of an account without stripes": (
        "insert into ledger.balance values (0, acc('wallet'), 7, false)",
        ["balance_rows: ledger.balance account {wallet}"],
    ),
    "row 0 of a striped account": (
        "insert into ledger.balance values (0, acc('escrow'), 0, false)",
        ["balance_rows: ledger.balance account {escrow}"],
    ),
    "limit forgotten": (
        "update ledger.balance set limited = false where account_id = acc('wallet')",
        ["balance_rows: ledger.balance account {wallet}"],
    ),
    "orphan balance": (
        (
            "alter table ledger.balance drop constraint if exists balance_cell_account_id_fkey;"
            "insert into ledger.balance values (0, 999, 0, false)"
        ),
        ["balance_rows: ledger.balance account 999"],
    ),
    "wallet below zero": (
        """alter table ledger.balance drop constraint if exists balance_within_limit;
           select unpost(uid('top-up'), 'top_up')""",
        ["limit: ledger.balance account {wallet}"],
    ),
    "account of another currency": (
        "update ledger.account set currency = 'EUR' where code = 'cash'",
        [
            "trial_balance: currency EUR",
            "trial_balance: currency USD",
            "transfer_currency: ledger.transfer [top-up] top_up",
        ],
    ),
    "transfer from an account that is not there": (
        (
            "alter table ledger.transfer drop constraint if exists transfer_cell_debit_fkey;"
            "update ledger.transfer set debit = 999 where code = 'top_up'"
        ),
        [
            "balance: ledger.balance account 999",
            "balance: ledger.balance account {cash}",
            "transfer_currency: ledger.transfer [top-up] top_up",
        ],
    ),
    "transfer to the wrong account": (
        "select repost(uid('receipt'), 'purchase', 'own_stock', 'cash', 4000)",
        ["transfer_way: ledger.transfer [receipt] purchase"],
    ),
    "transfer of a code nobody knows": (
        "select post(uid('gift'), 'gift', 'cash', 'wallet', 1)",
        ["transfer_way: ledger.transfer [gift] gift"],
    ),
    "money of another seller": (
        "update ledger.account set owner = uid('other') where code = 'seller'",
        [
            "payout: payments.payout [payout]",
            "transfer_party: ledger.transfer [completed] commission",
            "transfer_party: ledger.transfer [completed] payment_fee",
            "transfer_party: ledger.transfer [completed] release",
        ],
    ),
    "gateway payment refunded to the wallet": (
        "select repost(uid('refunded'), 'refund', 'escrow', 'wallet', 1025)",
        ["transfer_party: ledger.transfer [refunded] refund"],
    ),
    "transfer of no order": (
        "select post(uid('ghost'), 'fund', 'promotions', 'escrow', 9)",
        ["escrow_balance: ledger.account escrow USD", "transfer_party: ledger.transfer [ghost] fund"],
    ),
    "order never paid": (
        "select unpost(uid('paid'), 'pay')",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [paid]"],
    ),
    "order paid too much": (
        "select repost(uid('own'), 'pay', 'wallet', 'escrow', 1026)",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [own]"],
    ),
    "operator discount not funded": (
        "select unpost(uid('delivered'), 'fund')",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [delivered]"],
    ),
    "payment of an order that awaits it": (
        "select post(uid('awaiting'), 'pay', 'gateway', 'escrow', 5)",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [awaiting]"],
    ),
    "payment of an expired order": (
        "select post(uid('expired'), 'fund', 'promotions', 'escrow', 70)",
        ["escrow_balance: ledger.account escrow USD", "escrow_in: orders.order [expired]"],
    ),
    "own order not released": (
        "select unpost(uid('own'), 'release')",
        ["escrow_balance: ledger.account escrow USD", "escrow_out: orders.order [own]"],
    ),
    "order released too early": (
        "select post(uid('delivered'), 'release', 'escrow', 'seller', 1095)",
        ["escrow_balance: ledger.account escrow USD", "escrow_out: orders.order [delivered]"],
    ),
    "canceled order not unfunded": (
        "select unpost(uid('canceled'), 'unfund')",
        ["escrow_balance: ledger.account escrow USD", "escrow_out: orders.order [canceled]"],
    ),
    "refunded short": (
        "select repost(uid('refunded'), 'refund', 'escrow', 'gateway', 1000)",
        [
            "escrow_balance: ledger.account escrow USD",
            "escrow_out: orders.order [refunded]",
            "refund: payments.refund of order [refunded]",
        ],
    ),
    "commission not taken": (
        "select unpost(uid('completed'), 'commission')",
        ["seller_fees: orders.order [completed]"],
    ),
    "payment fee of an order that is not released": (
        "select post(uid('delivered'), 'payment_fee', 'seller', 'payment_fee', 20)",
        ["seller_fees: orders.order [delivered]"],
    ),
    "cost of goods not booked": (
        "select unpost(uid('own'), 'cogs')",
        ["purchase_cost: ledger.transfer [own] cogs"],
    ),
    "purchase booked for less than its receipt": (
        "select repost(uid('receipt'), 'purchase', 'own_stock', 'supplier', 3999)",
        ["purchase_cost: ledger.transfer [receipt] purchase"],
    ),
    "purchase booked in another currency than the goods have": (
        "update inventory.stock set currency = 'EUR' where currency = 'USD'",
        [
            "purchase_cost: ledger.transfer [own] cogs",
            "purchase_cost: ledger.transfer [receipt] purchase",
            "purchase_cost: ledger.transfer [missing] shrinkage",
        ],
    ),
    "goods that went missing and stayed in the books": (
        "select unpost(uid('missing'), 'shrinkage')",
        ["purchase_cost: ledger.transfer [missing] shrinkage"],
    ),
    "count corrected without a reason": (
        "select move('adjust', 2, 1, uid('count'))",
        ["adjustment: inventory.adjustment [count]"],
    ),
    "payout of another amount": (
        "update payments.payout set amount_minor = 599",
        ["payout: payments.payout [payout]"],
    ),
    "payout deleted": ("delete from payments.payout", ["payout: payments.payout [payout]"]),
    "payout of more than was earned": (
        (
            "update payments.payout set amount_minor = 971;"
            "select repost(uid('payout'), 'payout', 'seller', 'payout', 971)"
        ),
        ["payout_limit: seller [seller] USD"],
    ),
    "refund deleted": (
        (
            "delete from payments.refund where order_id = uid('canceled');"
            "update payments.payment set refunded_minor = 0 where id = uid('canceled')"
        ),
        ["refund: payments.refund of order [canceled]"],
    ),
    "payment that forgot its refund": (
        "update payments.payment set refunded_minor = 0 where id = uid('refunded')",
        ["payment_refunded: payments.payment [refunded]"],
    ),
    "stock row with one more": (
        "update inventory.stock set on_hand = on_hand + 1 where id = 2",
        ["stock: inventory.stock 2"],
    ),
    "purchase cost of stock changed": (
        "update inventory.stock set cost_minor = cost_minor - 1 where id = 3",
        ["stock: inventory.stock 3"],
    ),
    "stock row deleted": (
        (
            "alter table inventory.movement drop constraint if exists movement_cell_stock_id_fkey;"
            "delete from inventory.stock where id = 1"
        ),
        ["stock: inventory.stock 1", "stock_promised: inventory.stock 1"],
    ),
    "oversold": (
        (
            "alter table inventory.stock drop constraint if exists stock_not_oversold;"
            "update inventory.movement set on_hand_delta = 10 where kind = 'receive' and stock_id = 2;"
            "update inventory.stock set on_hand = on_hand - 90 where id = 2"
        ),
        ["stock_limit: inventory.stock 2"],
    ),
    "allocated without an order line": (
        "select move('allocate', 1, 1, uid('paid'))",
        ["order_movements: orders.order [paid] stock 1", "stock_promised: inventory.stock 1"],
    ),
    "held for an order that expired": (
        "select move('hold', 2, 3, uid('expired'))",
        ["order_movements: orders.order [expired] stock 2", "stock_promised: inventory.stock 2"],
    ),
    "shipped one too many": (
        "select move('allocate', 1, 1, uid('completed')), move('ship', 1, 1, uid('completed'))",
        ["order_movements: orders.order [completed] stock 1"],
    ),
    "returned more than was shipped": (
        "select move('return', 2, 4, uid('refunded'))",
        ["order_movements: orders.order [refunded] stock 2"],
    ),
    "movement of no order": (
        (
            "select move('allocate', 4, 1, uid('ghost')), move('give_back', 4, 1, uid('ghost')),"
            "       move('return', 4, 1, uid('ghost'))"
        ),
        ["order_movements: orders.order [ghost] stock 4"],
    ),
    "movement of the wrong kind": (
        "update inventory.movement set kind = 'allocate' where cause_id = uid('awaiting') and stock_id = 1",
        ["movement: inventory.movement {held}"],
    ),
    "group with another amount": (
        (
            "update orders.order_group set paid_minor = paid_minor + 1 where id = uid('basket');"
            "update payments.payment set amount_minor = amount_minor + 1 where id = uid('basket')"
        ),
        ["group_paid: orders.order_group [basket]"],
    ),
    "group without orders": (
        (
            "insert into orders.order_group (cell, id, buyer_id, market, currency, paid_minor, status, placed_at)"
            " values (0, uid('empty'), uid('buyer'), 'us', 'USD', 0, 'expired', '2020-02-20Z')"
        ),
        ["group_paid: orders.order_group [empty]"],
    ),
    "order in another cell that its group forgot": (
        """insert into orders.order (cell, id, group_cell, group_id, buyer_id, seller_id, own, location_id, market,
                                     currency, status, items_minor, shipping_minor, seller_discount_minor,
                                     operator_discount_minor, paid_minor, commission_minor, payment_fee_minor,
                                     placed_at)
           select 1, uid('far'), 0, group_id, buyer_id, seller_id, own, location_id, market, currency, status, 7, 0, 0,
                  0, 7, 0, 0, placed_at
             from orders.order where id = uid('paid')""",
        ["group_paid: orders.order_group [basket]"],
    ),
    "order of another buyer": (
        "update orders.order set buyer_id = uid('other') where id = uid('delivered')",
        ["order_group: orders.order [delivered]"],
    ),
    "order without group": (
        "update orders.order set group_id = uid('none') where id = uid('awaiting')",
        [
            "group_paid: orders.order_group [awaiting]",
            "group_status: orders.order [awaiting]",
            "order_group: orders.order [awaiting]",
        ],
    ),
    "expired order of a group that still waits": (
        "update orders.order_group set status = 'awaiting_payment' where id = uid('expired')",
        ["group_status: orders.order [expired]"],
    ),
    "payment deleted": (
        "delete from payments.payment where id = uid('delivered')",
        ["group_payment: orders.order_group [delivered]"],
    ),
    "payment captured for less": (
        "update payments.payment set amount_minor = 1024 where id = uid('delivered')",
        ["group_payment: orders.order_group [delivered]"],
    ),
    "payment captured of an expired group": (
        "update payments.payment set status = 'captured', captured_at = created_at where id = uid('expired')",
        ["group_payment: orders.order_group [expired]"],
    ),
    "payment of another buyer": (
        "update payments.payment set buyer_id = uid('other') where id = uid('done')",
        ["payment_group: payments.payment [done]"],
    ),
    "payment captured at no time": (
        "update payments.payment set captured_at = null where id = uid('done')",
        ["payment_group: payments.payment [done]"],
    ),
    "payment without group": (
        (
            "insert into payments.payment"
            " (cell, id, group_id, buyer_id, method, currency, amount_minor, status, created_at)"
            " values (0, uid('lone'), uid('none'), uid('buyer'), 'wallet', 'USD', 5, 'failed', '2020-02-20Z')"
        ),
        ["payment_group: payments.payment [lone]"],
    ),
    "paid against the formula": (
        (
            "alter table orders.order drop constraint if exists order_check;"
            "update orders.order set shipping_minor = 51 where id = uid('awaiting');"
            "update orders.order_line set shipping_minor = 41 where order_id = uid('awaiting') and line_no = 1"
        ),
        ["paid_formula: orders.order [awaiting]"],
    ),
    "line with another commission": (
        "update orders.order_line set commission_minor = 99 where order_id = uid('paid') and line_no = 1",
        ["order_lines: orders.order [paid]"],
    ),
    "line of another gross and price": (
        """update orders.order_line set gross_minor = 1001, rounding_minor = 1
            where order_id = uid('paid') and line_no = 1""",
        ["order_lines: orders.order [paid]"],
    ),
    "discount of another party": (
        "update orders.discount_line set funding_party = 'operator' where order_id = uid('own') and line_no = 2",
        ["order_discounts: orders.order [own]"],
    ),
    "line with another discount": (
        "update orders.order_line set discount_minor = 69 where order_id = uid('own') and line_no = 1",
        ["line_discount: orders.order_line [own] 1"],
    ),
    "line with another price": (
        "update orders.order_line set unit_price_minor = 501 where order_id = uid('shipped') and line_no = 1",
        ["line_gross: orders.order_line [shipped] 1"],
    ),
    "line rounded without a reason": (
        "update orders.order_line set rounding_minor = 2 where order_id = uid('shipped') and line_no = 2",
        ["line_gross: orders.order_line [shipped] 2"],
    ),
    "shipped without a release timer": (
        "update orders.order set release_due_at = null where id = uid('shipped')",
        ["order_times: orders.order [shipped]"],
    ),
    "delivered before it was shipped": (
        "update orders.order set delivered_at = '2020-02-21Z' where id = uid('delivered')",
        ["order_times: orders.order [delivered]"],
    ),
    "canceled at no time": (
        "update orders.order set ended_at = null where id = uid('canceled')",
        ["order_times: orders.order [canceled]"],
    ),
    "paid order that logistics never heard of": (
        "delete from logistics.fulfillment_order where id = uid('paid')",
        ["fulfillment: orders.order [paid]"],
    ),
    "canceled order still to be shipped": (
        "update logistics.fulfillment_order set status = 'open' where id = uid('canceled')",
        ["fulfillment: orders.order [canceled]"],
    ),
    "fulfillment order of an order that is not paid": (
        (
            "insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)"
            " values (0, uid('awaiting'), uid('seller'), 1, 'open', '2020-02-20Z')"
        ),
        ["fulfillment: orders.order [awaiting]"],
    ),
    "fulfillment order at another place": (
        "update logistics.fulfillment_order set location_id = 2 where id = uid('completed')",
        ["fulfillment: orders.order [completed]"],
    ),
    "fulfillment order of no order": (
        (
            "insert into logistics.fulfillment_order (cell, id, seller_id, location_id, status, created_at)"
            " values (0, uid('ghost'), uid('seller'), 1, 'open', '2020-02-20Z')"
        ),
        ["fulfillment: orders.order [ghost]"],
    ),
    "shipped without a shipment": (
        "delete from logistics.shipment where fulfillment_order_id = uid('shipped')",
        ["shipment: orders.order [shipped]"],
    ),
    "delivered order of a parcel on its way": (
        (
            "update logistics.shipment set status = 'in_transit', delivered_at = null"
            " where fulfillment_order_id = uid('delivered')"
        ),
        ["shipment: orders.order [delivered]"],
    ),
    "parcel of a delivered and completed order on its way": (
        (
            "update logistics.shipment set status = 'in_transit', delivered_at = null"
            " where fulfillment_order_id = uid('completed')"
        ),
        ["shipment: orders.order [completed]"],
    ),
    "delivery that orders never heard of": (
        (
            "update logistics.shipment set status = 'delivered', delivered_at = '2020-03-01 10:00Z'"
            " where fulfillment_order_id = uid('shipped')"
        ),
        ["shipment: orders.order [shipped]"],
    ),
    "parcel of a canceled order": (
        (
            "insert into logistics.shipment"
            " (cell, id, fulfillment_order_id, carrier, tracking_number, status, shipped_at)"
            " values (0, uid('p'), uid('canceled'), 'post', 'p', 'in_transit', '2020-02-28Z')"
        ),
        ["shipment: orders.order [canceled]"],
    ),
    "hold past its deadline": (
        "update orders.order_group set pay_by = '2020-03-01 10:00Z' where id = uid('awaiting')",
        ["hold_overdue: orders.order_group [awaiting]"],
    ),
    "hold without a deadline": (
        "update orders.order_group set pay_by = null where id = uid('awaiting')",
        ["hold_overdue: orders.order_group [awaiting]"],
    ),
    "release past its time": (
        "update orders.order set release_due_at = '2020-03-01 10:00Z' where id = uid('shipped')",
        ["release_overdue: orders.order [shipped]"],
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_what_is_planted_is_found_and_nothing_else(conn: asyncpg.Connection, planted: str) -> None:
    statement, expected = PLANTED[planted]
    await conn.execute(statement)
    report = await auditor.examine(ReadTx(conn, NOW))
    assert sorted(f"{f.check}: {f.row}" for f in report.findings) == sorted(
        [await named(conn, row) for row in expected]
    )


async def named(conn: asyncpg.Connection, row: str) -> str:
    """`[name]` becomes the id of that name, `{code}` the account of that code, `{held}` the movement of that test."""
    head, _, rest = row.partition("[")
    if rest:
        name, _, tail = rest.partition("]")
        return f"{head}{uid(name)}{tail}"
    head, _, rest = row.partition("{")
    if not rest:
        return row
    held = "select id from inventory.movement where cause_id = uid('awaiting') and stock_id = 1"
    code = rest.rstrip("}")
    return head + str(await (conn.fetchval(held) if code == "held" else conn.fetchval("select acc($1)", code)))


def test_every_check_has_found_something_planted() -> None:
    found = {row.partition(":")[0] for _, rows in PLANTED.values() for row in rows}
    assert found == {check.name for check in auditor.CHECKS}


# What is a moment old may still be on its way from one room to the next; and what is rare may be right.
ALLOWED = {
    "payment deadline just over": """
        update orders.order_group set pay_by = '2020-03-01 11:30Z' where id = uid('awaiting')""",
    "release just due": "update orders.order set release_due_at = '2020-03-01 11:30Z' where id = uid('shipped')",
    "paid, and logistics has not heard of it": (
        "update payments.payment set captured_at = '2020-03-01 11:30Z' where id = uid('basket');"
        "delete from logistics.fulfillment_order where id = uid('paid')"
    ),
    "sent, and orders have not heard of it": (
        "update logistics.fulfillment_order set status = 'shipped' where id = uid('paid');"
        "insert into logistics.shipment"
        " (cell, id, fulfillment_order_id, carrier, tracking_number, status, shipped_at)"
        " values (0, uid('p'), uid('paid'), 'post', 'p', 'in_transit', '2020-03-01 11:30Z')"
    ),
    "delivered, and orders have not heard of it": (
        "update logistics.shipment set status = 'delivered', delivered_at = '2020-03-01 11:30Z'"
        " where fulfillment_order_id = uid('shipped')"
    ),
    "confirmed by the buyer before the scan came in": (
        "update orders.order set delivered_at = null where id = uid('completed')"
    ),
    "captured too late, and on its way back": (
        "update payments.payment set status = 'returning', captured_at = created_at, refunded_minor = amount_minor"
        " where id = uid('expired');"
        "insert into payments.refund (cell, id, payment_id, order_id, amount_minor, status, reason, created_at)"
        " values (0, uid('r3'), uid('expired'), uid('expired'), 1025, 'created', 'late_capture', '2020-02-28Z')"
    ),
    "canceled before it was paid": ("update orders.order set status = 'canceled' where id = uid('expired')"),
}


@pytest.mark.parametrize("planted", ALLOWED)
async def test_what_may_be_is_not_found(conn: asyncpg.Connection, planted: str) -> None:
    await conn.execute(ALLOWED[planted])
    assert (await auditor.examine(ReadTx(conn, NOW))).findings == []


async def test_a_finding_says_what_should_be_and_all_are_counted(conn: asyncpg.Connection) -> None:
    await conn.execute("update orders.order_line set discount_minor = 3 where line_no = 2")
    report = await auditor.examine(ReadTx(conn, NOW), sample=2)
    first, second = sorted(str(uid(name)) for _, orders in GROUPS.values() for name in orders)[:2]
    assert report.findings == [
        auditor.Finding("line_discount", f"orders.order_line {first} 2", "5", "3", "discount_minor"),
        auditor.Finding("line_discount", f"orders.order_line {second} 2", "5", "3", "discount_minor"),
    ]
    assert report.wrong["line_discount"] == report.total == 9


async def test_another_cell_is_another_audit(conn: asyncpg.Connection) -> None:
    await conn.execute("update ledger.balance set credits = credits + 5 where account_id = acc('wallet')")
    report = await auditor.examine(ReadTx(conn, NOW), cell=1)
    assert (report.cell, report.total, sum(report.checked.values())) == (1, 0, 0)


async def test_one_snapshot_while_the_world_goes_on(world: str) -> None:
    """Between two checks somebody else commits what a later check would find: this audit does not, the next does."""

    async def commit(statement: str) -> None:
        connection = await asyncpg.connect(world)
        await connection.execute(statement)
        await connection.close()

    def meddle(check: str) -> None:
        if check == "trial_balance":
            late = "update orders.order_group set pay_by = '2020-03-01 10:00Z' where id = uid('awaiting')"
            meddler = threading.Thread(target=lambda: asyncio.run(commit(late)))
            meddler.start()
            meddler.join()

    db = await Database.open(world, VirtualClock(NOW))
    try:
        assert (await auditor.audit(db, progress=meddle)).total == 0
        assert (await auditor.audit(db)).wrong["hold_overdue"] == 1
    finally:
        await db.close()
        await commit("update orders.order_group set pay_by = '2020-03-01 12:20Z' where id = uid('awaiting')")


async def test_the_command_exits_with_one_when_something_differs(
    world: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The command goes by the real clock, to which every deadline of this world is long past.
    settings = load({"ENTREPOT_DATABASE_URL": world, "ENTREPOT_HOME": str(tmp_path)})
    assert await asyncio.to_thread(auditor.main, settings, as_json=True) == 1
    answer: dict[str, Any] = msgspec.json.decode(capsys.readouterr().out)
    assert answer["total"] == 3
    assert {finding["check"] for finding in answer["cells"][0]["findings"]} == {"hold_overdue", "release_overdue"}

    assert await asyncio.to_thread(auditor.main, settings) == 1
    shown = capsys.readouterr().out
    assert f"  orders.order_group {uid('awaiting')}: expected expired, found awaiting_payment (pay by" in shown
    assert ", 3 differ, in " in shown


async def test_the_command_says_what_an_empty_database_lacks(pg_url: str, tmp_path: Path) -> None:
    settings = load({"ENTREPOT_DATABASE_URL": pg_url, "ENTREPOT_HOME": str(tmp_path)})
    with pytest.raises(MigrationError, match="run entrepot migrate"):
        await asyncio.to_thread(auditor.main, settings)
