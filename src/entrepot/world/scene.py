"""What all actors of the simulated world share: who is there, what they were told, and how a client asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import httpx
import msgspec

from entrepot import payments
from entrepot.kit import idempotency
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Tx
from entrepot.kit.problem import DatabaseAway, Problem
from entrepot.orders import Place
from entrepot.world.faults import Bank, KilledError, Unlucky

if TYPE_CHECKING:
    from entrepot.world.bonding import Bond

CELLS = 4
"""In the worlds that have more than one."""
TRIES_MAX = 50
"""So often in a row no luck is as bad."""
LIVE_MAX = 150
"""Orders that the actors still think of; older ones are left to the timers."""

Answer = TypeVar("Answer")


class Offer(msgspec.Struct, frozen=True):
    """`stock` is 0 for a bundle."""

    id: int
    seller: UUID
    own: bool
    market: str
    currency: str
    stock: int
    cell: int


class LiveOrder(msgspec.Struct, frozen=True):
    """`cell` is where it is sold; its buyer may be in another."""

    cell: int
    id: UUID
    seller_id: UUID
    buyer_id: UUID
    group_id: UUID


@dataclass
class World:
    """What the world outside of the database knows: who is there, and what they were told."""

    db: Unlucky
    clock: VirtualClock
    chance: Random
    bank: Bank
    client: httpx.AsyncClient
    gateway: payments.Gateway
    markets: dict[str, str] = field(default_factory=dict)  # code: currency
    cells: list[int] = field(default_factory=lambda: [0])
    cell_of: dict[UUID, int] = field(default_factory=dict)  # of buyers and sellers
    buyers: list[UUID] = field(default_factory=list)
    addresses: dict[UUID, dict[str, UUID]] = field(default_factory=dict)  # of buyers, by market
    sellers: list[UUID] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    bundles: list[Offer] = field(default_factory=list)
    quotes: list[tuple[UUID, UUID]] = field(default_factory=list)  # (buyer, quote) that are not placed yet
    placed: list[Place] = field(default_factory=list)  # acknowledged, the first command of each group
    groups: set[UUID] = field(default_factory=set)
    live: list[LiveOrder] = field(default_factory=list)
    disputed: list[LiveOrder] = field(default_factory=list)
    received: Counter[int] = field(default_factory=Counter)  # units by stock row
    adjusted: Counter[int] = field(default_factory=Counter)  # the same, more or less
    channels: dict[UUID, UUID] = field(default_factory=dict)  # by seller
    sold_elsewhere: list[tuple[Offer, str, int]] = field(default_factory=list)  # lately: number and units
    paid_in: Counter[tuple[UUID, str]] = field(default_factory=Counter)  # minor units by buyer and currency
    counts: Counter[str] = field(default_factory=Counter)
    keys: int = 0
    season: int = 0
    bond: Bond | None = None

    @property
    def listed(self) -> set[int]:
        """What is offered to all, unlike what campaigns sell."""
        return {offer.id for offer in self.offers + self.bundles}

    def promotion(self, market: str, name: str) -> str:
        """The code of one of the promotions that are granted anew each season."""
        return f"{market}-{name}-{self.season}"

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    def luck(self, *, good: bool, rate: float) -> None:
        """Lets accidents happen at `rate`, or none."""
        self.db.rate = self.bank.rate = 0 if good else rate


async def until_answered(work: Callable[[], Awaitable[Answer]]) -> Answer:
    """What a client does that hears nothing: the same again."""
    for _ in range(TRIES_MAX):
        try:
            return await work()
        except (DatabaseAway, KilledError):
            continue
    raise AssertionError(f"no answer in {TRIES_MAX} tries")


async def ask(world: World, caller: UUID, verb: str, work: Callable[[Tx], Awaitable[Any]]) -> bool:
    """Sends a write with a key of its own until it is answered, and now and then once more after that. False when it
    was refused."""
    spent = idempotency.Spent(world.cell_of.get(caller, 0), caller, verb, world.key(), b"")

    async def send() -> idempotency.Done:
        return await idempotency.once(world.db, spent, work, 200, durable=True)

    try:
        done = await until_answered(send)
    except DatabaseAway:
        raise
    except Problem as problem:
        world.counts[f"{verb}: {problem.code()}"] += 1
        return False
    if world.chance.random() < 0.05:
        again = await until_answered(send)
        assert again == done, f"{verb}: told {done}, then {again}"
    world.counts[verb] += 1
    return True
