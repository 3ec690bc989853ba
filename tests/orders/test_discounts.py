"""What of each discount came back: the operator's to the minor unit as it was posted, nobody's more than was given."""

from __future__ import annotations

from collections import Counter
from random import Random
from uuid import UUID

from entrepot.orders.discounts import came_back
from entrepot.orders.store_discounts import DiscountRow, LineRow, PartRow, TakenRow

ORDER, CLAIM, BANK = (UUID(int=n) for n in (1, 2, 3))


def test_half_of_a_claim_and_then_the_bank() -> None:
    """Of three for 1,000 each, less 300 of two coupons of the operator's and 90 of the seller's, one is in dispute and
    the buyer gets half of it back; then the bank takes what that left the seller. Nothing came back of the others."""
    rows = [
        DiscountRow(ORDER, 1, "a", "operator", 200), DiscountRow(ORDER, 1, "b", "operator", 100),
        DiscountRow(ORDER, 1, "c", "seller", 90),
    ]  # fmt: skip
    lines = [LineRow(ORDER, 1, 3, 2_610)]
    claim = PartRow(ORDER, CLAIM, None, 870, 100, 435, 50)
    taken = {CLAIM: [TakenRow(CLAIM, 1, 1, 870, 100)]}
    half = Counter({(1, "a"): 34, (1, "b"): 16, (1, "c"): 15})
    assert came_back(rows, lines, [claim], taken, whole=False) == half
    bank = PartRow(ORDER, BANK, CLAIM, 435, 50, 435, 50)
    all_of_it = Counter({(1, "a"): 67, (1, "b"): 33, (1, "c"): 30})
    assert came_back(rows, lines, [claim, bank], taken, whole=False) == all_of_it
    waiting = PartRow(ORDER, CLAIM, None, 870, 100, None, None)
    assert came_back(rows, lines, [waiting], taken, whole=False) == Counter()
    assert came_back(rows, lines, [claim], taken, whole=True) == half + Counter(
        {(1, "a"): 133, (1, "b"): 67, (1, "c"): 60}
    )


def test_whatever_is_taken_in_whatever_steps() -> None:
    """Orders of two lines, from which units are taken until some or none are left, each part given back or some of
    it."""
    for seed in range(200):
        dice = Random(seed)
        rows = [
            DiscountRow(ORDER, no, kind, party, dice.randint(1, 500))
            for no in (1, 2)
            for kind, party in (("a", "operator"), ("b", "operator"), ("c", "seller"))
            if dice.random() < 0.7
        ]
        given = Counter({(row.line_no, row.kind): row.amount_minor for row in rows})
        units = {no: dice.randint(1, 4) for no in (1, 2)}
        paid = {no: dice.randint(0, 3_000) for no in (1, 2)}
        lines = [LineRow(ORDER, no, units[no], paid[no]) for no in (1, 2)]
        funded = Counter({no: sum(r.amount_minor for r in rows if r.line_no == no and r.kind != "c") for no in (1, 2)})
        parts, taken, posted = list[PartRow](), dict[UUID, list[TakenRow]](), 0
        for number in range(dice.randint(0, 6)):
            no, id_ = dice.choice((1, 2)), UUID(int=10 + number)
            if not units[no]:
                continue
            n = dice.randint(1, units[no])
            worth, discount = paid[no] * n // units[no], funded[no] * n // units[no]
            units[no], paid[no], funded[no] = units[no] - n, paid[no] - worth, funded[no] - discount
            back = worth if dice.random() < 0.5 else dice.randint(0, worth)
            back_discount = discount if back == worth else discount * back // worth
            parts.append(PartRow(ORDER, id_, None, worth, discount, back, back_discount))
            taken[id_] = [TakenRow(id_, no, n, worth, discount)]
            posted += back_discount
        back_of = came_back(rows, lines, parts, taken, whole=False)
        operators = {(row.line_no, row.kind) for row in rows if row.funding_party == "operator"}
        assert sum(back_of[key] for key in operators) == posted, seed
        assert back_of <= given, seed
        entire = came_back(rows, lines, parts, taken, whole=True)
        assert sum(entire[key] for key in operators) == posted + sum(funded.values()), seed
        assert back_of <= entire <= given, seed
        if all(part.back_minor == part.paid_minor for part in parts):
            assert entire == given, seed
