"""Borders: what the platform collected of taxes lies in the accounts of their schemes until it is paid, what went back
was noted, and buyers' yearly quotas are what their orders take of them."""

from entrepot.world.auditor.check import check

TAX_BALANCE = check(
    "tax_balance",
    "The account of a scheme holds exactly the tax of the orders that it was collected for, less what went back and "
    "what was paid with returns.",
    """
    select 'ledger.account ' || code || ' ' || currency as item, coalesce(t.due, 0) as expected,
           coalesce(a.kept, 0) as found, 'balance' as detail
      from (select x.code, x.currency, sum(x.amount) as due
              from (select 'tax_' || lower(b.scheme), o.currency, b.tax_minor + b.withheld_minor
                      from orders.border b
                      join orders.order o on o.cell = b.cell and o.id = b.order_id
                      left join (select * from orders.order_group) g on g.cell = o.group_cell and g.id = o.group_id
                     where b.cell = :cell and b.scheme <> '' and g.status = 'placed'
                    union all
                    select 'tax_' || lower(b.scheme), b.currency, -t.tax_minor
                      from orders.tax_back t
                      join orders.border b on b.cell = t.cell and b.order_id = t.order_id
                     where t.cell = :cell
                    union all
                    select 'tax_' || lower(r.scheme), p.part ->> 'currency', -(p.part ->> 'tax_minor')::bigint
                      from customs.tax_return r
                     cross join lateral jsonb_array_elements(r.content -> 'parts') as p (part)
                     where r.paid_at is not null and (p.part ->> 'cell')::int = :cell) x (code, currency, amount)
             group by x.code, x.currency) t
      full join (select a.code, a.currency, sum(b.credits - b.debits) as kept
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code like 'tax\\_%'
                  group by a.code, a.currency) a using (code, currency)
    """,
)

ADVANCED_TAX = check(
    "advanced_tax",
    "Of the tax in their prices that the platform owes, so much is advanced as is in orders that are paid, shipped or "
    "delivered, less their parts, and in the parts that are frozen.",
    """
    select 'ledger.account advanced_tax ' || currency as item, coalesce(o.due, 0) as expected,
           coalesce(e.lent, 0) as found, 'balance' as detail
      from (select currency, sum(due) as due
              from (select currency, withheld_minor
                      from orders.order where cell = :cell and status in ('paid', 'shipped', 'delivered')
                    union all
                    select o.currency, p.withheld_minor
                           * ((p.ended_at is null)::int
                              - (p.of_part is null and o.status in ('paid', 'shipped', 'delivered'))::int)
                      from orders.part p join orders.order o on o.cell = p.cell and o.id = p.order_id
                     where p.cell = :cell) d (currency, due)
             group by currency) o
      full join (select a.currency, sum(b.debits - b.credits) as lent
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code = 'advanced_tax'
                  group by a.currency) e using (currency)
    """,
)

TAX_BACK = check(
    "tax_back",
    "Tax of a scheme that went back was noted by rate, for its order, and never more than was collected.",
    """
    select 'orders.tax_back ' || coalesce(t.cause_id, x.cause_id) as item, row(t.tax, true) as expected,
           row(x.amount, coalesce(t.within, false)) as found, '(tax, within what was collected)' as detail
      from (select t.cause_id, sum(t.tax_minor)::bigint as tax,
                   bool_and(w.back <= b.tax_minor + b.withheld_minor) as within
              from orders.tax_back t
              join orders.border b on b.cell = t.cell and b.order_id = t.order_id and b.scheme <> ''
              join (select order_id, sum(tax_minor) as back from orders.tax_back where cell = :cell group by order_id) w
                on w.order_id = t.order_id
             where t.cell = :cell {cause:t.cause_id}
             group by t.cause_id) t
      full join (select cause_id, amount from ledger.transfer
                  where cell = :cell and code = 'tax_back' {cause:cause_id}) x on x.cause_id = t.cause_id
    """,
    by="cause",
    of=("orders.tax_back",),
    codes=("tax_back",),
)

