"""A statement goes from opening to closing by every movement, whatever happened, and nothing in it has no name."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from entrepot import ledger, payments, statements
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.ids import NIL
from entrepot.kit.spreadsheet import safe
from entrepot.ledger import Flow, Transfer
from entrepot.payments import GROUPS, KINDS
from entrepot.statements import Desk
from entrepot.statements.reads import lines_from
from entrepot.statements.rules import by_day, by_group
from entrepot.statements.tables import csv_of_statement
from entrepot.world.auditor import money

pytestmark = pytest.mark.anyio

WAYS = Path(money.__file__).read_text()
"""The auditor's list of all codes, with the accounts between which each goes: another way is a finding of its."""
HELD = {"reserve", "part_reserve"}
"""Codes of holds: they are listed as reserves, and move nothing."""
SELLER, CURRENCY = UUID(int=7), "USD"
ZONE = "America/New_York"


def test_every_code_that_reaches_a_seller_has_a_group_and_a_name() -> None:
    ways = re.findall(r"\('(\w+)', '(\w+) -> (\w+)'\)", WAYS)
    assert len(ways) > 80
    assert {code for code, *way in ways if "seller" in way} == set(KINDS) - HELD, "describe it in payments/kinds.py"
    for code, kind in KINDS.items():
        assert kind.group in GROUPS, code
        assert {"en", "de"} <= set(kind.words), code
        assert all(kind.words.values()), code
    assert all({"en", "de"} == set(words) for words in GROUPS.values())
    assert set(payments.FEES) < set(GROUPS)


def test_an_unknown_code_is_shown_as_other() -> None:
    flows = [Flow(date(2026, 3, 1), "mystery", 2, -70, 0), Flow(date(2026, 3, 1), "release", 1, 100, 0)]
    groups = by_group(flows)
    assert [(one.group, one.entries, one.amount_minor) for one in groups] == [("sales", 1, 100), ("other", 2, -70)]
    assert groups[1].kinds[0].code == "mystery"
    assert payments.cause_of("mystery", UUID(int=255)) == f"{255:032x}"
    (day,) = by_day(flows, 5, date(2026, 3, 1), date(2026, 3, 31))
    assert (day.by_group, day.closing_minor) == ({"other": -70, "sales": 100}, 35)


def test_a_text_is_no_formula() -> None:
    for bad in ("=1+1", "+1", "-1", "@x", "\t=1", "\r=1"):
        assert safe(bad) == f"'{bad}"
    assert safe("Anna =1") == "Anna =1"


async def _history(db: Database, seed: int) -> None:
    """Transfers to and from a seller's account at random times of four months, many at one moment."""
    chance = random.Random(seed)
    clock = db.clock
    assert isinstance(clock, VirtualClock)
    async with db.write() as tx:
        opened = {"cell": 0, "currencies": [CURRENCY] * 2, "limited": False, "striped": False}
        house, seller = await ledger.open_accounts(tx, codes=["escrow", "seller"], owners=[NIL, SELLER], **opened)  # type: ignore[arg-type]
    at = datetime(2026, 2, 10, tzinfo=UTC)
    codes = [*KINDS, "mystery", "fee_of_tomorrow"]
    for _ in range(60):
        clock.move_to(at)
        transfers = []
        for _ in range(chance.randint(1, 12)):
            pair = (house, seller) if chance.random() < 0.5 else (seller, house)
            cause = UUID(int=chance.getrandbits(128))
            some = chance.sample(codes, chance.randint(1, 3))
            transfers += [Transfer(cause, code, *pair, chance.randint(1, 10**6)) for code in some]
        async with db.write() as tx:
            await ledger.post_all(tx, 0, transfers)
        at += timedelta(seconds=chance.choice((1, 3_600, 86_400, 2 * 86_400)))


async def _independent(tx: ReadTx, until: datetime) -> int:
    """What the account had before a time, by its transfers alone."""
    had: int = await tx.conn.fetchval(
        "select coalesce(sum(case when a.id = t.credit then t.amount else -t.amount end), 0)::bigint "
        "from ledger.transfer t join ledger.account a on a.cell = t.cell and a.id in (t.credit, t.debit) "
        "where a.owner = $1 and a.currency = $2 and t.at < $3",
        SELLER, CURRENCY, until,
    )  # fmt: skip
    return had


@pytest.mark.parametrize("seed", [1, 2])
async def test_opening_and_movements_are_the_closing(own_db_url: str, seed: int) -> None:
    """Over a random history with codes that nobody has described, in a zone whose clock jumps in March: months follow
    one another without a gap, and each is the ledger's by whichever way it is read."""
    db = await Database.open(own_db_url, VirtualClock(datetime(2026, 1, 1, tzinfo=UTC)))
    try:
        async with db.write() as tx:
            await tx.conn.execute("insert into statements.zone values ($1, '2026-01-01', $2, 'tests')", CURRENCY, ZONE)
        await _history(db, seed)
        desk, before, seen = Desk(0, SELLER, CURRENCY), 0, Counter[str]()
        for month in ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"):
            async with db.read() as tx:
                found = await statements.statement(tx, desk, month)
                had = await _independent(tx, found.starts_at), await _independent(tx, found.ends_at)
                assert (found.opening_minor, found.closing_minor) == had
                assert found.opening_minor == before
                moved = found.closing_minor - found.opening_minor
                kinds = [kind for group in found.groups for kind in group.kinds]
                assert sum(kind.amount_minor for kind in kinds) == sum(g.amount_minor for g in found.groups) == moved
                assert sum(day.amount_minor for day in found.days) == moved
                assert [day.closing_minor for day in found.days][-1:] == [found.closing_minor] * bool(found.days)
                assert all(day.day.isoformat()[:7] == month for day in found.days)
                paged, after, balance = [], None, found.opening_minor
                while lines := await lines_from(tx, desk, found, after, balance, 7):
                    paged += lines
                    after, balance = lines[-1].place, lines[-1].balance_minor
                assert balance == found.closing_minor
                assert len(paged) == found.entries
                if len(paged) > 20:
                    assert await statements.lines(tx, desk, found, paged[9].place) == paged[10:110]
                by_code = Counter[str]()
                for line in paged:
                    by_code[line.code] += line.amount_minor
                assert by_code == {kind.code: kind.amount_minor for kind in kinds}
                seen += Counter(line.code for line in paged)
            rows = b"".join([part async for part in csv_of_statement(db, desk, found, "en")]).decode("utf-8-sig")
            assert len(rows.splitlines()) == found.entries + 3
            assert rows.splitlines()[-1].split(",")[6] == f"{found.closing_minor / 100:.2f}"
            before = found.closing_minor
        assert seen.total() > 200
        assert {"mystery", "fee_of_tomorrow"} <= set(seen)
        async with db.read() as tx:
            assert before == await ledger.balance(tx, 0, "seller", CURRENCY, SELLER)
    finally:
        await db.close()
