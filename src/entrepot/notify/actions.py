"""Noting who is to be told, and how they want to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot import accounts, approvals, chargebacks, disputes, orders, payments, reconciliation, sellers
from entrepot.kit.cells import FIRST
from entrepot.kit.db import Tx
from entrepot.kit.events import Event
from entrepot.kit.ids import NIL, named_id
from entrepot.kit.problem import NotFound
from entrepot.notify import rules, store
from entrepot.notify.types import NotFailed, Party, Preference

DIGEST_HOUR = 6
"""UTC."""
COUNTED = 50
"""A digest counts no further: then it says that there are so many at least."""
ONLY_BACK = ("canceled", "refunded")
"""Parts whose end is told: that of a dispute is told as the dispute's."""


class Telling(msgspec.Struct, frozen=True):
    """Something that a party is to be told: `to` is a buyer or a seller. `name` is its own among all tellings."""

    name: str
    kind: str
    party: Party
    to: UUID
    subject_id: UUID
    data: Mapping[str, Any]
    market: str
    at: datetime


async def note(tx: Tx, cell: int, events: Sequence[Event]) -> None:
    """Writes the messages that follow from events of a cell; once, however often these are handed over."""
    news = [event for event in events if event.at > tx.now - rules.NEWS]
    if not news:
        return
    asked = {UUID(id_) for event in news for id_ in event.data.get("orders", ())}
    asked |= {UUID(event.data["order_id"]) for event in news if "order_id" in event.data}
    of = await orders.parties(tx, cell, sorted(asked | {event.key for event in news}))
    await _write(tx, cell, [telling for event in news for telling in _tellings(event, of)])


def _tellings(event: Event, of: Mapping[UUID, orders.Parties]) -> Iterator[Telling]:
    """`of` says whose the orders and groups are that there are in the event's cell."""
    data, name = event.data, f"{event.kind} {event.key} {msgspec.json.encode(event.data, order='sorted').decode()}"
    about = of.get(UUID(data["order_id"]) if "order_id" in data else event.key)
    market = about.market if about else ""
    if event.kind == "order_part_ended" and data["kind"] not in ONLY_BACK:
        return
    for kind, party in rules.TOLD[event.kind]:
        if event.kind.startswith("group_") and party == "seller":
            for order_id in map(UUID, data["orders"]):
                order = of[order_id]
                assert order.seller_id is not None, "an order has a seller"
                yield Telling(f"{name} {order_id}", kind, party, order.seller_id, order_id, {}, "", event.at)
        elif event.kind in rules.SUBJECTS:
            subject = UUID(data[rules.SUBJECTS[event.kind]])
            yield Telling(name, kind, party, event.key, subject, data, "", event.at)
        elif event.kind == "refund_credited":  # it lies in the buyer's cell, its order may lie in another
            yield Telling(name, kind, party, UUID(data["buyer_id"]), event.key, data, market, event.at)
        elif event.kind == "email_to_prove":
            yield Telling(name, kind, party, event.key, event.key, data, "", event.at)
        elif about is not None:  # a group is told to its buyer by the buyer's own cell
            to = about.buyer_id if party == "buyer" else about.seller_id
            assert to is not None, "an order has a seller"
            yield Telling(name, kind, party, to, event.key, data, market, event.at)
    if event.kind.startswith("dispute_") and about is not None:
        yield from _reminders(event, about, name)


def _reminders(event: Event, about: orders.Parties, name: str) -> Iterator[Telling]:
    """Of the end of a turn, to whom it is; what is moot by then is not sent."""
    if event.data["due_at"] is None:
        return
    at = rules.remind_at(datetime.fromisoformat(event.data["due_at"]), event.at)
    if at is None:
        return
    for party in rules.TURNS[event.data["status"]]:
        to = about.buyer_id if party == "buyer" else about.seller_id
        assert to is not None, "an order has a seller"
        yield Telling(f"{name} due", "dispute_reminder", party, to, event.key, event.data, about.market, at)


