"""The audit log: who of the operators and sellers' staff did what, to what, from where, and what was there before.

An act begins where a request comes in (kit.http, web.visit) and is written by the transaction that does it (kit.db), as
its last statement: nothing is done without its line, and a refusal leaves none. An action that overwrites something
says what was there: `tx.was(price_minor=100)`. Lines are never changed: the table itself refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from entrepot.kit.auth import Caller, Role
from entrepot.kit.ids import new_id
from entrepot.kit.sql import sql

if TYPE_CHECKING:
    from entrepot.kit.db import ReadTx, Tx

PAGE = 50
TEXT_MAX = 500
ITEMS_MAX = 50
"""Longer texts and lists are cut: a line says who did what, and what it made lies in its own room."""
NOT_KEPT = "..."
PRIVATE = frozenset({
    "account", "address", "birth_date", "birth_place", "city", "content", "email", "file", "first_name", "holder",
    "iban", "line1", "line2", "password", "payer", "phone", "postal_code", "recipient", "register_number", "tax_id",
    "text", "url", "vat_id",
})  # fmt: skip
"""Fields, of whatever body, that say who a person is, or are secret: in their place stands NOT_KEPT."""
BESIDE_A_NAME = {"password", "tax_id"}
"""In a body with one of these `name` is a person's, too."""


@dataclass(slots=True)
class Act:
    """What somebody is doing: `route` is the method and address with {names}, `address` the one that was asked, `said`
    the body, `origin` the network address. `before` is what was overwritten; `written`: its line is committed."""

    caller: Caller
    route: str
    address: str
    said: Any
    origin: str
    before: dict[str, Any] = field(default_factory=dict)
    written: bool = False


class Line(msgspec.Struct, frozen=True):
    """An act, and the events that came of it (`told`: kind and key)."""

    id: UUID
    at: datetime
    user_id: UUID
    role: str
    seller_id: UUID | None
    route: str
    address: str
    said: dict[str, Any]
    before: dict[str, Any]
    told: list[str]
    origin: str


class Wanted(msgspec.Struct, frozen=True):
    """Which lines: of a user, of a seller's staff, of routes with these words in them, with this id in the address or
    among what came of it (`about`), from a time on and up to a time."""

    user_id: UUID | None = None
    seller_id: UUID | None = None
    route: str | None = None
    about: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_acting: ContextVar[Act | None] = ContextVar("acting", default=None)

_WRITE = sql("""
    insert into kit.audit_line (cell, id, at, user_id, role, seller_id, route, address, said, before, told, names,
                                origin)
    values (:cell, :id, :now, :user_id, :role, :seller_id, :route, :address, :said, :before, :told, :names, :origin)
""")
_LINES = sql(
    """
    select id, at, user_id, role, seller_id, route, address, said, before, told, origin
      from kit.audit_line
     where cell = any (array(select c.cell from kit.cell c))
       and (:after::uuid is null or id < :after)
       and (:user_id::uuid is null or user_id = :user_id)
       and (:seller_id::uuid is null or seller_id = :seller_id)
       and (:route::text is null or strpos(route, :route) > 0)
       and (:about::text is null or names @> array[:about])
       and (:since::timestamptz is null or at >= :since)
       and (:until::timestamptz is null or at < :until)
     order by id desc
     limit :limit
    """,
    Line,
)


@contextmanager
def acting(caller: Caller | None, route: str, address: str, said: Any, origin: str) -> Iterator[None]:
    """What is committed inside is this act. Of buyers, and of nobody, no line is kept."""
    if caller is None or caller.role is Role.BUYER:
        yield
        return
    mark = _acting.set(Act(caller, route, address, said, origin))
    try:
        yield
    finally:
        _acting.reset(mark)


def begun() -> Act | None:
    """The act that a transaction which begins now is to write, if no other has: one act is one line."""
    act = _acting.get()
    return None if act is None or act.written else act


async def write(tx: Tx, act: Act, told: Sequence[tuple[str, UUID]]) -> None:
    """The line of an act, in the transaction that does it; `told` are its events."""
    caller = act.caller
    events = list(dict.fromkeys(told))[:ITEMS_MAX]
    names = {_name(part) for part in act.address.split("/") if "_" in part or part.isdigit()}
    await tx.run(
        _WRITE, cell=caller.cell, id=new_id(tx.now), now=tx.now, user_id=caller.user_id, role=caller.role,
        seller_id=caller.seller_id, route=act.route, address=act.address[:TEXT_MAX], said=_brief(_kept(act.said)),
        before=_brief(_veiled(act.before)), told=[f"{kind} {key.hex}" for kind, key in events],
        names=sorted(names | {key.hex for _, key in events}), origin=act.origin,
    )  # fmt: skip


async def lines(tx: ReadTx, wanted: Wanted, after: UUID | None = None, limit: int = PAGE) -> list[Line]:
    """The latest first; `after` is the last id of the page before."""
    asked = msgspec.structs.asdict(wanted) | {"about": _name(wanted.about) if wanted.about else None}
    return await tx.all(_LINES, after=after, limit=limit, **asked)


def _name(shown: str) -> str:
    """An id without the prefix that it is shown with."""
    return shown.rpartition("_")[2]


def _kept(said: Any) -> dict[str, Any]:
    if not isinstance(said, msgspec.Struct):
        return {}
    return _veiled(msgspec.to_builtins(said))


def _veiled(fields: dict[str, Any]) -> dict[str, Any]:
    names = PRIVATE | {"name"} if BESIDE_A_NAME & fields.keys() else PRIVATE
    return fields | {name: NOT_KEPT for name in names & fields.keys() if fields[name]}


def _brief(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return f"{value[:TEXT_MAX]}... ({len(value)})"
    if isinstance(value, dict):
        return {name: _brief(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_brief(inner) for inner in value[:ITEMS_MAX]]
    return value
