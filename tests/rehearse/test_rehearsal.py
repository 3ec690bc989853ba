"""`entrepot rehearse` from end to end, tiny, against the real server: what it answers, leaves and refuses."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg.exceptions
import pytest

from entrepot import cli
from entrepot.kit.db import Database
from entrepot.kit.ids import new_id
from entrepot.world import market
from entrepot.world.rehearse import ground, plan
from tests.api.server import ENTREPOT, SECRET, Server, environment, serving
from tests.rehearse.untouched import Untouched

SIZES = market.Sizes(sellers=3, offers=40, buyers=5, history=0)
TINY = ["--start", "8", "--up-to", "10", "--step", "1", "--connections", "16", "--p99", "60000", "--speed", "3000"]
APART = ("world.rehearsal",)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "HISTORY", 13)
    monkeypatch.setattr(plan, "WARM_S", 1.0)


@contextmanager
def deployment(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The real server on the database at `url`, which this process's `entrepot` knows as its deployment."""
    with serving(url, folder, ENTREPOT_WORKERS="2", ENTREPOT_RATE_PER_S="50") as server:
        for name, value in environment(url, folder, ENTREPOT_PORT=str(server.port)).items():
            if name.startswith("ENTREPOT_"):
                monkeypatch.setenv(name, value)
        yield server


def test_a_peak_is_rehearsed_and_leaves_nothing(
    own_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small: None
) -> None:
    asyncio.run(market.open_market(own_db_url, SIZES))
    with serving(own_db_url, folder):  # has opened what it opens once, such as its consumers' cursors
        time.sleep(1)
    before, there = asyncio.run(Untouched.of(own_db_url, APART)), databases(own_db_url)
    file = folder / "report.html"
    with deployment(own_db_url, folder, monkeypatch) as server:
        code = cli.main(["rehearse", *TINY, "--forecast", "4", "--report", str(file), "--json"])
        assert "rehearsal_opened" in server.said()
        assert '"event":"fault"' not in server.said()
    out, err = capsys.readouterr()
    found = json.loads(out)
    # How fast this machine is decides nothing here, so neither does the verdict.
    assert code == (1 if found["verdict"]["word"] == "no_go" else 0)
    assert found["verdict"]["word"] in ("go", "no_go")
    evidence = found["evidence"]
    assert evidence["placed"] >= evidence["acknowledged"] >= 4
    assert (evidence["findings"], evidence["strayed"]) == (0, 0)
    assert evidence["checked"] > 0
    assert {p["phase"] for p in found["timeline"]} == {"warm", "ramp", "peak"}
    assert found["ramp"][0][0]["failed"] == 0
    assert found["ramp"][0][0]["usage"]["web_processes"] == 2
    assert [size["real"] for size in found["sizes"]] == [3, 40, 5, 0]
    assert "orders/s: " in err
    require_self_contained(file.read_text())
    asyncio.run(before.require_same(own_db_url))
    assert databases(own_db_url) == there
    assert kept(own_db_url) == [
        (int(found["capacity_per_s"]), found["admission_per_s"], 4, found["verdict"]["word"], found["bottleneck"])
    ]


def require_self_contained(html: str) -> None:
    """Nothing is fetched from anywhere, and nothing was left unsaid by the template."""
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert not re.search(r"""(?:src|href|action)\s*=|url\(|@import|<script|<link""", html)
    assert html.count("<svg") == 11
    assert "None" not in html


def test_killed_in_the_middle_it_is_cleaned_up_by_the_next(
    own_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, small: None
) -> None:
    there = databases(own_db_url)
    with deployment(own_db_url, folder, monkeypatch) as server:
        environ = environment(own_db_url, folder, ENTREPOT_PORT=str(server.port))
        command = [*ENTREPOT, "rehearse", *TINY, "--step", "30", "--report", str(folder / "killed.html")]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL, start_new_session=True) as run:
            await_true(lambda: carts_of(own_db_url, databases(own_db_url) - there) > 0)
            left = databases(own_db_url) - there
            run.kill()
        await_true(lambda: in_session(run.pid) == [])  # the load generator and the worker end by themselves
        assert len(left) == 1
        assert databases(own_db_url) - there == left
        assert cli.main(["rehearse", *TINY, "--report", str(folder / "next.html")]) == 0
    assert databases(own_db_url) == there


