"""Sessions that were ended before their time, as a process knows them: read once a second while anybody asks."""

from __future__ import annotations

from uuid import UUID

from entrepot.accounts import store
from entrepot.kit.auth import SESSION_TTL, Caller
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.glance import Glance


class Sessions:
    """Few are ended, and after SESSION_TTL they have expired: they fit in memory, and no request asks for its own."""

    def __init__(self, db: Database) -> None:
        self._glance: Glance[dict[UUID, int]] = Glance(db, _read)

    async def are_ended(self, caller: Caller) -> bool:
        """Whether this one is. Raises DatabaseAway."""
        return (await self._glance.get()).get(caller.user_id, 0) > caller.generation

    async def refresh(self) -> None:
        """For the process in which they were ended: here it is known at once, elsewhere in a second."""
        await self._glance.refresh()


async def _read(tx: ReadTx, _: dict[UUID, int] | None) -> dict[UUID, int]:
    return {row.user_id: row.generation for row in await tx.all(store.ENDED, since=tx.now - SESSION_TTL)}
