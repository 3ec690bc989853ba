"""Approvals and their limits over HTTP, for operators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.approvals import actions, reads
from entrepot.approvals.actions import NewLimit
from entrepot.approvals.reads import LimitView, RequestView
from entrepot.approvals.types import ApprovalOver, Asked, NotByYourself
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, get, post, put
from entrepot.kit.ids import parse, ref
from entrepot.kit.money import MAX_MINOR

ApprovalPath = Annotated[UUID, "apr"]


class ApprovalsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before; with `over` what was decided or expired, the latest first."""

    after: Annotated[str, ref("apr")] | None = None
    over: bool = False


class Approvals(msgspec.Struct, frozen=True):
    items: list[RequestView]


class Limits(msgspec.Struct, frozen=True):
    items: list[LimitView]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    note: Annotated[str, Meta(max_length=500)] = ""


class AloneLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In 24 hours, in minor units of `currency` (XXX for what has no amount: 0 lets nobody do it alone). Null ends the
    limit. As soon as an action has a limit, other currencies have none to be within."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    limit_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] | None


async def list_approvals(tx: ReadTx, query: ApprovalsQuery) -> Approvals:
    """What operators have asked for and another has to approve, the oldest first."""
    at = None if query.after is None else parse("apr", query.after)
    return Approvals(await (reads.over(tx, at) if query.over else reads.waiting(tx, at)))


async def approve(tx: Tx, caller: Caller, approval_id: ApprovalPath, body: Decision) -> None:
    """Does what another operator has asked for."""
    await actions.approve(tx, approval_id, caller.user_id, body.note)


async def refuse(tx: Tx, caller: Caller, approval_id: ApprovalPath, body: Decision) -> None:
    """Refuses what another operator has asked for, or takes back what one has asked for oneself."""
    await actions.refuse(tx, approval_id, caller.user_id, body.note)


async def list_approval_limits(tx: ReadTx) -> Limits:
    """What one operator may do alone in a day, by action and currency."""
    return Limits(await reads.limits(tx))


async def set_approval_limit(tx: Tx, caller: Caller, action: str, body: AloneLimit) -> Asked | None:
    """Says what one operator may do alone; what allows more than before waits for another to approve it."""
    return await actions.set_limit(tx, NewLimit(action, body.currency, body.limit_minor), caller.user_id)


routes = [
    get("/v1/operator/approvals", list_approvals, access=OPERATOR),
    post(
        "/v1/operator/approvals/{approval_id}/approve", approve, access=OPERATOR, key="taken",
        raises=(ApprovalOver, NotByYourself),
    ),
    post(
        "/v1/operator/approvals/{approval_id}/refuse", refuse, access=OPERATOR, key="taken", raises=(ApprovalOver,),
    ),
    get("/v1/operator/approval-limits", list_approval_limits, access=OPERATOR),
    put("/v1/operator/approval-limits/{action}", set_approval_limit, access=OPERATOR, status=202, key="taken"),
]  # fmt: skip
