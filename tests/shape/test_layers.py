"""Who may import whom. The layers themselves are in pyproject.toml, where `./dev lint` reads them too."""

from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]

# These know every room, by design.
EVERYWHERE = {"app", "cli", "worker"}
# These are not rooms: anybody above may use their files one by one.
OPEN = {"kit", "migrations", "settings"} | EVERYWHERE


def test_imports_go_downward_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS


def test_a_room_is_entered_by_its_front_door_only() -> None:
    assert list(intrusions(grimp.build_graph("entrepot", cache_dir=None))) == []


def test_the_front_door_rule_sees_an_intruder() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (
        ("entrepot.orders.actions", "entrepot.ledger.store"),  # through the wall
        ("entrepot.orders.actions", "entrepot.ledger"),  # by the front door
        ("entrepot.ledger.actions", "entrepot.ledger.store"),  # at home
        ("entrepot.app", "entrepot.ledger.api"),  # composes every room
        ("entrepot.ledger.store", "entrepot.kit.sql"),  # no room
    ):
        graph.add_import(importer=importer, imported=imported)
    assert list(intrusions(graph)) == ["entrepot.orders.actions imports entrepot.ledger.store"]


def intrusions(graph: grimp.ImportGraph) -> Iterator[str]:
    """Every import of a room's inside by another room, as a sentence."""
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            room, inside = imported.split(".")[1:2], imported.count(".") >= 2
            if not inside or room[0] in OPEN:
                continue
            if importer.split(".")[1:2] not in ([room[0]], *([name] for name in EVERYWHERE)):
                yield f"{importer} imports {imported}"
