"""Markets, terms and sellers as they are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.sellers import store
from entrepot.sellers.types import Market, NoTerms, Seller, SellerId, Terms

MAX_MARKETS = 250
PAGE_MAX = 100


async def markets(tx: ReadTx) -> list[Market]:
    """All markets by code, at most MAX_MARKETS."""
    return await tx.all(store.MARKETS, limit=MAX_MARKETS)


async def market(tx: ReadTx, code: str) -> Market:
    """Raises NotFound."""
    found = await tx.maybe(store.MARKET, code=code)
    if found is None:
        raise NotFound
    return found


async def currencies(tx: ReadTx) -> list[str]:
    """The currencies of all markets."""
    return await tx.all(store.CURRENCIES)


async def terms_at(tx: ReadTx, market_code: str, now: datetime) -> Terms:
    """The terms that hold in a market at `now`. Raises NoTerms."""
    found = await tx.maybe(store.TERMS_AT, market=market_code, now=now)
    if found is None:
        raise NoTerms(market_code)
    return found


async def seller(tx: ReadTx, seller_id: SellerId) -> Seller:
    """Raises NotFound."""
    found = await tx.maybe(store.SELLER, id=seller_id)
    if found is None:
        raise NotFound
    return found


async def names(tx: ReadTx, seller_ids: Collection[UUID]) -> dict[UUID, str]:
    """What sellers are called, of those that there are."""
    return {row.id: row.name for row in await tx.all(store.NAMES, ids=seller_ids)}


async def page(tx: ReadTx, after: SellerId | None, limit: int) -> list[Seller]:
    """Sellers in the order of their ids, from the one after `after`; at most PAGE_MAX."""
    return await tx.all(store.PAGE, after=after or NIL, limit=min(limit, PAGE_MAX))


async def payment_methods(tx: ReadTx, _: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    """The ways of paying of those markets that do not offer all (for kit.glance)."""
    return {row.market: row.payments for row in await tx.all(store.CHOOSY)}
