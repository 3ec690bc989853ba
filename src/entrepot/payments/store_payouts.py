"""The SQL of payouts: who is owed, when and where to, the files for the bank."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.payments.types import Fact, PayoutTerms, Schedule


class PayoutRow(msgspec.Struct, frozen=True):
    id: UUID
    currency: str
    amount_minor: int
    status: str
    created_at: datetime


class SentRow(msgspec.Struct, frozen=True):
    cell: int
    id: UUID
    seller_id: UUID
    currency: str
    amount_minor: int
    status: str
    created_at: datetime
    due_at: datetime | None
    destination: str | None


class Owed(msgspec.Struct, frozen=True):
    seller_id: UUID
    account_id: int
    currency: str
    amount_minor: int


class Available(msgspec.Struct, frozen=True):
    account_id: int
    amount_minor: int


class OwedTo(Owed, frozen=True):
    """What is available in a seller's account of the ledger, when it is due and from how much on, and where to."""

    every: str
    on_day: int
    minimum_minor: int
    bank_account: UUID | None
    destination: str | None


class TransferDue(msgspec.Struct, frozen=True):
    """A payout that is to go to a seller's account at Stripe."""

    id: UUID
    currency: str
    amount_minor: int
    destination: str
    attempts: int


class AccountRow(msgspec.Struct, frozen=True):
    id: UUID
    currency: str
    ending: str
    at: datetime


class SealedRow(msgspec.Struct, frozen=True):
    id: UUID
    sealed: bytes


class FileRow(msgspec.Struct, frozen=True):
    """`account_id` is the house's account, in cell 0."""

    cell: int
    id: UUID
    day: date
    currency: str
    account_id: UUID
    payouts: int
    total_minor: int
    at: datetime


class InFile(msgspec.Struct, frozen=True):
    id: UUID
    amount_minor: int
    account_id: UUID


