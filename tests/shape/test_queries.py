"""Every query is prepared on the migrated schema: names, columns, their order and their types fit the row type."""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg
import msgspec
import pytest

import entrepot
from entrepot.kit.sql import QUERIES, Query

PYTHON = {
    "bool": bool, "int2": int, "int4": int, "int8": int, "text": str, "uuid": UUID, "timestamptz": datetime,
    "timestamp": datetime,
    "date": date, "bytea": bytes, "jsonb": dict, "xid8": int, "float4": float, "float8": float, "void": type(None),
    "name": str, "varchar": str, "numeric": Decimal,
}  # fmt: skip


def _load_all() -> list[Query[Any]]:
    for module in pkgutil.walk_packages(entrepot.__path__, "entrepot."):
        importlib.import_module(module.name)
    return sorted(QUERIES, key=lambda query: query.text)  # in whatever order they were imported


ALL = _load_all()


@pytest.fixture(scope="module")
async def conn(db_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(db_url)
    yield opened
    await opened.close()


def _plain(hint: Any) -> Any:
    """The class behind an annotation: no None, no NewType, no parameters."""
    if isinstance(hint, types.UnionType) or get_origin(hint) is Union:
        (hint,) = [arg for arg in get_args(hint) if arg is not type(None)]
    if hasattr(hint, "__supertype__"):
        return _plain(hint.__supertype__)
    return get_origin(hint) or hint


@pytest.mark.parametrize("query", ALL, ids=lambda query: " ".join(query.text.split())[:60])
async def test_query(conn: asyncpg.Connection, query: Query[Any]) -> None:
    prepared = await conn.prepare(query.text)
    assert len(prepared.get_parameters()) == len(query.params)
    columns = prepared.get_attributes()
    if query.row is type(None):
        return
    if issubclass(query.row, msgspec.Struct):
        hints = get_type_hints(query.row)
        expected = [hints[name] for name in query.row.__struct_fields__]
    else:
        expected = [query.row]
    assert len(columns) == len(expected), [column.name for column in columns]
    for column, hint in zip(columns, expected, strict=True):
        if column.type.kind == "array":
            assert _plain(hint) in (list, tuple), column.name
            continue
        wanted = PYTHON[column.type.name]
        assert issubclass(_plain(hint), wanted) or wanted is type(None), (column.name, column.type.name, hint)


def test_there_are_queries() -> None:
    assert len(ALL) > 100
