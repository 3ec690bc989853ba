"""Installments over HTTP: what is owed and paid, what may be owed and why; the operator's terms and exposure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot import accounts, sellers
from entrepot.credit import actions, reads
from entrepot.credit.reads import LAST, Exposure, PlanView
from entrepot.credit.types import (
    MINIMUM_MINOR,
    Bearer,
    CreditTermsNotLater,
    Method,
    Months,
    NothingOwed,
    PlanTerms,
    Standing,
    Terms,
)
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR, get, post
from entrepot.kit.ids import parse, ref
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import NotFound
from entrepot.ledger import InsufficientFunds
from entrepot.payments import MethodNotOffered

PlanPath = Annotated[UUID, "grp"]
BuyerPath = Annotated[UUID, "usr"]
MarketPath = Annotated[str, Meta(min_length=1, max_length=20)]
Amount = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Share = Annotated[int, Meta(ge=0, le=10_000)]
Source = Annotated[str, Meta(min_length=1, max_length=200)]
STEPS_MAX = 20
DAY_S = 86_400


class PlansQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ref("grp")] | None = None


class Plans(msgspec.Struct, frozen=True):
    """The latest first, 20 at a time."""

    items: list[PlanView]


class StandingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: MarketPath


class Pay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`what`: what is due now, or all that is owed: fees of months that have not begun are then given up."""

    what: Annotated[str, Meta(pattern="^(due|all)$")]
    method: Method = "wallet"


class NewPlanTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `valid_from` on, now at the soonest; `fee_bp` basis points of what is lent, once for the whole plan."""

    months: Months
    fee_bp: Share
    bearer: Bearer
    minimum_minor: Annotated[int, Meta(ge=MINIMUM_MINOR, le=MAX_MINOR)]
    source: Source
    offered: bool = True
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From this score on so much may be owed."""

    score: Annotated[int, Meta(ge=0, le=1_000)]
    limit_minor: Amount


class NewTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An installment not paid `grace_days` after its day costs `late_fee_minor` once, at most `late_fee_max_bp` of it;
    what is due is asked for every `retry_days`, and given up after `default_days`."""

    grace_days: Annotated[int, Meta(ge=0, le=60)]
    retry_days: Annotated[int, Meta(ge=1, le=9)]
    late_fee_minor: Amount
    late_fee_max_bp: Share
    default_days: Annotated[int, Meta(ge=61, le=730)]
    limits: Annotated[list[Step], Meta(min_length=1, max_length=STEPS_MAX)]
    source: Source
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)
        scores, limits = [one.score for one in self.limits], [one.limit_minor for one in self.limits]
        if scores != sorted(set(scores)) or limits != sorted(limits):
            raise ValueError("a higher score comes later and allows no less")


class AllTerms(msgspec.Struct, frozen=True):
    """What holds now: `plans` may be offered or not any more."""

    terms: Terms | None
    plans: list[PlanTerms]


async def list_plans(tx: ReadTx, caller: Caller, query: PlansQuery) -> Plans:
    """The caller's purchases on installments, and what is owed of each."""
    before = LAST if query.before is None else parse("grp", query.before)
    return Plans(await reads.plans_of(tx, caller.cell, caller.user_id, before))


async def read_plan(tx: ReadTx, caller: Caller, group_id: PlanPath) -> PlanView:
    """One of them."""
    return await reads.plan_view(tx, caller.cell, caller.user_id, group_id)


async def pay_plan(tx: Tx, request: Request, caller: Caller, group_id: PlanPath, body: Pay) -> PlanView:
    """Pays what is due, or all: from the wallet at once; through the gateway `pay_at` is there when it knows of it."""
    if body.method != "wallet" and body.method not in request.app.state.gateways:
        raise MethodNotOffered(body.method)
    await actions.pay(tx, caller.cell, caller.user_id, group_id, body.method, whole=body.what == "all")
    return await reads.plan_view(tx, caller.cell, caller.user_id, group_id)


async def read_standing(tx: ReadTx, caller: Caller, query: StandingQuery) -> Standing:
    """What the caller may owe in a market, and how that comes about."""
    currency = (await sellers.market(tx, query.market)).currency
    return await reads.standing(tx, caller.cell, caller.user_id, query.market, currency)


async def read_buyer_standing(tx: ReadTx, user_id: BuyerPath, query: StandingQuery) -> Standing:
    """The same of any buyer."""
    currency = (await sellers.market(tx, query.market)).currency
    return await reads.standing(tx, await accounts.cell_of(tx, user_id), user_id, query.market, currency)


async def read_exposure(tx: ReadTx) -> Exposure:
    """What is lent, by currency, and to whom: those with the most overdue first."""
    return await reads.exposure(tx)


async def read_credit_terms(tx: ReadTx, market: MarketPath) -> AllTerms:
    """What may be bought on installments in a market, and on which terms."""
    await sellers.market(tx, market)
    return AllTerms(*await reads.terms_at(tx, market))


async def set_plan_terms(tx: Tx, market: MarketPath, body: NewPlanTerms) -> None:
    """Says what may be paid in so many months, what that costs, and who bears it."""
    await actions.set_plan_terms(
        tx,
        PlanTerms(
            market, body.months, _from(tx, body.valid_from), body.offered, body.fee_bp, body.bearer, body.minimum_minor,
            body.source,
        ),
    )  # fmt: skip


async def set_credit_terms(tx: Tx, market: MarketPath, body: NewTerms) -> None:
    """Says how much may be owed by score, and what comes of not paying in time."""
    await actions.set_terms(
        tx,
        Terms(
            market, _from(tx, body.valid_from), body.grace_days * DAY_S, body.retry_days * DAY_S, body.late_fee_minor,
            body.late_fee_max_bp, body.default_days * DAY_S, [one.score for one in body.limits],
            [one.limit_minor for one in body.limits], body.source,
        ),
    )  # fmt: skip


def _from(tx: Tx, valid_from: datetime | None) -> datetime:
    """What was agreed upon is not changed afterwards."""
    return max(tx.now, valid_from or tx.now)


routes = [
    get("/v1/installments", list_plans, access=BUYER, account="installments"),
    get("/v1/installments/{group_id}", read_plan, access=BUYER, account="installments"),
    post(
        "/v1/installments/{group_id}/pay", pay_plan, access=BUYER, account="installments", key="taken",
        raises=(InsufficientFunds, MethodNotOffered, NothingOwed),
    ),
    get("/v1/credit", read_standing, access=BUYER, account="installments", raises=(NotFound,)),
    get("/v1/operator/credit", read_exposure, access=OPERATOR),
    get("/v1/operator/credit/{user_id}", read_buyer_standing, access=OPERATOR),
    get("/v1/markets/{market}/credit-terms", read_credit_terms, access=OPERATOR),
    post(
        "/v1/markets/{market}/credit-terms", set_credit_terms, access=OPERATOR, key="taken",
        raises=(CreditTermsNotLater,),
    ),
    post(
        "/v1/markets/{market}/installment-terms", set_plan_terms, access=OPERATOR, key="taken",
        raises=(CreditTermsNotLater,),
    ),
]  # fmt: skip
