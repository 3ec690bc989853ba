"""Campaigns over HTTP: for everyone to see, for buyers to buy from and to wait for, for the operator to open."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot import payments, pricing
from entrepot.campaigns import actions
from entrepot.campaigns.desk import Desk
from entrepot.campaigns.selling import Wish
from entrepot.campaigns.types import (
    MAX_OFFERS,
    Campaign,
    CampaignNotStarted,
    CampaignOver,
    NewCampaign,
    NewOffer,
    NoLine,
    NotSentAbroad,
    NotYourTurn,
    TicketNeeded,
)
from entrepot.campaigns.waiting import Place
from entrepot.catalog import Minor, Price, RowId
from entrepot.inventory import StockPromised
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import Tx
from entrepot.kit.http import BUYER, OPERATOR, PUBLIC, get, host_of, post, put
from entrepot.kit.ids import parse, ref, show
from entrepot.kit.limits import network
from entrepot.kit.problem import NotFound, Overloaded
from entrepot.orders import PLACE_PROBLEMS, Placed
from entrepot.trade import AgeNeeded, NotSoldThere

CampaignPath = Annotated[UUID, "cmp"]
Units = Annotated[int, Meta(ge=1, le=pricing.MAX_QUANTITY)]
PerSecond = Annotated[int, Meta(ge=1, le=1_000_000)]
TicketText = Annotated[str, Meta(min_length=1, max_length=400)]


class OfferBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`units` of the listed offer `offer_id` for another price, at most `max_per_buyer` units for each buyer."""

    offer_id: RowId
    unit_price_minor: Minor
    units: Annotated[int, Meta(ge=1, le=10**12)]
    max_per_buyer: Units = 1


class CampaignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `admit_per_s` buyers stand in line, and so many are let in each second."""

    market: Annotated[str, Meta(min_length=1, max_length=20)]
    name: Annotated[str, Meta(min_length=1, max_length=120)]
    starts_at: Annotated[datetime, Meta(tz=True)]
    ends_at: Annotated[datetime, Meta(tz=True)]
    offers: Annotated[list[OfferBody], Meta(min_length=1, max_length=MAX_OFFERS)]
    admit_per_s: PerSecond | None = None

    def __post_init__(self) -> None:
        require_calendar(self.starts_at, self.ends_at)


class AdmissionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """null: nobody needs to wait."""

    admit_per_s: PerSecond | None


class RehearsedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rehearsal_id: Annotated[str, ref("reh")]


class BuyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`offer_id` is one of the campaign's own. `ticket` is needed where there is a line."""

    offer_id: RowId
    address_id: Annotated[str, ref("adr")]
    shipping: Annotated[str, Meta(min_length=1, max_length=40)]
    quantity: Units = 1
    method: payments.Method = "wallet"
    ticket: TicketText | None = None


class LineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ticket: TicketText


class CampaignsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: Annotated[str, Meta(min_length=1, max_length=20)]


class CampaignId(msgspec.Struct, frozen=True):
    id: str


class SaleView(msgspec.Struct, frozen=True):
    """`available` is as of a second ago. `listed_id` is the same outside of the campaign, at `listed_price`."""

    id: int
    listed_id: int
    title: str
    product_slug: str
    price: Price
    listed_price: Price
    available: int
    max_per_buyer: int


class CampaignView(msgspec.Struct, frozen=True):
    """`line`: whether buyers stand in line."""

    id: str
    market: str
    name: str
    starts_at: datetime
    ends_at: datetime
    line: bool
    offers: list[SaleView]


class Campaigns(msgspec.Struct, frozen=True):
    items: list[CampaignView]


async def list_campaigns(request: Request, query: CampaignsQuery) -> Campaigns:
    """The campaigns of a market that run, or will within a day."""
    now = request.app.state.db.clock.now()
    known = await _desk(request).view.campaigns()
    return Campaigns([_view(one) for one in known if one.market == query.market and now < one.ends_at and one.listed])


async def read_campaign(request: Request, campaign_id: CampaignPath) -> CampaignView:
    """A campaign and what is left of its offers."""
    return _view(await _desk(request).view.campaign(campaign_id))


async def open_campaign(tx: Tx, body: CampaignBody) -> CampaignId:
    """Sets goods aside for a campaign and makes its offers."""
    offers = [NewOffer(o.offer_id, o.unit_price_minor, o.units, o.max_per_buyer) for o in body.offers]
    new = NewCampaign(body.market, body.name, body.starts_at, body.ends_at, offers, body.admit_per_s)
    return CampaignId(show("cmp", await actions.open_campaign(tx, new)))


