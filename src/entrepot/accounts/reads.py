"""A user's own data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from entrepot.accounts import store
from entrepot.accounts.types import Address, Me, SavedAddress
from entrepot.kit.cells import FIRST
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound

MAX_ADDRESSES = 50
MAX_OPERATORS = 100


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


async def emails(tx: ReadTx, user_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The e-mails of those of the users who can sign in, or are guests, in whatever cell they are."""
    found = {row.user_id: row.email for row in await tx.all(store.EMAILS, user_ids=user_ids)}
    if len(found) == len(set(user_ids)):
        return found
    return found | {row.user_id: row.email for row in await tx.all(store.GUEST_EMAILS, user_ids=user_ids)}


async def staff(tx: ReadTx, cell: int, seller_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Who works for these sellers of a cell."""
    found: dict[UUID, list[UUID]] = {}
    for row in await tx.all(store.STAFF, cell=cell, seller_ids=seller_ids):
        assert row.seller_id is not None, "seller staff have a seller"
        found.setdefault(row.seller_id, []).append(row.user_id)
    return found


async def operators(tx: ReadTx) -> list[UUID]:
    """Who works for the operator, at most MAX_OPERATORS."""
    return [row.user_id for row in await tx.all(store.OPERATORS, cell=FIRST, limit=MAX_OPERATORS)]


async def addresses(tx: ReadTx, cell: int, user_id: UUID) -> list[SavedAddress]:
    """A user's addresses, oldest first and the default last."""
    return await tx.all(store.ADDRESSES, cell=cell, user_id=user_id, limit=MAX_ADDRESSES)


async def countries_of(tx: ReadTx, cell: int, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], str]:
    """Of these (user, address): the countries of the addresses that are that user's, by both."""
    user_ids, ids = [user for user, _ in pairs], [id_ for _, id_ in pairs]
    found = await tx.all(store.COUNTRIES_OF, cell=cell, user_ids=user_ids, ids=ids)
    return {(row.user_id, row.id): row.country for row in found}


async def address(tx: ReadTx, cell: int, user_id: UUID, address_id: UUID) -> Address:
    """One of the user's addresses, also one that was deleted: for what was ordered to it. Raises NotFound, also for
    somebody else's."""
    found = await tx.maybe(store.ADDRESS, cell=cell, id=address_id, user_id=user_id)
    if found is None:
        raise NotFound
    return found


async def saved_address(tx: ReadTx, cell: int, user_id: UUID, address_id: UUID) -> SavedAddress:
    """One of the addresses that a user has now. Raises NotFound, also for somebody else's."""
    found = await tx.maybe(store.SAVED_ADDRESS, cell=cell, id=address_id, user_id=user_id)
    if found is None:
        raise NotFound
    return found
