"""A plan from the purchase that opens it to its end. Locks: plans by id, lines, the plans' payments, accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import payments, sellers
from entrepot.credit import money, reads, rules, store
from entrepot.credit.money import BANK_LOSS, BEARERS, FEE, FUNDER, LOSS, Move
from entrepot.credit.rules import Charge
from entrepot.credit.types import (
    COLLECTED_BY,
    CreditRefused,
    CreditTermsNotLater,
    Installment,
    NothingOwed,
    Plan,
    PlanTerms,
    Terms,
)
from entrepot.kit.db import Tx
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.payments import Due

GATEWAY = ("gateway", NIL)
BATCH = 100
"""Plans that one timer run looks at."""
PASSED_MAX = 1_000
"""Culprits that one timer run passes over."""


async def set_plan_terms(tx: Tx, terms: PlanTerms) -> None:
    """What may be paid in so many months from `terms.valid_from` on. Raises NotFound, CreditTermsNotLater."""
    await sellers.market(tx, terms.market)
    if await tx.maybe(store.ADD_PLAN_TERMS, **msgspec.structs.asdict(terms)) is None:
        raise CreditTermsNotLater


async def set_terms(tx: Tx, terms: Terms) -> None:
    """What plans that are opened from `terms.valid_from` on are worth to a market. Raises NotFound,
    CreditTermsNotLater."""
    await sellers.market(tx, terms.market)
    if await tx.maybe(store.ADD_TERMS, **msgspec.structs.asdict(terms)) is None:
        raise CreditTermsNotLater


async def open_plan(
    tx: Tx, cell: int, group_id: UUID, buyer_id: UUID, market: str, currency: str, amount_minor: int, months: int
) -> Plan:
    """Lends a buyer what a purchase costs, and takes it from the limit. The caller posts what the funder pays. The line
    is locked before it is judged: two purchases at once are judged one after the other. Raises InstallmentsNotOffered,
    CreditRefused."""
    terms, offer = await reads.terms_for(tx, market, amount_minor, months)
    who = {"cell": cell, "buyer_id": buyer_id, "currency": currency}
    await tx.run(store.OPEN_LINE, **who)
    line = await tx.one(store.LOCK_LINE, **who)
    standing = await reads.judged(tx, cell, buyer_id, currency, terms, line)
    if amount_minor > standing.available_minor:
        raise CreditRefused(amount_minor, standing)
    await tx.run(store.TAKE, **who, limit_minor=standing.limit_minor, amount_minor=amount_minor)
    plan = reads.planned(group_id, buyer_id, currency, amount_minor, terms, offer, tx.now)
    due = reads.schedule_of(plan)
    await tx.run(
        store.ADD_PLAN, cell=cell, id=plan.id, buyer_id=buyer_id, market=market, currency=currency, months=months,
        bearer=plan.bearer, principal_minor=amount_minor, fee_minor=plan.fee_minor, grace_s=plan.grace_s,
        retry_s=plan.retry_s, late_fee_minor=plan.late_fee_minor, late_fee_max_bp=plan.late_fee_max_bp,
        default_after_s=plan.default_after_s, now=tx.now, due_at=due[0].due_at,
    )  # fmt: skip
    await tx.run(
        store.ADD_INSTALLMENTS, cell=cell, plan_id=plan.id, nos=[one.no for one in due],
        due_ats=[one.due_at for one in due], principals=[one.principal_minor for one in due],
        fees=[one.fee_minor for one in due],
    )  # fmt: skip
    if plan.bearer != "buyer":
        await money.post(
            tx, cell, [Move(plan.id, "plan_fee", BEARERS[plan.bearer], FEE, currency, plan.fee_minor)]
        )  # fmt: skip
    _tell(tx, cell, "plan_opened", plan, months=months)
    return plan


async def lock(tx: Tx, cell: int, plans: Sequence[UUID]) -> None:
    """Locks what `take_off` changes of those that are plans, for who locks something else before that."""
    if await tx.all(store.LOCK_PLANS, cell=cell, ids=plans):
        await tx.all(store.LOCK_LINES_OF, cell=cell, plans=plans)


class Back(NamedTuple):
    """`amount` of a plan's purchase goes back: of an order, known by `cause`, the order or a part of it."""

    plan_id: UUID
    order_id: UUID
    cause: UUID
    amount: int


