"""The accounts' SQL. E-mails are folded here and only here, by the same function that the table checks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.accounts.types import Address, Login, Me, SavedAddress
from entrepot.kit.sql import sql


class InCountry(msgspec.Struct, frozen=True):
    """A user's address, and where it is."""

    user_id: UUID
    id: UUID
    country: str


class Named(msgspec.Struct, frozen=True):
    user_id: UUID
    name: str


class Ended(msgspec.Struct, frozen=True):
    """A user whose sessions of before `generation` were ended."""

    user_id: UUID
    generation: int


class Failures(msgspec.Struct, frozen=True):
    """How often `who` failed in the window, and the first time."""

    who: bytes
    count: int
    first: datetime


class Staff(msgspec.Struct, frozen=True):
    """Somebody who works for a seller, or (None) for the operator."""

    user_id: UUID
    seller_id: UUID | None


class LoginEmail(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str


class GuestRow(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str | None


class User(msgspec.Struct, frozen=True):
    """`generation` is how often its sessions were ended."""

    cell: int
    user_id: UUID
    generation: int


ADD_USERS = sql(
    """
    insert into accounts.user (cell, id, role, seller_id, created_at)
    select :cell, u.id, :role, :seller_id, :now from unnest(:ids::uuid[]) as u (id) order by u.id
    on conflict do nothing
    returning id
    """,
    UUID,
)
ADD_GUEST = sql("insert into accounts.guest (cell, user_id) values (:cell, :user_id)")
SET_GUEST_EMAIL = sql(
    """
    update accounts.guest set email = lower(:email) where cell = :cell and user_id = :user_id returning user_id
    """,
    UUID,
)
END_GUEST = sql("delete from accounts.guest where cell = :cell and user_id = :user_id returning user_id", UUID)
GUEST = sql("select user_id, email from accounts.guest where cell = :cell and user_id = :user_id", GuestRow)
GUESTS_AMONG = sql(
    """
    select user_id from accounts.guest
     where cell = any (array(select c.cell from kit.cell c)) and user_id = any (:user_ids::uuid[])
    """,
    UUID,
)
GUEST_EMAILS = sql(
    """
    select user_id, email from accounts.guest
     where cell = any (array(select c.cell from kit.cell c)) and user_id = any (:user_ids::uuid[])
       and email is not null
    """,
    LoginEmail,
)
KEEP_LINK = sql("""
    insert into accounts.guest_link (cell, group_id, user_id, hash, made_at)
    select :cell, :group_id, u.id, :hash, :now
      from accounts.user u where u.cell = :cell and u.id = :user_id and u.erased_at is null
    on conflict do nothing
""")
LINK = sql(
    """
    select l.cell, l.user_id, u.generation
      from accounts.guest_link l
      join accounts.user u on u.cell = l.cell and u.id = l.user_id
     where l.cell = any (array(select c.cell from kit.cell c)) and l.group_id = :group_id and l.user_id = :user_id
       and l.hash = :hash and l.made_at > :since and u.erased_at is null
    """,
    User,
)
SAME_EMAIL = sql(
    """
    select g.cell, g.user_id, u.generation
      from accounts.login l
      join accounts.guest g on g.cell = any (array(select c.cell from kit.cell c)) and g.email = l.email
      join accounts.user u on u.cell = g.cell and u.id = g.user_id
     where l.user_id = :user_id and l.proven_at is not null
     order by g.user_id desc
     limit :limit
    """,
    User,
)
EMAIL = sql("select email from accounts.login where user_id = :user_id", str)
PROVE = sql("""
    update accounts.login set proven_at = :now where user_id = :user_id and email = :email and proven_at is null
""")
FORGET_GUESTS = sql("""
    delete from accounts.user u
     where u.cell = :cell
       and u.id in (select user_id from accounts.guest
                     where cell = :cell and email is null and user_id < :made_before order by user_id limit :limit)
""")
ERASE_GUEST = sql("delete from accounts.guest where cell = :cell and user_id = :user_id")
ERASE_LINKS = sql("delete from accounts.guest_link where cell = :cell and user_id = :user_id")
BUYERS = sql(
    """
    select id from accounts.user where cell = :cell and id = any (:ids::uuid[]) and role = 'buyer' order by id
    """,
    UUID,
)
ADD_LOGIN = sql(
    """
    insert into accounts.login (email, cell, user_id, password_hash)
    values (lower(:email), :cell, :user_id, :password_hash)
    on conflict (email) do nothing
    returning user_id
    """,
    UUID,
)
ADD_PERSON = sql("insert into accounts.person (cell, user_id, name) values (:cell, :user_id, :name)")
LOGIN = sql(
    """
    select u.role, u.id, u.cell, u.seller_id, l.password_hash, u.generation
      from accounts.login l
      join accounts.user u on u.cell = l.cell and u.id = l.user_id
     where l.email = lower(:email)
    """,
    Login,
)
END_SESSIONS = sql(
    """
    update accounts.user set generation = generation + 1, ended_at = :now
     where cell = any (array(select c.cell from kit.cell c)) and id = :user_id
    returning cell, id as user_id, generation
    """,
    User,
)
ENDED = sql(
    """
    select id, generation from accounts.user
     where cell = any (array(select c.cell from kit.cell c)) and ended_at > :since
    """,
    Ended,
)
ME = sql(
    """
    select u.id, u.role, u.seller_id, coalesce(l.email, g.email), p.name, g.user_id is not null,
           l.proven_at is not null
      from accounts.user u
      left join accounts.guest g on g.cell = u.cell and g.user_id = u.id
      left join accounts.login l on l.user_id = u.id
      left join accounts.person p on p.cell = u.cell and p.user_id = u.id
     where u.cell = :cell and u.id = :user_id
    """,
    Me,
)
EMAILS = sql("select user_id, email from accounts.login where user_id = any (:user_ids::uuid[])", LoginEmail)
STAFF = sql(
    """
    select id, seller_id from accounts.user
     where cell = :cell and role = 'seller' and seller_id = any (:seller_ids::uuid[]) order by id
    """,
    Staff,
)
OPERATORS = sql(
    "select id, seller_id from accounts.user where cell = :cell and role = 'operator' order by id limit :limit", Staff
)
# Serializes the tries of one e-mail and of one address, so that a burst cannot outrun the count.
LOCK_TRIES = sql(
    """
    select pg_advisory_xact_lock(k.key) is null
      from (select hashtextextended(encode(w.who, 'hex'), 0) as key from unnest(:whos::bytea[]) as w (who) order by 1) k
    """,
    bool,
)
FAILURES = sql(
    """
    select a.who, count(*), min(a.at)
      from accounts.login_attempt a
     where a.who = any (:whos::bytea[]) and a.at > :since
     group by a.who
    """,
    Failures,
)
ADD_TRIES = sql(
    """
    insert into accounts.login_attempt (who, at) select w.who, :now from unnest(:whos::bytea[]) as w (who)
    returning id
    """,
    int,
)
FORGIVE = sql("delete from accounts.login_attempt where id = any (:ids::bigint[])")
FORGET_TRIES = sql("""
    delete from accounts.login_attempt
     where id in (select id from accounts.login_attempt where at <= :before order by at limit :limit)
""")

LOCK_USER = sql(
    """
    select id from accounts.user
     where cell = :cell and id = :user_id and erased_at is null for no key update
    """,
    UUID,
)
# The ids of a cell's users say nothing of the cell, so that it is looked up in each.
SINCE = sql("select created_at from accounts.user where cell = :cell and id = :user_id", datetime)
CELL_OF = sql(
    "select cell from accounts.user where cell = any (array(select c.cell from kit.cell c)) and id = :user_id", int
)
NAMES = sql(
    """
    select user_id, name from accounts.person
     where cell = any (array(select c.cell from kit.cell c)) and user_id = any (:ids::uuid[])
    """,
    Named,
)
_ADDRESS = "id, recipient, line1, line2, city, region, postal_code, country, phone, tax_id, district"
COUNT_ADDRESSES = sql(
    "select count(*) from accounts.address where cell = :cell and user_id = :user_id and removed_at is null", int
)
ADD_ADDRESS = sql("""
    insert into accounts.address (cell, id, user_id, recipient, line1, line2, city, district, region, postal_code,
                                  country, phone, tax_id, is_default, created_at)
    values (:cell, :id, :user_id, :recipient, :line1, :line2, :city, :district, :region, :postal_code, :country, :phone,
            :tax_id, :is_default, :now)
""")
# The one that is taken where nothing else is said comes last: the default, else the latest.
ADDRESSES = sql(
    f"""
    select {_ADDRESS}, is_default
      from accounts.address
     where cell = :cell and user_id = :user_id and removed_at is null
     order by is_default, id
     limit :limit
    """,  # noqa: S608 - a constant
    SavedAddress,
)
ADDRESS = sql(
    f"select {_ADDRESS} from accounts.address where cell = :cell and id = :id and user_id = :user_id",  # noqa: S608
    Address,
)
SAVED_ADDRESS = sql(
    f"""
    select {_ADDRESS}, is_default from accounts.address
     where cell = :cell and id = :id and user_id = :user_id and removed_at is null
    """,  # noqa: S608 - a constant
    SavedAddress,
)
NO_DEFAULT = sql(
    "update accounts.address set is_default = false where cell = :cell and user_id = :user_id and is_default"
)
MAKE_DEFAULT = sql(
    """
    update accounts.address set is_default = true
     where cell = :cell and id = :id and user_id = :user_id and removed_at is null
    returning id
    """,
    UUID,
)
COUNTRIES_OF = sql(
    """
    select a.user_id, a.id, a.country
      from unnest(:user_ids::uuid[], :ids::uuid[]) as u (user_id, id)
      join accounts.address a on a.cell = :cell and a.id = u.id and a.user_id = u.user_id
    """,
    InCountry,
)
REMOVE_ADDRESS = sql(
    """
    update accounts.address set is_default = false, removed_at = :now
     where cell = :cell and id = :id and user_id = :user_id and removed_at is null
    returning id
    """,
    UUID,
)
FORGET_ADDRESSES = sql("""
    delete from accounts.address a
     where a.cell = :cell
       and a.id in (select id from accounts.address
                     where cell = :cell and removed_at <= :before order by removed_at limit :limit)
""")
ERASE_ADDRESSES = sql("delete from accounts.address where cell = :cell and user_id = :user_id")
ERASE_PERSON = sql("delete from accounts.person where cell = :cell and user_id = :user_id")
ERASED = sql("update accounts.user set erased_at = :now where cell = :cell and id = :user_id")
ERASE_LOGIN = sql("delete from accounts.login where user_id = :user_id")
