"""The sandbox gateway's chance and its webhooks: signed, retried, and as unreliable as `Faults` says."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Annotated

import httpx
import msgspec
from msgspec import Meta

from entrepot.kit.clock import Clock
from entrepot.world.gateway_book import Book, Event

WEBHOOK_TRIES = 8
WEBHOOK_TIMEOUT_S = 10
WEBHOOKS_AT_ONCE = 32

Rate = Annotated[float, Meta(ge=0, le=1)]
Milliseconds = Annotated[int, Meta(ge=0, le=60_000)]
Range = tuple[Milliseconds, Milliseconds]


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the gateway misbehaves. Rates are of 1; ranges are from-to and drawn evenly.

    `delay_ms` passes before the work of every API call; with `auto_approve` nobody is asked and a payment is
    approved after another such delay. `error_rate`: 500 and nothing done. `lost_reply_rate`: done, but the
    answer breaks off. `decline_rate`: the bank says no to an approval. Webhooks may be lost, sent twice, sent
    late (by `webhook_late_ms`) or overtaken by the next one. `webhook_retry_ms` is the first pause after a
    refused delivery, doubled each time, WEBHOOK_TRIES in all.
    """

    delay_ms: Range = (0, 0)
    auto_approve: bool = False
    error_rate: Rate = 0
    lost_reply_rate: Rate = 0
    decline_rate: Rate = 0
    webhook_lost_rate: Rate = 0
    webhook_duplicate_rate: Rate = 0
    webhook_late_rate: Rate = 0
    webhook_late_ms: Range = (200, 1_000)
    webhook_overtaken_rate: Rate = 0
    webhook_retry_ms: Milliseconds = 200

    def __post_init__(self) -> None:
        for low, high in (self.delay_ms, self.webhook_late_ms):
            if low > high:
                raise ValueError("a range runs from the smaller to the larger number")


class Chance(Random):
    """The one source of everything accidental in a gateway, repeatable by its seed."""

    def strikes(self, rate: float) -> bool:
        return self.random() < rate

    def seconds(self, range_ms: Range) -> float:
        low, high = range_ms
        return (low + (high - low) * self.random()) / 1000


class Fate(msgspec.Struct, frozen=True):
    """What happens to one webhook."""

    lost: bool
    duplicate: bool
    late_s: float
    overtaken: bool
    overtaken_max_s: float  # how long it waits for another to overtake it, should there be none
    retry_s: float


def sign(secret: bytes, at: datetime, body: bytes) -> str:
    """The value of `Entrepot-Signature` for a body sent at `at`."""
    stamp = int(at.timestamp())
    mac = hmac.digest(secret, b"%d.%b" % (stamp, body), "sha256")
    return f"t={stamp},v1={mac.hex()}"


class Webhooks:
    """Tells `url` what happens, one task per event."""

    def __init__(self, book: Book, chance: Chance, clock: Clock, secret: bytes, url: str | None) -> None:
        self.url = url
        self._book = book
        self._chance = chance
        self._clock = clock
        self._secret = secret
        self._client = httpx.AsyncClient(timeout=WEBHOOK_TIMEOUT_S, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        self._free = asyncio.Semaphore(WEBHOOKS_AT_ONCE)

    def tell(self, event: Event, faults: Faults) -> None:
        """Begins to tell of `event` and returns at once."""
        task = asyncio.create_task(self._deliver(event, self._fate(faults)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def quiet(self) -> None:
        """Returns when nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        await cancel(self._tasks)
        await self._client.aclose()

    def _fate(self, faults: Faults) -> Fate:
        chance = self._chance
        late, late_s = chance.strikes(faults.webhook_late_rate), chance.seconds(faults.webhook_late_ms)
        return Fate(
            lost=chance.strikes(faults.webhook_lost_rate),
            duplicate=chance.strikes(faults.webhook_duplicate_rate),
            late_s=late_s if late else 0,
            overtaken=chance.strikes(faults.webhook_overtaken_rate),
            overtaken_max_s=faults.webhook_late_ms[1] / 1000,
            retry_s=faults.webhook_retry_ms / 1000,
        )

    async def _deliver(self, event: Event, fate: Fate) -> None:
        await asyncio.sleep(fate.late_s)
        if fate.overtaken:
            await self._wait_for_another(fate.overtaken_max_s)
        if not fate.lost:
            for _ in range(2 if fate.duplicate else 1):
                await self._send(event, fate.retry_s)
        self._book.settle(event)

    async def _wait_for_another(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._arrived.wait()
        except TimeoutError:
            pass

    async def _send(self, event: Event, pause_s: float) -> None:
        body = msgspec.json.encode(event)
        for attempt in range(WEBHOOK_TRIES):
            if attempt:
                await asyncio.sleep(pause_s * 2 ** (attempt - 1))
            if self.url is None or await self._post(self.url, body):
                break
        # Whoever waits to be overtaken goes now; those who come later wait for the next arrival.
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def _post(self, url: str, body: bytes) -> bool:
        """Whether it was taken (2xx). Every try is signed anew, as of now."""
        headers = {
            "content-type": "application/json",
            "entrepot-signature": sign(self._secret, self._clock.now(), body),
        }
        async with self._free:
            try:
                answer = await self._client.post(url, content=body, headers=headers)
            except httpx.HTTPError:
                return False
        return answer.is_success


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits until they have ended, however they end."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
