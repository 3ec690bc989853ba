"""The SQL of orders that are held, and of whose orders are."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Parties(msgspec.Struct, frozen=True):
    """Whose an order is or, without a seller, a group, and where it was sold."""

    id: UUID
    buyer_id: UUID
    seller_id: UUID | None
    market: str


class Buyers(msgspec.Struct, frozen=True):
    """An order, and where its buyer is known."""

    order_id: UUID
    group_cell: int
    group_id: UUID


class Names(msgspec.Struct, frozen=True):
    """Who gets what a group bought, and who bought it; empty where that was erased."""

    group_id: UUID
    recipient: str
    buyer: str


class HoldRow(msgspec.Struct, frozen=True):
    """Why an order is held, of a seller that sells it in `cell`."""

    cell: int
    order_id: UUID
    group_cell: int
    group_id: UUID
    seller_name: str
    currency: str
    paid_minor: int
    list: str
    ref: str
    name: str
    held_at: datetime
    kind: str
    due_at: datetime | None


class DueHold(msgspec.Struct, frozen=True):
    """What an order's holds end as, since nobody has looked; rejected if one of them does."""

    order_id: UUID
    decision: str


PARTIES = sql(
    "select id, buyer_id, seller_id, market from orders.order where cell = :cell and id = any (:ids::uuid[])", Parties
)
GROUPS_HERE = sql(
    "select id, buyer_id, null::uuid, market from orders.order_group where cell = :cell and id = any (:ids::uuid[])",
    Parties,
)
BUYERS = sql("select id, group_cell, group_id from orders.order where cell = :cell and id = any (:ids::uuid[])", Buyers)
NAMES = sql(
    """
    select g.id, coalesce(a.recipient, ''), coalesce(p.name, '')
      from orders.order_group g
      left join accounts.address a on a.cell = g.cell and a.id = g.address_id
      left join accounts.person p on p.cell = g.cell and p.user_id = g.buyer_id
     where g.cell = :cell and g.id = any (:groups::uuid[])
    """,
    Names,
)
UNSENT = sql(
    """
    select id from orders.order where cell = :cell and status = 'paid' and id > :after order by id limit :limit
    """,
    UUID,
)
HOLD = sql(
    """
    insert into orders.hold (cell, order_id, kind, list, ref, name, held_at, due_at, due_decision)
    select :cell, h.order_id, h.kind, h.list, h.ref, h.name, :now, h.due_at, h.due_decision
      from unnest(:orders::uuid[], :kinds::text[], :lists::text[], :refs::text[], :names::text[], :dues::timestamptz[],
                  :decisions::text[]) as h (order_id, kind, list, ref, name, due_at, due_decision)
     order by h.order_id, h.kind, h.list, h.ref
    on conflict do nothing
    returning order_id
    """,
    UUID,
)
HELD = sql(
    """
    select distinct order_id from orders.hold
     where cell = :cell and order_id = any (:ids::uuid[]) and decision is null
    """,
    UUID,
)
# Of these (order, list, ref) those that nobody has decided yet.
UNDECIDED = sql(
    """
    select distinct h.order_id
      from unnest(:orders::uuid[], :lists::text[], :refs::text[]) as h (order_id, list, ref)
     where not exists (select from orders.hold d
                        where d.cell = :cell and d.order_id = h.order_id and d.kind = 'party' and d.list = h.list
                          and d.ref = h.ref and d.decision = 'released')
    """,
    UUID,
)
# What came after `until` nobody has looked at yet.
DECIDE = sql(
    """
    update orders.hold set decision = :decision, decided_at = :now, decided_by = :user_id, note = :note
     where cell = :cell and order_id = :order_id and decision is null
       and (:until::timestamptz is null or held_at <= :until)
    returning order_id
    """,
    UUID,
)
LET_GO = sql(
    """
    update orders.hold set decision = 'released', decided_at = :now, decided_by = :user_id, note = :note
     where cell = :cell and order_id = :order_id and kind in ('fraud', 'hand') and list = :list and ref = :ref
       and decision is null
    returning order_id
    """,
    UUID,
)
HOLDS = sql(
    """
    select o.cell, o.id, o.group_cell, o.group_id, s.name, o.currency, o.paid_minor, h.list, h.ref, h.name, h.held_at,
           h.kind, h.due_at
      from (select distinct w.cell, w.order_id
              from orders.hold w
              join orders.order p on p.cell = w.cell and p.id = w.order_id
             where w.decision is null and p.status in ('paid', 'shipped', 'delivered') and p.id > :after
             order by w.order_id
             limit :limit) held
      join orders.hold h on h.cell = held.cell and h.order_id = held.order_id and h.decision is null
      join orders.order o on o.cell = h.cell and o.id = h.order_id
      join sellers.seller s on s.id = o.seller_id
     order by o.id, h.kind, h.list, h.ref
    """,
    HoldRow,
)
# Of orders all of whose open holds are due: what somebody has to look at keeps the rest waiting, too. ('rejected' comes
# before 'released'.) What was canceled meanwhile is not waited for.
DUE_HOLDS = sql(
    """
    select h.order_id, min(h.due_decision)
      from orders.hold h
      join orders.order o on o.cell = h.cell and o.id = h.order_id and o.status in ('paid', 'shipped', 'delivered')
     where h.cell = :cell and h.decision is null and h.due_at <= :now and h.order_id <> all (:passed::uuid[])
       and not exists (select from orders.hold w
                        where w.cell = h.cell and w.order_id = h.order_id and w.decision is null
                          and (w.due_at is null or w.due_at > :now))
     group by h.order_id
     order by h.order_id
     limit :limit
    """,
    DueHold,
)
CELL_OF = sql(
    "select cell from orders.order where cell = any (array(select c.cell from kit.cell c)) and id = :order_id", int
)
