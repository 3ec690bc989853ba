"""Orders' SQL: quotes, placing, the life of an order, and what screens show of it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.orders.types import KeyPlaced, Verdict

QUOTE_COLUMNS = (
    "cell", "id", "buyer_id", "cart_id", "market", "currency", "address_id", "shipping_code", "paid_minor",
    "created_at", "expires_at", "pay_by_s", "order_ids", "order_sellers", "order_owns", "order_locations",
    "order_items", "order_shipping", "order_seller_discounts", "order_operator_discounts", "order_commissions",
    "order_payment_fees", "line_orders", "line_offers", "line_variants", "line_stocks", "line_quantities",
    "line_prices", "line_prices_per", "line_roundings", "line_grosses", "line_shippings", "line_commission_bps",
    "line_commissions", "line_bundles", "bundle_prices", "discount_lines", "discount_kinds", "discount_parties",
    "discount_amounts", "quota_ids", "quota_amounts", "group_cell", "other_cells", "away_orders", "away_paid",
    "line_fee_rules", "order_fee_rules", "order_fee_taxes", "order_fee_tax_kinds", "order_fee_tax_bps", "slot_id",
)  # fmt: skip


class OrderRow(msgspec.Struct, frozen=True):
    """What a step in an order's life needs to know of it."""

    id: UUID
    group_cell: int
    group_id: UUID
    buyer_id: UUID
    seller_id: UUID
    own: bool
    location_id: int
    market: str
    currency: str
    status: str
    paid_minor: int
    operator_discount_minor: int
    commission_minor: int
    payment_fee_minor: int
    fee_tax_minor: int
    withheld_minor: int
    duties_minor: int
    slot_id: int | None


class ToRequest(msgspec.Struct, frozen=True):
    """An order whose goods a location is asked to send."""

    id: UUID
    seller_id: UUID
    location_id: int
    address_id: UUID | None


class LineRow(msgspec.Struct, frozen=True):
    order_id: UUID
    line_no: int
    stock_id: int
    quantity: int


class GroupRow(msgspec.Struct, frozen=True):
    """A group, in the buyer's cell; `other_cells` have orders of it, too."""

    id: UUID
    buyer_id: UUID
    status: str
    other_cells: list[int] | None


class Gone(msgspec.Struct, frozen=True):
    """A group of which no order is left in its own cell."""

    group_id: UUID
    other_cells: list[int]


