"""Money: balances are what the transfers say, every transfer went the way of its code to the party of its order, and
what was refunded and bought has its row on both sides."""

from entrepot.world.auditor.check import check

BALANCE = check(
    "balance",
    "The balance rows of an account add up to its transfers, debits and credits each, and to what its holds hold.",
    """
    select 'ledger.balance account ' || account_id as item,
           row(coalesce(t.debits, 0), coalesce(t.credits, 0), coalesce(t.held, 0)) as expected,
           row(coalesce(b.debits, 0), coalesce(b.credits, 0), coalesce(b.held, 0)) as found,
           '(debits, credits, held)' as detail
      from (select account_id, sum(debits)::bigint as debits, sum(credits)::bigint as credits,
                   sum(held)::bigint as held
              from (select debit as account_id, sum(amount) as debits, 0 as credits, 0 as held
                      from ledger.transfer where cell = :cell {account:debit} group by debit
                    union all
                    select credit, 0, sum(amount), 0 from ledger.transfer where cell = :cell {account:credit}
                     group by credit
                    union all
                    select debit, 0, 0, sum(amount) from ledger.hold
                     where cell = :cell and status = 'held' {account:debit} group by debit) e
             group by account_id) t
      full join (select account_id, sum(debits)::bigint as debits, sum(credits)::bigint as credits,
                        sum(held)::bigint as held
                   from ledger.balance where cell = :cell {account:account_id} group by account_id) b using (account_id)
    """,
    of_history=True,
)

BALANCE_ROWS = check(
    "balance_rows",
    "An account without stripes has the one row 0 and a striped one only rows above 0, all with the account's own "
    "limit; no balance row is without its account.",
    """
    select 'ledger.balance account ' || coalesce(a.id, b.account_id) as item,
           row(case when a.striped is false then 1 else 0 end,
               case when a.striped then coalesce(b.others, 0) else 0 end, coalesce(a.limited, false)) as expected,
           row(coalesce(b.stripe_0, 0), coalesce(b.others, 0), coalesce(b.limited, false)) as found,
           '(rows of stripe 0, of other stripes, limited)' as detail
      from (select * from ledger.account where cell = :cell {account:id}) a
      full join (select account_id, bool_or(limited) as limited,
                        (count(*) filter (where stripe = 0))::int as stripe_0,
                        (count(*) filter (where stripe <> 0))::int as others
                   from ledger.balance where cell = :cell {account:account_id}
                  group by account_id) b on b.account_id = a.id
    """,
    by="account",
)

TRIAL_BALANCE = check(
    "trial_balance",
    "The balances of all accounts of one currency add up to nothing.",
    """
    select 'currency ' || a.currency as item, 0::numeric as expected, sum(b.credits - b.debits) as found,
           'sum of all balances' as detail
      from ledger.balance b
      join ledger.account a on a.cell = b.cell and a.id = b.account_id
     where b.cell = :cell
     group by a.currency
    """,
)

LIMIT = check(
    "limit",
    "An account with a limit has never less than nothing available: what is held counts as gone.",
    """
    select 'ledger.balance account ' || a.id as item, greatest(sum(b.credits - b.debits - b.held), 0) as expected,
           sum(b.credits - b.debits - b.held) as found, a.code || ' of ' || a.owner as detail
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id
     where a.cell = :cell and a.limited {account:a.id}
     group by a.id, a.code, a.owner
    """,
    by="account",
)

HOLD = check(
    "hold",
    "A hold that was settled has the one transfer of its name, from and to its accounts and of no more than it held; "
    "any other hold has none.",
    """
    select 'ledger.hold ' || h.cause_id || ' ' || h.code as item,
           case when h.status = 'settled' then row(h.debit, h.credit, least(t.amount, h.amount)) end as expected,
           case when t.cause_id is not null then row(t.debit, t.credit, t.amount) end as found,
           '(from, to, amount)' as detail
      from ledger.hold h
      left join ledger.transfer t on t.cell = h.cell and t.cause_id = h.cause_id and t.code = h.code
     where h.cell = :cell {cause:h.cause_id}
    """,
    by="cause",
    of=("ledger.hold",),
)

