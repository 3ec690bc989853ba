"""The SQL of fraud."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.fraud.types import Facts, Question, Rule
from entrepot.kit.sql import sql


class OrderOf(msgspec.Struct, frozen=True):
    """An order, and the purchase that it is of."""

    id: UUID
    group_cell: int
    group_id: UUID


class HookRow(msgspec.Struct, frozen=True):
    id: UUID
    url: str
    secret: bytes
    fails: str
    answer_within_s: int
    valid_from: datetime
    set_by: UUID


_RULES = """
    select name, kind, currency, amount_minor, count, within_s, hold_s, then_, valid_from, source, valid_to
      from fraud.rule
"""
RULES_AT = sql(
    _RULES + " where valid_from <= :now and (valid_to is null or valid_to > :now) order by name",
    Rule,
)
RULES = sql(_RULES + " order by valid_to desc nulls first, name limit :limit", Rule)
# Two who add a rule of one name take turns: the key is of the name and its begin, and the second begins later.
ADD_RULE = sql(
    """
    insert into fraud.rule (name, kind, currency, amount_minor, count, within_s, hold_s, then_, valid_from, source)
    select :name, :kind, :currency, :amount_minor, :count, :within_s, :hold_s, :then, :valid_from, :source
     where not exists (select from fraud.rule where name = :name and (valid_to is null or valid_to > :valid_from))
    on conflict do nothing
    returning name
    """,
    str,
)
END_RULE = sql(
    "update fraud.rule set valid_to = greatest(:now, valid_from + interval '1 microsecond') "
    "where name = :name and (valid_to is null or valid_to > :now) returning name",
    str,
)
HOOK_AT = sql(
    """
    select id, url, secret, fails, answer_within_s, valid_from, set_by
      from fraud.hook order by valid_from desc, id desc limit 1
    """,
    HookRow,
)
ADD_HOOK = sql("""
    insert into fraud.hook (id, url, secret, fails, answer_within_s, valid_from, set_by)
    values (:id, :url, :secret, :fails, :answer_within_s, :now, :user_id)
""")
ORDERS = sql(
    "select id, group_cell, group_id from orders.order where cell = :cell and id = any (:ids::uuid[])", OrderOf
)
# Purchases as they were when they were placed: what came later is not asked for. Ids begin with their time, so that a
# buyer's latest are found by their key.
FACTS = sql(
    """
    select g.cell, g.id, g.buyer_id, g.market, coalesce(m.country, ''), coalesce(a.country, ''), g.currency,
           g.paid_minor, g.placed_at, u.created_at,
           array(select b.placed_at from orders.order_group b
                  where b.cell = :cell and b.buyer_id = any (x.ids) and b.placed_at <= g.placed_at
                  order by b.id desc limit :seen),
           array(select b.placed_at
                   from accounts.address s
                   join orders.order_group b on b.cell = :cell and b.buyer_id = s.user_id and b.address_id = s.id
                  where s.cell = :cell and s.country = a.country and s.postal_code = a.postal_code
                    and lower(s.line1) = lower(a.line1) and b.placed_at <= g.placed_at
                  order by b.id desc limit :seen),
           array(select p.created_at from payments.payment p
                  where p.cell = :cell and p.buyer_id = any (x.ids) and p.status = 'failed' and p.id = p.group_id
                    and p.created_at <= g.placed_at
                  order by p.created_at desc limit :seen),
           s.user_id is not null
      from orders.order_group g
      join accounts.user u on u.cell = g.cell and u.id = g.buyer_id
      join sellers.market m on m.code = g.market
      left join accounts.address a on a.cell = g.cell and a.id = g.address_id
      left join accounts.guest s on s.cell = g.cell and s.user_id = g.buyer_id
     cross join lateral (
           select array(select t.user_id from accounts.guest t where t.cell = :cell and t.email = s.email)
                  || g.buyer_id as ids) x
     where g.cell = :cell and g.id = any (:groups::uuid[])
    """,
    Facts,
)
ASK = sql("""
    insert into fraud.question (cell, order_id, hook_id, asked_at, due_at, next_at)
    select :cell, o.id, :hook_id, :now, :due_at, :now from unnest(:orders::uuid[]) as o (id) order by o.id
    on conflict do nothing
""")
CLAIM = sql(
    """
    update fraud.question q set attempts = q.attempts + 1, next_at = :again_at
      from (select c.order_id from fraud.question c
             where c.cell = :cell and c.answer is null and c.next_at <= :now
             order by c.next_at limit :limit for no key update skip locked) due,
           fraud.hook h
     where q.cell = :cell and q.order_id = due.order_id and h.id = q.hook_id
    returning q.order_id, q.asked_at, q.due_at, q.attempts, h.fails, h.url, h.secret
    """,
    Question,
)
ANSWER = sql(
    """
    update fraud.question set answer = :answer, reason = :reason, answered_at = :now
     where cell = :cell and order_id = :order_id and answer is null
    returning order_id
    """,
    UUID,
)
