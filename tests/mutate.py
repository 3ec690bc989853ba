"""./dev mutate [FILE ...]: would the tests notice? Small mistakes are planted in the rules of money, one at a time, and
the tests of the file are run against it; those that they do not notice are named, and must be few.

A tool of our own because it is short and has what the others lack here: the mistake is made in memory, in a fork of a
process that has the libraries imported, and only the plugin of pytest that is needed: half a second each, not three.
The rules are pure, and so are their tests: they need no conftest.
"""

from __future__ import annotations

import ast
import os
import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TARGETS = {
    "src/entrepot/kit/money.py": ["tests/kit/test_money.py"],
    "src/entrepot/pricing/rules.py": ["tests/pricing/test_rules.py"],
    "src/entrepot/orders/shares.py": ["tests/orders/test_shares.py"],
    "src/entrepot/credit/rules.py": ["tests/credit/test_rules.py"],
    "src/entrepot/fees/rules.py": ["tests/fees/test_rules.py"],
    "src/entrepot/exchange/rules.py": ["tests/exchange/test_rules.py"],
    "src/entrepot/disputes/rules.py": ["tests/disputes/test_rules.py"],
    "src/entrepot/reconciliation/rules.py": ["tests/reconciliation/test_matching.py"],
    "src/entrepot/payments/gateways/sandbox.py": ["tests/payments/test_sandbox_connector.py"],
}
KILLED_MIN_PERCENT = 80
MUTANT_MAX_S = 30
"""A mistake that makes a test run for ever is noticed, too."""

_REWRITE = "ignore::pytest.PytestAssertRewriteWarning"
"""Plugins were imported before pytest saw them, which is what makes a fork cheap."""
STYLE = ("frozen", "slots", "strict")
"""Arguments that change what a class allows, and not what the rules say."""
INSTEAD: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.And: ast.Or,
    ast.Or: ast.And, ast.Continue: ast.Break,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, Any]]:
    """What is changed where, and the code that comes of it."""
    tree = ast.parse(source)
    for place in ast.walk(tree):
        for name, value in ast.iter_fields(place):
            if name in ("annotation", "returns") or (isinstance(place, ast.keyword) and place.arg in STYLE):
                continue
            for at, node in enumerate(value if isinstance(value, list) else [value]):
                for other in _others(node):
                    new = [*value[:at], other, *value[at + 1 :]] if isinstance(value, list) else other
                    setattr(place, name, new)
                    line = getattr(node, "lineno", getattr(place, "lineno", 0))
                    yield (
                        f"{line}: {_said(node)} -> {_said(other)}",
                        compile(ast.fix_missing_locations(tree), "m", "exec"),
                    )
                    setattr(place, name, value)


def _others(node: Any) -> Iterator[ast.AST]:
    if type(node) in INSTEAD:
        yield INSTEAD[type(node)]()
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Raise | ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()


def _said(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else type(node).__name__


def survives(module: str, code: Any, tests: list[str]) -> bool:
    """In a child: whether the tests pass with `code` as the module. Nothing of ours has been imported yet."""
    import pytest
    from hypothesis import settings

    settings.register_profile("mutate", deadline=None, database=None)
    settings.load_profile("mutate")
    whole = SourceFileLoader.get_code
    planted = lambda self, name: code if name == module else whole(self, name)  # noqa: E731
    SourceFileLoader.get_code = planted  # type: ignore[method-assign]
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    signal.alarm(MUTANT_MAX_S)
    plugins = ["--noconftest", "-p", "no:cacheprovider", "-p", "anyio.pytest_plugin", "-p", "_hypothesis_pytestplugin"]
    options = [*plugins, "-x", "-q", "--hypothesis-seed=0", "--tb=no", "-W", _REWRITE]
    return pytest.main([*options, *tests]) == 0


def surviving(path: str, tests: list[str]) -> tuple[int, list[str]]:
    """How many mistakes were planted in a file, and those that nobody noticed. As many at a time as there are cores."""
    module = ".".join(Path(path).relative_to("src").with_suffix("").parts)
    waiting = iter([("nothing", compile((ROOT / path).read_text(), path, "exec")), *mutants((ROOT / path).read_text())])
    children: dict[int, str] = {}
    left: list[str] = []
    count = -1
    while True:
        while len(children) < (os.cpu_count() or 1) and (next_one := next(waiting, None)):
            what, code = next_one
            if not (pid := os.fork()):
                os._exit(not survives(module, code, tests))
            children[pid] = what
        if not children:
            assert left[:1] == ["nothing"], f"the tests of {path} fail without any mistake"
            return count, left[1:]
        pid, status = os.wait()
        count += 1
        if status == 0:
            left.insert(0 if children[pid] == "nothing" else len(left), children[pid])
        del children[pid]


def main(asked: list[str]) -> int:
    for library in ("anyio", "asyncpg", "hypothesis", "msgspec", "pytest", "starlette"):
        import_module(library)  # before the first fork, so that it is done once
    failed = False
    for path, tests in TARGETS.items():
        if asked and not any(name in path for name in asked):
            continue
        count, left = surviving(path, tests)
        killed = 100 * (count - len(left)) // count
        failed = failed or killed < KILLED_MIN_PERCENT
        print(f"{path}: {killed} % of {count} mistakes noticed", *left, sep="\n  ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.exit(main(sys.argv[1:]))