async def take_off(tx: Tx, cell: int, backs: Sequence[Back]) -> list[Move]:
    """Goods of plans went back, and the funder has their money (the caller posts that): so much less is owed, from the
    last installment on, with its share of the fee. What was paid already goes back to the buyer, by the way it came.
    The moves that the caller posts as well.

    Of 100 in 3 with 34 paid, 80 go back: 66 less are owed, and funder 14 -> wallet 14."""
    ids = list({back.plan_id for back in backs})
    plans = {plan.id: plan for plan in await tx.all(store.LOCK_PLANS, cell=cell, ids=ids)}
    await tx.all(store.LOCK_LINES_OF, cell=cell, plans=ids)
    moves = []
    for back in backs:
        plans[back.plan_id], some = await _take_off(tx, cell, plans[back.plan_id], back)
        moves += some
    return moves


async def _take_off(tx: Tx, cell: int, plan: Plan, back: Back) -> tuple[Plan, list[Move]]:
    installments = await tx.all(store.INSTALLMENTS, cell=cell, plans=[plan.id])
    by_buyer = plan.bearer == "buyer"
    lent = sum(one.principal_minor for one in installments) - plan.back_principal_minor
    fee_left = (sum(one.fee_minor for one in installments) if by_buyer else plan.fee_minor) - plan.back_fee_minor
    fee = rules.fee_share(fee_left, back.amount, lent)
    changed, paid, fee_paid = rules.cut(installments, back.amount, fee if by_buyer else 0)
    cut = back.amount - paid
    moves = [
        Move(back.cause, "recover", FUNDER, LOSS, plan.currency, cut if plan.status == "defaulted" else 0),
        Move(back.cause, "plan_fee_back", FEE, FUNDER if by_buyer else BEARERS[plan.bearer], plan.currency,
             fee_paid if by_buyer else fee),
        *await _pay_back(tx, cell, plan, back, paid + fee_paid),
    ]  # fmt: skip
    if plan.status == "open":
        await _give(tx, cell, plan, cut)
    plan = msgspec.structs.replace(
        plan, back_principal_minor=plan.back_principal_minor + paid,
        back_fee_minor=plan.back_fee_minor + (fee_paid if by_buyer else fee),
    )  # fmt: skip
    return await _change(tx, cell, plan, installments, changed), moves


async def _pay_back(tx: Tx, cell: int, plan: Plan, back: Back, amount: int) -> list[Move]:
    """What the buyer had paid goes back by the payments it came with, the latest first. What the buyer's bank has taken
    back of one is not given again: it is no loss any more, funder 14 -> chargeback_loss 14. Raises
    PaymentChargedBack while the bank has not decided."""
    if not amount:
        return []
    made = await tx.all(store.COLLECTIONS_OF, cell=cell, plans=[plan.id])
    parts, moves = [], list[Move]()
    for payment in await payments.payments_by(tx, cell, [one.payment_id for one in made]):
        left = payment.amount_minor - payment.refunded_minor if payment.status == "captured" else 0
        taken = min(amount, left, payment.taken_over_minor)
        if taken:
            id_ = new_id(tx.now)
            await payments.cover(tx, cell, payment.id, back.order_id, id_, taken, "installments")
            moves.append(Move(id_, "plan_back", FUNDER, BANK_LOSS, plan.currency, taken))
        part = min(amount, left) - taken
        if part:
            parts.append((payment, part, new_id(tx.now)))
        amount -= taken + part
    assert not amount, "what goes back of a plan was paid by its payments"
    await payments.refund_many(
        tx, cell, [payment.id for payment, _, _ in parts], [back.order_id] * len(parts), [id_ for _, _, id_ in parts],
        [part for _, part, _ in parts], "installments",
    )  # fmt: skip
    return moves + [
        Move(id_, "plan_back", FUNDER, _payer(plan, payment.method), plan.currency, part)
        for payment, part, id_ in parts
    ]


async def pay(tx: Tx, cell: int, buyer_id: UUID, plan_id: UUID, method: str, *, whole: bool) -> UUID:
    """The buyer pays what is due of a plan, or all of it: from the wallet at once, through the gateway by what it then
    says. The payment's id. Another payment that was asked for before is canceled. Raises NotFound, NothingOwed,
    InsufficientFunds."""
    plans = await tx.all(store.LOCK_PLANS, cell=cell, ids=[plan_id])
    if not plans or plans[0].buyer_id != buyer_id:
        raise NotFound
    await tx.all(store.LOCK_LINES_OF, cell=cell, plans=[plan_id])
    installments = await tx.all(store.INSTALLMENTS, cell=cell, plans=[plan_id])
    return await _ask(tx, cell, plans[0], installments, method, whole=whole)


