"""Flash sales in the simulated world: the operator sets goods aside, buyers rush, now and then two for the last units;
some campaigns are ended early, and what is not sold goes back to the shelf."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import campaigns
from entrepot.campaigns import NewCampaign, NewOffer, Outcome, Wish
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import Problem
from entrepot.kit.sql import sql
from entrepot.world import actors, meeting
from entrepot.world.scene import World, ask, until_answered

LATE_S = 600
"""So long after its end buyers still try."""


class _Sold(msgspec.Struct, frozen=True):
    """What a campaign sells, how much of it is left, and where it lies."""

    cell: int
    campaign_id: UUID
    offer_id: int
    left: int
    country: str


_SOLD = sql(
    """
    select o.cell, o.campaign_id, o.offer_id, s.on_hand - s.held - s.allocated, lower(l.country)
      from campaigns.campaign c
      join campaigns.offer o on o.cell = c.cell and o.campaign_id = c.id
      join inventory.stock s on s.cell = o.cell and s.id = o.stock_id
      join logistics.location l on l.cell = s.cell and l.id = s.location_id
     where c.cell = :cell and c.ends_at > :ended_after
     order by o.offer_id
    """,
    _Sold,
)


async def campaign(world: World) -> None:
    """One is opened, or, more often, somebody buys; now and then one is ended before its time."""
    async with world.db.read() as tx:
        ended_after = world.clock.now() - timedelta(seconds=LATE_S)
        sold = [one for cell in world.cells for one in await tx.all(_SOLD, cell=cell, ended_after=ended_after)]
    what = world.chance.random()
    if not sold or what < 0.15:
        await _open(world)
    elif what < 0.2:
        ended = world.chance.choice(sold).campaign_id
        await ask(world, NIL, "end_campaign", lambda tx: campaigns.end_campaign(tx, ended))
    else:
        await _rush(world, world.chance.choice(sold), at_once=what < 0.4)


async def _open(world: World) -> None:
    chance, now = world.chance, world.clock.now()
    first = chance.choice(world.offers)
    alike = [one for one in world.offers if (one.cell, one.market) == (first.cell, first.market)]
    offers = [
        NewOffer(one.id, chance.choice((1, 99, 700)), chance.randrange(1, 9), chance.choice((1, 2, 5)))
        for one in chance.sample(alike, min(len(alike), chance.choice((1, 1, 2))))
    ]
    starts_at = now + timedelta(seconds=chance.choice((0, 0, 60)))
    ends_at = starts_at + timedelta(seconds=chance.choice((3_600, 86_400, 6 * 86_400)))
    new = NewCampaign(first.market, "Rush", starts_at, ends_at, offers)
    await ask(world, NIL, "open_campaign", lambda tx: campaigns.open_campaign(tx, new))


async def _rush(world: World, sold: _Sold, *, at_once: bool) -> None:
    """Some buyers of one cell wish for it in one batch. Or two, at once, for more than the half of what is left."""
    chance = world.chance
    home = chance.choice(world.cells)
    buyers = [buyer for buyer in world.buyers if world.cell_of[buyer] == home]

    def wish(quantity: int) -> Wish:
        buyer, country = chance.choice(buyers), chance.choice((sold.country,) * 9 + tuple(world.markets))
        return Wish(
            buyer, world.key(), sold.campaign_id, sold.offer_id, quantity, world.addresses[buyer][country],
            chance.choice(("standard", "free")), chance.choice(("wallet", "wallet", "sandbox")),
        )  # fmt: skip

    async def sell(tx: Tx, wishes: Sequence[Wish]) -> list[Outcome]:
        return await campaigns.sell_many(tx, home, sold.cell, wishes)

    if at_once:
        world.luck(good=True, rate=0)
        two = [wish(sold.left // 2 + 1) for _ in range(2)]
        works = [lambda tx, one=one: sell(tx, [one]) for one in two]
        for answer in await meeting.meet(world.db, works, chance.randrange(1, 16)):
            if isinstance(answer, BaseException):
                raise answer
            await _note(world, answer)
        return
    wishes = [wish(chance.choice((1, 1, 2))) for _ in range(chance.choice((1, 2, 4)))]
    if chance.random() < 0.2:
        wishes.append(chance.choice(wishes))
    outcomes = await until_answered(lambda: world.db.transact(lambda tx: sell(tx, wishes)))
    await _note(world, outcomes)
    if chance.random() < 0.1:  # the same again is told the same, and nothing is bought
        again = await until_answered(lambda: world.db.transact(lambda tx: sell(tx, wishes)))
        bought = [(one, two) for one, two in zip(outcomes, again, strict=True) if isinstance(one, UUID)]
        assert all(one == two for one, two in bought), bought
        await _note(world, again)


async def _note(world: World, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        world.counts[f"rush: {outcome.code() if isinstance(outcome, Problem) else 'placed'}"] += 1
    await actors.acknowledge(world, [outcome for outcome in outcomes if isinstance(outcome, UUID)])
