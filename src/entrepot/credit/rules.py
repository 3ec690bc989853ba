"""Schedules, what is owed of them, and who may owe how much: pure decisions in whole minor units."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from entrepot.credit.types import History, Installment, Plan, Reason, Score
from entrepot.kit.money import share_bp

YEAR = 12
RATE_MAX_BP = 1_000_000
"""Above 10,000 % a year a rate says nothing any more."""


def split(total: int, months: int) -> list[int]:
    """`total` in equal installments; what does not divide is borne by the first ones, a minor unit each. They sum to it
    exactly: 100 in 3 is 34, 33, 33."""
    each, over = divmod(total, months)
    return [each + (no < over) for no in range(months)]


def month_after(start: datetime, months: int) -> datetime:
    """The same day and time, so many months later; the month's last day where it is shorter."""
    years, month = divmod(start.month - 1 + months, YEAR)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def schedule(plan_id: UUID, principal: int, fee: int, months: int, start: datetime) -> list[Installment]:
    """The first installment is due a month after `start`. `fee` is what the buyer bears."""
    parts = zip(split(principal, months), split(fee, months), strict=True)
    return [
        Installment(plan_id, no, month_after(start, no), part, fee_part) for no, (part, fee_part) in enumerate(parts, 1)
    ]


def yearly_bp(principal: int, amounts: Sequence[int]) -> int:
    """The effective yearly rate of getting `principal` now and paying `amounts` month by month, in basis points: at it
    the payments, each discounted for its time, are worth what was lent (the APR of Directive 2008/48/EC, Annex I, with
    equal months). Half up; RATE_MAX_BP at most."""
    if sum(amounts) <= principal:
        return 0
    with localcontext() as exact:
        exact.prec = 30
        low, high = Decimal(0), Decimal(1)  # the worth now of what is paid in a month
        for _ in range(80):
            middle = (low + high) / 2
            worth = Decimal(0)
            for amount in reversed(amounts):
                worth = (worth + amount) * middle
            low, high = (middle, high) if worth < principal else (low, middle)
        yearly = min(((1 / high) ** YEAR - 1) * 10_000, Decimal(RATE_MAX_BP))
        return int(yearly.quantize(Decimal(1), ROUND_HALF_UP))


class Charge(NamedTuple):
    """What a payment pays of an installment; `cut_fee` is what of its fee then need not be paid."""

    no: int
    principal: int
    fee: int
    late_fee: int
    cut_fee: int

    @property
    def amount(self) -> int:
        return self.principal + self.fee + self.late_fee


def charges(plan: Plan, installments: Sequence[Installment], at: datetime, *, whole: bool) -> list[Charge]:
    """What of a plan was to be paid at `at`: what was due, with late fees; or all of it (`whole`), of which the fees of
    months that had not begun are given up."""
    found, begun = [], plan.opened_at
    for one in installments:
        late_fee = one.late_fee_owed_minor if one.late_at is not None and one.late_at <= at else 0
        if one.status == "open" and (whole or one.due_at <= at):
            fee = one.fee_minor if begun <= at else 0
            found.append(Charge(one.no, one.principal_minor, fee, late_fee, one.fee_minor - fee))
        elif late_fee:
            found.append(Charge(one.no, 0, 0, late_fee, 0))
        begun = one.due_at
    return found


def owed(found: Sequence[Charge]) -> int:
    return sum(charge.amount for charge in found)


def asked_for(found: Sequence[Charge], amount: int) -> list[Charge]:
    """What a payment of `amount` was asked for. A late fee of the same moment, or by another server's clock of one
    before, may not be in it: what is not enough for the late fees pays none of them."""
    return list(found) if owed(found) <= amount else [charge._replace(late_fee=0) for charge in found]


def paid(
    installments: Sequence[Installment], found: Sequence[Charge], payment_id: UUID, now: datetime
) -> list[Installment]:
    """The installments that charges change, as they are when these are paid."""
    of = {one.no: one for one in installments}
    changed = []
    for charge in found:
        one = of[charge.no]
        if one.status == "open":
            one = replace(
                one, status="paid", payment_id=payment_id, paid_at=now, fee_minor=charge.fee,
                cut_fee_minor=one.cut_fee_minor + charge.cut_fee,
            )  # fmt: skip
        changed.append(replace(one, late_payment_id=payment_id) if charge.late_fee else one)
    return changed


def fee_share(fee_left: int, back: int, principal_left: int) -> int:
    """What of a fee goes back with `back` of what was lent: its share, rounded up for whoever bears it."""
    return fee_left - fee_left * (principal_left - back) // principal_left