# Years of days are closed one by one from the balances of the day before; here they come from all the transfers.
CLOSED_DAY = check(
    "closed_day",
    "The trial balance of a closed day is that of its transfers and of all before it: nothing was added, taken away or "
    "changed since.",
    """
    with d as (
        select day, day + 1 as next_day, transfers from ledger.closed_day where cell = :cell
    ), flow as materialized (
        select (t.at at time zone 'UTC')::date as day, f.currency, f.code as debit, c.code as credit,
               count(*) as transfers, sum(t.amount) as amount
          from ledger.transfer t
          join ledger.account f on f.cell = t.cell and f.id = t.debit
          join ledger.account c on c.cell = t.cell and c.id = t.credit
         where t.cell = :cell and t.at < (select max(next_day)::timestamp at time zone 'UTC' from d)
         group by 1, 2, 3, 4
    ), moved as materialized (
        select e.day, e.currency, e.code, sum(e.debits) as debits, sum(e.credits) as credits
          from (select f.day, f.currency, f.debit, f.amount, 0 from flow f
                union all
                select f.day, f.currency, f.credit, 0, f.amount from flow f) as e (day, currency, code, debits, credits)
         group by e.day, e.currency, e.code
    ), due as (
        select d.day, k.currency, k.code, coalesce(m.debits, 0)::bigint as debits,
               coalesce(m.credits, 0)::bigint as credits,
               (sum(coalesce(m.credits - m.debits, 0)) over (partition by k.currency, k.code order by d.day)
                + coalesce(e.balance, 0))::bigint as balance, k.since
          from d
         cross join (select currency, code, min(day) as since from moved group by currency, code) k
          left join moved m on m.day = d.day and m.currency = k.currency and m.code = k.code
          left join (select currency, code, sum(credits - debits) as balance from moved
                      where day < (select min(day) from d) group by currency, code) e
            on e.currency = k.currency and e.code = k.code
    )
    select 'ledger.closed_day ' || d.day as item,
           row(coalesce(f.transfers, 0)::bigint, 0::bigint, 0::bigint) as expected,
           row(d.transfers, 0::bigint, 0::bigint) as found, 'transfers' as detail
      from d
      left join (select day, sum(transfers) as transfers from flow group by day) f on f.day = d.day
    union all
    select 'ledger.day_total ' || day || ' ' || currency || ' ' || code,
           row(coalesce(w.debits, 0), coalesce(w.credits, 0), coalesce(w.balance, 0)),
           row(coalesce(t.debits, 0), coalesce(t.credits, 0), coalesce(t.balance, 0)), '(debits, credits, balance)'
      from (select * from due where since <= day) w
      full join (select * from ledger.day_total where cell = :cell) t using (day, currency, code)
    """,
    of=("ledger.closed_day", "ledger.day_total"),
)

TRANSFER_CURRENCY = check(
    "transfer_currency",
    "A transfer joins two accounts that exist and have one currency.",
    """
    select 'ledger.transfer ' || t.cause_id || ' ' || t.code as item,
           coalesce(d.currency, 'no account') as expected, coalesce(c.currency, 'none either') as found,
           'account ' || t.debit || ' -> account ' || t.credit as detail
      from ledger.transfer t
      left join ledger.account d on d.cell = t.cell and d.id = t.debit
      left join ledger.account c on c.cell = t.cell and c.id = t.credit
     where t.cell = :cell {cause:t.cause_id}
    """,
    by="cause",
)

