"""Stock against a model: each movement moves exactly what its kind says, and nothing is promised that is not there.

Each call is all or nothing: when a row would end below zero, or with less on hand than it has promised, the constraints
refuse the whole call. Purchase cost follows the goods: the last unit takes the last cent. The books hold what the shelf
cost: own_stock is the cost of what is on hand and of what was shipped (which the orders room books), at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot import inventory, ledger
from entrepot.inventory import Goods, StockCurrencyIs, StockPromised
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from tests.races.books import MONEY, STOCK, wrong
from tests.races.driven import Driven, bounded

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DELTAS = {  # kind: on hand, held, allocated
    "receive": (1, 0, 0), "hold": (0, 1, 0), "allocate": (0, 0, 1), "confirm": (0, -1, 1),
    "give_back": (0, 0, -1), "expire": (0, -1, 0), "ship": (-1, 0, -1), "return": (1, 0, 0),
}  # fmt: skip
REFUSALS = (asyncpg.CheckViolationError, asyncpg.DivisionByZeroError)
SELLER = UUID(int=1)
_causes = (UUID(int=n) for n in count(1))
Row = tuple[int, int, int, int]  # on hand, held, allocated, purchase cost
Lines = list[tuple[int, int]]  # stock (0..2), quantity


@dataclass
class Model:
    """The oracle: what the rows are after a call, or None when it is refused and they stay as they were."""

    rows: list[Row] = field(default_factory=lambda: [(0, 0, 0, 0)] * 3)
    shipped_minor: int = 0

    def move(self, kind: str, lines: Lines, cost_per_unit: int) -> list[int] | None:
        rows, costs, moved = list(self.rows), [], [0, 0, 0]
        for stock, quantity in lines:
            on_hand, _, _, cost = self.rows[stock]
            change = cost_per_unit * quantity if kind == "receive" else 0
            if kind == "ship":
                if on_hand == 0:
                    return None
                upto = moved[stock] + quantity
                change = cost * moved[stock] // on_hand - cost * upto // on_hand
                moved[stock] = upto
            old, delta = rows[stock], DELTAS[kind]
            rows[stock] = (*(o + d * quantity for o, d in zip(old[:3], delta, strict=True)), old[3] + change)  # type: ignore[assignment]
            costs.append(-change if kind == "ship" else 0)
        if any(min(row) < 0 or row[0] < row[1] + row[2] for row in rows):
            return None
        self.rows = rows
        self.shipped_minor += sum(costs)
        return costs

    def adjust(self, stock: int, delta: int) -> bool:
        on_hand, held, allocated, cost = self.rows[stock]
        if on_hand + delta < held + allocated:
            return False
        gone = cost * -delta // on_hand if delta < 0 else 0
        self.rows = [*self.rows]
        self.rows[stock] = (on_hand + delta, held, allocated, cost - gone)
        return True


class Shelf:
    """The real stock: three rows."""

    def __init__(self, driven: Driven) -> None:
        self.driven = driven
        self.stocks = driven.do(inventory.open_stock(driven.tx, 0, [SELLER] * 3, [1, 2, 3], [1] * 3))
        for currency in ("USD", "JPY"):
            driven.do(
                ledger.open_accounts(
                    driven.tx, cell=0, codes=ledger.HOUSE, owners=[NIL] * len(ledger.HOUSE),
                    currencies=[currency] * len(ledger.HOUSE), limited=False, striped=True,
                )
            )  # fmt: skip

    def move(self, tx: Tx, kind: str, lines: Lines, cost_per_unit: int) -> list[int] | None:
        cause = next(_causes)
        goods = [Goods(self.stocks[stock], quantity, cause) for stock, quantity in lines]
        savepoint = tx.conn.transaction()
        self.driven.do(savepoint.start())
        try:
            costs = [0] * len(goods)
            if kind == "receive":
                costs_in = [cost_per_unit * quantity for _, quantity in lines]
                self.driven.do(inventory.buy(tx, 0, goods, costs_in, "USD"))
            elif kind == "ship":
                costs = self.driven.do(inventory.ship(tx, 0, goods))
            else:
                self.driven.do(inventory.move(tx, 0, kind, goods))
        except REFUSALS:
            self.driven.do(savepoint.rollback())
            return None
        self.driven.do(savepoint.commit())
        return costs

    def adjust(self, tx: Tx, stock: int, delta: int) -> bool:
        try:
            self.driven.do(inventory.adjust(tx, 0, SELLER, self.stocks[stock], delta, "counted", NIL))
        except StockPromised as refused:
            told = refused.available
        else:
            return True
        on_hand, held, allocated, _ = self.rows(tx)[stock]
        assert told == on_hand - held - allocated
        return False

    def booked(self, tx: Tx, code: str, currency: str = "USD") -> int:
        return self.driven.do(ledger.balance(tx, 0, code, currency))

    def rows(self, tx: Tx) -> list[Row]:
        query = "select on_hand, held, allocated, cost_minor from inventory.stock order by array_position($1, id)"
        return [tuple(row) for row in self.driven.do(tx.conn.fetch(query, self.stocks))]


@pytest.fixture(scope="module")
def shelf(db_url: str) -> Iterator[Shelf]:
    driven = Driven(db_url, NOW)
    yield Shelf(driven)
    driven.close()


Call = tuple[str, Lines, int]
calls = st.tuples(
    st.sampled_from([*sorted(DELTAS), "adjust"]),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), min_size=1, max_size=4),
    st.integers(0, 99),
)


def check(shelf: Shelf, given: list[Call]) -> list[Row]:
    """Makes the calls; the rows after them, which are the model's after each."""
    model = Model()
    with shelf.driven.example() as tx:
        for kind, lines, cost_per_unit in given:
            if kind == "adjust":
                for stock, quantity in lines:
                    delta = quantity if cost_per_unit % 2 else -quantity
                    assert shelf.adjust(tx, stock, delta) == model.adjust(stock, delta)
            else:
                assert shelf.move(tx, kind, lines, cost_per_unit) == model.move(kind, lines, cost_per_unit)
            assert shelf.rows(tx) == model.rows
        assert shelf.driven.do(wrong(tx.conn, *MONEY, *STOCK)) == {}
        assert shelf.booked(tx, "own_stock") == -sum(row[3] for row in model.rows) - model.shipped_minor
    return model.rows


