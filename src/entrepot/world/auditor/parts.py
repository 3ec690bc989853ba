"""Parts of orders that go their own way, and the disputes that they are of."""

from entrepot.world.auditor.check import check

# Shares are differences of cumulative floors, so their sum is one floor, whoever came first.
PART_SHARES = check(
    "part_shares",
    "The parts of an order have of each of its lines the share of their units, rounded down, and of its payment fee "
    "all when they have all units; no line has fewer units than they.",
    """
    select 'orders.order ' || o.id as item,
           row(l.paid, l.discount, l.commission, true, true) as expected,
           row(p.paid, p.discount, p.commission,
               p.fee <= o.payment_fee_minor and (p.fee = o.payment_fee_minor or not l.whole), l.within) as found,
           '(paid, discount, commission, fee, units)' as detail
      from (select order_id, sum(paid_minor) as paid, sum(operator_discount_minor) as discount,
                   sum(commission_minor) as commission, sum(payment_fee_minor) as fee
              from orders.part where cell = :cell {order:order_id} group by order_id) p
      join orders.order o on o.cell = :cell and o.id = p.order_id
     cross join lateral (
           select sum(div((l.gross_minor - l.discount_minor + l.shipping_minor) * t.taken, l.quantity)) as paid,
                  sum(div(d.amount * t.taken, l.quantity)) as discount,
                  sum(div(l.commission_minor * t.taken, l.quantity)) as commission,
                  bool_and(t.taken = l.quantity) as whole, bool_and(t.taken <= l.quantity) as within
             from orders.order_line l
            cross join lateral (select coalesce(sum(x.quantity), 0) as taken from orders.part_line x
                                 where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no) t
            cross join lateral (select coalesce(sum(x.amount_minor), 0) as amount from orders.discount_line x
                                 where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no
                                   and x.funding_party = 'operator') d
            where l.cell = :cell and l.order_id = p.order_id) l
    """,
    by="order",
)

PART_MONEY = check(
    "part_money",
    "A part was recalled from its seller when its order was released before; of one that ended what goes back went "
    "back and the rest was released, each with its commission and fee.",
    """
    select 'orders.part ' || p.id as item,
           row(nullif(case when p.recalled then p.paid_minor + p.operator_discount_minor end, 0),
               nullif(case when p.recalled then p.commission_minor end, 0),
               nullif(case when p.recalled then p.payment_fee_minor end, 0),
               nullif(p.back_minor, 0), nullif(p.back_operator_discount_minor, 0),
               nullif(p.paid_minor - p.back_minor + p.operator_discount_minor - p.back_operator_discount_minor, 0),
               nullif(p.commission_minor - p.back_commission_minor, 0),
               nullif(p.payment_fee_minor - p.back_payment_fee_minor, 0)) as expected,
           row(t.recall, t.commission_back, t.payment_fee_back, t.refund, t.unfund, t.release, t.commission,
               t.payment_fee) as found,
           '(recall, commission_back, payment_fee_back, refund, unfund, release, commission, payment_fee)' as detail
      from orders.part p
     cross join lateral (
           select max(amount) filter (where code = 'recall') as recall,
                  max(amount) filter (where code = 'commission_back') as commission_back,
                  max(amount) filter (where code = 'payment_fee_back') as payment_fee_back,
                  max(amount) filter (where code = 'refund') as refund,
                  max(amount) filter (where code = 'unfund') as unfund,
                  max(amount) filter (where code = 'part_release') as release,
                  max(amount) filter (where code = 'part_commission') as commission,
                  max(amount) filter (where code = 'part_payment_fee') as payment_fee
             from ledger.transfer t where t.cell = :cell and t.cause_id = p.id) t
     where p.cell = :cell {order:p.order_id}
    """,
    by="order",
)

DISPUTE = check(
    "dispute",
    "A dispute has the part of its order that bears its id, of what it claims: ended with what was granted once it is "
    "closed; and there is no other part.",
    """
    select 'disputes.dispute ' || coalesce(d.id, p.id) as item,
           row(d.order_id, d.claimed_minor, case when d.status = 'closed' then d.granted_minor end) as expected,
           row(p.order_id, p.paid_minor, p.back_minor) as found, '(order, amount, granted)' as detail
      from (select * from disputes.dispute where cell = :cell {order:order_id}) d
      full join (select * from orders.part where cell = :cell {order:order_id}) p on p.id = d.id
    """,
    by="order",
)

DISPUTE_OVERDUE = check(
    "dispute_overdue",
    "Who was silent in a dispute has lost the turn.",
    """
    select 'disputes.dispute ' || id as item, true as expected, due_at > :overdue as found,
           status || ', due ' || due_at as detail
      from disputes.dispute
     where cell = :cell and due_at is not null {order:order_id}
    """,
    by="order",
)

CHECKS = (PART_SHARES, PART_MONEY, DISPUTE, DISPUTE_OVERDUE)
