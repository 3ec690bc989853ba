"""Invoices' SQL. There is none that changes or deletes a document."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.invoices.types import Party
from entrepot.kit.sql import sql


class HeadRow(msgspec.Struct, frozen=True):
    """A document's row, with both parties as JSON."""

    id: UUID
    kind: str
    entity: str
    year: int
    serial: int
    seller_id: UUID
    currency: str
    month: date
    net_minor: int
    tax_minor: int
    issuer: dict[str, str]
    recipient: dict[str, str]
    corrects_id: UUID | None
    reason: str
    user_id: UUID | None
    issued_at: datetime

    def party(self, which: str) -> Party:
        return msgspec.convert(getattr(self, which), Party)


class LineRow(msgspec.Struct, frozen=True):
    no: int
    kind: str
    tax_kind: str
    tax_bp: int
    net_minor: int
    of_month: date
    name: str
    unit: str
    quantity: int | None
    unit_price: str


class TaxRow(msgspec.Struct, frozen=True):
    tax_kind: str
    tax_bp: int
    net_minor: int
    tax_minor: int


class Credited(msgspec.Struct, frozen=True):
    """What notes by hand gave back of an invoice's tax of one kind and rate, and of its net."""

    net_minor: int
    tax_minor: int


class Payer(msgspec.Struct, frozen=True):
    """A seller's account to which fees were charged, or given back."""

    account: int
    seller_id: UUID


class Moved(msgspec.Struct, frozen=True):
    """What moved on a seller's account in a month, of one kind (or `tax`), tax and month in which it was charged; of
    use each line of its bill, with millionths of a minor unit as its price."""

    account: int
    back: bool
    kind: str
    tax_kind: str
    tax_bp: int
    of_month: date
    amount_minor: int
    name: str
    unit: str
    quantity: int | None
    rate_micro: int


class Opened(msgspec.Struct, frozen=True):
    """The month of a currency that is to be issued next."""

    currency: str
    month: date


NEXT = sql(
    """
    select e.currency,
           coalesce((select max(i.month) + interval '1 month' from invoices.issued i
                      where i.cell = :cell and i.currency = e.currency),
                    date_trunc('month', min(e.valid_from) at time zone 'UTC'))::date
      from fees.entity e
     group by e.currency
     order by e.currency
    """,
    Opened,
)
ISSUED = sql(
    """
    insert into invoices.issued (cell, currency, month, at) values (:cell, :currency, :month, :now)
    on conflict do nothing
    returning month
    """,
    date,
)
# The rows are made before they are locked, so that the first number is given as the thousandth.
OPEN_SERIES = sql("""
    insert into invoices.series (entity, kind, year, last)
    select :entity, k, :year, 0 from unnest(array['credit_note', 'invoice']) k order by k
    on conflict do nothing
""")
LOCK_SERIES = sql(
    """
    select last from invoices.series where entity = :entity and year = :year order by kind for no key update
    """,
    int,
)
SET_LAST = sql("""
    update invoices.series set last = :last where entity = :entity and kind = :kind and year = :year
""")
_TOLD = """('commission', 'payment_fee', 'fee_tax', 'part_commission', 'part_payment_fee', 'part_fee_tax',
            'opening_fee', 'opening_fee_tax', 'monthly_fee', 'monthly_fee_tax', 'usage_fee', 'usage_fee_tax')"""
