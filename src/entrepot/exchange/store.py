"""The SQL of the terms of exchange."""

from __future__ import annotations

from datetime import datetime

from entrepot.exchange.types import ExchangeTerms
from entrepot.kit.sql import sql

ADD_EXCHANGE_TERMS = sql(
    """
    insert into exchange.terms (market, valid_from, spread_bp, max_age_d, converts, source)
    values (:market, :valid_from, :spread_bp, :max_age_d, :converts, :source)
    on conflict do nothing
    returning valid_from
    """,
    datetime,
)
LAST_TERMS_FROM = sql(
    "select valid_from from exchange.terms where market = :market order by valid_from desc limit 1", datetime
)
TERMS_AT = sql(
    """
    select market, valid_from, spread_bp, max_age_d, converts, source
      from exchange.terms
     where market = :market and valid_from <= :now
     order by valid_from desc
     limit 1
    """,
    ExchangeTerms,
)
