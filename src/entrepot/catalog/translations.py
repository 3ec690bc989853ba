"""What a product says in other languages. Who reads gets the reader's language, else the market's, else what was first
written; a translation of what has changed since is stale, which is said to whoever reads it and can be listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from entrepot.catalog import store_translations as store
from entrepot.catalog.store_translations import MachineRow, ReviewRow, StaleRow, Translated
from entrepot.catalog.types import TextChanged, TranslatedByAnother
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.problem import NotFound

LISTED_MAX = 100
REVIEW_PAGE = 10


async def translate(
    tx: Tx, product_id: int, language: str, title: str, description: str, cell: int, seller_id: UUID | None,
    of: str | None = None,
) -> None:  # fmt: skip
    """Says what a product says now in another language than its own: a seller of what it offers, the operator (None)
    of anything. `of` is what the product said when the translator read it, if that is to be the same still. Raises
    NotFound, TranslatedByAnother and TextChanged."""
    await _require_offered(tx, cell, seller_id, product_id)
    await _note(tx, product_id, language)
    done = await tx.maybe(
        store.TRANSLATE, product_id=product_id, language=language, title=title, description=description,
        said_by=seller_id, of=of, now=tx.now,
    )  # fmt: skip
    if done is None:
        if of is not None and await tx.maybe(store.DIGEST, product_id=product_id) not in (of, None):
            raise TextChanged
        raise NotFound if seller_id is None else TranslatedByAnother


async def _require_offered(tx: ReadTx, cell: int, seller_id: UUID | None, product_id: int) -> None:
    if seller_id is not None:
        mine = await tx.maybe(store.OFFERED_BY, cell=cell, seller_id=seller_id, product_id=product_id)
        if mine is None:
            raise NotFound


async def review(tx: Tx, product_id: int, language: str, cell: int, seller_id: UUID | None) -> None:
    """Somebody has read what a machine said, and it is right: it is that seller's or the operator's from now on. Raises
    NotFound, also for what no machine said."""
    await _require_offered(tx, cell, seller_id, product_id)
    if await tx.maybe(store.REVIEWED, product_id=product_id, language=language, said_by=seller_id) is None:
        raise NotFound


async def unread(tx: ReadTx, cell: int, seller_id: UUID | None, after: int) -> list[MachineRow]:
    """What machines have said of what a seller offers (None: of anything) and nobody has read, by product, at most
    LISTED_MAX, of the products after one."""
    return await tx.all(store.UNREAD, cell=cell, seller_id=seller_id, after=after, limit=LISTED_MAX)


async def to_review(
    tx: ReadTx, cell: int, seller_id: UUID | None, after: tuple[int, str] = (0, "")
) -> list[ReviewRow]:  # fmt: skip
    """What somebody is to read, at most REVIEW_PAGE, after a product and language: machines' texts and stale ones of
    what a seller offers (None: of anything), without what another seller has said."""
    product_id, language = after
    return await tx.all(
        store.TO_REVIEW, cell=cell, seller_id=seller_id, after=product_id, after_language=language, limit=REVIEW_PAGE
    )


async def set_text(tx: Tx, product_id: int, title: str, description: str) -> None:
    """Changes what a product says; its address stays, its translations are stale. Raises NotFound."""
    await _note(tx, product_id, None)
    if await tx.maybe(store.SET_TEXT, product_id=product_id, title=title, description=description) is None:
        raise NotFound


async def _note(tx: Tx, product_id: int, language: str | None) -> None:
    """For the audit log, what it says now."""
    if tx.act is not None and (text := await tx.maybe(store.TEXT, product_id=product_id, language=language)):
        tx.was(title=text.title, description=text.description)


async def in_languages(tx: ReadTx, written: Mapping[int, str], languages: Sequence[str]) -> dict[int, Translated]:
    """The texts of products in the first of the languages that each has; absent are those that have none, or were
    written in that one. `written` has, by product, the language it was written in."""
    asked = list(dict.fromkeys(language.partition("-")[0] for language in languages if language))
    others = [product_id for product_id, language in written.items() if language not in asked[:1]]
    rows = await tx.all(store.IN_LANGUAGES, product_ids=others, languages=asked) if others and asked else []
    return {row.product_id: row for row in rows}


async def stale(tx: ReadTx, after: int) -> list[StaleRow]:
    """Translations of what has changed since, by product, at most LISTED_MAX, of the products after one."""
    return await tx.all(store.STALE, after=after, limit=LISTED_MAX)
