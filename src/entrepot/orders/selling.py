"""May it be sold: a purchase is judged by the law of where it goes when it is quoted, and quotes that are not placed
yet once more when the rules change. Placing does not pay for it: a quote ends before a rule begins that forbids it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot import accounts, logistics, trade
from entrepot.catalog import OfferFacts
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import Problem
from entrepot.orders import store_selling as store
from entrepot.trade import AgeNeeded, Barrier, NotSoldThere, Sale, TooYoung

LOOKED_AT = 500
"""Quotes that one statement reads."""

Ages = Mapping[str, int]
"""The age that a buyer has given, by how it was given."""


class Judged(NamedTuple):
    """What the rules say of an offer: those that stand in its way, the strictest about age, and when more begin."""

    blocked: Barrier | None
    age: Barrier | None
    until: datetime | None


async def judge_offers(tx: ReadTx, country: str | None, offers: Sequence[OfferFacts]) -> dict[int, Judged]:
    """What the rules of a country say of offers, by their ids: of a bundle, what they say of all that is in it. A
    market without a country has no rules."""
    if country is None or not offers:
        return {offer.offer_id: Judged(None, None, None) for offer in offers}
    froms: dict[tuple[int, int], str] = {}
    for cell in sorted({offer.cell for offer in offers}):
        here = {offer.location_id for offer in offers if offer.cell == cell}
        for id_, where in (await logistics.location_countries(tx, cell, sorted(here))).items():
            froms[cell, id_] = where
    sold = [
        (offer.offer_id, Sale(variant, offer.seller_id, froms.get((offer.cell, offer.location_id), "")))
        for offer in offers
        for variant in (offer.variant_id, *(part.variant_id for part in offer.components))
    ]
    judged = await trade.judge(tx, country, [sale for _, sale in sold])
    found: dict[int, list[trade.Judged]] = {}
    for (offer_id, _), one in zip(sold, judged, strict=True):
        found.setdefault(offer_id, []).append(one)
    return {offer_id: _together(parts) for offer_id, parts in found.items()}


def _together(parts: Sequence[trade.Judged]) -> Judged:
    rules = [rule for part in parts for rule in part.rules]
    blocking = [rule for rule in rules if rule.effect != "age"]
    return Judged(
        next((rule for rule in blocking if rule.effect == "prohibited"), next(iter(blocking), None)),
        max((rule for rule in rules if rule.age is not None), key=strictness, default=None),
        min((part.until for part in parts if part.until is not None), default=None),
    )


def strictness(rule: Barrier) -> tuple[int, bool]:
    """Of two rules about age the greater is the stricter."""
    return rule.age or 0, rule.proof == "birth_date"


def objection(offer_id: int, country: str, judged: Judged, ages: Ages) -> Problem | None:
    """Why an offer is not sold to a buyer there."""
    if judged.blocked is not None:
        return NotSoldThere(offer_id, country, judged.blocked)
    if judged.age is not None and not is_of_age(judged.age, ages):
        return AgeNeeded(offer_id, country, judged.age)
    return None


def is_of_age(rule: Barrier, ages: Ages) -> bool:
    given = [age for proof, age in ages.items() if rule.proof == "stated" or proof == rule.proof]
    return max(given, default=0) >= (rule.age or 0)


async def check(tx: Tx, cell: int, buyer_id: UUID, country: str, offers: Sequence[OfferFacts]) -> datetime | None:
    """Judges what a buyer would buy; until when the rules stay as they are, None: nobody knows of a change. Raises
    NotSoldThere and AgeNeeded."""
    await trade.steady(tx)
    judged = await judge_offers(tx, country, offers)
    ages = (await ages_of(tx, cell, [buyer_id])).get(buyer_id, {})
    for offer in offers:
        if problem := objection(offer.offer_id, country, judged[offer.offer_id], ages):
            raise problem
    return min((one.until for one in judged.values() if one.until is not None), default=None)


async def ages_of(tx: ReadTx, cell: int, buyers: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """The ages that buyers of a cell have given; who has given none is absent."""
    found: dict[UUID, dict[str, int]] = {}
    for row in await tx.all(store.AGES, cell=cell, buyers=sorted(set(buyers))):
        found.setdefault(row.buyer_id, {})[row.proof] = row.age
    return found


async def give_age(tx: Tx, cell: int, buyer_id: UUID, age: int) -> None:
    """The buyer states to be of an age, in years."""
    await tx.run(store.GIVE_AGE, cell=cell, buyer_id=buyer_id, age=age, proof="stated", now=tx.now)


async def give_birth_date(tx: Tx, cell: int, buyer_id: UUID, born: date) -> int:
    """The age in years by a date of birth, which is not kept itself. Raises TooYoung for one that is not a year ago."""
    today = tx.now.date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not 1 <= age <= 130:
        raise TooYoung
    await tx.run(store.GIVE_AGE, cell=cell, buyer_id=buyer_id, age=min(age, 99), proof="birth_date", now=tx.now)
    return age


async def recheck(tx: Tx, cell: int, variants: Sequence[int] | None = None) -> int:
    """Ends the quotes of a cell that are not placed yet and would not be given any more, and has the others end before
    a rule begins that forbids them; of these variants, or of all. For how many that is news."""
    at, after, news = tx.now, NIL, 0
    while lines := await tx.all(
        store.OPEN_LINES, cell=cell, now=tx.now, at=at, after=after, variants=variants, limit=LOOKED_AT
    ):
        ends = await _ends(tx, lines)
        for home in sorted({line.home for line in lines}):
            ids = sorted({line.quote_id for line in lines if line.home == home} & ends.keys())
            news += len(await tx.all(store.END_QUOTES, cell=home, ids=ids, ends=[ends[id_] for id_ in ids]))
        at, after = lines[-1].expires_at, lines[-1].quote_id
    return news


async def _ends(tx: ReadTx, lines: Sequence[store.OpenLine]) -> dict[UUID, datetime]:
    """When quotes have to end at the latest: now, where they would not be given any more. Others are absent."""
    countries: dict[tuple[UUID, UUID], str] = {}
    ages: dict[UUID, dict[str, int]] = {}
    for home in sorted({line.home for line in lines}):
        here = [line for line in lines if line.home == home]
        countries |= await accounts.countries_of(tx, home, list({(one.buyer_id, one.address_id) for one in here}))
        ages |= await ages_of(tx, home, [one.buyer_id for one in here])
    ends: dict[UUID, datetime] = {}
    for country in sorted(set(countries.values())):
        there = [line for line in lines if countries.get((line.buyer_id, line.address_id)) == country]
        judged = await trade.judge(
            tx, country, [Sale(one.variant_id, one.seller_id, one.from_country) for one in there]
        )
        for line, one in zip(there, judged, strict=True):
            gone = objection(line.offer_id, country, _together([one]), ages.get(line.buyer_id, {}))
            if end := tx.now if gone else one.until:
                ends[line.quote_id] = min(end, ends.get(line.quote_id, end))
    return ends