async def _ask(tx: Tx, cell: int, plan: Plan, installments: Sequence[Installment], method: str, *, whole: bool) -> UUID:
    found = rules.charges(plan, installments, tx.now, whole=whole)
    if not (owed := rules.owed(found)):
        raise NothingOwed
    await _end_collections(tx, cell, plan)
    payment_id = new_id(tx.now)
    at_once = method == "wallet"
    await payments.ask(tx, cell, payment_id, plan.id, plan.buyer_id, method, plan.currency, owed)
    await tx.run(
        store.ADD_COLLECTION, cell=cell, payment_id=payment_id, plan_id=plan.id, whole=whole, now=tx.now,
        ended_at=tx.now if at_once else None,
    )  # fmt: skip
    if at_once:
        await _pay(tx, cell, plan, installments, payment_id, method, found)
    return payment_id


async def settle(tx: Tx, cell: int, due: Due, external_id: str) -> None:
    """The gateway captured a payment of a plan. It pays what it was asked for and is still owed; the rest, because
    goods went back or it was paid otherwise meanwhile, goes back at once. What the buyer's bank has taken of that
    before we heard of the capture the buyer has, once the bank has decided: until then we look again."""
    asked = await tx.one(store.COLLECTION, cell=cell, payment_id=due.id)
    (plan,) = await tx.all(store.LOCK_PLANS, cell=cell, ids=[asked.plan_id])
    await tx.all(store.LOCK_LINES_OF, cell=cell, plans=[plan.id])
    installments = await tx.all(store.INSTALLMENTS, cell=cell, plans=[plan.id])
    charges = rules.charges(plan, installments, asked.asked_at, whole=asked.whole)
    found = rules.asked_for(charges, due.amount_minor)
    over = due.amount_minor - rules.owed(found)
    at_bank, is_decided = await payments.taken_over(tx, cell, due.id)
    if over and at_bank and not is_decided:
        return
    if not await payments.mark_captured(tx, cell, due.id, external_id):
        return
    if covered := min(over, at_bank):
        id_ = await payments.cover(tx, cell, due.id, plan.id, new_id(tx.now), covered, "overpaid")
        await money.post(tx, cell, [Move(id_, "refund_covered", GATEWAY, BANK_LOSS, plan.currency, covered)])
    if over - covered:
        await payments.refund_many(tx, cell, [due.id], [plan.id], [new_id(tx.now)], [over - covered], "overpaid")
    await _pay(tx, cell, plan, installments, due.id, "gateway", found)


async def _pay(
    tx: Tx, cell: int, plan: Plan, installments: Sequence[Installment], payment_id: UUID, method: str,
    found: Sequence[Charge],
) -> None:  # fmt: skip
    await _end_collections(tx, cell, plan, payment_id)
    if plan.status == "open":
        await _give(tx, cell, plan, sum(charge.principal for charge in found))
    await _change(tx, cell, plan, installments, rules.paid(installments, found, payment_id, tx.now))
    if found:
        _tell(tx, cell, "installments_paid", plan, payment_id=payment_id, amount_minor=rules.owed(found))
    await money.post(tx, cell, money.collected(plan, payment_id, _payer(plan, method), found))


async def look_at_due(tx: Tx, cell: int) -> int:
    """Plans of which something is due: it is asked for, or is late, or is given up; how many. What fails stays due and
    is passed over."""
    done, passed = 0, list[UUID]()
    while len(passed) < PASSED_MAX:
        found = await tx.all(store.LOCK_DUE, cell=cell, now=tx.now, passed=passed, limit=BATCH)
        plans = {plan.id: plan for plan in found}

        async def look(ids: Sequence[UUID], plans: Mapping[UUID, Plan] = plans) -> int:
            return await _look_at(tx, cell, [plans[id_] for id_ in ids])

        did, culprits = await in_halves(tx, "plan", list(plans), look)
        done, passed = done + did, passed + culprits
        if not culprits:
            break
    return done


