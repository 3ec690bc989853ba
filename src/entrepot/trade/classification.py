"""What a variant is called at customs: checked against the nomenclature of the day, and proposed from a text."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.problem import NotFound
from entrepot.trade import restrictions, store
from entrepot.trade.store import Found, Lacking
from entrepot.trade.types import COUNTRIES, CodeUnknown, Item, NomenclatureMissing, OriginMissing, SaidByAnother
from entrepot.trade.words import MAX_WORDS, words

PROPOSED = 5
LACKING_PAGE = 100
SEARCH = "find it with GET /v1/hs-codes"


async def set_item(tx: Tx, item: Item, cell: int, seller_id: UUID | None) -> None:
    """What a variant is; a seller says it of what it offers and no other has said it of, the operator (None) of any.
    Raises NotFound, CodeUnknown, OriginMissing and SaidByAnother."""
    if seller_id is None:
        allowed = await tx.maybe(store.VARIANT, variant_id=item.variant_id)
    else:
        allowed = await tx.maybe(store.OFFERED_BY, cell=cell, seller_id=seller_id, variant_id=item.variant_id)
    if allowed is None:
        raise NotFound
    await _check(tx, item)
    await restrictions.before_change(tx)
    before = (await items(tx, [item.variant_id])).get(item.variant_id)
    if before is not None:
        tx.was(**msgspec.structs.asdict(before))
    said = await tx.maybe(
        store.SET_ITEM, variant_id=item.variant_id, hs_code=item.hs_code, tariff_codes=item.tariff_codes,
        country_of_origin=item.country_of_origin, customs_description=item.customs_description,
        weight_g=item.weight_g, volume_ml=item.volume_ml, said_by=seller_id, now=tx.now,
    )  # fmt: skip
    if said is None:
        raise SaidByAnother("customs", "ask the operator to put it right: others offer the same")
    if before is None or before.hs_code != item.hs_code:
        await restrictions.tell(tx, [item.variant_id])


async def _check(tx: ReadTx, item: Item) -> None:
    at = tx.now.date()
    known = await tx.one(store.KNOWN, code=item.hs_code, at=at)
    if known.hs_there and not known.in_hs and known.in_tariff:
        raise CodeUnknown("hs_code", f"{item.hs_code} is of another year than {at}: {SEARCH}")
    if not known.in_hs and (known.hs_there or not known.in_tariff):
        raise CodeUnknown("hs_code", f"there is no {item.hs_code}: {SEARCH}")
    for tariff, code in item.tariff_codes.items():
        if not code.startswith(item.hs_code):
            raise CodeUnknown(f"tariff_codes.{tariff}", f"it must begin with the hs_code {item.hs_code}")
        if not await tx.one(store.KNOWN_TARIFF_CODE, tariff=tariff, code=code, at=at):
            raise CodeUnknown(f"tariff_codes.{tariff}", f"the tariff {tariff} of {at} has no {code}: leave it out")
    if item.country_of_origin not in COUNTRIES:
        raise OriginMissing("country_of_origin", "give the ISO code of the country where it was made")


async def items(tx: ReadTx, variant_ids: Collection[int]) -> dict[int, Item]:
    """What these variants are, of those that it was said of."""
    return {item.variant_id: item for item in await tx.all(store.ITEMS, variant_ids=sorted(set(variant_ids)))}


async def propose(tx: ReadTx, text: str, language: str, limit: int = PROPOSED) -> list[Found]:
    """Codes of six digits that `text` may mean, the likeliest first. In a language that the nomenclature does not have
    all of its languages are searched. Raises NomenclatureMissing."""
    indexed = await tx.all(store.LANGUAGES)
    if not indexed:
        raise NomenclatureMissing("q", "import the EU's nomenclature: entrepot tariff import FOLDER")
    known = language if language in indexed else None
    return await tx.all(
        store.PROPOSE, words=sorted(words(text))[:MAX_WORDS], language=known, shown=known or "en", limit=limit
    )


async def lacking(tx: ReadTx, cell: int, seller_id: UUID, after: int) -> list[Lacking]:
    """What of the variants that a seller offers is not known at customs, or not any more: by id, at most LACKING_PAGE.
    A bundle is what is in it."""
    return await tx.all(
        store.LACKING, cell=cell, seller_id=seller_id, at=tx.now.date(), after=after, limit=LACKING_PAGE
    )


async def lacking_of(tx: ReadTx, variant_ids: Collection[int]) -> list[Lacking]:
    """What of these variants is not known at customs, or not any more."""
    return await tx.all(store.LACKING_OF, variant_ids=sorted(set(variant_ids)), at=tx.now.date())
