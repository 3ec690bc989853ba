"""Parts of orders that go their own way, and the disputes that they are of."""

from entrepot.world.auditor.check import check

_OF = ("orders.part", "orders.part_line", "disputes.dispute")

PART_SHARES = check(
    "part_shares",
    "A part has of each of its lines, of what the parts before it left, the share of its units, or of its amount when "
    "it has none, rounded down; and no more than that was left.",
    """
    select 'orders.part ' || x.part_id || ' line ' || x.line_no as item,
           case when x.quantity > 0
                then row(div(x.paid * x.quantity, nullif(x.units, 0)), div(x.discount * x.quantity, nullif(x.units, 0)),
                         div(x.commission * x.quantity, nullif(x.units, 0)),
                         div(x.withheld * x.quantity, nullif(x.units, 0)), x.quantity <= x.units)
                else row(x.paid_minor::numeric, div(x.discount * x.paid_minor, nullif(x.paid, 0)),
                         div(x.commission * x.paid_minor, nullif(x.paid, 0)),
                         div(x.withheld * x.paid_minor, nullif(x.paid, 0)), x.paid_minor <= x.paid) end as expected,
           row(x.paid_minor::numeric, x.operator_discount_minor::numeric, x.commission_minor::numeric,
               x.withheld_minor::numeric, true) as found,
           '(paid, discount, commission, tax in the price, within what was left)' as detail
      from (select t.*, l.quantity - coalesce(sum(t.quantity) over earlier, 0) as units,
                   l.gross_minor - l.discount_minor + l.shipping_minor - coalesce(sum(t.paid_minor) over earlier, 0)
                       as paid,
                   d.amount - coalesce(sum(t.operator_discount_minor) over earlier, 0) as discount,
                   l.commission_minor - coalesce(sum(t.commission_minor) over earlier, 0) as commission,
                   w.tax - coalesce(sum(t.withheld_minor) over earlier, 0) as withheld
              from orders.part_line t
              join orders.part p on p.cell = t.cell and p.id = t.part_id
              join orders.order_line l on l.cell = t.cell and l.order_id = t.order_id and l.line_no = t.line_no
             cross join lateral (select coalesce(sum(x.amount_minor), 0) as amount from orders.discount_line x
                                  where x.cell = l.cell and x.order_id = l.order_id and x.line_no = l.line_no
                                    and x.funding_party = 'operator') d
             cross join lateral (select coalesce(sum(c.tax), 0) as tax
                                   from orders.border b
                                  cross join lateral unnest(b.line_nos, b.line_taxes) as c (line_no, tax)
                                  where b.cell = t.cell and b.order_id = t.order_id and b.withheld_minor > 0
                                    and c.line_no = t.line_no) w
             where t.cell = :cell {order:t.order_id}
            window earlier as (partition by t.order_id, t.line_no order by p.no
                               rows between unbounded preceding and 1 preceding)) x
    """,
    by="order",
    of=_OF,
)

PART_SUM = check(
    "part_sum",
    "A part is the sum of its lines; one that is taken of what another left its seller has none.",
    """
    select 'orders.part ' || p.id as item, row(l.paid, l.discount, l.commission, l.fee, l.tax, l.withheld) as expected,
           case when p.of_part is not null and l.paid is null then row(l.*)
                else row(p.paid_minor, p.operator_discount_minor, p.commission_minor, p.payment_fee_minor,
                         p.fee_tax_minor, p.withheld_minor) end as found,
           '(paid, discount, commission, fee, tax on fees, tax in the price)' as detail
      from orders.part p
     cross join lateral (select sum(x.paid_minor)::bigint as paid, sum(x.operator_discount_minor)::bigint as discount,
                                sum(x.commission_minor)::bigint as commission, sum(x.payment_fee_minor)::bigint as fee,
                                sum(x.fee_tax_minor)::bigint as tax, sum(x.withheld_minor)::bigint as withheld
                           from orders.part_line x where x.cell = :cell and x.part_id = p.id) l
     where p.cell = :cell {order:p.order_id}
    """,
    by="order",
    of=_OF,
)

PART_KEPT = check(
    "part_kept",
    "What a bank takes of what a part that ended left its seller is no more than that.",
    """
    select 'orders.part ' || p.id as item, true as expected,
           p.ended_at is not null and p.order_id = x.order_id
           and x.paid <= p.paid_minor - p.back_minor
           and x.discount <= p.operator_discount_minor - p.back_operator_discount_minor
           and x.commission <= p.commission_minor - p.back_commission_minor
           and x.fee <= p.payment_fee_minor - p.back_payment_fee_minor
           and x.tax <= p.fee_tax_minor - p.back_fee_tax_minor
           and x.withheld <= p.withheld_minor - p.back_withheld_minor as found,
           x.paid || ' of ' || p.paid_minor - coalesce(p.back_minor, 0) as detail
      from (select of_part, order_id, sum(coalesce(back_minor, paid_minor)) as paid,
                   sum(coalesce(back_operator_discount_minor, operator_discount_minor)) as discount,
                   sum(coalesce(back_commission_minor, commission_minor)) as commission,
                   sum(coalesce(back_payment_fee_minor, payment_fee_minor)) as fee,
                   sum(coalesce(back_fee_tax_minor, fee_tax_minor)) as tax,
                   sum(coalesce(back_withheld_minor, withheld_minor)) as withheld
              from orders.part where cell = :cell and of_part is not null {order:order_id}
             group by of_part, order_id) x
      join orders.part p on p.cell = :cell and p.id = x.of_part
    """,
    by="order",
    of=_OF,
)

