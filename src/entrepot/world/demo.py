"""`entrepot demo`: a real year (or its first four weeks) replayed, then a marketplace to look around in."""

from __future__ import annotations

import asyncio

from entrepot.kit.db import Database
from entrepot.settings import Settings
from entrepot.world import auditor, completejourney
from entrepot.world.seed import BUYER, OPERATOR, OWN_SHOP, PASSWORD, SELLER, seed

DAYS = 28


def run(settings: Settings, check: bool, full: bool) -> int:
    """Imports what is not there yet, prints the report, adds what the demo needs, audits once more, and says who may
    sign in. 1 when something does not tie. With `check` that is all; without it the caller goes on to serve."""
    until = completejourney.window_end(None if full else DAYS)
    if code := completejourney.import_and_report(settings, until):
        return code
    if audit := asyncio.run(_furnish(settings.database_url)):
        print("\nshelves filled, log-ins and fresh orders added")
        completejourney.say_audit(audit)
        if audit.total:
            return 1
    if not check:
        print("\n".join(_welcome(f"http://{settings.host}:{settings.port}")))
    return 0


async def _furnish(url: str) -> auditor.Report | None:
    """What the demo adds, and the audit after it; None when it was there before."""
    if not await seed(url):
        return None
    db = await Database.open(url, size=1)
    try:
        return await auditor.audit(db)
    finally:
        await db.close()


def _welcome(url: str) -> list[str]:
    return [
        "",
        f"the marketplace   {url}/",
        f"a seller's pages  {url}/seller",
        f"the operator's    {url}/operator?month=2017-01",
        f"the API           {url}/v1/openapi.json",
        "",
        f"sign in as {BUYER}, {SELLER}, {OPERATOR} or, for the shop of the operator's own, {OWN_SHOP};",
        f"the password of each is {PASSWORD}",
        "Ctrl-C stops it; the same command goes on where it was.",
        "",
    ]
