"""A cell can be moved to another machine: its keys start with `cell`, nothing refers out of it, and what a sale asks,
it asks of one cell."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import entrepot
from entrepot.kit.cells import DIRECTORIES
from entrepot.kit.sql import Query
from tests.shape.test_queries import ALL

MIGRATIONS = Path(entrepot.__file__).parent / "migrations"

# Statements that name no cell, or several, and why none of them is part of a sale.
UNKNOWN = "what it names came from outside and says no cell"
ALL_CELLS = "it shows what is in all cells"
EXCEPTIONS = {
    "accounts.store.LOGIN": UNKNOWN,
    "accounts.store.END_SESSIONS": UNKNOWN,
    "accounts.store.ENDED": ALL_CELLS,
    "accounts.store.NAMES": ALL_CELLS,
    "accounts.store.GUESTS_AMONG": ALL_CELLS,
    "accounts.store.GUEST_EMAILS": ALL_CELLS,
    "accounts.store.LINK": UNKNOWN,
    "accounts.store.SAME_EMAIL": ALL_CELLS,
    "orders.guests.BUYER_OF_GROUP": UNKNOWN,
    "orders.guests.IS_OF_GROUP": UNKNOWN,
    "kit.audit._LINES": ALL_CELLS,
    "accounts.store.CELL_OF": UNKNOWN,
    "catalog.store.CELL_OF": UNKNOWN,
    "campaigns.store.CELL_OF": UNKNOWN,
    "campaigns.store.CAMPAIGN": UNKNOWN,
    "credit.store.BOOK": ALL_CELLS,
    "credit.store.OWED": ALL_CELLS,
    "customs.store_brokers.CELL_OF_LINE": UNKNOWN,
    "customs.store_brokers.FIND": UNKNOWN,
    "customs.store_declarations.CELL_OF": UNKNOWN,
    "customs.store_declarations.LISTED": ALL_CELLS,
    "customs.store_declarations.WAITING": ALL_CELLS,
    "disputes.store.CELL_OF": UNKNOWN,
    "chargebacks.store.SHARES": ALL_CELLS,
    "payments.store_chargebacks.ALL": ALL_CELLS,
    "payments.store_chargebacks.CELL_OF": UNKNOWN,
    "payments.store_chargebacks.PAYMENT_OF": UNKNOWN,
    "invoices.store.ALL": ALL_CELLS,
    "invoices.store.CELL_OF": UNKNOWN,
    "disputes.store.OF_ORDERS": ALL_CELLS,
    "payments.store.CELL_OF": UNKNOWN,
    "payments.store_payouts.FILE": UNKNOWN,
    "payments.store_payouts.PAYOUT_CELL": UNKNOWN,
    "payments.store.REFUND_CELL": UNKNOWN,
    "campaigns.store.CAMPAIGNS": ALL_CELLS,
    "disputes.store.TO_DECIDE": ALL_CELLS,
    "campaigns.store.SALES": ALL_CELLS,
    "ledger.store.BELOW_ZERO": ALL_CELLS,
    "ledger.store.DAYS": ALL_CELLS,
    "ledger.store.IS_CLOSED": ALL_CELLS,
    "ledger.store.IS_CLOSING": ALL_CELLS,
    "ledger.store.TRIAL_BALANCE": ALL_CELLS,
    "orders.store_borders.CROSSED_ORDERS": ALL_CELLS,
    "pricing.store.QUOTA_SUMS": ALL_CELLS,
    "pricing.store_slots.USED": ALL_CELLS,
    "orders.store_holds.CELL_OF": UNKNOWN,
    "webhooks.store.CELL_OF": UNKNOWN,
    "webhooks.store.DELIVERIES": ALL_CELLS,
    "orders.store_holds.HOLDS": ALL_CELLS,
    "orders.store.BOUGHT_LATELY": ALL_CELLS,
    "orders.store.DAYS": ALL_CELLS,
    "orders.store.LAST_ORDER_AT": ALL_CELLS,
    "payments.store_payouts.FACTS": ALL_CELLS,
    "payments.store_payouts.FILES": ALL_CELLS,
    "payments.store_payouts.SENT": ALL_CELLS,
    "payments.store.STUCK": ALL_CELLS,
    "notify.store.CELL_OF": UNKNOWN,
    "notify.store.PREFERENCES": UNKNOWN,
    "notify.store.FAILED": ALL_CELLS,
    "notify.store.MESSAGES": ALL_CELLS,
    "notify.store.OF_USER": ALL_CELLS,
    "reviews.store.BY_ID": ALL_CELLS,
    "reviews.store.LOCK": UNKNOWN,
    "reviews.store.OF_PRODUCT": ALL_CELLS,
    "reviews.store.RATINGS": ALL_CELLS,
    "reviews.store.REPORTED": ALL_CELLS,
    "search.store.CANDIDATES": ALL_CELLS,
    "search.store.CARDS": ALL_CELLS,
    "search.store.INSIDE": ALL_CELLS,
    "search.store.LISTING": ALL_CELLS,
    "search.store.PRODUCT": ALL_CELLS,
}
AUDITOR = "entrepot.world."  # it looks at everything, from outside

_KEYS = """
    select t.oid::regclass::text as of, i.indexrelid::regclass::text as name,
           (select a.attname from pg_attribute a where a.attrelid = t.oid and a.attnum = i.indkey[0]) as first
      from pg_class t join pg_index i on i.indrelid = t.oid
     where i.indisunique and t.oid::regclass::text = any ($1)
