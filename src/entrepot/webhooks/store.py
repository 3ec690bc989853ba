"""The SQL of webhooks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.webhooks.types import Delivery, Endpoint


class Listening(msgspec.Struct, frozen=True):
    """An endpoint that is on, as who notes what is to be told sees it."""

    id: UUID
    owner_id: UUID
    types: list[str]
    created_at: datetime


class DeliveryRow(msgspec.Struct, frozen=True):
    id: UUID
    type: str
    body: str
    at: datetime
    status: str
    due_at: datetime
    attempts: int
    tried_at: datetime | None
    sent_at: datetime | None
    answer: str


_ENDPOINT = """
    select id, owner_id, url, types, secret, old_secret, old_until, status, reason, fails, failing_since, created_at
      from webhooks.endpoint
"""
# Whoever adds one first waits for those who are adding: the key of the limit is the owner.
LOCK_OWNER = sql("select pg_advisory_xact_lock(hashtextextended('webhooks ' || :owner_id::uuid, 0)) is null", bool)
ADD = sql("""
    insert into webhooks.endpoint (id, owner_id, url, types, secret, next_at, created_at, since)
    values (:id, :owner_id, :url, :types, :secret, :now, :now, :now)
""")
OWN = sql(_ENDPOINT + " where owner_id = :owner_id and status <> 'removed' order by id", Endpoint)
ONE = sql(_ENDPOINT + " where id = :id and owner_id = :owner_id and status <> 'removed'", Endpoint)
LOCK = sql(_ENDPOINT + " where id = :id and owner_id = :owner_id and status <> 'removed' for no key update", Endpoint)
ANY = sql(_ENDPOINT + " where id = :id", Endpoint)
CHANGE = sql("update webhooks.endpoint set url = :url, types = :types, since = :now where id = :id")
ROTATE = sql("""
    update webhooks.endpoint set secret = :secret, old_secret = secret, old_until = :old_until where id = :id
""")
TURN_ON = sql("""
    update webhooks.endpoint
       set status = 'on', reason = '', fails = 0, failing_since = null, next_at = :now, since = :now
     where id = :id
""")
WAKE = sql("""
    update webhooks.delivery set due_at = :now
     where cell = :cell and endpoint_id = :endpoint_id and status = 'due' and attempts > 0
""")
TURN_OFF = sql("update webhooks.endpoint set status = 'off', reason = :reason where id = :id")
REMOVE = sql("""
    update webhooks.endpoint
       set status = 'removed', reason = 'owner', url = '', secret = '', old_secret = null, old_until = null
     where id = :id
""")

# What is noted
IS_ANY_ON = sql("select exists (select from webhooks.endpoint where status = 'on')", bool)
LISTENING = sql(
    """
    select id, owner_id, types, created_at from webhooks.endpoint
     where owner_id = any (:owners::uuid[]) and status = 'on'
    """,
    Listening,
)
NOTE = sql("""
    insert into webhooks.delivery (cell, endpoint_id, id, type, subject_id, body, at, due_at)
    select :cell, d.endpoint_id, d.id, d.type, d.subject_id, d.body, d.at, :now
      from unnest(:endpoints::uuid[], :ids::uuid[], :types::text[], :subjects::uuid[], :bodies::text[],
                  :ats::timestamptz[]) with ordinality as d (endpoint_id, id, type, subject_id, body, at, place)
     order by d.place
    on conflict do nothing
""")

# The endpoints that are sent something, each with its oldest message that is due.
_WAITING = """
      from webhooks.endpoint e
     cross join lateral (select d.due_at from webhooks.delivery d
                          where d.cell = :cell and d.endpoint_id = e.id and d.status = 'due' and d.due_at <= :now
                          order by d.due_at limit 1) first
     where e.status = 'on'
