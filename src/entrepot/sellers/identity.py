"""Who sellers are before the law, sealed: for documents that name them, and for tax offices."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import msgspec
from babel import Locale

from entrepot.kit.auth import Keys
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import new_id
from entrepot.sellers import store
from entrepot.sellers.store import Sealed
from entrepot.sellers.tax_ids import tax_id_of, vat_id_of
from entrepot.sellers.types import CountryNotValid, Identity, TaxIdNotValid

_NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_COUNTRIES = {str(code) for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))} - _NO_COUNTRIES


async def say_identity(tx: Tx, keys: Keys, seller_id: UUID, identity: Identity, by: UUID) -> Identity:
    """Who a seller is from now on or, with NIL, the house; with its numbers as they are kept. Of a seller fees have to
    know (fees.say_identity). Raises CountryNotValid, TaxIdNotValid."""
    for name, codes in {
        "country": [identity.country], "tax_country": [identity.tax_country or identity.country],
        "branches": identity.branches,
    }.items():  # fmt: skip
        if not _COUNTRIES.issuperset(codes):
            raise CountryNotValid(name)
    if identity.tax_id and not identity.tax_country:
        raise CountryNotValid("tax_country")
    identity = _checked(identity)
    sealed = keys.encrypt(msgspec.json.encode(identity))
    await tx.run(store.SAY_IDENTITY, seller_id=seller_id, id=new_id(tx.now), now=tx.now, sealed=sealed, by=by)
    tx.emit("seller_identified", seller_id, {"by": by})
    return identity


def _checked(identity: Identity) -> Identity:
    """With its tax numbers as they are written without signs between. Raises TaxIdNotValid."""
    numbers = {}
    for name, country, check in (
        ("tax_id", identity.tax_country, tax_id_of), ("vat_id", identity.country, vat_id_of),
    ):  # fmt: skip
        if number := getattr(identity, name):
            try:
                numbers[name] = check(country, number)
            except ValueError:
                raise TaxIdNotValid(name, country) from None
    return msgspec.structs.replace(identity, **numbers)


async def identities(tx: ReadTx, keys: Keys, seller_ids: Collection[UUID], at: datetime) -> dict[UUID, Identity]:
    """Who sellers were at a time as far as they have said it, without what was sealed with another secret."""
    rows = await tx.all(store.IDENTITIES, sellers=seller_ids, at=at)
    return await asyncio.to_thread(_unsealed, keys, rows)


def _unsealed(keys: Keys, rows: Sequence[Sealed]) -> dict[UUID, Identity]:
    found = {}
    for row in rows:
        with suppress(ValueError):
            found[row.seller_id] = msgspec.json.decode(keys.decrypt(row.sealed), type=Identity)
    return found