PART_FEE = check(
    "part_fee",
    "The parts of an order have no more than its payment fee and its tax on fees, and all of them when they have all "
    "units.",
    """
    select 'orders.order ' || o.id as item, true as expected,
           p.fee <= o.payment_fee_minor and p.tax <= o.fee_tax_minor
               and (p.fee = o.payment_fee_minor and p.tax = o.fee_tax_minor or p.units < u.units) as found,
           p.fee || ' of ' || o.payment_fee_minor || ', ' || p.tax || ' of ' || o.fee_tax_minor as detail
      from (select order_id, sum(payment_fee_minor) as fee, sum(fee_tax_minor) as tax, sum(quantity) as units
              from orders.part_line where cell = :cell {order:order_id} group by order_id) p
      join orders.order o on o.cell = :cell and o.id = p.order_id
     cross join lateral (select sum(l.quantity) as units from orders.order_line l
                          where l.cell = :cell and l.order_id = p.order_id) u
    """,
    by="order",
    of=_OF,
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
               nullif(case when p.recalled then p.fee_tax_minor end, 0),
               nullif(case when p.recalled then p.withheld_minor end, 0),
               nullif(p.back_minor + p.duties_minor, 0), nullif(p.duties_minor + coalesce(p.back_withheld_minor, 0), 0),
               nullif(p.back_operator_discount_minor, 0),
               nullif(p.paid_minor - p.back_minor + p.operator_discount_minor - p.back_operator_discount_minor, 0),
               nullif(p.commission_minor - p.back_commission_minor, 0),
               nullif(p.payment_fee_minor - p.back_payment_fee_minor, 0),
               nullif(p.fee_tax_minor - p.back_fee_tax_minor, 0),
               nullif(p.withheld_minor - p.back_withheld_minor, 0)) as expected,
           row(t.recall, t.commission_back, t.payment_fee_back, t.fee_tax_back, t.withheld_back, t.refund,
               t.duties_back, t.unfund, t.release, t.commission, t.payment_fee, t.fee_tax, t.withheld) as found,
           '(recall; commission, payment fee and taxes back; refund, duties_back, unfund, release; commission, payment '
               'fee and taxes)' as detail
      from orders.part p
     cross join lateral (
           select max(amount) filter (where code = 'recall') as recall,
                  max(amount) filter (where code = 'commission_back') as commission_back,
                  max(amount) filter (where code = 'payment_fee_back') as payment_fee_back,
                  max(amount) filter (where code = 'fee_tax_back') as fee_tax_back,
                  max(amount) filter (where code = 'withheld_back') as withheld_back,
                  max(amount) filter (where code in ('refund', 'charged_back')) as refund,
                  sum(amount) filter (where code in ('duties_back', 'tax_back'))::bigint as duties_back,
                  max(amount) filter (where code = 'unfund') as unfund,
                  max(amount) filter (where code = 'part_release') as release,
                  max(amount) filter (where code = 'part_commission') as commission,
                  max(amount) filter (where code = 'part_payment_fee') as payment_fee,
                  max(amount) filter (where code = 'part_fee_tax') as fee_tax,
                  max(amount) filter (where code = 'part_withheld') as withheld
             from ledger.transfer t where t.cell = :cell and t.cause_id = p.id) t
     where p.cell = :cell {order:p.order_id}
    """,
    by="order",
    of=_OF,
)

PART_DUTIES = check(
    "part_duties",
    "With units that are canceled before they are sent goes back what was paid for their border: all parts together "
    "have, of each line's, the share of their units, rounded down; other parts have none.",
    """
    select 'orders.order ' || o.order_id as item, coalesce(l.due, 0) as expected, o.duties as found,
           'duties of its parts' as detail
      from (select order_id, sum(duties_minor) as duties from orders.part
             where cell = :cell and kind <> 'returned' {order:order_id} group by order_id) o
      left join (select b.order_id,
                        sum(div(case b.incoterm when 'DDP' then c.charge else coalesce(c.tax, 0) end * t.units,
                                r.quantity)) as due
                   from orders.border b
                  cross join lateral unnest(b.line_nos, b.line_charges, b.line_taxes)
                        as c (line_no, charge, tax)
                   join orders.order_line r on r.cell = b.cell and r.order_id = b.order_id and r.line_no = c.line_no
                        and b.withheld_minor = 0
                   join (select x.order_id, x.line_no, sum(x.quantity) as units
                           from orders.part_line x
                           join orders.part p on p.cell = x.cell and p.id = x.part_id and p.kind = 'canceled'
                          where x.cell = :cell {order:x.order_id}
                          group by x.order_id, x.line_no) t on t.order_id = b.order_id and t.line_no = c.line_no
                  where b.cell = :cell {order:b.order_id}
                  group by b.order_id) l on l.order_id = o.order_id
    """,
    by="order",
    of=_OF,
)

DISPUTE = check(
    "dispute",
    "A dispute has the part of its order that bears its id, of what it claims: ended with what was granted once it is "
    "closed; and no other part is disputed or returned.",
    """
    select 'disputes.dispute ' || coalesce(d.id, p.id) as item,
           row(d.order_id, d.claimed_minor, case when d.status = 'closed' then d.granted_minor end) as expected,
           row(p.order_id, p.paid_minor, p.back_minor) as found, '(order, amount, granted)' as detail
      from (select * from disputes.dispute where cell = :cell {order:order_id}) d
      full join (select * from orders.part
                  where cell = :cell and kind in ('disputed', 'returned') {order:order_id}) p on p.id = d.id
    """,
    by="order",
    of=_OF,
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
    of=_OF,
)

CHECKS = (PART_SHARES, PART_SUM, PART_KEPT, PART_FEE, PART_MONEY, PART_DUTIES, DISPUTE, DISPUTE_OVERDUE)
