"""Selling in another market at a converted price."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from entrepot.catalog import NotFollowed, OfferExists, OfferView, offer_view
from entrepot.exchange import following
from entrepot.exchange.types import NotExchanged
from entrepot.kit.auth import Caller
from entrepot.kit.db import Tx
from entrepot.kit.http import SELLER, post


class AnotherMarket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: Annotated[str, Meta(min_length=1, max_length=20, examples=["us"])]


async def follow_offer(tx: Tx, caller: Caller, offer_id: int, body: AnotherMarket) -> OfferView:
    """Offers the same in another market, at the price converted at each day's rates; a price of its own ends that."""
    assert caller.seller_id is not None
    return offer_view(await following.follow(tx, caller.cell, caller.seller_id, offer_id, body.market))


routes = [
    post(
        "/v1/seller/offers/{offer_id}/markets", follow_offer, access=SELLER,
        raises=(NotFollowed, NotExchanged, OfferExists), status=201, key="taken",
    ),
]  # fmt: skip
