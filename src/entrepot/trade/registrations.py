"""For which schemes the platform is registered, and where sellers are established: what decides who owes a tax."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.money import Money, exponent
from entrepot.kit.problem import NotFound
from entrepot.trade import reads
from entrepot.trade import store_modes as store
from entrepot.trade.rules import whole
from entrepot.trade.store_modes import Registration, Unknown
from entrepot.trade.types import SCHEMES, RegistrationNotValid

UNKNOWN_MAX = 100


async def register(
    tx: Tx, scheme: str, number: str, valid_from: date, valid_to: date | None, said_by: UUID
) -> Registration:
    """The platform is registered for a scheme from a day on, under a number; said again of the same day it is replaced.
    What was quoted before keeps its mode. Raises NotFound, RegistrationNotValid."""
    if scheme not in SCHEMES:
        raise NotFound
    if valid_to is not None and valid_to <= valid_from:
        raise RegistrationNotValid("valid_to must be after valid_from")
    await tx.run(
        store.REGISTER, scheme=scheme, number=number, valid_from=valid_from, valid_to=valid_to, said_by=said_by,
        now=tx.now,
    )  # fmt: skip
    return Registration(scheme, number, valid_from, valid_to)


async def registrations(tx: ReadTx) -> list[Registration]:
    """All that were said, by scheme and day."""
    return await tx.all(store.REGISTRATIONS)


async def registered(tx: ReadTx, at: date) -> dict[str, str]:
    """The schemes that the platform is registered for on a day, and its numbers there."""
    return {row.scheme: row.number for row in await tx.all(store.REGISTERED, at=at)}


async def set_established(tx: Tx, seller_id: UUID, country: str) -> None:
    """Where a seller is established."""
    tx.was(country=(await established(tx, [seller_id])).get(seller_id))
    await tx.run(store.SET_ESTABLISHED, seller_id=seller_id, country=country, said_by="operator", now=tx.now)


async def note_established(tx: Tx, seller_id: UUID, country: str) -> None:
    """Where a seller says to be established: it holds as long as the operator has not said it."""
    await tx.run(store.SET_ESTABLISHED, seller_id=seller_id, country=country, said_by="seller", now=tx.now)


async def unestablished(tx: ReadTx) -> list[Unknown]:
    """Sellers of whom nobody has said where they are established, the latest first, at most UNKNOWN_MAX: they are taken
    to be outside of any union."""
    return await tx.all(store.UNESTABLISHED, limit=UNKNOWN_MAX)


async def established(tx: ReadTx, seller_ids: Collection[UUID]) -> dict[UUID, str]:
    """Where these sellers are established, of those that it was said of."""
    rows = await tx.all(store.ESTABLISHED, seller_ids=sorted(set(seller_ids)))
    return {row.seller_id: row.country for row in rows}


async def return_windows(tx: ReadTx, country: str, mode: str, at: date) -> dict[str, int]:
    """In how many days what was let in by a mode on a day may be sent back to get back its duty, tax or quota."""
    laws = await reads.laws(tx, [country], at)
    windows = [window for law in laws for window, _ in law.windows if not window.modes or mode in window.modes]
    return {window.of: window.days for window in windows}


async def declared_fields(tx: ReadTx, country: str, mode: str, at: date) -> tuple[tuple[str, ...], str] | None:
    """About what the messages of an order must agree that is let in by a mode, and where it stands; None: the law that
    we know asks for none."""
    laws = await reads.laws(tx, [country], at)
    found = [(one.fields, where) for law in laws for one, where in law.declarations if mode in one.modes]
    return found[0] if found else None


async def claim_person(tx: Tx, person: UUID, cell: int) -> int:
    """The cell in which a person's quotas are counted: that of who asks first."""
    await tx.run(store.CLAIM_PERSON, id=person, cell=cell)
    return await tx.one(store.CELL_OF_PERSON, id=person)


async def year_quotas(tx: ReadTx, country: str, at: date) -> dict[str, Money]:
    """What a person may bring into a country in a year, by quota."""
    laws = await reads.laws(tx, [country], at)
    return {
        mode.quota: Money(whole(mode.per_year.scaleb(exponent(mode.currency))), mode.currency)
        for law in laws
        for mode, _ in law.modes
        if mode.per_year is not None
    }