@bounded(100)
@given(st.lists(calls, max_size=8))
@example([("adjust", [(1, 5), (0, 1), (0, 4), (0, 1)], 0), ("adjust", [(0, 2)], 1), ("receive", [(0, 1)], 9)])
@example([("receive", [(0, 3)], 33), ("allocate", [(0, 3)], 0), ("ship", [(0, 1), (0, 1)], 0), ("ship", [(0, 1)], 0)])
def test_every_movement_is_the_models(shelf: Shelf, given: list[Call]) -> None:
    rows = check(shelf, [("receive", [(0, 5), (1, 3), (1, 2)], 7), *given])
    assert all(on_hand >= held + allocated for on_hand, held, allocated, _ in rows)
    assert all(min(row) >= 0 for row in rows)


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("receive", (12, 3, 4, 84)), ("hold", (10, 5, 4, 70)), ("allocate", (10, 3, 6, 70)),
        ("confirm", (10, 1, 6, 70)), ("give_back", (10, 3, 2, 70)), ("expire", (10, 1, 4, 70)),
        ("ship", (8, 3, 2, 56)), ("return", (12, 3, 4, 70)),
    ],
)  # fmt: skip
def test_each_kind(shelf: Shelf, kind: str, row: Row) -> None:
    """Two units over 10 on hand bought for 7 each, 3 held and 4 allocated."""
    start: list[Call] = [("receive", [(0, 10)], 7), ("hold", [(0, 3)], 0), ("allocate", [(0, 4)], 0)]
    assert check(shelf, [*start, (kind, [(0, 2)], 7)])[0] == row


@pytest.mark.parametrize(
    ("kind", "quantity"), [("hold", 4), ("allocate", 4), ("confirm", 4), ("give_back", 5), ("expire", 4), ("ship", 5)]
)
def test_nothing_is_promised_or_taken_that_is_not_there(shelf: Shelf, kind: str, quantity: int) -> None:
    """One unit too many, alone and after a line that would have been possible: the call changes nothing."""
    start: list[Call] = [
        ("receive", [(0, 10), (1, 9)], 0),
        ("hold", [(0, 3), (1, 1)], 0),
        ("allocate", [(0, 4), (1, 2)], 0),
    ]
    rows = [(10, 3, 4, 0), (9, 1, 2, 0), (0, 0, 0, 0)]
    assert check(shelf, [*start, (kind, [(0, quantity)], 0)]) == rows
    assert check(shelf, [*start, (kind, [(1, 1), (0, quantity)], 0)]) == rows


def test_the_last_unit_takes_the_last_cent(shelf: Shelf) -> None:
    with shelf.driven.example() as tx:
        goods = [Goods(shelf.stocks[0], 7, NIL)]
        shelf.driven.do(inventory.buy(tx, 0, goods, [100], "USD"))
        assert shelf.move(tx, "allocate", [(0, 7)], 0) == [0]
        taken = [shelf.move(tx, "ship", lines, 0) for lines in ([(0, 2)], [(0, 1), (0, 3)], [(0, 1)])]
        assert taken == [[28], [14, 43], [15]]
        assert shelf.rows(tx)[0] == (0, 0, 0, 0)