# A transfer of a period cannot come after its return was filed: periods are over by then.
TAX_RETURN = check(
    "tax_return",
    "A return has all that its scheme's accounts moved in its period, its lines sum to what it comes to, and that was "
    "paid once it says so, and not before.",
    """
    select 'customs.tax_return ' || k.scheme || ' ' || k.first_day || ' ' || k.currency as item,
           row(sum(k.moved)::bigint, case when k.paid_at is not null then nullif(sum(k.part), 0)::bigint end,
               0::bigint) as expected,
           row(sum(k.part)::bigint, sum(x.amount)::bigint, sum(k.untied)::bigint) as found,
           '(moved, paid, lines without parts)' as detail
      from (select r.scheme, r.first_day, r.paid_at, e ->> 'currency' as currency, (e ->> 'tax_minor')::bigint as part,
                   0::bigint as moved, (e ->> 'id')::uuid as part_id, u.untied
              from customs.tax_return r
             cross join lateral jsonb_array_elements(r.content -> 'parts') e
             cross join lateral (
                   select coalesce(sum(y.minor), 0)::bigint as untied
                     from (select (l ->> 'tax_minor')::bigint as minor from jsonb_array_elements(r.content -> 'lines') l
                            where l ->> 'currency' = e ->> 'currency'
                           union all
                           select -(q ->> 'tax_minor')::bigint from jsonb_array_elements(r.content -> 'parts') q
                            where q ->> 'currency' = e ->> 'currency') y) u
             where (e ->> 'cell')::int = :cell
            union all
            select r.scheme, r.first_day, r.paid_at, a.currency, 0,
                   case t.code when 'tax' then t.amount else -t.amount end, null, 0
              from customs.tax_return r
              join ledger.account a on a.cell = :cell and a.code = 'tax_' || lower(r.scheme)
              join ledger.transfer t
                on t.cell = :cell and t.at >= r.first_day::timestamp at time zone 'UTC'
               and t.at < (r.last_day + 1)::timestamp at time zone 'UTC'
               and (t.code = 'tax' and t.credit = a.id or t.code = 'tax_back' and t.debit = a.id)) k
      left join (select cause_id, case code when 'tax_paid' then amount else -amount end as amount
                   from ledger.transfer where cell = :cell and code in ('tax_paid', 'tax_repaid')) x
        on x.cause_id = k.part_id
     group by k.scheme, k.first_day, k.paid_at, k.currency
    """,
    of=("customs.tax_return",),
)

RETURN_DUTIES = check(
    "return_duties",
    "With what was returned over a border goes back at most the share that its units have of what was paid there.",
    """
    select 'orders.part ' || p.id as item, true as expected, p.duties_minor <= coalesce(l.due, 0) as found,
           p.duties_minor || ' of ' || coalesce(l.due, 0) as detail
      from orders.part p
      left join (select x.part_id,
                        sum(div(case b.incoterm when 'DDP' then c.charge else coalesce(c.tax, 0) end * x.quantity,
                                r.quantity)) as due
                   from orders.part_line x
                   join orders.border b
                     on b.cell = x.cell and b.order_id = x.order_id and b.withheld_minor = 0
                  cross join lateral unnest(b.line_nos, b.line_charges, b.line_taxes) as c (line_no, charge, tax)
                   join orders.order_line r on r.cell = x.cell and r.order_id = x.order_id and r.line_no = x.line_no
                  where x.cell = :cell and c.line_no = x.line_no {order:x.order_id}
                  group by x.part_id) l on l.part_id = p.id
     where p.cell = :cell and p.kind = 'returned' {order:p.order_id}
    """,
    by="order",
    of=("orders.part", "orders.part_line", "disputes.dispute"),
)

