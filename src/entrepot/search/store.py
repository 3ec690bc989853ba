"""Search's SQL. It reads catalog, sellers, inventory and logistics, and writes nothing."""

from __future__ import annotations

import msgspec

from entrepot.kit.sql import sql


class CardRow(msgspec.Struct, frozen=True, gc=False):
    """A product of a page; without a price nobody offers it."""

    id: int
    slug: str
    title: str
    brand: str
    currency: str
    unit_price_minor: int | None
    price_per: int | None
    unit: str | None
    available: bool
    cell: int | None
    bundle_id: int | None  # when that offer is one
    language: str  # the market's
    written_in: str  # the language of the title


class InsideRow(msgspec.Struct, frozen=True):
    bundle_id: int
    slug: str


class ProductRow(msgspec.Struct, frozen=True):
    """`variants` and `offers` are JSON texts."""

    id: int
    slug: str
    title: str
    brand: str
    description: str
    category: str
    category_name: str
    variants: str
    offers: str
    country: str | None  # the market's, as is its language
    language: str | None
    written_in: str  # the language of title and description
    marked: bool  # there may be a law about one of its variants


class Candidate(msgspec.Struct, frozen=True, gc=False):
    product_id: int
    category_id: int
    wanted: bool  # lies in the category asked for


class FacetRow(msgspec.Struct, frozen=True):
    id: int
    slug: str
    name: str


class OwnOfferRow(msgspec.Struct, frozen=True):
    id: int
    product_slug: str
    title: str
    sku: str
    market: str
    location_id: int
    currency: str
    unit_price_minor: int
    price_per: int
    unit: str
    status: str
    available: int
    components: str  # a JSON text


# What is in the bundle `o`, as JSON.
_COMPONENTS = """
    coalesce((select json_agg(json_build_object('offer_id', t.offer_id, 'title', t.title, 'slug', t.slug,
                                                'quantity', c.quantity, 'unit', f.unit) order by t.offer_id)
                from catalog.component c
                join catalog.offer f on f.cell = c.cell and f.id = c.offer_id
                join catalog.offer_title t on t.cell = c.cell and t.offer_id = c.offer_id
               where c.cell = o.cell and c.bundle_id = o.id and o.stock_id is null), '[]')
"""
_LEFT = """
    case when o.stock_id is null then inventory.bundles_left(o.cell, o.id) else k.on_hand - k.held - k.allocated end
"""


# The law of the market's country has nothing against the offer `o`, or, of a bundle, against anything in it. What is
# only for buyers of an age is shown to all. `offset 0` has the few marks of one variant looked up first, in whatever
# statement: else they may be joined with the rules for all variants at once.
def _stands(variant: str) -> str:
    return f"""
       exists (select from (select k.mark from trade.mark k
                             where k.variant_id = {variant} and (k.said_by is null or k.said_by = o.seller_id)
                            offset 0) k
                 join trade.restriction b on b.country = m.country and b.mark = k.mark
                where b.effect in ('prohibited', 'permit')
                  and b.valid_from <= :today::date and (b.valid_to is null or b.valid_to > :today)
                  and not exists (select from logistics.location l
                                   where l.cell = o.cell and l.id = o.location_id and l.country = any (b.not_from))
                  and not (b.effect = 'permit'
                           and exists (select from trade.permit q
                                        where q.seller_id = o.seller_id and q.country = b.country and q.name = b.name
                                          and (q.valid_to is null or q.valid_to > :today))))
    """  # noqa: S608 - made of the constants below


# The rule of the market's country, if there is one, that somebody has to answer for all goods; it goes before what uses
# _SOLD_HERE, and is looked up once.
_LAW = """
    law as materialized (
        select b.within, b.not_from
          from sellers.market m
          join trade.restriction b on b.country = m.country and b.mark = 'goods'
         where m.code = :market and b.valid_from <= :today::date and (b.valid_to is null or b.valid_to > :today)
         order by b.valid_from desc, b.name
         limit 1)
"""
_SOLD_HERE = f"""
    ((select within from law) is null
     or exists (select from trade.contact c
                 where c.seller_id = o.seller_id and c.country = any ((select within from law)::text[]))
     or exists (select from logistics.location l
                 where l.cell = o.cell and l.id = o.location_id
                   and l.country = any ((select not_from from law)::text[])))
    and not {_stands("o.variant_id")}
    and not (o.stock_id is null
             and exists (select from catalog.component c
                           join catalog.offer f on f.cell = c.cell and f.id = c.offer_id
                          where c.cell = o.cell and c.bundle_id = o.id and {_stands("f.variant_id")}))
"""  # noqa: S608 - made of the constant above

