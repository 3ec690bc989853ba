"""Payments' SQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.payments.types import Due, RefundDue


class PaymentRow(msgspec.Struct, frozen=True):
    id: UUID
    method: str
    currency: str
    amount_minor: int
    refunded_minor: int
    status: str
    redirect_url: str | None
    taken_over_minor: int


class RefundedRow(msgspec.Struct, frozen=True):
    payment_id: UUID
    order_id: UUID


class RefundedOrder(msgspec.Struct, frozen=True):
    order_id: UUID
    amount_minor: int


class GivenRow(msgspec.Struct, frozen=True):
    """A payment of which more is given back; a bank has `charged_back_minor` of it."""

    id: UUID
    charged_back_minor: int


class RefundRow(msgspec.Struct, frozen=True):
    cell: int
    status: str
    payment_id: UUID
    order_id: UUID
    buyer_id: UUID
    currency: str
    amount_minor: int
    refusal: str | None


class StuckRow(msgspec.Struct, frozen=True):
    """A refund, payment or transfer that needs a person; `order_id` is null for one that is of no order."""

    kind: str
    id: UUID
    group_id: UUID | None
    order_id: UUID | None
    currency: str
    amount_minor: int
    refusal: str | None
    external_id: str | None
    attempts: int
    since: datetime
    due_at: datetime | None


_CELLS = "cell = any (array(select c.cell from kit.cell c))"
OF_GROUP = sql(
    """
    select id, method, currency, amount_minor, refunded_minor, status, redirect_url, taken_over_minor
      from payments.payment where cell = :cell and id = :group_id
    """,
    PaymentRow,
)
ASK = sql("""
    insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status, due_at,
                                  created_at, captured_at)
    select :cell, :id, :group_id, :buyer_id, :method, :currency, :amount_minor,
           case w.method when 'wallet' then 'captured' else 'created' end,
           case when w.method <> 'wallet' then w.now end, w.now, case w.method when 'wallet' then w.now end
      from (select :method::text, :now::timestamptz) as w (method, now)
""")
BY_IDS = sql(
    """
    select id, method, currency, amount_minor, refunded_minor, status, redirect_url, taken_over_minor
      from payments.payment where cell = :cell and id = any (:ids::uuid[]) order by id desc
    """,
    PaymentRow,
)
# `for update skip locked` and the lease: two sweepers rarely ask about one payment at once; the key makes it harmless.
# The pauses double: 30 s << 20 is past every limit. No stock waits for a payment that is not its group's first.
CLAIM_DUE = sql(
    """
    with due as (
        select id, :now::timestamptz + make_interval(secs => least(
                   :first_s::int << least(attempts, 20),
                   case when status = 'canceling' or id <> group_id then :retried_s::int else :asked_s::int end))
               as next_due_at
          from payments.payment
         where cell = :cell and due_at <= :now and method = :method
         order by due_at, id limit :limit for update skip locked
    )
    update payments.payment p set attempts = p.attempts + 1, due_at = d.next_due_at
      from due d where p.cell = :cell and p.id = d.id
    returning p.id, p.group_id, p.currency, p.amount_minor, p.status, p.external_id, p.attempts
    """,
    Due,
)
PENDING = sql(
    """
    update payments.payment
       set status = 'pending', external_id = :external_id, redirect_url = :redirect_url, attempts = 0, due_at = :due_at
     where cell = :cell and id = :id and status = 'created'
    returning id
    """,
    UUID,
)
# One that is being canceled can be canceled now that its name is known.
KNOWN_AS = sql("""
    update payments.payment
       set external_id = :external_id, due_at = case when status = 'canceling' then :now else due_at end
     where cell = :cell and id = :id and external_id is null
""")
LOOK_NOW = sql("""
    update payments.payment
       set external_id = coalesce(external_id, :external_id), attempts = 0, due_at = :now,
           status = case status when 'failed' then 'canceling' else status end
     where cell = :cell and id = :id and method = :method
       and (status in ('created', 'pending', 'canceling') or status = 'failed' and not :is_over::boolean)
