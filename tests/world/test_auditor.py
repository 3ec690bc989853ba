"""The auditor finds nothing in a small world that is right, and exactly what is planted in it otherwise."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, ReadTx
from entrepot.settings import load
from entrepot.world import auditor
from entrepot.world.auditor.run import GRACE, compare
from tests.world.planted import PLANTED
from tests.world.small_world import GROUPS, NOW, uid

pytestmark = pytest.mark.anyio


async def test_a_right_world_is_clean_and_every_check_looked_at_something(conn: asyncpg.Connection) -> None:
    report = await auditor.examine(ReadTx(conn, NOW))
    assert report.findings == []
    assert report.total == 0
    assert all(report.checked.values()), report.checked
    assert {name: report.checked[name] for name in ("balance", "transfer_way", "stock", "movement", "line_gross")} == {
        "balance": 33,
        "transfer_way": 68,
        "stock": 6,
        "movement": 48,
        "line_gross": 18,
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


async def test_a_check_has_nothing_to_compare_without_the_rows_that_it_is_of(conn: asyncpg.Connection) -> None:
    """So it need not be asked; and none is taken for one that is."""
    tx, given = ReadTx(conn, NOW), {"cell": 0, "overdue": NOW - GRACE, "sample": 1}
    asked = [check for check in auditor.CHECKS if check.of or check.codes]
    assert len(asked) == 65
    for check in asked:
        undone = conn.transaction()
        await undone.start()
        await conn.execute("set local session_replication_role = replica")  # no foreign key minds
        for table in check.of:
            await conn.execute(f"delete from {table}")
        await conn.execute("delete from ledger.transfer where code = any ($1)", check.codes)
        assert (await compare(tx, check.name, check.whole, given))[0].checked == 0, check.name
        await undone.rollback()


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
        "insert into payments.refund"
        " (cell, id, payment_id, order_id, cause_id, amount_minor, status, reason, created_at)"
        " select 0, uid('r3'), p.id, p.id, p.id, 1025, 'created', 'late_capture', '2020-02-28Z'"
        " from payments.payment p where p.id = uid('expired')"
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
    findings = [finding for finding in report.findings if finding.check == "line_discount"]
    first, second = sorted(str(uid(name)) for _, orders in GROUPS.values() for name in orders)[:2]
    assert findings == [
        auditor.Finding("line_discount", f"orders.order_line {first} 2", "5", "3", "discount_minor"),
        auditor.Finding("line_discount", f"orders.order_line {second} 2", "5", "3", "discount_minor"),
    ]
    assert report.wrong["line_discount"] == report.total - report.wrong["part_shares"] == 9


async def test_another_cell_is_another_audit(conn: asyncpg.Connection) -> None:
    await conn.execute("update ledger.balance set credits = credits + 5 where account_id = acc('wallet')")
    report = await auditor.examine(ReadTx(conn, NOW), cell=1)
    assert (report.cell, report.total, report.checked["escrow_in"]) == (1, 0, 1)


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
    assert answer["total"] == 7
    found = {finding["check"] for finding in answer["cells"][0]["findings"]}
    assert found == {"hold_overdue", "release_overdue", "dispute_overdue", "shop_months", "usage_months", "plan_status"}

    assert await asyncio.to_thread(auditor.main, settings) == 1
    shown = capsys.readouterr().out
    assert f"  orders.order_group {uid('awaiting')}: expected expired, found awaiting_payment (pay by" in shown
    assert ", 7 differ, in " in shown