# Who adds a code of transfer adds its way here: money on a way that nobody wrote down is a finding.
TRANSFER_WAY = check(
    "transfer_way",
    "A transfer of a code goes from and to the accounts that the code is for.",
    """
    select 'ledger.transfer ' || t.cause_id || ' ' || t.code as item,
           coalesce(w.way collate "C", 'another way') as expected, d.code || ' -> ' || c.code as found,
           'amount ' || t.amount as detail
      from ledger.transfer t
      join ledger.account d on d.cell = t.cell and d.id = t.debit
      join ledger.account c on c.cell = t.cell and c.id = t.credit
      left join (values ('pay', 'wallet -> escrow'), ('pay', 'gateway -> escrow'), ('fund', 'promotions -> escrow'),
                        ('duties', 'escrow -> duties'), ('duties_back', 'duties -> escrow'),
                        ('duties_settled', 'duties -> broker'), ('duties_settled', 'broker -> duties'),
                        ('duties_difference', 'duty_difference -> broker'),
                        ('duties_difference', 'broker -> duty_difference'),
                        ('broker_paid', 'broker -> payout'), ('broker_paid', 'payout -> broker'),
                        ('tax', 'escrow -> tax_ioss'), ('tax_back', 'tax_ioss -> escrow'),
                        ('tax_paid', 'tax_ioss -> payout'), ('tax_repaid', 'payout -> tax_ioss'),
                        ('tax', 'escrow -> tax_oss'), ('tax_back', 'tax_oss -> escrow'),
                        ('tax', 'advanced_tax -> tax_oss'), ('tax_back', 'tax_oss -> advanced_tax'),
                        ('tax', 'advanced_tax -> tax_uk'), ('tax_back', 'tax_uk -> advanced_tax'),
                        ('tax', 'advanced_tax -> tax_nz'), ('tax_back', 'tax_nz -> advanced_tax'),
                        ('withheld', 'seller -> advanced_tax'), ('part_withheld', 'seller -> advanced_tax'),
                        ('withheld_back', 'advanced_tax -> seller'),
                        ('tax_paid', 'tax_oss -> payout'), ('tax_repaid', 'payout -> tax_oss'),
                        ('tax', 'escrow -> tax_uk'), ('tax_back', 'tax_uk -> escrow'),
                        ('tax_paid', 'tax_uk -> payout'), ('tax_repaid', 'payout -> tax_uk'),
                        ('tax', 'escrow -> tax_au'), ('tax_back', 'tax_au -> escrow'),
                        ('tax_paid', 'tax_au -> payout'), ('tax_repaid', 'payout -> tax_au'),
                        ('tax', 'escrow -> tax_nz'), ('tax_back', 'tax_nz -> escrow'),
                        ('tax_paid', 'tax_nz -> payout'), ('tax_repaid', 'payout -> tax_nz'),
                        ('tax', 'escrow -> tax_sg'), ('tax_back', 'tax_sg -> escrow'),
                        ('tax_paid', 'tax_sg -> payout'), ('tax_repaid', 'payout -> tax_sg'),
                        ('tax', 'escrow -> tax_cn'), ('tax_back', 'tax_cn -> escrow'),
                        ('tax_paid', 'tax_cn -> payout'), ('tax_repaid', 'payout -> tax_cn'),
                        ('release', 'escrow -> seller'), ('release', 'escrow -> own_revenue'),
                        ('commission', 'seller -> commission'), ('payment_fee', 'seller -> payment_fee'),
                        ('refund', 'escrow -> wallet'), ('refund', 'escrow -> gateway'),
                        ('unfund', 'escrow -> promotions'), ('payout', 'seller -> payout'),
                        ('payout_return', 'payout -> seller'),
                        ('pay', 'wallet -> between_cells'), ('pay', 'gateway -> between_cells'),
                        ('pay', 'between_cells -> escrow'), ('refund', 'escrow -> between_cells'),
                        ('refund', 'between_cells -> wallet'), ('refund', 'between_cells -> gateway'),
                        ('part_release', 'escrow -> seller'), ('part_release', 'escrow -> own_revenue'),
                        ('part_commission', 'seller -> commission'), ('part_payment_fee', 'seller -> payment_fee'),
                        ('recall', 'seller -> escrow'), ('recall', 'own_revenue -> escrow'),
                        ('commission_back', 'commission -> seller'), ('payment_fee_back', 'payment_fee -> seller'),
                        ('fee_tax', 'seller -> fee_tax'), ('part_fee_tax', 'seller -> fee_tax'),
                        ('fee_tax_back', 'fee_tax -> seller'),
                        ('opening_fee', 'seller -> shop_fees'), ('opening_fee_tax', 'seller -> fee_tax'),
                        ('monthly_fee', 'seller -> shop_fees'), ('monthly_fee_tax', 'seller -> fee_tax'),
                        ('usage_fee', 'seller -> cloud_fees'), ('usage_fee_tax', 'seller -> fee_tax'),
                        ('deposit', 'seller -> deposit'), ('deposit_deduction', 'deposit -> penalty'),
                        ('deposit_back', 'deposit -> seller'),
                        ('commission_credit', 'commission -> seller'),
                        ('payment_fee_credit', 'payment_fee -> seller'), ('fee_credit', 'shop_fees -> seller'),
                        ('usage_fee_credit', 'cloud_fees -> seller'), ('fee_credit_tax', 'fee_tax -> seller'),
                        ('write_off', 'bad_debt -> seller'),
                        ('chargeback', 'chargebacks -> gateway'), ('chargeback_back', 'gateway -> chargebacks'),
                        ('chargeback_over', 'chargeback_loss -> chargebacks'),
                        ('chargeback_over_back', 'chargebacks -> chargeback_loss'),
                        ('chargeback_fee', 'chargeback_fee -> gateway'), ('chargeback_fee', 'seller -> chargeback_fee'),
                        ('chargeback_fee_back', 'gateway -> chargeback_fee'),
                        ('chargeback_fee_back', 'chargeback_fee -> seller'),
                        ('chargeback_fee_more', 'chargeback_fee -> gateway'),
                        ('chargeback_late', 'gateway -> chargeback_loss'),
                        ('chargeback_loss', 'chargeback_loss -> chargebacks'),
                        ('charged_back', 'escrow -> chargebacks'), ('charged_back', 'escrow -> between_cells'),
                        ('charged_back', 'between_cells -> chargebacks'), ('border_lost', 'escrow -> chargeback_loss'),
                        ('refund_covered', 'gateway -> chargeback_loss'), ('exchange', 'seller -> exchange'),
                        ('exchange_back', 'exchange -> seller'), ('exchange_in', 'exchange -> seller'),
                        ('exchange_in_back', 'seller -> exchange'), ('exchange_spread', 'seller -> exchange_spread'),
                        ('exchange_spread_back', 'exchange_spread -> seller'),
                        ('part_exchange', 'seller -> exchange'), ('part_exchange_back', 'exchange -> seller'),
                        ('part_exchange_in', 'exchange -> seller'), ('part_exchange_in_back', 'seller -> exchange'),
                        ('part_exchange_spread', 'seller -> exchange_spread'),
                        ('part_exchange_spread_back', 'exchange_spread -> seller'),
                        ('pay', 'funder -> escrow'), ('pay', 'funder -> between_cells'), ('refund', 'escrow -> funder'),
                        ('refund', 'between_cells -> funder'), ('plan_fee', 'payment_fee -> plan_fee'),
                        ('plan_fee', 'promotions -> plan_fee'), ('plan_fee_back', 'plan_fee -> payment_fee'),
                        ('plan_fee_back', 'plan_fee -> promotions'), ('plan_fee_back', 'plan_fee -> funder'),
                        ('plan_back', 'funder -> wallet'), ('plan_back', 'funder -> gateway'),
                        ('plan_back', 'funder -> chargeback_loss'), ('principal', 'wallet -> funder'),
                        ('principal', 'gateway -> funder'), ('principal', 'wallet -> funder_loss'),
                        ('principal', 'gateway -> funder_loss'), ('fee', 'wallet -> plan_fee'),
                        ('fee', 'gateway -> plan_fee'), ('late_fee', 'wallet -> late_fee'),
                        ('late_fee', 'gateway -> late_fee'), ('default', 'funder_loss -> funder'),
                        ('recover', 'funder -> funder_loss'), ('refund_credit', 'gateway -> wallet'),
                        ('top_up', 'cash -> wallet'), ('purchase', 'own_stock -> supplier'),
                        ('cogs', 'cost_of_goods -> own_stock'), ('cogs_back', 'own_stock -> cost_of_goods'),
                        ('shrinkage', 'cost_of_goods -> own_stock')) as w (code, way)
        on w.code = t.code and w.way collate "C" = d.code || ' -> ' || c.code
     where t.cell = :cell {cause:t.cause_id}
    """,
    by="cause",
)

