"""A room's front door offers what others use, and no more: a verb that nobody outside calls is the room's own."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from pathlib import Path

import pytest

import entrepot

PACKAGE = Path(entrepot.__file__).parent
BENCH = Path(__file__).parents[2] / "bench"
MODULES = {
    path.parent.name: importlib.import_module(f"entrepot.{path.parent.name}") for path in PACKAGE.glob("*/__init__.py")
}
ROOMS = sorted(name for name, module in MODULES.items() if hasattr(module, "__all__"))


@cache
def named(path: Path) -> frozenset[str]:
    """`room.name` for each name of a room's that the file speaks of."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module.rpartition('.')[2]}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{node.value.id}.{node.attr}")
    return frozenset(found)


@pytest.mark.parametrize("room", ROOMS)
def test_a_front_door_has_no_dead_verbs(room: str) -> None:
    """Types and Problems may be there for whoever names what a verb gives or refuses."""
    verbs = {name for name in MODULES[room].__all__ if inspect.isfunction(getattr(MODULES[room], name))}
    outside = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != room]
    called = {name for path in [*outside, *BENCH.glob("*.py")] for name in named(path)}
    assert verbs <= {name.removeprefix(f"{room}.") for name in called if name.startswith(f"{room}.")}