INSERT_QUOTE = sql(
    f"""
    insert into orders.quote ({", ".join(QUOTE_COLUMNS)})
    values ({", ".join(":" + column for column in QUOTE_COLUMNS)})
    """  # noqa: S608 - made of the constants above
)
KEYS_PLACED = sql(
    """
    select k.caller, k.key, k.body_hash, k.ref
      from unnest(:callers::uuid[], :keys::text[]) as a (caller, key)
      join kit.idempotency_key k on k.cell = :cell and k.caller = a.caller and k.route = 'place' and k.key = a.key
    """,
    KeyPlaced,
)
PLACE_MANY = sql(
    """
    select ord, verdict, replayed, group_id, detail
      from orders.place_many(:cell, :now, :callers, :keys, :hashes, :quotes, :methods)
     order by ord
    """,
    Verdict,
)
_ORDER = """
    select id, group_cell, group_id, buyer_id, seller_id, own, location_id, market, currency, status, paid_minor,
           operator_discount_minor, commission_minor, payment_fee_minor, fee_tax_minor, withheld_minor, duties_minor,
           slot_id from orders.order
"""
ORDERS = sql(_ORDER + " where cell = :cell and id = any (:ids::uuid[])", OrderRow)
LOCK_ORDERS = sql(
    _ORDER + " where cell = :cell and id = any (:ids::uuid[]) order by id for no key update",
    OrderRow,
)
ORDERS_OF_GROUPS = sql(
    _ORDER + " where cell = :cell and group_id = any (:groups::uuid[]) order by id for no key update",
    OrderRow,
)
CELLS_OF_GROUP = sql(
    "select coalesce(other_cells, '{}') from orders.order_group where cell = :cell and id = :id", list[int]
)
SOLD_IN_GROUP = sql(_ORDER + " where cell = :cell and group_id = :group_id order by id", OrderRow)
# The orders are locked: one that is canceled meanwhile must not leave an open request behind. The address of a purchase
# made in another cell is asked of that cell, by ship_to.
TO_REQUEST = sql(
    """
    select o.id, o.seller_id, o.location_id, g.address_id
      from (select id, group_id, seller_id, location_id from orders.order
             where cell = :cell and id = any (:ids::uuid[]) and status = 'paid' order by id for no key update) o
      left join orders.order_group g on g.cell = :cell and g.id = o.group_id
    """,
    ToRequest,
)
REQUEST_FULFILLMENT = sql("select logistics.request_many(:cell, :now, :orders, :sellers, :locations, :addresses)")
# What is to be sent of orders, which are locked: not the units that were canceled.
LINES = sql(
    """
    select l.order_id, l.line_no, l.stock_id, (l.quantity - coalesce(c.units, 0))::bigint
      from orders.order_line l
      left join (select x.order_id, x.line_no, sum(x.quantity) as units
                   from orders.part_line x
                   join orders.part p on p.cell = x.cell and p.id = x.part_id and p.kind = 'canceled'
                  where x.cell = :cell and x.order_id = any (:ids::uuid[])
                  group by x.order_id, x.line_no) c on c.order_id = l.order_id and c.line_no = l.line_no
     where l.cell = :cell and l.order_id = any (:ids::uuid[]) and l.quantity > coalesce(c.units, 0)
     order by l.order_id, l.line_no
    """,
    LineRow,
)
# What is sent has been taken out of the books by this much, and comes back by as much of it as comes back.
LINE_COSTS = sql("""
    update orders.order_line l set cost_minor = c.cost
      from unnest(:orders::uuid[], :lines::smallint[], :costs::bigint[]) as c (order_id, line_no, cost)
     where l.cell = :cell and l.order_id = c.order_id and l.line_no = c.line_no
""")
SHIPPED = sql("""
    update orders.order o set status = 'shipped', shipped_at = :now, release_due_at = s.due_at
      from unnest(:ids::uuid[], :due_ats::timestamptz[]) as s (id, due_at)
     where o.cell = :cell and o.id = s.id
""")
DELIVERED = sql("""
    update orders.order o set status = 'delivered', delivered_at = :now, release_due_at = s.due_at
      from unnest(:ids::uuid[], :due_ats::timestamptz[]) as s (id, due_at)
     where o.cell = :cell and o.id = s.id
""")
ENDED = sql("""
    update orders.order set status = :status, ended_at = :now, release_due_at = null
     where cell = :cell and id = any (:ids::uuid[])
""")
PAID = sql("update orders.order set status = 'paid' where cell = :cell and id = any (:ids::uuid[])")
LOCK_GROUPS = sql(
    """
    select id, buyer_id, status, other_cells from orders.order_group
     where cell = :cell and id = any (:groups::uuid[])
     order by id
       for no key update
    """,
    GroupRow,
)
GROUP_STATUS = sql("""
    update orders.order_group set status = :status, pay_by = null where cell = :cell and id = any (:groups::uuid[])
""")
GIVE_BACK_QUOTAS = sql("select group_id, other_cells from orders.give_back_quotas(:cell, :now, :groups)", Gone)
GIVE_BACK_ALL_QUOTAS = sql("""
    select pricing.give_back_quotas(:cell, :now, array(select pricing.lock_quotas_of(:cell, :groups)))
""")
IS_ONE_LEFT = sql(
    """
    select exists (select from orders.order
                    where cell = :cell and group_id = :group_id and status not in ('canceled', 'expired'))
    """,
    bool,
)
LOCK_QUOTAS = sql("select pricing.lock_quotas_of(:cell, :groups)", UUID)
LOCK_ACCOUNTS = sql("select account_id from ledger.lock_many(:cell, :accounts)", int)
CELL_OF_ORDER = sql(
    "select coalesce((select order_cell from orders.away_order where cell = :cell and id = :id), :cell)", int
)
ESCROW = sql("select orders.escrow_many(:cell, :now, :groups, :payers, true)")
# Locked here, so that an order whose timer was moved a moment ago (it was delivered) is not released by the old one.
DUE_FOR_RELEASE = sql(
    """
    select id from orders.order
     where cell = :cell and release_due_at <= :now and id <> all (:passed::uuid[])
       and not exists (select from orders.hold h where h.cell = :cell and h.order_id = id and h.decision is null)
     order by release_due_at limit :limit for no key update skip locked
    """,
    UUID,
)
DUE_FOR_EXPIRY = sql(
    """
    select id from orders.order_group
     where cell = :cell and status = 'awaiting_payment' and pay_by <= :now and id <> all (:passed::uuid[])
     order by pay_by limit :limit for no key update skip locked
    """,
    UUID,
)
# A quote is still needed while its payment is awaited: escrow is filled from it, in each cell from its part.
DROP_OLD_QUOTES = sql(
    """
    with gone as (
        delete from orders.quote q
         where q.cell = :cell
           and q.id = any (array(
               select o.id from orders.quote o
                where o.cell = :cell and o.expires_at < :before
                  and not exists (select from orders.order_group g
                                   where g.cell = o.cell and g.id = o.id and g.status = 'awaiting_payment')
                  and not (o.group_cell is not null
                           and exists (select from orders.order r
                                        where r.cell = o.cell and r.group_id = o.id and r.status = 'awaiting_payment'))
                order by o.expires_at
                limit :limit))
        returning q.id
    ), unsold as (
        delete from orders.border b
         using gone
         where b.cell = :cell and b.quote_id = gone.id
           and not exists (select from orders.order r where r.cell = b.cell and r.id = b.order_id)
    ), unlocked as (
        delete from orders.exchange x
         using gone
         where x.cell = :cell and x.quote_id = gone.id
           and not exists (select from orders.order r where r.cell = x.cell and r.id = x.order_id)
    )
    select count(*) from gone
    """,
    int,
)