# A payment made from the wallet comes from, and goes back to, the buyer; through a gateway it is the house's. One
# captured payment per group is a rule of its own (group_payment), so the join gives one row. Of an order sold in a cell
# that is not its buyer's, either the buyer is here or the escrow, and between_cells on the other side. What a part of
# an order causes is its order's; in the buyer's cell only the refund knows whose it is.
TRANSFER_PARTY = check(
    "transfer_party",
    "A transfer of an order or a part of it is in its currency and between its buyer, its seller and the house.",
    """
    select 'ledger.transfer ' || t.cause_id || ' ' || t.code as item,
           row(case when t.code = 'pay' and p.method = 'wallet' and o.group_cell = t.cell then o.buyer_id
                    when t.code in ('commission', 'payment_fee', 'fee_tax', 'part_commission', 'part_payment_fee',
                                    'part_fee_tax', 'withheld', 'part_withheld')
                         or t.code = 'recall' and not o.own then o.seller_id
                    else h.nil end,
               case when t.code in ('release', 'part_release') and not o.own
                         or t.code in ('commission_back', 'payment_fee_back', 'fee_tax_back', 'withheld_back')
                    then o.seller_id
                    when t.code = 'refund' and p.method = 'wallet' and o.group_cell = t.cell then o.buyer_id
                    else h.nil end,
               o.currency,
               t.code = 'pay' and o.group_cell <> t.cell or t.code = 'refund' and o.cell <> t.cell,
               t.code = 'pay' and o.cell <> t.cell or t.code = 'refund' and o.group_cell <> t.cell) as expected,
           row(d.owner, c.owner, c.currency, d.code = 'between_cells', c.code = 'between_cells') as found,
           case when o.id is null then 'no such order' else '(from, to, currency, from and to another cell)' end
               as detail
      from ledger.transfer t
      join ledger.account d on d.cell = t.cell and d.id = t.debit
      join ledger.account c on c.cell = t.cell and c.id = t.credit
      left join orders.part s on s.cell = t.cell and s.id = t.cause_id
      left join payments.refund r on r.cell = t.cell and r.cause_id = t.cause_id and s.id is null
     cross join lateral (select coalesce(s.order_id, r.order_id, t.cause_id) as id) x
      left join orders.away_order w on w.cell = t.cell and w.id = x.id
      left join (select * from orders.order) o on o.cell = coalesce(w.order_cell, t.cell) and o.id = x.id
      left join (select * from payments.payment where status = 'captured') p
        on p.cell = o.group_cell and p.id = o.group_id
     cross join (values ('00000000-0000-0000-0000-000000000000'::uuid)) as h (nil)
     where t.cell = :cell {cause:t.cause_id}
       and t.code in ('pay', 'fund', 'duties', 'duties_back', 'tax', 'tax_back', 'release', 'commission',
                      'payment_fee', 'refund', 'unfund',
                      'cogs', 'cogs_back', 'recall', 'commission_back', 'payment_fee_back', 'part_release',
                      'part_commission', 'part_payment_fee', 'fee_tax', 'part_fee_tax', 'fee_tax_back', 'withheld',
                      'part_withheld', 'withheld_back')
    """,
    by="cause",
)

