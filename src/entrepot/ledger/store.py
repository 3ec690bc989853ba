"""The ledger's SQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Verdict(msgspec.Struct, frozen=True):
    ord: int
    verdict: str


class StatementLine(msgspec.Struct, frozen=True):
    """A transfer as one account sees it: `amount_minor` is positive for a credit; `cause_id` names its event."""

    at: datetime
    code: str
    cause_id: UUID
    amount_minor: int


OPEN_MANY = sql(
    """
    select id from ledger.open_many(:cell, :now, :codes, :owners, :currencies, :limited, :striped)
    """,
    int,
)
POST_MANY = sql(
    """
    select ord, verdict
      from ledger.post_many(:cell, :now, :causes, :codes, :debits, :credits, :amounts)
     order by ord
    """,
    Verdict,
)
ACCOUNT_IDS = sql(
    """
    select coalesce(l.id, 0)
      from unnest(:codes::text[], :owners::uuid[], :currencies::text[])
           with ordinality as a (code, owner, currency, ord)
      left join ledger.account l
        on l.cell = :cell and l.code = a.code and l.owner = a.owner and l.currency = a.currency
     order by a.ord
    """,
    int,
)
BALANCE = sql(
    """
    select coalesce(sum(b.credits - b.debits), 0)::bigint
      from ledger.account a
      join ledger.balance b on b.cell = a.cell and b.account_id = a.id
     where a.cell = :cell and a.code = :code and a.owner = :owner and a.currency = :currency
    """,
    int,
)
# The partial indexes leave out the hot codes; the statement's accounts never see them.
BEFORE = sql(
    """
    select (coalesce((select sum(t.amount) from ledger.transfer t
                      where t.cell = :cell and t.credit = :account and t.at < :start
                        and t.code not in ('pay', 'fund')), 0)
         - coalesce((select sum(t.amount) from ledger.transfer t
                      where t.cell = :cell and t.debit = :account and t.at < :start
                        and t.code not in ('pay', 'fund')), 0))::bigint
    """,
    int,
)
LINES = sql(
    """
    select t.at, t.code, t.cause_id, t.signed
      from (select at, code, cause_id, amount as signed from ledger.transfer
             where cell = :cell and credit = :account and at >= :start and at < :stop and code not in ('pay', 'fund')
            union all
            select at, code, cause_id, -amount from ledger.transfer
             where cell = :cell and debit = :account and at >= :start and at < :stop and code not in ('pay', 'fund')) t
     order by t.at, t.cause_id, t.signed desc
     limit :limit
    """,
    StatementLine,
)
