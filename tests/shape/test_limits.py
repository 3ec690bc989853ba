"""Limits on the code itself. A rule without a check decays; each rule is shown to catch what it forbids."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "entrepot"

FUNCTION_LINES_MAX = 70
SOURCE_LINES_MAX = 500
TEST_LINES_MAX = 600

VAGUE_NAMES = {"base", "common", "core", "helpers", "manager", "misc", "service", "utils"}
MONEY = ("kit/money.py", "ledger/", "payments/", "pricing/")
"""No `/` and no float. (The room trade divides, in Decimal: its golden cases are checked to the cent.)"""
CLOCK = "kit/clock.py"
WALL_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
SQL_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)

SQL_START = re.compile(r"\s*(select|insert|update|delete|with|create|merge)\b", re.IGNORECASE)

Rule = Callable[[str], Iterator[str]]


def long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {lines} lines"


def wall_clocks(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if f"{owner}.{node.attr}" in WALL_CLOCK:
                yield f"{node.lineno}: {owner}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"{node.lineno}: from time import {name.name}" for name in node.names if name.name == "time")
        # Only strings that are SQL: prose may say what it likes.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_START.match(node.value):
            yield from (f"{node.lineno}: {found[0]}" for found in SQL_CLOCK.finditer(node.value))


def sql_clocks(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        yield from (f"{number}: {found[0]}" for found in SQL_CLOCK.finditer(line.split("--")[0]))


def inexact_arithmetic(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield f"{node.lineno}: /"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{node.lineno}: {node.value}"
        if isinstance(node, ast.Name) and node.id == "float":
            yield f"{node.lineno}: float"


@pytest.mark.parametrize(
    ("rule", "bad", "verdict"),
    [
        (long_functions, "async def f():\n" + "    g()\n" * 70, ["1: f has 71 lines"]),
        (long_functions, "def f():\n" + "    g()\n" * 69, []),
        (wall_clocks, "import datetime\ndatetime.datetime.now(tz)", ["2: datetime.now"]),
        (wall_clocks, "x = date.today()", ["1: date.today"]),
        (wall_clocks, "from time import time", ["1: from time import time"]),
        (wall_clocks, "time.monotonic(); tx.now; clock.now()", []),
        (wall_clocks, "Q = 'select now ()'", ["1: now ("]),
        (wall_clocks, "'''What is due now (or was).'''", []),
        (sql_clocks, "a int,\nat timestamptz default CURRENT_TIMESTAMP", ["2: CURRENT_TIMESTAMP"]),
        (sql_clocks, "select p_now, now_at -- not now()", []),
        (inexact_arithmetic, "a / b", ["1: /"]),
        (inexact_arithmetic, "a /= b", ["1: /"]),
        (inexact_arithmetic, "a * 0.5", ["1: 0.5"]),
        (inexact_arithmetic, "float(a)", ["1: float"]),
        (inexact_arithmetic, "a // b", []),
    ],
)
def test_each_rule_catches_what_it_forbids(rule: Rule, bad: str, verdict: list[str]) -> None:
    assert list(rule(bad)) == verdict


def test_functions_are_short() -> None:
    assert offenders(long_functions, python_files(SOURCE, ROOT / "tests", ROOT / "bench")) == []


def test_files_are_short() -> None:
    limits = {SOURCE: SOURCE_LINES_MAX, ROOT / "bench": SOURCE_LINES_MAX, ROOT / "tests": TEST_LINES_MAX}
    for folder, limit in limits.items():
        lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in python_files(folder)}
        assert {str(path): lines for path, lines in lengths.items() if lines > limit} == {}


def test_time_comes_from_the_injected_clock() -> None:
    paths = [path for path in python_files(SOURCE) if path.relative_to(SOURCE).as_posix() != CLOCK]
    assert offenders(wall_clocks, paths) == []
    assert offenders(sql_clocks, sorted(SOURCE.rglob("*.sql"))) == []


def test_money_is_whole_numbers() -> None:
    paths = [path for path in python_files(SOURCE) if path.relative_to(SOURCE).as_posix().startswith(MONEY)]
    assert offenders(inexact_arithmetic, paths) == []


def test_names_say_something() -> None:
    paths = [path for folder in (SOURCE, ROOT / "bench") for path in folder.rglob("*") if path.suffix in ("", ".py")]
    assert [str(path.relative_to(ROOT)) for path in paths if path.stem in VAGUE_NAMES] == []


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def offenders(rule: Rule, paths: list[Path]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{found}" for path in paths for found in rule(path.read_text())]
