"""Sessions: how one is handed out, and those that were ended before their time, as a process knows them."""

from __future__ import annotations

from uuid import UUID

import msgspec
from starlette.requests import Request

from entrepot.accounts import store
from entrepot.accounts.types import Member
from entrepot.kit import ids
from entrepot.kit.auth import SESSION_TTL, Caller, Keys, Role
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.glance import Glance


class Sessions:
    """Read once a second while anybody asks. Few are ended, and after SESSION_TTL they have expired: they fit in
    memory, and no request asks for its own."""

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


class Session(msgspec.Struct, frozen=True):
    """Send `token` as `Authorization: Bearer`."""

    user_id: str
    role: Role
    token: str
    expires_at: str


def session_of(request: Request, member: Member) -> Session:
    """A session that begins now."""
    keys: Keys = request.app.state.keys
    db: Database = request.app.state.db
    now = db.clock.now()
    token = keys.session(
        member.role, member.user_id, now, cell=member.cell, seller_id=member.seller_id, generation=member.generation,
        guest=member.guest, only=member.only,
    )  # fmt: skip
    return Session(ids.show("usr", member.user_id), member.role, token, (now + SESSION_TTL).isoformat())
