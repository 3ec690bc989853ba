"""What a process knows of campaigns, so that it can say no without asking the database.

Each second, while anybody asks, one query says how much is left. Once an offer is sold out, its purchases are read as
well: whoever sends a key again that has bought is told what it bought, and not that nothing is left. What is remembered
of an offer is good for one version of its row of stock, so that what a cancelation gives back is sold again. Until a
process has heard of that (glance.OLD at most) it says no also to a key by which another process has sold it meanwhile.
"""

from __future__ import annotations

from uuid import UUID

from entrepot.campaigns import reads
from entrepot.campaigns.selling import Wish
from entrepot.campaigns.types import Bought, Campaign
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.glance import Glance

Known = dict[UUID, Campaign]


class View:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._glance: Glance[Known] = Glance(db, self._read)
        self._latest: Known = {}
        self._refused: dict[int, set[UUID]] = {}

    async def campaigns(self) -> list[Campaign]:
        """Those that run, will soon or did until lately, by start. Raises DatabaseAway."""
        return list((await self._glance.get()).values())

    async def campaign(self, campaign_id: UUID) -> Campaign:
        """Raises NotFound and DatabaseAway."""
        found = (await self._glance.get()).get(campaign_id)
        if found is not None:
            return found
        async with self._db.read() as tx:
            return await reads.campaign(tx, campaign_id)

    async def refresh(self) -> None:
        """What is committed by now is known afterwards. Raises DatabaseAway."""
        await self._glance.refresh()

    def note_bought(self, wish: Wish, bought: Bought) -> None:
        """A purchase that this process has made."""
        campaign = self._latest.get(wish.campaign_id)
        if campaign is None:
            return
        sale, buyer_id, key = campaign.sales[wish.offer_id], wish.buyer_id, wish.key
        if (buyer_id, key) not in sale.bought:
            sale.bought[buyer_id, key] = bought
            sale.used[buyer_id] = sale.used.get(buyer_id, 0) + wish.quantity

    def note_limit(self, offer_id: int, buyer_id: UUID) -> None:
        """A buyer has bought more, somewhere, than this process has heard of: the next refresh asks."""
        self._refused.setdefault(offer_id, set()).add(buyer_id)

    async def _read(self, tx: ReadTx, before: Known | None) -> Known:
        refused, self._refused = self._refused, {}
        known = await reads.current(tx)
        for campaign in known.values():
            old = before[campaign.id].sales if before and campaign.id in before else {}
            for sale in campaign.sales.values():
                was = old.get(sale.offer_id)
                if was is not None and was.version == sale.version:
                    sale.bought, sale.used = was.bought, was.used
                elif sale.left <= 0:
                    await reads.learn(tx, campaign, sale, None)
                if buyers := refused.get(sale.offer_id):
                    await reads.learn(tx, campaign, sale, buyers)
        self._latest = known
        return known
