"""Who buyers are at customs, where the law counts what a person brings in a year."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import pricing, trade
from entrepot.kit.auth import Keys
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.sql import sql
from entrepot.orders.types import IdentityElsewhere, IdentityNeeded, IdentityNotValid

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


class IdentityRow(msgspec.Struct, frozen=True):
    """`ending` is the end of the number, which itself is sealed."""

    country: str
    name: str
    ending: str
    person_id: UUID
    said_at: datetime


class Use(msgspec.Struct, frozen=True):
    """So much of a quota that an order takes."""

    id: int
    amount: int


SAY = sql("""
    insert into orders.identity (cell, buyer_id, country, person_id, name, ending, sealed, said_at)
    values (:cell, :buyer_id, :country, :person_id, :name, :ending, :sealed, :now)
    on conflict (cell, buyer_id, country) do update
       set person_id = excluded.person_id, name = excluded.name, ending = excluded.ending, sealed = excluded.sealed,
           said_at = excluded.said_at
""")
IDENTITY = sql(
    """
    select country, name, ending, person_id, said_at
      from orders.identity where cell = :cell and buyer_id = :buyer_id and country = :country
    """,
    IdentityRow,
)
FORGET = sql("delete from orders.identity where cell = :cell and buyer_id = any (:buyers::uuid[])")


class Quotas:
    """What a buyer may still bring into a country in this year, at a glance, and what a purchase takes of it."""

    def __init__(self, country: str, opened: dict[str, tuple[int, int]] | None) -> None:
        self.country = country
        self._ids = {name: id_ for name, (id_, _) in (opened or {}).items()}
        self.left = None if opened is None else {name: left for name, (_, left) in opened.items()}
        self.used: dict[int, int] = {}

    def use(self, chosen: trade.Chosen | None) -> Use | None:
        """Raises IdentityNeeded."""
        if chosen is None or not chosen.mode.quota or chosen.value_minor == 0:
            return None
        if self.left is None:
            raise IdentityNeeded(self.country)
        id_ = self._ids[chosen.mode.quota]
        self.used[id_] = self.used.get(id_, 0) + chosen.value_minor
        return Use(id_, chosen.value_minor)


async def quotas_of(tx: Tx, cell: int, buyer_id: UUID, country: str) -> Quotas:
    """The quotas of who the buyer is in a country, opened when they are first asked for; a year is UTC's."""
    who = await tx.maybe(IDENTITY, cell=cell, buyer_id=buyer_id, country=country)
    if who is None:
        return Quotas(country, None)
    granted = await trade.year_quotas(tx, country, tx.now.date())
    names = [f"customs:{country}:{name}:{tx.now.year}" for name in granted]
    most = [one.minor for one in granted.values()]
    opened = await pricing.limits(tx, cell, names, [who.person_id] * len(names), most)
    return Quotas(country, dict(zip(granted, opened, strict=True)))


async def say(tx: Tx, keys: Keys, cell: int, buyer_id: UUID, country: str, name: str, number: str) -> IdentityRow:
    """The buyer says who it is at customs in a country. The number is kept sealed. Whoever has said the same number is
    the same person, and has one quota: so it is said in one cell only. Raises IdentityNotValid, IdentityElsewhere."""
    number = number.strip().upper()
    if country != "CN" or not is_resident_number(number):
        raise IdentityNotValid
    said = keys.sign("person", f"{country}:{number}".encode())
    person = UUID(bytes=hashlib.sha256(said.encode()).digest()[:16])
    if await trade.claim_person(tx, person, cell) != cell:
        raise IdentityElsewhere
    await tx.run(
        SAY, cell=cell, buyer_id=buyer_id, country=country, person_id=person, name=name, ending=number[-4:],
        sealed=keys.encrypt(number.encode()), now=tx.now,
    )  # fmt: skip
    return await tx.one(IDENTITY, cell=cell, buyer_id=buyer_id, country=country)


async def identity(tx: ReadTx, cell: int, buyer_id: UUID, country: str) -> IdentityRow | None:
    """Who a buyer said to be in a country."""
    return await tx.maybe(IDENTITY, cell=cell, buyer_id=buyer_id, country=country)


def is_resident_number(number: str) -> bool:
    """Whether it is a number of a resident of China: seventeen digits and a check (GB 11643-1999, ISO 7064 MOD 11-2),
    with a date of birth in it."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", number, re.ASCII):
        return False
    try:
        datetime.strptime(number[6:14], "%Y%m%d")  # noqa: DTZ007 - a day
    except ValueError:
        return False
    return CHECKS[sum(w * int(digit) for w, digit in zip(WEIGHTS, number, strict=False)) % 11] == number[17]
