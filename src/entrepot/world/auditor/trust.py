"""What one operator did alone, what ratings say, and what guests may."""

from entrepot.world.auditor.check import check

ALONE = check(
    "done_alone",
    "What one operator did alone of an action within 24 hours is within the limit that it was judged by.",
    """
    select 'approvals.done_alone ' || d.id as item, d.limit_minor as expected,
           greatest(d.limit_minor,
                    (select sum(s.amount_minor) from approvals.done_alone s
                      where s.user_id = d.user_id and s.action = d.action and s.currency = d.currency
                        and s.at > d.at - interval '24 hours' and (s.at, s.id) <= (d.at, d.id))::bigint) as found,
           'the most that was allowed' as detail
      from approvals.done_alone d
     where :cell = 0
    """,
    of=("approvals.done_alone",),
)

_STARS = """
      left join lateral (
           select count(*) filter (where r.{counted} = 1) as n1, count(*) filter (where r.{counted} = 2) as n2,
                  count(*) filter (where r.{counted} = 3) as n3, count(*) filter (where r.{counted} = 4) as n4,
                  count(*) filter (where r.{counted} = 5) as n5
             from reviews.review r where r.cell = :cell and r.{key} = p.{key}) c on true
     where p.cell = :cell
"""
PRODUCT_RATING = check(
    "product_rating",
    "A product's rating counts the reviews that are marked as counted.",
    """
    select 'reviews.product_rating ' || p.product_id as item, array[c.n1, c.n2, c.n3, c.n4, c.n5] as expected,
           array[p.n1, p.n2, p.n3, p.n4, p.n5] as found, 'one star to five' as detail
      from reviews.product_rating p
    """  # noqa: S608
    + _STARS.format(counted="counted", key="product_id"),
    of=("reviews.product_rating",),
)
SELLER_RATING = check(
    "seller_rating",
    "A seller's rating counts the reviews that are marked as counted.",
    """
    select 'reviews.seller_rating ' || p.seller_id as item, array[c.n1, c.n2, c.n3, c.n4, c.n5] as expected,
           array[p.n1, p.n2, p.n3, p.n4, p.n5] as found, 'one star to five' as detail
      from reviews.seller_rating p
    """  # noqa: S608
    + _STARS.format(counted="counted_seller", key="seller_id"),
    of=("reviews.seller_rating",),
)
REVIEWED = check(
    "reviewed",
    "A review is of what its buyer was sent: a line of an order of its own that was delivered or confirmed.",
    """
    select 'reviews.review ' || r.id as item, true as expected,
           coalesce(o.buyer_id = r.buyer_id and o.seller_id = r.seller_id
                    and r.written_at >= coalesce(o.delivered_at, case o.status when 'completed' then o.ended_at end),
                    false) as found,
           'its own, and delivered before' as detail
      from reviews.review r
      join orders.order o on o.cell = r.cell and o.id = r.order_id
     where r.cell = :cell {order:r.order_id}
    """,
    by="order",
    of=("reviews.review",),
)

GUESTS = check(
    "guests",
    "A guest pays through a gateway, since the rest takes an account; a letter's link is of its guest's purchase.",
    """
    select 'payments.payment ' || p.id as item, 'a gateway' as expected, p.method as found, 'of a guest' as detail
      from payments.payment p
      join accounts.guest s on s.cell = p.cell and s.user_id = p.buyer_id
     where p.cell = :cell and p.method in ('wallet', 'installments') {group:p.group_id}
     union all
    select 'accounts.guest_link ' || l.group_id, l.user_id::text, g.buyer_id::text, 'the buyer of the group'
      from accounts.guest_link l
      left join orders.order_group g on g.cell = l.cell and g.id = l.group_id
     where l.cell = :cell {group:l.group_id}
    """,
    by="group",
    of=("accounts.guest", "accounts.guest_link"),
)

CHECKS = (GUESTS, ALONE, PRODUCT_RATING, SELLER_RATING, REVIEWED)
