"""Orders whose sellers are paid in another currency than they were sold in: both legs are there, at the rates that were
locked, and the house's position is what they make."""

from entrepot.world.auditor.check import check

# The exponents of ISO 4217 once more: 2 unless listed.
_DIGITS = """
    case when {0} in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF',
                      'XOF', 'XPF') then 0
         when {0} in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3 else 2 end
"""

# Minor units of a currency to the euro.
_TO, _FROM = (
    f"x.{per_euro} * power(10::numeric, {_DIGITS.format(currency)})"
    for per_euro, currency in (("settles_per_euro", "x.settles_in"), ("per_euro", "x.currency"))
)
# What an amount is at the rates that `x` was locked at; half a unit away from nothing.
_AT_THE_RATES = f"sign({{0}}::numeric) * div(2 * abs({{0}}::numeric) * {_TO} + {_FROM}, 2 * {_FROM})"
_SPREAD = "sign(w.total) * div(abs(w.total) * x.spread_bp + 5000, 10000)"

EXCHANGE = check(
    "exchange",
    "What the seller of an order that is settled in another currency has of it and its parts was exchanged: out of the "
    "order's currency all of it, into the other what that is at the locked rates, and of this the spread is kept.",
    f"""
    select 'orders.exchange ' || x.order_id as item, row(x.gained, x.gained, w.total, {_SPREAD}) as expected,
           row(x.net_minor::numeric, x.out, x.into, x.spread) as found,
           x.currency || ' -> ' || x.settles_in || ' of ' || x.day || ' (gained, out, in, spread)' as detail
      from (select x.*, coalesce(t.gained, 0) as gained, coalesce(t.out, 0) as out, coalesce(t.into, 0) as into,
                   coalesce(t.spread, 0) as spread
              from orders.exchange x
              join orders.order o on o.cell = x.cell and o.id = x.order_id
              left join (
                   select m.order_id,
                          sum(m.gained) filter (where m.currency = m.sold_in and m."with" not like 'exchange%')
                              as gained,
                          -sum(m.gained) filter (where m.currency = m.sold_in and m."with" = 'exchange') as out,
                          sum(m.gained) filter (where m.currency = m.settles_in and m."with" = 'exchange') as into,
                          -sum(m.gained) filter (where m.currency = m.settles_in and m."with" = 'exchange_spread')
                              as spread
                     from (select x.order_id, x.currency as sold_in, x.settles_in, s.currency, b.code as "with",
                                  case s.id when t.credit then t.amount else -t.amount end as gained
                             from orders.exchange x
                             join orders.order o on o.cell = x.cell and o.id = x.order_id
                             join (select id as order_id, id from orders.order where cell = :cell {{order:id}}
                                    union all
                                   select order_id, id from orders.part where cell = :cell {{order:order_id}}) y
                               on y.order_id = x.order_id
                             join ledger.transfer t on t.cell = x.cell and t.cause_id = y.id
                             join ledger.account s
                               on s.cell = x.cell and s.id in (t.debit, t.credit) and s.code = 'seller'
                                  and s.owner = o.seller_id
                             join ledger.account b on b.cell = x.cell and b.id = t.debit + t.credit - s.id
                            where x.cell = :cell {{order:x.order_id}}) m
                    group by m.order_id) t on t.order_id = x.order_id
             where x.cell = :cell {{order:x.order_id}}) x
     cross join lateral (select {_AT_THE_RATES.format("x.gained")} as total) w
    """,  # noqa: S608 - made of the constants above
    by="order",
    of=("orders.exchange",),
)

EXCHANGE_POSITION = check(
    "exchange_position",
    "The accounts exchange and exchange_spread hold, in each currency, what the orders that are settled in another "
    "have moved through them: of the pairs no leg is missing, and nothing else is in there.",
    f"""
    select 'ledger.account ' || code || ' ' || currency as item, coalesce(d.due, 0) as expected,
           coalesce(e.kept, 0) as found, 'balance' as detail
      from (select l.code, l.currency, sum(l.due) as due
              from orders.exchange x
              join orders.order o on o.cell = x.cell and o.id = x.order_id
             cross join lateral (select {_AT_THE_RATES.format("x.net_minor")} as total) w
             cross join lateral (values ('exchange', x.currency, x.net_minor::numeric),
                                        ('exchange', x.settles_in, -w.total),
                                        ('exchange_spread', x.settles_in, {_SPREAD})) as l (code, currency, due)
             where x.cell = :cell and l.due <> 0
             group by l.code, l.currency) d
      full join (select a.code collate "default" as code, a.currency, sum(b.credits - b.debits) as kept
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code in ('exchange', 'exchange_spread')
                  group by a.code, a.currency) e using (code, currency)
    """,  # noqa: S608
)

CHECKS = (EXCHANGE, EXCHANGE_POSITION)
