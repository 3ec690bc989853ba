"""`entrepot fx`: takes in exchange rates, and lists which there are."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from entrepot import trade
from entrepot.exchange import actions, providers
from entrepot.kit.db import Database
from entrepot.settings import Settings

YEARS = 5


def run(settings: Settings, verb: str, file: Path | None) -> None:
    """Adds the rates of a file, or those of the last YEARS that were installed with this program. Raises
    FileNotReadError."""
    told = providers.of_file(file) if file is not None else None

    async def work() -> list[str]:
        db = await Database.open(settings.database_url)
        try:
            async with db.write() as tx:
                if verb == "import":
                    rates = told or providers.bundled(date(tx.now.year - YEARS, 1, 1))
                    news = await actions.take_rates(tx, rates)
                    return [f"{rates.title}: {f'{len(rates.rows):,} rates' if news else 'known already'}"]
                found = await trade.euro_sources(tx)
                return [f"{one.currency}  {one.first} to {one.last}  {one.title}" for one in found]
        finally:
            await db.close()

    print("\n".join(asyncio.run(work())) or "there is no exchange rate yet: entrepot fx import")
