"""What buyers' banks took back: each event is split into what sums to it, and somebody bears it."""

from entrepot.world.auditor.check import check

LATE = check(
    "chargeback_late",
    "What came back of a chargeback after its end has its transfers, and no such transfer is alone.",
    """
    select 'chargebacks.late ' || coalesce(l.id, t.cause_id) as item,
           row(nullif(l.returned_minor, 0), nullif(l.fee_back_minor, 0)) as expected, row(t.back, t.fee) as found,
           '(returned, fee)' as detail
      from (select * from chargebacks.late where cell = :cell {cause:id}) l
      full join (select t.cause_id, max(t.amount) filter (where t.code = 'chargeback_late') as back,
                        max(t.amount) filter (where t.code = 'chargeback_fee_back') as fee
                   from ledger.transfer t
                  where t.cell = :cell {cause:t.cause_id}
                    and (t.code = 'chargeback_late'
                         or t.cause_id in (select x.id from chargebacks.late x where x.cell = :cell))
                  group by t.cause_id) t on t.cause_id = l.id
    """,
    by="cause",
    of=("chargebacks.late",),
    codes=("chargeback_late",),
)

CASE = check(
    "chargeback",
    "Of a chargeback what was withdrawn has one transfer, what was over the payment is the operator's loss, what came "
    "back came back; its shares are what was withdrawn less what was over, and once it is decided they are lost but "
    "for what came back; the fee of the gateway is what it keeps.",
    """
    select 'chargebacks.case ' || coalesce(k.id, t.cause_id) as item,
           row(nullif(k.withdrawn_minor, 0), nullif(k.over_minor, 0), nullif(k.returned_minor, 0),
               k.withdrawn_minor - k.over_minor,
               case k.status when 'closed'
                    then greatest(0, k.withdrawn_minor - k.over_minor - k.returned_minor + coalesce(l.back, 0)) end,
               k.fee_minor) as expected,
           row(t.taken, t.over, nullif(coalesce(t.back, 0) + coalesce(l.back, 0), 0), coalesce(s.amount, 0),
               case k.status when 'closed' then coalesce(s.lost, 0) end, coalesce(t.fee, 0) - coalesce(l.fee, 0))
               as found,
           '(withdrawn, over, returned; shares, lost, fee)' as detail
      from (select * from chargebacks.case where cell = :cell {cause:id}) k
      full join (select t.cause_id, max(t.amount) filter (where t.code = 'chargeback') as taken,
                        max(t.amount) filter (where t.code = 'chargeback_over') as over,
                        max(t.amount) filter (where t.code = 'chargeback_back') as back,
                        (coalesce(sum(t.amount) filter (where t.code in ('chargeback_fee', 'chargeback_fee_more')), 0)
                        - coalesce(sum(t.amount) filter (where t.code = 'chargeback_fee_back'), 0))::bigint as fee
                   from ledger.transfer t
                   join ledger.account d on d.cell = t.cell and d.id = t.debit
                   join ledger.account c on c.cell = t.cell and c.id = t.credit
                  where t.cell = :cell and t.code like 'chargeback%' {cause:t.cause_id}
                    and ('gateway' in (d.code, c.code) or t.code = 'chargeback_over')
                    and not exists (select from chargebacks.late l where l.cell = t.cell and l.id = t.cause_id)
                  group by t.cause_id) t on t.cause_id = k.id
      left join (select case_id, sum(returned_minor)::bigint as back, sum(fee_back_minor)::bigint as fee
                   from chargebacks.late where cell = :cell {cause:case_id} group by case_id) l on l.case_id = k.id
      left join (select s.case_id, sum(s.amount_minor)::bigint as amount, sum(s.lost_minor)::bigint as lost
                   from chargebacks.share s
                  where s.cell = any (array(select c.cell from kit.cell c)) {cause:s.case_id}
                  group by s.case_id) s on s.case_id = k.id
    """,
    by="cause",
    of=("chargebacks.case",),
    codes=(
        "chargeback",
        "chargeback_over",
        "chargeback_back",
        "chargeback_fee",
        "chargeback_fee_more",
        "chargeback_fee_back",
    ),
)

