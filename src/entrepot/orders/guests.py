"""The purchases of guests: what a session for one of them reaches, and whose else they are."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request

from entrepot import accounts
from entrepot.accounts import Member
from entrepot.kit.auth import Caller
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.ids import parse
from entrepot.kit.problem import NotFound
from entrepot.kit.sql import sql
from entrepot.orders import reads
from entrepot.orders.reads import GroupBrief

IS_OF_GROUP = sql(
    """
    select exists (select from orders.order where cell = any (array(select c.cell from kit.cell c)) and id = :order_id
                      and group_id = :group_id)
    """,
    bool,
)


BUYER_OF_GROUP = sql(
    """
    select buyer_id from orders.order_group
     where cell = any (array(select c.cell from kit.cell c)) and id = :group_id
    """,
    UUID,
)


async def reach(request: Request, caller: Caller) -> bool:
    """Whether a request is about the one purchase that its session is for: by the group or the order in its path."""
    params = request.path_params
    try:
        if "group_id" in params:
            return parse("grp", params["group_id"]) == caller.only
        order_id = parse("ord", params.get("order_id", ""))
    except ValueError:
        return False
    db: Database = request.app.state.db
    async with db.read() as tx:
        return await tx.one(IS_OF_GROUP, order_id=order_id, group_id=caller.only)


async def guest_groups(tx: ReadTx, user_id: UUID) -> list[GroupBrief]:
    """What guests of the e-mail that an account has proven have bought, the latest first, at most PAGE."""
    found: list[GroupBrief] = []
    for cell, guest in await accounts.same_email(tx, user_id):
        found += await reads.buyer_groups(tx, cell, guest)
    return sorted(found, key=lambda group: group.id, reverse=True)[: reads.PAGE]


async def open_guest_group(tx: ReadTx, user_id: UUID, group_id: UUID) -> Member:
    """One of these, for the account. Raises NotFound."""
    buyer_id = await tx.maybe(BUYER_OF_GROUP, group_id=group_id)
    if buyer_id is None:
        raise NotFound
    return await accounts.open_own(tx, user_id, buyer_id, group_id)
