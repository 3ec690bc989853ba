"""The platform's SQL."""

from __future__ import annotations

from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.platform.types import Off, Rehearsal


class Ended(msgspec.Struct, frozen=True):
    id: UUID
    name: str


# Operators take turns.
LOCK = sql("select pg_advisory_xact_lock(hashtextextended('platform.switch_off', 0)) is null", bool)
ADD = sql("""
    insert into platform.switch_off (id, name, user_id, why, at, until)
    values (:id, :name, :user_id, :why, :now, :until)
""")
END = sql(
    """
    update platform.switch_off set ended_at = least(:now, until), ended_by = :user_id
     where name = :name and ended_at is null
    returning id
    """,
    UUID,
)
END_DUE = sql(
    """
    update platform.switch_off set ended_at = until, ended_by = '00000000-0000-0000-0000-000000000000'
     where ended_at is null and until <= :now
    returning id, name
    """,
    Ended,
)
_OFF = "select name, user_id, why, at, until, ended_at, ended_by from platform.switch_off "
NOW = sql(_OFF + "where ended_at is null order by name", Off)
CHANGES = sql(_OFF + "order by id desc limit :limit", Off)
ADD_REHEARSAL = sql("""
    insert into platform.rehearsal (id, at, capacity_per_s, admit_per_s, forecast_per_s, verdict, bottleneck)
    values (:id, :at, :capacity_per_s, :admit_per_s, :forecast_per_s, :verdict, :bottleneck)
""")
_REHEARSAL = "select id, at, capacity_per_s, admit_per_s, forecast_per_s, verdict, bottleneck from platform.rehearsal "
REHEARSAL = sql(_REHEARSAL + "where id = :id", Rehearsal)
REHEARSALS = sql(_REHEARSAL + "order by id desc limit :limit", Rehearsal)
