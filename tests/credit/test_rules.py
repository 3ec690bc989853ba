"""Schedules sum to the minor unit, whatever is paid, paid back or given up of them; a score says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from entrepot.credit import rules
from entrepot.credit.rules import Charge
from entrepot.credit.types import MONTHS, History, Installment, Plan, Reason
from entrepot.kit.ids import NIL

START = datetime(2026, 1, 31, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = Plan(
    id=NIL, buyer_id=NIL, market="us", currency="USD", months=3, bearer="buyer", principal_minor=10_000, fee_minor=100,
    grace_s=5 * 86_400, retry_s=2 * 86_400, late_fee_minor=700, late_fee_max_bp=1_000, default_after_s=90 * 86_400,
    back_principal_minor=0, back_fee_minor=0, status="open", opened_at=START,
)  # fmt: skip
AMOUNTS = st.integers(24, 10**12)
FEES = st.integers(0, 10**9)


def due(principal: int = 10_000, fee: int = 100, months: int = 3) -> list[Installment]:
    return rules.schedule(NIL, principal, fee, months, START)


def after(installments: list[Installment], changed: list[Installment]) -> list[Installment]:
    of = {one.no: one for one in changed}
    return [of.get(one.no, one) for one in installments]


@given(AMOUNTS, FEES, st.sampled_from(MONTHS))
def test_a_schedule_sums_exactly_and_its_installments_differ_by_one(principal: int, fee: int, months: int) -> None:
    """Whatever the currency's exponent: yen, cents or fils."""
    found = due(principal, fee, months)
    assert sum(one.principal_minor for one in found) == principal
    assert sum(one.fee_minor for one in found) == fee
    for parts in ([one.principal_minor for one in found], [one.fee_minor for one in found]):
        assert parts == sorted(parts, reverse=True)
        assert parts[0] - parts[-1] in (0, 1)
    assert [one.no for one in found] == list(range(1, months + 1))


def test_the_first_installments_bear_what_does_not_divide() -> None:
    assert rules.split(100, 3) == [34, 33, 33]
    assert rules.split(101, 3) == [34, 34, 33]
    assert rules.split(5, 6) == [1, 1, 1, 1, 1, 0]


def test_a_month_later_is_the_same_day_or_the_month_s_last() -> None:
    assert [one.due_at.date().isoformat() for one in due(months=12)] == [
        "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30",
        "2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31",
    ]  # fmt: skip
    assert rules.month_after(datetime(2027, 11, 30, tzinfo=UTC), 3) == datetime(2028, 2, 29, tzinfo=UTC)
    assert due()[0].due_at.hour == 9


def test_the_yearly_rate_is_the_one_at_which_payments_are_worth_what_was_lent() -> None:
    """100 now for 112 in a year, as a single payment of the twelfth month: 12 %."""
    assert rules.yearly_bp(10_000, [0] * 11 + [11_200]) == 1_200
    assert rules.yearly_bp(10_000, [10_100]) == 1_268  # 1.01 ** 12 = 1.126825
    assert rules.yearly_bp(10_000, [2_500] * 4) == 0
    assert rules.yearly_bp(1, [10**9]) == rules.RATE_MAX_BP
    assert rules.yearly_bp(10_600, [3_640, 3_639, 3_639]) == 1_946


@settings(max_examples=40)
@given(st.integers(10_000, 10**9), st.integers(1, 3_000), st.sampled_from(MONTHS))
def test_the_yearly_rate_discounts_exactly(principal: int, fee_bp: int, months: int) -> None:
    amounts = [one.amount_minor for one in due(principal, rules.fee_of(principal, fee_bp), months)]
    rate = rules.yearly_bp(principal, amounts)
    lower, higher = [
        sum(Decimal(amount) / (1 + Decimal(bp) / 10_000) ** (Decimal(no) / 12) for no, amount in enumerate(amounts, 1))
        for bp in (rate - Decimal("0.51"), rate + Decimal("0.51"))
    ]
    assert lower > principal > higher


