"""The SQL of what may be sold, and to whom nothing is sent."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit.ids import END
from entrepot.kit.sql import sql
from entrepot.trade.types import Barrier


class Named(Barrier, frozen=True):
    """A rule with what a query says beside it."""

    @property
    def rule(self) -> Barrier:
        return Barrier(*(getattr(self, field) for field in Barrier.__struct_fields__))


class Standing(Named, frozen=True):
    """A rule that stands in the way of the sale `ord`, counted from 1, from the day `begins`."""

    ord: int
    begins: date


class RuleRow(Named, frozen=True):
    """A rule of a country, with all of its marks."""

    marks: list[str]
    not_from: list[str]
    within: list[str]
    source: str


class Match(msgspec.Struct, frozen=True):
    """The name number `ord`, counted from 1, may be this listed one."""

    ord: int
    list: str
    ref: str
    name: str


class PermitRow(msgspec.Struct, frozen=True):
    seller_id: UUID
    seller_name: str
    country: str
    name: str
    number: str
    valid_to: date | None


Electronic = Annotated[
    str, Meta(min_length=5, max_length=300, pattern=f"^(https?://|[^@\\s]+@)[^@\\s]+{END}", examples=["eu@example.com"])
]
"""An e-mail address, or that of a page."""


class Contact(msgspec.Struct, frozen=True):
    """Who answers for a seller's goods in a country: the name, the postal address, and an e-mail address or a page."""

    country: str
    name: str
    address: str
    electronic: str


# Who quotes holds it shared, who changes the rules alone, and before anything else: a quote either has seen the change
# or is seen by who follows it up, and two changes come one after the other.
HOLD_RULES = sql("select pg_advisory_xact_lock_shared(hashtext('trade.restriction'))")
LOCK_RULES = sql("select pg_advisory_xact_lock(hashtext('trade.restriction'))")
OF_SOURCE = sql("select r::text from trade.restriction r where source = :source order by 1", str)
FORGET_RULES = sql("delete from trade.restriction where source = :source")
ADD_RULES = sql("""
    insert into trade.restriction (country, mark, name, effect, age, proof, not_from, within, text, citation,
                                   valid_from, valid_to, source)
    select r.country, m.mark, r.fact ->> 'name', r.fact ->> 'effect', (r.fact ->> 'age')::smallint, r.fact ->> 'proof',
           array(select jsonb_array_elements_text(r.fact -> 'not_from')),
           array(select jsonb_array_elements_text(r.fact -> 'within')), r.fact -> 'text', r.citation, r.begin, r.end_,
           :source
      from unnest(:countries::text[], :facts::jsonb[], :begins::date[], :ends::date[], :citations::text[])
           as r (country, fact, begin, end_, citation)
     cross join lateral (select distinct mark
                           from jsonb_array_elements_text((r.fact -> 'codes') || (r.fact -> 'traits')) mark) m
""")
# A permit lets its seller pass, and the rule begins to stand when it ends. So does a contact, which does not end.
STANDING = sql(
    """
    select distinct on (s.ord, b.name, b.valid_from)
           b.name, b.effect, b.age, b.proof, b.text, b.citation, b.valid_from, b.valid_to, s.ord::int,
           greatest(b.valid_from, p.valid_to)
      from unnest(:variants::bigint[], :sellers::uuid[], :froms::text[])
           with ordinality as s (variant_id, seller_id, from_country, ord)
     cross join lateral (select k.mark from trade.mark k
                          where k.variant_id = s.variant_id and (k.said_by is null or k.said_by = s.seller_id)
                          union all
                         select 'goods' offset 0) k
      join trade.restriction b on b.country = :country and b.mark = k.mark
      left join trade.permit p on b.effect = 'permit' and p.seller_id = s.seller_id and p.country = b.country
                              and p.name = b.name and (p.valid_to is null or p.valid_to > :at)
     where (b.valid_to is null or b.valid_to > :at) and s.from_country <> all (b.not_from)
       and (p.seller_id is null or p.valid_to < coalesce(b.valid_to, 'infinity'))
       and not (b.effect = 'contact' and exists (select from trade.contact c where c.seller_id = s.seller_id
                                                                               and c.country = any (b.within)))
     order by s.ord, b.name, b.valid_from
    """,
    Standing,
)
OF_VARIANTS = sql(
    """
    select distinct on (b.name, b.valid_from)
           b.name, b.effect, b.age, b.proof, b.text, b.citation, b.valid_from, b.valid_to
      from unnest(:variant_ids::bigint[]) as v (id)
     cross join lateral (select k.mark from trade.mark k where k.variant_id = v.id offset 0) k
      join trade.restriction b on b.country = :country and b.mark = k.mark
     where b.valid_from <= :at
       and (b.valid_to is null or b.valid_to > :at)
     order by b.name, b.valid_from
    """,
    Barrier,
)
RULES = sql(
    """
    select r.name, r.effect, r.age, r.proof, r.text, r.citation, r.valid_from, r.valid_to,
           array_agg(r.mark order by r.mark), r.not_from, r.within, r.source
      from trade.restriction r
     where r.country = :country and (r.valid_to is null or r.valid_to > :at)
     group by r.name, r.effect, r.age, r.proof, r.text, r.citation, r.valid_from, r.valid_to, r.not_from, r.within,
              r.source
     order by r.name, r.valid_from, r.source
     limit :limit
    """,
    RuleRow,
)
COUNTRIES = sql("select distinct country from trade.restriction order by country", str)