ESCROW_BALANCE = check(
    "escrow_balance",
    "Escrow holds exactly paid + operator discount of the orders that are paid, shipped or delivered, less their "
    "parts, and of the parts that are frozen.",
    """
    select 'ledger.account escrow ' || currency as item, coalesce(o.due, 0) as expected,
           coalesce(e.kept, 0) as found, 'balance' as detail
      from (select currency, sum(due) as due
              from (select currency, paid_minor + operator_discount_minor
                      from orders.order where cell = :cell and status in ('paid', 'shipped', 'delivered')
                    union all
                    select o.currency, (p.paid_minor + p.operator_discount_minor)
                           * ((p.ended_at is null)::int
                              - (p.of_part is null and o.status in ('paid', 'shipped', 'delivered'))::int)
                      from orders.part p join orders.order o on o.cell = p.cell and o.id = p.order_id
                     where p.cell = :cell) d (currency, due)
             group by currency) o
      full join (select a.currency, sum(b.credits - b.debits) as kept
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code = 'escrow'
                  group by a.currency) e using (currency)
    """,
)

DUTIES_BALANCE = check(
    "duties_balance",
    "The account duties holds exactly what was paid for the borders of what was not canceled, but for what the "
    "platform collected as a tax and what was settled with brokers.",
    """
    select 'ledger.account duties ' || currency as item, coalesce(o.due, 0) as expected,
           coalesce(d.kept, 0) as found, 'balance' as detail
      from (select o.currency,
                   sum(o.duties_minor - s.given_back - coalesce(b.tax_minor, 0) + coalesce(t.back, 0)
                       - coalesce(k.settled, 0)) as due
              from orders.order o
             cross join lateral (select coalesce(sum(p.duties_minor), 0) as given_back
                                   from orders.part p where p.cell = o.cell and p.order_id = o.id) s
              left join orders.border b on b.cell = o.cell and b.order_id = o.id and b.scheme <> ''
              left join (select order_id, sum(tax_minor) as back
                           from orders.tax_back where cell = :cell group by order_id) t on t.order_id = o.id
              left join (select order_id, sum(settled_minor) as settled
                           from customs.broker_line where cell = :cell and status = 'settled'
                          group by order_id) k on k.order_id = o.id
             where o.cell = :cell and o.duties_minor > 0
               and o.status not in ('awaiting_payment', 'expired', 'canceled')
             group by o.currency) o
      full join (select a.currency, sum(b.credits - b.debits) as kept
                   from ledger.account a
                   join ledger.balance b on b.cell = a.cell and b.account_id = a.id
                  where a.cell = :cell and a.code = 'duties'
                  group by a.currency) d using (currency)
    """,
)

