"""Where a process sells from campaigns: no from memory, yes from the database, many at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from entrepot import payments, sellers
from entrepot.campaigns import rules
from entrepot.campaigns.selling import Outcome, Wish, sell_many
from entrepot.campaigns.types import Campaign, CampaignOver
from entrepot.campaigns.view import View
from entrepot.campaigns.waiting import Lines
from entrepot.kit.auth import Caller, Keys
from entrepot.kit.batch import Batcher
from entrepot.kit.db import Database
from entrepot.kit.glance import Glance
from entrepot.kit.ids import show
from entrepot.kit.limits import Limits
from entrepot.kit.metrics import SHOP, Counts
from entrepot.kit.problem import KeyConflict, Problem
from entrepot.orders import Placed, SoldOut
from entrepot.pricing import LimitReached


class Desk:
    """`view` is what the process knows, `lines` are the waiting rooms. Who buys from one cell in another is a batch of
    its own, which owns its transaction: so each has one order of locks. `places` limits who draws tickets."""

    def __init__(
        self, db: Database, keys: Keys, *, gateways: Collection[str] = (), counts: Counts = SHOP,
        places: Limits | None = None,
    ) -> None:  # fmt: skip
        self._db = db
        self._counts = counts
        self._methods = {"wallet", *gateways}
        self._choosy = Glance(db, sellers.payment_methods)
        self._batchers: dict[tuple[int, int], Batcher[Wish, Outcome]] = {}
        self.view = View(db)
        self.lines = Lines(db, keys, places)

    async def buy(self, caller: Caller, wish: Wish, ticket: str | None = None) -> Placed:
        """Quotes and places in one step. Raises the Problems of rules.refusal, of the waiting room and of placing,
        NotFound, MethodNotOffered, Overloaded and DatabaseAway."""
        if wish.method not in self._methods:
            raise payments.MethodNotOffered(wish.method)
        campaign = await self.view.campaign(wish.campaign_id)
        if wish.method not in (await self._choosy.get()).get(campaign.market, self._methods):
            raise payments.MethodNotOffered(wish.method)
        outcome = self._known(campaign, wish)
        if outcome is None:
            self.lines.admit(caller, campaign, ticket, self._db.clock.now())
            cells = (caller.cell, campaign.cell)
            batcher = self._batchers.get(cells)
            if batcher is None:
                batcher = self._batchers[cells] = Batcher(partial(self._run, *cells))
            outcome = await batcher.do(wish)
        if isinstance(outcome, Problem):
            try:
                raise outcome
            finally:
                # What was raised holds this frame: if the frame held it too, each refusal would be garbage to collect.
                del outcome
        return Placed(show("grp", outcome), "placed" if wish.method == "wallet" else "awaiting_payment")

    def _known(self, campaign: Campaign, wish: Wish) -> Outcome | None:
        """What this process can answer by itself."""
        sale = campaign.sales.get(wish.offer_id)
        if sale is None:  # the key may have been used for something else
            return None
        bought = sale.bought.get((wish.buyer_id, wish.key))
        if bought is not None:
            return bought.group_id if bought.body_hash == wish.body_hash else KeyConflict()
        return rules.refusal(campaign, sale, wish.buyer_id, wish.quantity, self._db.clock.now())

    async def _run(self, home: int, cell: int, wishes: Sequence[Wish]) -> list[Outcome]:
        outcomes = await self._db.transact(lambda tx: sell_many(tx, home, cell, wishes))
        self._counts.batches.observe(len(wishes))
        short = False
        for wish, outcome in zip(wishes, outcomes, strict=True):
            self._counts.verdicts.labels(outcome.code() if isinstance(outcome, Problem) else "placed").inc()
            if isinstance(outcome, LimitReached):
                self.view.note_limit(wish.offer_id, wish.buyer_id)
            short = short or isinstance(outcome, LimitReached | SoldOut | CampaignOver)
        if short:
            await self.view.refresh()
        return outcomes
