"""Fees: what a sale's rule and tax took of it."""

from entrepot.world.auditor.check import check

# A line without a rule, or a bundle with one, is judged as a whole: basis points by tiers, rounded half up together.
FEE_RULE = check(
    "fee_rule",
    "The commission of a line, or of a bundle, is what its frozen rule takes of what it was sold for, or its frozen "
    "rate; the rule is of its seller and market, and had begun.",
    """
    select 'orders.order_line ' || x.order_id || ' line ' || x.line_no as item,
           row(least(x.base, coalesce(r.max_minor, x.base),
                     greatest(r.min_minor, div(coalesce(t.parts, x.base * x.commission_bp) + 5000, 10000)
                                           + coalesce(r.fixed_minor, 0) * greatest(1, x.units))),
               true) as expected,
           row(x.commission, x.fee_rule_id is null or r.kind = 'commission' and r.valid_from <= x.placed_at
                             and coalesce(r.market, x.market) = x.market
                             and coalesce(r.seller_id, x.seller_id) = x.seller_id) as found,
           '(commission, its rule fits)' as detail
      from (select l.order_id, min(l.line_no) as line_no, l.fee_rule_id, l.commission_bp, o.market, o.seller_id,
                   o.placed_at, min(l.quantity / l.price_per) as units, sum(l.commission_minor)::numeric as commission,
                   sum(l.gross_minor - coalesce(d.amount, 0))::numeric as base
              from orders.order_line l
              join orders.order o on o.cell = l.cell and o.id = l.order_id
              left join lateral (select sum(y.amount_minor) as amount from orders.discount_line y
                                  where y.cell = :cell and y.order_id = l.order_id and y.line_no = l.line_no
                                    and y.funding_party = 'seller') d on true
             where l.cell = :cell {order:l.order_id}
             group by l.order_id, case when l.bundle_no = 0 or l.fee_rule_id is null then -l.line_no
                                       else l.bundle_no end,
                      l.fee_rule_id, l.commission_bp, o.market, o.seller_id, o.placed_at) x
      left join fees.rule r on r.id = x.fee_rule_id
      left join lateral (
            select sum(greatest(0, least(x.base, coalesce(r.over_minor[i + 1], x.base)) - r.over_minor[i])
                       * r.rates_bp[i]) as parts
              from generate_subscripts(r.over_minor, 1) i) t on true
    """,
    by="order",
)

FEE_TAX = check(
    "fee_tax",
    "The tax on the fees of an order is its frozen rate of commission and payment fee, rounded half up.",
    """
    select 'orders.order ' || o.id as item,
           row(div((o.commission_minor + o.payment_fee_minor)::numeric * coalesce(o.fee_tax_bp, 0) + 5000, 10000),
               o.fee_tax_kind is not null) as expected,
           row(o.fee_tax_minor::numeric, o.fee_tax_bp is not null) as found, '(tax, has a rate)' as detail
      from orders.order o
     where o.cell = :cell {order:o.id}
    """,
    by="order",
)

CHARGE = check(
    "charge",
    "What a shop was charged has the transfer of its amount, its seller's on one side but for a deduction, and that of "
    "its tax; no such transfer is alone.",
    """
    select 'fees.charge ' || coalesce(c.id, t.cause_id) as item,
           row(c.kind, nullif(c.net_minor, 0), nullif(c.tax_minor, 0), c.currency,
               case when c.kind <> 'deposit_deduction' then c.seller_id end) as expected,
           row(coalesce(t.kind, c.kind), t.net, t.tax, coalesce(t.currency, c.currency),
               coalesce(t.owner, case when c.net_minor = 0 then c.seller_id end)) as found,
           '(kind, amount, tax, currency, seller)' as detail
      from (select * from fees.charge where cell = :cell {cause:id}) c
      full join (select t.cause_id, min(replace(t.code, '_tax', '')) as kind, min(a.currency) as currency,
                        max(t.amount) filter (where t.code not like '%\\_tax') as net,
                        max(t.amount) filter (where t.code like '%\\_tax') as tax,
                        max(case 'seller' when a.code then a.owner when b.code then b.owner end::text)::uuid as owner
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.debit
                   join ledger.account b on b.cell = t.cell and b.id = t.credit
                  where t.cell = :cell {cause:t.cause_id}
                    and t.code in ('opening_fee', 'opening_fee_tax', 'monthly_fee', 'monthly_fee_tax', 'deposit',
                                   'deposit_deduction', 'deposit_back')
                  group by t.cause_id) t on t.cause_id = c.id
    """,
    by="cause",
    of=("fees.charge",),
    codes=(
        "opening_fee",
        "opening_fee_tax",
        "monthly_fee",
        "monthly_fee_tax",
        "deposit",
        "deposit_deduction",
        "deposit_back",
    ),
)

