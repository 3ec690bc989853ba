"""What a check is: a rule in prose, and one query that lays what should be beside what is."""

from __future__ import annotations

from typing import Any

import msgspec

from entrepot.kit.sql import Query, sql


class Tally(msgspec.Struct, frozen=True):
    checked: int
    wrong: int


class Difference(msgspec.Struct, frozen=True):
    row: str
    expected: str
    found: str
    detail: str


class Check(msgspec.Struct, frozen=True, eq=False):
    """`tally` passes over everything once and counts; `differences` names the first `:sample` rows that differ, and
    is only asked when there are any. Both may use `:cell` and `:overdue` (a promise due before it is broken)."""

    name: str
    rule: str
    tally: Query[Tally]
    differences: Query[Difference]


def check(name: str, rule: str, compare: str) -> Check:
    """A check from a query of one row per thing compared, with the columns `item` (table and key of the row),
    `expected` and `found` (of one type, a record where several values belong together) and `detail`."""
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
    return Check(name, rule, sql(tally, Tally), sql(differences, Difference))


def arguments(query: Query[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments that this query names."""
    return {name: given[name] for name in query.params}