# The loss over a payment has the house on both sides.
SHARE = check(
    "chargeback_share",
    "What of a chargeback falls on an order and is lost was paid by the parts of the order that were frozen for it, or "
    "is the operator's loss; the seller was charged its share of the fee; and no part is a bank's without a share.",
    """
    select 'chargebacks.share ' || coalesce(s.id, p.share_id) as item,
           row(s.order_id, case s.status when 'ended' then s.from_parts_minor end,
               case s.status when 'ended' then nullif(s.lost_minor - s.from_parts_minor, 0) end,
               nullif(s.charged_minor, 0)) as expected,
           row(coalesce(p.order_id, s.order_id), case s.status when 'ended' then coalesce(p.back, 0) end,
               case s.status when 'ended' then l.amount end, f.amount) as found,
           '(order, paid by its parts, loss, fee)' as detail
      from (select * from chargebacks.share where cell = :cell {order:order_id}) s
      full join (select x.share_id, o.order_id, sum(o.back_minor)::bigint as back
                   from (select * from orders.part where cell = :cell {order:order_id}) o
                   left join chargebacks.part x on x.cell = o.cell and x.id = o.id
                  where x.id is not null or o.kind = 'charged_back'
                  group by x.share_id, o.order_id) p on p.share_id = s.id
      left join ledger.transfer l on l.cell = s.case_cell and l.cause_id = s.id and l.code = 'chargeback_loss'
      left join ledger.transfer f on f.cell = s.cell and f.cause_id = s.id and f.code = 'chargeback_fee'
    """,
    by="order",
    of=("chargebacks.share", "orders.part"),
)

PAYMENT = check(
    "payment_charged_back",
    "A payment says what of it is with buyers' banks: what was withdrawn less what was over, and what of it was lost "
    "once that is decided.",
    """
    select 'payments.payment ' || p.id as item, row(coalesce(k.taken, 0), coalesce(k.taken, 0)) as expected,
           row(p.charged_back_minor, coalesce(t.taken, 0)) as found, '(charged_back_minor, of its orders)' as detail
      from payments.payment p
      left join (select payment_id, sum(taken_minor)::bigint as taken
                   from payments.taken where cell = :cell group by payment_id) t on t.payment_id = p.id
      left join (select c.payment_id,
                        sum(case c.status when 'closed' then coalesce(s.lost, 0)
                                 else c.withdrawn_minor - c.over_minor end)::bigint as taken
                   from chargebacks.case c
                   left join (select s.case_id, sum(s.lost_minor) as lost from chargebacks.share s
                               where s.cell = any (array(select x.cell from kit.cell x))
                               group by s.case_id) s on s.case_id = c.id
                  where c.cell = :cell
                  group by c.payment_id) k on k.payment_id = p.id
     where p.cell = :cell and (p.charged_back_minor > 0 or k.payment_id is not null or t.taken > 0)
    """,
)

COVERED = check(
    "refund_covered",
    "Of a refund that the gateway would not make, what the bank has taken itself was no loss; and no such transfer is "
    "alone.",
    """
    select 'payments.refund ' || coalesce(r.id, t.cause_id) as item, r.covered_minor as expected, t.amount as found,
           'covered_minor' as detail
      from (select id, covered_minor from payments.refund
             where cell = :cell and covered_minor > 0
               and (reason <> 'installments' or refusal is not null) {cause:id}) r  -- others are no loss of the plan's
      full join (select cause_id, amount from ledger.transfer
                  where cell = :cell and code = 'refund_covered' {cause:cause_id}) t on t.cause_id = r.id
    """,
    by="cause",
    of=("payments.refund",),
    codes=("refund_covered",),
)

BALANCE = check(
    "chargebacks_balance",
    "The account chargebacks is below zero by exactly what was withdrawn and is not decided, and by what is lost of "
    "orders that are not ended yet.",
    """
    select 'ledger.account chargebacks ' || currency as item, coalesce(k.due, 0) as expected,
           coalesce(b.kept, 0) as found, 'balance' as detail
      from (select c.currency, -sum(case c.status when 'closed' then coalesce(s.lost, 0)
                                         else c.withdrawn_minor - c.over_minor end) as due
              from chargebacks.case c
              left join (select s.case_id, sum(s.lost_minor) as lost
                           from chargebacks.share s
                          where s.cell = any (array(select x.cell from kit.cell x)) and s.status <> 'ended'
                          group by s.case_id) s on s.case_id = c.id
             where c.cell = :cell
             group by c.currency) k
      full join (select a.currency, sum(b.credits - b.debits) as kept
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code = 'chargebacks'
                  group by a.currency) b using (currency)
    """,
)

CHECKS = (CASE, LATE, SHARE, PAYMENT, COVERED, BALANCE)
