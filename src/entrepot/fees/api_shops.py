"""Shops over HTTP: what they cost, what they were charged, their deposits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.approvals import Asked
from entrepot.catalog import Price
from entrepot.fees import shops
from entrepot.fees.api import Market, Minor, SellerPath, Text, seller_of
from entrepot.fees.types import Charge, DepositIs, NoShopTerms, NotLater, Shop, ShopIsClosed, ShopIsOpen, ShopTerms
from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post
from entrepot.kit.ids import NIL, parse, show
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import NotFound

DAY_S = 86_400
LAST = UUID(int=2**128 - 1)


class NewShopTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a shop costs from `valid_from` on (at once without it), for one seller or for all who have no terms of their
    own; without tax. Who sold for `waived_from_minor` in the month before pays no monthly fee. What is left of the
    deposit goes back `deposit_kept_days` after closing."""

    market: Market
    source: Text
    opening_fee_minor: Minor = 0
    monthly_fee_minor: Minor = 0
    waived_from_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    deposit_minor: Minor = 0
    deposit_kept_days: Annotated[int, Meta(ge=0, le=730)] = 30
    seller_id: Annotated[str, ids.ref("sel")] | None = None
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)


class ShopTermsView(msgspec.Struct, frozen=True):
    market: str
    seller_id: str | None
    valid_from: datetime
    opening_fee_minor: int
    monthly_fee_minor: int
    waived_from_minor: int | None
    deposit_minor: int
    deposit_kept_days: int
    source: str


class AllShopTerms(msgspec.Struct, frozen=True):
    """By market and seller, the latest first."""

    items: list[ShopTermsView]


class NewShop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: Market


class Opened(msgspec.Struct, frozen=True):
    id: str


class ShopView(msgspec.Struct, frozen=True):
    """Of a shop that is open `due_on` is when the next month is charged, of one that is closed when what is left of its
    deposit goes back."""

    id: str
    market: str
    deposit: Price
    opened_at: datetime
    closed_at: datetime | None
    due_on: date | None


class Shops(msgspec.Struct, frozen=True):
    items: list[ShopView]


class ChargeView(msgspec.Struct, frozen=True):
    """What a shop was charged, or what became of its deposit (kinds opening_fee, monthly_fee, deposit,
    deposit_deduction, deposit_back): `reason` says why it is less than the terms say, or what was deducted for."""

    id: str
    shop_id: str
    kind: str
    month: date | None
    net: Price
    tax: Price
    tax_kind: str | None
    tax_bp: int | None
    reason: str
    case_ref: str
    at: datetime


class ChargePage(msgspec.Struct, frozen=True):
    """The latest first; `next` is the `before` of the page that follows."""

    items: list[ChargeView]
    next: str | None


class ChargeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ids.ref("fee")] | None = None


class NewDeduction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`case_ref` names the case that decided it."""

    amount_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    case_ref: Annotated[str, Meta(min_length=1, max_length=100)]


ShopPath = Annotated[UUID, "shp"]


async def list_shop_terms(tx: ReadTx) -> AllShopTerms:
    """What shops cost, cost before and will cost."""
    return AllShopTerms([
        ShopTermsView(
            t.market, None if t.seller_id == NIL else show("sel", t.seller_id), t.valid_from, t.opening_fee_minor,
            t.monthly_fee_minor, t.waived_from_minor, t.deposit_minor, t.deposit_kept_s // DAY_S, t.source,
        )
        for t in await shops.shop_terms(tx)
    ])  # fmt: skip


async def set_shop_terms(tx: Tx, body: NewShopTerms) -> None:
    """Says what shops cost from now on, or from a later time."""
    terms = ShopTerms(
        body.market, seller_of(body.seller_id) or NIL, body.valid_from or tx.now, body.opening_fee_minor,
        body.monthly_fee_minor, body.waived_from_minor, body.deposit_minor, body.deposit_kept_days * DAY_S, body.source,
    )  # fmt: skip
    await shops.set_shop_terms(tx, terms)


async def open_own_shop(tx: Tx, caller: Caller, body: NewShop) -> Opened:
    """Opens the seller's shop in a market: what it costs goes from the seller's account."""
    return Opened(show("shp", await shops.open_shop(tx, caller.seller, body.market)))


async def close_own_shop(tx: Tx, caller: Caller, shop_id: ShopPath) -> None:
    """Closes the seller's shop; what is left of its deposit goes back later."""
    await shops.close_shop(tx, caller.seller, shop_id)


