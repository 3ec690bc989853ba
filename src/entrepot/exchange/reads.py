"""The rates and the terms that hold."""

from __future__ import annotations

from datetime import datetime

from entrepot import trade
from entrepot.exchange import rules, store
from entrepot.exchange.types import ExchangeTerms, Lock, NotExchanged
from entrepot.kit.db import ReadTx


async def terms_at(tx: ReadTx, market: str, now: datetime) -> ExchangeTerms | None:
    """The terms that hold in a market at `now`, if there are any."""
    return await tx.maybe(store.TERMS_AT, market=market, now=now)


async def lock(tx: ReadTx, market: str, currency: str, other: str) -> Lock:
    """The rates that hold now between two currencies by the terms of the market in which something is sold. Raises
    NotExchanged."""
    terms = await terms_at(tx, market, tx.now)
    if terms is None:
        raise NotExchanged(currency, other, "no_terms", f"add terms of exchange to the market: {market}")
    asked = {currency, other} - {rules.EURO}
    pair = rules.latest(await trade.euro_rates(tx, asked, tx.now.date(), terms.max_age_d + 1), currency, other)
    if pair is None:
        remedy = f"import exchange rates of {' and '.join(sorted(asked))} of at most {terms.max_age_d} days ago"
        raise NotExchanged(currency, other, "no_rate", remedy)
    return rules.locked(pair, terms)
