"""What is written down is what is: the generated reference, the events, the table of dependencies."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from importlib import metadata
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "entrepot"
REFERENCE = ROOT / "docs" / "reference"
REMEDY = "is out of date: run ./dev reference"

LICENSES = {
    "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "PostgreSQL", "CC0-1.0",
    "Apache-2.0 OR BSD-3-Clause", "Apache-2.0 OR BSD-2-Clause", "Apache-2.0 AND BSD-2-Clause", "Apache-2.0 AND MIT",
    "MIT AND PSF-2.0", "LGPL-2.1-or-later",
}  # fmt: skip
"""What may be used together with our own Apache-2.0: none of them asks that our code be given away in another way. What
is under the LGPL is imported as it is."""
PROGRAMS = ("localstripe",)
"""Under a license that we do not link with: the tests start it as a process."""


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", REFERENCE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["openapi.json", "problems.md", "events.md"])
def test_the_reference_is_up_to_date(generate: ModuleType, name: str) -> None:
    made = getattr(generate, name.partition(".")[0])()
    assert (REFERENCE / name).read_text() == made, f"docs/reference/{name} {REMEDY}"


def test_the_schema_is_what_the_migrations_leave(generate: ModuleType, own_db_url: str) -> None:
    async def major() -> int:
        connection = await asyncpg.connect(own_db_url)
        try:
            return int(connection.get_server_version().major)
        finally:
            await connection.close()

    if asyncio.run(major()) != 18:
        pytest.skip("the schema is written down as PostgreSQL 18 tells it, and this is another")
    assert (REFERENCE / "schema.sql").read_text() == generate.schema(own_db_url), f"docs/reference/schema.sql {REMEDY}"


def test_every_event_that_is_told_is_written_down() -> None:
    named = set(re.findall(r"`(\w+)`", (REFERENCE / "events.md").read_text()))
    told: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        told |= set(re.findall(r"""(?:\.emit\(|_tell\(tx, cell, |_tell_groups\(tx, cell, )"(\w+)\"""", text))
    for path in SOURCE.glob("migrations/*.sql"):
        told |= set(re.findall(r"'((?:group|order)_\w+)'", "".join(re.findall(r"emit_many\([^;]+;", path.read_text()))))
    assert len(told) >= 12
    assert told - named == set()


def locked(name: str) -> dict[str, str]:
    """The packages of a lock and their versions."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE))


def table(title: str) -> dict[str, list[str]]:
    """The rows under a heading of docs/dependencies.md, by their first cell."""
    text = (ROOT / "docs" / "dependencies.md").read_text()
    section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return {row[0]: row[1:] for row in rows[2:]}


@pytest.mark.parametrize(
    ("title", "lock"),
    [("What is installed", "requirements.lock"), ("What only the tests need", "requirements-dev.lock")],
)
def test_every_dependency_is_accounted_for(title: str, lock: str) -> None:
    rows, versions = table(title), locked(lock)
    if lock != "requirements.lock":
        versions = {name: version for name, version in versions.items() if name not in locked("requirements.lock")}
    assert sorted(rows) == sorted(versions), "docs/dependencies.md and the lock name different packages"
    for name, (line, license_, why) in rows.items():
        assert versions[name].startswith(f"{line}."), f"{name} is locked at {versions[name]}, not in the line {line}"
        assert license_ in LICENSES or name in PROGRAMS, name
        assert len(why) > 10, name


def test_licenses_are_as_the_packages_say() -> None:
    for title in ("What is installed", "What only the tests need"):
        for name, (_, license_, _) in table(title).items():
            try:
                said = metadata.metadata(name).json.get("license_expression")
            except metadata.PackageNotFoundError:
                continue  # for other systems only
            assert said in (None, license_), name
