"""The SQL of returns. They are the house's, and lie beside the cells."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class ReturnRow(msgspec.Struct, frozen=True):
    id: UUID
    scheme: str
    number: str
    first_day: date
    last_day: date
    due_on: date
    content: dict[str, Any]
    filed_at: datetime
    paid_at: datetime | None
    reference: str


FILE = sql(
    """
    insert into customs.tax_return (id, scheme, number, first_day, last_day, due_on, content, filed_at, filed_by)
    values (:id, :scheme, :number, :first_day, :last_day, :due_on, :content, :now, :by)
    on conflict do nothing
    returning id
    """,
    UUID,
)
RETURNS = sql(
    """
    select id, scheme, number, first_day, last_day, due_on, content, filed_at, paid_at, reference
      from customs.tax_return order by first_day desc, scheme limit :limit
    """,
    ReturnRow,
)
RETURN = sql(
    """
    select id, scheme, number, first_day, last_day, due_on, content, filed_at, paid_at, reference
      from customs.tax_return where id = :id
    """,
    ReturnRow,
)
PAY = sql(
    """
    update customs.tax_return set paid_at = :now, paid_by = :by, reference = :reference
     where id = :id and paid_at is null
    returning id
    """,
    UUID,
)
