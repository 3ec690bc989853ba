"""The SQL of products' texts in other languages."""

from __future__ import annotations

from datetime import datetime

import msgspec

from entrepot.kit.sql import sql


class Text(msgspec.Struct, frozen=True):
    title: str
    description: str


class Untranslated(msgspec.Struct, frozen=True):
    """What a machine may translate; `of` is the digest of it."""

    product_id: int
    language: str
    title: str
    description: str
    of: str


class MachineRow(msgspec.Struct, frozen=True):
    """What a machine has said of a product, and what the product says."""

    product_id: int
    language: str
    title: str
    description: str
    source_language: str
    source_title: str
    updated_at: datetime


class Translated(msgspec.Struct, frozen=True):
    """A product's texts in a language; `stale` when the product has changed since, `machine` when a machine has said so
    and nobody has read it."""

    product_id: int
    language: str
    title: str
    description: str
    stale: bool
    machine: bool


class StaleRow(msgspec.Struct, frozen=True):
    """A translation of what a product does not say any more: what it says, and what the product says now."""

    product_id: int
    language: str
    title: str
    source_title: str
    updated_at: datetime


class ReviewRow(msgspec.Struct, frozen=True):
    """A translation that somebody is to read, beside what the product says now; `of` is the digest of that."""

    product_id: int
    language: str
    title: str
    description: str
    machine: bool
    stale: bool
    source_language: str
    source_title: str
    source_description: str
    of: str


_DIGEST = "md5(p.title || ' ' || p.description)"
# The first of the languages that a product has, unless it was written in that one or in one before it.
IN_LANGUAGES = sql(
    f"""
    select distinct on (t.product_id) t.product_id, t.language, t.title, t.description, t.of <> {_DIGEST},
           t.machine
      from catalog.translation t
      join catalog.product p on p.id = t.product_id
     where t.product_id = any (:product_ids::bigint[]) and t.language = any (:languages::text[])
       and coalesce(array_position(:languages, t.language) < array_position(:languages, p.language), true)
     order by t.product_id, array_position(:languages::text[], t.language)
    """,  # noqa: S608 - a constant
    Translated,
)
# What one seller or the operator has translated no other seller changes; a machine's anybody who offers the product.
TRANSLATE = sql(
    f"""
    insert into catalog.translation (product_id, language, title, description, of, said_by, updated_at)
    select p.id, :language, :title, :description, {_DIGEST}, :said_by, :now
      from catalog.product p
     where p.id = :product_id and p.language <> :language and (:of::text is null or {_DIGEST} = :of)
    on conflict (product_id, language) do update
       set title = excluded.title, description = excluded.description, of = excluded.of, said_by = excluded.said_by,
           updated_at = excluded.updated_at, machine = false
     where :said_by::uuid is null or translation.said_by = :said_by or translation.machine
    returning product_id
    """,  # noqa: S608
    int,
)
# What has no translation, or a machine's of what the product does not say any more: a person's is never touched.
UNTRANSLATED = sql(
    f"""
    select p.id, p.language, p.title, p.description, {_DIGEST}
      from catalog.product p
      left join catalog.translation t on t.product_id = p.id and t.language = :language
     where p.language <> :language and p.id > :after
       and (t.product_id is null or (t.machine and t.of <> {_DIGEST}))
     order by p.id
     limit :limit
    """,  # noqa: S608
    Untranslated,
)
# Only of what the product still says, and never over what a person said meanwhile.
SAY_BY_MACHINE = sql(
    f"""
    insert into catalog.translation (product_id, language, title, description, of, machine, updated_at)
    select p.id, :language, :title, :description, :of, true, :now
      from catalog.product p where p.id = :product_id and {_DIGEST} = :of
    on conflict (product_id, language) do update
       set title = excluded.title, description = excluded.description, of = excluded.of,
           updated_at = excluded.updated_at
     where translation.machine
    returning product_id
    """,  # noqa: S608
    int,
)
REVIEWED = sql(
    """
    update catalog.translation set machine = false, said_by = :said_by
     where product_id = :product_id and language = :language and machine
    returning product_id
    """,
    int,
)
UNREAD = sql(
    """
    select t.product_id, t.language, t.title, t.description, p.language, p.title, t.updated_at
      from catalog.translation t
      join catalog.product p on p.id = t.product_id
     where t.machine and t.product_id > :after
       and (:seller_id::uuid is null
            or exists (select from catalog.offer o
                        where o.cell = :cell and o.seller_id = :seller_id and o.product_id = p.id))
     order by t.product_id, t.language
     limit :limit
    """,
    MachineRow,
)
STALE = sql(
    f"""
    select t.product_id, t.language, t.title, p.title, t.updated_at
      from catalog.translation t
      join catalog.product p on p.id = t.product_id
     where t.of <> {_DIGEST} and t.product_id > :after
     order by t.product_id, t.language
     limit :limit
    """,  # noqa: S608
    StaleRow,
)
# Of a seller: machines' texts of what it offers, and its own that are stale. An offer is there once for each variant.
TO_REVIEW = sql(
    f"""
    select t.product_id, t.language, t.title, t.description, t.machine, t.of <> {_DIGEST},
           p.language, p.title, p.description, {_DIGEST}
      from catalog.translation t
      join catalog.product p on p.id = t.product_id
     where (t.machine or t.of <> {_DIGEST}) and (t.product_id, t.language) > (:after, :after_language)
       and (:seller_id::uuid is null
            or ((t.machine or t.said_by = :seller_id)
                and exists (select from catalog.offer o
                             where o.cell = :cell and o.seller_id = :seller_id and o.product_id = p.id)))
     order by t.product_id, t.language
     limit :limit
    """,  # noqa: S608
    ReviewRow,
)
DIGEST = sql(f"select {_DIGEST} from catalog.product p where p.id = :product_id", str)  # noqa: S608
# As it is: in its own language, or as it was translated.
TEXT = sql(
    """
    select p.title, p.description from catalog.product p where p.id = :product_id and :language::text is null
     union all
    select t.title, t.description from catalog.translation t where t.product_id = :product_id and t.language = :language
    """,
    Text,
)
SET_TEXT = sql(
    """
    update catalog.product set title = :title, description = :description where id = :product_id returning id
    """,
    int,
)
OFFERED_BY = sql(
    """
    select 1 from catalog.offer where cell = :cell and seller_id = :seller_id and product_id = :product_id limit 1
    """,
    int,
)
