"""What the worker does: messages from events, the operator's day, what goes out, what is forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from entrepot import accounts
from entrepot.kit.cells import cells
from entrepot.kit.clock import monotonic
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.events import Consumer, Event
from entrepot.kit.halves import is_nobodys
from entrepot.kit.ids import first_id
from entrepot.kit.log import log
from entrepot.kit.outside import OutsideError
from entrepot.kit.problem import NotFound
from entrepot.notify import rules, store, writing
from entrepot.notify.actions import digest, note
from entrepot.notify.channels import Channels, Send, unsubscribe_token
from entrepot.notify.types import Letter, Message, RefusedError

BATCH = 50
LEASE = timedelta(minutes=10)
"""What is claimed is nobody else's for so long."""
BATCH_S = 120
"""No letter of a batch is begun later than this, so that the last one ends within the lease."""
HOUR = timedelta(hours=1)
KEPT = timedelta(days=90)
FORGOTTEN = 1_000
"""Messages that one `forget` deletes."""


async def _forget_users(tx: Tx, _: int, events: Sequence[Event]) -> None:
    """A user's messages are in the cells of what they are about."""
    users = [event.key for event in events]
    for cell in await cells(tx):
        await tx.run(store.FORGET_USERS, cell=cell, users=users)
        await tx.run(store.FORGET_PREFERENCES, cell=cell, users=users)


CONSUMERS = (
    Consumer("notify", frozenset(rules.TOLD), note),
    Consumer("notify_erased", frozenset({"buyer_erased"}), _forget_users),
)
TIMERS = (digest,)


async def forget(tx: Tx, cell: int) -> int:
    """Deletes messages older than KEPT, a batch of them; how many."""
    done = await tx.run(store.FORGET_OLD, cell=cell, before=first_id(tx.now - KEPT), limit=FORGOTTEN)
    return int(done.removeprefix("DELETE "))


async def send_due(db: Database, channels: Channels, cell: int) -> int:
    """Sends a batch of what is due in a cell by each way that there is; how much there was."""
    found = 0
    for name, channel in channels.ways.items():
        due = await db.transact(lambda tx, name=name: _claim(tx, cell, name), durable=False)  # type: ignore[misc]
        found += len(due)
        if due:
            async with channel.session() as send:
                began = monotonic()
                for message in due:
                    if monotonic() - began < BATCH_S:
                        await _end(db, channels, send, message)
    return found


async def _claim(tx: Tx, cell: int, channel: str) -> list[Message]:
    """What is due, but for who got PER_HOUR already: that is put off."""
    due = await tx.all(store.CLAIM, cell=cell, channel=channel, now=tx.now, leased_until=tx.now + LEASE, limit=BATCH)
    due.sort(key=lambda message: (message.at, message.id))
    users = [message.user_id for message in due]
    rows = await tx.all(store.LATELY, cell=cell, channel=channel, user_ids=users, since=tx.now - HOUR)
    over = rules.too_many({row.user_id: row.count for row in rows}, users)
    await tx.run(
        store.LATER, cell=cell, due_at=tx.now + HOUR,
        ids=[message.id for message, is_over in zip(due, over, strict=True) if is_over],
    )  # fmt: skip
    return [message for message, is_over in zip(due, over, strict=True) if not is_over]


async def _end(db: Database, channels: Channels, send: Send, message: Message) -> None:
    """Sends one message and notes what became of it."""
    status, reason = "sent", ""
    try:
        async with db.read() as tx:
            letter, reason, opens = await _letter(tx, channels, message)
        if letter is None:
            status = "dropped"
        else:
            for group_id in opens:
                await db.transact(_keeps(channels, message.user_id, group_id))
            await send(letter)
    except NotFound:
        status, reason = "dropped", "gone"
    except RefusedError as refused:
        status, reason = "failed", str(refused)
    except OutsideError as error:
        status, reason = "due", str(error)
    except Exception as error:
        if is_nobodys(error):
            raise
        status, reason = "due", f"fault: {type(error).__name__}"
    if status == "due" and message.attempts >= rules.TRIES:
        status = "failed"
    if status in ("due", "failed"):
        log("message_not_sent", message=message.id, reason=reason, attempt=message.attempts, status=status)
    async with db.write() as write:
        now, key = write.now, {"cell": message.cell, "id": message.id, "reason": reason}
        if status == "due":
            await write.run(store.AGAIN, **key, due_at=now + rules.pause(message.attempts))
        else:
            await write.run(store.END, **key, status=status, sent_at=now if status == "sent" else None)


def _keeps(channels: Channels, user_id: UUID, group_id: UUID) -> Callable[[Tx], Awaitable[None]]:
    return lambda tx: accounts.keep_link(tx, channels.keys, user_id, group_id)


async def _letter(tx: ReadTx, channels: Channels, message: Message) -> tuple[Letter | None, str, list[UUID]]:
    """What goes out, or why nothing does, and the guest's purchases that it opens."""
    if message.at < tx.now - rules.NEWS:
        return None, "late", []
    to = await _recipient(tx, message)
    if not to:
        return None, "nobody", []
    opens: list[UUID] = []

    def open_it(path: str, group_id: UUID | None) -> str:
        """A guest cannot sign in: the link does it, for the one purchase."""
        if message.kind == "prove_email":
            return f"/prove/{accounts.proof_token(channels.keys, message.user_id, to, tx.now)}"
        if group_id is None:
            return path
        opens.append(group_id)
        return f"/guest/{accounts.link_token(channels.keys, message.user_id, group_id)}"

    is_guest = message.party == "buyer" and await accounts.guests_among(tx, [message.user_id])
    topic = rules.TOPICS.get((message.kind, message.party), "")
    token = unsubscribe_token(channels.keys, message.user_id, topic) if topic else ""
    link = f"{channels.public_url}/unsubscribe/{token}" if topic else ""
    opener = open_it if is_guest or message.kind == "prove_email" else None
    written = await writing.write(tx, message, channels.public_url, link, opener)
    if written is None:
        return None, "moot", []
    text = written.sms if message.channel == "sms" else written.text
    return Letter(message.id, to, written.subject, text, written.html, written.language, message.at, link), "", opens


async def _recipient(tx: ReadTx, message: Message) -> str:
    """An address or a phone number; empty for somebody who has none any more."""
    if message.channel == "sms":
        rows = await tx.all(store.PREFERENCES, user_ids=[message.user_id])
        return rows[0].phone if rows else ""
    return (await accounts.emails(tx, [message.user_id])).get(message.user_id, "")
