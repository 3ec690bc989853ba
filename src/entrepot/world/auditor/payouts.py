"""Payouts: each has its hold, transfers and file; nobody was paid more than was earned; statements add up."""

from entrepot.world.auditor.check import check

PAYOUT = check(
    "payout",
    "A payout is held of its amount, from its seller, in its currency: open while it is sent, settled whole, or voided "
    "when it was returned; one that was settled before is returned by an entry of its own to the same seller. No such "
    "hold or transfer is alone.",
    """
    select 'payments.payout ' || coalesce(p.id, t.cause_id) as item,
           row(p.seller_id, p.currency, p.amount_minor, p.status) as expected,
           row(t.owner, t.currency, t.amount, t.status) as found, '(seller, currency, amount, status)' as detail
      from (select * from payments.payout where cell = :cell {cause:id}) p
      full join (select coalesce(h.cause_id, t.cause_id) as cause_id, a.owner, a.currency,
                        case when h.status = 'settled' then t.amount else h.amount end as amount,
                        case when r.cause_id is null
                             then case h.status when 'held' then 'sent' when 'voided' then 'returned' else h.status end
                             when h.status = 'settled' and (r.debit, r.credit, r.amount) = (t.credit, t.debit, t.amount)
                             then 'returned' else 'another return' end as status
                   from (select * from ledger.hold where cell = :cell and code = 'payout' {cause:cause_id}) h
                   full join (select * from ledger.transfer where cell = :cell and code = 'payout' {cause:cause_id}) t
                     on t.cause_id = h.cause_id
                   left join ledger.transfer r
                     on r.cell = :cell and r.cause_id = h.cause_id and r.code = 'payout_return'
                   join ledger.account a on a.cell = :cell and a.id = coalesce(t.debit, h.debit)) t on t.cause_id = p.id
    """,
    by="cause",
    of=("payments.payout", "ledger.hold"),
    codes=("payout",),
)

BANK_FILE = check(
    "bank_file",
    "A file for the bank says how many payouts of its day and currency it has, and their sum.",
    """
    select 'payments.bank_file ' || f.id as item, row(f.day, f.currency, f.payouts, f.total_minor) as expected,
           row(p.day, p.currency, p.payouts, p.total) as found, '(day, currency, payouts, total)' as detail
      from (select * from payments.bank_file where cell = :cell) f
      left join (select file_id, (min(created_at) at time zone 'UTC')::date as day, min(currency) as currency,
                        count(*)::int as payouts, sum(amount_minor)::bigint as total
                   from payments.payout
                  where cell = :cell and file_id is not null
                  group by file_id, (created_at at time zone 'UTC')::date, currency) p on p.file_id = f.id
    """,
    of=("payments.bank_file",),
)

# Statements are the house's, and lie beside the cells: they are looked at with the first one.
STATEMENT = check(
    "statement",
    "A statement of the bank has as many entries as it says, all in its currency, and adds up: opening + entries == "
    "closing, where it tells both.",
    """
    select 'reconciliation.statement ' || s.id as item,
           row(s.entries, s.currency, coalesce(s.closing_minor, s.opening_minor + e.total)) as expected,
           row(e.entries, e.currency, coalesce(s.opening_minor, s.closing_minor - e.total) + e.total) as found,
           '(entries, currency, closing)' as detail
      from reconciliation.statement s
     cross join lateral (select count(*)::int as entries, coalesce(min(y.currency), s.currency) as currency,
                                coalesce(sum(y.amount_minor), 0)::bigint as total
                           from reconciliation.entry y where y.statement_id = s.id) e
     where :cell::smallint = 0
    """,
    of=("reconciliation.statement",),
)

PAYOUT_LIMIT = check(
    "payout_limit",
    "No seller was paid out more than completed orders, parts that ended, credit notes and debts written off ever "
    "brought, less fees and tax, in the currency in which it is paid.",
    """
    select 'seller ' || p.seller_id || ' ' || p.currency as item,
           least(p.paid_out, coalesce(o.earned, 0)) as expected, p.paid_out as found, 'sum of payouts' as detail
      from (select seller_id, currency, sum(amount_minor) as paid_out
              from payments.payout where cell = :cell and status <> 'returned' group by seller_id, currency) p
      left join (select seller_id, currency, sum(earned) as earned
                   from (select seller_id, currency,
                                paid_minor + operator_discount_minor - commission_minor - payment_fee_minor
                                - fee_tax_minor - withheld_minor
                           from orders.order where cell = :cell and status = 'completed' and not own
                         union all
                         select o.seller_id, o.currency,
                                case when p.ended_at is null then 0
                                     else p.paid_minor - p.back_minor + p.operator_discount_minor
                                          - p.back_operator_discount_minor - p.commission_minor
                                          + p.back_commission_minor - p.payment_fee_minor + p.back_payment_fee_minor
                                          - p.fee_tax_minor + p.back_fee_tax_minor - p.withheld_minor
                                          + p.back_withheld_minor end
                                - case when o.status <> 'completed' or p.recalled then 0
                                       else p.paid_minor + p.operator_discount_minor - p.commission_minor
                                            - p.payment_fee_minor - p.fee_tax_minor - p.withheld_minor end
                           from orders.part p join orders.order o on o.cell = p.cell and o.id = p.order_id
                          where p.cell = :cell and not o.own
                         union all
                         select seller_id, currency, net_minor + tax_minor from invoices.invoice
                          where cell = :cell and corrects_id is not null
                         union all
                         select seller_id, currency, amount_minor from payments.write_off where cell = :cell
                         union all
                         select s.owner, s.currency, case s.id when t.credit then t.amount else -t.amount end
                           from ledger.account x
                           join ledger.transfer t on t.cell = x.cell and x.id in (t.debit, t.credit)
                           join ledger.account s
                             on s.cell = x.cell and s.id in (t.debit, t.credit) and s.code = 'seller'
                          where x.cell = :cell and x.code in ('exchange', 'exchange_spread')
                            and t.code not like '%back') e (seller_id, currency, earned)
                  group by seller_id, currency) o using (seller_id, currency)
    """,
    of=("payments.payout",),
)

CHECKS = (PAYOUT, BANK_FILE, STATEMENT, PAYOUT_LIMIT)
