"""What is off, as a process knows it: read once a second while anybody asks, and over when its time has come."""

from __future__ import annotations

import math

from entrepot.kit.db import Database, ReadTx
from entrepot.kit.glance import Glance
from entrepot.kit.problem import SwitchedOff
from entrepot.platform import store
from entrepot.platform.types import Off


class Switches:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._glance: Glance[dict[str, Off]] = Glance(db, _read)

    async def off(self, name: str) -> Off | None:
        """What was said when `name` was turned off, or None while it is on. Raises DatabaseAway."""
        said = (await self._glance.get()).get(name)
        return said if said is not None and self._db.clock.now() < said.until else None

    async def require(self, name: str) -> None:
        """Raises SwitchedOff and DatabaseAway."""
        said = await self.off(name)
        if said is not None:
            left_s = (said.until - self._db.clock.now()).total_seconds()
            raise SwitchedOff(name, said.until, max(1, math.ceil(left_s)))


async def _read(tx: ReadTx, _: dict[str, Off] | None) -> dict[str, Off]:
    return {row.name: row for row in await tx.all(store.NOW)}