# Screens


class QuoteRow(msgspec.Struct, frozen=True):
    currency: str
    paid_minor: int
    expires_at: datetime
    items_minor: int
    shipping_minor: int
    discount_minor: int
    duties_minor: int
    lines: int
    other_cells: list[int] | None
    slot_id: int | None


class QuoteChoices(msgspec.Struct, frozen=True):
    market: str
    address_id: UUID | None
    shipping_code: str
    other_cells: list[int] | None


class QuoteLineRow(msgspec.Struct, frozen=True):
    """A line of a stored quote: `quantity` units, `price_per` of which cost `unit_price_minor`; of a component those in
    one bundle. What the bundle `bundle_no` is called comes with each of its lines."""

    seller_name: str
    bundle_no: int
    bundle_title: str
    bundle_slug: str
    offer_id: int
    title: str
    slug: str
    quantity: int
    unit: str
    price_per: int
    unit_price_minor: int
    gross_minor: int


class GroupSummary(msgspec.Struct, frozen=True):
    id: UUID
    status: str
    currency: str
    paid_minor: int
    placed_at: datetime
    other_cells: list[int] | None


class OrderSummary(msgspec.Struct, frozen=True):
    id: UUID
    group_cell: int
    group_id: UUID
    seller_id: UUID
    seller_name: str
    own: bool
    location_id: int
    currency: str
    status: str
    items_minor: int
    shipping_minor: int
    seller_discount_minor: int
    operator_discount_minor: int
    paid_minor: int
    commission_minor: int
    payment_fee_minor: int
    fee_tax_minor: int
    withheld_minor: int
    duties_minor: int
    placed_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None
    release_due_at: datetime | None
    held: bool
    slot_id: int | None


class OrderLineRow(msgspec.Struct, frozen=True):
    """What the bundle `bundle_no` is called comes with each of its lines."""

    order_id: UUID
    line_no: int
    bundle_no: int
    bundle_title: str
    bundle_slug: str
    offer_id: int
    variant_id: int
    title: str
    slug: str
    quantity: int
    unit: str
    price_per: int
    unit_price_minor: int
    rounding_minor: int
    gross_minor: int
    discount_minor: int
    shipping_minor: int


class ShipTo(msgspec.Struct, frozen=True):
    buyer_id: UUID
    group_cell: int
    group_id: UUID


class Day(msgspec.Struct, frozen=True):
    """One day of a market: order groups and orders placed, what was paid, commission earned on them."""

    day: date
    groups: int
    orders: int
    paid_minor: int
    commission_minor: int