# Two laterals, each one probe of the index offer_product in price order: the cheapest offer with stock and, only where
# there is none (a one-time filter), the cheapest without.
_CARDS = f""", {_LAW}
    select p.id, p.slug, p.title, p.brand, m.currency,
           coalesce(stocked.unit_price_minor, other.unit_price_minor),
           coalesce(stocked.price_per, other.price_per),
           coalesce(stocked.unit, other.unit),
           stocked.price_per is not null,
           coalesce(stocked.cell, other.cell),
           coalesce(stocked.bundle_id, other.bundle_id), m.language, p.language
      from page
      join catalog.product p on p.id = page.product_id
      join sellers.market m on m.code = :market
      left join lateral (
           select o.unit_price_minor, o.price_per, o.unit, o.cell,
                  case when o.stock_id is null then o.id end as bundle_id
             from catalog.offer o
             left join inventory.stock k on k.cell = o.cell and k.id = o.stock_id
             join sellers.seller s on s.id = o.seller_id
            where o.product_id = p.id and o.market = :market and o.status = 'active' and s.status = 'active'
              and case when o.stock_id is null then inventory.bundles_left(o.cell, o.id) > 0
                       else k.on_hand > k.held + k.allocated end
              and {_SOLD_HERE}
            order by o.unit_price_minor
            limit 1) stocked on true
      left join lateral (
           select o.unit_price_minor, o.price_per, o.unit, o.cell,
                  case when o.stock_id is null then o.id end as bundle_id
             from catalog.offer o
             join sellers.seller s on s.id = o.seller_id
            where o.product_id = p.id and o.market = :market and o.status = 'active' and s.status = 'active'
              and stocked.price_per is null and {_SOLD_HERE}
            order by o.unit_price_minor
            limit 1) other on true
     order by page.position
"""  # noqa: S608

# The inner limit (PAGE_MAX) is for the planner: it sees that a page is short whatever the arguments are, and makes one
# plan for all of them. Without it every page is planned anew, which takes three times as long as reading it.
LISTING = sql(
    """
    with page as (
        select r.product_id, r.product_id as position
          from (select l.product_id
                  from catalog.listed l
                 where l.market = :market and l.product_id > :after
                   and l.category_id = case when :category::text is null then 0
                                            else (select c.id from catalog.category c where c.slug = :category) end
                 order by l.product_id
                 limit 48) r
         order by r.product_id
         limit :limit
    )
    """  # noqa: S608 - two constants
    + _CARDS,
    CardRow,
)
CARDS = sql(
    """
    with page as (
        select a.product_id, a.position from unnest(:ids::bigint[]) with ordinality as a (product_id, position)
    )
    """  # noqa: S608 - two constants
    + _CARDS,
    CardRow,
)

# Candidates are the first matches that the index gives, ranked among themselves. Likeness is asked for only when the
# words found little.
CANDIDATES = sql(
    f"""
    with {_LAW}, hit as materialized (
        select p.id, p.category_id, ts_rank(p.words, catalog.asked(:text)) as rank
          from catalog.product p
          join catalog.listed l on l.market = :market and l.category_id = 0 and l.product_id = p.id
         where p.words @@ catalog.asked(:text)
         limit :limit
    ), told as materialized (  -- in other languages; the limit is inside, or a common word would be ranked in all
        select distinct on (t.id) t.id, t.category_id, t.rank
          from (select t.product_id as id, p.category_id, ts_rank(t.words, catalog.asked(:text)) as rank
                  from catalog.translation t
                  join catalog.product p on p.id = t.product_id
                  join catalog.listed l on l.market = :market and l.category_id = 0 and l.product_id = t.product_id
                 where t.words @@ catalog.asked(:text) and t.product_id not in (select id from hit)
                 limit :limit) t
         order by t.id, t.rank desc
    ), found as (
        select h.id, h.category_id, 1 + h.rank as rank from hit h
        union all
        select t.id, t.category_id, 1 + t.rank from told t
        union all
        select s.product_id, p.category_id, s.likeness
          from catalog.similar(:text, :limit::int) s
          join catalog.product p on p.id = s.product_id
          join catalog.listed l on l.market = :market and l.category_id = 0 and l.product_id = s.product_id
         where (select count(*) from hit) + (select count(*) from told) < :few
           and s.product_id not in (select id from hit union all select id from told)
    )
    select f.id, f.category_id,
           :category::text is null
           or exists (select from catalog.listed l
                       where l.market = :market and l.product_id = f.id
                         and l.category_id = (select c.id from catalog.category c where c.slug = :category))
      from found f
      join sellers.market m on m.code = :market
     where exists (select from catalog.offer o
                    where o.product_id = f.id and o.market = :market and o.status = 'active' and {_SOLD_HERE})
     order by f.rank desc, f.id
     limit :limit
    """,  # noqa: S608
    Candidate,
)
# A statement of its own for the few pages that show a bundle: in the other it would make every page slower.
INSIDE = sql(
    """
    select c.bundle_id, t.slug
      from unnest(:cells::smallint[], :bundles::bigint[]) as b (cell, id)
      join catalog.component c on c.cell = b.cell and c.bundle_id = b.id
      join catalog.offer_title t on t.cell = c.cell and t.offer_id = c.offer_id
     order by c.bundle_id, t.offer_id
    """,
    InsideRow,
)
FACETS = sql("select id, slug, name from catalog.category where id = any (:ids::bigint[])", FacetRow)
KNOWN = sql(
    """
    select exists (select from sellers.market where code = :market)
       and (:category::text is null or exists (select from catalog.category where slug = :category))
    """,
    bool,
)

