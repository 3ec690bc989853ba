"""The database of a rehearsal: made beside the real one, filled, and dropped. One at a time.

Its name says to which real database it belongs, so whoever holds that one's lock may drop every other of the name: a
run that was killed left it behind.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from entrepot import accounts, campaigns, orders
from entrepot.kit.auth import Keys, Role
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, show
from entrepot.world import market
from entrepot.world.rehearse import store
from entrepot.world.rehearse.plan import PlanError
from entrepot.world.wire import Purchase, request

LOCK = 0x7265686561727365  # "rehearse"
SELLERS, OFFERS, BUYERS = (20, 2_000), (200, 100_000), (100, 20_000)
"""At least and at most, however many the real marketplace has."""
HISTORY = 1_000
SHOPPERS = 4_000
"""Buyers who come; the others are only there."""
PAGES = 1_000
"""Different pages of each kind that are looked at."""
BASKETS = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 3))
"""(lines, sellers) of what is placed: 2 lines of 1.6 sellers on average."""
CAMPAIGN_PRICE_MINOR = 100
ALL_PER_S = 1_000_000
"""More than come."""


def family(database: str) -> str:
    """What the names of all rehearsals of a database begin with."""
    return f"entrepot_rehearsal_{hashlib.sha256(database.encode()).hexdigest()[:8]}_"


@asynccontextmanager
async def ground(url: str, *, keep: bool = False) -> AsyncIterator[str]:
    """The name of a new, empty database on the server of `url`, dropped in the end, or to `keep` until the next
    rehearsal. Raises PlanError while another rehearsal is under way, and when we may not make databases."""
    real = await asyncpg.connect(url)
    try:
        if not await real.fetchval("select pg_try_advisory_lock($1)", LOCK):
            raise PlanError("another rehearsal of this deployment is under way: wait for its end")
        beginning = family(await real.fetchval("select current_database()"))
        await sweep(real, beginning)
        name = beginning + secrets.token_hex(4)
        try:
            await real.execute(f"create database {name}")
        except asyncpg.InsufficientPrivilegeError:
            user = await real.fetchval("select current_user")
            raise PlanError(
                f"{user} may not make databases, and a rehearsal has its own: alter role {user} createdb"
            ) from None
        try:
            yield name
        finally:
            if not keep:
                await real.execute(f"drop database if exists {name} with (force)")
    finally:
        await real.close()


async def sweep(real: asyncpg.Connection, beginning: str) -> list[str]:
    """Drops what killed rehearsals left behind; their names."""
    found = await real.fetch("select datname from pg_database where datname ~ $1", f"^{beginning}[0-9a-f]{{8}}$")
    for row in found:
        await real.execute(f"drop database if exists {row[0]} with (force)")
    return [row[0] for row in found]


def scaled(real: store.Sizes) -> market.Sizes:
    """A marketplace as large as the real one, within bounds."""

    def bounded(count: int, bounds: tuple[int, int]) -> int:
        return max(bounds[0], min(count, bounds[1]))

    sellers, offers = bounded(real.sellers, SELLERS), bounded(real.offers, OFFERS)
    return market.Sizes(sellers, max(offers, sellers), bounded(real.buyers, BUYERS), HISTORY)


class Crowd:
    """Those who come, signed in, and the goods. `prefix` is the rehearsal's path."""

    def __init__(self, db: Database, found: market.Market, sessions: dict[UUID, bytes], prefix: str) -> None:
        self._db = db
        self._market = found
        self._sessions = sessions
        self._prefix = prefix
        self._quoted = 0

    @classmethod
    async def gather(cls, db: Database, keys: Keys, prefix: str) -> Crowd:
        """`keys` are those of the rehearsal."""
        found = await market.load_market(db)
        some, now = found.buyers[:SHOPPERS], db.clock.now()
        sessions = {
            buyer: f"authorization: Bearer {keys.session(Role.BUYER, buyer, now, cell=market.CELL)}\r\n".encode()
            for buyer in some
        }
        return cls(db, market.Market(some, found.offers), sessions, prefix)

    def listings(self) -> list[bytes]:
        """Category pages of 24 products, from anywhere in the catalog."""
        last = max(self._offers() - 24, 1)
        return [self._get(f"/c/things?after={n * last // PAGES}") for n in range(PAGES)]

    def details(self) -> list[bytes]:
        count = self._offers()
        return [self._get(f"/p/{market.slug(1 + n * 7_919 % count)}") for n in range(PAGES)]

    async def wishes(self) -> list[Purchase]:
        """A purchase of one line for each of the buyers."""
        home = accounts.NewAddress(
            recipient="Ada Byron", line1="1 Main Street", city="Springfield", postal_code="62701", country="US"
        )
        wanted = market.purchases(self._market, market.ONE_LINE, len(self._market.buyers), 2)
        async with self._db.write() as tx:
            return [
                Purchase(
                    self._sessions[one.buyer_id], one.lines[0].offer.offer_id,
                    show("adr", await accounts.add_address(tx, market.CELL, one.buyer_id, home)), market.MARKET,
                    market.SHIPPING,
                )
                for one in wanted
            ]  # fmt: skip

    async def campaign(self) -> tuple[UUID, int]:
        """A campaign for as long as a rehearsal may take, of one product, with goods for all who come: its id, and what
        it sells. It has a waiting room, which lets in whoever comes until it is told how many (`admit`)."""
        units, listed = market.ON_HAND // 2, self._market.offers[0][0].offer_id
        async with self._db.write() as tx:
            goods = campaigns.NewOffer(listed, CAMPAIGN_PRICE_MINOR, units, units)
            ends_at = tx.now + timedelta(days=1)
            new = campaigns.NewCampaign(market.MARKET, "The peak", tx.now, ends_at, [goods], ALL_PER_S)
            opened = await campaigns.open_campaign(tx, new)
            sold = await tx.one(store.SOLD_BY, cell=market.CELL, id=opened)
        return opened, sold

    async def admit(self, campaign: UUID, per_s: int) -> None:
        """From now on the waiting room lets in so many each second."""
        async with self._db.write() as tx:
            await campaigns.set_admission(tx, campaign, per_s, NIL)

    async def places(self, count: int, through_gateway: float) -> list[tuple[bytes, bytes]]:
        """Ready requests that place an order each, such a share of them through the gateway, with the headers that sign
        their buyers in; their quotes are stored now."""
        self._quoted += 1
        wanted: Iterator[orders.Purchase] = market.purchases(self._market, BASKETS, count, self._quoted)
        commands = await market.quoted(self._db, wanted, f"rehearsal-{self._quoted}")
        return [
            # Every n-th, whatever n is: as many as are asked for, spread evenly.
            self._place(command, "sandbox" if int((n + 1) * through_gateway) > int(n * through_gateway) else "wallet")
            for n, command in enumerate(commands)
        ]

    def _place(self, command: orders.Place, method: str) -> tuple[bytes, bytes]:
        session = self._sessions[command.caller]
        body = msgspec.json.encode({"quote_id": show("quo", command.quote_id), "method": method})
        headers = session + f"idempotency-key: {command.key}\r\n".encode()
        return session, request("POST", f"{self._prefix}/v1/orders", headers, body)

    def _get(self, path: str) -> bytes:
        return request("GET", self._prefix + path, b"accept: text/html\r\n")

    def _offers(self) -> int:
        return sum(map(len, self._market.offers))


async def strayed(real: Database, groups: Sequence[UUID], buyers: Sequence[UUID]) -> int:
    """How many of a rehearsal's orders and buyers are in the real tables."""
    async with real.read() as tx:
        return await tx.one(store.STRAYED, groups=list(groups), buyers=list(buyers))
