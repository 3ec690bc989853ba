"""Disputes' SQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.disputes.types import Dispute, Replacement
from entrepot.kit.sql import sql


class StepRow(msgspec.Struct, frozen=True):
    id: UUID
    party: str
    act: str
    amount_minor: int | None
    text: str
    file_name: str
    file_type: str
    at: datetime


class FileRow(msgspec.Struct, frozen=True):
    file_name: str
    file_type: str
    file: bytes


class ReplacementRow(msgspec.Struct, frozen=True):
    offer_id: int
    title: str
    quantity: int
    back_minor: int
    status: str


_COLUMNS = """
    cell, id, order_id, buyer_id, seller_id, market, currency, kind, status, claimed_minor, offered_minor,
    granted_minor, opened_at, due_at, closed_at
"""
_DISPUTE = f"select {_COLUMNS} from disputes.dispute"  # noqa: S608 - a constant

OPEN = sql("""
    insert into disputes.dispute (cell, id, order_id, buyer_id, seller_id, market, currency, kind, status,
                                  claimed_minor, opened_at, due_at)
    values (:cell, :id, :order_id, :buyer_id, :seller_id, :market, :currency, :kind, :status, :claimed_minor, :now,
            :due_at)
""")
PROMISE = sql("""
    insert into disputes.replacement (cell, id, offer_id, variant_id, stock_id, quantity, back_minor)
    values (:cell, :id, :offer_id, :variant_id, :stock_id, :quantity, :back_minor)
""")
REPLACEMENT = sql(
    """
    select offer_id, variant_id, stock_id, quantity, back_minor, status from disputes.replacement
     where cell = :cell and id = :id
    """,
    Replacement,
)
END_PROMISE = sql("update disputes.replacement set status = :status where cell = :cell and id = :id")
LOCK = sql(_DISPUTE + " where cell = :cell and id = :id for no key update", Dispute)
LOCK_OPEN = sql(
    _DISPUTE
    + """
     where cell = :cell and order_id = :order_id and status not in ('at_bank', 'closed') order by id for no key update
    """,
    Dispute,
)
LOCK_DUE = sql(
    _DISPUTE
    + """
     where cell = :cell and due_at <= :now and id <> all (:passed::uuid[])
     order by due_at limit 1 for no key update skip locked
    """,
    Dispute,
)
MOVE = sql("""
    update disputes.dispute
       set status = :status, offered_minor = :offered_minor, granted_minor = :granted_minor, due_at = :due_at,
           closed_at = :closed_at
     where cell = :cell and id = :id
""")
ADD_STEP = sql("""
    insert into disputes.step (cell, id, dispute_id, party, act, amount_minor, text, file_name, file_type, file, at)
    values (:cell, :id, :dispute_id, :party, :act, :amount_minor, :text, :file_name, :file_type, :file, :now)
""")
# What a buyer said and showed may say who that is.
FORGET = sql("""
    update disputes.step s set text = '', file_name = '', file_type = '', file = null
      from disputes.dispute d
     where d.cell = :cell and d.buyer_id = any (:buyers::uuid[])
       and s.cell = :cell and s.dispute_id = d.id and s.party = 'buyer'
""")
STEPS_SAID = sql("select count(*) from disputes.step where cell = :cell and dispute_id = :id", int)
CELL_OF = sql(
    "select cell from disputes.dispute where cell = any (array(select c.cell from kit.cell c)) and id = :id", int
)

# Screens

DISPUTE = sql(_DISPUTE + " where cell = :cell and id = :id", Dispute)
OF_ORDERS = sql(
    f"""
    {_DISPUTE}
     where cell = any (array(select c.cell from kit.cell c)) and order_id = any (:orders::uuid[])
       and buyer_id = :buyer_id
     order by id
    """,  # noqa: S608 - constants
    Dispute,
)
OF_SELLER = sql(
    _DISPUTE + " where cell = :cell and seller_id = :seller_id and id < :before order by id desc limit :limit", Dispute
)
TO_DECIDE = sql(
    f"""
    {_DISPUTE}
     where cell = any (array(select c.cell from kit.cell c)) and status in ('escalated', 'appealed') and id > :after
     order by id limit :limit
    """,  # noqa: S608 - constants
    Dispute,
)
REPLACEMENT_VIEW = sql(
    """
    select r.offer_id, p.title || case v.title when '' then '' else ', ' || v.title end, r.quantity, r.back_minor,
           r.status
      from disputes.replacement r
      join catalog.variant v on v.id = r.variant_id
      join catalog.product p on p.id = v.product_id
     where r.cell = :cell and r.id = :id
    """,
    ReplacementRow,
)
STEPS = sql(
    """
    select id, party, act, amount_minor, text, file_name, file_type, at from disputes.step
     where cell = :cell and dispute_id = :id order by id
    """,
    StepRow,
)
FILE = sql(
    """
    select file_name, file_type, file from disputes.step
     where cell = :cell and dispute_id = :dispute_id and id = :id and file is not null
    """,
    FileRow,
)
