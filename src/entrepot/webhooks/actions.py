"""Saying where something is to be told, and noting what is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from entrepot import orders
from entrepot.kit.auth import Keys
from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.events import Event
from entrepot.kit.ids import NIL, named_id, new_id
from entrepot.kit.problem import NotFound
from entrepot.webhooks import rules, store
from entrepot.webhooks.rules import Told
from entrepot.webhooks.types import (
    DeliveryIsDue,
    Endpoint,
    EndpointIs,
    Made,
    TooManyEndpoints,
    UnknownTypes,
)


async def note(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    """Writes the messages that follow from events of a cell; once, however often these are handed over."""
    if not await tx.one(store.IS_ANY_ON):
        return
    asked = sorted({id_ for event in events for id_ in rules.orders_of(event)})
    parties = await orders.parties(tx, cell, asked) if asked else {}
    sellers = {id_: one.seller_id for id_, one in parties.items() if one.seller_id is not None}
    told = [one for event in events for one in rules.told(event, sellers)]
    owners = sorted({one.seller_id for one in told} | {NIL})
    listening = await tx.all(store.LISTENING, owners=owners)
    pairs = [
        (one, endpoint)
        for one in told
        for endpoint in listening
        if endpoint.owner_id in (one.seller_id, NIL) and one.type in endpoint.types and one.at >= endpoint.created_at
    ]
    if pairs:
        await _write(tx, cell, pairs)


async def _write(tx: Tx, cell: int, pairs: Sequence[tuple[Told, store.Listening]]) -> None:
    """A seller's endpoints and the operator's are sent the same."""
    shown = sorted({one.order_id for one, _ in pairs if one.order_id is not None})
    briefs = await orders.briefs(tx, cell, shown) if shown else {}
    bodies = {
        one.id: rules.body(one.id, one.type, one.at, one.facts, briefs[one.order_id] if one.order_id else None)
        for one, _ in pairs
    }
    rows = [(to.id, one.id, one.type, one.subject_id, bodies[one.id], one.at) for one, to in pairs]
    columns = ("endpoints", "ids", "types", "subjects", "bodies", "ats")
    values = zip(*rows, strict=True)
    await tx.run(
        store.NOTE, cell=cell, now=tx.now,
        **{name: list(column) for name, column in zip(columns, values, strict=True)},
    )  # fmt: skip


async def add(tx: Tx, keys: Keys, owner_id: UUID, url: str, types: Sequence[str], *, private: bool) -> Made:
    """A new endpoint of a seller, or of the house (nil): what happens from now on is told there. Raises
    EndpointNotValid, UnknownTypes, TooManyEndpoints."""
    chosen = _chosen(url, types, private=private)
    await tx.one(store.LOCK_OWNER, owner_id=owner_id)
    if len(await tx.all(store.OWN, owner_id=owner_id)) >= rules.ENDPOINTS:
        raise TooManyEndpoints(rules.ENDPOINTS)
    made = Made(new_id(tx.now), rules.new_secret())
    await tx.run(
        store.ADD, id=made.id, owner_id=owner_id, url=url, types=chosen, secret=keys.encrypt(made.secret.encode()),
        now=tx.now,
    )  # fmt: skip
    return made


async def change(tx: Tx, owner_id: UUID, id_: UUID, url: str, types: Sequence[str], *, private: bool) -> None:
    """Says where, and what of, from now on; what waits goes to the new address, too. Raises NotFound, EndpointNotValid,
    UnknownTypes."""
    before = await _lock(tx, owner_id, id_)
    chosen = _chosen(url, types, private=private)
    tx.was(url=before.url, types=before.types)
    await tx.run(store.CHANGE, id=id_, url=url, types=chosen, now=tx.now)


def _chosen(url: str, types: Sequence[str], *, private: bool) -> list[str]:
    rules.require_address(url, private=private)
    if unknown := sorted(set(types) - set(rules.NAMES)):
        raise UnknownTypes(unknown)
    return sorted(set(types))


async def rotate(tx: Tx, keys: Keys, owner_id: UUID, id_: UUID) -> Made:
    """Another secret; for OLD_SECRET what is sent is signed with both. Raises NotFound."""
    await _lock(tx, owner_id, id_)
    made = Made(id_, rules.new_secret())
    sealed = keys.encrypt(made.secret.encode())
    await tx.run(store.ROTATE, id=id_, secret=sealed, old_until=tx.now + rules.OLD_SECRET)
    return made


async def turn_on(tx: Tx, owner_id: UUID, id_: UUID) -> None:
    """Sends what waits, and what happens from now on; what happened while it was off is told nowhere. Raises NotFound,
    EndpointIs."""
    if (await _lock(tx, owner_id, id_)).status == "on":
        raise EndpointIs("on")
    await tx.run(store.TURN_ON, id=id_, now=tx.now)
    for cell in await cells(tx):
        await tx.run(store.WAKE, cell=cell, endpoint_id=id_, now=tx.now)


async def turn_off(tx: Tx, owner_id: UUID, id_: UUID) -> None:
    """Nothing is sent any more, and nothing noted. Raises NotFound, EndpointIs."""
    if (await _lock(tx, owner_id, id_)).status == "off":
        raise EndpointIs("off")
    await tx.run(store.TURN_OFF, id=id_, reason="owner")


async def remove(tx: Tx, owner_id: UUID, id_: UUID) -> None:
    """It is gone for its owner, and its address and secrets for everybody. Raises NotFound."""
    tx.was(url=(await _lock(tx, owner_id, id_)).url)
    await tx.run(store.REMOVE, id=id_)


async def test(tx: Tx, cell: int, owner_id: UUID, id_: UUID) -> UUID:
    """Sends something that tells nothing, once a minute however often it is asked for; its id. Raises NotFound,
    EndpointIs."""
    if (await _lock(tx, owner_id, id_)).status != "on":
        raise EndpointIs("off")
    minute = tx.now.replace(second=0, microsecond=0)
    event_id = named_id(minute, f"webhook test {id_}")
    await tx.run(
        store.NOTE, cell=cell, now=tx.now, endpoints=[id_], ids=[event_id], types=[rules.TEST], subjects=[event_id],
        bodies=[rules.test_body(event_id, minute)], ats=[minute],
    )  # fmt: skip
    return event_id


async def resend(tx: Tx, owner_id: UUID, id_: UUID, event_id: UUID) -> None:
    """Sends a message again, under the same id, whatever became of it. Raises NotFound, EndpointIs, DeliveryIsDue."""
    if (await _lock(tx, owner_id, id_)).status != "on":
        raise EndpointIs("off")
    cell = await tx.maybe(store.CELL_OF, endpoint_id=id_, id=event_id)
    if cell is None:
        raise NotFound
    if await tx.maybe(store.RESEND, cell=cell, endpoint_id=id_, id=event_id, now=tx.now) is None:
        raise DeliveryIsDue


async def _lock(tx: Tx, owner_id: UUID, id_: UUID) -> Endpoint:
    found = await tx.maybe(store.LOCK, id=id_, owner_id=owner_id)
    if found is None:
        raise NotFound
    return found


def secrets_of(keys: Keys, endpoint: Endpoint, now: datetime) -> list[str]:
    """What is sent now is signed with these. Raises ValueError when they were sealed with another ENTREPOT_SECRET."""
    sealed = [endpoint.secret]
    if endpoint.old_secret is not None and endpoint.old_until is not None and endpoint.old_until > now:
        sealed.append(endpoint.old_secret)
    return [keys.decrypt(one).decode() for one in sealed]
