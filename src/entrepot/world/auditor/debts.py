"""What sellers did not pay, and what is held back from them."""

from entrepot.world.auditor.check import check

WRITE_OFF = check(
    "write_off",
    "What a seller need not pay any more has the one transfer of its amount to that seller, and no such transfer is "
    "alone.",
    """
    select 'payments.write_off ' || coalesce(w.id, t.cause_id) as item,
           row(w.seller_id, w.currency, w.amount_minor) as expected, row(t.owner, t.currency, t.amount) as found,
           '(seller, currency, amount)' as detail
      from (select * from payments.write_off where cell = :cell {cause:id}) w
      full join (select t.cause_id, a.owner, a.currency, t.amount
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.credit
                  where t.cell = :cell and t.code = 'write_off' {cause:t.cause_id}) t on t.cause_id = w.id
    """,
    by="cause",
    of=("payments.write_off",),
    codes=("write_off",),
)

# Half a unit is rounded up. A hold's time is forgotten when it ends, which it does not do before.
RESERVE = check(
    "reserve",
    "Of what a release left its seller, in the currency it is paid in, so much is held back as the terms of that time "
    "say, for as long; of any other nothing, nor of a part that was released before with its order.",
    """
    select 'ledger.transfer ' || t.cause_id || ' ' || t.code as item,
           row(x.amount, case when x.amount is not null then coalesce(e.id, t.debit) end,
               case when x.amount is not null then true end) as expected,
           row(h.amount, h.credit, coalesce(h.due_at, h.ended_at) >= t.at + make_interval(secs => r.hold_s)) as found,
           '(held, for whom, long enough)' as detail
      from ledger.transfer t
      join ledger.account a on a.cell = t.cell and a.id = t.credit and a.code = 'seller'
     cross join lateral (select case t.code when 'release' then '' else 'part_' end as prefix) k
      left join ledger.transfer c
        on c.cell = t.cell and c.cause_id = t.cause_id and c.code = k.prefix || 'commission'
      left join ledger.transfer f
        on f.cell = t.cell and f.cause_id = t.cause_id and f.code = k.prefix || 'payment_fee'
      left join ledger.transfer i
        on i.cell = t.cell and i.cause_id = t.cause_id and i.code = k.prefix || 'exchange_in'
      left join ledger.transfer s
        on s.cell = t.cell and s.cause_id = t.cause_id and s.code = k.prefix || 'exchange_spread'
      left join ledger.account b on b.cell = i.cell and b.id = i.credit
      left join ledger.account e
        on e.cell = b.cell and e.code = 'escrow' and e.currency = b.currency
           and e.owner = '00000000-0000-0000-0000-000000000000'
      left join ledger.transfer g
        on g.cell = t.cell and g.cause_id = t.cause_id and g.code = k.prefix || 'fee_tax'
      left join ledger.transfer w
        on w.cell = t.cell and w.cause_id = t.cause_id and w.code = k.prefix || 'withheld'
      left join orders.part p on p.cell = t.cell and p.id = t.cause_id and t.code = 'part_release'
      left join lateral (select y.reserve_bp, y.hold_s from payments.reserve_terms y
                          where y.seller_id = a.owner and y.valid_from <= t.at and p.recalled is not true
                          order by y.valid_from desc limit 1) r on true
     cross join lateral (
           select case when i.cause_id is not null then i.amount - coalesce(s.amount, 0)
                       else t.amount - coalesce(c.amount, 0) - coalesce(f.amount, 0) - coalesce(g.amount, 0)
                            - coalesce(w.amount, 0) end as amount) n
     cross join lateral (
           select nullif(div(greatest(n.amount, 0)::numeric * r.reserve_bp + 5000, 10000), 0)::bigint as amount) x
      left join ledger.hold h
        on h.cell = t.cell and h.cause_id = t.cause_id and h.code = k.prefix || 'reserve'
           and h.debit = coalesce(b.id, a.id)
     where t.cell = :cell and t.code in ('release', 'part_release') {cause:t.cause_id}
    """,
    by="cause",
    codes=("release", "part_release"),
)

CHECKS = (WRITE_OFF, RESERVE)
