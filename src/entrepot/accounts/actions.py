"""Registering, signing in, addresses, and being forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot import ledger, sellers
from entrepot.accounts import postal, reads, rules, store
from entrepot.accounts.types import (
    EmailNeeded,
    EmailTaken,
    Member,
    NewAddress,
    TooManyAddresses,
    WrongCredentials,
)
from entrepot.kit.auth import Role, password_fits
from entrepot.kit.cells import FIRST, cell_for
from entrepot.kit.db import Database, Tx
from entrepot.kit.ids import new_id
from entrepot.kit.problem import NotFound, Overloaded

ERASED_MAX = 1_000
"""Guests who are forgotten with an account."""
# The hash of a password that nobody knows: an e-mail without an account costs the same work as one with.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$dYOebAuIEfeyzAMbNUZaJw$Ub/rMCQuh9lLIuyQzUl2bhRi3QWwajRgfVpn4fO45nY"


async def register_buyer(tx: Tx, email: str, name: str, password_hash: str, cell: int | None = None) -> Member:
    """A new buyer with a wallet in every market's currency, in a cell that is open unless one is given. Raises
    EmailTaken."""
    user_id = new_id(tx.now)
    cell = await cell_for(tx, user_id) if cell is None else cell
    await _add_user(tx, user_id, Role.BUYER, None, email, name, password_hash, cell)
    await open_wallets(tx, cell, [user_id])
    tx.emit("buyer_registered", user_id, {}, cell)
    return Member(Role.BUYER, user_id, cell, None)


async def add_staff(tx: Tx, role: Role, seller_id: UUID | None, email: str, name: str, password_hash: str) -> UUID:
    """A new user who works for a seller (role SELLER), in whose cell it is, or for the operator (role OPERATOR,
    `seller_id` None). Raises NotFound for an unknown seller, EmailTaken."""
    if (role is Role.SELLER) != (seller_id is not None) or role is Role.BUYER:
        raise ValueError("seller staff have a seller, operators have none, and a buyer is no staff")
    cell = FIRST
    if seller_id is not None:
        cell = (await sellers.seller(tx, sellers.SellerId(seller_id))).cell
    user_id = new_id(tx.now)
    await _add_user(tx, user_id, role, seller_id, email, name, password_hash, cell)
    return user_id


async def _add_user(
    tx: Tx, user_id: UUID, role: Role, seller_id: UUID | None, email: str, name: str, password_hash: str, cell: int
) -> None:
    await tx.all(store.ADD_USERS, cell=cell, ids=[user_id], role=role, seller_id=seller_id, now=tx.now)
    await add_login(tx, user_id, email, name, password_hash, cell)


async def add_login(tx: Tx, user_id: UUID, email: str, name: str, password_hash: str, cell: int) -> None:
    """What a user signs in with. Raises EmailTaken."""
    added = await tx.maybe(store.ADD_LOGIN, email=email, cell=cell, user_id=user_id, password_hash=password_hash)
    if added is None:
        raise EmailTaken
    await tx.run(store.ADD_PERSON, cell=cell, user_id=user_id, name=name)


async def import_buyers(tx: Tx, ids: Sequence[UUID], cell: int = FIRST) -> int:
    """Buyers without log-in or name, with their wallets; the number of those that were not there. Without events."""
    added = await tx.all(store.ADD_USERS, cell=cell, ids=ids, role=Role.BUYER, seller_id=None, now=tx.now)
    await open_wallets(tx, cell, ids)
    return len(added)


async def open_wallets(tx: Tx, cell: int, buyers: Sequence[UUID]) -> None:
    """Opens wallets in every market's currency for those of the users who are buyers; what is open stays as it is."""
    buyers = await tx.all(store.BUYERS, cell=cell, ids=buyers)
    pairs = [(buyer, currency) for currency in await sellers.currencies(tx) for buyer in buyers]
    await ledger.open_accounts(
        tx, cell=cell, codes=["wallet"] * len(pairs), owners=[buyer for buyer, _ in pairs],
        currencies=[currency for _, currency in pairs], limited=True, striped=False,
    )  # fmt: skip


async def sign_in(db: Database, email: str, password: str, ip: str) -> Member:
    """Who has this e-mail and password. Raises WrongCredentials, alike for an unknown e-mail and a wrong password, and
    TooManyRequests, whatever the password; Overloaded.

    It opens transactions of its own: the try is on record before the password is checked, which takes long and must
    not hold a connection; a try that succeeds is struck from the record."""
    tries = await db.transact(lambda tx: _record_try(tx, email, ip), durable=False)
    async with db.read() as tx:
        login = await tx.maybe(store.LOGIN, email=email)
    try:
        fits = await password_fits(login.password_hash if login else NOBODY, password)
    except Overloaded:  # nothing was tried
        await db.transact(lambda tx: tx.run(store.FORGIVE, ids=tries), durable=False)
        raise
    if login is None or not fits:
        raise WrongCredentials
    await db.transact(lambda tx: tx.run(store.FORGIVE, ids=tries), durable=False)
    return Member(Role(login.role), login.user_id, login.cell, login.seller_id, login.generation)


