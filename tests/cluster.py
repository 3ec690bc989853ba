"""A fresh database of four cells, spread by a running Citus: ENTREPOT_CITUS_URL names a database of its coordinator,
where the nodes are known. It may create databases, and reaches the nodes by the names that they have there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import asyncpg

from entrepot import cells
from entrepot.kit.migrate import migrate

URL = os.environ.get("ENTREPOT_CITUS_URL")
CELLS = 4
_serial = count(1)


@contextmanager
def database() -> Iterator[str]:
    assert URL is not None
    name = f"entrepot_{os.getpid()}_{next(_serial)}"
    url = urlsplit(URL)._replace(path=f"/{name}").geturl()
    nodes = asyncio.run(_create(URL, name))
    asyncio.run(_furnish(url, nodes))
    yield url
    asyncio.run(_drop(URL, name))


async def _create(url: str, name: str) -> list[asyncpg.Record]:
    """The nodes, the coordinator first, each with the empty database."""
    nodes = await _run(url, "select nodename, nodeport from pg_dist_node where noderole = 'primary' order by groupid")
    for node in nodes:
        await _run(_at(url, node), f"create database {name}")
        await _run(_at(urlsplit(url)._replace(path=f"/{name}").geturl(), node), "create extension citus")
    return nodes


async def _furnish(url: str, nodes: list[asyncpg.Record]) -> None:
    for number, node in enumerate(nodes):
        register = "citus_add_node" if number else "citus_set_coordinator_host"
        await _run(url, f"select {register}('{node['nodename']}', {node['nodeport']})")
    await migrate(url)
    for _ in range(1, CELLS):
        await cells.add(url)
    await cells.init(url)


async def _drop(url: str, name: str) -> None:
    for node in await _run(url, "select nodename, nodeport from pg_dist_node where noderole = 'primary'"):
        await _run(_at(url, node), f"drop database {name} with (force)")


def _at(url: str, node: asyncpg.Record) -> str:
    parts = urlsplit(url)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{user}{node['nodename']}:{node['nodeport']}").geturl()


async def _run(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()
