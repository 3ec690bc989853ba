"""A buyer's purchases: what was ordered, where it is, and what can be done about it."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from entrepot import disputes, orders, payments
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER
from entrepot.kit.ids import parse
from entrepot.orders import OrderView
from entrepot.web.account import Nothing
from entrepot.web.visit import Go, Visit, form, page, page_of_its_own
from entrepot.web.words import DISPUTE_STATES

STAGES = ("placed", "paid", "shipped", "delivered", "completed")
"""An order's way when nothing goes wrong, as its picture shows it."""
STAGE_OF = {"awaiting_payment": 0, "paid": 1, "shipped": 2, "delivered": 3, "completed": 4}


async def purchases_page(tx: ReadTx, visit: Visit) -> Response:
    groups = await orders.buyer_groups(tx, visit.me.cell, visit.me.user_id, visit.query_id("grp", "before"))
    as_guest = [] if visit.me.guest else await orders.guest_groups(tx, visit.me.user_id)
    return await visit.show(tx, "purchases.html", groups=groups, as_guest=as_guest)


async def purchase_page(tx: ReadTx, visit: Visit) -> Response:
    """One purchase with its orders. One that awaits its payment asks the browser to look again."""
    buyer, group_id = visit.me, visit.id("grp", "group_id")
    group, views = await orders.group_detail(tx, buyer.cell, buyer.user_id, group_id)
    payment = await payments.payment_of(tx, buyer.cell, group_id)
    waiting = group.status == "awaiting_payment" and payment.status in ("created", "pending")
    ids = [parse("ord", view.order.id) for view in views]
    disputed = await disputes.disputes_of_orders(tx, ids, buyer.user_id)
    response = await visit.show(
        tx, "purchase.html", group=group, payment=payment, views=views, waiting=waiting, stages=STAGES, stage=stage,
        disputed=disputed, states=DISPUTE_STATES,
    )  # fmt: skip
    if waiting:
        # Works without JavaScript. The first seconds are short: the link to the gateway is only on its way.
        response.headers["refresh"] = "2" if payment.redirect_url is None else "5"
    return response


STRIPES_OWN = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; "
    "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; "
    "connect-src 'self' https://api.stripe.com; style-src 'self' 'unsafe-inline'"
)
"""What the page that asks for a card may do (content-security-policy), as Stripe's guide wants it, and with the styles
that its script sets: no other page of ours runs anybody else's script."""


async def pay_page(visit: Visit) -> Response:
    """Where the buyer gives a card to Stripe. When nothing is to be done the purchase says how it stands."""
    buyer, group_id = visit.me, visit.id("grp", "group_id")
    async with visit.db.read() as tx:
        group = await orders.group_view(tx, buyer.cell, buyer.user_id, group_id)
    back = f"/orders/{group.id}"
    step = await payments.step_of(visit.db, visit.request.app.state.gateways, buyer.cell, group_id)
    if step.client_secret is None:
        return RedirectResponse(back, 303)
    async with visit.db.read() as tx:
        back = visit.request.app.state.public_url + back
        response = await visit.show(tx, "pay.html", group=group, step=step, back=back)
    response.headers["content-security-policy"] = STRIPES_OWN
    response.headers["cache-control"] = "no-store"
    return response


def stage(view: OrderView) -> int | None:
    """How far an order has come on STAGES; None when it left that way."""
    return STAGE_OF.get(view.order.status)


async def confirm(tx: Tx, visit: Visit, _: Nothing) -> Go:
    order = await _own(tx, visit)
    await orders.confirm(tx, visit.me.cell, visit.id("ord", "order_id"), visit.me.user_id)
    return Go(f"/orders/{order.order.group_id}", done="confirmed")


async def cancel(tx: Tx, visit: Visit, _: Nothing) -> Go:
    order = await _own(tx, visit)
    await orders.cancel_own(tx, visit.me.cell, visit.id("ord", "order_id"), visit.me.user_id)
    return Go(f"/orders/{order.order.group_id}", done="order_canceled")


async def cancel_unpaid(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await orders.cancel_unpaid(tx, visit.me.cell, visit.id("grp", "group_id"), visit.me.user_id)
    return Go(f"/orders/{visit.param('group_id')}", done="purchase_canceled")


async def _own(tx: ReadTx, visit: Visit) -> OrderView:
    return await orders.order_view(tx, visit.me.cell, visit.id("ord", "order_id"), buyer_id=visit.me.user_id)


routes = [
    page("/orders", purchases_page, BUYER),
    page("/orders/{group_id}", purchase_page, BUYER),
    page_of_its_own("/orders/{group_id}/pay", pay_page, BUYER),
    form("/orders/{order_id}/confirm", confirm, Nothing, BUYER),
    form("/orders/{order_id}/cancel", cancel, Nothing, BUYER),
    form("/orders/{group_id}/cancel-unpaid", cancel_unpaid, Nothing, BUYER),
]