""")
# Also from failed, here and below: what we gave up by our own judgement may have been captured all the same.
CAPTURED = sql(
    """
    update payments.payment
       set status = 'captured', external_id = :external_id, captured_at = :now, due_at = null
     where cell = :cell and id = :id and status in ('created', 'pending', 'canceling', 'failed')
    returning id
    """,
    UUID,
)
GIVE_UP = sql(
    """
    update payments.payment set status = 'failed', due_at = null
     where cell = :cell and id = :id and status in ('created', 'pending', 'canceling')
    returning group_id
    """,
    UUID,
)
RETURN_LATE = sql(
    """
    update payments.payment
       set status = case when amount_minor = 0 then 'returned' else 'returning' end, external_id = :external_id,
           captured_at = :now, refunded_minor = amount_minor, due_at = null
     where cell = :cell and id = :id and status in ('created', 'pending', 'canceling', 'failed')
    returning id
    """,
    UUID,
)
CANCEL = sql("""
    update payments.payment p set status = 'canceling', attempts = 0, due_at = :now
      from (select id from payments.payment
             where cell = :cell and id = any (:ids::uuid[]) and status in ('created', 'pending')
             order by id for no key update) l
     where p.cell = :cell and p.id = l.id
""")
LOCK = sql(
    "select id from payments.payment where cell = :cell and id = any (:ids::uuid[]) order by id for no key update", UUID
)
CELL_OF = sql(
    "select cell from payments.payment where cell = any (array(select c.cell from kit.cell c)) and id = :id", int
)
DUE_BY_ID = sql(
    """
    select id, group_id, currency, amount_minor, status, external_id, attempts
      from payments.payment where cell = :cell and id = :id and method = :method
    """,
    Due,
)
RETURNED = sql("""
    update payments.payment set status = 'returned' where cell = :cell and id = :id and status = 'returning'
""")
RETURNED_TO_US = sql("""
    update payments.payment set status = 'returning' where cell = :cell and id = :id and status = 'returned'
""")
REFUND = sql("""
    insert into payments.refund (cell, id, payment_id, order_id, cause_id, amount_minor, status, reason, due_at,
                                 created_at)
    select :cell, r.id, r.payment_id, r.order_id, r.cause_id, r.amount,
           case when p.method in ('wallet', 'installments') then 'done' else 'created' end, :reason,
           case when p.method not in ('wallet', 'installments') then :now::timestamptz end, :now
      from unnest(:ids::uuid[], :payments::uuid[], :orders::uuid[], :causes::uuid[], :amounts::bigint[])
           as r (id, payment_id, order_id, cause_id, amount)
      join payments.payment p on p.cell = :cell and p.id = r.payment_id
