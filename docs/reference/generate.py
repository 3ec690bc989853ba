"""Writes this folder: openapi.json, problems.md, events.md and schema.sql, each made from what the program is.

Run by `./dev reference`; a test compares. schema.sql is what the migrations leave behind on PostgreSQL 18.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import tempfile
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from entrepot import __version__
from entrepot.app import ROUTES
from entrepot.kit import postgres
from entrepot.kit.migrate import migrate
from entrepot.kit.openapi import describe
from entrepot.kit.problem import MethodNotAllowed, Overloaded, Problem, ServerFault

HERE = Path(__file__).parent
ROOMS = (
    "accounts",
    "sellers",
    "approvals",
    "platform",
    "catalog",
    "trade",
    "fees",
    "metering",
    "pricing",
    "ledger",
    "channels",
    "inventory",
    "logistics",
    "payments",
    "credit",
    "orders",
    "disputes",
    "chargebacks",
    "fraud",
    "reviews",
    "campaigns",
    "customs",
    "reconciliation",
    "statements",
    "invoices",
    "webhooks",
)
ANYWHERE = (MethodNotAllowed, Overloaded, ServerFault)
"""Problems that no route lists, because every address can answer them."""

PROBLEMS_HEAD = """\
# Problems

What is refused, and why: RFC 9457 documents (`application/problem+json`). `type` is `/problems/` and the name below;
further members of the document are in parentheses.

| status | name | what it says | where |
|---|---|---|---|"""

EVENTS_HEAD = """\
# Events

What happened, in order: rows of `kit.event`, told in the transaction in which it happened. They hold ids, codes and
amounts, never who a person is. Every event has a `kind`, a `version` (1), a `key` (the id of what it happened to), `at`
and `data`.

| room | events |
|---|---|"""


def openapi() -> str:
    return json.dumps(describe(ROUTES, __version__), indent=1, ensure_ascii=False) + "\n"


def problems() -> str:
    """Every Problem that the API can answer, by status and name, and where."""
    where: dict[type[Problem], list[str]] = {problem: [] for problem in ANYWHERE}
    for route in ROUTES:
        for problem in route.problems():
            where.setdefault(problem, []).append(f"`{route.name}`")
    lines = [PROBLEMS_HEAD]
    for problem in sorted(where, key=lambda one: (one.status, one.code())):
        members = ", ".join(f"`{field.name}`" for field in fields(problem))
        named = f"`{problem.code()}`" + (f" ({members})" if members else "")
        routes = where[problem]
        at = (
            "anywhere"
            if len(routes) in (0, len(ROUTES))
            else f"{len(routes)} routes"
            if len(routes) > 6
            else ", ".join(routes)
        )
        lines.append(f"| {problem.status} | {named} | {problem.title()} | {at} |")
    return "\n".join(lines) + "\n"


def events() -> str:
    """What each room's front door says of its events."""
    lines = [EVENTS_HEAD]
    for room in ROOMS:
        said = re.search(
            r"^Events: (.+?)(?:\n\n|\Z)", import_module(f"entrepot.{room}").__doc__ or "", re.MULTILINE | re.DOTALL
        )
        if said:
            text = " ".join(said[1].split()).rstrip(".")
            lines.append(f"| {room} | {re.sub(r'[a-z]+(?:_[a-z]+)+', lambda word: f'`{word[0]}`', text)} |")
    return "\n".join(lines) + "\n"


def schema(url: str) -> str:
    """The migrated database at `url` as SQL, without what differs from one server or run to the next."""
    dump = [str(postgres.binary("pg_dump")), "--schema-only", "--no-owner", "--no-privileges", f"--dbname={url}"]
    text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    kept = [line for line in text.splitlines() if not re.match(r"--|SET |SELECT pg_catalog|\\(un)?restrict", line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"


def main() -> None:
    (HERE / "openapi.json").write_text(openapi())
    (HERE / "problems.md").write_text(problems())
    (HERE / "events.md").write_text(events())
    with tempfile.TemporaryDirectory(prefix="entrepot-reference-") as name:
        Path(name).chmod(0o711)  # as root: the server's user passes through here
        server = postgres.start(Path(name), fsync="off")
        try:
            assert urlsplit(server.url).path == "/entrepot"
            asyncio.run(migrate(server.url))
            (HERE / "schema.sql").write_text(schema(server.url))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
