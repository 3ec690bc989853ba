"""The SQL of products' texts in other languages."""

from __future__ import annotations

from datetime import datetime

import msgspec

from entrepot.kit.sql import sql


class Text(msgspec.Struct, frozen=True):
    title: str
    description: str


class Translated(msgspec.Struct, frozen=True):
    """A product's texts in a language; `stale` when the product has changed since."""

    product_id: int
    language: str
    title: str
    description: str
    stale: bool


class StaleRow(msgspec.Struct, frozen=True):
    """A translation of what a product does not say any more: what it says, and what the product says now."""

    product_id: int
    language: str
    title: str
    source_title: str
    updated_at: datetime


_DIGEST = "md5(p.title || ' ' || p.description)"
# The first of the languages that a product has, unless it was written in that one or in one before it.
IN_LANGUAGES = sql(
    f"""
    select distinct on (t.product_id) t.product_id, t.language, t.title, t.description, t.of <> {_DIGEST}
      from catalog.translation t
      join catalog.product p on p.id = t.product_id
     where t.product_id = any (:product_ids::bigint[]) and t.language = any (:languages::text[])
       and coalesce(array_position(:languages, t.language) < array_position(:languages, p.language), true)
     order by t.product_id, array_position(:languages::text[], t.language)
    """,  # noqa: S608 - a constant
    Translated,
)
# What one seller or the operator has translated no other seller changes.
TRANSLATE = sql(
    f"""
    insert into catalog.translation (product_id, language, title, description, of, said_by, updated_at)
    select p.id, :language, :title, :description, {_DIGEST}, :said_by, :now
      from catalog.product p where p.id = :product_id and p.language <> :language
    on conflict (product_id, language) do update
       set title = excluded.title, description = excluded.description, of = excluded.of, said_by = excluded.said_by,
           updated_at = excluded.updated_at
     where :said_by::uuid is null or translation.said_by = :said_by
    returning product_id
    """,  # noqa: S608
    int,
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
