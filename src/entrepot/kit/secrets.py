"""Secrets of connectors (webhook keys, credentials): encrypted by the application before they reach a row."""

from __future__ import annotations

from entrepot.kit.auth import Keys
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.sql import sql

_PUT = sql("""
    insert into kit.secret (name, ciphertext, updated_at) values (:name, :ciphertext, :now)
    on conflict (name) do update set ciphertext = excluded.ciphertext, updated_at = excluded.updated_at
""")
_GET = sql("select ciphertext from kit.secret where name = :name", bytes)


async def put_secret(tx: Tx, keys: Keys, name: str, plain: bytes) -> None:
    await tx.run(_PUT, name=name, ciphertext=keys.encrypt(plain), now=tx.now)


async def get_secret(tx: ReadTx, keys: Keys, name: str) -> bytes | None:
    """Raises ValueError when it was sealed with another ENTREPOT_SECRET."""
    sealed = await tx.maybe(_GET, name=name)
    return None if sealed is None else keys.decrypt(sealed)
