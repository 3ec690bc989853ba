"""Migrations: numbered SQL files, forward only, each in one transaction with the row that says it ran."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import asyncpg

LOCK = 0x656E7472  # "entr": two migrators at once, the second waits and finds nothing to do


class MigrationError(Exception):
    """Says in one line what stands in the way, and the remedy."""


def migrations() -> list[tuple[str, str]]:
    """(name, SQL text) of every migration, in order."""
    found = [item for item in files("entrepot.migrations").iterdir() if item.name.endswith(".sql")]
    return sorted((item.name, item.read_text()) for item in found if item.name[0].isdigit())


async def migrate(url: str) -> list[str]:
    """Runs what has not run yet on the database at `url`; the names of what ran. Raises MigrationError when the
    server is too old or a migration that ran has changed since."""
    conn = await asyncpg.connect(url)
    try:
        if conn.get_server_version().major < 15:
            raise MigrationError(f"PostgreSQL {conn.get_server_version().major} is too old; use 15 to 18.")
        await conn.execute("select pg_advisory_lock($1)", LOCK)
        await conn.execute(
            "create table if not exists public.entrepot_migration ("
            'name text collate "C" primary key, sha256 text not null)'
        )
        done = {row["name"]: row["sha256"] for row in await conn.fetch("select * from public.entrepot_migration")}
        ran = []
        for name, text in migrations():
            digest = hashlib.sha256(text.encode()).hexdigest()
            if name not in done:
                async with conn.transaction():
                    await conn.execute(text)
                    await conn.execute("insert into public.entrepot_migration values ($1, $2)", name, digest)
                ran.append(name)
            elif done[name] != digest:
                raise MigrationError(f"{name} has changed since it ran here; write a new migration instead.")
        unknown = sorted(set(done) - {name for name, _ in migrations()})
        if unknown:
            raise MigrationError(f"The database knows {unknown[-1]}, this program does not; install a newer entrepot.")
        return ran
    finally:
        await conn.close()
