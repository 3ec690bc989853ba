"""A batch of purchases from campaigns, in one transaction: who may not buy is sorted out by reading, the others are
quoted and placed together."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import accounts, catalog, exchange, orders, pricing
from entrepot.campaigns import store
from entrepot.campaigns.rules import closed, limit_name
from entrepot.campaigns.types import NotSentAbroad
from entrepot.exchange import NotExchanged
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.problem import KeyConflict, NotFound, Problem

Outcome = UUID | Problem
"""The order group that a wish was placed as, or why not."""


class Wish(msgspec.Struct, frozen=True):
    """`quantity` units of a campaign's offer, paid by `method`. `key` is the buyer's idempotency key."""

    buyer_id: UUID
    key: str
    campaign_id: UUID
    offer_id: int
    quantity: int
    address_id: UUID
    shipping_code: str
    method: str

    @property
    def body(self) -> bytes:
        fields = (self.campaign_id, self.offer_id, self.quantity, self.address_id, self.shipping_code, self.method)
        return " ".join(map(str, fields)).encode()

    @property
    def body_hash(self) -> bytes:
        return hashlib.sha256(self.body).digest()


class _Facts(NamedTuple):
    """What decides about wishes, as it is at a glance."""

    terms: Mapping[int, store.Terms]
    offers: Mapping[int, catalog.OfferFacts]
    services: Container[tuple[str, str]]
    countries: Mapping[tuple[UUID, UUID], str]  # of buyers' own addresses
    judged: Mapping[int, orders.Judged]  # by the law of where the goods are, which is where they go
    ages: Mapping[UUID, Mapping[str, int]]
    unpaid: Mapping[int, NotExchanged]  # offers whose sellers cannot be paid in the currency that they want


async def sell_many(tx: Tx, home: int, cell: int, wishes: Sequence[Wish]) -> list[Outcome]:
    """What buyers of `home` wish for from campaigns of `cell`: an outcome for each, in order. A key that was used
    before gets what it placed then. Who is refused at a glance costs no write; who is refused under the locks of
    placing leaves no trace but a limit that is not used."""
    facts = await _facts(tx, home, cell, wishes)
    outcomes: list[Outcome | None] = [_refusal(wish, facts, tx.now) for wish in wishes]
    fine = [n for n, outcome in enumerate(outcomes) if outcome is None]
    uses: dict[int, pricing.QuotaUse] = {}
    for n, limit in zip(fine, await _limits(tx, home, [wishes[n] for n in fine], facts), strict=True):
        if isinstance(limit, Problem):
            outcomes[n] = limit
        else:
            uses[n] = limit
    # Asked last, so that nobody is refused for what the same key has just bought.
    before = await orders.keys_placed(tx, home, [(wish.buyer_id, wish.key) for wish in wishes])
    for n, wish in enumerate(wishes):
        if found := before.get((wish.buyer_id, wish.key)):
            outcomes[n] = found.group_id if found.body_hash == wish.body_hash else KeyConflict()
            uses.pop(n, None)
    if uses:
        wanted = [_purchase(wishes[n], use, facts) for n, use in uses.items()]
        for n, verdict in zip(uses, await orders.buy_many(tx, home, cell, wanted), strict=True):
            outcomes[n] = verdict.group_id or orders.problem_of(verdict)
    return [outcome for outcome in outcomes if outcome is not None]


async def _facts(tx: ReadTx, home: int, cell: int, wishes: Sequence[Wish]) -> _Facts:
    ids, numbers = list({w.campaign_id for w in wishes}), list({w.offer_id for w in wishes})
    terms = {row.offer_id: row for row in await tx.all(store.TERMS, cell=cell, ids=ids, offers=numbers)}
    offers = {fact.offer_id: fact for fact in await catalog.offers_for_quote(tx, cell, list(terms))}
    markets = {fact.market for fact in offers.values()}
    services = {(market, s.code) for market in markets for s in await pricing.services(tx, market) if not s.slotted}
    countries = await accounts.countries_of(tx, home, [(w.buyer_id, w.address_id) for w in wishes])
    judged: dict[int, orders.Judged] = {}
    for country in {row.country for row in terms.values()}:
        here = [offer for offer in offers.values() if terms[offer.offer_id].country == country]
        judged |= await orders.judge_offers(tx, country, here)
    asked = any(one.age for one in judged.values())
    ages = await orders.ages_of(tx, home, {wish.buyer_id for wish in wishes}) if asked else {}
    unpaid = {}
    for offer in offers.values():
        if offer.settles_in is not None:
            try:
                await exchange.lock(tx, offer.market, offer.currency, offer.settles_in)
            except NotExchanged as problem:
                unpaid[offer.offer_id] = problem
    return _Facts(terms, offers, services, countries, judged, ages, unpaid)


def _refusal(wish: Wish, facts: _Facts, now: datetime) -> Problem | None:
    """An offer of the campaign, at its time, of which something is left; by a service of the market that is not
    slotted, to an address of the buyer's. What a border takes is said before it is paid, for which one step leaves no
    room."""
    terms = facts.terms.get(wish.offer_id)
    country = facts.countries.get((wish.buyer_id, wish.address_id))
    if terms is None or terms.campaign_id != wish.campaign_id or country is None:
        return NotFound()
    if problem := closed(terms.starts_at, terms.ends_at, now):
        return problem
    offer = facts.offers[wish.offer_id]
    if offer.seller_status != "active":
        return orders.OfferUnavailable(wish.offer_id)
    if (offer.market, wish.shipping_code) not in facts.services:
        return pricing.ShippingNotOffered(wish.shipping_code)
    if country != terms.country:
        return NotSentAbroad(terms.country)
    if problem := facts.unpaid.get(wish.offer_id):
        return problem
    if problem := orders.objection(
        wish.offer_id, terms.country, facts.judged[wish.offer_id], facts.ages.get(wish.buyer_id, {})
    ):
        return problem
    return orders.SoldOut(wish.offer_id, terms.left) if wish.quantity > terms.left else None


async def _limits(
    tx: Tx, home: int, wishes: Sequence[Wish], facts: _Facts
) -> list[pricing.QuotaUse | pricing.LimitReached]:
    """Limits are opened before anything is locked, so that who waits for another to open one holds up nobody."""
    if not wishes:
        return []
    names = [limit_name(wish.campaign_id, wish.offer_id) for wish in wishes]
    granted = [facts.terms[wish.offer_id].max_per_buyer for wish in wishes]
    limits = await pricing.limits(tx, home, names, [wish.buyer_id for wish in wishes], granted)
    return [
        pricing.QuotaUse(id_, wish.quantity) if wish.quantity <= left else pricing.LimitReached(name, left)
        for wish, name, (id_, left) in zip(wishes, names, limits, strict=True)
    ]


def _purchase(wish: Wish, use: pricing.QuotaUse, facts: _Facts) -> orders.Buy:
    offer = facts.offers[wish.offer_id]
    lines = [pricing.Line(offer, wish.quantity)]
    purchase = orders.Purchase(wish.buyer_id, offer.market, wish.shipping_code, lines, wish.address_id, uses=[use])
    return orders.Buy(purchase, wish.key, wish.method, wish.body)
