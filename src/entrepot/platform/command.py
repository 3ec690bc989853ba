"""`entrepot switch`: list, or turn off for a while and on again."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

from entrepot.kit.clock import Clock
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL
from entrepot.platform import actions, reads
from entrepot.platform.types import SWITCHES, Switch
from entrepot.settings import Settings

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class UsageError(Exception):
    """Says in one line what was meant."""


def duration(text: str) -> timedelta:
    """What 90s, 30m, 2h or 1d is. Raises UsageError."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if found is None:
        raise UsageError(f"not a time: {text!r}; give 90s, 30m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def run(settings: Settings, name: str, to: str | None, for_: str, why: str | None) -> None:
    """`name` may also be `list` or `all`. Raises UsageError, and Malformed for a time that is too long."""
    if name not in ("list", "all", *SWITCHES):
        raise UsageError(f"no such switch: {name}; there are {', '.join(SWITCHES)}")
    if (name == "list") != (to is None):
        raise UsageError("say `list`, or a switch or `all` and `off` or `on`")
    if to == "off" and not why:
        raise UsageError("say --why")
    asyncio.run(_run(settings.database_url, name, to, duration(for_), why or ""))


async def _run(url: str, name: str, to: str | None, for_: timedelta, why: str, clock: Clock | None = None) -> None:
    db = await Database.open(url, clock, size=1)
    try:
        if to is not None:
            async with db.write() as tx:
                for switch in Switch if name == "all" else [Switch(name)]:
                    if to == "off":
                        await actions.turn_off(tx, switch, NIL, for_, why)
                    else:
                        await actions.turn_on(tx, switch, NIL)
        async with db.read() as tx:
            off = {one.name: one for one in await reads.changes(tx) if one.ended_at is None and tx.now < one.until}
    finally:
        await db.close()
    for switch, text in SWITCHES.items():
        state = f"off until {off[switch].until:%Y-%m-%d %H:%M:%S} UTC ({off[switch].why})" if switch in off else "on"
        print(f"{switch:<16} {state:<10} {text}")
