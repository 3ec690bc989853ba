"""The room's SQL."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql
from entrepot.notify.types import Message


class PreferenceRow(msgspec.Struct, frozen=True):
    user_id: UUID
    language: str
    phone: str
    muted: list[str]


class Lately(msgspec.Struct, frozen=True):
    """So many messages of one way that a user got."""

    user_id: UUID
    count: int


_COLUMNS = """m.cell, m.id, m.user_id, m.channel, m.party, m.kind, m.subject_id, m.data, m.language, m.status, m.at,
       m.attempts, m.sent_at, m.reason"""
_MESSAGE = f"select {_COLUMNS} from notify.message m"  # noqa: S608 - a constant

ADD = sql("""
    insert into notify.message (cell, id, user_id, channel, party, kind, subject_id, data, language, at, due_at)
    select :cell, m.id, m.user_id, m.channel, m.party, m.kind, m.subject_id, m.data, m.language, m.at, m.at
      from unnest(:ids::uuid[], :user_ids::uuid[], :channels::text[], :parties::text[], :kinds::text[],
                  :subject_ids::uuid[], :data::jsonb[], :languages::text[], :ats::timestamptz[])
           as m (id, user_id, channel, party, kind, subject_id, data, language, at)
    on conflict do nothing
""")
CLAIM = sql(
    f"""
    with due as (
        select d.id from notify.message d
         where d.cell = :cell and d.status = 'due' and d.channel = :channel and d.due_at <= :now
         order by d.due_at limit :limit for no key update skip locked
    )
    update notify.message m set attempts = m.attempts + 1, due_at = :leased_until
      from due where m.cell = :cell and m.id = due.id
    returning {_COLUMNS}
    """,  # noqa: S608 - a constant
    Message,
)
LATELY = sql(
    """
    select m.user_id, count(*) from notify.message m
     where m.cell = :cell and m.user_id = any (:user_ids::uuid[]) and m.status = 'sent' and m.sent_at > :since
       and m.channel = :channel
     group by m.user_id
    """,
    Lately,
)
LATER = sql("""
    update notify.message set attempts = attempts - 1, due_at = :due_at
     where cell = :cell and id = any (:ids::uuid[]) and status = 'due'
""")
END = sql("""
    update notify.message set status = :status, sent_at = :sent_at, reason = :reason
     where cell = :cell and id = :id and status = 'due'
""")
AGAIN = sql("""
    update notify.message set due_at = :due_at, reason = :reason where cell = :cell and id = :id and status = 'due'
""")
LOCK = sql(_MESSAGE + " where m.cell = :cell and m.id = :id for no key update", Message)
RESEND = sql("""
    update notify.message set status = 'due', due_at = :now, at = :now, attempts = 0, reason = ''
     where cell = :cell and id = :id
""")
FORGET_USERS = sql("delete from notify.message where cell = :cell and user_id = any (:users::uuid[])")
FORGET_PREFERENCES = sql("delete from notify.preference where cell = :cell and user_id = any (:users::uuid[])")
FORGET_OLD = sql("""
    delete from notify.message
     where cell = :cell
       and id in (select o.id from notify.message o
                   where o.cell = :cell and o.id < :before and o.status <> 'due' order by o.id limit :limit)
""")

# Preferences: a user is found in whatever cell.
PREFERENCES = sql(
    """
    select user_id, language, phone, muted from notify.preference
     where cell = any (array(select c.cell from kit.cell c)) and user_id = any (:user_ids::uuid[])
    """,
    PreferenceRow,
)
PREFER = sql("""
    insert into notify.preference (cell, user_id, language, phone, muted)
    values (:cell, :user_id, :language, :phone, :muted)
    on conflict (cell, user_id) do update
       set language = excluded.language, phone = excluded.phone, muted = excluded.muted
""")
SET_LANGUAGE = sql("""
    insert into notify.preference (cell, user_id, language) values (:cell, :user_id, :language)
    on conflict (cell, user_id) do update set language = excluded.language
""")
MUTE = sql("""
    insert into notify.preference as p (cell, user_id, muted) values (:cell, :user_id, array[:topic::text])
    on conflict (cell, user_id) do update
       set muted = array(select distinct t from unnest(p.muted || excluded.muted) as t order by t)
""")

# The operator's day
IS_DIGESTED = sql("select exists (select from notify.digest where day = :day)", bool)
DIGEST = sql("insert into notify.digest (day) values (:day) on conflict do nothing returning day", date)

# Screens
FAILED = sql(
    "select count(*) from notify.message where cell = any (array(select c.cell from kit.cell c)) and status = 'failed'",
    int,
)
CELL_OF = sql(
    "select cell from notify.message where cell = any (array(select c.cell from kit.cell c)) and id = :id", int
)
MESSAGE = sql(_MESSAGE + " where m.cell = :cell and m.id = :id", Message)
MESSAGES = sql(
    f"""
    {_MESSAGE}
     where m.cell = any (array(select c.cell from kit.cell c)) and m.status = :status and m.id < :before
     order by m.id desc limit :limit
    """,  # noqa: S608 - constants
    Message,
)
OF_USER = sql(
    f"""
    {_MESSAGE}
     where m.cell = any (array(select c.cell from kit.cell c)) and m.user_id = :user_id and m.id < :before
       and m.at <= :now and m.status <> 'dropped'
     order by m.id desc limit :limit
    """,  # noqa: S608 - constants
    Message,
)
