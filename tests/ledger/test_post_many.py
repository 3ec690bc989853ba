"""Posting in one phase against a model of twenty lines: the same verdicts, the same balances, whatever the batch.

Transfers are judged in the order given. A refused one leaves every balance as it was; the same one again is no second
one; a name stands for one transfer for ever; a limited account never goes below zero, an unlimited one may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot import ledger
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.ledger import InsufficientFunds, Transfer, TransferRefused
from entrepot.ledger.actions import apply
from tests.races.books import MONEY, wrong
from tests.races.driven import Driven, bounded

pytestmark = pytest.mark.cluster

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = {name: UUID(int=number) for number, name in enumerate(("seed", "a", "b", "c", "d"), 1)}
# cash is striped; the wallets are limited; the seller's account is neither; `nobody` is not open.
ACCOUNTS = ("cash", "wallet 1", "wallet 2", "seller", "euros", "nobody")
LIMITED = {"wallet 1", "wallet 2", "euros"}
Named = tuple[str, str, str, str, int]  # cause, code, debit, credit, amount


@dataclass
class Model:
    """The oracle."""

    balances: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ACCOUNTS[:-1], 0))
    posted: dict[tuple[str, str], tuple[str, str, int]] = field(default_factory=dict)

    def post(self, cause: str, code: str, debit: str, credit: str, amount: int) -> str:
        known = self.posted.get((cause, code))
        if amount <= 0:
            return "amount_not_positive"
        if debit == credit:
            return "same_account"
        if debit not in self.balances or credit not in self.balances:
            return "unknown_account"
        if (debit == "euros") != (credit == "euros"):
            return "currency_mismatch"
        if known is not None:
            return "exists" if known == (debit, credit, amount) else "conflict"
        if debit in LIMITED and self.balances[debit] < amount:
            return "insufficient_funds"
        self.balances[debit] -= amount
        self.balances[credit] += amount
        self.posted[cause, code] = (debit, credit, amount)
        return "posted"


class Books:
    """The real ledger of a cell, spoken to by name."""

    def __init__(self, driven: Driven, cell: int = 0) -> None:
        self.driven, self.cell = driven, cell
        self.ids = {"nobody": 10**9}

    async def open(self, tx: Tx) -> None:
        for name in ACCOUNTS[:-1]:
            code, _, owner = name.partition(" ")
            (self.ids[name],) = await ledger.open_accounts(
                tx, cell=self.cell, codes=[code], owners=[UUID(int=int(owner or 0))],
                currencies=["EUR" if name == "euros" else "USD"], limited=name in LIMITED, striped=name == "cash",
            )  # fmt: skip

    def post(self, tx: Tx, transfers: list[Named]) -> list[str]:
        real = [Transfer(NAMES[t[0]], t[1], self.ids[t[2]], self.ids[t[3]], t[4]) for t in transfers]
        return self.driven.do(apply(tx, self.cell, real))

    def balances(self, tx: Tx) -> dict[str, int]:
        query = "select account_id, sum(credits - debits)::bigint from ledger.balance group by account_id"
        found = dict(self.driven.do(tx.conn.fetch(query)))
        return {name: found.get(self.ids[name], 0) for name in ACCOUNTS[:-1]}


@pytest.fixture(scope="module")
def in_cells(db_url: str) -> Iterator[list[Books]]:
    driven = Driven(db_url, NOW)
    opened = [Books(driven, cell) for cell in range(4)]
    for one in opened:
        driven.do(one.open(driven.tx))
    yield opened
    driven.close()


@pytest.fixture
def books(in_cells: list[Books]) -> Books:
    return in_cells[0]


transfers = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["pay", "fee"]), st.sampled_from(ACCOUNTS),
    st.sampled_from(ACCOUNTS), st.integers(-1, 12),
)  # fmt: skip
plain = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["pay", "fee"]), st.sampled_from(["wallet 1", "wallet 2"]),
    st.sampled_from(["wallet 1", "wallet 2", "cash", "seller"]), st.integers(1, 12),
)  # fmt: skip


def check(books: Books, start: int, batches: list[list[Named]]) -> list[list[str]]:
    """Posts the batches over `start` in wallet 1; the verdicts, which are the model's, as are the balances."""
    model, verdicts = Model(), []
    with books.driven.example() as tx:
        if start:
            batches = [[("seed", "top_up", "cash", "wallet 1", start)], *batches]
        for batch in batches:
            before = books.balances(tx)
            told = books.post(tx, batch)
            assert told == [model.post(*transfer) for transfer in batch]
            assert books.balances(tx) == model.balances
            assert "posted" in told or books.balances(tx) == before
            verdicts.append(told)
        count = books.driven.do(tx.conn.fetchval("select count(*) from ledger.transfer"))
        assert count == len(model.posted)
        assert books.driven.do(wrong(tx.conn, *MONEY)) == {}
    return verdicts[1:] if start else verdicts


@bounded(150)
@given(
    st.integers(0, 3),
    st.integers(0, 20),
    st.lists(st.lists(transfers | plain, min_size=1, max_size=8), min_size=1, max_size=3),
)
@example(3, 10, [[("a", "pay", "wallet 1", "seller", 11), ("a", "pay", "wallet 1", "seller", 3)]])
@example(0, 5, [[("a", "pay", "wallet 1", "wallet 2", 5), ("b", "pay", "wallet 2", "wallet 1", 5)] * 2])
def test_every_batch_is_judged_like_the_model(
    in_cells: list[Books], cell: int, start: int, batches: list[list[Named]]
) -> None:
    verdicts = check(in_cells[cell], start, batches)
    assert [len(told) for told in verdicts] == [len(batch) for batch in batches]


