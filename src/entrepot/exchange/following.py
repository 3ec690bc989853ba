"""Offers in one market at what a seller asks in another, converted: their prices follow each day's rates."""

from __future__ import annotations

from uuid import UUID

from entrepot import catalog, sellers
from entrepot.catalog import Followed, NotFollowed, Offer, Price
from entrepot.exchange import reads, rules
from entrepot.exchange.types import Lock, NotExchanged
from entrepot.kit.db import Tx
from entrepot.kit.money import MAX_MINOR


async def follow(tx: Tx, cell: int, seller_id: UUID, offer_id: int, market: str) -> Offer:
    """Offers what a seller's offer offers in another market as well, at its price converted; the price follows, until
    it gets one of its own there. Raises NotFound, NotFollowed, NotExchanged, OfferExists."""
    source = await catalog.offer_of(tx, cell, seller_id, offer_id)
    here, there = await sellers.market(tx, source.market), await sellers.market(tx, market)
    terms = await reads.terms_at(tx, market, tx.now)
    if terms is None or not terms.converts:
        raise NotFollowed("not_allowed")
    if here.currency != there.currency:
        paid_in = (await sellers.seller(tx, sellers.SellerId(seller_id))).settles_in
        if paid_in != here.currency:  # else the spread that is in the price would be the seller's
            raise NotFollowed("settlement")
    lock = await _rates(tx, market, here.currency, there.currency)
    price = Price(_price(source.unit_price_minor, lock), there.currency)
    made_of = Price(source.unit_price_minor, here.currency)
    day = tx.now.date() if lock is None else lock.day
    return await catalog.follow(tx, cell, source, market, price, day, made_of)


async def follow_prices(tx: Tx, cell: int) -> int:
    """Gives a batch of offers today's prices; how many. Where there is no rate that is not too old, an offer is paused
    until there is one."""
    found = await catalog.to_look_at(tx, cell)
    locks: dict[tuple[str, str], Lock | None] = {}
    followed = []
    for one in found:
        key = one.market, one.source_currency
        day, price = None, one.unit_price_minor
        try:
            if key not in locks:
                locks[key] = await _rates(tx, one.market, one.source_currency, one.currency)
            lock = locks[key]
            day, price = tx.now.date() if lock is None else lock.day, _price(one.source_minor, lock)
        except NotExchanged:
            pass
        followed.append(Followed(one.offer_id, price, one.source_minor, day))
    if followed:
        await catalog.set_followed(tx, cell, followed)
    return len(followed)


async def _rates(tx: Tx, market: str, currency: str, other: str) -> Lock | None:
    """None, where both markets have one currency. Raises NotExchanged."""
    return None if currency == other else await reads.lock(tx, market, currency, other)


def _price(minor: int, lock: Lock | None) -> int:
    return minor if lock is None else min(rules.asked(minor, lock), MAX_MINOR)
