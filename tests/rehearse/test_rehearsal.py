"""`entrepot rehearse` from beginning to end is in tests/acceptance; here, what it refuses, and its sudden end."""

from __future__ import annotations

import asyncio
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import asyncpg.exceptions
import pytest

from entrepot import cli
from entrepot.settings import load
from entrepot.world.rehearse import command, run
from entrepot.world.rehearse.ground import ground
from entrepot.world.rehearse.plan import PlanError
from tests.api.server import ENTREPOT, SECRET, environment
from tests.rehearse.deployed import TINY, deployment, fetch, rehearsals


def test_killed_in_the_middle_it_leaves_what_the_next_drops(
    own_db_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = rehearsals(own_db_url)
    with deployment(own_db_url, folder, monkeypatch) as server:
        monkeypatch.setenv("ENTREPOT_SECRET", SECRET[::-1])
        assert cli.main(["rehearse", *TINY, "--report", str(folder / "r.html")]) == 1
        assert "is not this deployment: is its ENTREPOT_SECRET another" in capsys.readouterr().err
        assert rehearsals(own_db_url) == there

        environ = environment(own_db_url, folder, ENTREPOT_PORT=str(server.port))
        started = [*ENTREPOT, "rehearse", *TINY, "--step", "30", "--report", str(folder / "killed.html")]
        with subprocess.Popen(started, env=environ, stderr=subprocess.DEVNULL, start_new_session=True) as run:
            await_true(lambda: carts_of(own_db_url, rehearsals(own_db_url) - there) > 0)
            left = rehearsals(own_db_url) - there
            run.kill()
        await_true(lambda: in_session(run.pid) == [])  # the load generator and the worker end by themselves
    assert len(left) == 1
    assert rehearsals(own_db_url) - there == left
    assert not (folder / "killed.html").exists()
    asyncio.run(begin_another(own_db_url))
    assert rehearsals(own_db_url) == there


def test_the_worker_of_a_rehearsal_calls_nobody_whom_the_deployment_does(folder: Path) -> None:
    given = environment("postgresql://nowhere", folder) | {
        "ENTREPOT_STRIPE_KEY": "sk_test_1", "ENTREPOT_STRIPE_PUBLISHABLE_KEY": "pk_test_1",
        "ENTREPOT_STRIPE_WEBHOOK_SECRET": "whsec_1", "ENTREPOT_SANDBOX_URL": "http://pay.test",
        "ENTREPOT_CUSTOMS_URL": "https://:key@customs.test", "ENTREPOT_SMS_URL": "https://:key@sms.test",
        "ENTREPOT_SMTP_URL": "smtps://a:b@mail.test", "ENTREPOT_MAIL_FROM": "shop@entrepot.test",
    }  # fmt: skip
    calls = ("stripe", "sandbox_url", "customs_url", "sms_url", "smtp_url")
    assert all(getattr(load(given), name) for name in calls)
    assert not any(getattr(load(given | run.NOBODY), name) for name in calls)


async def begin_another(url: str) -> None:
    async with ground(url):
        pass


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
        (["--mix", "listing=1"], "--mix must have some `purchase`, `place` or `campaign`"),
        (["--forecast", "0"], "--forecast must be above 0 and below a million, not 0"),
        (["--forecast", "nan"], "--forecast must be above 0 and below a million, not nan"),
        (["--headroom", "0.5"], "--headroom must be from 1 to 10, not 0.5"),
        (["--up-to", "900000"], "250,000 is the most"),
        (["--step", "0"], "--step must be from 1 to 60, not 0"),
        (["--speed", "1"], "at --speed 1 the replay takes 9,000 s: choose 15 or more"),
        (["--shape", "double12"], "--shape is double11, recorded or a CSV file, and double12 is none"),
        (["--shape", "recorded"], "--shape has no orders"),
        (["--shape", "recorded", "--from", "yesterday"], "--from is a time such as 2026-11-10T22:00, not 'yesterday'"),
        (["--shape", "recorded", "--from", "9999-12-31T23:59"], "--from is a time such as 2026-11-10T22:00"),
        (["--port", "0"], "--port must be a whole number from 1 to 65535, not 0"),
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
    there = rehearsals(db_url)
    assert cli.main(["rehearse", *arguments]) == (2 if "--port" in arguments else 1)
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("entrepot: ")) == ("", 1, True)
    assert message in err
    assert rehearsals(db_url) == there
    assert list(folder.glob("*.html")) == []


async def test_a_recorded_shape_is_that_of_the_orders(own_db_url: str) -> None:
    begin = datetime(2026, 11, 10, 22, tzinfo=UTC)
    connection = await asyncpg.connect(own_db_url)
    for minute, count in ((-1, 7), (0, 1), (2, 4), (3, 2), (4, 9)):
        await connection.execute(
            "insert into orders.order_group (cell, id, buyer_id, market, currency, paid_minor, status, placed_at)"
            " select 0, gen_random_uuid(), gen_random_uuid(), 'us', 'USD', 1, 'placed', $1"
            " from generate_series(1, $2)",
            begin + timedelta(minutes=minute, seconds=59), count,
        )  # fmt: skip
    await connection.close()
    settings = load(environment(own_db_url, Path("/tmp")))
    arguments = cli._parser().parse_args(
        ["rehearse", "--shape", "recorded", "--from", "2026-11-10T22:00", "--minutes", "4"]
    )
    assert await command._shape(settings, arguments) == ([0.25, 0.0, 1.0, 0.5], 4 / 60)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("minute,orders\n22:00,30\n22:01,0\n22:02,120\n", ([0.25, 0.0, 1.0], 2.0)),
        ("30\n\n60.0", ([0.5, 1.0], 1.0)),
        ("minute,orders\n22:00,many", "'many' in row 1 is no number of orders"),
        ("5\n-1", "'-1' in row 2 is no number of orders"),
        ("5\nnan", "'nan' in row 2 is no number of orders"),
        ("", "--shape has no orders"),
        ("0\n" * 10_081, "10,081 minutes are more than 10,080"),
    ],
)
async def test_a_shape_is_a_files(folder: Path, text: str, shape: Any) -> None:
    file = folder / "day.csv"
    file.write_text(text)
    arguments = cli._parser().parse_args(["rehearse", "--shape", str(file)])
    settings = load(environment("postgresql://nowhere", folder))
    if not isinstance(shape, str):
        assert await command._shape(settings, arguments) == shape
        return
    with pytest.raises(PlanError, match=shape):
        await command._shape(settings, arguments)
