"""What may be bought on installments, on which terms, and what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import accounts, payments
from entrepot.credit import rules, store
from entrepot.credit.store import BookRow, LineRow
from entrepot.credit.types import (
    History,
    Installment,
    InstallmentsNotOffered,
    Plan,
    PlanTerms,
    Standing,
    Terms,
)
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound

LAST = UUID(int=2**128 - 1)
PAGE = 20
OWED_MAX = 200


class InstallmentView(msgspec.Struct, frozen=True):
    """`amount_minor` is owed or was paid: principal and the buyer's part of the fee. `status`: open, paid or void
    (goods went back). `late_fee_minor` comes on top."""

    no: int
    due_at: datetime
    amount_minor: int
    fee_minor: int
    status: str
    paid_at: datetime | None
    late_fee_minor: int
    is_late: bool


class Offer(msgspec.Struct, frozen=True):
    """A plan as it would be agreed to: the buyer pays `total_minor`, of which `fee_minor` is what it costs, at an
    effective yearly rate of `yearly_bp` basis points. With a `bearer` other than the buyer it costs the buyer
    nothing."""

    months: int
    bearer: str
    fee_minor: int
    total_minor: int
    yearly_bp: int
    installments: list[InstallmentView]


class Offers(msgspec.Struct, frozen=True):
    """The ways in which `amount_minor` may be paid in installments (none: it is not offered for this), and what the
    buyer may owe. An installment not paid within `grace_s` costs `late_fee_minor`, at most `late_fee_max_bp` of it."""

    currency: str
    amount_minor: int
    offers: list[Offer]
    standing: Standing
    is_granted: bool
    grace_s: int
    late_fee_minor: int
    late_fee_max_bp: int


class PlanView(msgspec.Struct, frozen=True):
    """A plan of the buyer's; its id is the order group's. `due_minor` is due now, `payoff_minor` all that is owed when
    it is paid now, with `rebate_minor` of fees given up. `pay_at` is where a payment that was asked for is finished."""

    id: str
    status: str
    currency: str
    months: int
    bearer: str
    principal_minor: int
    opened_at: datetime
    due_minor: int
    payoff_minor: int
    rebate_minor: int
    pay_at: str | None
    back_minor: int
    installments: list[InstallmentView]


class Owed(msgspec.Struct, frozen=True):
    buyer_id: str
    currency: str
    limit_minor: int
    exposure_minor: int
    overdue_minor: int
    plans: int


class Exposure(msgspec.Struct, frozen=True):
    """What is lent, by currency, and to whom: those with the most that is overdue first, at most OWED_MAX."""

    books: list[BookRow]
    owed: list[Owed]


async def terms_for(tx: ReadTx, market: str, amount_minor: int, months: int) -> tuple[Terms, PlanTerms]:
    """Raises InstallmentsNotOffered."""
    terms, offered = await _offered(tx, market, amount_minor)
    for plan in offered:
        if terms is not None and plan.months == months:
            return terms, plan
    raise InstallmentsNotOffered(months)


async def terms_at(tx: ReadTx, market: str) -> tuple[Terms | None, list[PlanTerms]]:
    """What holds in a market now; plans that are not offered any more are among them."""
    terms = await tx.maybe(store.TERMS_AT, market=market, now=tx.now)
    return terms, await tx.all(store.PLAN_TERMS_AT, market=market, now=tx.now)


async def _offered(tx: ReadTx, market: str, amount_minor: int) -> tuple[Terms | None, list[PlanTerms]]:
    terms, plans = await terms_at(tx, market)
    return terms, [plan for plan in plans if plan.offered and plan.minimum_minor <= amount_minor]


async def is_offered(tx: ReadTx, market: str, amount_minor: int) -> bool:
    """Whether something of this price may be paid in installments there, by whoever may owe so much."""
    terms, plans = await _offered(tx, market, amount_minor)
    return terms is not None and bool(plans)


async def judged(
    tx: ReadTx, cell: int, buyer_id: UUID, currency: str, terms: Terms | None, line: LineRow | None
) -> Standing:
    """What a buyer may owe by the terms, from how the buyer has paid until now and what of the last limit is used."""
    row = line or LineRow(0, 0)
    paid = await tx.one(store.HISTORY, cell=cell, buyer_id=buyer_id)
    since = await accounts.member_since(tx, cell, buyer_id)
    used_bp = row.exposure_minor * 10_000 // row.limit_minor if row.limit_minor else 0
    score = rules.score(
        History((tx.now - since).days, paid.on_time, paid.late, paid.overdue, paid.defaults, used_bp)
    )  # fmt: skip
    limit = rules.limit_of(score.points, terms.scores, terms.limits_minor) if terms else 0
    return Standing(currency, limit, row.exposure_minor, max(0, limit - row.exposure_minor), score)


async def standing(tx: ReadTx, cell: int, buyer_id: UUID, market: str, currency: str) -> Standing:
    """What a buyer may owe in a market, and why."""
    terms = await tx.maybe(store.TERMS_AT, market=market, now=tx.now)
    line = await tx.maybe(store.LINE, cell=cell, buyer_id=buyer_id, currency=currency)
    return await judged(tx, cell, buyer_id, currency, terms, line)


def planned(
    plan_id: UUID, buyer_id: UUID, currency: str, amount_minor: int, terms: Terms, offer: PlanTerms, now: datetime
) -> Plan:
    return Plan(
        plan_id, buyer_id, terms.market, currency, offer.months, offer.bearer, amount_minor,
        rules.fee_of(amount_minor, offer.fee_bp), terms.grace_s, terms.retry_s, terms.late_fee_minor,
        terms.late_fee_max_bp, terms.default_after_s, 0, 0, "open", now,
    )  # fmt: skip


def schedule_of(plan: Plan) -> list[Installment]:
    fee = plan.fee_minor if plan.bearer == "buyer" else 0
    return rules.schedule(plan.id, plan.principal_minor, fee, plan.months, plan.opened_at)


async def offers(
    tx: ReadTx, cell: int, buyer_id: UUID, market: str, currency: str, amount_minor: int
) -> Offers:  # fmt: skip
    """How a purchase of this amount may be paid in installments, to the day and the cent."""
    terms, offered = await _offered(tx, market, amount_minor)
    line = await tx.maybe(store.LINE, cell=cell, buyer_id=buyer_id, currency=currency)
    judgement = await judged(tx, cell, buyer_id, currency, terms, line)
    if terms is None:
        return Offers(currency, amount_minor, [], judgement, False, 0, 0, 0)
    found = []
    for one in offered:
        plan = planned(buyer_id, buyer_id, currency, amount_minor, terms, one, tx.now)
        due = schedule_of(plan)
        amounts = [part.amount_minor for part in due]
        fee = sum(part.fee_minor for part in due)
        rate = rules.yearly_bp(amount_minor, amounts)
        found.append(Offer(one.months, one.bearer, fee, sum(amounts), rate, [_view(part) for part in due]))
    return Offers(
        currency, amount_minor, found, judgement, bool(found) and amount_minor <= judgement.available_minor,
        terms.grace_s, terms.late_fee_minor, terms.late_fee_max_bp,
    )  # fmt: skip


def _view(one: Installment) -> InstallmentView:
    return InstallmentView(
        one.no, one.due_at, one.amount_minor, one.fee_minor, one.status, one.paid_at, one.late_fee_minor,
        one.late_at is not None,
    )  # fmt: skip


async def plan_view(tx: ReadTx, cell: int, buyer_id: UUID, plan_id: UUID) -> PlanView:
    """Raises NotFound."""
    plan = await tx.maybe(store.PLAN, cell=cell, id=plan_id, buyer_id=buyer_id)
    if plan is None:
        raise NotFound
    (view,) = await _views(tx, cell, [plan])
    return view


async def plans_of(tx: ReadTx, cell: int, buyer_id: UUID, before: UUID) -> list[PlanView]:
    """A buyer's plans, the latest first, PAGE at a time."""
    return await _views(
        tx, cell, await tx.all(store.PLANS_OF, cell=cell, buyer_id=buyer_id, before=before, limit=PAGE)
    )  # fmt: skip