"""
_REFERENCES = """
    select c.conrelid::regclass::text as of, c.confrelid::regclass::text as to, h.attname as here, t.attname as there
      from pg_constraint c
      join pg_attribute h on h.attrelid = c.conrelid and h.attnum = c.conkey[1]
      join pg_attribute t on t.attrelid = c.confrelid and t.attnum = c.confkey[1]
     where c.contype = 'f'
"""
_WITH_CELL = """
    select t.relkind, n.nspname || '.' || t.relname as name, t.oid::regclass::text as quoted
      from pg_class t
      join pg_namespace n on n.oid = t.relnamespace
      join pg_attribute a on a.attrelid = t.oid and a.attname = 'cell'
     where t.relkind in ('r', 'v') and n.nspname not in ('pg_catalog', 'information_schema')
"""
_FUNCTIONS = """
    select p.oid::regproc::text as name, coalesce(p.proargnames[1], '') as first, p.prosrc as body,
           coalesce(p.proconfig[1], '') as setting
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
     where l.lanname in ('sql', 'plpgsql') and n.nspname not in ('pg_catalog', 'information_schema', 'public')
"""


class Schema:
    """The cell tables and views of the migrated database, its keys and its functions."""

    def __init__(self, rows: dict[str, list[asyncpg.Record]]) -> None:
        of_cells = [row for row in rows["with_cell"] if row["name"] not in DIRECTORIES]
        self.tables = {row["quoted"] for row in of_cells if row["relkind"] == b"r"}
        self.names = {row["name"] for row in of_cells}
        self.references, self.functions = rows["references"], rows["functions"]
        self.keys = [row for row in rows["keys"] if row["of"] in self.tables]


@pytest.fixture
async def schema(db_url: str) -> Schema:
    conn = await asyncpg.connect(db_url)
    try:
        rows = {"with_cell": await conn.fetch(_WITH_CELL), "references": await conn.fetch(_REFERENCES)}
        quoted = [row["quoted"] for row in rows["with_cell"]]
        return Schema(rows | {"keys": await conn.fetch(_KEYS, quoted), "functions": await conn.fetch(_FUNCTIONS)})
    finally:
        await conn.close()


async def test_every_key_starts_with_the_cell(schema: Schema) -> None:
    assert len(schema.tables) > 25
    assert {row["of"] for row in schema.keys} == schema.tables  # each has one
    assert [row["name"] for row in schema.keys if row["first"] != "cell"] == []


async def test_no_reference_leaves_a_cell(schema: Schema) -> None:
    leaving = [
        (row["of"], row["to"]) for row in schema.references
        if row["to"] in schema.tables and not (row["of"] in schema.tables and row["here"] == row["there"] == "cell")
    ]  # fmt: skip
    assert leaving == []


async def test_every_function_of_a_cell_names_it(schema: Schema) -> None:
    """And no other: what it calls is called with its own cell. Its settings keep PostgreSQL from unfolding it into the
    statement that calls it, where Citus would not see the tables."""
    found = []
    for row in schema.functions:
        touches = any(re.search(rf"\b{re.escape(name)}\b", row["body"]) for name in schema.names)
        if touches and (row["first"] != "p_cell" or row["setting"] != "search_path=pg_catalog"):
            found.append(f"{row['name']}: {row['first']} {row['setting']}")
        found += [f"{row['name']}: {what}" for what in elsewhere(row["body"], schema.names, verbs(schema), "p_cell")]
    assert found == []


async def test_every_statement_names_one_cell(schema: Schema) -> None:
    found = {name: list(elsewhere(text, schema.names, verbs(schema), ":cell")) for name, text in statements()}
    assert {name: what for name, what in found.items() if what and name not in EXCEPTIONS} == {}
    assert [name for name in EXCEPTIONS if not found.get(name)] == []  # no exception is idle


def verbs(schema: Schema) -> set[str]:
    return {row["name"] for row in schema.functions if row["first"] == "p_cell"}


def statements() -> Iterator[tuple[str, str]]:
    """(room.module.NAME, the statement as it was written) of every query but the auditor's."""
    names = {
        id(value): f"{module.removeprefix('entrepot.')}.{name}"
        for module, loaded in list(sys.modules.items()) if module.startswith("entrepot.")
        for name, value in vars(loaded).items() if isinstance(value, Query)
    }  # fmt: skip
    theirs = {id(query) for query in ALL if names.get(id(query), "world.").startswith("world.")}
    for query in ALL:
        if id(query) not in theirs:
            yield names[id(query)], re.sub(r"\$(\d+)", lambda n, query=query: named(query, n), query.text)  # type: ignore[misc]


