"""Installments: the exact schedule before one agrees, what is owed, why so much may be, and the operator's exposure."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import RedirectResponse, Response

from entrepot import accounts, credit, orders
from entrepot.catalog import Price
from entrepot.credit import Months
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR
from entrepot.kit.ids import show
from entrepot.kit.problem import Malformed, NotFound
from entrepot.orders import Place
from entrepot.payments import MethodNotOffered
from entrepot.web.visit import Go, Visit, amount_of, form, form_of_its_own, page
from entrepot.web.words import SCORE_REASONS

LAST = UUID(int=2**128 - 1)
DAY_S = 86_400
Typed = Annotated[str, Meta(min_length=1, max_length=20)]
Source = Annotated[str, Meta(min_length=1, max_length=200)]


class Agree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the idempotency key: the same form sent twice places once."""

    key: Annotated[str, Meta(min_length=1, max_length=100, pattern="^[!-~]+$")]
    months: Months


class Pay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    what: Literal["due", "all"]
    method: Literal["wallet", "sandbox"]


class PlanForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fees in percent of what is lent."""

    months: Months
    percent: Typed
    bearer: Literal["buyer", "seller", "platform"]
    minimum: Typed
    plan_source: Source
    offered: Literal["yes", "no"] = "yes"


class TermsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limits` has a line for each step: a score, and what may be owed from it on."""

    grace_days: Annotated[int, Meta(ge=0, le=60)]
    retry_days: Annotated[int, Meta(ge=1, le=9)]
    default_days: Annotated[int, Meta(ge=61, le=730)]
    late_fee: Typed
    late_percent: Typed
    limits: Annotated[str, Meta(max_length=400)]
    terms_source: Source


async def offers_page(tx: ReadTx, visit: Visit) -> Response:
    """What each plan comes to, day by day, and whether so much may be owed. A placed quote leads to its purchase."""
    quote_id, buyer = visit.id("quo", "quote_id"), visit.with_account(credit.INSTALLMENTS)
    try:
        await orders.group_view(tx, buyer.cell, buyer.user_id, quote_id)
    except NotFound:
        found = await orders.offers_for(tx, buyer.cell, buyer.user_id, quote_id)
        return await visit.show(
            tx, "installment_offers.html", found=found, quote=show("quo", quote_id), why=SCORE_REASONS, amount=Price
        )
    return RedirectResponse(f"/orders/{show('grp', quote_id)}", 303)


async def agree(visit: Visit, body: Agree) -> Go:
    quote_id, placing = visit.id("quo", "quote_id"), visit.request.app.state.placing
    command = Place(
        visit.with_account(credit.INSTALLMENTS).user_id, body.key, quote_id, credit.INSTALLMENTS, months=body.months
    )
    return Go(f"/orders/{(await placing.place(visit.me.cell, command)).id}", done="placed")


async def plans_page(tx: ReadTx, visit: Visit) -> Response:
    market, buyer = await visit.market(tx), visit.me
    standing = await credit.standing(tx, buyer.cell, buyer.user_id, market.code, market.currency)
    plans = await credit.plans_of(tx, buyer.cell, buyer.user_id, visit.query_id("grp", "before") or LAST)
    return await visit.show(tx, "installments.html", standing=standing, plans=plans, why=SCORE_REASONS, amount=Price)


async def plan_page(tx: ReadTx, visit: Visit) -> Response:
    plan = await credit.plan_view(tx, visit.me.cell, visit.me.user_id, visit.id("grp", "group_id"))
    gateway = credit.COLLECTED_BY in visit.request.app.state.gateways
    return await visit.show(tx, "installment_plan.html", plan=plan, gateway=gateway, amount=Price)


async def pay(tx: Tx, visit: Visit, body: Pay) -> Go:
    if body.method != "wallet" and body.method not in visit.request.app.state.gateways:
        raise MethodNotOffered(body.method)
    plan_id = visit.id("grp", "group_id")
    await credit.pay(tx, visit.me.cell, visit.me.user_id, plan_id, body.method, whole=body.what == "all")
    done = "installment_paid" if body.method == "wallet" else "installment_asked"
    return Go(f"/account/installments/{show('grp', plan_id)}", done=done)


async def exposure_page(tx: ReadTx, visit: Visit) -> Response:
    market = await visit.market(tx)
    terms, plans = await credit.terms_at(tx, market.code)
    found = await credit.exposure(tx)
    return await visit.show(tx, "operator_credit.html", found=found, terms=terms, plans=plans, amount=Price)


async def set_plan(tx: Tx, visit: Visit, body: PlanForm) -> Go:
    market = await visit.market(tx)
    fee_bp = amount_of(body.percent, "EUR", "percent", most=10_000)  # hundredths, as cents are
    minimum = amount_of(body.minimum, market.currency, "minimum", least=credit.MINIMUM_MINOR)
    terms = credit.PlanTerms(
        market.code, body.months, tx.now, body.offered == "yes", fee_bp, body.bearer, minimum, body.plan_source
    )  # fmt: skip
    await credit.set_plan_terms(tx, terms)
    return Go("/operator/credit", done="terms_set")


async def set_terms(tx: Tx, visit: Visit, body: TermsForm) -> Go:
    market = await visit.market(tx)
    scores, limits = _steps(body.limits, market.currency)
    terms = credit.Terms(
        market.code, tx.now, body.grace_days * DAY_S, body.retry_days * DAY_S,
        amount_of(body.late_fee, market.currency, "late_fee"),
        amount_of(body.late_percent, "EUR", "late_percent", most=10_000), body.default_days * DAY_S, scores, limits,
        body.terms_source,
    )  # fmt: skip
    await credit.set_terms(tx, terms)
    return Go("/operator/credit", done="terms_set")


def _steps(text: str, currency: str) -> tuple[list[int], list[int]]:
    """Scores and limits, line by line; a higher score comes later and allows no less. Raises Malformed."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or any(len(line) != 2 or not line[0].isdecimal() or len(line[0]) > 4 for line in lines):
        raise Malformed("no score and amount in each line - at `$.limits`")
    scores = [int(score) for score, _ in lines]
    limits = [amount_of(limit, currency, "limits") for _, limit in lines]
    if scores != sorted(set(scores)) or limits != sorted(limits) or scores[-1] > 1_000:
        raise Malformed("a higher score comes later and allows no less - at `$.limits`")
    return scores, limits


async def standing_page(tx: ReadTx, visit: Visit) -> Response:
    """Why a buyer may owe so much."""
    market, user_id = await visit.market(tx), visit.id("usr", "user_id")
    cell = await accounts.cell_of(tx, user_id)
    standing = await credit.standing(tx, cell, user_id, market.code, market.currency)
    user = show("usr", user_id)
    return await visit.show(
        tx, "operator_standing.html", standing=standing, user=user, why=SCORE_REASONS, amount=Price
    )  # fmt: skip


routes = [
    page("/checkout/{quote_id}/installments", offers_page, BUYER),
    form_of_its_own("/checkout/{quote_id}/installments", agree, Agree, frozenset({Role.BUYER})),
    page("/account/installments", plans_page, BUYER),
    page("/account/installments/{group_id}", plan_page, BUYER),
    form("/account/installments/{group_id}/pay", pay, Pay, BUYER),
    page("/operator/credit", exposure_page, OPERATOR),
    form("/operator/credit/plans", set_plan, PlanForm, OPERATOR, again=exposure_page),
    form("/operator/credit/terms", set_terms, TermsForm, OPERATOR, again=exposure_page),
    page("/operator/credit/{user_id}", standing_page, OPERATOR),
]
