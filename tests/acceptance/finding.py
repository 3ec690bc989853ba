"""How well codes are found by words, for the tests of borders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager

from entrepot.kit.db import Database

ASKED = 60
TEXTS = """
    create temporary table texts on commit drop as
    select substr(l.code, 1, 6) as code, string_agg(distinct h.text || ' ' || l.text, ' ') as text
      from trade.code c
      join trade.code_text l on l.nomenclature = 'EU' and l.code = c.code and l.language = 'en'
      join trade.code_text h on h.nomenclature = 'EU' and h.code = substr(c.code, 1, 4) and h.language = 'en'
     where c.nomenclature = 'EU' and c.leaf
     group by 1;
"""
TRIGRAMS_OF_TEXTS = """
    create temporary table trigrams on commit drop as
    select code, cardinality(its) as of, trigram
      from (select code, show_trgm(text) as its from texts offset 0), unnest(its) as trigram
     order by trigram;
    create index on trigrams (trigram);
    analyze trigrams;
"""
# By pg_trgm's similarity(text, $1), which each time would take all texts apart: what both have, of what either has.
TRIGRAMS = """
    select code from trigrams where trigram = any (show_trgm($1))
     group by code, of
     order by count(*)::real / (of + cardinality(show_trgm($1)) - count(*)) desc, code
     limit 5
"""
OWN_TEXTS = """
    select substr(l.code, 1, 6) as code, h.text || ' ' || l.text as text
      from trade.code c
      join trade.code_text l using (nomenclature, code)
      join trade.code_text h on h.nomenclature = 'EU' and h.code = substr(c.code, 1, 4) and h.language = l.language
     where c.nomenclature = 'EU' and c.leaf and l.language = $1 and l.text !~* $2
     order by md5(l.code) limit $3
"""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    db = await Database.open(url)
    try:
        yield db
    finally:
        await db.close()


class UndoneError(Exception):
    pass


async def accuracy(found: Iterable[tuple[str, Awaitable[list[str]]]]) -> tuple[float, float]:
    """How often the right code is the first of those found, and among them."""
    first, among, asked = 0, 0, 0
    for code, finding in found:
        codes = await finding
        asked += 1
        first += codes[:1] == [code]
        among += code in codes
    return first / asked, among / asked
