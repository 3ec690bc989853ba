"""Offers whose price follows that of an offer in another market, at a rate of exchange that somebody above knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from entrepot.catalog import actions
from entrepot.catalog import store_following as store
from entrepot.catalog.store_following import Follower
from entrepot.catalog.types import Converted, NewOffer, NotFollowed, Offer, Price
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx

LOOKED_AT = 500
"""Offers that one look takes on."""


class Followed(NamedTuple):
    """What an offer costs now, made of what the one that it follows asks, at the rates of a day; None: there are none,
    and it is paused until there are."""

    offer_id: int
    price_minor: int
    of_minor: int
    rate_day: date | None


async def follow(tx: Tx, cell: int, source: Offer, market: str, price: Price, rate_day: date, made_of: Price) -> Offer:
    """Offers in another market what `source` offers, at a price that will follow its price (`made_of`). Raises
    NotFollowed, NotFound for an unknown market, OfferExists when the seller has an offer of its own there."""
    if source.stock_id is None or source.status == "campaign":
        raise NotFollowed("bundle" if source.stock_id is None else "campaign")
    if source.market == market or await tx.maybe(store.FOLLOWS, cell=cell, offer_id=source.id) is not None:
        raise NotFollowed("market" if source.market == market else "follows")
    offer = await actions.add_offer(
        tx,
        cell,
        NewOffer(source.seller_id, source.variant_id, market, source.location_id, source.stock_id, price.minor),
    )
    await tx.run(
        store.ADD_FOLLOWING, cell=cell, offer_id=offer.id, follows=source.id, of_minor=made_of.minor,
        of_currency=made_of.currency, rate_day=rate_day, looked_on=tx.now.date(),
    )  # fmt: skip
    return offer


async def to_look_at(tx: Tx, cell: int) -> list[Follower]:
    """Offers whose price was not looked at today, locked; at most LOOKED_AT."""
    return await tx.all(store.TO_LOOK_AT, cell=cell, today=tx.now.date(), limit=LOOKED_AT)


async def set_followed(tx: Tx, cell: int, followed: Sequence[Followed]) -> None:
    """Prices of offers that were just looked at."""
    await tx.run(
        store.FOLLOW, cell=cell, now=tx.now, today=tx.now.date(), offers=[one.offer_id for one in followed],
        prices=[one.price_minor for one in followed], days=[one.rate_day for one in followed],
        of=[one.of_minor for one in followed],
    )  # fmt: skip


async def look_again(tx: Tx) -> None:
    """Rates or terms have changed: every price that follows another is looked at once more."""
    for cell in await cells(tx):
        await tx.run(store.LOOK_AGAIN, cell=cell, today=tx.now.date())


async def converted(tx: ReadTx, cell: int, offer_ids: Sequence[int]) -> dict[int, Converted]:
    """Of what the prices of offers are made, by offer; those that have a price of their own are absent."""
    return {
        row.offer_id: Converted(Price(row.of_minor, row.of_currency), row.rate_day)
        for row in await tx.all(store.CONVERTED, cell=cell, offer_ids=offer_ids)
    }
