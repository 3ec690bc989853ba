"""Buyers without a password: who they are to us, the links in their letters, and how they are found again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from entrepot.accounts import store
from entrepot.accounts.actions import add_login, end_sessions, lock_user, open_wallets
from entrepot.accounts.types import Member, NotAGuest
from entrepot.kit.auth import Keys, Role
from entrepot.kit.cells import cell_for
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import new_id
from entrepot.kit.problem import NotFound

LINK_TTL = timedelta(days=400)
"""How long a link in a letter opens its purchase: longer than anything can be said about it."""
PROOF_TTL = timedelta(days=1)
SAME_EMAIL_MAX = 50
"""Guests of one e-mail whose purchases an account is shown, the latest."""


async def add_guest(tx: Tx, email: str | None = None) -> Member:
    """A buyer without an account, in a cell that is open. Without an e-mail it can fill a cart."""
    user_id = new_id(tx.now)
    cell = await cell_for(tx, user_id)
    await tx.all(store.ADD_USERS, cell=cell, ids=[user_id], role=Role.BUYER, seller_id=None, now=tx.now)
    await tx.run(store.ADD_GUEST, cell=cell, user_id=user_id)
    if email is not None:
        await set_guest_email(tx, cell, user_id, email)
    return Member(Role.BUYER, user_id, cell, None, guest=True)


async def set_guest_email(tx: Tx, cell: int, user_id: UUID, email: str) -> None:
    """Where a guest's letters go from now on; whether there is an account of this e-mail is not looked at. Raises
    NotAGuest."""
    if await tx.maybe(store.SET_GUEST_EMAIL, cell=cell, user_id=user_id, email=email) is None:
        raise NotAGuest
    await open_wallets(tx, cell, [user_id])  # money that cannot go back to where it came from has to lie somewhere


async def register_guest(tx: Tx, cell: int, user_id: UUID, email: str, name: str, password_hash: str) -> Member:
    """A guest becomes an account: cart, addresses and orders stay its own. The guest's sessions end: whoever else has
    one is not let into the account. Raises NotAGuest, EmailTaken."""
    await lock_user(tx, cell, user_id)
    if await tx.maybe(store.END_GUEST, cell=cell, user_id=user_id) is None:
        raise NotAGuest
    await add_login(tx, user_id, email, name, password_hash, cell)
    await open_wallets(tx, cell, [user_id])
    tx.emit("buyer_registered", user_id, {}, cell)
    return Member(Role.BUYER, user_id, cell, None, await end_sessions(tx, user_id, user_id))


async def guests_among(tx: ReadTx, user_ids: Collection[UUID]) -> set[UUID]:
    """Which of these users are guests, in whatever cell."""
    return set(await tx.all(store.GUESTS_AMONG, user_ids=list(user_ids))) if user_ids else set()


def link_token(keys: Keys, user_id: UUID, group_id: UUID) -> str:
    """What opens a guest's purchase: always the same, so that each letter has it and only its hash is kept."""
    return keys.sign("guest", user_id.bytes + group_id.bytes)


async def keep_link(tx: Tx, keys: Keys, user_id: UUID, group_id: UUID) -> None:
    """Lets the link of a guest's purchase open it, for LINK_TTL from the first letter that has it."""
    cell = await tx.maybe(store.CELL_OF, user_id=user_id)
    if cell is not None:
        await tx.run(
            store.KEEP_LINK, cell=cell, group_id=group_id, user_id=user_id, now=tx.now,
            hash=_hash(link_token(keys, user_id, group_id)),
        )  # fmt: skip


async def follow_link(tx: ReadTx, keys: Keys, token: str) -> Member:
    """Who may see the one purchase that a link opens. Raises NotFound."""
    claim = keys.signed("guest", token)
    if claim is None or len(claim) != 32:
        raise NotFound
    user_id, group_id = UUID(bytes=claim[:16]), UUID(bytes=claim[16:])
    since = tx.now - LINK_TTL
    found = await tx.maybe(store.LINK, user_id=user_id, group_id=group_id, hash=_hash(token), since=since)
    if found is None:
        raise NotFound
    return Member(Role.BUYER, user_id, found.cell, None, found.generation, guest=True, only=group_id)


async def open_own(tx: ReadTx, user_id: UUID, guest_id: UUID, group_id: UUID) -> Member:
    """A purchase of a guest of the e-mail that an account has proven, for that account. Raises NotFound."""
    for guest in await tx.all(store.SAME_EMAIL, user_id=user_id, limit=SAME_EMAIL_MAX):
        if guest.user_id == guest_id:
            return Member(Role.BUYER, guest_id, guest.cell, None, guest.generation, guest=True, only=group_id)
    raise NotFound


async def same_email(tx: ReadTx, user_id: UUID) -> list[tuple[int, UUID]]:
    """Cells and ids of the guests who said the e-mail that an account has proven, the latest SAME_EMAIL_MAX."""
    return [(row.cell, row.user_id) for row in await tx.all(store.SAME_EMAIL, user_id=user_id, limit=SAME_EMAIL_MAX)]


async def ask_proof(tx: Tx, cell: int, user_id: UUID) -> None:
    """Has a letter sent to the e-mail of an account, whose link proves that it is read there. Raises NotFound."""
    if await tx.maybe(store.EMAIL, user_id=user_id) is None:
        raise NotFound
    tx.emit("email_to_prove", user_id, {}, cell)


def proof_token(keys: Keys, user_id: UUID, email: str, now: datetime) -> str:
    """What the letter to an e-mail has; good for PROOF_TTL."""
    until = int((now + PROOF_TTL).timestamp())
    return keys.sign("prove", user_id.bytes + _hash(email)[:16] + until.to_bytes(8, "big"))


async def prove(tx: Tx, keys: Keys, user_id: UUID, token: str) -> None:
    """The e-mail of an account is read by whoever followed the link, who is signed in there: so nobody is shown what
    others bought because those followed the link of an account that is not theirs. Raises NotFound, also when the link
    is old or the e-mail another by now."""
    claim = keys.signed("prove", token)
    if claim is None or len(claim) != 40 or int.from_bytes(claim[32:], "big") <= tx.now.timestamp():
        raise NotFound
    if UUID(bytes=claim[:16]) != user_id:
        raise NotFound
    email = await tx.maybe(store.EMAIL, user_id=user_id)
    if email is None or _hash(email)[:16] != claim[16:32]:
        raise NotFound
    await tx.run(store.PROVE, user_id=user_id, email=email, now=tx.now)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