PURCHASE_COST = check(
    "purchase_cost",
    "Goods received of the operator's own are owed to their supplier, goods shipped or missing are cost of goods sold "
    "until they come back, all in the one currency of their row of stock.",
    """
    select 'ledger.transfer ' || cause_id || ' ' || code as item, row(m.currency, m.cost) as expected,
           row(t.currency, t.amount) as found, '(currency, cost of the movements)' as detail
      from (select m.cause_id, k.code, s.currency, abs(sum(m.cost_delta))::bigint as cost
              from inventory.movement m
              join (values ('receive', 'purchase' collate "C"), ('ship', 'cogs'), ('return', 'cogs_back'),
                           ('adjust', 'shrinkage'))
                   as k (kind, code) on k.kind = m.kind
              left join inventory.stock s on s.cell = m.cell and s.id = m.stock_id
             where m.cell = :cell and m.cost_delta <> 0 {movement:m.id} {goods:m.cause_id}
             group by m.cause_id, k.code, s.currency) m
      full join (select t.cause_id, t.code, a.currency, t.amount
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.debit
                  where t.cell = :cell and t.code in ('purchase', 'cogs', 'cogs_back', 'shrinkage')
                         {goods:t.cause_id}) t
     using (cause_id, code)
    """,
)

BETWEEN_CELLS = check(
    "between_cells",
    "What leaves a cell for another comes to one other, by the same name and with the same amount.",
    """
    select 'ledger.transfer ' || t.cause_id || ' ' || t.code as item,
           row(1::bigint, (case c.code when 'between_cells' then -t.amount else t.amount end)::numeric, d.currency)
               as expected,
           row(coalesce(x.others, 0), x.came, x.currency) as found,
           '(transfers in other cells, what came of it, currency)' as detail
      from ledger.transfer t
      join ledger.account d on d.cell = t.cell and d.id = t.debit
      join ledger.account c on c.cell = t.cell and c.id = t.credit
      left join (select y.cause_id, y.code, count(*) as others, min(yd.currency) as currency,
                        sum(case yc.code when 'between_cells' then y.amount else -y.amount end) as came
                   from kit.cell k
                   join ledger.transfer y on y.cell = k.cell
                   join ledger.account yd on yd.cell = y.cell and yd.id = y.debit
                   join ledger.account yc on yc.cell = y.cell and yc.id = y.credit
                  where k.cell <> :cell and 'between_cells' in (yd.code, yc.code) {cause:y.cause_id}
                  group by y.cause_id, y.code) x on x.cause_id = t.cause_id and x.code = t.code
     where t.cell = :cell and 'between_cells' in (d.code, c.code) {cause:t.cause_id}
    """,
    by="cause",
)

