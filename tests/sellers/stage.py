"""What the tests of the rooms stand on: a database of the module's own, a clock that stands, two markets, HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette

from entrepot import sellers
from entrepot.accounts import Sessions
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.http import Route, endpoint
from entrepot.kit.ids import new_id
from entrepot.platform import Switches
from entrepot.sellers import Market, Seller, SellerId, Terms
from tests.databases import opened

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
US = Market("us", "United States", "USD", "en")
JP = Market("jp", "Japan", "JPY", "ja")
TERMS = Terms("us", START, 800, 150, 900, 1800, 86_400, 604_800, "test")

_serial = count(1)


@dataclass
class Stage:
    """The markets `us` and `jp` are there; tests make everything else, under names of their own."""

    db: Database
    clock: VirtualClock
    keys: Keys

    def http(self, routes: Sequence[Route]) -> httpx.AsyncClient:
        app = Starlette(routes=[endpoint(route) for route in routes])
        app.state.db, app.state.keys, app.state.switches = self.db, self.keys, Switches(self.db)
        app.state.sessions = Sessions(self.db)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    def as_(self, role: Role, user_id: UUID | None = None, seller_id: UUID | None = None) -> dict[str, str]:
        """The headers of somebody who is signed in."""
        now = self.clock.now()
        token = self.keys.session(role, user_id or new_id(now), now, seller_id=seller_id)
        return {"authorization": f"Bearer {token}"}

    async def seller(self, kind: str = "third_party", commission_bp: int | None = None) -> Seller:
        """A new seller of a name of its own."""
        name = f"seller-{next(_serial)}"
        async with self.db.write() as tx:
            return await sellers.open_seller(
                tx, SellerId(new_id(tx.now)), name, name.title(), kind, currencies=["USD", "JPY"],
                commission_bp=commission_bp,
            )  # fmt: skip

    async def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """What the database has, for asserting that a refused action changed nothing."""
        async with self.db.read() as tx:
            return [tuple(record) for record in await tx.conn.fetch(query, *args)]


@pytest.fixture
async def stage(db_url: str) -> AsyncIterator[Stage]:
    clock = VirtualClock(START)
    async with opened(db_url, clock) as db:
        async with db.write() as tx:
            for market in (US, JP):
                await sellers.add_market(tx, market)
            await sellers.set_terms(tx, TERMS)
        yield Stage(db, clock, Keys(b"test secret"))
