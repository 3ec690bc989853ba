"""What is measured and what measures it: PostgreSQL as it ships, pgbench, the production server, CPU time."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

import asyncpg

from entrepot.kit import postgres

SECRET = "the secret of the bench, which signs its sessions"
READY_MAX_S = 60
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Machine:
    """A PostgreSQL of our own on a fresh home: durable, and set as production sets it."""

    server: postgres.Server
    home: Path

    def url(self, database: str) -> str:
        return urlsplit(self.server.url)._replace(path=f"/{database}").geturl()

    def execute(self, statement: str, database: str = "postgres") -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url(database))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    @contextmanager
    def database(self, name: str, template: str = "template1") -> Iterator[str]:
        """The address of a database that is gone afterwards."""
        self.execute(f"create database {name} template {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"drop database {name} with (force)")


@contextmanager
def started() -> Iterator[Machine]:
    with folder() as home, running(home) as machine:
        yield machine


@contextmanager
def folder() -> Iterator[Path]:
    """A home for a server, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="entrepot-bench-"))
    home.chmod(0o711)  # root's server runs as another user, who passes through here
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running(home: Path, **flags: str) -> Iterator[Machine]:
    """A server on this home, with `flags` set otherwise than production sets them."""
    server = postgres.start(home, **flags)
    try:
        yield Machine(server, home)
    finally:
        server.stop()


def pgbench(machine: Machine, seconds: int, scale: int) -> float:
    """TPC-B-like transactions per second: 16 clients, 2 threads, on the server that everything else runs on."""
    with machine.database("tpcb") as url:
        base = [str(postgres.binary("pgbench")), "-h", parse_qs(urlsplit(url).query)["host"][0], "-U", "entrepot"]
        subprocess.run([*base, "-i", "-q", "-s", str(scale), "tpcb"], check=True, capture_output=True)
        done = subprocess.run(
            [*base, "-c", "16", "-j", "2", "-T", str(seconds), "tpcb"], check=True, capture_output=True, text=True
        )
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    return float(found[1])


@dataclass(frozen=True)
class Web:
    """The production server: `pid` is its first process, `port` where it listens on loopback."""

    pid: int
    port: int


@contextmanager
def serving(machine: Machine, url: str, workers: int = 2) -> Iterator[Web]:
    """`entrepot up` on the database at `url`, as in production: web processes, and the worker beside them."""
    port = free_port()
    environment = os.environ | {
        "ENTREPOT_DATABASE_URL": url,
        "ENTREPOT_HOME": str(machine.home),
        "ENTREPOT_SECRET": SECRET,
        "ENTREPOT_HOST": "127.0.0.1",
        "ENTREPOT_PORT": str(port),
        "ENTREPOT_WORKERS": str(workers),
        "ENTREPOT_RATE_PER_S": "1000000",  # counted as ever, but the load comes from one address
    }
    with (machine.home / "server.log").open("wb") as log:
        command = [str(Path(sys.executable).with_name("entrepot")), "up"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _await_ready(process, port, machine.home / "server.log")
        yield Web(process.pid, port)
    finally:
        _stop(process)


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    began = time.monotonic()
    while time.monotonic() - began < READY_MAX_S and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the server to leave; what is left of its own session after that is killed."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A free port of loopback, below those that the system gives to clients (Linux: from 32,768 on): a client of any
    program on the machine could take one of them before the server that it is for has started."""
    while True:
        port = Random().randrange(10_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def cpu_s(*roots: int) -> float:
    """CPU seconds, user and system, that these processes and all below them have used, those that ended included."""
    ticks, parents = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            # What follows the command's name in brackets: state, parent, ..., utime, stime, cutime, cstime.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    return sum(used for pid, used in ticks.items() if _below(pid, roots, parents)) / TICKS_PER_S


def _below(pid: int, roots: tuple[int, ...], parents: dict[int, int]) -> bool:
    while pid not in roots:
        if pid not in parents:
            return False
        pid = parents[pid]
    return True
