"""What the documents tell people to type works, and what they point at is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench
from entrepot import cli

ROOT = Path(__file__).parents[2]
PAGES = [path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]
BY_CI = {"./dev demo", "./dev test", "./dev lint", "./dev ci"}
"""What CI itself runs, the demo as `demo --check` from the built wheel."""
ELSEWHERE = {"up", "bank", "bench", "cells", "import", "rehearse", "restore", "worker"}
"""What they do is tested where it is made; here, that the words are right."""
IN_DEV = {"reference", "lock", "mutate"}
"""Not of the installed command."""


def commands() -> list[str]:
    """Every command in a fenced block, and every `./dev ...` in running text; FILE stands for a path."""
    found: set[str] = set()
    for page in PAGES:
        text = page.read_text()
        for block in re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found |= {
                line.split("#")[0].strip() for line in block.splitlines() if line.startswith(("./dev", "entrepot"))
            }
        found |= {" ".join(span.split()) for span in re.findall(r"`(\./dev [a-z][^`]*)`", text)}
    return sorted(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_tests_that_are_named_are_there() -> None:
    named = [found for page in PAGES for found in re.findall(r"`(tests/\S+\.py)` `(test_\w+)`", page.read_text())]
    assert named
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), (file, test)


OTHERS = [command for command in commands() if " ".join(command.split()[:2]) not in BY_CI]


@pytest.mark.parametrize("command", [command for command in OTHERS if command.split()[1] in ELSEWHERE | IN_DEV])
def test_words(command: str) -> None:
    _, verb, *rest = shlex.split(command)
    if verb in IN_DEV:
        assert f'"{verb}"' in (ROOT / "dev").read_text()
    elif verb == "bench":
        bench.parser().parse_args(rest)
    else:
        cli._parser().parse_args([verb, *rest])


@pytest.mark.parametrize("command", [command for command in OTHERS if command.split()[1] not in ELSEWHERE | IN_DEV])
def test_command(command: str, own_db_url: str, tmp_path: Path) -> None:
    _, *arguments = shlex.split(command.replace("FILE", str(tmp_path / "backup")))
    environ = os.environ | {"ENTREPOT_DATABASE_URL": own_db_url, "ENTREPOT_HOME": str(tmp_path / "home")}
    start = [str(Path(sys.executable).parent / "entrepot"), *arguments]
    ran = subprocess.run(start, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_there_are_commands() -> None:
    assert {"./dev demo", "./dev test"} <= set(commands())


def test_every_room_is_drawn() -> None:
    """In the picture of the rooms. What is only read, markets and migrations, is no room."""
    drawn = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    rooms = {path.parent.name for path in (ROOT / "src/entrepot").glob("*/__init__.py")} - {"markets", "migrations"}
    assert rooms - set(re.findall(r"[a-z]+", "\n".join(line[:31] for line in drawn.splitlines()))) == set()