TRAITS = sql("select distinct trait from trade.trait where variant_id = :variant_id order by trait", str)
FORGET_TRAITS = sql("""
    delete from trade.trait
     where variant_id = :variant_id and (:said_by::uuid is null or said_by = :said_by)
       and trait <> all (:traits::text[])
""")
ADD_TRAITS = sql("""
    insert into trade.trait (variant_id, trait, said_by)
    select :variant_id, t.trait, :said_by from unnest(:traits::text[]) as t (trait) order by 2
    on conflict do nothing
""")
CATEGORY = sql("select id from catalog.category where slug = :slug", int)
CATEGORY_TRAITS = sql("select trait from trade.category_trait where category_id = :category_id order by trait", str)
FORGET_CATEGORY_TRAITS = sql("""
    delete from trade.category_trait where category_id = :category_id and trait <> all (:traits::text[])
""")
ADD_CATEGORY_TRAITS = sql("""
    insert into trade.category_trait (category_id, trait)
    select :category_id::bigint, t.trait from unnest(:traits::text[]) as t (trait)
    on conflict do nothing
""")

RULE_WITH_PERMIT = sql(
    "select 1 from trade.restriction where country = :country and name = :name and effect = 'permit' limit 1", int
)
GRANT = sql("""
    insert into trade.permit (seller_id, country, name, number, valid_to, granted_by, granted_at)
    values (:seller_id, :country, :name, :number, :valid_to, :granted_by, :now)
    on conflict (seller_id, country, name) do update
       set number = excluded.number, valid_to = excluded.valid_to, granted_by = excluded.granted_by,
           granted_at = excluded.granted_at
""")
WITHDRAW = sql(
    """
    delete from trade.permit where seller_id = :seller_id and country = :country and name = :name returning name
    """,
    str,
)
PERMITS = sql(
    """
    select p.seller_id, s.name, p.country, p.name, p.number, p.valid_to
      from trade.permit p
      join sellers.seller s on s.id = p.seller_id
     where p.country = :country
     order by s.name, p.name
     limit :limit
    """,
    PermitRow,
)

CONTACTS = sql(
    """
    select country, name, address, electronic from trade.contact where seller_id = :seller_id order by country
    """,
    Contact,
)
SAY_CONTACT = sql("""
    insert into trade.contact (seller_id, country, name, address, electronic, said_at)
    values (:seller_id, :country, :name, :address, :electronic, :now)
    on conflict (seller_id, country) do update
       set name = excluded.name, address = excluded.address, electronic = excluded.electronic,
           said_at = excluded.said_at
""")
FORGET_CONTACT = sql(
    "delete from trade.contact where seller_id = :seller_id and country = :country returning country", str
)

FORGET_PARTIES = sql("delete from trade.denied_party where list = :list")
ADD_PARTIES = sql("""
    insert into trade.denied_party (list, ref, name, plain, words)
    select distinct on (p.ref, p.plain) :list, p.ref, p.name, p.plain, string_to_array(p.plain, ' ')
      from unnest(:refs::text[], :names::text[], :plains::text[]) as p (ref, name, plain)
     order by p.ref, p.plain
""")
ANY_PARTY = sql("select exists (select from trade.denied_party)", bool)
SCREEN = sql("select ord, list, ref, name from trade.screen_many(:plains)", Match)
