"""Does the net hold? Defects are planted in the functions of a test database, and a model must find each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from tests.inventory import test_stock as stock
from tests.ledger import test_post_many as ledger
from tests.ledger import test_two_phases as two_phases
from tests.orders import test_place_many as orders
from tests.orders.counter import NOW, Counter, Wanted
from tests.races.driven import Driven, bounded
from tests.races.planting import Defect, plant

KEY_FORGOTTEN = ("orders.place_many", "if k_new < n then", "if false then")
LAST_NET_ONLY = ("orders.place_many", "if not enough then", "if false then")
LINES_NOT_SUMMED = ("orders.place_many", "<= s_left[l_pos[j]] - l_before[j]", "<= s_left[l_pos[j]]")
KEY_KEPT = (
    "orders.place_many", "if exists (select from unnest(v) x where x not in ('ok', 'placed', 'key_conflict')) then",
    "if false then",
)  # fmt: skip
EXACT_MONEY_REFUSED = ("orders.place_many", "if paid[i] > coalesce(w_left[w]", "if paid[i] >= coalesce(w_left[w]")
TOOK_IN_PASSING = (
    "orders.place_many", "continue when l_qty[j] <= s_left[l_pos[j]] - l_before[j];",
    "s_left[l_pos[j]] := s_left[l_pos[j]] - l_qty[j]; continue when s_left[l_pos[j]] >= 0;",
)  # fmt: skip
STALE_PRICE = ("orders.place_many", "<> coalesce(a.bundle_prices[a.line_bundles[i]], a.line_prices[i])", "is null")
PRICE_OF_A_PART = ("orders.place_many", "<> coalesce(a.bundle_prices[a.line_bundles[i]],", "<> coalesce(null,")
NOT_THE_SCARCEST = ("orders.place_many", "exit when l_bundle[j] = 0 or l_bundle[k] <> l_bundle[j];", "exit;")
NEVER_EXPIRES = ("orders.place_many", "when q.expires_at <= p_now", "when q.expires_at < p_now")
ANYBODYS_QUOTE = ("orders.place_many", "or q.buyer_id <> a.caller", "")
OVERDRAWN = ("ledger.judge_many", "lefts[slot] < amount", "lefts[slot] + 1 < amount")
SPENT_BEFORE_EARNED = ("ledger.change_many", ">= gs[width_bucket(b.account_id, ids)] as fits", ">= 0 as fits")
HELD_WHAT_WAS_POSTED = ("ledger.are_apart", "t.cause_id = any (made.held)", "false")
POSTED_WHAT_WAS_HELD = ("ledger.are_apart", "h.cause_id = any (made.posted)", "false")
ANY_CURRENCY = ("ledger.of_one_currency", "(a.currency = b.currency) is not true", "false")
TWICE_IS_NEWS = ("ledger.judge_many", "when state[n] is null then case", "when true then case")
EARNED_NOT_SPENT = (
    "ledger.judge_many",
    "if limited[slot] = credit[n] then lefts[slot] := lefts[slot] + got; end if;",
    "",
)
NEVER_FREED = ("ledger.change_many", "b.held + hs[width_bucket(b.account_id, ids)]", "b.held + 1")
TOO_MUCH_SETTLED = ("ledger.judge_many", "when amount > held[n] then 'exceeds_hold'", "")
LINK_KEPT = ("ledger.judge_many", "lefts := was_left;", "")
EXPIRED_BY_THE_TIMER = ("ledger.judge_many", "when due[n] <= p_now then 'hold_expired'", "")
GIVEN_BACK_TWICE = ("inventory.move_many", "when 'give_back' then -1", "when 'give_back' then -2")
COST_FORGOTTEN = ("inventory.ship_costs", "(l.upto - l.quantity)", "l.upto")


@pytest.fixture(scope="module")
def driven(db_url: str) -> Iterator[Driven]:
    opened = Driven(db_url, NOW)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def real(driven: Driven) -> orders.Real:
    counter = Counter()
    driven.do(counter.open(driven.tx))
    return orders.Real(driven, counter)


@pytest.fixture(scope="module")
def books(driven: Driven) -> ledger.Books:
    opened = ledger.Books(driven)
    driven.do(opened.open(driven.tx))
    return opened


@pytest.fixture(scope="module")
def shelf(driven: Driven) -> stock.Shelf:
    return stock.Shelf(driven)


FOUND = (
    AssertionError, asyncpg.CheckViolationError, asyncpg.UniqueViolationError, asyncpg.SerializationError,
)  # fmt: skip
"""A difference, or a constraint as the last net."""


@contextmanager
def planted(driven: Driven, defect: Defect) -> Iterator[None]:
    """With the defect in it; what is done is undone."""
    with driven.example() as tx:
        driven.do(plant(tx.conn, *defect))
        yield


def hunt(cases: st.SearchStrategy[Any], play: Callable[[Any], object]) -> None:
    """Plays cases until one fails."""

    @bounded(500, phases=[Phase.generate], report_multiple_bugs=False)
    @given(cases)
    def look(case: Any) -> None:
        play(case)

    look()


@pytest.mark.parametrize("defect", [LAST_NET_ONLY, KEY_KEPT, TOOK_IN_PASSING])
def test_the_model_of_placing_finds_it(real: orders.Real, defect: Defect) -> None:
    with planted(real.driven, defect), pytest.raises(FOUND):
        hunt(orders.examples(), lambda case: orders.play(real, case))


@pytest.mark.parametrize("defect", [GIVEN_BACK_TWICE, COST_FORGOTTEN])
def test_the_model_of_stock_finds_it(shelf: stock.Shelf, defect: Defect) -> None:
    start: stock.Call = ("receive", [(0, 5), (1, 5), (2, 5)], 7)
    with planted(shelf.driven, defect), pytest.raises(FOUND):
        hunt(st.lists(stock.calls, max_size=8), lambda calls: stock.check(shelf, [start, *calls]))


command = orders.Command
MINE, POOR = Wanted(0, ((0, 2),)), Wanted(1, ((1, 1),))
BOTH = Wanted(0, ((1, 6), (0, 5)))


@pytest.mark.parametrize(
    ("defect", "example"),
    [
        (KEY_FORGOTTEN, orders.test_a_key_means_one_command_for_ever),
        (ANYBODYS_QUOTE, orders.test_nobody_places_what_is_not_theirs),
        (LINES_NOT_SUMMED, lambda real: orders.told(real, [BOTH], [command(0, "a", 0)])),
        (PRICE_OF_A_PART, lambda real: orders.told(real, [Wanted(0, ((4, 1),))], [command(0, "a", 0)])),
        (NOT_THE_SCARCEST, lambda real: orders.told(real, [Wanted(0, ((4, 6),))], [command(0, "a", 0)])),
        (EXACT_MONEY_REFUSED, lambda real: orders.told(real, [POOR, POOR], [command(1, "a", 0), command(1, "b", 1)])),
        (
            STALE_PRICE,
            lambda real: orders.told(real, [MINE], orders.Change("price", 0, 2), [command(0, "a", 0)]),
        ),
        (
            NEVER_EXPIRES,
            lambda real: orders.told(real, [MINE], orders.Change("wait", 0, 1_800), [command(0, "a", 0)]),
        ),
    ],
)
def test_an_example_of_placing_finds_it(real: orders.Real, defect: Defect, example: Callable[[Any], object]) -> None:
    example(real)
    with planted(real.driven, defect), pytest.raises(FOUND):
        example(real)


HELD, SETTLE = two_phases.HELD, two_phases.Do("settle", "a")
POSTED = two_phases.Do("post", "a", amount=6)
PAY: ledger.Named = ("a", "pay", "wallet 1", "seller", 6)


@pytest.mark.parametrize(
    ("defect", "example"),
    [
        (OVERDRAWN, lambda books: ledger.check(books, 5, [[PAY]])),
        (SPENT_BEFORE_EARNED, ledger.test_money_that_comes_in_the_same_batch_can_be_spent_after_it_not_before),
        (ANY_CURRENCY, lambda books: ledger.check(books, 5, [[("a", "pay", "cash", "euros", 5)]])),
        (TWICE_IS_NEWS, lambda books: ledger.check(books, 20, [[PAY], [PAY]])),
        (EARNED_NOT_SPENT, ledger.test_money_that_comes_in_the_same_batch_can_be_spent_after_it_not_before),
    ],
)
def test_an_example_of_the_ledger_finds_it(
    books: ledger.Books, defect: Defect, example: Callable[[Any], object]
) -> None:
    example(books)
    with planted(books.driven, defect), pytest.raises(FOUND):
        example(books)


@pytest.mark.parametrize(
    ("defect", "example"),
    [
        (NEVER_FREED, lambda books: two_phases.check(books, 9, [[HELD], [SETTLE]])),
        (HELD_WHAT_WAS_POSTED, lambda books: two_phases.check(books, 20, [[POSTED], [HELD]])),
        (POSTED_WHAT_WAS_HELD, lambda books: two_phases.check(books, 20, [[HELD], [POSTED]])),
        (TOO_MUCH_SETTLED, lambda books: two_phases.check(books, 9, [[HELD], [SETTLE._replace(amount=7)]])),
        (LINK_KEPT, two_phases.test_a_link_stands_or_falls_and_its_neighbors_do_not),
        (EXPIRED_BY_THE_TIMER, two_phases.test_what_is_past_its_time_is_expired_before_the_timer_comes),
    ],
)
def test_an_example_of_two_phases_finds_it(driven: Driven, defect: Defect, example: Callable[[Any], object]) -> None:
    opened = two_phases.Books(driven)
    driven.do(opened.open(driven.tx))
    example(opened)
    with planted(driven, defect), pytest.raises(FOUND):
        example(opened)
