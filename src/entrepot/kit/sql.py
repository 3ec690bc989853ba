"""Typed queries: plain SQL with `:names`, compiled to `$n` once at import, beside the type of the rows it gives.

    STOCK = sql("select id, on_hand from inventory.stock where cell = :cell and id = :id", StockRow)
    row = await tx.one(STOCK, cell=0, id=7)

Every query is listed in QUERIES; a test prepares each one and compares its columns with the row type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import msgspec

Row = TypeVar("Row")

QUERIES: list[Query[Any]] = []

_NAME = re.compile(r"""'[^']*'|"[^"]*"|--.*|(?<![:\w]):([a-z_]\w*)""")
"""A name, or what may hold a colon that is none: a text, a quoted identifier, a comment."""


class Query(msgspec.Struct, Generic[Row], frozen=True, eq=False):
    text: str
    params: tuple[str, ...]
    row: type[Row]
    make: Callable[..., Row]

    def args(self, given: dict[str, Any]) -> list[Any]:
        """The arguments in the order of `$n`. Raises TypeError for a missing or an unknown name."""
        if len(given) != len(self.params) or not given.keys() >= set(self.params):
            raise TypeError(f"expected {self.params}, got {tuple(given)}")
        return [given[name] for name in self.params]


@overload
def sql(text: str) -> Query[None]: ...
@overload
def sql(text: str, row: type[Row]) -> Query[Row]: ...
def sql(text: str, row: Any = None) -> Query[Any]:
    """A query whose rows become `row`: a msgspec Struct with a field per column in order, or the type of the one
    column. Without a row type it is for `tx.run` only."""
    row = type(None) if row is None else row
    params: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        if match[1] not in params:
            params.append(match[1])
        return f"${params.index(match[1]) + 1}"

    compiled = _NAME.sub(number, text)
    single = not issubclass(row, msgspec.Struct)
    query = Query(compiled, tuple(params), row, _first if single else row)
    QUERIES.append(query)
    return query


def _first(*columns: Any) -> Any:
    return columns[0]