def test_stock_is_opened_once_in_the_order_asked(shelf: Shelf) -> None:
    with shelf.driven.example() as tx:
        seller = UUID(int=2)

        def opened(*variants: int) -> list[int]:
            n = len(variants)
            return shelf.driven.do(inventory.open_stock(tx, 0, [seller] * n, variants, [1] * n))

        nine, five, again = opened(9, 5, 9)
        assert nine == again != five
        assert opened(5, 9) == [five, nine]


def test_goods_of_a_stock_that_is_not_there(shelf: Shelf) -> None:
    with shelf.driven.example() as tx, shelf.driven.refused(asyncpg.RaiseError):
        shelf.driven.do(inventory.receive(tx, 0, [Goods(10**9, 1, NIL)]))


def test_a_receipt_is_owed_once_and_what_is_missing_leaves_the_books(shelf: Shelf) -> None:
    """30 + 0 of one receipt and 7 of another; then 2 of 3 units that cost 30 are gone."""
    with shelf.driven.example() as tx:
        one, two, three = shelf.stocks
        goods = [Goods(one, 3, UUID(int=1)), Goods(two, 5, UUID(int=1)), Goods(three, 1, UUID(int=2))]
        shelf.driven.do(inventory.buy(tx, 0, goods, [30, 0, 7], "USD"))
        assert (shelf.booked(tx, "own_stock"), shelf.booked(tx, "supplier")) == (-37, 37)
        assert shelf.adjust(tx, 0, -2)
        assert (shelf.booked(tx, "own_stock"), shelf.booked(tx, "cost_of_goods")) == (-17, -20)
        assert shelf.adjust(tx, 0, 2)  # found again: for nothing
        assert shelf.rows(tx) == [(3, 0, 0, 10), (5, 0, 0, 0), (1, 0, 0, 7)]
        assert (shelf.booked(tx, "own_stock"), shelf.booked(tx, "cost_of_goods")) == (-17, -20)


def test_own_goods_have_one_currency(shelf: Shelf) -> None:
    with shelf.driven.example() as tx:
        one, two, _ = shelf.stocks
        shelf.driven.do(inventory.buy(tx, 0, [Goods(one, 1, UUID(int=1))], [5], "USD"))
        with shelf.driven.refused(StockCurrencyIs):
            shelf.driven.do(inventory.fix_currency(tx, 0, [two, one], "JPY"))
        with shelf.driven.refused(StockCurrencyIs):
            both = [Goods(two, 1, UUID(int=2)), Goods(one, 1, UUID(int=2))]
            shelf.driven.do(inventory.buy(tx, 0, both, [5, 5], "JPY"))
        with shelf.driven.refused(ledger.TransferRefused):
            shelf.driven.do(inventory.buy(tx, 0, [Goods(two, 1, UUID(int=2))], [5], "XXX"))
        assert shelf.rows(tx)[:2] == [(1, 0, 0, 5), (0, 0, 0, 0)]
        shelf.driven.do(inventory.buy(tx, 0, [Goods(two, 1, UUID(int=3))], [5], "JPY"))
        assert (shelf.booked(tx, "own_stock"), shelf.booked(tx, "own_stock", "JPY")) == (-5, -5)


def test_an_adjustment_is_kept_with_its_reason_and_told(shelf: Shelf) -> None:
    with shelf.driven.example() as tx:
        stock, counter = shelf.stocks[0], UUID(int=7)
        made = [
            shelf.driven.do(inventory.adjust(tx, 0, SELLER, stock, 4, "found", counter)),
            shelf.driven.do(inventory.adjust(tx, 0, SELLER, stock, -1, "damaged", counter)),
        ]
        kept = shelf.driven.do(inventory.adjustments(tx, 0, stock))
        assert [(a.id, a.on_hand_delta, a.reason, a.at) for a in kept] == [
            (made[1], -1, "damaged", NOW), (made[0], 4, "found", NOW),
        ]  # fmt: skip
        shelf.driven.do(tx.flush())
        told = shelf.driven.do(tx.conn.fetch("select kind, key, data->>'adjustment_id' from kit.event order by id"))
        assert [tuple(row) for row in told] == [("stock_adjusted", SELLER, str(id_)) for id_ in made]


def test_only_its_seller_corrects_a_count(shelf: Shelf) -> None:
    with shelf.driven.example() as tx:
        for seller, stock in ((UUID(int=2), shelf.stocks[0]), (SELLER, 10**9)):
            with shelf.driven.refused(NotFound):
                shelf.driven.do(inventory.adjust(tx, 0, seller, stock, 1, "found", NIL))
