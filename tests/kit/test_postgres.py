"""The embedded server: what it promises when all is well, and what it says when something is in the way."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from entrepot.kit import postgres

# Starts the server of the folder given, writes a row, says the pids, and waits to be killed.
HOLDER = """
import asyncio, sys, time
from pathlib import Path
import asyncpg
from entrepot.kit import postgres

async def write():
    connection = await asyncpg.connect(server.url)
    await connection.execute("create table if not exists kept (n int); insert into kept values (7)")
    await connection.close()

server = postgres.start(Path(sys.argv[1]))
asyncio.run(write())
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="entrepot-home-") as name:
        Path(name).chmod(0o711)  # as root: the server's user passes through here
        yield Path(name)


@pytest.fixture
def holder(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that serves `home`, and the pid of its server."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, home], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        yield process, pid
        process.kill()
        process.wait()
        assert gone(pid)  # before its folder is removed


def ask(url: str, query: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(run())


def gone(pid: int) -> bool:
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_data_stay_from_one_run_to_the_next(home: Path) -> None:
    first = postgres.start(home)
    assert ask(first.url, "create table kept (n int)") is None
    assert ask(first.url, "insert into kept values (7) returning n") == 7
    sockets = Path(str(ask(first.url, "select current_setting('unix_socket_directories')")))
    first.stop()
    first.stop()
    assert gone(first.pid)
    assert not sockets.exists()
    second = postgres.start(home)
    assert ask(second.url, "select n from kept") == 7
    second.stop()


def test_it_is_durable_closed_and_the_same_everywhere(home: Path) -> None:
    server = postgres.start(home)
    assert ask(server.url, "select current_setting('listen_addresses')") == ""
    assert ask(server.url, "select current_setting('fsync')") == "on"
    assert ask(server.url, "select current_setting('synchronous_commit')") == "on"
    assert ask(server.url, "select current_setting('data_checksums')") == "on"
    assert ask(server.url, "select current_setting('timezone')") == "UTC"
    assert ask(server.url, "select datlocale from pg_database where datname = 'entrepot'") == "C.UTF-8"
    sockets = Path(str(ask(server.url, "select current_setting('unix_socket_directories')")))
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert len(bytes(sockets / ".s.PGSQL.5432")) < postgres.SOCKET_PATH_MAX
    server.stop()


def test_flags_are_taken(home: Path) -> None:
    server = postgres.start(home, max_connections="17")
    assert ask(server.url, "select current_setting('max_connections')") == "17"
    server.stop()


def test_a_home_in_use_is_refused_and_can_be_attached_to(home: Path, holder: tuple[subprocess.Popen[str], int]) -> None:
    process, pid = holder
    with pytest.raises(postgres.PostgresError) as refused:
        postgres.start(home)
    assert str(refused.value) == (
        f"{home} is in use by process {process.pid}: stop it (kill {process.pid}) or set another ENTREPOT_HOME"
    )
    attached = postgres.attach(home)
    assert attached.pid == pid
    attached.stop()  # not ours to stop
    with postgres.database(None, home) as url:
        assert ask(url, "select n from kept") == 7
    assert ask(attached.url, "select n from kept") == 7


def test_nothing_to_attach_to(home: Path) -> None:
    with pytest.raises(postgres.PostgresError, match="no PostgreSQL runs on"):
        postgres.attach(home)


def test_database_starts_a_server_only_for_as_long_as_it_is_needed(home: Path) -> None:
    with postgres.database("postgresql://elsewhere/shop", home) as url:
        assert url == "postgresql://elsewhere/shop"
    assert list(home.iterdir()) == []
    with postgres.database(None, home) as url:
        assert ask(url, "select 1") == 1
        pid = postgres.attach(home).pid
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="lacks prctl: only Linux ends a child with its parent")
def test_the_server_does_not_outlive_its_parent(home: Path, holder: tuple[subprocess.Popen[str], int]) -> None:
    process, pid = holder
    process.kill()
    process.wait()
    assert gone(pid)
    assert "received fast shutdown request" in (home / "postgres.log").read_text()


def test_a_server_that_is_leaving_is_not_attached_to(home: Path, holder: tuple[subprocess.Popen[str], int]) -> None:
    """Whoever runs the next command at once, after a kill -9, need not know that the server is still shutting down."""
    process, pid = holder
    process.kill()
    process.wait()
    with postgres.database(None, home) as url:
        assert ask(url, "select 1") == 1
        assert gone(pid)


def test_a_killed_server_recovers(home: Path, holder: tuple[subprocess.Popen[str], int]) -> None:
    process, pid = holder
    os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait()
    assert (home / "postgres" / "postmaster.pid").exists()
    server = postgres.start(home)
    assert ask(server.url, "select n from kept") == 7
    server.stop()


def test_a_server_left_behind_is_shut_down_first(home: Path) -> None:
    # As where there is no prctl: the parent is gone, its lock with it, and the server is still there.
    first = postgres.start(home)
    child = postgres._children.pop(first.data)
    child.lock.close()
    second = postgres.start(home)
    assert child.process.wait(timeout=10) == 0
    assert second.pid != first.pid
    second.stop()


def test_a_first_start_that_was_cut_short_is_begun_again(home: Path) -> None:
    draft = home / "postgres.draft"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    server = postgres.start(home)
    assert ask(server.url, "select 1") == 1
    server.stop()
    assert not draft.exists()


def test_data_of_another_major_version_are_refused_unchanged(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(postgres.PostgresError) as refused:
        postgres.start(home)
    assert "was written by PostgreSQL 17 and this is 18: move it away" in str(refused.value)
    assert [path.name for path in (home / "postgres").iterdir()] == ["PG_VERSION"]
    (home / "postgres" / "PG_VERSION").unlink()


def test_a_setting_it_does_not_know_is_named(home: Path) -> None:
    with pytest.raises(postgres.PostgresError, match='unrecognized configuration parameter "no_such_thing"'):
        postgres.start(home, no_such_thing="1")
    postgres.start(home).stop()  # the lock was given back


def test_a_socket_folder_of_somebody_else_is_not_trusted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    home.chmod(0o755)
    user = postgres._server_user()
    postgres._socket_folder(home, user).rmdir()
    name = postgres._socket_folder(home, user)
    name.rmdir()
    name.symlink_to(home)
    with pytest.raises(postgres.PostgresError, match="is not a closed folder of ours"):
        postgres._socket_folder(home, user)
    name.unlink()
    name.mkdir()
    name.chmod(0o777)
    with pytest.raises(postgres.PostgresError, match="is not a closed folder of ours"):
        postgres._socket_folder(home, user)


@pytest.mark.skipif(os.geteuid() != 0, reason="lacks root: only root runs the server as another user")
def test_root_keeps_data_where_its_server_can_reach_them(home: Path) -> None:
    home.chmod(0o700)
    server = postgres.start(home)
    assert server.data.is_relative_to(postgres.ROOTS_FOLDER)
    assert ask(server.url, "select 1") == 1
    server.stop()
    again = postgres.start(home)
    assert again.data == server.data
    again.stop()
    subprocess.run(["rm", "-r", server.data.parent], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="lacks root: only root runs the server as another user")
def test_root_copies_programs_out_of_a_closed_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = tmp_path / "site-packages"  # pytest keeps its folders at mode 0700
    closed.mkdir()
    wheel = postgres._wheel()
    for name in (wheel.name, f"{wheel.name}.libs"):
        subprocess.run(["cp", "-r", wheel.with_name(name), closed / name], check=True)
    monkeypatch.setattr(postgres, "_wheel", lambda: closed / wheel.name)
    monkeypatch.setattr(postgres, "ROOTS_FOLDER", home / "roots")
    umask = os.umask(0o077)
    server = postgres.start(home)
    os.umask(umask)
    assert ask(server.url, "select 1") == 1
    running = Path(f"/proc/{server.pid}/exe").readlink()
    server.stop()
    assert running.is_relative_to(home / "roots")


def test_programs_of_the_wheel() -> None:
    version = subprocess.check_output([postgres.binary("pgbench"), "--version"], text=True)
    assert version.startswith("pgbench (PostgreSQL) 18.")
    with pytest.raises(postgres.PostgresError, match="no program no_such_program"):
        postgres.binary("no_such_program")
