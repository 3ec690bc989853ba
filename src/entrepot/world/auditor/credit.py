"""Installments: schedules sum to what was lent, the funder's accounts to the schedules, payments to what they paid."""

from entrepot.world.auditor.check import check

_OF = ("credit.plan", "credit.collection", "credit.installment")

PLAN_GROUP = check(
    "plan_group",
    "A group paid by installments has its plan, of what it cost, and no other group has one.",
    """
    select 'credit.plan ' || coalesce(l.id, p.id) as item, p.buyer_id || ' ' || p.currency || ' ' || p.amount_minor
           as expected, l.buyer_id || ' ' || l.currency || ' ' || l.principal_minor as found,
           'buyer, currency, principal' as detail
      from (select * from credit.plan where cell = :cell {group:id}) l
      full join (select * from payments.payment
                  where cell = :cell and id = group_id and method = 'installments' and status = 'captured' {group:id}) p
        on p.id = l.id
    """,
    by="group",
)

PLAN_SUM = check(
    "plan_sum",
    "A plan has one installment a month, and they sum to what was lent, with what was cut of them; to the fee as well "
    "where the buyer bears it, else to none.",
    """
    select 'credit.plan ' || l.id as item,
           row(l.months::bigint, l.principal_minor, case l.bearer when 'buyer' then l.fee_minor else 0 end) as expected,
           row(i.installments, i.principal, i.fee) as found, '(installments, principal, fee)' as detail
      from credit.plan l
      left join (select plan_id, count(*) as installments,
                        sum(principal_minor + cut_principal_minor)::bigint as principal,
                        sum(fee_minor + cut_fee_minor)::bigint as fee
                   from credit.installment where cell = :cell {group:plan_id} group by plan_id) i on i.plan_id = l.id
     where l.cell = :cell {group:l.id}
    """,
    by="group",
    of=_OF,
)

PLAN_BACK = check(
    "plan_back",
    "What went back of a plan's goods was taken off what was owed, or was paid and went back to the buyer with its "
    "share of the fee.",
    """
    select 'credit.plan ' || l.id as item,
           row(coalesce(r.goods, 0),
               l.back_principal_minor + case l.bearer when 'buyer' then l.back_fee_minor else 0 end) as expected,
           row(i.cut + l.back_principal_minor, coalesce(b.paid, 0)) as found, '(of the goods, to the buyer)' as detail
      from credit.plan l
      left join (select plan_id, sum(cut_principal_minor)::bigint as cut
                   from credit.installment where cell = :cell {group:plan_id} group by plan_id) i on i.plan_id = l.id
      left join (select payment_id, sum(amount_minor)::bigint as goods
                   from payments.refund where cell = :cell {group:payment_id} group by payment_id) r
        on r.payment_id = l.id
      left join (select p.group_id, sum(f.amount_minor)::bigint as paid
                   from payments.payment p
                   join credit.collection c on c.cell = p.cell and c.payment_id = p.id
                   join payments.refund f on f.cell = p.cell and f.payment_id = p.id and f.reason = 'installments'
                  where p.cell = :cell {group:c.plan_id} group by p.group_id) b on b.group_id = l.id
     where l.cell = :cell {group:l.id}
    """,
    by="group",
    of=_OF,
)

PLAN_STATUS = check(
    "plan_status",
    "A plan is open or given up as long as an installment or a late fee of it is owed, and looked at as long as it is "
    "open; nobody forgets it.",
    """
    select 'credit.plan ' || l.id as item,
           row(l.status in ('open', 'defaulted'), l.status = 'open') as expected,
           row(i.owed, l.due_at > :overdue and l.due_at is not null) as found,
           l.status || ' (owed, looked at)' as detail
      from credit.plan l
      left join (select plan_id, bool_or(status = 'open' or late_fee_minor > 0 and late_payment_id is null) as owed
                   from credit.installment where cell = :cell {group:plan_id} group by plan_id) i on i.plan_id = l.id
     where l.cell = :cell {group:l.id}
    """,
    by="group",
    of=_OF,
)