DEPOSIT = check(
    "deposit",
    "Of a shop's deposit there is held what was paid less what was deducted and given back, of one that is closed "
    "nothing once that was due; and together they are what is in the account.",
    """
    select 'fees.shop ' || s.id as item,
           row(coalesce(c.left, 0), s.closed_at is null or s.due_on is not null or s.deposit_minor = 0) as expected,
           row(s.deposit_minor::numeric, true) as found, '(deposit, none when it was given back)' as detail
      from fees.shop s
      left join lateral (select sum(case y.kind when 'deposit' then y.net_minor else -y.net_minor end) as left
                           from fees.charge y
                          where y.cell = :cell and y.shop_id = s.id
                            and y.kind in ('deposit', 'deposit_deduction', 'deposit_back')) c on true
     where s.cell = :cell
    union all
    select 'deposits ' || a.currency, row(coalesce(s.held, 0), true), row(b.balance, true), '(in the account)'
      from ledger.account a
      join (select account_id, sum(credits - debits) as balance from ledger.balance
             where cell = :cell group by account_id) b on b.account_id = a.id
      left join (select currency, sum(deposit_minor) as held from fees.shop where cell = :cell group by currency) s
        on s.currency = a.currency
     where a.cell = :cell and a.code = 'deposit'
    """,
)

# A charge is due on its day, and a worker may be late for a time.
SHOP_MONTHS = check(
    "shop_months",
    "A shop was charged for each month since it opened until it closed, or the month is waived; none is overdue.",
    """
    select 'fees.shop ' || s.id as item,
           row(case when s.closed_at is null then s.due_on end, true) as expected,
           row(case when s.closed_at is null
                    then (date_trunc('month', s.opened_at at time zone 'UTC') + (c.months || ' months')::interval)::date
                    end, s.due_on is null or s.due_on > (:overdue::timestamptz at time zone 'UTC')::date - 1) as found,
           '(charged until, nothing overdue)' as detail
      from fees.shop s
     cross join lateral (select count(*) as months from fees.charge y
                          where y.cell = :cell and y.shop_id = s.id and y.kind = 'monthly_fee') c
     where s.cell = :cell
    """,
    of=("fees.shop",),
)

INVOICE_SUM = check(
    "invoice_sum",
    "Net and tax of a document are the sums of its lines and of its taxes.",
    """
    select 'invoices.invoice ' || i.id as item, row(l.net, t.net, t.tax) as expected,
           row(i.net_minor, i.net_minor, i.tax_minor) as found, '(lines, taxes net, tax)' as detail
      from invoices.invoice i
     cross join lateral (select coalesce(sum(y.net_minor), 0)::bigint as net
                           from invoices.line y where y.cell = :cell and y.invoice_id = i.id) l
     cross join lateral (select coalesce(sum(y.net_minor), 0)::bigint as net,
                                coalesce(sum(y.tax_minor), 0)::bigint as tax
                           from invoices.tax y where y.cell = :cell and y.invoice_id = i.id) t
     where i.cell = :cell
    """,
    of=("invoices.invoice",),
)

