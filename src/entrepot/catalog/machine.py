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
    """Has what no person has said in a language translated, product by product, at most `limit`; how many. What is no
    translation is left out: whoever wrote a title that grows too long holds up nobody else's. Raises OutsideError for
    it in the end, and at once for a translator that is away; what it said before that stays."""
    done, asked, after, refused = 0, 0, 0, list[str]()
    while asked < limit:
        async with db.read() as tx:
            found = await tx.all(store.UNTRANSLATED, language=language, after=after, limit=min(BATCH, limit - asked))
        if not found:
            break
        for one in found:
            said = await _ask(client, url, one, language)
            if said is None:
                refused.append(str(one.product_id))
            else:
                done += await _say(db, one, language, *said)
        asked, after = asked + len(found), found[-1].product_id
    if refused:
        raise OutsideError(f"no translation of product {', '.join(refused)}; of others {done}")
    return done


async def _say(db: Database, one: Untranslated, language: str, title: str, description: str) -> bool:
    """Whether it was still wanted."""
    async with db.write() as tx:
        said = await tx.maybe(
            store.SAY_BY_MACHINE, product_id=one.product_id, language=language, title=title, description=description,
            of=one.of, now=tx.now,
        )  # fmt: skip
    return said is not None


async def _ask(client: httpx.AsyncClient, url: str, one: Untranslated, language: str) -> tuple[str, str] | None:
    """The title and the description in the language; what is empty is not asked. None for what is no translation."""
    texts = [one.title, *([one.description] if one.description else [])]
    body = msgspec.json.encode(Asked(one.language, language, texts))
    answer = await call(client, "POST", url, key=f"{one.product_id}-{language}-{one.of}", body=body)
    if answer.status_code != 200:
        raise OutsideError(f"translator: {answer.status_code}")
    try:
        said = msgspec.json.decode(answer.content, type=Answer).texts
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = []
    title, description = [*said, ""][:2] if len(said) == len(texts) else ("", "")
    if not title.strip() or len(title) > TITLE_MAX or len(description) > TEXT_MAX or "\0" in title + description:
        return None
    return title.strip(), description.strip()