PRODUCT = sql(
    f"""
    with {_LAW}
    select p.id, p.slug, p.title, p.brand, p.description, c.slug, c.name,
           coalesce((select json_agg(json_build_object('id', v.id, 'sku', v.sku, 'gtin', v.gtin, 'title', v.title)
                                     order by v.id)
                       from (select * from catalog.variant v where v.product_id = p.id order by v.id limit 100) v),
                    '[]')::text,
           coalesce((select json_agg(json_build_object(
                                'id', o.id, 'variant_id', o.variant_id, 'seller', o.seller,
                                'seller_slug', o.seller_slug, 'ship_from', o.ship_from, 'ship_from_country', o.country,
                                'price', json_build_object('minor', o.unit_price_minor, 'currency', o.currency),
                                'price_per', o.price_per, 'unit', o.unit, 'available', o.available,
                                'components', o.components, 'converted', o.converted, 'contact', o.contact)
                                order by o.unit_price_minor, o.id)
                       from (select o.id, o.variant_id, s.name as seller, s.slug as seller_slug,
                                    coalesce(l.name, '') as ship_from, coalesce(l.country, '') as country,
                                    o.unit_price_minor, m.currency, o.price_per, o.unit,
                                    {_LEFT} as available, {_COMPONENTS} as components,
                                    (select json_build_object(
                                                'price', json_build_object('minor', f.of_minor,
                                                                           'currency', f.of_currency),
                                                'day', f.rate_day)
                                       from catalog.following f
                                      where f.cell = o.cell and f.offer_id = o.id and f.of_currency <> m.currency)
                                        as converted,
                                    (select json_build_object('country', c.country, 'name', c.name,
                                                              'address', c.address, 'electronic', c.electronic)
                                       from trade.contact c
                                      where c.seller_id = s.id and c.country = any ((select within from law)::text[])
                                      order by c.country
                                      limit 1) as contact
                               from catalog.offer o
                               join sellers.market m on m.code = o.market
                               join sellers.seller s on s.id = o.seller_id
                               left join inventory.stock k on k.cell = o.cell and k.id = o.stock_id
                               left join logistics.location l on l.cell = o.cell and l.id = o.location_id
                              where o.product_id = p.id and o.market = :market and o.status = 'active'
                                and s.status = 'active' and {_SOLD_HERE}
                              order by o.unit_price_minor, o.id
                              limit 100) o),
                    '[]')::text,
           (select m.country from sellers.market m where m.code = :market),
           (select m.language from sellers.market m where m.code = :market),
           p.language,
           exists (select from catalog.variant v join trade.mark k on k.variant_id = v.id where v.product_id = p.id)
      from catalog.product p
      join catalog.category c on c.id = p.category_id
     where p.slug = :slug
    """,  # noqa: S608 - made of the constants above
    ProductRow,
)

OWN_OFFERS = sql(
    f"""
    select o.id, p.slug, case v.title when '' then p.title else p.title || ', ' || v.title end, v.sku, o.market,
           o.location_id, m.currency, o.unit_price_minor, o.price_per, o.unit, o.status,
           {_LEFT}, {_COMPONENTS}::text
      from catalog.offer o
      join catalog.product p on p.id = o.product_id
      join catalog.variant v on v.id = o.variant_id
      join sellers.market m on m.code = o.market
      left join inventory.stock k on k.cell = o.cell and k.id = o.stock_id
     where o.cell = :cell and o.seller_id = :seller_id and o.id > :after and (o.stock_id is null or not :bundles)
     order by o.id
     limit :limit
    """,  # noqa: S608
    OwnOfferRow,
)
