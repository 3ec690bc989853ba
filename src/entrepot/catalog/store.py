"""The catalog's SQL. The statements that import take 100,000 rows a call: one unnest, one insert."""

from __future__ import annotations

import msgspec

from entrepot.catalog.types import Alternative, Category, ComponentFacts, Offer, OfferFacts
from entrepot.kit.sql import sql


class ProductRow(msgspec.Struct, frozen=True):
    id: int
    slug: str


FACTS = sql(
    """
    select o.id, o.seller_id, s.kind = 'own', s.commission_bp, s.status, o.status = 'active' and s.status = 'active',
           o.variant_id, o.stock_id, o.location_id, o.market, m.currency, o.unit_price_minor, o.price_per, o.unit,
           case v.title when '' then p.title else p.title || ', ' || v.title end, p.slug, o.cell,
           '{}'::bigint[],  -- a bundle's components are read apart
           nullif(s.settles_in, m.currency), p.category_id
      from catalog.offer o
      join sellers.seller s on s.id = o.seller_id
      join sellers.market m on m.code = o.market
      join catalog.variant v on v.id = o.variant_id
      join catalog.product p on p.id = o.product_id
     where o.cell = :cell and o.id = any (:offer_ids::bigint[])
    """,
    OfferFacts,
)
COMPONENTS = sql(
    """
    select c.bundle_id, o.id, o.variant_id, o.stock_id, c.quantity, o.unit_price_minor, o.price_per,
           case v.title when '' then p.title else p.title || ', ' || v.title end, p.slug, o.unit
      from catalog.component c
      join catalog.offer o on o.cell = c.cell and o.id = c.offer_id
      join catalog.variant v on v.id = o.variant_id
      join catalog.product p on p.id = o.product_id
     where c.cell = :cell and c.bundle_id = any (:bundle_ids::bigint[])
     order by c.bundle_id, o.id
    """,
    ComponentFacts,
)
CELL_OF = sql(
    "select cell from catalog.offer where cell = any (array(select c.cell from kit.cell c)) and id = :offer_id", int
)
OFFER = sql(
    """
    select id, seller_id, product_id, variant_id, market, location_id, stock_id, unit_price_minor, price_per, status
      from catalog.offer
     where cell = :cell and id = :offer_id and seller_id = :seller_id
    """,
    Offer,
)

ALTERNATIVES = sql(
    """
    select a.id, a.variant_id, a.stock_id, v.title, a.unit_price_minor, a.price_per
      from catalog.offer o
      join catalog.offer a on a.cell = o.cell and a.product_id = o.product_id and a.seller_id = o.seller_id
                          and a.market = o.market
      join catalog.variant v on v.id = a.variant_id
     where o.cell = :cell and o.id = :offer_id and a.status = 'active' and a.stock_id is not null
     order by a.variant_id, a.id
     limit :limit
    """,
    Alternative,
)


class VariantSku(msgspec.Struct, frozen=True):
    id: int
    sku: str


KNOWN_VARIANTS = sql("select id from catalog.variant where id = any (:variant_ids::bigint[])", int)
VARIANTS_BY_SKU = sql("select id, sku from catalog.variant where sku = any (:skus::text[])", VariantSku)

CATEGORIES = sql(
    "select id, parent_id, slug, name from catalog.category order by parent_id nulls first, name, id limit :limit",
    Category,
)
ADD_CATEGORY = sql(
    """
    insert into catalog.category (id, parent_id, slug, name, above)
    select n, :parent_id, :slug, :name,
           coalesce((select c.above from catalog.category c where c.id = :parent_id), '{}') || n
      from nextval('catalog.category_id_seq') n
    on conflict (slug) do nothing
    returning id
    """,
    int,
)
ADD_PRODUCT = sql(
    """
    insert into catalog.product (id, slug, title, brand, description, language, category_id, created_at)
    select n, ltrim(:stem || '-' || n, '-'), :title, :brand, :description, :language, :category_id, :now
      from nextval('catalog.product_id_seq') n
    returning id, slug
    """,
    ProductRow,
)
ADD_VARIANTS = sql(
    """
    insert into catalog.variant (product_id, sku, gtin, title, unit, price_per)
    select :product_id, v.sku, v.gtin, v.title, v.unit, v.price_per
      from unnest(:skus::text[], :gtins::text[], :titles::text[], :units::text[], :prices_per::int[])
           with ordinality as v (sku, gtin, title, unit, price_per, ord)
     order by v.ord
    on conflict (sku) do nothing
    returning id
    """,
    int,
)
ADD_OFFER = sql(
    """
    insert into catalog.offer (cell, seller_id, product_id, variant_id, market, location_id, stock_id,
                               unit_price_minor, price_per, unit, status, updated_at)
    select :cell, :seller_id, v.product_id, v.id, m.code, :location_id, :stock_id, :unit_price_minor, v.price_per,
           v.unit, :status, :now
      from catalog.variant v
     cross join sellers.market m
     where v.id = :variant_id and m.code = :market
    on conflict (cell, seller_id, variant_id, market, location_id) where status <> 'campaign' do nothing
    returning id, seller_id, product_id, variant_id, market, location_id, stock_id, unit_price_minor, price_per, status
    """,
    Offer,
)
ADD_COMPONENTS = sql("""
    insert into catalog.component (cell, bundle_id, offer_id, quantity)
    select :cell, :bundle_id, c.offer_id, c.quantity
      from unnest(:offer_ids::bigint[], :quantities::bigint[]) as c (offer_id, quantity)
     order by c.offer_id
""")
OFFERS_OF_SELLER = sql(
    """
    select id, seller_id, product_id, variant_id, market, location_id, stock_id, unit_price_minor, price_per, status
      from catalog.offer
     where cell = :cell and seller_id = :seller_id and id = any (:offer_ids::bigint[])
    """,
    Offer,
)
SOLD_BY = sql("select price_per from catalog.variant where id = :variant_id", int)
VARIANT_AND_MARKET = sql(
    """
    select 1 from catalog.variant v cross join sellers.market m where v.id = :variant_id and m.code = :market
    """,
    int,
)
LIST = sql("select catalog.list_many(:markets, :products)")