COLLECTED = check(
    "collected",
    "A captured payment of a plan has paid exactly the installments and late fees that name it, each in its own "
    "account; what was too much of it went back.",
    """
    select 'payments.payment ' || coalesce(c.id, i.id) as item,
           row(coalesce(i.principal, 0), coalesce(i.fee, 0), coalesce(i.late_fee, 0),
               c.amount_minor - coalesce(i.principal, 0) - coalesce(i.fee, 0) - coalesce(i.late_fee, 0)) as expected,
           row(coalesce(t.principal, 0), coalesce(t.fee, 0), coalesce(t.late_fee, 0), coalesce(b.over, 0)) as found,
           '(principal, fee, late fee, too much)' as detail
      from (select p.id, p.amount_minor
              from credit.collection c
              join payments.payment p on p.cell = c.cell and p.id = c.payment_id and p.status = 'captured'
             where c.cell = :cell {group:c.plan_id}) c
      full join (select id, sum(principal)::bigint as principal, sum(fee)::bigint as fee,
                        sum(late_fee)::bigint as late_fee
                   from (select payment_id, principal_minor, fee_minor, 0
                           from credit.installment
                          where cell = :cell and payment_id is not null {group:plan_id}
                         union all
                         select late_payment_id, 0, 0, late_fee_minor
                           from credit.installment
                          where cell = :cell and late_payment_id is not null {group:plan_id})
                        as e (id, principal, fee, late_fee)
                  group by id) i on i.id = c.id
      left join lateral (select sum(t.amount) filter (where t.code = 'principal')::bigint as principal,
                                sum(t.amount) filter (where t.code = 'fee')::bigint as fee,
                                sum(t.amount) filter (where t.code = 'late_fee')::bigint as late_fee
                           from ledger.transfer t where t.cell = :cell and t.cause_id = c.id) t on true
      left join lateral (select sum(f.amount_minor)::bigint as over
                           from payments.refund f
                          where f.cell = :cell and f.payment_id = c.id and f.reason = 'overpaid') b on true
    """,
    by="group",
    of=_OF,
)

PLAN_REFUND = check(
    "plan_refund",
    "What a buyer got back of installments has the one transfer of its amount, and no such transfer is alone.",
    """
    select 'payments.refund of ' || coalesce(r.cause_id, t.cause_id) as item, r.amount_minor as expected,
           t.amount as found, 'amount of the transfer' as detail
      from (select f.cause_id, f.amount_minor
              from payments.refund f
              join payments.payment p on p.cell = f.cell and p.id = f.payment_id and p.id <> p.group_id
             where f.cell = :cell and f.reason = 'installments' {cause:f.cause_id}) r
      full join (select cause_id, amount from ledger.transfer
                  where cell = :cell and code = 'plan_back' {cause:cause_id}) t on t.cause_id = r.cause_id
    """,
    by="cause",
    of=("payments.refund",),
    codes=("refund", "refund_credit", "plan_back"),
)

EXPOSURE = check(
    "exposure",
    "What a buyer's line says is owed is the principal of the open installments of the plans that are not given up.",
    """
    select 'credit.line ' || coalesce(l.buyer_id, o.buyer_id) || ' ' || coalesce(l.currency, o.currency) as item,
           coalesce(o.owed, 0) as expected, l.exposure_minor as found, 'limit ' || l.limit_minor as detail
      from (select * from credit.line where cell = :cell) l
      full join (select p.buyer_id, p.currency, sum(i.principal_minor)::bigint as owed
                   from credit.plan p
                   join credit.installment i on i.cell = p.cell and i.plan_id = p.id and i.status = 'open'
                  where p.cell = :cell and p.status = 'open'
                  group by p.buyer_id, p.currency) o on o.buyer_id = l.buyer_id and o.currency = l.currency
    """,
    of=("credit.line", "credit.plan"),
)

FUNDER_BALANCE = check(
    "funder_balance",
    "The funder's account is below zero by what is owed, and funder_loss by what was given up and nobody has paid.",
    """
    select 'ledger.account ' || a.code || ' ' || a.currency as item, coalesce(-o.owed, 0) as expected,
           coalesce(b.kept, 0) as found, 'balance' as detail
      from ledger.account a
      left join (select account_id, sum(credits - debits)::bigint as kept
                   from ledger.balance where cell = :cell group by account_id) b on b.account_id = a.id
      left join (select p.currency, p.status, sum(i.principal_minor)::bigint as owed
                   from credit.plan p
                   join credit.installment i on i.cell = p.cell and i.plan_id = p.id and i.status = 'open'
                  where p.cell = :cell
                  group by p.currency, p.status) o
        on o.currency = a.currency and o.status = case a.code when 'funder' then 'open' else 'defaulted' end
     where a.cell = :cell and a.code in ('funder', 'funder_loss')
    """,
)

CHECKS = (PLAN_GROUP, PLAN_SUM, PLAN_BACK, PLAN_STATUS, COLLECTED, PLAN_REFUND, EXPOSURE, FUNDER_BALANCE)
