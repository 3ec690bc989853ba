"""Doing what may need a second person, and being the second person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.approvals import store
from entrepot.approvals.types import (
    DAY,
    EXPIRES,
    NO_AMOUNT,
    Action,
    ApprovalOver,
    Args,
    Asked,
    NotByYourself,
    Request,
)
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id, show
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import NotFound

ACTIONS: dict[str, Action[Any]] = {}
"""Every action that a room has declared, by its name."""


class _TriedError(Exception):
    """It would be done: so it may be asked for."""


def action(
    name: str,
    args: type[Args],
    perform: Callable[[Tx, Args, UUID], Awaitable[Any]],
    weigh: Callable[[Tx, Args], Awaitable[tuple[str, int]]] | None = None,
) -> Action[Args]:
    """Declares an action; without `weigh` it has no amount."""
    assert name not in ACTIONS, f"{name} is declared twice"
    declared = Action(name, args, perform, weigh or _unweighed)
    ACTIONS[name] = declared
    return declared


async def _unweighed(_: Tx, __: Any) -> tuple[str, int]:
    return NO_AMOUNT


async def do(tx: Tx, what: Action[Args], args: Args, user_id: UUID) -> Asked | None:
    """Does it, or keeps it for another operator when it is more than this one may do alone. Raises what the action
    does, in both cases."""
    currency, amount_minor = await what.weigh(tx, args)
    if await _is_within(tx, what.name, currency, amount_minor, user_id):
        await what.perform(tx, args, user_id)
        return None
    return await _ask(tx, what, args, user_id, currency, amount_minor)


async def _ask(
    tx: Tx, what: Action[Args], args: Args, user_id: UUID, currency: str = NO_AMOUNT[0], amount_minor: int = 0
) -> Asked:
    try:
        async with tx.savepoint():
            await what.perform(tx, args, user_id)
            raise _TriedError
    except _TriedError:
        id_ = new_id(tx.now)
    await tx.run(
        store.ADD, id=id_, action=what.name, args=msgspec.to_builtins(args), currency=currency,
        amount_minor=amount_minor, user_id=user_id, now=tx.now, expires_at=tx.now + EXPIRES,
    )  # fmt: skip
    tx.emit("approval_asked", id_, {"action": what.name, "user_id": user_id})
    return Asked(show("apr", id_))


async def _is_within(tx: Tx, name: str, currency: str, amount_minor: int, user_id: UUID) -> bool:
    """Whether one may do this alone; then it counts for a day. A currency without a limit, of an action that has some,
    has none to be within."""
    limits = {limit.currency: limit.limit_minor for limit in await tx.all(store.LOCK_LIMITS, action=name)}
    if not limits:
        return True
    of = {"action": name, "currency": currency, "user_id": user_id}
    limit = limits.get(currency, 0)
    spent = await tx.one(store.SPENT, since=tx.now - DAY, **of)
    if not limit or spent + amount_minor > limit:
        return False
    await tx.run(store.ADD_DONE, id=new_id(tx.now), amount_minor=amount_minor, limit_minor=limit, now=tx.now, **of)
    return True


async def approve(tx: Tx, request_id: UUID, user_id: UUID, note: str) -> None:
    """Does what was asked for. Raises NotFound, ApprovalOver, NotByYourself, and what the action raises: then it still
    waits."""
    request = await _open(tx, request_id)
    if request.asked_by == user_id:
        raise NotByYourself
    await _decide(tx, request, "approved", user_id, note)
    what = ACTIONS[request.action]
    await what.perform(tx, msgspec.convert(request.args, what.args), request.asked_by)
    tx.emit("approval_given", request_id, {"action": request.action, "user_id": user_id})


async def refuse(tx: Tx, request_id: UUID, user_id: UUID, note: str) -> None:
    """It is not done; whoever asked for it may take it back so, too. Raises NotFound, ApprovalOver."""
    request = await _open(tx, request_id)
    await _decide(tx, request, "refused", user_id, note)
    tx.emit("approval_refused", request_id, {"action": request.action, "user_id": user_id})


async def _open(tx: Tx, request_id: UUID) -> Request:
    request = await tx.maybe(store.LOCK, id=request_id)
    if request is None:
        raise NotFound
    if request.status != "waiting" or request.expires_at <= tx.now:
        raise ApprovalOver("expired" if request.status == "waiting" else request.status)
    return request


async def _decide(tx: Tx, request: Request, status: str, user_id: UUID, note: str) -> None:
    tx.was(action=request.action, args=request.args, asked_by=show("usr", request.asked_by))
    await tx.run(store.DECIDE, id=request.id, status=status, user_id=user_id, now=tx.now, note=note)


class NewLimit(msgspec.Struct, frozen=True):
    """What one operator may do alone of `action` in 24 hours; None ends the limit."""

    action: str
    currency: str
    limit_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] | None


async def set_limit(tx: Tx, new: NewLimit, user_id: UUID) -> Asked | None:
    """Sets or ends a limit; whoever would be allowed more by it than before needs a second person. Raises NotFound for
    an action that there is not, and for the end of a limit that there is not."""
    if new.action not in ACTIONS:
        raise NotFound
    limits = {limit.currency: limit.limit_minor for limit in await tx.all(store.LOCK_LIMITS, action=new.action)}
    if new.limit_minor is None and new.currency not in limits:
        raise NotFound
    ends_the_last = new.limit_minor is None and len(limits) == 1
    if limits and (ends_the_last or (new.limit_minor or 0) > limits.get(new.currency, 0)):
        return await _ask(tx, LOOSEN, new, user_id)
    await _set(tx, new, user_id)
    return None


async def _set(tx: Tx, new: NewLimit, user_id: UUID) -> None:
    of = {"action": new.action, "currency": new.currency}
    limits = {limit.currency: limit.limit_minor for limit in await tx.all(store.LOCK_LIMITS, action=new.action)}
    tx.was(limit_minor=limits.get(new.currency))
    if new.limit_minor is None:
        await tx.maybe(store.DROP_LIMIT, **of)
    else:
        await tx.run(store.SET_LIMIT, limit_minor=new.limit_minor, user_id=user_id, now=tx.now, **of)


LOOSEN = action("loosen_limit", NewLimit, _set)
