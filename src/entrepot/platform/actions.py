"""Turning things off for a while, and on again: each change is a row, an event and a line in the log. Noting what a
rehearsal has measured."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.log import log
from entrepot.kit.problem import Malformed
from entrepot.platform import store
from entrepot.platform.types import LONGEST, Rehearsal, Switch


async def turn_off(tx: Tx, switch: Switch, user_id: UUID, for_: timedelta, why: str) -> None:
    """Off for so long from now on, whatever was said before. Raises Malformed for no time, or for more than LONGEST."""
    if not timedelta() < for_ <= LONGEST:
        raise Malformed(f"something is off for up to {LONGEST.days} days")
    await tx.one(store.LOCK)
    await tx.all(store.END, name=switch, user_id=user_id, now=tx.now)
    id_, until = new_id(tx.now), tx.now + for_
    await tx.run(store.ADD, id=id_, name=switch, user_id=user_id, why=why, now=tx.now, until=until)
    tx.emit("switch_turned_off", id_, {"name": switch, "user_id": user_id, "until": until})
    log("switch_turned_off", name=switch, by=user_id, until=until)


async def turn_on(tx: Tx, switch: Switch, user_id: UUID) -> None:
    """On from now on; what is on already stays so."""
    await tx.one(store.LOCK)
    for id_ in await tx.all(store.END, name=switch, user_id=user_id, now=tx.now):
        _tell_on(tx, id_, switch, user_id)


async def note_ended(tx: Tx, cell: int) -> int:
    """Notes what is on again because its time has come; how many. `cell` is not asked: switches are for all."""
    assert cell >= 0, "a timer of the worker's"
    ended = await tx.all(store.END_DUE, now=tx.now)
    for row in ended:
        _tell_on(tx, row.id, row.name, NIL)
    return len(ended)


async def note_rehearsal(tx: Tx, found: Rehearsal) -> None:
    """Keeps what a rehearsal has measured, for campaigns to take their rates from. It is told to nobody: of what
    happens in the shop a rehearsal is no part."""
    await tx.run(store.ADD_REHEARSAL, **msgspec.structs.asdict(found))


def _tell_on(tx: Tx, id_: UUID, name: str, user_id: UUID) -> None:
    tx.emit("switch_turned_on", id_, {"name": name, "user_id": user_id})
    log("switch_turned_on", name=name, by=user_id)