_CELLS = "cell = any (array(select c.cell from kit.cell c))"
OPEN_RUN = sql(
    """
    insert into payments.payout_run (cell, day, at) values (:cell, :day, :now) on conflict do nothing
    returning day
    """,
    date,
)
LAST_RUNS = sql(
    "select day from payments.payout_run where cell = :cell and day < :day order by day desc limit :limit", date
)
OWED = sql(
    """
    select owner, account_id, currency, balance from ledger.positive(:cell, 'seller')
    """,
    Owed,
)
LOCK_OWED = sql("select account_id, balance from ledger.lock_many(:cell, :accounts)", Available)
# Of each seller and currency the terms that hold, its own before everybody's, and the last bank account. Without terms
# everything is paid out every other Monday.
OF_OWED = sql(
    """
    select o.seller_id, o.account_id, o.currency, o.amount_minor, coalesce(t.every, 'two_weeks'),
           coalesce(t.on_day, 1::smallint), coalesce(t.minimum_minor, 1), b.id, c.account
      from unnest(:sellers::uuid[], :accounts::bigint[], :currencies::text[], :amounts::bigint[])
           with ordinality as o (seller_id, account_id, currency, amount_minor, ord)
      left join lateral (select y.every, y.on_day, y.minimum_minor
                           from payments.payout_terms y
                          where y.currency = o.currency and y.valid_from <= :now
                            and y.seller_id in (o.seller_id, '00000000-0000-0000-0000-000000000000')
                          order by y.seller_id desc, y.valid_from desc limit 1) t on true
      left join lateral (select y.id from payments.bank_account y
                          where y.cell = :cell and y.owner = o.seller_id and y.currency = o.currency
                          order by y.id desc limit 1) b on true
      left join lateral (select y.account from payments.connected_account y
                          where y.cell = :cell and y.seller_id = o.seller_id order by y.id desc limit 1) c on true
     order by o.ord
    """,
    OwedTo,
)
SCHEDULES = sql("select distinct every, on_day from payments.payout_terms", Schedule)
LAST_TERMS_FROM = sql(
    """
    select valid_from from payments.payout_terms
     where currency = :currency and seller_id = :seller_id order by valid_from desc limit 1
    """,
    datetime,
)
ADD_TERMS = sql(
    """
    insert into payments.payout_terms (currency, seller_id, valid_from, every, on_day, minimum_minor, source)
    values (:currency, :seller_id, :valid_from, :every, :on_day, :minimum_minor, :source)
    on conflict do nothing
    returning valid_from
    """,
    datetime,
)
TERMS = sql(
    """
    select currency, seller_id, valid_from, every, on_day, minimum_minor, source from payments.payout_terms
     where currency = :currency and seller_id = :seller_id
     order by valid_from desc limit :limit
    """,
    PayoutTerms,
)
ADD_ACCOUNT = sql("""
    insert into payments.bank_account (cell, id, owner, currency, sealed, ending, at, added_by)
    values (:cell, :id, :owner, :currency, :sealed, :ending, :now, :added_by)
""")
ACCOUNTS = sql(
    """
    select distinct on (currency) id, currency, ending, at from payments.bank_account
     where cell = :cell and owner = :owner
     order by currency, id desc
    """,
    AccountRow,
)
SEALED = sql("select id, sealed from payments.bank_account where cell = :cell and id = any (:ids::uuid[])", SealedRow)
ADD_FILE = sql("""
    insert into payments.bank_file (cell, id, day, currency, account_id, payouts, total_minor, at)
    values (:cell, :id, :day, :currency, :account_id, :payouts, :total_minor, :now)
""")
_FILE = "select cell, id, day, currency, account_id, payouts, total_minor, at from payments.bank_file "
FILES = sql(f"{_FILE} where {_CELLS} and id < :before order by id desc limit :limit", FileRow)
FILE = sql(f"{_FILE} where {_CELLS} and id = :id", FileRow)
# The house's own, also those of before: a statement may be of an old one.
HOUSE = sql(
    """
    select id, currency, ending, at from payments.bank_account
     where cell = :cell and owner = :owner and currency = :currency
     order by id desc
    """,
    AccountRow,
)
# Ids begin with their time: of what was captured on a day the ids are of that day or of some days before.
FACTS = sql(
    f"""
    select 'payment', id, currency, amount_minor, (captured_at at time zone 'UTC')::date, true, '', null::bigint
      from payments.payment
     where {_CELLS} and (id >= :since and id < :until or id = any (:ids::uuid[]))
       and method = :provider and status in ('captured', 'returning', 'returned') and amount_minor > 0
    union all
    select 'refund', r.id, p.currency, r.amount_minor, (r.created_at at time zone 'UTC')::date, r.status = 'done',
           '', null
      from payments.refund r
      join payments.payment p on p.cell = r.cell and p.id = r.payment_id
     where r.{_CELLS} and (r.id >= :since and r.id < :until or r.id = any (:ids::uuid[]))
       and p.method = :provider and r.status in ('created', 'done')
    union all
    select m.kind, k.id, p.currency, m.amount, (m.at at time zone 'UTC')::date, true, k.external_id, m.fee
      from payments.chargeback k
      join payments.payment p on p.cell = k.cell and p.id = k.payment_id
     cross join lateral (values ('dispute', k.withdrawn_minor, k.fee_taken_minor, k.taken_at),
                                ('dispute_back', k.returned_minor, k.fee_minor - k.fee_taken_minor,
                                 coalesce(k.returned_at, k.decided_at)))
           as m (kind, amount, fee, at)
     where k.{_CELLS} and (k.id >= :since and k.id < :until or k.external_id = any (:names::text[]))
       and k.method = :provider and k.withdrawn_minor > 0 and (m.amount > 0 or m.fee < 0) and m.at is not null
    union all
    select 'payout', id, currency, amount_minor, (created_at at time zone 'UTC')::date, status <> 'returned', '', null
      from payments.payout
     where {_CELLS} and (id >= :since and id < :until or id = any (:ids::uuid[])) and file_id is not null
    """,  # noqa: S608 - a constant
    Fact,
)
IN_FILE = sql(
    """
    select id, amount_minor, account_id from payments.payout where cell = :cell and file_id = :file_id order by id
    """,
    InFile,
)
PAYOUTS = sql("""
    insert into payments.payout (cell, id, seller_id, currency, amount_minor, status, due_at, created_at, file_id,
                                 account_id, destination)
    select :cell, p.id, p.seller_id, p.currency, p.amount, 'sent',
           case when p.destination is not null then :now when p.file_id is null then :due_at::timestamptz end, :now,
           p.file_id, p.account_id, p.destination
      from unnest(:ids::uuid[], :sellers::uuid[], :currencies::text[], :amounts::bigint[], :files::uuid[],
                  :accounts::uuid[], :destinations::text[])
           as p (id, seller_id, currency, amount, file_id, account_id, destination)
""")
PAYOUTS_OF = sql(
    """
    select id, currency, amount_minor, status, created_at from payments.payout
     where cell = :cell and seller_id = :seller_id and id < :before order by id desc limit :limit
    """,
    PayoutRow,
)
PAYOUT_CELL = sql(f"select cell from payments.payout where {_CELLS} and id = :id", int)  # noqa: S608 - a constant
LOCK_PAYOUT = sql(
    """
    select cell, id, seller_id, currency, amount_minor, status, created_at, due_at, destination
      from payments.payout
     where cell = :cell and id = :id for no key update
    """,
    SentRow,
)
SENT = sql(
    f"""
    select cell, id, seller_id, currency, amount_minor, status, created_at, due_at, destination
      from payments.payout
     where {_CELLS} and status = 'sent' and id > :after order by id limit :limit
    """,  # noqa: S608 - a constant
    SentRow,
)
LOCK_DELIVERED = sql(
    """
    select cell, id, seller_id, currency, amount_minor, status, created_at, due_at, destination
      from payments.payout
     where cell = :cell and due_at <= :now and destination is null
     order by id limit :limit for no key update skip locked
    """,
    SentRow,
)
LOCK_TOLD = sql(
    """
    select cell, id, seller_id, currency, amount_minor, status, created_at, due_at, destination
      from payments.payout
     where cell = :cell and id = any (:ids::uuid[]) and file_id is not null order by id for no key update
    """,
    SentRow,
)
END_PAYOUTS = sql("""
    update payments.payout set status = :status, due_at = null where cell = :cell and id = any (:ids::uuid[])
""")
PUT_OFF = sql("""
    update payments.payout set due_at = :due_at where cell = :cell and id = any (:ids::uuid[])
""")
ADD_CONNECTED = sql("""
    insert into payments.connected_account (cell, id, seller_id, account, at, added_by)
    values (:cell, :id, :seller_id, :account, :now, :added_by)
""")
CONNECTED = sql(
    """
    select coalesce(account, '') from payments.connected_account
     where cell = :cell and seller_id = :seller_id order by id desc limit 1
    """,
    str,
)
CLAIM_TRANSFERS = sql(
    """
    with due as (
        select id, :now::timestamptz + make_interval(secs => least(:first_s::int << least(attempts, 20),
                                                                   :retried_s::int)) as next_due_at
          from payments.payout
         where cell = :cell and due_at <= :now and destination is not null
         order by due_at, id limit :limit for update skip locked
    )
    update payments.payout p set attempts = p.attempts + 1, due_at = d.next_due_at
      from due d where p.cell = :cell and p.id = d.id
    returning p.id, p.currency, p.amount_minor, p.destination, p.attempts
    """,
    TransferDue,
)
TRANSFERRED = sql("""
    update payments.payout set status = 'settled', due_at = null, external_id = :external_id
     where cell = :cell and id = :id
""")