def test_what_is_due_and_what_pays_it_off() -> None:
    """The fees of months that have not begun are given up."""
    installments = due()
    second = installments[0].due_at
    assert rules.charges(PLAN, installments, second - DAY, whole=False) == []
    assert rules.charges(PLAN, installments, second, whole=False) == [Charge(1, 3_334, 34, 0, 0)]
    assert rules.charges(PLAN, installments, START, whole=True) == [
        Charge(1, 3_334, 34, 0, 0), Charge(2, 3_333, 0, 0, 33), Charge(3, 3_333, 0, 0, 33),
    ]  # fmt: skip
    assert rules.owed(rules.charges(PLAN, installments, second, whole=True)) == 10_000 + 34 + 33
    assert rules.owed(rules.charges(PLAN, installments, START + 400 * DAY, whole=True)) == 10_100


@given(AMOUNTS, st.integers(0, 10_000), st.sampled_from(MONTHS), st.integers(0, 800))
def test_paying_off_early_never_costs_more(principal: int, fee: int, months: int, days: int) -> None:
    installments = due(principal, fee, months)
    amounts = [
        rules.owed(rules.charges(PLAN, installments, START + timedelta(days=n), whole=True))
        for n in (0, days, days + 40)
    ]
    assert amounts == sorted(amounts)
    assert principal <= amounts[0] <= amounts[-1] <= principal + fee
    found = rules.charges(PLAN, installments, START + timedelta(days=days), whole=True)
    paid = rules.paid(installments, found, NIL, START)
    assert sum(one.amount_minor + one.cut_fee_minor for one in paid) == principal + fee
    assert rules.ended_as(paid) == "paid"


def test_late_once_for_no_more_than_the_share_and_a_fee_is_paid_by_itself() -> None:
    installments = due(3_000, 0)
    at = installments[0].due_at + 5 * DAY
    assert rules.late(PLAN, installments, at - DAY) == []
    (late,) = rules.late(PLAN, installments, at)
    assert (late.no, late.late_fee_minor, late.late_at) == (1, 100, at)
    assert rules.late(replace(PLAN, late_fee_minor=70), installments, at)[0].late_fee_minor == 70
    installments = after(installments, [late])
    assert rules.late(PLAN, installments, at + DAY) == []
    # Asked for before it was late: the fee is owed by itself then.
    asked = rules.charges(PLAN, installments, at - DAY, whole=False)
    assert asked == [Charge(1, 1_000, 0, 0, 0)]
    installments = after(installments, rules.paid(installments, asked, NIL, at))
    assert (installments[0].status, installments[0].late_fee_owed_minor) == ("paid", 100)
    found = rules.charges(PLAN, installments, at, whole=False)
    assert found == [Charge(1, 0, 0, 100, 0)]
    assert rules.look_at(PLAN, installments, at) == at + 2 * DAY
    gone = installments[0].due_at + 90 * DAY
    assert rules.waived(PLAN, installments, gone - DAY) == []
    assert [one.late_fee_minor for one in rules.waived(PLAN, installments, gone)] == [0]
    (paid,) = rules.paid(installments, found, PLAN.id, at)
    assert (paid.late_payment_id, paid.late_fee_owed_minor, paid.paid_at) == (PLAN.id, 0, at)


def test_when_a_plan_is_looked_at_and_given_up() -> None:
    installments = due()
    first = installments[0].due_at
    assert rules.look_at(PLAN, installments, START) == first
    assert rules.look_at(PLAN, installments, first) == first + 2 * DAY  # asked for, and again
    assert rules.look_at(PLAN, installments, first + 4 * DAY) == first + 5 * DAY  # late
    assert rules.look_at(PLAN, [replace(one, status="paid") for one in installments], first) is None
    assert not rules.is_given_up(PLAN, installments, first + 90 * DAY - timedelta(seconds=1))
    assert rules.is_given_up(PLAN, installments, first + 90 * DAY)
    assert not rules.is_given_up(PLAN, [replace(one, status="paid") for one in installments], first + 900 * DAY)


