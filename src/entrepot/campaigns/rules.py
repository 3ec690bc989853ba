"""Who may buy, and who is next. Pure: the same with what a process remembers and with what the database says."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from entrepot.campaigns.types import Campaign, CampaignNotStarted, CampaignOver, Line, Sale
from entrepot.kit.problem import Problem
from entrepot.orders import SoldOut
from entrepot.pricing import LimitReached

SECOND = timedelta(seconds=1)


def limit_name(campaign_id: UUID, offer_id: int) -> str:
    """The quota of each buyer's units."""
    return f"campaign:{campaign_id.hex}:{offer_id}"


def closed(starts_at: datetime, ends_at: datetime, now: datetime) -> Problem | None:
    """Before the start and from the end on nothing is sold."""
    if now < starts_at:
        return CampaignNotStarted(starts_at)
    return CampaignOver(ends_at) if now >= ends_at else None


def refusal(campaign: Campaign, sale: Sale, buyer_id: UUID, quantity: int, now: datetime) -> Problem | None:
    """Why `buyer_id` cannot buy by a key that is not among the purchases of `sale`; None also when only the database
    knows whether the key has bought."""
    bought_nothing = now < campaign.starts_at or quantity > sale.max_per_buyer
    if not (bought_nothing or sale.complete or buyer_id in sale.used):
        return None
    used = sale.used.get(buyer_id, 0)
    if problem := closed(campaign.starts_at, campaign.ends_at, now):
        return problem
    if used + quantity > sale.max_per_buyer:
        return LimitReached(limit_name(campaign.id, sale.offer_id), sale.max_per_buyer - used)
    if quantity > sale.left:
        return SoldOut(sale.offer_id, sale.left)
    return None


def served(line: Line, now: datetime) -> int:
    """How many of those in line were let in at `now`: it never goes back. As store._SERVED in SQL."""
    if line.admit_per_s is None or now < line.served_at:
        return line.served
    return min(line.given, line.served + (now - line.served_at) * line.admit_per_s // SECOND)


def wait(line: Line, position: int, now: datetime) -> timedelta:
    """How long the one at `position` (from 0) must expect to wait, in whole seconds upwards; 0 for who may come in."""
    if position < served(line, now) or line.admit_per_s is None:
        return timedelta()
    turn = line.served_at + -(-(position + 1 - line.served) * SECOND // line.admit_per_s)
    return max(SECOND, -(-(turn - now) // SECOND) * SECOND)
