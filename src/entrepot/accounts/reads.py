"""A user's own data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from entrepot.accounts import store
from entrepot.accounts.types import Address, Me
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound

MAX_ADDRESSES = 50


async def me(tx: ReadTx, cell: int, user_id: UUID) -> Me:
    """Raises NotFound."""
    found = await tx.maybe(store.ME, cell=cell, user_id=user_id)
    if found is None:
        raise NotFound
    return found


async def member_since(tx: ReadTx, cell: int, user_id: UUID) -> datetime:
    """When a user came."""
    return await tx.one(store.SINCE, cell=cell, user_id=user_id)


async def cell_of(tx: ReadTx, user_id: UUID) -> int:
    """The cell in which a user's wallet and purchases are. Raises NotFound."""
    found = await tx.maybe(store.CELL_OF, user_id=user_id)
    if found is None:
        raise NotFound
    return found


async def names(tx: ReadTx, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """What users are called, of those that have a name."""
    return {row.user_id: row.name for row in await tx.all(store.NAMES, ids=list(user_ids))} if user_ids else {}


async def addresses(tx: ReadTx, cell: int, user_id: UUID) -> list[Address]:
    """A user's addresses, oldest first."""
    return await tx.all(store.ADDRESSES, cell=cell, user_id=user_id, limit=MAX_ADDRESSES)


async def countries_of(tx: ReadTx, cell: int, pairs: Sequence[tuple[UUID, UUID]]) -> dict[UUID, str]:
    """Of these (user, address): the countries of the addresses that are that user's, by address."""
    user_ids, ids = [user for user, _ in pairs], [id_ for _, id_ in pairs]
    return {row.id: row.country for row in await tx.all(store.COUNTRIES_OF, cell=cell, user_ids=user_ids, ids=ids)}


async def address(tx: ReadTx, cell: int, user_id: UUID, address_id: UUID) -> Address:
    """One of the user's addresses. Raises NotFound, also for somebody else's."""
    found = await tx.maybe(store.ADDRESS, cell=cell, id=address_id, user_id=user_id)
    if found is None:
        raise NotFound
    return found
