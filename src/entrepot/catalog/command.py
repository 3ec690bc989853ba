"""`entrepot translate`: has what nobody has said in a language said by a translator of yours."""

from __future__ import annotations

import asyncio

import httpx

from entrepot.catalog.machine import translate_missing
from entrepot.kit.db import Database
from entrepot.settings import Settings


def run(settings: Settings, url: str, language: str, limit: int) -> None:
    """Raises OutsideError."""

    async def work() -> int:
        db = await Database.open(settings.database_url)
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return await translate_missing(db, client, url, language, limit)
        finally:
            await db.close()

    print(f"{asyncio.run(work()):,} products are in {language} now, as a machine says; have them read")