_BACK = "('commission_back', 'payment_fee_back', 'fee_tax_back')"
PAYERS = sql(
    f"""
    select a.id, a.owner
      from ledger.account a
     where a.cell = :cell and a.code = 'seller' and a.currency = :currency
       and (exists (select from ledger.transfer t
                     where t.cell = :cell and t.debit = a.id and t.at >= :start and t.at < :stop
                       and t.code not in ('pay', 'fund') and t.code in {_TOLD})
            or exists (select from ledger.transfer t
                        where t.cell = :cell and t.credit = a.id and t.at >= :start and t.at < :stop
                          and t.code not in ('pay', 'fund') and t.code in {_BACK}))
       and not exists (select from invoices.invoice i
                        where i.cell = :cell and i.seller_id = a.owner and i.currency = :currency
                          and i.month = :month and i.corrects_id is null)
     order by a.id
     limit :limit
    """,  # noqa: S608 - made of the constants above
    Payer,
)
# A part of an order, or the order, a charge of a shop or a bill of use says which tax it was. What is given back was
# charged when its order was released, or the part that it is of.
MOVED = sql(
    f"""
    select a.id, t.back, k.kind, coalesce(o.fee_tax_kind, c.tax_kind, b.tax_kind, ''),
           coalesce(o.fee_tax_bp, c.tax_bp, b.tax_bp, 0),
           case when t.back then date_trunc('month', coalesce(f.ended_at, o.ended_at) at time zone 'UTC')::date
                else coalesce(u.use_month, :month::date) end,
           sum(coalesce(u.net_minor, t.amount))::bigint, coalesce(concat_ws(' · ', e.name, nullif(u.filter, '')), ''),
           coalesce(e.unit, ''), u.quantity, coalesce(u.rate_micro, 0)
      from unnest(:accounts::bigint[]) as a (id)
     cross join lateral (
           select code, cause_id, amount, false as back from ledger.transfer
            where cell = :cell and debit = a.id and at >= :start and at < :stop
              and code not in ('pay', 'fund') and code in {_TOLD}
           union all
           select code, cause_id, amount, true from ledger.transfer
            where cell = :cell and credit = a.id and at >= :start and at < :stop
              and code not in ('pay', 'fund') and code in {_BACK}) t
     cross join lateral (select case when t.code like '%tax%' then 'tax'
                                     when t.code like '%commission%' then 'commission'
                                     when t.code like '%payment_fee%' then 'payment_fee'
                                     else t.code end as kind) k
      left join orders.part p on p.cell = :cell and p.id = t.cause_id
      left join orders.part f on f.cell = :cell and f.id = p.of_part
      left join orders.order o on o.cell = :cell and o.id = coalesce(p.order_id, t.cause_id)
      left join fees.charge c on c.cell = :cell and c.id = t.cause_id
      left join metering.bill b on b.cell = :cell and b.id = t.cause_id
      left join metering.line u on u.cell = :cell and u.bill_id = b.id and t.code = 'usage_fee'
      left join metering.meter e on e.code = u.meter
     group by 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, u.bill_id, u.no
     order by 1, 2, 6, 3, 4, 5, u.bill_id, u.no
    """,  # noqa: S608 - made of the constants above
    Moved,
)
ADD = sql("""
    insert into invoices.invoice (cell, id, kind, entity, year, serial, seller_id, currency, month, net_minor,
                                  tax_minor, issuer, recipient, corrects_id, reason, user_id, issued_at)
    values (:cell, :id, :kind, :entity, :year, :serial, :seller_id, :currency, :month, :net_minor, :tax_minor,
            :issuer, :recipient, :corrects_id, :reason, :user_id, :issued_at)
""")
ADD_LINES = sql("""
    insert into invoices.line (cell, invoice_id, no, kind, tax_kind, tax_bp, net_minor, of_month, of_line, name, unit,
                               quantity, unit_price)
    select :cell, :id, l.*
      from unnest(:nos::smallint[], :kinds::text[], :tax_kinds::text[], :bps::int[], :nets::bigint[],
                  :months::date[], :of_lines::smallint[], :names::text[], :units::text[], :quantities::bigint[],
                  :unit_prices::text[]) as l
""")
ADD_TAXES = sql("""
    insert into invoices.tax (cell, invoice_id, tax_kind, tax_bp, net_minor, tax_minor)
    select :cell, :id, t.* from unnest(:kinds::text[], :bps::int[], :nets::bigint[], :taxes::bigint[]) as t
""")

_HEAD = """
    select id, kind, entity, year, serial, seller_id, currency, month, net_minor, tax_minor, issuer, recipient,
           corrects_id, reason, user_id, issued_at
      from invoices.invoice
"""
OF_SELLER = sql(
    _HEAD + " where cell = :cell and seller_id = :seller_id and id < :before order by id desc limit :limit", HeadRow
)
ALL = sql(
    _HEAD + " where cell = any (:cells::smallint[]) and id < :before order by id desc limit :limit", HeadRow
)  # fmt: skip
HEAD = sql(_HEAD + " where cell = :cell and id = :id", HeadRow)
CELL_OF = sql(
    "select cell from invoices.invoice where cell = any (array(select c.cell from kit.cell c)) and id = :id", int
)
LINES = sql(
    """
    select no, kind, tax_kind, tax_bp, net_minor, of_month, name, unit, quantity, unit_price from invoices.line
     where cell = :cell and invoice_id = :id order by no
    """,
    LineRow,
)
TAXES = sql(
    """
    select tax_kind, tax_bp, net_minor, tax_minor from invoices.tax
     where cell = :cell and invoice_id = :id order by tax_kind, tax_bp
    """,
    TaxRow,
)
# Only notes by hand take from a line; whoever asks holds the lock of the series, in which each of them is numbered.
CREDITED = sql(
    """
    select coalesce(sum(l.net_minor), 0)::bigint
      from invoices.invoice i
      join invoices.line l on l.cell = i.cell and l.invoice_id = i.id
     where i.cell = :cell and i.corrects_id = :id and l.of_line = :no
    """,
    int,
)
TAX_CREDITED = sql(
    """
    select coalesce(sum(t.net_minor), 0)::bigint, coalesce(sum(t.tax_minor), 0)::bigint
      from invoices.invoice i
      join invoices.tax t on t.cell = i.cell and t.invoice_id = i.id
     where i.cell = :cell and i.corrects_id = :id and t.tax_kind = :tax_kind and t.tax_bp = :tax_bp
    """,
    Credited,
)
