"""The operator's desk: how the market does, the house's balances, the sellers, and money that came in by other ways."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import accounts, approvals, ledger, orders, payments, sellers
from entrepot.catalog import Price
from entrepot.kit import idempotency, ids
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.i18n import N
from entrepot.kit.problem import Malformed, NotFound
from entrepot.ledger import TransferRefused
from entrepot.platform import Switch
from entrepot.web.account import Nothing
from entrepot.web.chart import chart
from entrepot.web.seller import month_of, shifted
from entrepot.web.visit import Go, Visit, amount_of, form, form_of_its_own, page

BALANCES = (
    ("escrow", N("In escrow"), N("owed to sellers and buyers"), N("more went out than came in")),
    ("duties", N("Duties and import taxes"), N("owed to customs"), N("more went out than came in")),
    ("broker", N("Brokers at customs"), N("owed to brokers"), N("owed by brokers")),
    ("duty_difference", N("Duties that were more or less"), N("gained"), N("lost")),
    ("gateway", N("Payment gateway"), N("owed to the gateway"), N("owed by the gateway")),
    ("payout", N("Paid out to sellers"), N("to be settled with the bank"), N("owed by the bank")),
    ("commission", N("Commission"), N("earned"), N("given up")),
    ("payment_fee", N("Payment fees"), N("earned"), N("given up")),
    ("fee_tax", N("Tax on fees"), N("owed to the tax office"), N("more went out than came in")),
    ("advanced_tax", N("VAT yet to be kept from sellers"), N("more was kept than owed"), N("advanced")),
    ("exchange", N("Currency exchange"), N("to be changed into others"), N("to be bought for others")),
    ("exchange_spread", N("Spread of the exchange"), N("earned"), N("given up")),
    ("own_revenue", N("Own sales"), N("earned"), N("given up")),
    ("bad_debt", N("Written off"), N("taken back"), N("lost")),
    ("promotions", N("Promotions"), N("taken back"), N("given")),
)
"""House accounts, and what a balance in credit and in debit means."""
STUCK = {
    "refund_refused": N("Refund refused"),
    "refund_unanswered": N("Refund without an answer"),
    "cancel_unanswered": N("Cancellation without an answer"),
    "transfer_unanswered": N("Transfer to a seller without an answer"),
}
PER_PAGE = 50


class TopUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user_id: Annotated[str, ids.ref("usr")]
    amount: Annotated[str, Meta(min_length=1, max_length=20)]
    key: Annotated[str, Meta(min_length=1, max_length=100)]


async def overview(tx: ReadTx, visit: Visit) -> Response:
    market = await visit.market(tx)
    month = month_of(visit.query("month"))
    edges: dict[date, int] = {}
    days: list[orders.Day] = []
    resting = await visit.switches.off(Switch.REPORTS)
    if month is None and resting is None:
        days = await orders.days(tx, market.code)
    elif month is not None and resting is None:
        stop = shifted(month, 1)
        days = await orders.days(tx, market.code, month, stop)
        edges = {month.date(): 0, (stop - timedelta(days=1)).date(): 0}
    has = await ledger.balances(tx, await cells(tx), [code for code, *_ in BALANCES], market.currency)
    balances = [
        (title, Price(has[code], market.currency), in_credit if has[code] > 0 else in_debit)
        for code, title, in_credit, in_debit in BALANCES
    ]
    return await visit.show(
        tx, "operator.html", days=days, resting=resting, balances=balances, month=month,
        money=chart(edges | {day.day: day.paid_minor for day in days}),
        counts=chart(edges | {day.day: day.orders for day in days}),
        total=Price(sum(day.paid_minor for day in days), market.currency),
        earned=Price(sum(day.commission_minor for day in days), market.currency),
        placed=sum(day.orders for day in days), groups=sum(day.groups for day in days),
    )  # fmt: skip


async def sellers_page(tx: ReadTx, visit: Visit) -> Response:
    after = visit.query_id("sel", "after")
    found = await sellers.page(tx, sellers.SellerId(after) if after else None, PER_PAGE)
    rows = [(ids.show("sel", seller.id), seller) for seller in found]
    return await visit.show(tx, "operator_sellers.html", rows=rows, next=rows[-1][0] if len(rows) == PER_PAGE else None)


async def suspend(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await sellers.suspend(tx, sellers.SellerId(visit.id("sel", "seller_id")))
    return Go("/operator/sellers", done="suspended")


async def reinstate(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await sellers.reinstate(tx, sellers.SellerId(visit.id("sel", "seller_id")))
    return Go("/operator/sellers", done="reinstated")


async def stuck_page(tx: ReadTx, visit: Visit) -> Response:
    """Refunds and payments that need a person."""
    prefix = visit.query("after")[:3]
    after = visit.query_id(prefix if prefix in ("pmt", "pay") else "rfd", "after")
    found = await payments.stuck(tx, after, PER_PAGE)
    items = [(item, Price(item.amount_minor, item.currency)) for item in found]
    return await visit.show(
        tx, "operator_stuck.html", items=items, kinds=STUCK, next=found[-1].id if len(found) == PER_PAGE else None
    )


async def retry_refund(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await payments.retry_refund(tx, visit.id("rfd", "refund_id"))
    return Go("/operator/stuck", done="refund_retried")


async def credit_refund(tx: Tx, visit: Visit, _: Nothing) -> Go:
    asked = await payments.credit_refund_by(tx, visit.me.user_id, visit.id("rfd", "refund_id"))
    return Go("/operator/stuck", done="asked" if asked else "refund_credited")


async def payouts_page(tx: ReadTx, visit: Visit) -> Response:
    """Payouts that the bank has not answered for."""
    found = await payments.sent_payouts(tx, visit.query_id("pay", "after"), PER_PAGE)
    items = [(item, Price(item.amount_minor, item.currency)) for item in found]
    files = [(file, Price(file.total_minor, file.currency)) for file in await payments.bank_files(tx)]
    return await visit.show(
        tx, "operator_payouts.html", items=items, files=files, next=found[-1].id if len(found) == PER_PAGE else None
    )


async def bank_file(tx: ReadTx, visit: Visit) -> Response:
    """What is handed to the bank; it has account numbers in it, so that nobody in between keeps it."""
    content = await payments.bank_file(tx, visit.keys, visit.id("bnk", "file_id"))
    name = f'attachment; filename="{visit.param("file_id")}.xml"'
    headers = {"content-disposition": name, "cache-control": "private, no-store"}
    return Response(content, headers=headers, media_type="application/xml")


async def settle_payout(tx: Tx, visit: Visit, _: Nothing) -> Go:
    asked = await payments.settle_payout_by(tx, visit.me.user_id, visit.id("pay", "payout_id"))
    return Go("/operator/payouts", done="asked" if asked else "payout_settled")


async def return_payout(tx: Tx, visit: Visit, _: Nothing) -> Go:
    asked = await payments.return_payout_by(tx, visit.me.user_id, visit.id("pay", "payout_id"))
    return Go("/operator/payouts", done="asked" if asked else "payout_returned")


async def top_up_page(tx: ReadTx, visit: Visit) -> Response:
    key = visit.typed.get("key") or ids.new_id(tx.now).hex
    return await visit.show(tx, "operator_top_up.html", key=key)


async def top_up(visit: Visit, body: TopUp) -> Go:
    """Books money into a buyer's wallet, once per form however often it is sent."""

    async def work(tx: Tx) -> approvals.Asked | None:
        currency = (await visit.market(tx)).currency
        amount_minor = amount_of(body.amount, currency, least=1)
        try:
            buyer = ids.parse("usr", body.user_id)
            cell = await accounts.cell_of(tx, buyer)
            by, cause = visit.me.user_id, ids.new_id(tx.now)
            return await payments.top_up_by(tx, by, cell, buyer, currency, amount_minor, cause)
        except (NotFound, TransferRefused):
            raise Malformed("no such buyer - at `$.user_id`") from None

    asked = f"{body.user_id} {body.amount}".encode()
    spent = idempotency.Spent(visit.me.cell, visit.me.user_id, "POST /operator/top-up", body.key, asked)
    done = await idempotency.once(visit.db, spent, work, 202, durable=True)
    return Go("/operator/top-up", done="asked" if done.answer else "topped_up")


routes = [
    page("/operator", overview, OPERATOR),
    page("/operator/sellers", sellers_page, OPERATOR),
    form("/operator/sellers/{seller_id}/suspend", suspend, Nothing, OPERATOR),
    form("/operator/sellers/{seller_id}/reinstate", reinstate, Nothing, OPERATOR),
    page("/operator/stuck", stuck_page, OPERATOR),
    form("/operator/refunds/{refund_id}/retry", retry_refund, Nothing, OPERATOR),
    form("/operator/refunds/{refund_id}/credit", credit_refund, Nothing, OPERATOR),
    page("/operator/payouts", payouts_page, OPERATOR),
    page("/operator/bank-files/{file_id}", bank_file, OPERATOR),
    form("/operator/payouts/{payout_id}/settle", settle_payout, Nothing, OPERATOR),
    form("/operator/payouts/{payout_id}/return", return_payout, Nothing, OPERATOR),
    page("/operator/top-up", top_up_page, OPERATOR),
    form_of_its_own("/operator/top-up", top_up, TopUp, OPERATOR, again=top_up_page),
]
