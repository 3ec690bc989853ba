"""The approvals' SQL. Nothing of it belongs to a cell: operators work for all."""

from __future__ import annotations

from entrepot.approvals.types import Limit, Request
from entrepot.kit.sql import sql

# Locked first of all, so that two of one operator's do not both see what is left of the day.
LOCK_LIMITS = sql(
    """
    select action, currency, limit_minor, set_at, set_by from approvals.alone
     where action = :action order by currency for no key update
    """,
    Limit,
)
LIMITS = sql(
    "select action, currency, limit_minor, set_at, set_by from approvals.alone order by action, currency", Limit
)
SPENT = sql(
    """
    select coalesce(sum(amount_minor), 0)::bigint from approvals.done_alone
     where user_id = :user_id and action = :action and currency = :currency and at > :since
    """,
    int,
)
ADD_DONE = sql("""
    insert into approvals.done_alone (id, user_id, action, currency, amount_minor, limit_minor, at)
    values (:id, :user_id, :action, :currency, :amount_minor, :limit_minor, :now)
""")
SET_LIMIT = sql("""
    insert into approvals.alone (action, currency, limit_minor, set_at, set_by)
    values (:action, :currency, :limit_minor, :now, :user_id)
    on conflict (action, currency) do update
       set limit_minor = excluded.limit_minor, set_at = excluded.set_at, set_by = excluded.set_by
""")
DROP_LIMIT = sql(
    "delete from approvals.alone where action = :action and currency = :currency returning limit_minor", int
)
ADD = sql("""
    insert into approvals.request (id, action, args, currency, amount_minor, asked_by, asked_at, expires_at)
    values (:id, :action, :args, :currency, :amount_minor, :user_id, :now, :expires_at)
""")
_COLUMNS = """id, action, args, currency, amount_minor, asked_by, asked_at, expires_at, status, decided_by, decided_at,
           note"""
LOCK = sql(f"select {_COLUMNS} from approvals.request where id = :id for no key update", Request)  # noqa: S608
DECIDE = sql("""
    update approvals.request set status = :status, decided_by = :user_id, decided_at = :now, note = :note
     where id = :id
""")
WAITING = sql(
    f"""
    select {_COLUMNS} from approvals.request
     where status = 'waiting' and expires_at > :now and id > :after order by id limit :limit
    """,  # noqa: S608
    Request,
)
OVER = sql(
    f"""
    select {_COLUMNS} from approvals.request
     where (status <> 'waiting' or expires_at <= :now) and (:before::uuid is null or id < :before)
     order by id desc limit :limit
    """,  # noqa: S608
    Request,
)
