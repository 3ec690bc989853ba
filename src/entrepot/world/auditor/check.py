"""What a check is: a rule in prose, and one query that lays what should be beside what is.

The query is written once and asked in three forms. A place in it like `{order:o.id}` says that here the rows could be
narrowed to some orders, by this column:

    whole     all rows of the cell                                       the place is empty
    slice     those whose key lies in a range: a part of the whole       and o.id > :after and o.id <= :upto
    touched   those that just changed, whatever the size of the books    and o.id = any (:orders)
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any, Final

import msgspec

from entrepot.kit.sql import Query, sql

_PLACE: Final = re.compile(r"\{(\w+):([\w.]+)\}")
TOUCHED: Final = {
    "order": "and {} = any (:orders)",
    "group": "and {} = any (:groups)",
    "cause": "and {} = any (:causes)",  # of transfers and movements
    "account": "and {} = any (:accounts)",
    "stock": "and {} = any (:stocks)",
    "movement": "and {} > :moved_after",
    "goods": "and {} = any (:goods)",  # causes of goods that came, went, were missing or were set aside
    "quota": """and {} in (select y.quota_id from pricing.quota_use y
                            where y.cell = :cell and y.cause_id = any (:groups))""",
}

KINDS: Final = {
    "order": "groups", "group": "groups", "quota": "groups", "cause": "causes", "goods": "goods",
    "account": "accounts", "stock": "stocks", "movement": "stocks",
}  # fmt: skip
"""Without one of these, which is told by the first key that a check has, nothing of the check was touched."""

TOGETHER: Final = 14
"""Checks in one statement, to spare round trips: to begin a statement of forty took 2.1 ms, three of fourteen 0.6."""


class Tally(msgspec.Struct, frozen=True):
    checked: int
    wrong: int


class Difference(msgspec.Struct, frozen=True):
    row: str
    expected: str
    found: str
    detail: str


class Finding(msgspec.Struct, frozen=True):
    """One difference: `row` names the table and the key; `expected` and `found` are as PostgreSQL writes them."""

    check: str
    row: str
    expected: str
    found: str
    detail: str


class Form(msgspec.Struct, frozen=True, eq=False):
    """`tally` passes over its rows once and counts; `differences` names the first `:sample` rows that differ, and is
    only asked when there are any. Both may use `:cell` and `:overdue` (a promise due before it is broken)."""

    tally: Query[Tally]
    differences: Query[Difference]


class Touched(msgspec.Struct, frozen=True, eq=False):
    """A query of what differs in the touched rows of some checks. It gives none without a touched thing of `kind`, nor
    without a row in one of the tables, or a transfer of one of the codes, in `of` that is of what was touched."""

    query: Query[Finding]
    kind: str
    of: frozenset[str]


class Check(msgspec.Struct, frozen=True, eq=False):
    """`keys` are the places in `compare`. `slices` is there if the rows can be taken by ranges of the key `by`;
    `of_history` when a row is compared with all that ever happened to it, so that a touched one is not seen at once.
    While all the tables in `of` are empty, and there is no transfer of `codes`, there is nothing to compare; without
    any it is not known."""

    name: str
    rule: str
    compare: str
    keys: frozenset[str]
    of_history: bool
    whole: Form
    by: str | None
    slices: Form | None
    of: tuple[str, ...]
    codes: tuple[str, ...]


def check(
    name: str, rule: str, compare: str, *, by: str | None = None, of_history: bool = False, of: tuple[str, ...] = (),
    codes: tuple[str, ...] = (),
) -> Check:  # fmt: skip
    """A check from a query of one row per thing compared, with the columns `item` (table and key of the row),
    `expected` and `found` (of one type, a record where several values belong together) and `detail`. `by` is the key
    whose ranges the whole can be taken in; `of` and `codes` are the tables and transfers without which it gives
    none."""
    keys = frozenset(match[1] for match in _PLACE.finditer(compare))
    assert keys <= TOUCHED.keys(), keys
    assert by is None or by in keys, by
    ranges = {by: "and {0} > :after and {0} <= :upto"}
    slices = _form(filled(compare, ranges)) if by else None
    return Check(name, rule, compare, keys, of_history, _form(filled(compare, {})), by, slices, of, codes)


def filled(compare: str, conditions: dict[Any, str]) -> str:
    """The query with its places filled: with the condition of their key, if there is one."""
    return _PLACE.sub(lambda place: conditions.get(place[1], "").format(place[2]), compare)


def _form(compare: str) -> Form:
    tally = f"""
        select count(*) as checked, count(*) filter (where c.expected is distinct from c.found) as wrong
          from ({compare}) c
    """  # noqa: S608 - the text is a constant of this package
    differences = f"""
        select c.item as "row", coalesce(c.expected::text, 'nothing') as expected,
               coalesce(c.found::text, 'nothing') as found, c.detail
          from ({compare}) c
         where c.expected is distinct from c.found
         order by c.item
         limit :sample
    """  # noqa: S608
    return Form(sql(tally, Tally), sql(differences, Difference))


def touched(checks: Sequence[Check], there: Container[str]) -> tuple[Touched, ...]:
    """Queries of what differs in the touched rows of all these checks, at most `:sample` rows each: together those that
    are asked together. Of each of the names `there` is known whether it is there."""
    alike: dict[tuple[str, frozenset[str]], list[str]] = {}
    for check in checks:
        kind = next(kind for key, kind in KINDS.items() if key in check.keys)
        of = frozenset(check.of + check.codes)
        known = of if all(name in there for name in of) else frozenset[str]()
        alike.setdefault((kind, known), []).append(
            f"""select '{check.name}' as "check", c.item as "row", coalesce(c.expected::text, 'nothing') as expected,
                   coalesce(c.found::text, 'nothing') as found, c.detail
              from ({filled(check.compare, TOUCHED)}) c
             where c.expected is distinct from c.found"""  # noqa: S608
        )
    return tuple(
        Touched(sql(" union all ".join(each[first : first + TOGETHER]) + " limit :sample", Finding), kind, of)
        for (kind, of), each in alike.items()
        for first in range(0, len(each), TOGETHER)
    )


def arguments(query: Query[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments that this query names."""
    return {name: given[name] for name in query.params}
