"""Metered use: what was billed is what was used, once, at the price of its day."""

from entrepot.world.auditor.check import check

# The largest use of a month has one price, that of the day on which it was reached; bills have it in pieces, if some of
# it came late.
USAGE_BILLED = check(
    "usage_billed",
    "Of each meter, filter, month of use and price a seller's bills have what the events of the months that are billed "
    "come to: their sum, their number or the largest; and nothing else.",
    """
    select 'use ' || x.seller_id || ' ' || x.meter || ' ' || x.filter || ' ' || x.currency || ' ' || x.use_month
               || ' ' || x.price as item,
           coalesce(u.quantity, 0) as expected, coalesce(l.quantity, 0) as found, '(units billed)' as detail
      from (select e.seller_id, e.currency, e.meter, e.filter, e.use_month, e.price,
                   (case e.combine when 'sum' then sum(e.quantity) when 'count' then count(*)
                                   else max(e.quantity) end)::bigint as quantity
              from (select y.seller_id, y.currency, y.meter, y.filter, y.quantity, m.combine,
                           date_trunc('month', y.at at time zone 'UTC')::date as use_month,
                           case when m.combine = 'max' then '' else r.filter || ' ' || r.valid_from end as price
                      from metering.event y
                      join metering.meter m on m.code = y.meter
                      left join metering.account a on a.cell = y.cell and a.seller_id = y.seller_id
                      left join lateral (
                            select z.filter, z.valid_from from metering.rate z
                             where z.meter = y.meter and z.currency = y.currency and z.filter in ('', y.filter)
                               and z.valid_from <= (y.at at time zone 'UTC')::date
                             order by z.filter desc, z.valid_from desc limit 1) r on true
                     where y.cell = :cell and y.month < coalesce(a.open_month, 'infinity')) e
             group by 1, 2, 3, 4, 5, 6, e.combine) u
      full join (select b.seller_id, b.currency, y.meter, y.filter, y.use_month,
                        case when m.combine = 'max' then '' else y.rate_filter || ' ' || y.valid_from end as price,
                        sum(y.quantity)::bigint as quantity
                   from metering.bill b
                   join metering.line y on y.cell = b.cell and y.bill_id = b.id
                   join metering.meter m on m.code = y.meter
                  where b.cell = :cell
                  group by 1, 2, 3, 4, 5, 6) l
        on l.seller_id = u.seller_id and l.currency = u.currency and l.meter = u.meter and l.filter = u.filter
           and l.use_month = u.use_month and l.price = u.price
     cross join lateral (
            select coalesce(u.seller_id, l.seller_id) as seller_id, coalesce(u.currency, l.currency) as currency,
                   coalesce(u.meter, l.meter) as meter, coalesce(u.filter, l.filter) as filter,
                   coalesce(u.use_month, l.use_month) as use_month, coalesce(u.price, l.price, '') as price) x
    """,
    of=("metering.event", "metering.line"),
)

# Where the price changed within the month, the tiers of the one go on where those of the other ended.
USAGE_PRICE = check(
    "usage_price",
    "A line of a bill costs its units times the price of its tier, rounded half up; of a month with one price each "
    "tier has what lies in it.",
    """
    select 'metering.line ' || l.bill_id || ' ' || l.no as item,
           row(r.rates_micro[t.tier], div(l.quantity::numeric * l.rate_micro + 500000, 1000000),
               case when l.one_price then least(l.of_month, coalesce(r.over[t.tier + 1], l.of_month)) - l.over
                    else l.of_tier end) as expected,
           row(l.rate_micro, l.net_minor::numeric, l.of_tier) as found,
           '(price of a unit, net, units of the tier)' as detail
      from (select y.*, b.currency, sum(y.quantity) over of_month as of_month,
                   min(y.rate_filter || y.valid_from) over of_month
                       = max(y.rate_filter || y.valid_from) over of_month as one_price,
                   sum(y.quantity) over (partition by b.seller_id, b.currency, y.meter, y.filter, y.use_month,
                                                      y.rate_filter, y.valid_from, y.over) as of_tier
              from metering.line y
              join metering.bill b on b.cell = y.cell and b.id = y.bill_id
             where y.cell = :cell
            window of_month as (partition by b.seller_id, b.currency, y.meter, y.filter, y.use_month)) l
      left join metering.rate r on r.meter = l.meter and r.currency = l.currency and r.filter = l.rate_filter
                               and r.valid_from = l.valid_from
     cross join lateral (select array_position(r.over, l.over) as tier) t
    """,
    of=("metering.line",),
)

USAGE_BILL = check(
    "usage_bill",
    "A bill is the sum of its lines with its tax, rounded half up, and has the transfers of both from its seller; and "
    "no such transfer is alone.",
    """
    select 'metering.bill ' || coalesce(b.id, t.cause_id) as item,
           row(nullif(l.net, 0), nullif(div(l.net * coalesce(b.tax_bp, 0) + 5000, 10000), 0),
               nullif(b.net_minor, 0)::numeric, nullif(b.tax_minor, 0)::numeric, b.currency, b.seller_id) as expected,
           row(nullif(b.net_minor, 0)::numeric, nullif(b.tax_minor, 0)::numeric, t.net::numeric, t.tax::numeric,
               coalesce(t.currency, case when b.net_minor = 0 then b.currency end),
               coalesce(t.owner, case when b.net_minor = 0 then b.seller_id end)) as found,
           '(lines, their tax, paid, tax paid, currency, seller)' as detail
      from (select * from metering.bill where cell = :cell {cause:id}) b
      full join (select t.cause_id, min(a.currency) as currency, min(a.owner::text)::uuid as owner,
                        max(t.amount) filter (where t.code = 'usage_fee') as net,
                        max(t.amount) filter (where t.code = 'usage_fee_tax') as tax
                   from ledger.transfer t
                   join ledger.account a on a.cell = t.cell and a.id = t.debit
                  where t.cell = :cell {cause:t.cause_id} and t.code in ('usage_fee', 'usage_fee_tax')
                  group by t.cause_id) t on t.cause_id = b.id
      left join lateral (select sum(y.net_minor) as net from metering.line y
                          where y.cell = :cell and y.bill_id = b.id) l on true
    """,
    by="cause",
    of=("metering.bill",),
    codes=("usage_fee", "usage_fee_tax"),
)

# A month is billed a day after its end, and a worker may be late for a time.
USAGE_MONTHS = check(
    "usage_months",
    "No month of a seller is overdue, none is billed that is still open, and no event is on the bill of a month before "
    "its own.",
    """
    select 'metering.account ' || a.seller_id as item, row(true, 0::bigint, 0::bigint) as expected,
           row(a.open_month >= date_trunc('month', :overdue::timestamptz at time zone 'UTC' - interval '1 day')::date,
               (select count(*) from metering.bill y
                 where y.cell = :cell and y.seller_id = a.seller_id and y.month >= a.open_month),
               (select count(*) from metering.event y
                 where y.cell = :cell and y.seller_id = a.seller_id
                   and y.month < date_trunc('month', y.at at time zone 'UTC')::date)) as found,
           '(nothing overdue, bills of open months, events too early)' as detail
      from metering.account a
     where a.cell = :cell
    """,
    of=("metering.account",),
)

CHECKS = (USAGE_BILLED, USAGE_PRICE, USAGE_BILL, USAGE_MONTHS)