BETWEEN_SUM = check(
    "between_sum",
    "What the cells owe each other adds up to nothing.",
    """
    select 'currency ' || a.currency as item, 0::numeric as expected, sum(b.credits - b.debits) as found,
           'between_cells of all cells' as detail
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id
     where a.code = 'between_cells'
     group by a.currency
    having min(a.cell) = :cell
    """,
)

# A payment captured after its group had expired never was in the books and goes back whole (status returning); its
# refund names the group instead of an order. The refund is in the buyer's cell; what the seller's cell sends there is a
# rule of its own (between_cells). Its cause is the order or the part of it that goes back.
REFUND = check(
    "refund",
    "A refund of an order or a part of it has the one transfer of its amount, and no such transfer is alone.",
    """
    select 'payments.refund of ' || coalesce(r.cause_id, t.cause_id) as item, r.amount_minor as expected,
           t.amount as found, 'amount of the transfer' as detail
      from (select r.*
              from payments.refund r
              join payments.payment p on p.cell = r.cell and p.id = r.payment_id and p.id = p.group_id
             where r.cell = :cell {cause:r.cause_id} and p.status not in ('returning', 'returned')) r
      full join (select t.cause_id, t.amount
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.credit
                  where t.cell = :cell and t.code = 'refund' and a.code <> 'between_cells' {cause:t.cause_id}) t
        on t.cause_id = r.cause_id
    """,
    by="cause",
    of=("payments.refund",),
    codes=("refund", "refund_credit", "plan_back"),
)

REFUND_CREDIT = check(
    "refund_credit",
    "A refund that was given into the wallet instead has the one transfer of its amount, to the buyer of its payment; "
    "and no such transfer is alone.",
    """
    select 'payments.refund ' || coalesce(r.id, t.cause_id) as item,
           row(r.buyer_id, r.currency, r.amount_minor) as expected, row(t.owner, t.currency, t.amount) as found,
           '(buyer, currency, amount)' as detail
      from (select r.id, p.buyer_id, p.currency, r.amount_minor - r.covered_minor as amount_minor
              from payments.refund r
              join payments.payment p on p.cell = r.cell and p.id = r.payment_id and p.method <> 'wallet'
             where r.cell = :cell and r.status = 'credited' {cause:r.id}) r
      full join (select t.cause_id, a.owner, a.currency, t.amount
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.credit
                  where t.cell = :cell and t.code = 'refund_credit' {cause:t.cause_id}) t on t.cause_id = r.id
    """,
    by="cause",
    of=("payments.refund",),
    codes=("refund", "refund_credit", "plan_back"),
)

PAYMENT_REFUNDED = check(
    "payment_refunded",
    "A payment says exactly how much of it was given back, or is about to be.",
    """
    select 'payments.payment ' || coalesce(p.id, r.payment_id) as item, coalesce(r.amount, 0) as expected,
           p.refunded_minor as found, 'refunded_minor' as detail
      from (select * from payments.payment where cell = :cell {group:id}) p
      full join (select payment_id, sum(amount_minor)::bigint as amount
                   from payments.refund where cell = :cell {group:payment_id} group by payment_id) r
        on r.payment_id = p.id
    """,
    by="group",
)

CHECKS = (
    BALANCE,
    BALANCE_ROWS,
    TRIAL_BALANCE,
    LIMIT,
    HOLD,
    CLOSED_DAY,
    TRANSFER_CURRENCY,
    TRANSFER_WAY,
    TRANSFER_PARTY,
    ESCROW_BALANCE,
    DUTIES_BALANCE,
    BETWEEN_CELLS,
    BETWEEN_SUM,
    PURCHASE_COST,
    REFUND,
    REFUND_CREDIT,
    PAYMENT_REFUNDED,
)
