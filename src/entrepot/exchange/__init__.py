"""Currencies: what an amount of one is in another, at rates that somebody has told, and by which terms a market takes
part.

Rates are per euro and dated, each with its source (trade.euro_rate); a provider brings them. Of two currencies the
rates of one day are taken, the last on which both have one; a day on which no bank works has that of the day before,
and one that is older than the market's terms allow is none. `lock` says which rates hold now, and whoever promises
something by them keeps them: rates that come later change nothing that was promised.

Amounts are converted by whole numbers, exactly, and rounded once: to a minor unit of the other currency, half a unit
away from nothing. Of what is exchanged the operator keeps `spread_bp`. Offers may follow a
price that their seller asks in another market (exchange.following).
"""

from entrepot.exchange.actions import set_terms, take_rates
from entrepot.exchange.providers import FileNotReadError, Rates
from entrepot.exchange.reads import lock
from entrepot.exchange.rules import exchanged, shown_rate
from entrepot.exchange.types import ExchangeTerms, ExchangeTermsNotLater, Lock, NotExchanged

__all__ = [
    "ExchangeTerms", "ExchangeTermsNotLater", "FileNotReadError", "Lock", "NotExchanged", "Rates", "exchanged", "lock",
    "set_terms", "shown_rate", "take_rates",
]  # fmt: skip
