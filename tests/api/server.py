"""The real server, Granian with one process, on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.machine import free_port

SECRET = "the secret of the tests, which is long enough"
READY_MAX_S = 30
NO_GATEWAY = {"ENTREPOT_SANDBOX_URL": "http://127.0.0.1:1", "ENTREPOT_CUSTOMS_URL": "http://127.0.0.1:1"}
ENTREPOT = (sys.executable, "-c", "import sys; from entrepot.cli import main; sys.exit(main())")


@dataclass
class Server:
    url: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """All that it logged."""
        return self.log.read_text()


def environment(database_url: str, home: Path, **settings: str) -> dict[str, str]:
    """What the command `entrepot` is told, and nothing of what these tests were told. None of those who use this pays
    at a gateway, so that `up` need start none: one process less."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    given = {"ENTREPOT_DATABASE_URL": database_url, "ENTREPOT_HOME": str(home), "ENTREPOT_SECRET": SECRET}
    return kept | given | NO_GATEWAY | {"ENTREPOT_WORKERS": "1", "ENTREPOT_RATE_PER_S": "0"} | settings


@contextmanager
def serving(database_url: str, home: Path, **settings: str) -> Iterator[Server]:
    """`entrepot up`, from when it answers until it has stopped."""
    port = free_port()
    log = home / "server.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*ENTREPOT, "up", "--port", str(port)],
            env=environment(database_url, home, **settings), stdout=subprocess.DEVNULL, stderr=sink,
        )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}", port, log, process)
    try:
        _await_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _await_ready(server: Server) -> None:
    until = time.monotonic() + READY_MAX_S
    while True:
        try:
            if httpx.get(f"{server.url}/healthz", trust_env=False, verify=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert server.process.poll() is None, server.said()
        assert time.monotonic() < until, server.said()
        time.sleep(0.1)