QUOTE = sql(
    """
    select q.currency, q.paid_minor, q.expires_at, (select coalesce(sum(x), 0)::bigint from unnest(q.order_items) x),
           (select coalesce(sum(x), 0)::bigint from unnest(q.order_shipping) x),
           (select coalesce(sum(x), 0)::bigint from unnest(q.discount_amounts) x),
           (select coalesce(sum(x), 0)::bigint from unnest(q.order_duties) x),
           (cardinality(q.bundle_prices) + cardinality(q.line_offers)
            - (select count(*) from unnest(q.line_bundles) b where b > 0))::int,
           q.other_cells, q.slot_id
      from orders.quote q where q.cell = :cell and q.id = :id and q.buyer_id = :buyer_id
    """,
    QuoteRow,
)
QUOTE_CHOICES = sql(
    """
    select market, address_id, shipping_code, other_cells from orders.quote
     where cell = :cell and id = :id and buyer_id = :buyer_id
    """,
    QuoteChoices,
)
QUOTE_LINES = sql(
    """
    select s.name, coalesce(q.line_bundles[l.line_no], 0), coalesce(b.title, ''), coalesce(b.slug, ''), l.offer_id,
           p.title || case v.title when '' then '' else ', ' || v.title end, p.slug, l.quantity, v.unit, l.price_per,
           l.price, l.gross
      from orders.quote q
     cross join unnest(q.line_orders, q.line_offers, q.line_variants, q.line_quantities, q.line_prices_per,
                       q.line_prices, q.line_grosses)
           with ordinality as l (order_no, offer_id, variant_id, quantity, price_per, price, gross, line_no)
      left join catalog.offer_title b on b.cell = q.cell and b.offer_id = l.offer_id and q.line_bundles[l.line_no] > 0
      join sellers.seller s on s.id = q.order_sellers[l.order_no]
      join catalog.variant v on v.id = l.variant_id
      join catalog.product p on p.id = v.product_id
     where q.cell = :cell and q.id = :id
     order by l.order_no, l.line_no
    """,
    QuoteLineRow,
)
GROUP = sql(
    """
    select id, status, currency, paid_minor, placed_at, other_cells from orders.order_group
     where cell = :cell and id = :id and buyer_id = :buyer_id
    """,
    GroupSummary,
)
GROUPS_OF_BUYER = sql(
    """
    select id, status, currency, paid_minor, placed_at, other_cells from orders.order_group
     where cell = :cell and buyer_id = :buyer_id and id < :before order by id desc limit :limit
    """,
    GroupSummary,
)
SUMMARY = """
    select o.id, o.group_cell, o.group_id, o.seller_id, s.name, o.own, o.location_id, o.currency, o.status,
           o.items_minor, o.shipping_minor, o.seller_discount_minor, o.operator_discount_minor, o.paid_minor,
           o.commission_minor, o.payment_fee_minor, o.fee_tax_minor, o.withheld_minor, o.duties_minor, o.placed_at,
           o.shipped_at, o.delivered_at, o.ended_at, o.release_due_at,
           o.status = 'paid' and exists (select from orders.hold h
                                          where h.cell = o.cell and h.order_id = o.id and h.decision is null),
           o.slot_id
      from orders.order o
      join sellers.seller s on s.id = o.seller_id
"""
ORDERS_OF_GROUP = sql(SUMMARY + " where o.cell = :cell and o.group_id = :group_id order by o.id", OrderSummary)
ORDER = sql(SUMMARY + " where o.cell = :cell and o.id = :id", OrderSummary)
SUMMARIES = sql(SUMMARY + " where o.cell = :cell and o.id = any (:ids::uuid[])", OrderSummary)
ORDERS_OF_SELLER = sql(
    SUMMARY
    + """
     where o.cell = :cell and o.seller_id = :seller_id and o.id < :before
       and (:status::text is null or o.status = :status)
     order by o.id desc limit :limit
    """,
    OrderSummary,
)
SHIP_TO = sql(
    """
    select buyer_id, group_cell, group_id from orders.order
     where cell = :cell and id = :order_id and seller_id = :seller_id
       and status not in ('awaiting_payment', 'expired', 'canceled')
    """,
    ShipTo,
)
ADDRESS_OF_GROUP = sql("select address_id from orders.order_group where cell = :cell and id = :id", UUID)
ORDER_LINES = sql(
    """
    select l.order_id, l.line_no, l.bundle_no, coalesce(b.title, ''), coalesce(b.slug, ''), l.offer_id, l.variant_id,
           p.title || case v.title when '' then '' else ', ' || v.title end, p.slug, l.quantity, v.unit,
           l.price_per, l.unit_price_minor, l.rounding_minor, l.gross_minor, l.discount_minor, l.shipping_minor
      from orders.order_line l
      left join catalog.offer_title b on b.cell = l.cell and b.offer_id = l.offer_id and l.bundle_no > 0
      join catalog.variant v on v.id = l.variant_id
      join catalog.product p on p.id = v.product_id
     where l.cell = :cell and l.order_id = any (:order_ids::uuid[])
     order by l.order_id, l.line_no
    """,
    OrderLineRow,
)
DAYS = sql(
    """
    select (o.placed_at at time zone 'UTC')::date as day, count(distinct o.group_id)::int, count(*)::int,
           sum(o.paid_minor)::bigint, sum(o.commission_minor)::bigint
      from orders.order o
     where o.cell = any (array(select c.cell from kit.cell c)) and o.market = :market
       and o.placed_at >= :start and o.placed_at < :stop
       and o.status not in ('awaiting_payment', 'expired', 'canceled')
     group by 1 order by 1
    """,
    Day,
)
# Order ids begin with their time, so that the primary key read from its end gives the latest lines of a cell.
BOUGHT_LATELY = sql(
    """
    select v.product_id
      from (select l.variant_id, l.order_id
              from kit.cell c
             cross join lateral (select variant_id, order_id from orders.order_line
                                  where cell = c.cell order by order_id desc limit :lines) l
             order by l.order_id desc limit :lines) l
      join catalog.variant v on v.id = l.variant_id
     group by v.product_id
     order by count(distinct l.order_id) desc, v.product_id
     limit :limit
    """,
    int,
)
# Read from its end, too: a group's id is its quote's, and later ones may have been placed earlier, if not by much.
LAST_ORDER_AT = sql(
    """
    select max(g.placed_at)
      from kit.cell c
     cross join lateral (select placed_at from orders.order_group
                          where cell = c.cell and market = :market order by id desc limit :groups) g
    """,
    datetime,
)