# The rows are locked in id order, so that two who set prices never wait for each other.
SET_PRICES = sql(
    """
    with asked as (
        select * from unnest(:offer_ids::bigint[], :prices::bigint[]) as a (id, price)
    ), locked as (
        select o.id, a.price, o.unit_price_minor as was
          from catalog.offer o
          join asked a on a.id = o.id
         where o.cell = :cell and (:seller_id::uuid is null or o.seller_id = :seller_id) and o.status <> 'campaign'
         order by o.id
           for no key update of o
    )
    update catalog.offer o
       set unit_price_minor = l.price, updated_at = :now
      from locked l
     where o.cell = :cell and o.id = l.id
    returning l.was
    """,
    int,
)
SET_STATUS = sql(
    """
    update catalog.offer set status = :to, updated_at = :now
     where cell = :cell and id = :offer_id and seller_id = :seller_id and status = :from_
    returning id, seller_id, product_id, variant_id, market, location_id, stock_id, unit_price_minor, price_per, status
    """,
    Offer,
)

IMPORT_CATEGORIES = sql("""
    with recursive given as (
        select * from unnest(:ids::bigint[], :parent_ids::bigint[], :slugs::text[], :names::text[])
                      as g (id, parent_id, slug, name)
    ), placed as (
        select g.id, coalesce(c.above, '{}') || g.id as above
          from given g
          left join catalog.category c on c.id = g.parent_id
         where g.parent_id is null or g.parent_id not in (select id from given)
        union all
        select g.id, p.above || g.id from placed p join given g on g.parent_id = p.id
    )
    insert into catalog.category (id, parent_id, slug, name, above)
    select g.id, g.parent_id, g.slug, g.name, p.above from given g join placed p on p.id = g.id order by 1
    on conflict (id) do nothing
""")
IMPORT_PRODUCTS = sql("""
    insert into catalog.product (id, slug, title, brand, description, category_id, created_at)
    select p.id, p.slug, p.title, p.brand, '', p.category_id, :now
      from unnest(:ids::bigint[], :slugs::text[], :titles::text[], :brands::text[], :category_ids::bigint[])
           as p (id, slug, title, brand, category_id)
     order by p.id
    on conflict (id) do nothing
""")
IMPORT_VARIANTS = sql("""
    insert into catalog.variant (id, product_id, sku, title, unit, price_per)
    select v.id, v.product_id, v.sku, v.title, v.unit, v.price_per
      from unnest(:ids::bigint[], :product_ids::bigint[], :skus::text[], :titles::text[], :units::text[],
                  :prices_per::int[]) as v (id, product_id, sku, title, unit, price_per)
     order by v.id
    on conflict (id) do nothing
""")
IMPORT_OFFERS = sql("""
    insert into catalog.offer (cell, id, seller_id, product_id, variant_id, market, location_id, stock_id,
                               unit_price_minor, price_per, unit, updated_at)
    select :cell, o.id, o.seller_id, v.product_id, o.variant_id, o.market, o.location_id, o.stock_id,
           o.unit_price_minor, v.price_per, v.unit, :now
      from unnest(:ids::bigint[], :seller_ids::uuid[], :variant_ids::bigint[], :markets::text[],
                  :location_ids::bigint[], :stock_ids::bigint[], :unit_price_minors::bigint[])
           as o (id, seller_id, variant_id, market, location_id, stock_id, unit_price_minor)
      left join catalog.variant v on v.id = o.variant_id
     order by o.id
    on conflict (cell, id) do nothing
""")
LIST_OFFERED = sql("""
    select catalog.list_many(array_agg(o.market), array_agg(v.product_id))
      from unnest(:markets::text[], :variant_ids::bigint[]) as o (market, variant_id)
      join catalog.variant v on v.id = o.variant_id
""")
# Ids that an import gave are passed by, so that the next id we draw is free. One statement per sequence.
PASS_CATEGORIES = sql(
    "select setval('catalog.category_id_seq', greatest(:high, last_value)) from catalog.category_id_seq", int
)
PASS_PRODUCTS = sql(
    "select setval('catalog.product_id_seq', greatest(:high, last_value)) from catalog.product_id_seq", int
)
PASS_VARIANTS = sql(
    "select setval('catalog.variant_id_seq', greatest(:high, last_value)) from catalog.variant_id_seq", int
)
PASS_OFFERS = sql("select setval('catalog.offer_id_seq', greatest(:high, last_value)) from catalog.offer_id_seq", int)