def databases(url: str) -> set[str]:
    """The rehearsals that there are on the server."""
    return {row[0] for row in fetch(url, "select datname from pg_database where datname like 'entrepot_rehearsal_%'")}


def kept(url: str) -> list[tuple[Any, ...]]:
    text = "select capacity_per_s, admission_per_s, forecast_per_s, verdict, bottleneck from world.rehearsal"
    return [tuple(row) for row in fetch(url, text)]


def carts_of(url: str, names: set[str]) -> int:
    """How many carts the one rehearsal there is has by now."""
    for name in names:
        try:
            return int(fetch(url.replace(_database(url), name), "select count(*) from orders.cart")[0][0])
        except asyncpg.exceptions.PostgresError:
            return 0
    return 0


def _database(url: str) -> str:
    return url.split("?")[0].rpartition("/")[2]


def fetch(url: str, text: str) -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(text))
        finally:
            await connection.close()

    return asyncio.run(run())


def in_session(session: int) -> list[int]:
    """The processes that are left of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, owner = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(owner) == session and state != "Z":
                found.append(int(entry.name))
    return found


def await_true(condition: Any) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "http://192.0.2.7:8000"], "192.0.2.7 is 192.0.2.7, which is not this machine: rehearse where the"),
        (["--url", "https://127.0.0.1"], "https://127.0.0.1 is no address of a web process"),
        (["--mix", "listing=1"], "--mix must have some `purchase` or `place`"),
        (["--forecast", "0"], "--forecast must be above 0 and below a million, not 0"),
        (["--forecast", "nan"], "--forecast must be above 0 and below a million, not nan"),
        (["--headroom", "0.5"], "--headroom must be from 1 to 10, not 0.5"),
        (["--start", "9", "--up-to", "8"], "the ramp cannot go from 9 to 8 orders/s"),
        (["--up-to", "900000"], "250,000 is the most"),
        (["--step", "0"], "--step must be from 1 to 60, not 0"),
        (["--admit", "101"], "--admit must be from 1 to 100, not 101"),
        (["--connections", "0"], "--connections must be from 1 to 4096, not 0"),
        (["--speed", "1"], "at --speed 1 the replay takes 9,000 s: choose 15 or more"),
        (["--shape", "recorded"], "nothing was ordered in the recorded time"),
        (["--shape", "recorded", "--from", "yesterday"], "--from is a time such as 2026-11-10T22:00, not 'yesterday'"),
        (["--report", "/nowhere/r.html"], "the report cannot be written to /nowhere/r.html"),
        ([], "nothing answers at http://127.0.0.1:1: start it with `entrepot up`"),
    ],
)
def test_what_cannot_be_rehearsed_is_one_line(
    db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    for name, value in environment(db_url, folder, ENTREPOT_PORT="1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    there = databases(db_url)
    assert cli.main(["rehearse", *arguments]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("entrepot: ")) == ("", 1, True)
    assert message in err
    assert databases(db_url) == there
    assert list(folder.glob("*.html")) == []


def test_what_answers_must_be_this_deployment(
    own_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = databases(own_db_url)
    with deployment(own_db_url, folder, monkeypatch):
        monkeypatch.setenv("ENTREPOT_SECRET", SECRET[::-1])
        assert cli.main(["rehearse", *TINY, "--report", str(folder / "r.html")]) == 1
    assert "is not this deployment: is its ENTREPOT_SECRET another" in capsys.readouterr().err
    assert databases(own_db_url) == there


async def test_a_recorded_shape_is_the_event_logs(own_db_url: str) -> None:
    from entrepot.settings import load
    from entrepot.world.rehearse import command

    begin = datetime(2026, 11, 10, 22, tzinfo=UTC)
    db = await Database.open(own_db_url)
    for minute, count in ((0, 1), (2, 4), (3, 2), (4, 9)):
        for n in range(count):
            async with db.write() as tx:
                tx.now = begin + timedelta(minutes=minute, seconds=n)
                tx.emit("group_paid", new_id(tx.now), {})
                tx.emit("order_paid", new_id(tx.now), {})
    await db.close()
    settings = load(environment(own_db_url, Path("/tmp")))
    arguments = cli._parser().parse_args(
        ["rehearse", "--shape", "recorded", "--from", "2026-11-10T22:00", "--minutes", "4"]
    )
    assert await command._shape(settings, arguments) == ([0.25, 0.0, 1.0, 0.5], 4 / 60)
