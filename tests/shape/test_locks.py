"""Every lock has a race, or a reason why it needs none."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.races import locks

RACES = Path(locks.__file__).parent


def test_every_lock_is_raced_or_excepted() -> None:
    """A query or function that is new and locks belongs into tests/races/locks.py."""
    found = {*locks.queries(), *(name for name, text in locks.functions().items() if locks.LOCKS.search(text))}
    listed = Counter(name for names in (*locks.RACED.values(), *locks.EXCEPTED.values()) for name in names.split())
    assert (sorted(found - set(listed)), sorted(set(listed) - found)) == ([], [])
    assert set(listed.values()) == {1}
    assert len(found) > 100


def test_every_race_that_is_named_is_there() -> None:
    there = {
        f"{path.stem}.{node.name}"
        for path in RACES.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.AsyncFunctionDef)
    }
    assert set(locks.RACED) - there == set()
