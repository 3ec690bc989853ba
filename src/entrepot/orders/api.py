"""Carts, quotes, placing and orders over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from entrepot import bonded, credit, logistics, payments, pricing, trade
from entrepot.accounts import Address
from entrepot.catalog import RowId
from entrepot.exchange import NotExchanged
from entrepot.kit.auth import Caller, require_account
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR, PUBLIC, SELLER, delete, get, post, put, read_body
from entrepot.kit.ids import parse, ref, show
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import AccountNeeded, KeyConflict, Malformed, NotFound, Overloaded, TooLarge
from entrepot.orders import actions, api_borders, api_guests, api_lending, carts, holds, parts, reads, selling
from entrepot.orders.api_borders import BORDER_PROBLEMS
from entrepot.orders.carts import CartView, QuoteView
from entrepot.orders.holds import HoldView
from entrepot.orders.jobs import settle
from entrepot.orders.papers import PapersIncomplete
from entrepot.orders.placing import Placing
from entrepot.orders.reads import GroupBrief, GroupView, OrderBrief, OrderView
from entrepot.orders.store import Day
from entrepot.orders.types import (
    PLACE_PROBLEMS,
    REASON_MAX,
    AddressNotLatin,
    AmountNotLeft,
    CartEmpty,
    CartFull,
    CartIncomplete,
    IdentityNeeded,
    LineNotThere,
    OfferUnavailable,
    OrderHeld,
    Place,
    Placed,
    UnitsTaken,
    WrongStatus,
)
from entrepot.sellers import market as read_market

CartPath = Annotated[UUID, "crt"]
GroupPath = Annotated[UUID, "grp"]
OrderPath = Annotated[UUID, "ord"]
MarketCode = Annotated[str, Meta(min_length=1, max_length=20)]
Quantity = Annotated[int, Meta(ge=1, le=pricing.MAX_QUANTITY)]
LineNo = Annotated[int, Meta(ge=1, le=32_767)]


class NewCart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: MarketCode


class CartId(msgspec.Struct, frozen=True):
    id: str


class NewLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    offer_id: RowId
    quantity: Quantity = 1


class NewQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: Quantity


class ChosenAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    address_id: Annotated[str, ref("adr")]


class ChosenShipping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=40)]
    slot: RowId | None = None


class ChosenPromotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`code` null takes the promotion back."""

    code: Annotated[str, Meta(min_length=1, max_length=40)] | None


class AgeGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of them: an age in years is a statement, a date of birth is worth more."""

    age: Annotated[int, Meta(ge=1, le=99)] | None = None
    birth_date: date | None = None


class AgeView(msgspec.Struct, frozen=True):
    age: int
    proof: Literal["stated", "birth_date"]


class PlaceQuote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`months` says how many `installments` it is paid in."""

    quote_id: Annotated[str, ref("quo")]
    method: payments.Method | Literal["installments"] = "wallet"
    months: credit.Months | None = None

    def __post_init__(self) -> None:
        if (self.method == credit.INSTALLMENTS) != (self.months is not None):
            raise ValueError("installments need a number of months, and nothing else has one")


class NewShipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=80)]


class UnitsOfLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line_no: LineNo
    quantity: Annotated[int, Meta(ge=1, le=10**12)]


class CancelLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lines: Annotated[list[UnitsOfLine], Meta(min_length=1, max_length=100)]


class CancelSold(CancelLines, frozen=True, forbid_unknown_fields=True):
    """`reason` is told to the buyer."""

    reason: Annotated[str, Meta(max_length=REASON_MAX)] = ""


class RefundAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount_minor` of what was paid for a line."""

    line_no: LineNo
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)]
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_MAX)]


class GroupsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ref("grp")] | None = None


class Groups(msgspec.Struct, frozen=True):
    items: list[GroupBrief]


class OrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ref("ord")] | None = None
    status: Literal["paid", "shipped", "delivered", "completed", "canceled", "refunded"] | None = None


class Orders(msgspec.Struct, frozen=True):
    items: list[OrderBrief]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    why: Annotated[str, Meta(min_length=1, max_length=300)]


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator has found out."""

    note: Annotated[str, Meta(min_length=1, max_length=1_000)]


class Release(Note, frozen=True):
    """`seen_until` is the latest `held_at` that the operator has looked at: what came later keeps the order waiting."""

    seen_until: Annotated[datetime, Meta(tz=True)]

    def __post_init__(self) -> None:
        require_calendar(self.seen_until)


class HoldsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[str, ref("ord")] | None = None


class Holds(msgspec.Struct, frozen=True):
    items: list[HoldView]


class DaysQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: MarketCode


class Days(msgspec.Struct, frozen=True):
    items: list[Day]


async def create_cart(tx: Tx, caller: Caller, body: NewCart) -> CartId:
    """Makes an empty cart."""
    return CartId(show("crt", await carts.create_cart(tx, caller.cell, caller.user_id, body.market)))


async def read_cart(tx: ReadTx, caller: Caller, cart_id: CartPath) -> CartView:
    """A cart with today's prices."""
    return await carts.cart_view(tx, await carts.load_cart(tx, caller.cell, caller.user_id, cart_id))


async def add_cart_line(tx: Tx, caller: Caller, cart_id: CartPath, body: NewLine) -> None:
    """Adds units of an offer to a cart."""
    await carts.add_line(tx, caller.cell, caller.user_id, cart_id, body.offer_id, body.quantity)


async def set_cart_quantity(tx: Tx, caller: Caller, cart_id: CartPath, offer_id: int, body: NewQuantity) -> None:
    """Changes how many units of an offer are in a cart."""
    await carts.set_quantity(tx, caller.cell, caller.user_id, cart_id, offer_id, body.quantity)


async def remove_cart_line(tx: Tx, caller: Caller, cart_id: CartPath, offer_id: int) -> None:
    """Takes an offer out of a cart."""
    await carts.remove_line(tx, caller.cell, caller.user_id, cart_id, offer_id)


async def set_cart_address(tx: Tx, caller: Caller, cart_id: CartPath, body: ChosenAddress) -> None:
    """Chooses one of the caller's addresses."""
    await carts.set_address(tx, caller.cell, caller.user_id, cart_id, parse("adr", body.address_id))


async def set_cart_shipping(tx: Tx, caller: Caller, cart_id: CartPath, body: ChosenShipping) -> None:
    """Chooses a shipping service of the market, and one of its time slots if it has any."""
    await carts.set_shipping(tx, caller.cell, caller.user_id, cart_id, body.code, body.slot)


async def set_cart_promotion(tx: Tx, caller: Caller, cart_id: CartPath, body: ChosenPromotion) -> None:
    """Uses a promotion, or takes it back."""
    await carts.set_promotion(tx, caller.cell, caller.user_id, cart_id, body.code)


async def quote_cart(tx: Tx, caller: Caller, cart_id: CartPath) -> QuoteView:
    """Prices a cart: what placing it costs until the quote expires."""
    return await carts.quote_cart(tx, caller.cell, caller.user_id, cart_id)


async def give_age(tx: Tx, caller: Caller, body: AgeGiven) -> AgeView:
    """Says how old the caller is, where the law asks for it. A date of birth is not kept, the age by it is."""
    if body.birth_date is not None:
        return AgeView(await selling.give_birth_date(tx, caller.cell, caller.user_id, body.birth_date), "birth_date")
    if body.age is None:
        raise Malformed("give age or birth_date")
    await selling.give_age(tx, caller.cell, caller.user_id, body.age)
    return AgeView(body.age, "stated")


async def place_order(request: Request, caller: Caller, key: str, body: PlaceQuote) -> Placed:
    """Places a quote and pays: from the wallet at once, in installments, or through a gateway, which answers
    awaiting_payment."""
    if body.method in ("wallet", credit.INSTALLMENTS):
        require_account(caller, body.method)
    placing: Placing = request.app.state.placing
    place = Place(caller.user_id, key, parse("quo", body.quote_id), body.method, months=body.months or 0)
    return await placing.place(caller.cell, place)


async def list_groups(tx: ReadTx, caller: Caller, query: GroupsQuery) -> Groups:
    """The caller's purchases, the latest first."""
    before = None if query.before is None else parse("grp", query.before)
    return Groups(await reads.buyer_groups(tx, caller.cell, caller.user_id, before))


async def read_group(tx: ReadTx, caller: Caller, group_id: GroupPath) -> GroupView:
    """A purchase of the caller's with its orders."""
    return await reads.group_view(tx, caller.cell, caller.user_id, group_id)


async def cancel_group(tx: Tx, caller: Caller, group_id: GroupPath) -> None:
    """Takes back a purchase of the caller's whose payment is still awaited."""
    await actions.cancel_unpaid(tx, caller.cell, group_id, caller.user_id)


async def read_payment(tx: ReadTx, caller: Caller, group_id: GroupPath) -> payments.PaymentView:
    """How the payment of a purchase stands, and where to finish it."""
    await reads.group_view(tx, caller.cell, caller.user_id, group_id)
    return await payments.payment_of(tx, caller.cell, group_id)


async def read_payment_step(request: Request, caller: Caller, group_id: GroupPath) -> payments.PaymentStep:
    """What the buyer has to do next to pay through Stripe."""
    db: Database = request.app.state.db
    async with db.read() as tx:
        await reads.group_view(tx, caller.cell, caller.user_id, group_id)
    return await payments.step_of(db, request.app.state.gateways, caller.cell, group_id)


async def read_order(tx: ReadTx, caller: Caller, order_id: OrderPath) -> OrderView:
    """An order of the caller's with lines and timeline."""
    return await reads.order_view(tx, caller.cell, order_id, buyer_id=caller.user_id)


async def confirm_order(tx: Tx, caller: Caller, order_id: OrderPath) -> None:
    """The buyer has the goods: the seller gets the money."""
    await actions.confirm(tx, caller.cell, order_id, caller.user_id)


async def cancel_order(tx: Tx, caller: Caller, order_id: OrderPath) -> None:
    """Cancels an order of the caller's that is not shipped yet."""
    await actions.cancel_own(tx, caller.cell, order_id, caller.user_id)


async def cancel_order_lines(tx: Tx, caller: Caller, order_id: OrderPath, body: CancelLines) -> None:
    """Cancels some units of lines of an order of the caller's that is not shipped yet. Their money goes back with their
    shares of discounts and shipping."""
    await parts.cancel_lines(tx, caller.cell, order_id, _units(body), buyer_id=caller.user_id)


async def list_seller_orders(tx: ReadTx, caller: Caller, query: OrdersQuery) -> Orders:
    """The seller's orders, the latest first."""
    before = None if query.before is None else parse("ord", query.before)
    return Orders(await reads.seller_orders(tx, caller.cell, caller.seller, query.status, before))


async def read_seller_order(tx: ReadTx, caller: Caller, order_id: OrderPath) -> OrderView:
    """An order of the seller's."""
    return await reads.order_view(tx, caller.cell, order_id, seller_id=caller.seller)


async def read_order_of_part(tx: ReadTx, caller: Caller, part_id: Annotated[UUID, "prt"]) -> OrderView:
    """The order of the seller's that a part is of, such as a line of the statement names."""
    return await reads.order_of_part(tx, caller.cell, part_id, caller.seller)


async def read_ship_to(tx: ReadTx, caller: Caller, order_id: OrderPath) -> Address:
    """Where an order of the seller's goes."""
    return await reads.ship_to(tx, caller.cell, order_id, caller.seller)


async def ship_order(tx: Tx, caller: Caller, order_id: OrderPath, body: NewShipment) -> None:
    """Hands a paid order to a carrier."""
    shipment = logistics.NewShipment(order_id, body.carrier, body.tracking_number)
    await actions.ship_many(tx, caller.cell, [shipment], caller.seller)


async def cancel_seller_order(tx: Tx, caller: Caller, order_id: OrderPath) -> None:
    """The seller cancels an order that is not shipped yet."""
    await actions.cancel(tx, caller.cell, [order_id], seller_id=caller.seller)


async def cancel_seller_order_lines(tx: Tx, caller: Caller, order_id: OrderPath, body: CancelSold) -> None:
    """The seller cancels some units of lines of an order that is not shipped yet."""
    seller = caller.seller
    await parts.cancel_lines(tx, caller.cell, order_id, _units(body), seller_id=seller, reason=body.reason)


async def refund_seller_line(tx: Tx, caller: Caller, order_id: OrderPath, body: RefundAmount) -> None:
    """The seller gives back an amount of what was paid for a line; the buyer keeps the goods. After the release, and
    after the payout, it comes from the seller's account, which may then be below zero."""
    seller = caller.seller
    await parts.refund_amount(tx, caller.cell, order_id, body.line_no, body.amount_minor, body.reason, seller_id=seller)


async def refund_seller_order(tx: Tx, caller: Caller, order_id: OrderPath) -> None:
    """The seller gives a shipped order's money back in full before it is released."""
    await actions.refund(tx, caller.cell, [order_id], seller_id=caller.seller)


async def list_holds(tx: ReadTx, query: HoldsQuery) -> Holds:
    """Orders that wait for the operator, since their buyer or recipient may be a denied party."""
    return Holds(await holds.held_orders(tx, None if query.after is None else parse("ord", query.after)))


async def hold_order(tx: Tx, order_id: OrderPath, body: Reason) -> None:
    """Holds a paid order, which then is not sent: for the operator, or whatever screens for it."""
    await holds.hold_by_hand(tx, order_id, body.why)


async def release_hold(tx: Tx, caller: Caller, order_id: OrderPath, body: Release) -> None:
    """The operator has looked: the order may be sent."""
    await holds.release_held(tx, order_id, caller.user_id, body.note, body.seen_until)


async def reject_hold(tx: Tx, caller: Caller, order_id: OrderPath, body: Note) -> None:
    """The operator has looked: the order is canceled, its goods and its money go back."""
    await holds.reject_held(tx, order_id, caller.user_id, body.note)


async def list_days(tx: ReadTx, query: DaysQuery) -> Days:
    """What a market sold per day, in the 28 days up to its last order."""
    await read_market(tx, query.market)
    return Days(await reads.days(tx, query.market))


async def sandbox_webhook(request: Request) -> Response:
    """What the sandbox gateway tells us, signed."""
    return await _take_webhook(request, "sandbox")


async def stripe_webhook(request: Request) -> Response:
    """What Stripe tells us, signed."""
    return await _take_webhook(request, "stripe")


async def _take_webhook(request: Request, method: payments.Method) -> Response:
    db: Database = request.app.state.db
    gateway: payments.Gateway | None = request.app.state.gateways.get(method)
    if gateway is None:
        raise NotFound
    body = await read_body(request)  # before a transaction is opened: a slow sender must not hold one
    await payments.take_webhook(db, gateway, request.headers, body, settle)
    return Response(status_code=204)


def _units(body: CancelLines) -> dict[int, int]:
    units = {line.line_no: line.quantity for line in body.lines}
    if len(units) < len(body.lines):
        raise Malformed("a line is named twice")
    return units


_PRICING = (
    pricing.AmountTooLarge, pricing.LimitReached, pricing.NothingToPrice, pricing.PromotionNotValid,
    pricing.QuantityNotValid, pricing.ShippingNotOffered, *pricing.SLOT_PROBLEMS, pricing.TooManyLines,
)  # fmt: skip
_BACK = (WrongStatus, payments.PaymentChargedBack)
routes = [
    *api_borders.routes,
    *api_guests.routes,
    *api_lending.routes,
    post(
        "/v1/orders", place_order, access=BUYER, status=201, key="needed",
        raises=(
            *PLACE_PROBLEMS.values(), AccountNeeded, KeyConflict, Overloaded, payments.MethodNotOffered,
            credit.CreditRefused, credit.InstallmentsNotOffered,
        ),
    ),
    post("/v1/carts", create_cart, access=BUYER, raises=(NotFound,), status=201, key="taken", durable=False),
    get("/v1/carts/{cart_id}", read_cart, access=BUYER),
    post(
        "/v1/carts/{cart_id}/lines", add_cart_line, access=BUYER, key="taken", durable=False,
        raises=(CartFull, OfferUnavailable, pricing.QuantityNotValid, trade.NotSoldThere),
    ),
    put("/v1/carts/{cart_id}/lines/{offer_id}", set_cart_quantity, access=BUYER, key="taken", durable=False),
    delete("/v1/carts/{cart_id}/lines/{offer_id}", remove_cart_line, access=BUYER, key="taken", durable=False),
    put("/v1/carts/{cart_id}/address", set_cart_address, access=BUYER, key="taken", durable=False),
    put(
        "/v1/carts/{cart_id}/shipping", set_cart_shipping, access=BUYER, key="taken", durable=False,
        raises=(pricing.ShippingNotOffered, *pricing.SLOT_PROBLEMS),
    ),
    put(
        "/v1/carts/{cart_id}/promotion", set_cart_promotion, access=BUYER, key="taken", durable=False,
        raises=(pricing.PromotionNotValid,),
    ),
    post(
        "/v1/carts/{cart_id}/quote", quote_cart, access=BUYER, status=201, key="taken", durable=False,
        raises=(
            AddressNotLatin, CartEmpty, CartIncomplete, IdentityNeeded, OfferUnavailable, trade.AgeNeeded,
            trade.NotSoldThere, *_PRICING, *BORDER_PROBLEMS, NotExchanged,
        ),
    ),
    put("/v1/age", give_age, access=BUYER, key="taken", raises=(Malformed, trade.TooYoung)),
    get("/v1/groups", list_groups, access=BUYER),
    get("/v1/groups/{group_id}", read_group, access=BUYER),
    get("/v1/groups/{group_id}/payment", read_payment, access=BUYER),
    get("/v1/groups/{group_id}/payment/step", read_payment_step, access=BUYER, raises=(payments.GatewayAway,)),
    post("/v1/groups/{group_id}/cancel", cancel_group, access=BUYER, raises=(WrongStatus,), key="taken"),
    get("/v1/orders/{order_id}", read_order, access=BUYER),
    post("/v1/orders/{order_id}/confirm", confirm_order, access=BUYER, raises=(OrderHeld, WrongStatus), key="taken"),
    post("/v1/orders/{order_id}/cancel", cancel_order, access=BUYER, raises=_BACK, key="taken"),
    post(
        "/v1/orders/{order_id}/cancel-lines", cancel_order_lines, access=BUYER, key="taken",
        raises=(*_BACK, LineNotThere, UnitsTaken),
    ),
    get("/v1/seller/orders", list_seller_orders, access=SELLER),
    get("/v1/seller/orders/{order_id}", read_seller_order, access=SELLER),
    get("/v1/seller/parts/{part_id}", read_order_of_part, access=SELLER),
    get("/v1/seller/orders/{order_id}/ship-to", read_ship_to, access=SELLER),
    post(
        "/v1/seller/orders/{order_id}/ship", ship_order, access=SELLER, key="taken",
        raises=(OrderHeld, WrongStatus, PapersIncomplete, logistics.TrackingNumberTaken, *bonded.NOT_SENT),
    ),
    post("/v1/seller/orders/{order_id}/cancel", cancel_seller_order, access=SELLER, raises=_BACK, key="taken"),
    post(
        "/v1/seller/orders/{order_id}/cancel-lines", cancel_seller_order_lines, access=SELLER, key="taken",
        raises=(*_BACK, LineNotThere, UnitsTaken),
    ),
    post(
        "/v1/seller/orders/{order_id}/refund-line", refund_seller_line, access=SELLER, key="taken",
        raises=(*_BACK, LineNotThere, AmountNotLeft),
    ),
    post("/v1/seller/orders/{order_id}/refund", refund_seller_order, access=SELLER, raises=_BACK, key="taken"),
    get("/v1/operator/holds", list_holds, access=OPERATOR),
    post("/v1/operator/orders/{order_id}/hold", hold_order, access=OPERATOR, raises=(WrongStatus,), key="taken"),
    post("/v1/operator/holds/{order_id}/release", release_hold, access=OPERATOR, raises=(WrongStatus,), key="taken"),
    post("/v1/operator/holds/{order_id}/reject", reject_hold, access=OPERATOR, raises=(WrongStatus,), key="taken"),
    get("/v1/operator/days", list_days, access=OPERATOR, raises=(NotFound,), switch="reports"),
    post(
        "/v1/webhooks/sandbox", sandbox_webhook, access=PUBLIC, status=204,
        raises=(NotFound, TooLarge, payments.WebhookRefused),
    ),
    post(
        "/v1/webhooks/stripe", stripe_webhook, access=PUBLIC, status=204,
        raises=(NotFound, TooLarge, payments.WebhookRefused),
    ),
]  # fmt: skip
