"""Switches, rehearsals and the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot.kit.audit import Wanted
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post
from entrepot.kit.ids import NIL, parse, ref, show
from entrepot.kit.problem import Malformed, NotFound
from entrepot.platform import actions, reads
from entrepot.platform.reads import LineView
from entrepot.platform.types import LONGEST, SWITCHES, Off, Switch


class TurnOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For `for_s` seconds, because of `why`."""

    for_s: Annotated[int, Meta(ge=1, le=int(LONGEST.total_seconds()))]
    why: Annotated[str, Meta(min_length=1, max_length=200)]


class SwitchView(msgspec.Struct, frozen=True):
    """`off_until` is null while it is on."""

    name: str
    turns_off: str
    off_until: datetime | None


class ChangeView(msgspec.Struct, frozen=True):
    """Something that was off from `at` until `until`, or until `ended_at`; `by` null is the command,
    and `ended_by` null the command or the clock."""

    name: str
    why: str
    at: datetime
    until: datetime
    by: str | None
    ended_at: datetime | None
    ended_by: str | None


class Switchboard(msgspec.Struct, frozen=True):
    """`changes`: the latest 50, the latest first."""

    switches: list[SwitchView]
    changes: list[ChangeView]


class RehearsalView(msgspec.Struct, frozen=True):
    """Orders a second that were placed before the first limit was reached, and of them those that a waiting room may
    let in."""

    id: str
    at: datetime
    capacity_per_s: int
    admit_per_s: int
    forecast_per_s: int | None
    verdict: Literal["go", "no_go", "measured"]
    bottleneck: str


class Rehearsals(msgspec.Struct, frozen=True):
    """The latest 50, the latest first."""

    items: list[RehearsalView]


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before; `about` an id in the address or of what came of it; `route` words of
    the method and address."""

    after: Annotated[str, ref("aud")] | None = None
    user_id: Annotated[str, ref("usr")] | None = None
    route: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    about: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        for at in (self.since, self.until):
            if at is not None:
                require_calendar(at)


class OperatorAuditQuery(AuditQuery, frozen=True, forbid_unknown_fields=True):
    seller_id: Annotated[str, ref("sel")] | None = None


class AuditLines(msgspec.Struct, frozen=True):
    """The latest first, at most 50."""

    items: list[LineView]


async def list_audit(tx: ReadTx, query: OperatorAuditQuery) -> AuditLines:
    """Who of the operators and of sellers' staff did what."""
    return AuditLines(await reads.audit_lines(tx, _wanted(query, _id("sel", query.seller_id)), _id("aud", query.after)))


async def print_audit(tx: ReadTx, query: OperatorAuditQuery) -> Annotated[Response, "text/csv"]:
    """The same as a file, of at most 5,000 lines."""
    wanted, after = _wanted(query, _id("sel", query.seller_id)), _id("aud", query.after)
    lines = await reads.audit_lines(tx, wanted, after, reads.CSV_MAX)
    return Response(reads.audit_csv(lines), media_type="text/csv", headers={"content-type": "text/csv"})


async def list_own_audit(tx: ReadTx, caller: Caller, query: AuditQuery) -> AuditLines:
    """What the seller's own staff did."""
    return AuditLines(await reads.audit_lines(tx, _wanted(query, caller.seller), _id("aud", query.after)))


def _wanted(query: AuditQuery, seller_id: UUID | None) -> Wanted:
    return Wanted(_id("usr", query.user_id), seller_id, query.route, query.about, query.since, query.until)


def _id(prefix: str, shown: str | None) -> UUID | None:
    return None if shown is None else parse(prefix, shown)


async def list_switches(tx: ReadTx) -> Switchboard:
    """What can be switched off, what is, and who did it."""
    changes = await reads.changes(tx)
    off = {one.name: one.until for one in changes if one.ended_at is None and tx.now < one.until}
    switches = [SwitchView(name, text, off.get(name)) for name, text in SWITCHES.items()]
    return Switchboard(switches, [_view(one) for one in changes])


async def turn_off(tx: Tx, caller: Caller, name: str, body: TurnOff) -> None:
    """Switches something off for a while. It comes back by itself."""
    await actions.turn_off(tx, _switch(name), caller.user_id, timedelta(seconds=body.for_s), body.why)


async def turn_on(tx: Tx, caller: Caller, name: str) -> None:
    """Switches something on before its time."""
    await actions.turn_on(tx, _switch(name), caller.user_id)


async def list_rehearsals(tx: ReadTx) -> Rehearsals:
    """What rehearsals of a peak have measured (`entrepot rehearse`)."""
    found = await reads.rehearsals(tx)
    return msgspec.convert(
        {"items": [msgspec.structs.asdict(one) | {"id": show("reh", one.id)} for one in found]}, Rehearsals
    )


def _switch(name: str) -> Switch:
    try:
        return Switch(name)
    except ValueError:
        raise NotFound from None


def _view(off: Off) -> ChangeView:
    by, ended_by = (None if user is None or user == NIL else show("usr", user) for user in (off.user_id, off.ended_by))
    return ChangeView(off.name, off.why, off.at, off.until, by, off.ended_at, ended_by)


routes = [
    get("/v1/operator/audit", list_audit, access=OPERATOR),
    get("/v1/operator/audit.csv", print_audit, access=OPERATOR),
    get("/v1/seller/audit", list_own_audit, access=SELLER),
    get("/v1/operator/rehearsals", list_rehearsals, access=OPERATOR),
    get("/v1/operator/switches", list_switches, access=OPERATOR),
    post("/v1/operator/switches/{name}/off", turn_off, access=OPERATOR, raises=(Malformed,), key="taken"),
    post("/v1/operator/switches/{name}/on", turn_on, access=OPERATOR, key="taken"),
]