INVOICE_MONTH = check(
    "invoice_month",
    "Of a month that is issued, invoices and credit notes of a seller are what was charged and given back in its "
    "account, with the tax.",
    """
    select 'invoices ' || x.owner || ' ' || x.currency || ' ' || x.month as item,
           row(x.charged, x.charged_tax, x.back, x.back_tax) as expected,
           row(coalesce(i.net, 0), coalesce(i.tax, 0), coalesce(n.net, 0), coalesce(n.tax, 0)) as found,
           '(charged, tax, given back, tax)' as detail
      from (select a.owner, a.currency, d.month,
                   coalesce(sum(t.amount) filter (where not t.back and t.code not like '%tax'), 0)::bigint as charged,
                   coalesce(sum(t.amount) filter (where not t.back and t.code like '%tax'), 0)::bigint as charged_tax,
                   coalesce(sum(t.amount) filter (where t.back and t.code not like '%tax%'), 0)::bigint as back,
                   coalesce(sum(t.amount) filter (where t.back and t.code like '%tax%'), 0)::bigint as back_tax
              from invoices.issued d
              join ledger.account a on a.cell = d.cell and a.code = 'seller' and a.currency = d.currency
              join (select debit as account, at, code, amount, false as back from ledger.transfer
                     where cell = :cell and code in ('commission', 'payment_fee', 'fee_tax', 'part_commission',
                                                     'part_payment_fee', 'part_fee_tax', 'opening_fee',
                                                     'opening_fee_tax', 'monthly_fee', 'monthly_fee_tax',
                                                     'usage_fee', 'usage_fee_tax')
                    union all
                    select credit, at, code, amount, true from ledger.transfer
                     where cell = :cell and code in ('commission_back', 'payment_fee_back', 'fee_tax_back')) t
                on t.account = a.id and date_trunc('month', t.at at time zone 'UTC')::date = d.month
             where d.cell = :cell
             group by a.owner, a.currency, d.month) x
      left join (select seller_id, currency, month, net_minor as net, tax_minor as tax from invoices.invoice
                  where cell = :cell and kind = 'invoice' and corrects_id is null) i
        on i.seller_id = x.owner and i.currency = x.currency and i.month = x.month
      left join (select seller_id, currency, month, net_minor as net, tax_minor as tax from invoices.invoice
                  where cell = :cell and kind = 'credit_note' and corrects_id is null) n
        on n.seller_id = x.owner and n.currency = x.currency and n.month = x.month
    """,
    of=("invoices.issued",),
)

# A series is of all cells; it is looked at with cell 0. That is asked of a column, as Citus takes no condition on none.
INVOICE_NUMBERS = check(
    "invoice_numbers",
    "The numbers of an issuer, kind and year are 1, 2, 3 and so on up to the last one given, each once.",
    """
    select 'invoices.series ' || coalesce(s.entity, i.entity) || ' ' || coalesce(s.kind, i.kind) || ' '
               || coalesce(s.year, i.year) as item,
           row(s.last::bigint, s.last::bigint, s.last) as expected,
           row(coalesce(i.documents, 0), coalesce(i.numbers, 0), coalesce(i.top, 0)) as found,
           '(documents, numbers, highest)' as detail
      from invoices.series s
      full join (select entity, kind, year, count(*) as documents, count(distinct serial) as numbers,
                        max(serial) as top
                   from (select entity, kind, year, serial from invoices.invoice) y group by entity, kind, year) i
        on i.entity = s.entity and i.kind = s.kind and i.year = s.year
     where :cell::smallint = least(coalesce(s.last, 0), 0)
    """,
    of=("invoices.series", "invoices.invoice"),
)

CREDIT_NOTE = check(
    "credit_note",
    "A credit note by hand has the transfers of its net and tax to its seller, in all no more of a line than it has; "
    "and no such transfer is alone.",
    """
    select 'invoices.invoice ' || coalesce(i.id, t.cause_id) as item,
           row(i.net_minor, nullif(i.tax_minor, 0), i.seller_id, true) as expected,
           row(t.net, t.tax, t.owner, coalesce(l.within, false)) as found,
           '(net, tax, seller, within its line)' as detail
      from (select * from invoices.invoice where cell = :cell and corrects_id is not null {cause:id}) i
      full join (select t.cause_id, max(t.amount) filter (where t.code <> 'fee_credit_tax') as net,
                        max(t.amount) filter (where t.code = 'fee_credit_tax') as tax,
                        max(a.owner::text)::uuid as owner
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.credit
                  where t.cell = :cell
                    and t.code in ('commission_credit', 'payment_fee_credit', 'usage_fee_credit', 'fee_credit',
                                   'fee_credit_tax') {cause:t.cause_id}
                  group by t.cause_id) t on t.cause_id = i.id
      left join lateral (
            select bool_and(o.net_minor >= (select sum(z.net_minor)
                                              from invoices.invoice y
                                              join invoices.line z on z.cell = y.cell and z.invoice_id = y.id
                                             where y.cell = :cell and y.corrects_id = i.corrects_id
                                               and z.of_line = n.of_line)) as within
              from invoices.line n
              join invoices.line o on o.cell = n.cell and o.invoice_id = i.corrects_id and o.no = n.of_line
             where n.cell = :cell and n.invoice_id = i.id) l on true
    """,
    by="cause",
    of=("invoices.invoice",),
    codes=("commission_credit", "payment_fee_credit", "usage_fee_credit", "fee_credit", "fee_credit_tax"),
)

CHECKS = (
    FEE_RULE, FEE_TAX, CHARGE, DEPOSIT, SHOP_MONTHS, INVOICE_SUM, INVOICE_MONTH, INVOICE_NUMBERS, CREDIT_NOTE,
)  # fmt: skip