PERSON_QUOTA = check(
    "person_quota",
    "Of a person's yearly quota a purchase uses what its orders take, without what of them was canceled, and may get "
    "back what was returned.",
    """
    select 'pricing.quota_use ' || coalesce(u.cause_id, o.group_id) || ' ' || coalesce(u.quota_id, o.quota_id) as item,
           case when coalesce(u.kept, 0) between coalesce(o.taken - o.returned, 0) and coalesce(o.taken, 0)
                then coalesce(u.kept, 0) else coalesce(o.taken, 0)::bigint end as expected,
           coalesce(u.kept, 0) as found, '(taken)' as detail
      from (select u.cause_id, u.quota_id,
                   case when u.given_back_at is null then u.amount - u.returned else 0 end as kept
              from pricing.quota_use u
              join pricing.quota q on q.cell = u.cell and q.id = u.quota_id and q.name like 'customs:%'
             where u.cell = :cell {group:u.cause_id}) u
      full join (select o.group_id, b.quota_id,
                        sum(case when o.status in ('canceled', 'expired') then 0
                                 else c.quota - div(c.quota * coalesce(t.units, 0), l.quantity) end) as taken,
                        sum(div(c.quota * coalesce(t.returned, 0), l.quantity)) as returned
                   from kit.cell k
                   join orders.order o on o.cell = k.cell
                   join orders.border b on b.cell = o.cell and b.order_id = o.id and b.quota_id is not null
                  cross join lateral unnest(b.line_nos, b.line_quotas) as c (line_no, quota)
                   join orders.order_line l on l.cell = o.cell and l.order_id = o.id and l.line_no = c.line_no
                   left join (select x.cell, x.order_id, x.line_no,
                                     sum(x.quantity) filter (where p.kind = 'canceled') as units,
                                     sum(x.quantity) filter (where p.kind = 'returned') as returned
                                from orders.part_line x
                                join orders.part p on p.cell = x.cell and p.id = x.part_id
                                join orders.border q
                                  on q.cell = x.cell and q.order_id = x.order_id and q.quota_id is not null
                               group by x.cell, x.order_id, x.line_no) t
                     on t.cell = o.cell and t.order_id = o.id and t.line_no = c.line_no
                  where o.group_cell = :cell {group:o.group_id}
                  group by o.group_id, b.quota_id) o on o.group_id = u.cause_id and o.quota_id = u.quota_id
    """,
    by="group",
    of=("pricing.quota_use", "orders.border"),
)

BROKER_LINE = check(
    "broker_line",
    "A settled line of a broker's invoice took what buyers had paid and booked the difference, another took nothing.",
    """
    select 'customs.broker_line ' || coalesce(l.id, t.cause_id) as item,
           concat_ws(' ', coalesce(l.settled, 0), coalesce(l.asked - l.settled, 0)) as expected,
           concat_ws(' ', coalesce(t.settled, 0), coalesce(t.difference, 0)) as found, 'settled, difference' as detail
      from (select id, case status when 'settled' then settled_minor else 0 end as settled,
                   case status when 'settled' then asked_minor else 0 end as asked
              from customs.broker_line where cell = :cell {cause:id}) l
      full join (select x.cause_id,
                        sum(case when x.code <> 'duties_settled' then 0
                                 when c.code = 'broker' then x.amount else -x.amount end)::bigint as settled,
                        sum(case when x.code <> 'duties_difference' then 0
                                 when c.code = 'broker' then x.amount else -x.amount end)::bigint as difference
                   from ledger.transfer x
                   join ledger.account c on c.cell = x.cell and c.id = x.credit
                  where x.cell = :cell and x.code in ('duties_settled', 'duties_difference') {cause:x.cause_id}
                  group by x.cause_id) t on t.cause_id = l.id
    """,
    by="cause",
    of=("customs.broker_line",),
    codes=("duties_settled", "duties_difference"),
)

BROKER_BALANCE = check(
    "broker_balance",
    "Brokers are owed what is settled of invoices that are not paid.",
    """
    select 'ledger.account broker ' || currency as item, coalesce(l.owed, 0) as expected, coalesce(a.kept, 0) as found,
           'balance' as detail
      from (select i.currency, sum(l.asked_minor) as owed
              from customs.broker_line l
              join customs.broker_invoice i on i.id = l.invoice_id and i.paid_at is null
             where l.cell = :cell and l.status = 'settled'
             group by i.currency) l
      full join (select a.currency, sum(b.credits - b.debits) as kept
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code = 'broker'
                  group by a.currency) a using (currency)
    """,
)

CHECKS = (BROKER_LINE, BROKER_BALANCE, TAX_BALANCE, ADVANCED_TAX, TAX_BACK, TAX_RETURN, RETURN_DUTIES, PERSON_QUOTA)