"""
# What is sent. `(fails > 0) = :failing`: those that answer do not wait for those that do not.
FIND = sql(
    f"""
    select e.id {_WAITING} and e.next_at <= :now and (e.fails > 0) = :failing and e.id <> all (:busy::uuid[])
     order by first.due_at
     limit :limit
    """,
    UUID,
)
# Of those that take what they are sent: others wait for what they have said of themselves.
OLDEST = sql(
    f"""
    select first.due_at {_WAITING} and e.fails = 0
     order by first.due_at
     limit 1
    """,
    datetime,
)
# Of one thing the first only, while that is due or under way: what is told of it arrives in order.
CLAIM = sql(
    """
    with due as (
        select d.id from webhooks.delivery d
         where d.cell = :cell and d.endpoint_id = :endpoint_id and d.status = 'due' and d.due_at <= :now
           and not exists (select from webhooks.delivery b
                            where b.cell = :cell and b.endpoint_id = :endpoint_id and b.subject_id = d.subject_id
                              and b.status = 'due' and b.no < d.no)
         order by d.due_at, d.no limit :limit for no key update skip locked
    )
    update webhooks.delivery d set attempts = d.attempts + 1, tried_at = :now, due_at = :leased_until
      from due where d.cell = :cell and d.endpoint_id = :endpoint_id and d.id = due.id
    returning d.cell, d.endpoint_id, d.id, d.body, d.attempts
    """,
    Delivery,
)
# What waits for something before it is not looked at again and again.
DEFER = sql("""
    update webhooks.delivery d set due_at = w.until
      from (select l.id, min(b.due_at) as until
              from (select s.id, s.subject_id, s.no from webhooks.delivery s
                     where s.cell = :cell and s.endpoint_id = :endpoint_id and s.status = 'due' and s.due_at <= :now
                     order by s.due_at limit :limit) l
              join webhooks.delivery b on b.cell = :cell and b.endpoint_id = :endpoint_id
                                      and b.subject_id = l.subject_id and b.status = 'due' and b.no < l.no
             group by l.id) w
     where d.cell = :cell and d.endpoint_id = :endpoint_id and d.id = w.id and d.status = 'due' and d.due_at <= :now
""")
SENT = sql("""
    update webhooks.delivery set status = 'sent', sent_at = :now, answer = :answer
     where cell = :cell and endpoint_id = :endpoint_id and id = :id and status = 'due' and attempts = :attempts
""")
NOT_SENT = sql("""
    update webhooks.delivery
       set status = case when :due_at::timestamptz is null then 'failed' else 'due' end,
           due_at = coalesce(:due_at, due_at), answer = :answer
     where cell = :cell and endpoint_id = :endpoint_id and id = :id and status = 'due' and attempts = :attempts
""")
# Calls that were under way together are one failure: each knows how many there were before.
FAILED = sql("""
    update webhooks.endpoint
       set fails = fails + 1, failing_since = coalesce(failing_since, :now), next_at = :next_at
     where id = :id and fails = :fails and status = 'on'
""")
RECOVERED = sql("""
    update webhooks.endpoint set fails = 0, failing_since = null, next_at = :now
     where id = :id and fails > 0 and status = 'on'
""")
GIVE_UP = sql(
    """
    update webhooks.endpoint set status = 'off', reason = :reason where id = :id and status = 'on'
    returning owner_id
    """,
    UUID,
)

# Screens; an endpoint's deliveries are in the cells of what they tell.
DELIVERIES = sql(
    """
    select id, type, body, at, status, due_at, attempts, tried_at, sent_at, answer
      from webhooks.delivery
     where cell = any (array(select c.cell from kit.cell c)) and endpoint_id = :endpoint_id and id < :before
       and (:status::text is null or status = :status)
     order by id desc limit :limit
    """,
    DeliveryRow,
)
CELL_OF = sql(
    """
    select cell from webhooks.delivery
     where cell = any (array(select c.cell from kit.cell c)) and endpoint_id = :endpoint_id and id = :id
    """,
    int,
)
RESEND = sql(
    """
    update webhooks.delivery set status = 'due', due_at = :now, attempts = 0, sent_at = null
     where cell = :cell and endpoint_id = :endpoint_id and id = :id and status <> 'due'
    returning id
    """,
    UUID,
)

FORGET_OLD = sql("""
    delete from webhooks.delivery d
     using (select o.endpoint_id, o.id from webhooks.delivery o
             where o.cell = :cell and o.id < :before order by o.id limit :limit) o
     where d.cell = :cell and d.endpoint_id = o.endpoint_id and d.id = o.id
""")
