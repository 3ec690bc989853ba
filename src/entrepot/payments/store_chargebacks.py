"""The SQL of what buyers dispute at their bank."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class ChargebackDue(msgspec.Struct, frozen=True):
    """A dispute that the sweeper looks at, or sends evidence for; `payment_external_id` is the gateway's name of its
    payment, of which `captured_minor` were captured."""

    id: UUID
    external_id: str
    payment_external_id: str
    currency: str
    captured_minor: int
    evidence: str | None
    attempts: int


class Chargeback(msgspec.Struct, frozen=True):
    """A dispute of a payment as the gateway has told of it. See payments.chargeback."""

    cell: int
    id: UUID
    payment_id: UUID
    group_id: UUID
    currency: str
    method: str
    external_id: str
    status: str
    reason: str
    amount_minor: int
    withdrawn_minor: int
    returned_minor: int
    fee_minor: int
    evidence_by: datetime | None
    evidence: str | None
    sent_at: datetime | None
    refusal: str | None
    heard_at: datetime


class TakenRow(msgspec.Struct, frozen=True):
    """What banks have of an order, and what is left of what was paid for it."""

    order_id: UUID
    taken_minor: int
    left_minor: int


class OverRow(msgspec.Struct, frozen=True):
    """What a bank took of a payment beyond what was left of it; `covers_minor` is null while it has not decided."""

    covers_minor: int | None
    over_minor: int


class PlaceRow(msgspec.Struct, frozen=True):
    cell: int
    id: UUID


class Room(msgspec.Struct, frozen=True):
    """What of a payment nobody has taken or given back yet; `group_id` is null for one that has no orders of its own,
    as one that pays installments."""

    group_id: UUID | None
    left_minor: int


_CELLS = "cell = any (array(select c.cell from kit.cell c))"
PAYMENT_OF = sql(
    f"select cell, id from payments.payment where {_CELLS} and method = :method and external_id = :external_id",  # noqa: S608 - a constant
    PlaceRow,
)
# Heard of again, it is looked at again.
HEAR = sql("""
    insert into payments.chargeback as k (cell, id, payment_id, method, external_id, status, due_at, heard_at)
    values (:cell, :id, :payment_id, :method, :external_id, 'heard', :now, :now)
    on conflict (cell, method, external_id) do update set due_at = excluded.due_at, attempts = 0
""")
# Listed again, it is nothing new.
HEAR_OF_LISTED = sql("""
    insert into payments.chargeback (cell, id, payment_id, method, external_id, status, due_at, heard_at)
    values (:cell, :id, :payment_id, :method, :external_id, 'heard', :now, :now)
    on conflict do nothing
""")
CLAIM = sql(
    """
    with due as (
        select k.id, :now::timestamptz + make_interval(secs => least(:first_s::int << least(k.attempts, 20),
                                                                     :retried_s::int)) as next_due_at
          from payments.chargeback k
         where k.cell = :cell and k.due_at <= :now and k.method = :method
         order by k.due_at, k.id limit :limit for update skip locked
    )
    update payments.chargeback k set attempts = k.attempts + 1, due_at = d.next_due_at
      from due d, payments.payment p
     where k.cell = :cell and k.id = d.id and p.cell = :cell and p.id = k.payment_id
    returning k.id, k.external_id, p.external_id, p.currency, p.amount_minor,
              case when k.sent_at is null and k.refusal is null and k.status in ('heard', 'inquiry', 'open')
                   then k.evidence end, k.attempts
    """,
    ChargebackDue,
)
# What was taken and given back only grows: an older answer that comes later changes nothing of it. What was taken once
# is not taken again.
TOLD = sql(
    """
    update payments.chargeback
       set status = case when status in ('won', 'lost') then status else :status end, reason = :reason,
           amount_minor = :amount_minor,
           withdrawn_minor = case withdrawn_minor when 0 then :withdrawn_minor else withdrawn_minor end,
           returned_minor = greatest(returned_minor, :returned_minor), fee_minor = :fee_minor,
           fee_taken_minor = case withdrawn_minor when 0 then :fee_minor else fee_taken_minor end,
           taken_at = coalesce(taken_at, case when :withdrawn_minor > 0 then :now::timestamptz end),
           returned_at = case when :returned_minor > returned_minor then :now else returned_at end,
           decided_at = coalesce(decided_at, case when :status in ('won', 'lost') then :now::timestamptz end),
           evidence_by = :evidence_by, attempts = 0, due_at = :due_at,
           sent_at = coalesce(sent_at, case when :is_sent::boolean then :now::timestamptz end)
     where cell = :cell and id = :id
       and (withdrawn_minor = 0 or withdrawn_minor = :withdrawn_minor) and returned_minor <= :returned_minor
    returning id
    """,
    UUID,
)
REFUSED = sql("""
    update payments.chargeback set refusal = :refusal, due_at = :now, attempts = 0 where cell = :cell and id = :id
