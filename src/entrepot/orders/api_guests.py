"""What an account bought as a guest before, over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request

from entrepot.accounts import Session, session_of
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx
from entrepot.kit.http import BUYER, get, post
from entrepot.orders import guests
from entrepot.orders.reads import GroupBrief

GroupPath = Annotated[UUID, "grp"]


class GuestGroups(msgspec.Struct, frozen=True):
    items: list[GroupBrief]


async def list_guest_groups(tx: ReadTx, caller: Caller) -> GuestGroups:
    """What guests of the caller's e-mail, which it has proven, have bought."""
    return GuestGroups(await guests.guest_groups(tx, caller.user_id))


async def open_guest_group(tx: ReadTx, request: Request, caller: Caller, group_id: GroupPath) -> Session:
    """A session for one of these purchases."""
    return session_of(request, await guests.open_guest_group(tx, caller.user_id, group_id))


routes = [
    get("/v1/guest-groups", list_guest_groups, access=BUYER),
    post("/v1/guest-groups/{group_id}/session", open_guest_group, access=BUYER, status=201),
]
