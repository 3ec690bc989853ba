"""Campaigns as they are: what a process reads once a second, and one that is long over or far ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from entrepot import trade
from entrepot.campaigns import store
from entrepot.campaigns.rules import limit_name
from entrepot.campaigns.types import Bought, Campaign, Line, Sale
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.kit.problem import NotFound

CAMPAIGNS_MAX = 100
AHEAD, AFTER = timedelta(days=1), timedelta(minutes=10)
"""A process knows campaigns from so long before their start until so long after their end."""
BOUGHT_MAX = 100_000
"""Purchases of an offer by buyers of a cell that a process remembers; those beyond it are asked of the database."""


async def current(tx: ReadTx) -> dict[UUID, Campaign]:
    """The campaigns that run, will soon or did until lately, by start; at most CAMPAIGNS_MAX."""
    rows = await tx.all(store.CAMPAIGNS, ends_after=tx.now - AFTER, starts_before=tx.now + AHEAD, limit=CAMPAIGNS_MAX)
    return await _with_sales(tx, rows) if rows else {}


async def campaign(tx: ReadTx, campaign_id: UUID) -> Campaign:
    """Raises NotFound."""
    rows = await tx.all(store.CAMPAIGN, id=campaign_id)
    if not rows:
        raise NotFound
    return (await _with_sales(tx, rows))[campaign_id]


async def learn(tx: ReadTx, campaign: Campaign, sale: Sale, buyers: Collection[UUID] | None) -> None:
    """Makes a process know an offer's purchases, or those of some buyers."""
    name, some = limit_name(campaign.id, sale.offer_id), None if buyers is None else list(buyers)
    for home in await cells(tx):
        for row in await tx.all(store.BOUGHT, cell=home, name=name, buyers=some, limit=BOUGHT_MAX):
            sale.bought[row.owner, row.key] = Bought(row.body_hash, row.group_id)
            sale.used[row.owner] = row.used


async def _with_sales(tx: ReadTx, rows: Sequence[store.CampaignRow]) -> dict[UUID, Campaign]:
    found = {
        r.id: Campaign(
            r.cell, r.id, r.market, r.currency, r.name, r.starts_at, r.ends_at,
            Line(r.admit_per_s, r.given, r.served, r.served_at), {},
        )
        for r in rows
    }  # fmt: skip
    sales = await tx.all(store.SALES, cells=sorted({r.cell for r in rows}), ids=list(found))
    barred = await _barred(tx, sales)
    for s in sales:
        found[s.campaign_id].sales[s.offer_id] = Sale(
            s.offer_id, s.shelf_offer_id, s.title, s.slug, s.price_minor, s.shelf_price_minor, s.units,
            s.max_per_buyer, s.left, s.version, {}, {}, barred=barred.get(s.offer_id),
        )  # fmt: skip
    return found


async def _barred(tx: ReadTx, sales: Sequence[store.SaleRow]) -> dict[int, trade.Barrier]:
    """By offer what the law of where its goods lie, which is where they go, has against it today."""
    found = {}
    for country in sorted({sale.country for sale in sales}):
        here = [sale for sale in sales if sale.country == country]
        asked = [trade.Sale(sale.variant_id, sale.seller_id, country) for sale in here]
        for sale, judged in zip(here, await trade.judge(tx, country, asked), strict=True):
            if rules := [rule for rule in judged.rules if rule.effect != "age"]:
                found[sale.offer_id] = rules[0]
    return found
