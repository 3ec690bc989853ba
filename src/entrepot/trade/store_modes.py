"""The SQL of registrations."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from entrepot.kit.sql import sql


class Registration(msgspec.Struct, frozen=True):
    """The platform's registration for a scheme, from `valid_from` until before `valid_to`."""

    scheme: str
    number: str
    valid_from: date
    valid_to: date | None


class Unknown(msgspec.Struct, frozen=True):
    """A seller of whom nobody has said where it is established."""

    seller_id: UUID
    name: str


class Established(msgspec.Struct, frozen=True):
    seller_id: UUID
    country: str


REGISTER = sql("""
    insert into trade.registration (scheme, valid_from, valid_to, number, said_by, said_at)
    values (:scheme, :valid_from, :valid_to, :number, :said_by, :now)
    on conflict (scheme, valid_from) do update
       set valid_to = excluded.valid_to, number = excluded.number, said_by = excluded.said_by,
           said_at = excluded.said_at
""")
REGISTRATIONS = sql(
    "select scheme, number, valid_from, valid_to from trade.registration order by scheme, valid_from", Registration
)
# The latest that has begun says whether there is one.
REGISTERED = sql(
    """
    select r.scheme, r.number, r.valid_from, r.valid_to
      from (select distinct on (scheme) scheme, number, valid_from, valid_to
              from trade.registration where valid_from <= :at order by scheme, valid_from desc) r
     where r.valid_to is null or r.valid_to > :at
     order by r.scheme
    """,
    Registration,
)
UNESTABLISHED = sql(
    """
    select s.id, s.name
      from sellers.seller s
     where s.kind <> 'own' and not exists (select from trade.establishment e where e.seller_id = s.id)
     order by s.id desc limit :limit
    """,
    Unknown,
)
CLAIM_PERSON = sql("insert into trade.person (id, counted_in) values (:id, :cell) on conflict do nothing")
CELL_OF_PERSON = sql("select counted_in from trade.person where id = :id", int)
# What the operator has said stays, whatever the seller says.
SET_ESTABLISHED = sql("""
    insert into trade.establishment as e (seller_id, country, said_by, said_at)
    values (:seller_id, :country, :said_by, :now)
    on conflict (seller_id) do update
       set country = excluded.country, said_by = excluded.said_by, said_at = excluded.said_at
     where e.said_by = 'seller' or excluded.said_by = 'operator'
""")
ESTABLISHED = sql(
    "select seller_id, country from trade.establishment where seller_id = any (:seller_ids::uuid[])", Established
)
