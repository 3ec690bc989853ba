"""The waiting room: a ticket says who came when, and the clock says who may come in.

A ticket is signed, bound to the session that drew it, and holds a position. Those who come within TICK_S at one process
share one write, so that a crowd costs as many writes as a handful, and are put in order by lot: being some milliseconds
nearer to us is no merit. However often a buyer asks a process, it gives one position: a script moves nobody back. Who
has many accounts gets places for them no faster than PLACES_PER_S from one network address, in the middle of everybody
else's. Who may come in is arithmetic on the line as it was last read, and on the time:
nothing is written, and nothing asked, while somebody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from random import SystemRandom
from uuid import UUID

import msgspec

from entrepot.campaigns import rules, store
from entrepot.campaigns.types import Campaign, CampaignOver, NoLine, NotYourTurn, TicketNeeded
from entrepot.kit.auth import Caller, Keys
from entrepot.kit.batch import Batcher
from entrepot.kit.db import Database, Tx
from entrepot.kit.limits import Limits
from entrepot.kit.problem import TooManyRequests

TICK_S = 0.05
CROWD = 20_000
"""Tickets that a process draws at once, or has people wait for."""
PLACES_MAX = 100_000
"""Positions that a process remembers whose they are, about 25 MB of them."""
PLACES_PER_S = 10
"""New places of a line that a process gives to one network address in a second, in the long run: enough for people who
share an address, as in an office or on mobile phones, and slow for one person with thousands of accounts."""
_USE = "line"
_lot = SystemRandom()


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """A place in a campaign's line; `user_id` and `expires` tell the session."""

    campaign_id: UUID
    user_id: UUID
    expires: int
    position: int


class Place(msgspec.Struct, frozen=True):
    """Where a ticket stands: `ahead` are before it, and `wait_s` is how long that will take; both are 0 for who may
    come in."""

    ticket: str
    position: int
    ahead: int
    wait_s: int
    admitted: bool


_decode = msgspec.msgpack.Decoder(Ticket).decode


class Lines:
    """The lines of all campaigns, as one process sees them. `limits` are of network addresses; without them any of
    these may draw any number of places."""

    def __init__(self, db: Database, keys: Keys, limits: Limits | None = None) -> None:
        self._db = db
        self._keys = keys
        self._limits = limits
        self._batchers: dict[tuple[int, UUID], Batcher[UUID, int | None]] = {}
        self._places: dict[tuple[UUID, UUID], int] = {}  # by campaign and buyer, in the order of coming

    async def join(self, caller: Caller, campaign: Campaign, network: str) -> str:
        """A ticket for the end of the line, or for the place that the buyer has in it. Raises CampaignOver, NoLine,
        TooManyRequests for a network address from which too many come, Overloaded and DatabaseAway."""
        if campaign.line.admit_per_s is None:
            raise NoLine
        if self._db.clock.now() >= campaign.ends_at:
            raise CampaignOver(campaign.ends_at)
        if self._limits is not None and (campaign.id, caller.user_id) not in self._places:
            allowance = self._limits.take((campaign.id, network))
            if allowance.retry_after_s:
                raise TooManyRequests(allowance.retry_after_s)
        key = (campaign.cell, campaign.id)
        batcher = self._batchers.get(key)
        if batcher is None:
            batcher = self._batchers[key] = Batcher(partial(self._draw, *key), max_commands=CROWD, max_queue=CROWD)
        position = await batcher.do(caller.user_id)
        if position is None:
            raise NoLine
        ticket = Ticket(campaign.id, caller.user_id, caller.expires, position)
        return self._keys.sign(_USE, msgspec.msgpack.encode(ticket))

    async def _draw(self, cell: int, campaign_id: UUID, crowd: Sequence[UUID]) -> list[int | None]:
        new = list(dict.fromkeys(buyer for buyer in crowd if (campaign_id, buyer) not in self._places))
        _lot.shuffle(new)

        async def draw(tx: Tx) -> int | None:
            return await tx.maybe(store.TAKE_POSITIONS, cell=cell, id=campaign_id, count=len(new), now=tx.now)

        # Durable: a position that is told and lost would be given again, and might lie behind the end of the line.
        first = await self._db.transact(draw) if new else None
        if first is not None:
            self._places |= {(campaign_id, buyer): first + n for n, buyer in enumerate(new)}
        positions = [self._places.get((campaign_id, buyer)) for buyer in crowd]
        while len(self._places) > PLACES_MAX:
            del self._places[next(iter(self._places))]
        await asyncio.sleep(TICK_S)  # while others gather; these have their positions already
        return positions

    def place(self, caller: Caller, campaign: Campaign, ticket: str, now: datetime) -> Place:
        """Raises TicketNeeded for a ticket that is not this session's for this campaign."""
        claim = self._keys.signed(_USE, ticket)
        try:
            read = _decode(claim or b"")
        except msgspec.DecodeError:
            raise TicketNeeded from None
        if (read.campaign_id, read.user_id, read.expires) != (campaign.id, caller.user_id, caller.expires):
            raise TicketNeeded
        wait = rules.wait(campaign.line, read.position, now)
        ahead = max(0, read.position - rules.served(campaign.line, now))
        return Place(ticket, read.position, ahead, int(wait.total_seconds()), not wait)

    def admit(self, caller: Caller, campaign: Campaign, ticket: str | None, now: datetime) -> None:
        """Raises TicketNeeded and NotYourTurn where there is a line."""
        if campaign.line.admit_per_s is None:
            return
        place = self.place(caller, campaign, ticket or "", now)
        if not place.admitted:
            raise NotYourTurn(place.ahead, place.wait_s)