async def _views(tx: ReadTx, cell: int, plans: Sequence[Plan]) -> list[PlanView]:
    ids = [plan.id for plan in plans]
    of: dict[UUID, list[Installment]] = {id_: [] for id_ in ids}
    for one in await tx.all(store.INSTALLMENTS, cell=cell, plans=ids):
        of[one.plan_id].append(one)
    asked = {one.payment_id: one.plan_id for one in await tx.all(store.OPEN_COLLECTIONS, cell=cell, plans=ids)}
    found = await payments.payments_by(tx, cell, list(asked))
    pay_at = {asked[payment.id]: payment.redirect_url for payment in found if payment.status == "pending"}
    views = []
    for plan in plans:
        due = rules.charges(plan, of[plan.id], tx.now, whole=False)
        whole = rules.charges(plan, of[plan.id], tx.now, whole=True)
        back_fee = plan.back_fee_minor if plan.bearer == "buyer" else 0
        view = PlanView(
            show("grp", plan.id), plan.status, plan.currency, plan.months, plan.bearer, plan.principal_minor,
            plan.opened_at, rules.owed(due), rules.owed(whole), sum(charge.cut_fee for charge in whole),
            pay_at.get(plan.id), plan.back_principal_minor + back_fee, [_view(one) for one in of[plan.id]],
        )  # fmt: skip
        views.append(view)
    return views


async def exposure(tx: ReadTx) -> Exposure:
    """What all buyers owe, in all cells."""
    rows = await tx.all(store.OWED, now=tx.now, limit=OWED_MAX)
    owed = [
        Owed(
            show("usr", row.buyer_id), row.currency, row.limit_minor, row.exposure_minor, row.overdue_minor, row.plans
        )
        for row in rows
    ]  # fmt: skip
    return Exposure(await tx.all(store.BOOK), owed)