async def end_campaign(tx: Tx, campaign_id: CampaignPath) -> None:
    """Ends a campaign now; what it has not sold goes back."""
    await actions.end_campaign(tx, campaign_id)


async def set_campaign_admission(tx: Tx, caller: Caller, campaign_id: CampaignPath, body: AdmissionBody) -> None:
    """Says how many buyers in line are let in each second from now on."""
    await actions.set_admission(tx, campaign_id, body.admit_per_s, caller.user_id)


async def admit_as_rehearsed(tx: Tx, caller: Caller, campaign_id: CampaignPath, body: RehearsedBody) -> None:
    """Lets in, each second from now on, as many buyers as a rehearsal has proposed."""
    await actions.admit_as_rehearsed(tx, campaign_id, parse("reh", body.rehearsal_id), caller.user_id)


async def buy_now(request: Request, caller: Caller, key: str, campaign_id: CampaignPath, body: BuyBody) -> Placed:
    """Buys units of one of a campaign's offers: quotes, places and pays in one step."""
    wish = Wish(
        caller.user_id, key, campaign_id, body.offer_id, body.quantity, parse("adr", body.address_id), body.shipping,
        body.method,
    )  # fmt: skip
    return await _desk(request).buy(caller, wish, body.ticket)


async def join_line(request: Request, caller: Caller, campaign_id: CampaignPath) -> Place:
    """Draws a ticket for the end of the line; who has a place in it keeps that. It is good for this session only. One
    network address gets some ten new places a second (429 `too_many_requests`)."""
    desk = _desk(request)
    campaign = await desk.view.campaign(campaign_id)
    ticket = await desk.lines.join(caller, campaign, network(host_of(request)))
    return desk.lines.place(caller, campaign, ticket, request.app.state.db.clock.now())


async def read_place(request: Request, caller: Caller, campaign_id: CampaignPath, query: LineQuery) -> Place:
    """Where a ticket stands in line."""
    desk = _desk(request)
    campaign = await desk.view.campaign(campaign_id)
    return desk.lines.place(caller, campaign, query.ticket, request.app.state.db.clock.now())


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _view(campaign: Campaign) -> CampaignView:
    offers = [
        SaleView(
            sale.offer_id, sale.shelf_offer_id, sale.title, sale.slug, Price(sale.price_minor, campaign.currency),
            Price(sale.shelf_price_minor, campaign.currency), max(0, sale.left), sale.max_per_buyer,
        )
        for sale in campaign.listed
    ]  # fmt: skip
    return CampaignView(
        show("cmp", campaign.id), campaign.market, campaign.name, campaign.starts_at, campaign.ends_at,
        campaign.line.admit_per_s is not None, offers,
    )  # fmt: skip


routes = [
    post(
        "/v1/campaigns/{campaign_id}/orders", buy_now, access=BUYER, account="campaign", status=201, key="needed",
        raises=(
            *PLACE_PROBLEMS.values(), AgeNeeded, CampaignNotStarted, CampaignOver, NotSentAbroad, NotSoldThere,
            NotYourTurn, Overloaded, TicketNeeded, payments.MethodNotOffered, pricing.AmountTooLarge,
            pricing.ShippingNotOffered,
        ),
    ),
    get("/v1/campaigns/{campaign_id}/line", read_place, access=BUYER, raises=(TicketNeeded,)),
    post(
        "/v1/campaigns/{campaign_id}/line", join_line, access=BUYER, account="campaign", status=201,
        raises=(CampaignOver, NoLine, Overloaded),
    ),
    get("/v1/campaigns", list_campaigns, access=PUBLIC),
    get("/v1/campaigns/{campaign_id}", read_campaign, access=PUBLIC),
    post(
        "/v1/campaigns", open_campaign, access=OPERATOR, status=201, key="taken",
        raises=(NotFound, NotSoldThere, StockPromised),
    ),
    post("/v1/campaigns/{campaign_id}/end", end_campaign, access=OPERATOR, raises=(CampaignOver,), key="taken"),
    put(
        "/v1/campaigns/{campaign_id}/admission", set_campaign_admission, access=OPERATOR, raises=(CampaignOver,),
        key="taken",
    ),
    post(
        "/v1/campaigns/{campaign_id}/admission/rehearsed", admit_as_rehearsed, access=OPERATOR, raises=(CampaignOver,),
        key="taken",
    ),
]  # fmt: skip
