"""Campaigns: what they sell, the line before them, buying in one step; and the operator's desk for them.

A page with a line in front of it is made from memory, however many look at it again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import accounts, campaigns, payments, platform, pricing, search
from entrepot.campaigns import Campaign, NewCampaign, NewOffer, Place, TicketNeeded, Wish
from entrepot.catalog import RowId
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR, host_of
from entrepot.kit.ids import new_id, parse, ref, show
from entrepot.kit.limits import network
from entrepot.kit.problem import Malformed
from entrepot.web.account import Nothing
from entrepot.web.visit import Go, Visit, amount_of, form, form_of_its_own, page, page_of_its_own

FOUND_MAX = 12
LOOK_AGAIN_S = (5, 60)
"""How soon, and how late, a waiting page looks again by itself."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list says of a campaign; `shown` is its id."""

    shown: str
    name: str
    starts_at: datetime
    ends_at: datetime


class BuyIt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the idempotency key: the same form sent twice buys once."""

    offer_id: RowId
    address_id: Annotated[str, ref("adr")]
    shipping: Annotated[str, Meta(min_length=1, max_length=40)]
    key: Annotated[str, Meta(min_length=1, max_length=100, pattern="^[!-~]+$")]
    quantity: Annotated[int, Meta(ge=1, le=pricing.MAX_QUANTITY)] = 1
    method: payments.Method = "wallet"


class OpenIt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times are as a browser gives them, in UTC. Without `admit_per_s` there is no line."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    offer_id: RowId
    amount: Annotated[str, Meta(min_length=1, max_length=20)]
    units: Annotated[int, Meta(ge=1, le=10**12)]
    max_per_buyer: Annotated[int, Meta(ge=1, le=pricing.MAX_QUANTITY)]
    starts_at: Annotated[str, Meta(min_length=16, max_length=19)]
    ends_at: Annotated[str, Meta(min_length=16, max_length=19)]
    admit_per_s: Annotated[str, Meta(max_length=7, pattern="^[0-9]*$")] = ""


class Admission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    admit_per_s: Annotated[str, Meta(max_length=7, pattern="^[0-9]*$")] = ""


class Rehearsed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rehearsal_id: Annotated[str, ref("reh")]


async def campaigns_of(visit: Visit, market: str) -> list[Shown]:
    """The campaigns of a market that run or will soon, from memory."""
    known, now = await _desk(visit).view.campaigns(), visit.db.clock.now()
    return [
        Shown(show("cmp", one.id), one.name, one.starts_at, one.ends_at)
        for one in known
        if one.market == market and now < one.ends_at and one.listed
    ]


async def campaign_page(visit: Visit) -> Response:
    """What is sold; before it, where there is one, the line."""
    campaign = await _desk(visit).view.campaign(visit.id("cmp", "campaign_id"))
    now, buyer = visit.db.clock.now(), visit.caller is not None and visit.caller.role is Role.BUYER
    buyer = buyer and not visit.me.guest
    facts: dict[str, Any] = {
        "campaign": campaign,
        "shown": visit.param("campaign_id"),
        "sales": list(campaign.sales.values()),
    }
    place = _place(visit, campaign, now) if buyer else None
    if buyer and campaign.line.admit_per_s and now < campaign.ends_at and (place is None or not place.admitted):
        soonest, latest = LOOK_AGAIN_S
        again_s = 0 if place is None else min(latest, max(soonest, place.wait_s // 4))
        return visit.html("campaign_line.html", frame=None, place=place, again_s=again_s, **facts)
    async with visit.db.read() as tx:
        addresses, services = [], []
        if buyer:
            addresses = await accounts.addresses(tx, visit.me.cell, visit.me.user_id)
            services = [one for one in await pricing.services(tx, campaign.market) if not one.slotted]
        return await visit.show(
            tx, "campaign.html", addresses=addresses[::-1], services=services, buyer=buyer,
            key=f"campaign-{new_id(now).hex}", gateways=visit.request.app.state.gateways,
            shown_id=lambda address: show("adr", address.id), **facts,
        )  # fmt: skip


async def join(visit: Visit, _: Nothing) -> Go:
    """Draws a ticket, unless this session has one."""
    desk = _desk(visit)
    campaign = await desk.view.campaign(visit.id("cmp", "campaign_id"))
    back = f"/campaigns/{visit.param('campaign_id')}"
    if _place(visit, campaign, visit.db.clock.now()) is not None:
        return Go(back)
    address = network(host_of(visit.request))
    ticket = await desk.lines.join(visit.with_account("campaign"), campaign, address)
    return Go(back, done="joined", cookies={_cookie(campaign): ticket})


async def buy(visit: Visit, body: BuyIt) -> Go:
    campaign_id = visit.id("cmp", "campaign_id")
    buyer = visit.with_account("campaign")
    wish = Wish(
        buyer.user_id, body.key, campaign_id, body.offer_id, body.quantity, parse("adr", body.address_id),
        body.shipping, body.method,
    )  # fmt: skip
    placed = await _desk(visit).buy(visit.me, wish, visit.request.cookies.get(f"line-{campaign_id.hex}"))
    return Go(f"/orders/{placed.id}", done="placed" if placed.status == "placed" else None)


def _desk(visit: Visit) -> campaigns.Desk:
    desk: campaigns.Desk = visit.request.app.state.desk
    return desk


def _cookie(campaign: Campaign) -> str:
    return f"line-{campaign.id.hex}"


def _place(visit: Visit, campaign: Campaign, now: datetime) -> Place | None:
    """Where this session stands in line."""
    ticket = visit.request.cookies.get(_cookie(campaign))
    if not ticket:
        return None
    try:
        return _desk(visit).lines.place(visit.me, campaign, ticket, now)
    except TicketNeeded:
        return None


async def desk_page(tx: ReadTx, visit: Visit) -> Response:
    """What was just done here is seen at once, whichever process answers. Goods for the next campaign are found by
    words, then chosen: a product, and in the form one of its offers."""
    await _desk(visit).view.refresh()
    known = await _desk(visit).view.campaigns()
    rows = [(show("cmp", one.id), one, list(one.sales.values())) for one in known]
    rehearsed = await platform.rehearsals(tx, 1)
    market = (await visit.market(tx)).code
    words, slug = visit.query("q").strip(), visit.query("product")
    product = await search.product(tx, market, slug) if slug else None
    return await visit.show(
        tx, "operator_campaigns.html", rows=rows, rehearsed=rehearsed[0] if rehearsed else None,
        shown_id=lambda one: show("reh", one.id), words=words,
        found=(await search.found(tx, market, words, None, 0, FOUND_MAX)).items if words and not product else None,
        product=product, offers=[one for one in product.offers if not one.components] if product else [],
    )  # fmt: skip


async def open_it(tx: Tx, visit: Visit, body: OpenIt) -> Go:
    market = await visit.market(tx)
    offer = NewOffer(body.offer_id, amount_of(body.amount, market.currency), body.units, body.max_per_buyer)
    starts_at, ends_at = _time(body.starts_at, "starts_at"), _time(body.ends_at, "ends_at")
    await campaigns.open_campaign(
        tx, NewCampaign(market.code, body.name, starts_at, ends_at, [offer], _rate(body.admit_per_s))
    )
    return Go("/operator/campaigns", done="campaign_opened")


async def end_it(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await campaigns.end_campaign(tx, visit.id("cmp", "campaign_id"))
    return Go("/operator/campaigns", done="campaign_ended")


async def set_rate(tx: Tx, visit: Visit, body: Admission) -> Go:
    await campaigns.set_admission(tx, visit.id("cmp", "campaign_id"), _rate(body.admit_per_s), visit.me.user_id)
    return Go("/operator/campaigns", done="admission_set")


async def admit_as_rehearsed(tx: Tx, visit: Visit, body: Rehearsed) -> Go:
    rehearsal_id = parse("reh", body.rehearsal_id)
    await campaigns.admit_as_rehearsed(tx, visit.id("cmp", "campaign_id"), rehearsal_id, visit.me.user_id)
    return Go("/operator/campaigns", done="admission_set")


def _rate(text: str) -> int | None:
    return int(text) or None if text else None


def _time(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"no time - at `$.{name}`") from None


routes = [
    page_of_its_own("/campaigns/{campaign_id}", campaign_page),
    form_of_its_own("/campaigns/{campaign_id}/line", join, Nothing, BUYER),
    form_of_its_own("/campaigns/{campaign_id}/buy", buy, BuyIt, BUYER),
    page("/operator/campaigns", desk_page, OPERATOR),
    form("/operator/campaigns", open_it, OpenIt, OPERATOR, again=desk_page),
    form("/operator/campaigns/{campaign_id}/end", end_it, Nothing, OPERATOR),
    form("/operator/campaigns/{campaign_id}/admission", set_rate, Admission, OPERATOR),
    form("/operator/campaigns/{campaign_id}/admission/rehearsed", admit_as_rehearsed, Rehearsed, OPERATOR),
]