def cut(installments: Sequence[Installment], principal: int, fee: int) -> tuple[list[Installment], int, int]:
    """Takes so much off what is still owed, the last installments first: those that change, and how much of principal
    and fee is left over, because it was paid already. An installment that nothing is left of costs no late fee."""
    changed = []
    for one in reversed(installments):
        if one.status != "open" or not (principal or fee):
            continue
        less, less_fee = min(principal, one.principal_minor), min(fee, one.fee_minor)
        principal, fee = principal - less, fee - less_fee
        one = replace(
            one, principal_minor=one.principal_minor - less, cut_principal_minor=one.cut_principal_minor + less,
            fee_minor=one.fee_minor - less_fee, cut_fee_minor=one.cut_fee_minor + less_fee,
        )  # fmt: skip
        changed.append(one if one.amount_minor else replace(one, status="void", late_fee_minor=0))
    return changed, principal, fee


def late(plan: Plan, installments: Sequence[Installment], now: datetime) -> list[Installment]:
    """Those that are late from now on, with their fee: once each, and no more than the share that the terms allow."""
    return [
        replace(
            one, late_at=now,
            late_fee_minor=min(plan.late_fee_minor, one.amount_minor * plan.late_fee_max_bp // 10_000),
        )
        for one in installments
        if one.status == "open" and one.late_at is None and one.due_at + timedelta(seconds=plan.grace_s) <= now
    ]  # fmt: skip


def is_given_up(plan: Plan, installments: Sequence[Installment], now: datetime) -> bool:
    """Whether an installment has been due for so long that nobody counts on it any more."""
    after = timedelta(seconds=plan.default_after_s)
    return any(one.status == "open" and one.due_at + after <= now for one in installments)


def waived(plan: Plan, installments: Sequence[Installment], now: datetime) -> list[Installment]:
    """Those whose late fee alone is still owed, for so long that nobody asks for it any more."""
    after = timedelta(seconds=plan.default_after_s)
    return [
        replace(one, late_fee_minor=0)
        for one in installments
        if one.status == "paid" and one.late_fee_owed_minor and one.due_at + after <= now
    ]


def look_at(plan: Plan, installments: Sequence[Installment], now: datetime) -> datetime | None:
    """When there is something to do about a plan next; None: never."""
    retry, grace = timedelta(seconds=plan.retry_s), timedelta(seconds=plan.grace_s)
    times = [now + retry] if charges(plan, installments, now, whole=False) else []
    for one in installments:
        if one.status == "open":
            times += [one.due_at, one.due_at + grace]
        if one.status == "open" or one.late_fee_owed_minor:
            times.append(one.due_at + timedelta(seconds=plan.default_after_s))
    return min((time for time in times if time > now), default=None)


def ended_as(installments: Sequence[Installment]) -> str | None:
    """`paid` or `canceled` when nothing is owed any more, else None."""
    if any(one.status == "open" or one.late_fee_owed_minor for one in installments):
        return None
    return "paid" if any(one.status == "paid" for one in installments) else "canceled"


START = 300
MEMBER_DAYS_PER_POINT, MEMBER_MAX = 3, 120
ON_TIME, ON_TIME_MAX = 30, 300
LATE, OVERDUE, DEFAULT = -60, -150, -600
USED_FROM_BP, USED_BP_PER_POINT = 5_000, 100
SCORE_MAX = 1_000


def score(history: History) -> Score:
    """From how somebody has paid until now, and from nothing else. Every point has its reason."""
    over = max(0, min(history.used_bp, 10_000) - USED_FROM_BP)
    reasons = [
        Reason("start", 1, START),
        Reason("member_days", history.member_days, min(history.member_days // MEMBER_DAYS_PER_POINT, MEMBER_MAX)),
        Reason("on_time", history.on_time, min(history.on_time * ON_TIME, ON_TIME_MAX)),
        Reason("late", history.late, history.late * LATE),
        Reason("overdue", history.overdue, history.overdue * OVERDUE),
        Reason("default", history.defaults, history.defaults * DEFAULT),
        Reason("used", history.used_bp // 100, -(over // USED_BP_PER_POINT)),
    ]
    points = sum(reason.points for reason in reasons)
    return Score(max(0, min(points, SCORE_MAX)), [reason for reason in reasons if reason.count])


def limit_of(points: int, scores: Sequence[int], limits: Sequence[int]) -> int:
    """What may be owed with a score: the limit of the highest step that it reaches, nothing below the first."""
    reached = [limit for step, limit in zip(scores, limits, strict=True) if step <= points]
    return reached[-1] if reached else 0


def fee_of(principal: int, fee_bp: int) -> int:
    """Half up."""
    return share_bp(principal, fee_bp)
