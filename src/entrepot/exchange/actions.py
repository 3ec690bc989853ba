"""Taking in rates, and agreeing on terms."""

from __future__ import annotations

import msgspec

from entrepot import catalog, sellers, trade
from entrepot.exchange import store
from entrepot.exchange.providers import Rates
from entrepot.exchange.types import ExchangeTerms, ExchangeTermsNotLater
from entrepot.kit.db import Tx


async def take_rates(tx: Tx, rates: Rates) -> bool:
    """Adds what a provider tells; the very same again is no news. What was locked before stays as it was."""
    if await trade.known(tx, rates.name, rates.digest):
        return False
    await trade.add_euro_rates(tx, trade.Reading(rates.name, rates.title, rates.digest, euro_rates=rates.rows))
    await catalog.look_again(tx)
    return True


async def set_terms(tx: Tx, terms: ExchangeTerms) -> None:
    """Terms from `terms.valid_from` on. The very same terms again change nothing. Raises NotFound for an unknown
    market, ExchangeTermsNotLater when its last terms begin then or later."""
    await sellers.market(tx, terms.market)
    last = await tx.maybe(store.LAST_TERMS_FROM, market=terms.market)
    if last is not None and last >= terms.valid_from:
        if await tx.maybe(store.TERMS_AT, market=terms.market, now=terms.valid_from) == terms:
            return
        raise ExchangeTermsNotLater(last)
    if await tx.maybe(store.ADD_EXCHANGE_TERMS, **msgspec.structs.asdict(terms)) is None:
        raise ExchangeTermsNotLater(terms.valid_from)
    await catalog.look_again(tx)
