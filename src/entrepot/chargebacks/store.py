"""Chargebacks' SQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.chargebacks.types import Case, Rule, Share, Taken
from entrepot.kit.sql import sql


class EvidenceRow(msgspec.Struct, frozen=True):
    id: UUID
    party: str
    seller_id: UUID | None
    text: str
    file_name: str
    file_type: str
    at: datetime


class FileRow(msgspec.Struct, frozen=True):
    file_name: str
    file_type: str
    file: bytes


OPEN_CASE = sql("""
    insert into chargebacks.case (cell, id, payment_id, currency, status)
    values (:cell, :id, :payment_id, :currency, 'heard')
    on conflict do nothing
""")
LOCK_CASE = sql(
    """
    select id, payment_id, currency, withdrawn_minor, over_minor, fee_minor, returned_minor, status
      from chargebacks.case where cell = :cell and id = :id for no key update
    """,
    Case,
)
CASE_TAKEN = sql("""
    update chargebacks.case
       set status = 'taken', withdrawn_minor = :withdrawn_minor, over_minor = :over_minor, fee_minor = :fee_minor
     where cell = :cell and id = :id
""")
CASE_CLOSED = sql("""
    update chargebacks.case
       set status = 'closed', returned_minor = :returned_minor, fee_minor = :fee_minor,
           closed_at = coalesce(closed_at, :now)
     where cell = :cell and id = :id
""")
ADD_LATE = sql("""
    insert into chargebacks.late (cell, id, case_id, returned_minor, fee_back_minor, at)
    values (:cell, :id, :case_id, :returned_minor, :fee_back_minor, :now)
""")
ADD_SHARE = sql("""
    insert into chargebacks.share (cell, id, case_id, case_cell, order_id, seller_id, currency, amount_minor, fee_minor,
                                   liable, status, due_at, at)
    values (:cell, :id, :case_id, :case_cell, :order_id, :seller_id, :currency, :amount_minor, :fee_minor, :liable,
            'told', :now, :now)
""")
_SHARE = """
    select cell, id, case_id, case_cell, order_id, seller_id, currency, amount_minor, fee_minor, liable, status,
           charged_minor, lost_minor, fee_back_minor, from_parts_minor
      from chargebacks.share
"""
SHARES = sql(
    _SHARE + " where cell = any (array(select c.cell from kit.cell c)) and case_id = any (:cases::uuid[]) order by id",  # noqa: S608
    Share,
)
LOCK_SHARES = sql(_SHARE + " where cell = :cell and case_id = :case_id order by id for no key update", Share)
LOCK_DUE = sql(
    _SHARE
    + """
     where cell = :cell and due_at <= :now and id <> all (:passed::uuid[])
     order by due_at, id limit 1 for no key update skip locked
    """,
    Share,
)
DECIDED = sql("""
    update chargebacks.share set lost_minor = :lost_minor, fee_back_minor = :fee_back_minor, due_at = :now
     where cell = :cell and id = :id
""")
SHARE_TAKEN = sql("""
    update chargebacks.share
       set status = 'taken', charged_minor = :charged_minor,
           due_at = case when lost_minor is null then null else :now::timestamptz end
     where cell = :cell and id = :id
""")
SHARE_ENDED = sql("""
    update chargebacks.share set status = 'ended', from_parts_minor = :from_parts_minor, due_at = null
     where cell = :cell and id = :id
""")
ADD_PART = sql("""
    insert into chargebacks.part (cell, id, share_id, taken_minor, is_dispute)
    values (:cell, :id, :share_id, :taken_minor, :is_dispute)
""")
PARTS = sql(
    "select id, taken_minor, is_dispute from chargebacks.part where cell = :cell and share_id = :share_id order by id",
    Taken,
)
OF_SELLER = sql(
    _SHARE + " where cell = :cell and seller_id = :seller_id and id < :before order by id desc limit :limit", Share
)
SHARE = sql(_SHARE + " where cell = :cell and id = :id and seller_id = :seller_id", Share)

RULES_AT = sql(
    """
    select market, seller_id, reason, valid_from, liable, source from chargebacks.liability
     where valid_from <= :at order by id
    """,
    Rule,
)
RULES = sql(
    "select market, seller_id, reason, valid_from, liable, source from chargebacks.liability order by id desc", Rule
)
ADD_RULE = sql("""
    insert into chargebacks.liability (market, seller_id, reason, valid_from, liable, source)
    values (:market, :seller_id, :reason, :valid_from, :liable, :source)
""")

ADD_EVIDENCE = sql("""
    insert into chargebacks.evidence (cell, id, case_id, party, seller_id, text, file_name, file_type, file, at)
    values (:cell, :id, :case_id, :party, :seller_id, :text, :file_name, :file_type, :file, :now)
""")
EVIDENCE = sql(
    """
    select id, party, seller_id, text, file_name, file_type, at from chargebacks.evidence
     where cell = :cell and case_id = :case_id order by id
    """,
    EvidenceRow,
)
EVIDENCE_FILE = sql(
    """
    select file_name, file_type, file from chargebacks.evidence
     where cell = :cell and case_id = :case_id and id = :id and file is not null
    """,
    FileRow,
)
# What is open, whose evidence is wanted soon, and for which there is some.
TO_SEND = sql(
    """
    select distinct e.case_id from chargebacks.evidence e
      join chargebacks.case k on k.cell = e.cell and k.id = e.case_id and k.status <> 'closed'
     where e.cell = :cell
    """,
    UUID,
)
