"""Pricing's SQL."""

from __future__ import annotations

import msgspec

from entrepot.kit.sql import sql
from entrepot.pricing.types import Promotion, ShippingService

ADD_SERVICE = sql(
    """
    insert into pricing.shipping_service (market, code, name, base_minor, item_minor, transit_s, position, incoterm,
                                          clearance_minor, carried)
    values (:market, :code, :name, :base_minor, :item_minor, :transit_s, :position, :incoterm, :clearance_minor,
            :carried)
    on conflict do nothing
    returning code
    """,
    str,
)
SERVICE = sql(
    """
    select market, code, name, base_minor, item_minor, transit_s, position, incoterm, clearance_minor, carried,
           slotted
      from pricing.shipping_service
     where market = :market and code = :code
    """,
    ShippingService,
)
SERVICES = sql(
    """
    select market, code, name, base_minor, item_minor, transit_s, position, incoterm, clearance_minor, carried,
           slotted
      from pricing.shipping_service
     where market = :market
     order by position, code
     limit :limit
    """,
    ShippingService,
)
ADD_PROMOTION = sql(
    """
    insert into pricing.promotion (code, market, percent_bp, amount_minor, minimum_minor, funding_party, valid_from,
                                   valid_to, max_uses, max_per_buyer, budget_minor)
    values (:code, :market, :percent_bp, :amount_minor, :minimum_minor, :funding_party, :valid_from, :valid_to,
            :max_uses, :max_per_buyer, :budget_minor)
    on conflict do nothing
    returning code
    """,
    str,
)
PROMOTION = sql(
    """
    select code, market, percent_bp, amount_minor, minimum_minor, funding_party, valid_from, valid_to, max_uses,
           max_per_buyer, budget_minor
      from pricing.promotion
     where code = :code
    """,
    Promotion,
)


class Left(msgspec.Struct, frozen=True):
    quota_id: int
    available: int


class Shared(msgspec.Struct, frozen=True):
    code: str
    max_uses: int | None
    budget_minor: int | None


class Part(msgspec.Struct, frozen=True):
    name: str
    amount: int


class QuotaSum(msgspec.Struct, frozen=True):
    """What all owners of quotas of a name have used."""

    name: str
    owners: int
    used: int


QUOTA_SUMS = sql(
    """
    select name, count(*), sum(used)::bigint from pricing.quota
     where starts_with(name, :prefix) and used > 0 group by name order by name
    """,
    QuotaSum,
)
OPEN_QUOTAS = sql("select quota_id, available from pricing.open_quotas(:cell, :names, :owners, :granted)", Left)

# Promotions that are not over and may be used only so often, or for so much, by everybody together.
SHARED = sql(
    """
    select code, max_uses, budget_minor
      from pricing.promotion
     where valid_to > :now and (max_uses is not null or budget_minor is not null)
     order by code
    """,
    Shared,
)
GIVE_UP = sql(
    """
    with part as (
        select id, name, div(granted - used, :parts)::bigint as amount
          from pricing.quota
         where cell = :cell and owner = '00000000-0000-0000-0000-000000000000' and name = any (:names::text[])
           and name <> ''
         order by id
           for no key update
    )
    update pricing.quota q set granted = q.granted - p.amount
      from part p
     where q.cell = :cell and q.id = p.id
    returning p.name, p.amount
    """,
    Part,
)
