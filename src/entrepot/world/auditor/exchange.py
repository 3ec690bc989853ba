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
    select 'orders.exchange ' || x.order_id as item, row(t.gained, t.gained, w.total, {_SPREAD}) as expected,
           row(x.net_minor::numeric, t.out, t.into, t.spread) as found,
           x.currency || ' -> ' || x.settles_in || ' of ' || x.day || ' (gained, out, in, spread)' as detail
      from orders.exchange x
      join orders.order o on o.cell = x.cell and o.id = x.order_id
     cross join lateral (
           select coalesce(sum(case when c.code = 'seller' then t.amount when d.code = 'seller' then -t.amount end)
                           filter (where d.currency = x.currency and 'exchange' not in (c.code, d.code)), 0) as gained,
                  coalesce(sum(case c.code when 'exchange' then t.amount else -t.amount end)
                           filter (where d.currency = x.currency and 'exchange' in (c.code, d.code)), 0) as out,
                  coalesce(sum(case d.code when 'exchange' then t.amount else -t.amount end)
                           filter (where d.currency = x.settles_in and 'exchange' in (c.code, d.code)), 0) as into,
                  coalesce(sum(case c.code when 'exchange_spread' then t.amount else -t.amount end)
                           filter (where d.currency = x.settles_in and 'exchange_spread' in (c.code, d.code)), 0)
                      as spread
             from (select x.order_id as id
                    union all
                   select p.id from orders.part p where p.cell = x.cell and p.order_id = x.order_id) y
             join ledger.transfer t on t.cell = x.cell and t.cause_id = y.id
             join ledger.account d on d.cell = t.cell and d.id = t.debit
             join ledger.account c on c.cell = t.cell and c.id = t.credit) t
     cross join lateral (select {_AT_THE_RATES.format("t.gained")} as total) w
     where x.cell = :cell {{order:x.order_id}}
    """,  # noqa: S608 - made of the constants above
    by="order",
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