@given(AMOUNTS, FEES, st.sampled_from(MONTHS), st.data())
def test_what_is_cut_and_what_is_left_over_sum_exactly(
    principal: int, fee: int, months: int, data: st.DataObject
) -> None:
    """From the last installment on; what was paid already goes back instead."""
    installments = due(principal, fee, months)
    count = data.draw(st.integers(0, months))
    paid = [replace(one, status="paid", payment_id=NIL, paid_at=START) for one in installments[:count]]
    back = data.draw(st.integers(1, principal))
    share = rules.fee_share(fee, back, principal)
    assert 0 <= share * principal - fee * back < principal  # the share, rounded up
    assert (share == fee) >= (back == principal)
    changed, over, fee_over = rules.cut([*paid, *installments[count:]], back, share)
    assert sum(one.cut_principal_minor for one in changed) + over == back
    assert sum(one.cut_fee_minor for one in changed) + fee_over == share
    assert over <= sum(one.principal_minor for one in paid)
    assert fee_over <= sum(one.fee_minor for one in paid)
    now = after(installments, changed)
    assert sum(one.amount_minor + one.cut_principal_minor + one.cut_fee_minor for one in now) == principal + fee
    assert all((one.status == "void") == (one.amount_minor == 0) for one in changed)
    if over:
        assert rules.ended_as(after([*paid, *installments[count:]], changed)) in ("paid", None)


def test_the_last_installments_are_cut_first() -> None:
    changed, over, fee_over = rules.cut(due(100, 9), 40, 4)
    assert [(one.no, one.principal_minor, one.fee_minor, one.status) for one in changed] == [
        (3, 0, 0, "void"), (2, 26, 2, "open"),
    ]  # fmt: skip
    assert (over, fee_over) == (0, 0)
    late = replace(due(100, 0)[2], late_at=START, late_fee_minor=5)
    ((gone,), over, _) = rules.cut([late], 40, 0)
    assert (gone.late_fee_minor, gone.status, over) == (0, "void", 7)
    assert rules.ended_as([gone]) == "canceled"


NOBODY = History(0, 0, 0, 0, 0, 0)


@given(st.builds(History, *[st.integers(0, 2_000)] * 5, st.integers(0, 10_000)))
def test_a_score_is_the_sum_of_its_reasons_and_grows_with_what_is_good(history: History) -> None:
    found = rules.score(history)
    assert found.points == max(0, min(1_000, sum(reason.points for reason in found.reasons)))
    for better in ("member_days", "on_time"):
        more = replace(history, **{better: getattr(history, better) + 1})
        assert rules.score(more).points >= found.points
    for worse in ("late", "overdue", "defaults", "used_bp"):
        more = replace(history, **{worse: getattr(history, worse) + 1})
        assert rules.score(more).points <= found.points


@pytest.mark.parametrize(
    ("history", "points", "reason"),
    [
        (NOBODY, 300, Reason("start", 1, 300)), (replace(NOBODY, member_days=90), 330, Reason("member_days", 90, 30)),
        (replace(NOBODY, member_days=2_000), 420, Reason("member_days", 2_000, 120)),
        (replace(NOBODY, on_time=3), 390, Reason("on_time", 3, 90)),
        (replace(NOBODY, on_time=50), 600, Reason("on_time", 50, 300)),
        (replace(NOBODY, late=2), 180, Reason("late", 2, -120)),
        (replace(NOBODY, overdue=1), 150, Reason("overdue", 1, -150)),
        (replace(NOBODY, defaults=1), 0, Reason("default", 1, -600)),
        (replace(NOBODY, used_bp=5_000), 300, Reason("used", 50, 0)),
        (replace(NOBODY, used_bp=10_000), 250, Reason("used", 100, -50)),
    ],
)  # fmt: skip
def test_the_points_of_a_score(history: History, points: int, reason: Reason) -> None:
    found = rules.score(history)
    assert found.points == points
    assert reason in found.reasons
    assert len(found.reasons) == 1 + (history != NOBODY)


def test_the_limit_of_a_score() -> None:
    steps, limits = [200, 400], [50, 90]
    assert [rules.limit_of(points, steps, limits) for points in (0, 199, 200, 399, 400, 1_000)] == [
        0,
        0,
        50,
        50,
        90,
        90,
    ]