""")
ANSWER = sql(
    """
    update payments.chargeback set evidence = :evidence, refusal = null, due_at = :now, attempts = 0
     where cell = :cell and id = :id and evidence is null and status in ('inquiry', 'open') and evidence_by > :now
    returning id
    """,
    UUID,
)
_CHARGEBACK = """
    select k.cell, k.id, k.payment_id, p.group_id, p.currency, k.method, k.external_id, k.status, k.reason,
           k.amount_minor, k.withdrawn_minor, k.returned_minor, k.fee_minor, k.evidence_by, k.evidence, k.sent_at,
           k.refusal, k.heard_at
      from payments.chargeback k
      join payments.payment p on p.cell = k.cell and p.id = k.payment_id
"""
BY_IDS = sql(_CHARGEBACK + " where k.cell = :cell and k.id = any (:ids::uuid[]) order by k.id", Chargeback)
ALL = sql(
    _CHARGEBACK + " where k.cell = any (array(select c.cell from kit.cell c)) and k.id < :before"  # noqa: S608
    " order by k.id desc limit :limit",
    Chargeback,
)
CELL_OF = sql(f"select cell from payments.chargeback where {_CELLS} and id = :id", int)  # noqa: S608 - a constant
LOCK_ROOM = sql(
    """
    select case when id = group_id then group_id end,
           case status when 'captured' then amount_minor - refunded_minor - charged_back_minor else 0 end
      from payments.payment where cell = :cell and id = :id for no key update
    """,
    Room,
)
TAKE = sql("""
    update payments.payment
       set charged_back_minor = charged_back_minor + :taken_minor, taken_over_minor = taken_over_minor + :over_minor
     where cell = :cell and id = :id
""")
RETURN = sql("""
    update payments.payment
       set charged_back_minor = charged_back_minor - :taken_minor,
           taken_over_minor = greatest(0, taken_over_minor - :over_minor)
     where cell = :cell and id = :id
""")
ADD_TAKEN = sql("""
    insert into payments.taken (cell, chargeback_id, order_id, payment_id, paid_minor, taken_minor)
    select :cell, :id, t.order_id, :payment_id, t.paid, t.taken
      from unnest(:orders::uuid[], :paid::bigint[], :taken::bigint[]) as t (order_id, paid, taken)
""")
SET_TAKEN = sql("""
    update payments.taken t set taken_minor = n.taken
      from unnest(:orders::uuid[], :taken::bigint[]) as n (order_id, taken)
     where t.cell = :cell and t.chargeback_id = :id and t.order_id = n.order_id
""")
TAKEN_OF = sql(
    """
    select t.order_id, t.taken, t.paid - t.taken - coalesce(r.amount, 0)
      from (select order_id, max(paid_minor) as paid, sum(taken_minor)::bigint as taken
              from payments.taken where cell = :cell and payment_id = any (:payments::uuid[]) group by order_id) t
      left join (select order_id, sum(amount_minor)::bigint as amount
                   from payments.refund where cell = :cell and payment_id = any (:payments::uuid[])
                  group by order_id) r on r.order_id = t.order_id
    """,
    TakenRow,
)
LEFT_OF = sql(
    """
    select case when id = group_id then group_id end, amount_minor - refunded_minor - charged_back_minor
      from payments.payment where cell = :cell and id = :id
    """,
    Room,
)
_UNDECIDED = """
    exists (select from payments.chargeback k
             where k.cell = :cell and k.payment_id = p.id and k.withdrawn_minor > 0 and k.status <> 'lost'
               and not (k.status = 'won' and k.returned_minor > 0))
"""
OVER = sql(
    f"""
    select case when {_UNDECIDED} then null else p.taken_over_minor end, p.taken_over_minor
      from payments.payment p where p.cell = :cell and p.id = :id for no key update
    """,  # noqa: S608 - a constant
    OverRow,
)
COVERED = sql("""
    update payments.refund
       set covered_minor = :covered_minor,
           status = case when amount_minor = :covered_minor then 'charged_back' else 'credited' end
     where cell = :cell and id = :id
""")
COVER = sql(
    f"""
    with locked as (
        select id from payments.payment
         where cell = :cell and id = :payment_id and taken_over_minor >= :amount_minor for no key update
    ), covered as (
        update payments.payment p
           set refunded_minor = p.refunded_minor + :amount_minor, taken_over_minor = p.taken_over_minor - :amount_minor
          from locked l
         where p.cell = :cell and p.id = l.id and not {_UNDECIDED}
        returning p.id
    )
    insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, covered_minor, status, reason,
                                 created_at)
    select :cell, :id, c.id, :order_id, :cause_id, :amount_minor, :amount_minor, 'charged_back', :reason, :now
      from covered c
    returning payment_id
    """,  # noqa: S608 - a constant
    UUID,
)
LIST_NOW = sql(
    """
    insert into payments.listing as l (method, at, last_at) values (:method, :now, :now)
    on conflict (method) do update set at = excluded.at, last_at = l.at where l.at <= :before
    returning last_at
    """,
    datetime,
)
