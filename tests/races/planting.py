"""Defects on purpose: a function of a test database with one place of it changed."""

from __future__ import annotations

from typing import Any

Defect = tuple[str, str, str]
"""The function, what its definition says once, and what it shall say instead."""


async def plant(conn: Any, function: str, old: str, new: str) -> str:
    """Changes the function; its definition before."""
    before = str(await conn.fetchval("select pg_get_functiondef($1::regproc)", function))
    assert before.count(old) == 1, f"{function} does not say once: {old}"
    await conn.execute(before.replace(old, new))
    return before
