"""A deployment that is rehearsed: the real server, and what is on its PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from entrepot.world import market
from entrepot.world.rehearse import ground, plan, run
from tests.api.server import Server, environment, serving

SIZES = market.Sizes(sellers=3, offers=40, buyers=5, history=0)
TINY = ["--up-to", "5", "--step", "1", "--p99", "60000", "--speed", "4500"]
"""Five seconds of load."""


@contextmanager
def deployment(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The real server on the database at `url`, which this process's `entrepot` knows as its deployment."""
    with serving(url, folder, ENTREPOT_WORKERS="2", ENTREPOT_RATE_PER_S="50") as server:
        for name, value in environment(url, folder, ENTREPOT_PORT=str(server.port)).items():
            if name.startswith("ENTREPOT_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setattr(ground, "HISTORY", 13)
        monkeypatch.setattr(plan, "WARM_S", 1.0)
        monkeypatch.setattr(run, "SETTLE_S", 0.2)
        yield server


def rehearsals(url: str) -> set[str]:
    """The databases of rehearsals that there are on the server."""
    return {row[0] for row in fetch(url, "select datname from pg_database where datname like 'entrepot_rehearsal_%'")}


def fetch(url: str, text: str) -> list[Any]:
    async def read() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(text))
        finally:
            await connection.close()

    return asyncio.run(read())