async def end_sessions(tx: Tx, user_id: UUID, by: UUID) -> int:
    """Ends every session that a user has, here and everywhere; the generation of those that begin now. Raises
    NotFound."""
    user = await tx.maybe(store.END_SESSIONS, user_id=user_id, now=tx.now)
    if user is None:
        raise NotFound
    tx.emit("sessions_ended", user_id, {"by": by}, user.cell)
    return user.generation


async def _record_try(tx: Tx, email: str, ip: str) -> list[int]:
    limits = {rules.who_email(email): rules.EMAIL_FAILURES, rules.who_address(ip): rules.ADDRESS_FAILURES}
    await tx.all(store.LOCK_TRIES, whos=list(limits))
    for failed in await tx.all(store.FAILURES, whos=list(limits), since=tx.now - rules.WINDOW):
        rules.refuse_burst(failed.count, limits[failed.who], failed.first, tx.now)
    return await tx.all(store.ADD_TRIES, whos=list(limits), now=tx.now)


async def add_address(tx: Tx, cell: int, user_id: UUID, new: NewAddress) -> UUID:
    """The id of the new address; the first is the default. A guest has said its e-mail before: so whoever buys can be
    written to, for nothing is quoted without an address. Raises AddressNotValid, EmailNeeded, TooManyAddresses,
    NotFound for an unknown user."""
    new = postal.checked(new)
    await lock_user(tx, cell, user_id)
    guest = await tx.maybe(store.GUEST, cell=cell, user_id=user_id)
    if guest is not None and guest.email is None:
        raise EmailNeeded
    count = await tx.one(store.COUNT_ADDRESSES, cell=cell, user_id=user_id)
    if count >= reads.MAX_ADDRESSES:
        raise TooManyAddresses(reads.MAX_ADDRESSES)
    return await _add_address(tx, cell, user_id, new, is_default=not count)


async def change_address(tx: Tx, cell: int, user_id: UUID, address_id: UUID, new: NewAddress) -> UUID:
    """Puts another address in the place of one, for what is ordered from now on; its id. Raises AddressNotValid,
    NotFound, also for somebody else's."""
    new = postal.checked(new)
    await lock_user(tx, cell, user_id)
    old = await reads.saved_address(tx, cell, user_id, address_id)
    await tx.one(store.REMOVE_ADDRESS, cell=cell, id=address_id, user_id=user_id, now=tx.now)
    return await _add_address(tx, cell, user_id, new, is_default=old.is_default)


async def _add_address(tx: Tx, cell: int, user_id: UUID, new: NewAddress, *, is_default: bool) -> UUID:
    id_ = new_id(tx.now)
    await tx.run(
        store.ADD_ADDRESS, cell=cell, id=id_, user_id=user_id, is_default=is_default, now=tx.now,
        **{name: getattr(new, name) for name in NewAddress.__struct_fields__},
    )  # fmt: skip
    return id_


async def make_default(tx: Tx, cell: int, user_id: UUID, address_id: UUID) -> None:
    """Raises NotFound, also for somebody else's."""
    await lock_user(tx, cell, user_id)
    await tx.run(store.NO_DEFAULT, cell=cell, user_id=user_id)
    if await tx.maybe(store.MAKE_DEFAULT, cell=cell, id=address_id, user_id=user_id) is None:
        raise NotFound


async def delete_address(tx: Tx, cell: int, user_id: UUID, address_id: UUID) -> None:
    """It is shown and taken no more; what was ordered to it goes there. Raises NotFound, also for somebody else's."""
    await lock_user(tx, cell, user_id)
    if await tx.maybe(store.REMOVE_ADDRESS, cell=cell, id=address_id, user_id=user_id, now=tx.now) is None:
        raise NotFound


async def lock_user(tx: Tx, cell: int, user_id: UUID) -> None:
    """Raises NotFound, also for one that is erased."""
    if await tx.maybe(store.LOCK_USER, cell=cell, user_id=user_id) is None:
        raise NotFound


async def erase(tx: Tx, cell: int, user_id: UUID) -> None:
    """Forgets who a user is: log-in, name, e-mail and addresses go, the pseudonym stays, to which a session that lives
    on adds nothing. With an account go the guests of the e-mail that it has proven. Raises NotFound, also for one that
    is erased."""
    same = await tx.all(store.SAME_EMAIL, user_id=user_id, limit=ERASED_MAX)
    for one_cell, one in sorted({(cell, user_id), *((row.cell, row.user_id) for row in same)}):
        await _erase(tx, one_cell, one)


async def _erase(tx: Tx, cell: int, user_id: UUID) -> None:
    await lock_user(tx, cell, user_id)
    await tx.run(store.ERASE_LINKS, cell=cell, user_id=user_id)
    await tx.run(store.ERASE_GUEST, cell=cell, user_id=user_id)
    await tx.run(store.ERASE_ADDRESSES, cell=cell, user_id=user_id)
    await tx.run(store.ERASE_PERSON, cell=cell, user_id=user_id)
    await tx.run(store.ERASE_LOGIN, user_id=user_id)
    await tx.run(store.ERASED, cell=cell, user_id=user_id, now=tx.now)
    tx.emit("buyer_erased", user_id, {}, cell)