async def _look_at(tx: Tx, cell: int, plans: Sequence[Plan]) -> int:
    ids = [plan.id for plan in plans]
    await tx.all(store.LOCK_LINES_OF, cell=cell, plans=ids)
    of: dict[UUID, list[Installment]] = {id_: [] for id_ in ids}
    for one in await tx.all(store.INSTALLMENTS, cell=cell, plans=ids):
        of[one.plan_id].append(one)
    asked = {one.plan_id: one for one in await tx.all(store.OPEN_COLLECTIONS, cell=cell, plans=ids)}
    moves = []
    for plan in plans:
        if rules.is_given_up(plan, of[plan.id], tx.now):
            moves.append(await _give_up(tx, cell, plan, of[plan.id]))
            continue
        late = rules.late(plan, of[plan.id], tx.now)
        changed = [*late, *rules.waived(plan, of[plan.id], tx.now)]
        await _change(tx, cell, plan, of[plan.id], changed)
        for one in late:
            _tell(tx, cell, "installment_late", plan, no=one.no, late_fee_minor=one.late_fee_minor)
        now = _with(of[plan.id], changed)
        waits = plan.id in asked and asked[plan.id].asked_at + timedelta(seconds=plan.retry_s) > tx.now
        if not waits and (found := rules.charges(plan, now, tx.now, whole=False)):
            payment_id = await _ask(tx, cell, plan, now, COLLECTED_BY, whole=False)
            _tell(tx, cell, "installments_due", plan, payment_id=payment_id, amount_minor=rules.owed(found))
    await money.post(tx, cell, moves)
    return len(plans)


async def _give_up(tx: Tx, cell: int, plan: Plan, installments: Sequence[Installment]) -> Move:
    """What is still owed is the funder's loss; it may be paid all the same."""
    lost = sum(one.principal_minor for one in installments if one.status == "open")
    await _end_collections(tx, cell, plan)
    await _give(tx, cell, plan, lost)
    await _change(tx, cell, msgspec.structs.replace(plan, status="defaulted"), installments, [])
    _tell(tx, cell, "plan_defaulted", plan, principal_minor=lost)
    return Move(plan.id, "default", LOSS, FUNDER, plan.currency, lost)


async def _give(tx: Tx, cell: int, plan: Plan, amount_minor: int) -> None:
    if amount_minor:
        await tx.run(
            store.GIVE, cell=cell, buyer_id=plan.buyer_id, currency=plan.currency, amount_minor=amount_minor
        )  # fmt: skip


async def _end_collections(tx: Tx, cell: int, plan: Plan, paid_by: UUID = NIL) -> None:
    """Nobody waits any more for payments of a plan that were asked for, but for the one that was made."""
    ended = await tx.all(store.END_COLLECTIONS, cell=cell, plan_id=plan.id, now=tx.now)
    if others := [id_ for id_ in ended if id_ != paid_by]:
        await payments.cancel_many(tx, cell, others)


def _with(installments: Sequence[Installment], changed: Sequence[Installment]) -> list[Installment]:
    of = {one.no: one for one in changed}
    return [of.get(one.no, one) for one in installments]


async def _change(
    tx: Tx, cell: int, plan: Plan, installments: Sequence[Installment], changed: Sequence[Installment]
) -> Plan:
    """Writes a plan, with those of its installments that are changed; it ends when nothing is owed any more."""
    now = _with(installments, changed)
    await tx.run(
        store.CHANGE_INSTALLMENTS, cell=cell, plan_id=plan.id, nos=[one.no for one in changed],
        principals=[one.principal_minor for one in changed], fees=[one.fee_minor for one in changed],
        cut_principals=[one.cut_principal_minor for one in changed], cut_fees=[one.cut_fee_minor for one in changed],
        statuses=[one.status for one in changed], payments=[one.payment_id for one in changed],
        paid_ats=[one.paid_at for one in changed], late_ats=[one.late_at for one in changed],
        late_fees=[one.late_fee_minor for one in changed], late_payments=[one.late_payment_id for one in changed],
    )  # fmt: skip
    ended = rules.ended_as(now)
    if ended and plan.status in ("open", "defaulted"):
        plan = msgspec.structs.replace(plan, status=ended)
        _tell(tx, cell, "plan_ended", plan, status=ended)
        await _end_collections(tx, cell, plan)
    await tx.run(
        store.CHANGE_PLAN, cell=cell, id=plan.id, back_principal_minor=plan.back_principal_minor,
        back_fee_minor=plan.back_fee_minor, status=plan.status, now=tx.now,
        due_at=rules.look_at(plan, now, tx.now) if plan.status == "open" else None,
    )  # fmt: skip
    return plan


def _payer(plan: Plan, method: str) -> money.Account:
    return ("wallet", plan.buyer_id) if method == "wallet" else GATEWAY


def _tell(tx: Tx, cell: int, kind: str, plan: Plan, **data: object) -> None:
    tx.emit(kind, plan.id, {"group_id": plan.id, "buyer_id": plan.buyer_id, **data}, cell)
