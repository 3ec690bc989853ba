"""Translating by a machine of somebody else's: what is missing is asked for, and what comes back is marked.

A translator is a POST that answers as many texts as it was sent, in their order:

    {"from": "en", "to": "de", "texts": ["Mug", "A cup of clay."]} -> {"texts": ["Becher", "Eine Tasse aus Ton."]}

What it says is shown at once, as a machine's, until a person has read it or said it better; over what a person said it
never writes.
"""

from __future__ import annotations

import httpx
import msgspec

from entrepot.catalog import store_translations as store
from entrepot.catalog.store_translations import Untranslated
from entrepot.kit.db import Database
from entrepot.kit.outside import OutsideError, call

BATCH = 100
TITLE_MAX, TEXT_MAX = 200, 10_000


class Asked(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    from_: str
    to: str
    texts: list[str]


class Answer(msgspec.Struct, frozen=True):
    texts: list[str]


async def translate_missing(db: Database, client: httpx.AsyncClient, url: str, language: str, limit: int) -> int:
    """Has what no person has said in a language translated, product by product, at most `limit`; how many. Raises
    OutsideError for a translator that is away or answers something else; what it said before that stays."""
    done, after = 0, 0
    while done < limit:
        async with db.read() as tx:
            found = await tx.all(store.UNTRANSLATED, language=language, after=after, limit=min(BATCH, limit - done))
        if not found:
            break
        for one in found:
            title, description = await _ask(client, url, one, language)
            done += await _say(db, one, language, title, description)
        after = found[-1].product_id
    return done


async def _say(db: Database, one: Untranslated, language: str, title: str, description: str) -> bool:
    """Whether it was still wanted."""
    async with db.write() as tx:
        said = await tx.maybe(
            store.SAY_BY_MACHINE, product_id=one.product_id, language=language, title=title, description=description,
            of=one.of, now=tx.now,
        )  # fmt: skip
    return said is not None


async def _ask(client: httpx.AsyncClient, url: str, one: Untranslated, language: str) -> tuple[str, str]:
    """The title and the description in the language; what is empty is not asked."""
    texts = [one.title, *([one.description] if one.description else [])]
    body = msgspec.json.encode(Asked(one.language, language, texts))
    answer = await call(client, "POST", url, key=f"{one.product_id}-{language}-{one.of}", body=body)
    try:
        said = msgspec.json.decode(answer.content, type=Answer).texts if answer.status_code == 200 else []
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = []
    title, description = [*said, ""][:2] if len(said) == len(texts) else ("", "")
    if not title.strip() or len(title) > TITLE_MAX or len(description) > TEXT_MAX or "\0" in title + description:
        raise OutsideError(f"translator: {answer.status_code}, and no translation of product {one.product_id}")
    return title.strip(), description.strip()