async def _write(tx: Tx, cell: int, tellings: Sequence[Telling]) -> None:
    """A message for each who can sign in, by each way that is wanted."""
    staff = await accounts.staff(tx, cell, sorted({one.to for one in tellings if one.party == "seller"}))
    if any(one.to == NIL for one in tellings):  # what is told to a seller is told to the house by its operators
        staff[NIL] = await accounts.operators(tx)
    told = [(one, user) for one in tellings for user in ([one.to] if one.party == "buyer" else staff.get(one.to, []))]
    await _write_to(tx, cell, told)


async def _write_to(tx: Tx, cell: int, told: Sequence[tuple[Telling, UUID]]) -> None:
    users = sorted({user for _, user in told})
    known = await accounts.emails(tx, users) if users else {}
    if not known:
        return
    wishes = {row.user_id: row for row in await tx.all(store.PREFERENCES, user_ids=sorted(known))}
    languages = {market.code: market.language for market in await sellers.markets(tx)}
    rows = []
    for one, user in told:
        wish = wishes.get(user) or store.PreferenceRow(user, "", "", [])
        if user not in known or rules.TOPICS.get((one.kind, one.party), "") in wish.muted:
            continue
        language = wish.language or languages.get(one.market, "")
        for channel in ("mail", "sms") if wish.phone and (one.kind, one.party) in rules.TEXTED else ("mail",):
            id_ = named_id(one.at, f"{one.name} {one.party} {user} {channel}")
            rows.append((id_, user, channel, one.party, one.kind, one.subject_id, dict(one.data), language, one.at))
    columns = ("ids", "user_ids", "channels", "parties", "kinds", "subject_ids", "data", "languages", "ats")
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    await tx.run(store.ADD, cell=cell, **{name: list(column) for name, column in zip(columns, values, strict=True)})


async def digest(tx: Tx, cell: int) -> int:
    """Once a day, from DIGEST_HOUR on, the operator's people are told what waits for them, where something does; 1 when
    it was looked for today."""
    if cell != FIRST or tx.now.hour < DIGEST_HOUR or await tx.one(store.IS_DIGESTED, day=tx.now.date()):
        return 0
    if await tx.maybe(store.DIGEST, day=tx.now.date()) is None:
        return 0
    waiting = {
        "stuck": len(await payments.stuck(tx, None, COUNTED)),
        "discrepancies": len(await reconciliation.discrepancies(tx, "open")),
        "disputes": len(await disputes.to_decide(tx)),
        "chargebacks": len(await chargebacks.wanting_evidence(tx)),
        "held": len(await orders.held_orders(tx)),
        "approvals": len(await approvals.waiting(tx)),
        "failed": await tx.one(store.FAILED),
    }
    if any(waiting.values()):
        one = Telling(f"digest {tx.now.date()}", "digest", "operator", NIL, NIL, waiting, "", tx.now)
        await _write_to(tx, cell, [(one, user) for user in await accounts.operators(tx)])
    return 1


async def prefer(tx: Tx, cell: int, user_id: UUID, wish: Preference) -> None:
    """How a user wants to be told from now on."""
    await tx.run(
        store.PREFER, cell=cell, user_id=user_id, language=wish.language, phone=wish.phone,
        muted=sorted(set(wish.muted)),
    )  # fmt: skip


async def set_language(tx: Tx, cell: int, user_id: UUID, language: str) -> None:
    """The language that a user reads pages in is the one to be told in."""
    await tx.run(store.SET_LANGUAGE, cell=cell, user_id=user_id, language=language)


async def unsubscribe(tx: Tx, user_id: UUID, topic: str) -> None:
    """By a link that we signed. Raises NotFound for a user who is not there."""
    await tx.run(store.MUTE, cell=await accounts.cell_of(tx, user_id), user_id=user_id, topic=topic)


async def resend(tx: Tx, message_id: UUID) -> None:
    """The operator has what failed sent again, under the same Message-ID. Raises NotFound, NotFailed."""
    cell = await tx.maybe(store.CELL_OF, id=message_id)
    if cell is None:
        raise NotFound
    message = await tx.one(store.LOCK, cell=cell, id=message_id)
    if message.status != "failed":
        raise NotFailed(message.status)
    await tx.run(store.RESEND, cell=cell, id=message_id, now=tx.now)