@pytest.mark.parametrize(
    ("transfer", "verdict"),
    [
        (("b", "pay", "wallet 1", "seller", 0), "amount_not_positive"),
        (("b", "pay", "wallet 1", "seller", -5), "amount_not_positive"),
        (("b", "pay", "wallet 1", "wallet 1", 5), "same_account"),
        (("b", "pay", "wallet 1", "nobody", 5), "unknown_account"),
        (("b", "pay", "nobody", "wallet 1", 5), "unknown_account"),
        (("b", "pay", "cash", "euros", 5), "currency_mismatch"),
        (("a", "pay", "wallet 1", "seller", 6), "exists"),
        (("a", "pay", "wallet 1", "seller", 7), "conflict"),
        (("a", "pay", "wallet 1", "cash", 6), "conflict"),
        (("b", "pay", "wallet 1", "seller", 5), "insufficient_funds"),
        (("b", "pay", "wallet 1", "seller", 4), "posted"),
        (("a", "fee", "wallet 1", "seller", 4), "posted"),
        (("b", "pay", "seller", "wallet 1", 99), "posted"),
    ],
)
def test_each_verdict(books: Books, transfer: Named, verdict: str) -> None:
    """10 in wallet 1, of which 6 went to the seller; in the batch of the transfer, and in a later one."""
    first: Named = ("a", "pay", "wallet 1", "seller", 6)
    assert check(books, 10, [[first, transfer]]) == [["posted", verdict]]
    assert check(books, 10, [[first], [transfer]]) == [["posted"], [verdict]]


@pytest.mark.parametrize("place", range(4))
def test_one_that_lacks_the_money_leaves_its_neighbors_alone(books: Books, place: int) -> None:
    batch: list[Named] = [(cause, "pay", "wallet 1", "seller", 3) for cause in "abc"]
    batch.insert(place, ("d", "pay", "wallet 1", "seller", 99))
    verdicts = ["posted"] * 3
    verdicts.insert(place, "insufficient_funds")
    assert check(books, 9, [batch]) == [verdicts]


def test_money_that_comes_in_the_same_batch_can_be_spent_after_it_not_before(books: Books) -> None:
    spend: Named = ("a", "pay", "wallet 2", "seller", 4)
    earn: Named = ("b", "pay", "wallet 1", "wallet 2", 4)
    assert check(books, 4, [[earn, spend]]) == [["posted", "posted"]]
    assert check(books, 4, [[spend, earn]]) == [["insufficient_funds", "posted"]]


def test_an_empty_batch_is_none(books: Books) -> None:
    assert check(books, 0, [[]]) == [[]]
    with books.driven.example() as tx:
        told = books.driven.do(
            tx.conn.fetchval("select ledger.apply_many(0::smallint, $1, '{}','{}','{}','{}','{}','{}','{}','{}')", NOW)
        )
    assert told == []


def test_post_all_takes_all_or_raises(books: Books) -> None:
    with books.driven.example() as tx:

        def post(*amounts: int) -> None:
            named = zip("abcd", amounts, strict=False)
            moves = [
                Transfer(NAMES[c], "pay", books.ids["wallet 1"], books.ids["seller"], amount) for c, amount in named
            ]
            books.driven.do(ledger.post_all(tx, 0, moves))

        books.post(tx, [("seed", "top_up", "cash", "wallet 1", 10)])
        with pytest.raises(InsufficientFunds):
            post(10, 1)
        assert books.balances(tx)["wallet 1"] == 0  # the caller's transaction is the one to undo
    with books.driven.example() as tx:
        books.post(tx, [("seed", "top_up", "cash", "wallet 1", 10)])
        post(4, 6)
        post(4, 6)  # posted before counts as posted
        with pytest.raises(TransferRefused, match="conflict"):
            post(5)
        assert books.balances(tx)["seller"] == 10


def test_the_table_is_the_last_net(books: Books) -> None:
    """What no verdict lets through, the constraints refuse too."""
    overdraw = "update ledger.balance set debits = debits + 1 where account_id = $1"
    write = """
        select ledger.write_many(0::smallint, $1, array[$2::uuid], '{x}', array[$3::bigint], array[$4::bigint],
                                 array[$5::bigint])"""
    ids = books.ids
    with books.driven.example() as tx, books.driven.refused(asyncpg.CheckViolationError):
        books.driven.do(tx.conn.execute(overdraw, ids["wallet 1"]))
    for debit, credit, amount in (("cash", "cash", 1), ("cash", "seller", 0), ("wallet 1", "cash", 1)):
        with books.driven.example() as tx, books.driven.refused(asyncpg.CheckViolationError):
            books.driven.do(tx.conn.execute(write, NOW, NIL, ids[debit], ids[credit], amount))
    with books.driven.example() as tx, books.driven.refused(asyncpg.ForeignKeyViolationError):
        books.driven.do(tx.conn.execute(write, NOW, NIL, ids["cash"], ids["nobody"], 1))


def test_accounts_are_opened_once_in_the_order_asked(books: Books) -> None:
    with books.driven.example() as tx:

        def opened(*codes: str) -> list[int]:
            return books.driven.do(
                ledger.open_accounts(
                    tx, cell=0, codes=codes, owners=[NIL] * len(codes), currencies=["USD"] * len(codes), limited=True,
                    striped=False,
                )
            )  # fmt: skip

        z, a, again = opened("z", "a", "z")
        assert z == again != a
        assert opened("a", "z", "b")[:2] == [a, z]
        rows = books.driven.do(tx.conn.fetch("select limited from ledger.balance where account_id = any ($1)", [a, z]))
        assert [row[0] for row in rows] == [True, True]
