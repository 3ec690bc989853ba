"""What a process knows of campaigns, so that it can say no without asking the database.

Each second, while anybody asks, one query says how much is left. When somebody may have to be refused, because too
little is left or the campaign is over, the purchases are read as well: whoever sends a key again that has bought is
told what it bought. What is remembered of an offer is good for one version of its row of stock, so that what a
cancelation gives back is sold again. Until a process has heard of that (glance.OLD at most) it says no also to a key by
which another process has sold it meanwhile.
"""

from __future__ import annotations

from uuid import UUID

from entrepot.campaigns import reads
from entrepot.campaigns.types import Campaign
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.glance import Glance

Known = dict[UUID, Campaign]


class View:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._glance: Glance[Known] = Glance(db, self._read)
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

    def note_limit(self, offer_id: int, buyer_id: UUID) -> None:
        """A buyer has bought as much as one may: the next refresh reads what."""
        self._refused.setdefault(offer_id, set()).add(buyer_id)

    async def _read(self, tx: ReadTx, before: Known | None) -> Known:
        refused, self._refused = self._refused, {}
        known = await reads.current(tx)
        for campaign in known.values():
            old = before[campaign.id].sales if before and campaign.id in before else {}
            for sale in campaign.sales.values():
                was = old.get(sale.offer_id)
                if was is not None and was.version == sale.version:
                    sale.bought, sale.used, sale.complete = was.bought, was.used, was.complete
                if not sale.complete and (sale.left < sale.max_per_buyer or campaign.ends_at <= tx.now):
                    await reads.learn(tx, campaign, sale, None)
                    sale.complete = True
                if buyers := refused.get(sale.offer_id):
                    await reads.learn(tx, campaign, sale, buyers)
        return known