async def list_own_shops(tx: ReadTx, caller: Caller) -> Shops:
    """The seller's shops."""
    return await _shops(tx, caller.seller)


async def list_shops(tx: ReadTx, seller_id: SellerPath) -> Shops:
    """A seller's shops."""
    return await _shops(tx, seller_id)


async def _shops(tx: ReadTx, seller_id: UUID) -> Shops:
    return Shops([shop_view(shop) for shop in await shops.shops_of(tx, seller_id)])


async def close_shop(tx: Tx, seller_id: SellerPath, shop_id: ShopPath) -> None:
    """Closes a seller's shop; what is left of its deposit goes back later."""
    await shops.close_shop(tx, seller_id, shop_id)


async def deduct_deposit(
    tx: Tx, caller: Caller, seller_id: SellerPath, shop_id: ShopPath, body: NewDeduction
) -> Asked | None:
    """Takes of a deposit what a case has cost."""
    deduction = shops.Deduction(seller_id, shop_id, body.amount_minor, body.reason, body.case_ref)
    return await shops.deduct_by(tx, caller.user_id, deduction)


async def list_own_charges(tx: ReadTx, caller: Caller, query: ChargeQuery) -> ChargePage:
    """What the seller's shops were charged, and what became of their deposits."""
    return await _charges(tx, caller.seller, query)


async def list_charges(tx: ReadTx, seller_id: SellerPath, query: ChargeQuery) -> ChargePage:
    """What a seller's shops were charged, and what became of their deposits."""
    return await _charges(tx, seller_id, query)


async def _charges(tx: ReadTx, seller_id: UUID, query: ChargeQuery) -> ChargePage:
    before = parse("fee", query.before) if query.before else LAST
    found = await shops.charges_of(tx, seller_id, before)
    following = show("fee", found[-1].id) if len(found) == shops.PAGE else None
    return ChargePage([_charge(charge) for charge in found], following)


def _charge(c: Charge) -> ChargeView:
    return ChargeView(
        show("fee", c.id), show("shp", c.shop_id), c.kind, c.month, Price(c.net_minor, c.currency),
        Price(c.tax_minor, c.currency), c.tax_kind, c.tax_bp, c.reason, c.case_ref, c.at,
    )  # fmt: skip


def shop_view(shop: Shop) -> ShopView:
    return ShopView(
        show("shp", shop.id), shop.market, Price(shop.deposit_minor, shop.currency), shop.opened_at, shop.closed_at,
        shop.due_on,
    )  # fmt: skip


routes = [
    get("/v1/operator/shop-terms", list_shop_terms, access=OPERATOR),
    post("/v1/operator/shop-terms", set_shop_terms, access=OPERATOR, raises=(NotFound, NotLater), key="taken"),
    get("/v1/seller/shops", list_own_shops, access=SELLER),
    post(
        "/v1/seller/shops", open_own_shop, access=SELLER, status=201, key="taken",
        raises=(NotFound, NoShopTerms, ShopIsOpen),
    ),
    post(
        "/v1/seller/shops/{shop_id}/close", close_own_shop, access=SELLER, raises=(NoShopTerms, ShopIsClosed),
        key="taken",
    ),
    get("/v1/seller/shop-charges", list_own_charges, access=SELLER),
    get("/v1/sellers/{seller_id}/shops", list_shops, access=OPERATOR),
    get("/v1/sellers/{seller_id}/shop-charges", list_charges, access=OPERATOR),
    post(
        "/v1/sellers/{seller_id}/shops/{shop_id}/close", close_shop, access=OPERATOR, key="taken",
        raises=(NoShopTerms, ShopIsClosed),
    ),
    post(
        "/v1/sellers/{seller_id}/shops/{shop_id}/deduct", deduct_deposit, access=OPERATOR, raises=(DepositIs,),
        key="taken", status=202,
    ),
]  # fmt: skip
