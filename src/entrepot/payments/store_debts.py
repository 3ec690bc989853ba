"""SQL of what sellers owe, and of what is held back from them."""

from __future__ import annotations

from datetime import datetime

from entrepot.kit.sql import sql
from entrepot.payments.types import ReserveTerms

ADD_TERMS = sql(
    """
    insert into payments.reserve_terms (seller_id, valid_from, reserve_bp, hold_s, source)
    select :seller_id, :valid_from, :reserve_bp, :hold_s, :source
     where not exists (select from payments.reserve_terms where seller_id = :seller_id and valid_from >= :valid_from)
    on conflict do nothing
    returning valid_from
    """,
    datetime,
)
TERMS = sql(
    """
    select seller_id, valid_from, reserve_bp, hold_s, source from payments.reserve_terms
     where seller_id = :seller_id order by valid_from desc limit :limit
    """,
    ReserveTerms,
)
TERMS_AT = sql(
    """
    select distinct on (seller_id) seller_id, valid_from, reserve_bp, hold_s, source from payments.reserve_terms
     where seller_id = any (:sellers::uuid[]) and valid_from <= :now
     order by seller_id, valid_from desc
    """,
    ReserveTerms,
)
ADD_WRITE_OFF = sql("""
    insert into payments.write_off (cell, id, seller_id, currency, amount_minor, reason, user_id, at)
    values (:cell, :id, :seller_id, :currency, :amount_minor, :reason, :user_id, :now)
""")