def named(query: Query[Any], number: re.Match[str]) -> str:
    return f":{query.params[int(number[1]) - 1]}"


_USE = re.compile(
    r"\b(from|join|update|using|into|,)\s+(\w+\.\w+)(?:\s+as)?"
    r"(?:\s+(?!(?:from|where|set|join|left|right|full|inner|cross|order|group|on|for|limit|values|select|union|using)\b)(\w+))?"
)

_INTO = r"(?:\s+as \w+)?\s*\(\s*cell\b[^)]*\)\s*(?:values\s*\(|select\b(?:\s+distinct(?: on \([^)]*\))?)?)"


def elsewhere(text: str, tables: set[str], functions: set[str], cell: str) -> Iterator[str]:
    """What a statement touches without saying that it is in the one cell: tables (and views) by alias, functions."""
    text = re.sub(r"--.*", "", text)
    said = set(re.findall(rf"(?:(\w+)\.)?\bcell = {cell}\b", text))
    links = re.findall(r"\b(\w+)\.cell = (\w+)\.cell\b", text)
    for _ in links:
        said |= {alias for link in links if said & set(link) for alias in link}
    for use in _USE.finditer(text):
        how, table, alias = use.groups()
        if table not in tables:
            continue
        if how == "into":
            if not re.match(_INTO + rf"\s*{cell}\b", text[use.end(2) :]):
                yield f"into {table}"
        elif (alias or "") not in said:
            yield f"{table} {alias or ''}".strip()
    for call in re.finditer(r"\b(\w+\.\w+)\(\s*(\S+?)[,)]", text):
        if call[1] in functions and call[2] not in {cell, *(f"{alias}.cell" for alias in said)}:
            yield call[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select 1 from a.t where cell = :cell", []),
        ("select 1 from a.t x join a.u y on y.cell = x.cell where x.cell = :cell", []),
        ("select 1 from a.t x join a.u y on y.id = x.id where x.cell = :cell", ["a.u y"]),
        ("select 1 from a.t where id = :id", ["a.t"]),
        ("select 1 from a.t where cell = any (:cells)", ["a.t"]),
        ("select 1 from b.shared s where s.id = :id", []),
        ("insert into a.t (cell, id) values (:cell, :id)", []),
        ("insert into a.t (cell, id) select :cell, u.id from unnest(:ids) as u (id)", []),
        ("insert into a.t (id, cell) values (:id, :cell)", ["into a.t"]),
        ("update a.t set x = 1 where id = :id -- cell = :cell", ["a.t"]),
        ("delete from a.t x using a.u y where x.cell = :cell and y.id = x.id", ["a.u y"]),
        ("select a.f(:cell, :now)", []),
        ("select a.f(0, :now)", ["a.f(0,"]),
        ("select a.f(x.cell, x.id) from a.t x where x.cell = :cell", []),
        ("select a.f(x.cell, x.id) from a.t x", ["a.t x", "a.f(x.cell,"]),
    ],
)
def test_the_rule_catches_what_it_forbids(text: str, found: list[str]) -> None:
    assert list(elsewhere(text, {"a.t", "a.u"}, {"a.f"}, ":cell")) == found