""")
ADD_REFUNDED = sql(
    """
    with locked as (
        select id from payments.payment
         where cell = :cell and id = any (:payments::uuid[]) and status = 'captured' order by id for no key update
    )
    update payments.payment p set refunded_minor = p.refunded_minor + r.amount
      from (select payment_id, sum(amount)::bigint as amount
              from unnest(:payments::uuid[], :amounts::bigint[]) as r (payment_id, amount) group by payment_id) r
      join locked l on l.id = r.payment_id
     where p.cell = :cell and p.id = r.payment_id
       and (p.charged_back_minor = 0 or p.refunded_minor + p.charged_back_minor + r.amount <= p.amount_minor)
       and (p.taken_over_minor = 0 or p.id = p.group_id
            or p.refunded_minor + p.taken_over_minor + r.amount <= p.amount_minor)
    returning p.id, p.charged_back_minor
    """,
    GivenRow,
)
LEFT_OF_TAKEN = sql(
    """
    select amount_minor - refunded_minor - charged_back_minor from payments.payment
     where cell = :cell and id = any (:ids::uuid[]) and charged_back_minor + taken_over_minor > 0 order by 1 limit 1
    """,
    int,
)
REFUNDED_OF = sql(
    """
    select order_id, sum(amount_minor)::bigint from payments.refund
     where cell = :cell and payment_id = any (:payments::uuid[]) group by order_id
    """,
    RefundedOrder,
)
METHODS_OF = sql(
    """
    select p.method
      from unnest(:payments::uuid[]) with ordinality as a (id, ord)
      join payments.payment p on p.cell = :cell and p.id = a.id
     order by a.ord
    """,
    str,
)
CLAIM_REFUNDS = sql(
    """
    with due as (
        select r.id, :now::timestamptz + make_interval(secs => least(:first_s::int << least(r.attempts, 20),
                                                                     :retried_s::int)) as next_due_at
          from payments.refund r
          join payments.payment p on p.cell = r.cell and p.id = r.payment_id and p.method = :method
         where r.cell = :cell and r.due_at <= :now
         order by r.due_at, r.id limit :limit for update of r skip locked
    )
    update payments.refund r set attempts = r.attempts + 1, due_at = d.next_due_at
      from due d, payments.payment p
     where r.cell = :cell and r.id = d.id and p.cell = :cell and p.id = r.payment_id
    returning r.id, r.payment_id, p.currency, r.amount_minor, p.external_id, r.attempts, p.amount_minor
    """,
    RefundDue,
)
REFUND_BY_ID = sql(
    """
    select r.id, r.payment_id, p.currency, r.amount_minor, p.external_id, r.attempts, p.amount_minor
      from payments.refund r
      join payments.payment p on p.cell = r.cell and p.id = r.payment_id
     where r.cell = :cell and r.id = :id and p.external_id is not null
    """,
    RefundDue,
)
REFUNDED = sql(
    """
    update payments.refund set status = :status, external_id = :external_id, refusal = :refusal, due_at = null
     where cell = :cell and id = :id and status = 'created'
    returning payment_id, order_id
    """,
    RefundedRow,
)
CAME_BACK = sql(
    """
    update payments.refund set status = 'failed', refusal = :refusal, due_at = null
     where cell = :cell and id = :id and status in ('created', 'done')
    returning payment_id, order_id
    """,
    RefundedRow,
)
REFUND_CELL = sql(f"select cell from payments.refund where {_CELLS} and id = :id", int)  # noqa: S608 - a constant
LOCK_REFUND = sql(
    """
    select r.cell, r.status, r.payment_id, r.order_id, p.buyer_id, p.currency, r.amount_minor, r.refusal
      from payments.refund r
      join payments.payment p on p.cell = r.cell and p.id = r.payment_id
     where r.cell = :cell and r.id = :id
       for no key update of r
    """,
    RefundRow,
)
RETRY_REFUND = sql("""
    update payments.refund set status = 'created', refusal = null, attempts = 0, due_at = :now
     where cell = :cell and id = :id
""")
# What is under way has a time when it is due, and there is an index of that; so each kind is looked for by itself.
STUCK = sql(
    """
    with r as (
        select * from payments.refund
         where cell = any (array(select c.cell from kit.cell c)) and status = 'failed' and id > :after
        union all
        select * from payments.refund
         where cell = any (array(select c.cell from kit.cell c)) and due_at is not null and attempts >= :attempts
           and id > :after
    )
    select case r.status when 'failed' then 'refund_refused' else 'refund_unanswered' end, r.id, p.group_id,
           nullif(r.order_id, p.group_id), p.currency, r.amount_minor, r.refusal, p.external_id, r.attempts,
           r.created_at, r.due_at
      from r
      join payments.payment p on p.cell = r.cell and p.id = r.payment_id
    union all
    select 'cancel_unanswered', p.id, p.group_id, null, p.currency, p.amount_minor, null, p.external_id, p.attempts,
           p.created_at, p.due_at
      from payments.payment p
     where p.cell = any (array(select c.cell from kit.cell c)) and p.due_at is not null and p.status = 'canceling'
       and p.attempts >= :attempts and p.id > :after
    union all
    select 'transfer_unanswered', p.id, null, null, p.currency, p.amount_minor, null, p.destination, p.attempts,
           p.created_at, p.due_at
      from payments.payout p
     where p.cell = any (array(select c.cell from kit.cell c)) and p.due_at is not null and p.destination is not null
       and p.attempts >= :attempts and p.id > :after
     order by 2
     limit :limit
    """,
    StuckRow,
)
WEBHOOK = sql(
    """
    insert into payments.webhook (gateway, event_id, received_at) values (:gateway, :event_id, :now)
    on conflict do nothing
    returning event_id
    """,
    str,
)
FORGET_WEBHOOKS = sql("""
    delete from payments.webhook
     where (gateway, event_id) in
           (select gateway, event_id from payments.webhook where received_at < :before limit :limit)
""")
