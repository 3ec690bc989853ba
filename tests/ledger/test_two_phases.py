"""ledger.apply_many against a model of thirty lines: whatever the batches, the same verdicts and the same balances.

A hold takes money from what is available and moves none. It ends once: settled (all or a part of it moves, by the
transfer of its name), voided or, when its time has passed, expired; what does not move is available again. A limited
account has never less than nothing available. A name stands for one thing for ever. Commands of one link, judged where
its first one stands, stand or fall together. What is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot import ledger
from entrepot.kit.db import Tx
from entrepot.ledger import Hold, Settle, Transfer, Void
from entrepot.ledger.actions import DONE, apply, expire_holds
from entrepot.ledger.types import Command
from tests.races.books import MONEY, wrong
from tests.races.driven import Driven, bounded

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DUE = 2
"""Minutes after NOW: a hold that expires does so then."""
ACCOUNTS = ("cash", "wallet 1", "wallet 2", "seller", "euros", "nobody")  # striped; limited, limited; neither; limited
LIMITED = {"wallet 1", "wallet 2", "euros"}
Row = tuple[int, int]  # balance, held


class Do(NamedTuple):
    kind: str
    name: str
    debit: str = "wallet 1"
    credit: str = "seller"
    amount: int | None = None
    due: int | None = None
    link: int | None = None


@dataclass
class Model:
    """The oracle. A name stands for [state, from, to, amount held, amount moved, when it is due]."""

    rows: dict[str, Row] = field(default_factory=lambda: dict.fromkeys(ACCOUNTS[:-1], (0, 0)))
    names: dict[str, list] = field(default_factory=dict)  # type: ignore[type-arg]

    def apply(self, batch: list[Do], minute: int) -> list[str]:
        verdicts = [""] * len(batch)
        firsts = [next(j for j, o in enumerate(batch) if o is do or None is not do.link == o.link) for do in batch]
        for first in sorted(set(firsts)):
            members, before = [i for i, at in enumerate(firsts) if at == first], deepcopy((self.rows, self.names))
            for i in members:
                verdicts[i] = self.one(batch[i], minute)
                if verdicts[i] not in DONE:
                    self.rows, self.names = before
                    verdicts = ["link_failed" if j in members and j != i else v for j, v in enumerate(verdicts)]
                    break
        return verdicts

    def one(self, do: Do, minute: int) -> str:  # noqa: C901 - one flat list of refusals, as in the verb
        if (do.kind in ("post", "hold") and do.amount is None) or (do.amount is not None and do.amount <= 0):
            return "amount_not_positive"
        state, debit, credit, held, moved, due = known = self.names.get(do.name, [None, "", "", 0, 0, None])
        if do.kind in ("post", "hold"):
            assert do.amount is not None
            if do.debit == do.credit:
                return "same_account"
            if "nobody" in (do.debit, do.credit):
                return "unknown_account"
            if (do.debit == "euros") != (do.credit == "euros"):
                return "currency_mismatch"
            if state is not None:
                same = (do.kind == "post") == (state == "posted") and [do.debit, do.credit] == known[1:3]
                return "exists" if same and do.amount == (moved if do.kind == "post" else held) else "conflict"
            if do.kind == "hold" and do.due is not None and do.due <= minute:
                return "due_already"
            if do.debit in LIMITED and self.rows[do.debit][0] - self.rows[do.debit][1] < do.amount:
                return "insufficient_funds"
            if do.kind == "hold":
                return self.ends(do.name, ["held", do.debit, do.credit, do.amount, 0, do.due], do.amount)
            return self.ends(do.name, ["posted", do.debit, do.credit, 0, do.amount, None], 0)
        if state in (None, "posted"):
            return "unknown_hold"
        if do.kind == "void" and state == "voided":
            return "exists"
        amount = held if do.amount is None else do.amount
        if do.kind == "settle" and state == "settled":
            return "exists" if amount == moved else "conflict"
        if state != "held" or (due is not None and due <= minute):
            return f"hold_{'expired' if state == 'held' else state}"
        if do.kind == "void":
            return self.ends(do.name, ["voided", debit, credit, held, 0, None], -held)
        return "exceeds_hold" if amount > held else self.ends(
            do.name, ["settled", debit, credit, held, amount, None], -held
        )  # fmt: skip

    def ends(self, name: str, known: list, held: int) -> str:  # type: ignore[type-arg]
        verdict, debit, credit, _, moved, _ = self.names[name] = known
        self.rows[debit] = (self.rows[debit][0] - moved, self.rows[debit][1] + held)
        self.rows[credit] = (self.rows[credit][0] + moved, self.rows[credit][1])
        return str(verdict)

    def expire(self, minute: int) -> int:
        due = [name for name, (state, *_, at) in self.names.items() if state == "held" and at and at <= minute]
        for name in due:
            _, debit, credit, held, *_ = self.names[name]
            self.ends(name, ["expired", debit, credit, held, 0, None], -held)
        return len(due)


class Books:
    """The real ledger, spoken to by name."""

    def __init__(self, driven: Driven) -> None:
        self.driven = driven
        self.ids = {"nobody": 10**9}

    async def open(self, tx: Tx) -> None:
        for name in ACCOUNTS[:-1]:
            code, _, owner = name.partition(" ")
            (self.ids[name],) = await ledger.open_accounts(
                tx, cell=0, codes=[code], owners=[UUID(int=int(owner or 0))],
                currencies=["EUR" if name == "euros" else "USD"], limited=name in LIMITED, striped=name == "cash",
            )  # fmt: skip

    def command(self, do: Do) -> Command:
        cause, debit, credit = UUID(int=ord(do.name)), self.ids[do.debit], self.ids[do.credit]
        if do.kind == "post":
            return Transfer(cause, "x", debit, credit, do.amount, do.link)  # type: ignore[arg-type]
        if do.kind == "hold":
            due_at = None if do.due is None else NOW + timedelta(minutes=do.due)
            return Hold(cause, "x", debit, credit, do.amount, due_at, do.link)  # type: ignore[arg-type]
        return Void(cause, "x", do.link) if do.kind == "void" else Settle(cause, "x", do.amount, do.link)

    def apply(self, tx: Tx, batch: list[Do], minute: int = 0) -> list[str]:
        now = Tx(tx.conn, NOW + timedelta(minutes=minute))
        return self.driven.do(apply(now, 0, [self.command(do) for do in batch]))

    def rows(self, tx: Tx) -> dict[str, Row]:
        query = """select account_id, sum(credits - debits)::bigint, sum(held)::bigint from ledger.balance
                    group by account_id"""
        found = {row[0]: (row[1], row[2]) for row in self.driven.do(tx.conn.fetch(query))}
        return {name: found.get(self.ids[name], (0, 0)) for name in ACCOUNTS[:-1]}

    def all(self, tx: Tx) -> tuple[object, ...]:
        """Everything that a refused command leaves as it was."""
        texts = [f"select array_agg(x::text order by x::text) from ledger.{t} x" for t in ("hold", "transfer")]
        return (self.rows(tx), *(self.driven.do(tx.conn.fetchval(text)) for text in texts))


@pytest.fixture(scope="module")
def books(db_url: str) -> Iterator[Books]:
    driven = Driven(db_url, NOW)
    opened = Books(driven)
    driven.do(opened.open(driven.tx))
    yield opened
    driven.close()


names = st.sampled_from("abcd")
links = st.sampled_from([None, None, 1, 2])
likely = st.builds(
    Do, st.sampled_from(["post", "hold", "hold"]), names, st.sampled_from(["wallet 1", "wallet 2", "cash"]),
    st.sampled_from(["seller", "wallet 2", "wallet 1"]), st.integers(1, 9), st.sampled_from([None, None, DUE]), links,
)  # fmt: skip
anything = st.builds(
    Do, st.sampled_from(["post", "hold"]), names, st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS),
    st.one_of(st.none(), st.integers(-1, 12)), st.none(), links,
)  # fmt: skip
ending = st.builds(
    Do, st.sampled_from(["settle", "settle", "void"]), names, st.just("wallet 1"), st.just("seller"),
    st.sampled_from([None, None, 1, 3, 9, 0, -1]), st.none(), links,
)  # fmt: skip
batches = st.lists(st.one_of(likely, ending, anything), min_size=1, max_size=7)
steps = st.lists(st.one_of(batches, batches, batches, st.sampled_from(["a minute", "the timer"])), max_size=6)


def check(books: Books, start: int, history: list[list[Do] | str]) -> list[list[str]]:
    """Lives through it with `start` in wallet 1; the verdicts of each batch, which are the model's."""
    model, minute, verdicts = Model(), 0, []
    model.rows["wallet 1"], model.rows["cash"] = (start, 0), (-start, 0)
    with books.driven.example() as tx:
        if start:
            model.names["z"] = ["posted", "cash", "wallet 1", 0, start, None]
            books.apply(tx, [Do("post", "z", "cash", "wallet 1", start)])
        for step in history:
            before = books.all(tx)
            if step == "a minute":
                minute += 1
            elif step == "the timer":
                late = Tx(tx.conn, NOW + timedelta(minutes=minute))
                assert books.driven.do(expire_holds(late, 0)) == model.expire(minute)
            elif isinstance(step, list):
                batch = [do._replace(amount=None) if do.kind == "void" else do for do in step]
                told = books.apply(tx, batch, minute)
                assert told == model.apply(batch, minute)
                assert DONE & set(told) - {"exists"} or books.all(tx) == before
                verdicts.append(told)
            assert books.rows(tx) == model.rows
        statuses = "select cause_id, status, debit, credit, amount, due_at from ledger.hold"
        found = {chr(row[0].int): list(row)[1:] for row in books.driven.do(tx.conn.fetch(statuses))}
        assert found == {
            name: [state, books.ids[debit], books.ids[credit], held,
                   NOW + timedelta(minutes=due) if state == "held" and due is not None else None]
            for name, (state, debit, credit, held, _, due) in model.names.items() if state != "posted"
        }  # fmt: skip
        assert books.driven.do(wrong(tx.conn, *MONEY)) == {}
    return verdicts


@bounded(250)
@given(st.integers(0, 20), steps)
@example(9, [[Do("hold", "a", amount=9, due=DUE)], "a minute", "a minute", [Do("settle", "a")], "the timer"])
@example(9, [[Do("hold", "a", amount=9, link=1), Do("post", "b", amount=1, link=1), Do("hold", "c", amount=9)]])
def test_every_life_is_the_models(books: Books, start: int, history: list[list[Do] | str]) -> None:
    told = check(books, start, history)
    assert [len(verdicts) for verdicts in told] == [len(step) for step in history if isinstance(step, list)]


HELD = Do("hold", "a", amount=6)


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        (Do("settle", "a", amount=0), "amount_not_positive"),
        (Do("settle", "b"), "unknown_hold"),
        (Do("void", "z"), "unknown_hold"),  # that is a transfer of one phase
        (Do("settle", "a", amount=7), "exceeds_hold"),
        (Do("settle", "a", amount=6), "settled"),
        (Do("settle", "a", amount=2), "settled"),
        (Do("void", "a"), "voided"),
        (HELD, "exists"),
        (Do("hold", "a", amount=5), "conflict"),
        (Do("post", "a", amount=6), "conflict"),
        (Do("hold", "z", "cash", "wallet 1", 10), "conflict"),
        (Do("hold", "b", amount=1, due=0), "due_already"),
        (Do("hold", "b", amount=5), "insufficient_funds"),
        (Do("post", "b", amount=5), "insufficient_funds"),
        (Do("hold", "b", amount=4), "held"),
    ],
)
def test_each_verdict(books: Books, then: Do, verdict: str) -> None:
    """10 in wallet 1, of which 6 are held; in the batch of the hold, and in a later one."""
    assert check(books, 10, [[HELD, then]]) == [["held", verdict]]
    assert check(books, 10, [[HELD], [then]]) == [["held"], [verdict]]


@pytest.mark.parametrize(
    ("end", "again"),
    [
        (Do("settle", "a"), ["exists", "hold_settled", "conflict"]),
        (Do("void", "a"), ["hold_voided", "exists", "hold_voided"]),
        ("the timer", ["hold_expired", "hold_expired", "hold_expired"]),
    ],
)
def test_a_hold_ends_once(books: Books, end: Do | str, again: list[str]) -> None:
    held = HELD._replace(due=1)
    ended: list[list[Do] | str] = ["a minute", end] if isinstance(end, str) else [[end]]
    more = [[Do("settle", "a")], [Do("void", "a")], [Do("settle", "a", amount=1)]]
    told = check(books, 10, [[held], *ended, *more])
    assert [verdict for (verdict,) in told[-3:]] == again


@pytest.mark.parametrize("end", [Do("settle", "a"), Do("void", "a")])
def test_a_hold_does_not_end_before_it_is_made(books: Books, end: Do) -> None:
    assert check(books, 10, [[end, HELD]]) == [["unknown_hold", "held"]]


def test_what_is_past_its_time_is_expired_before_the_timer_comes(books: Books) -> None:
    held, ends = HELD._replace(due=1), [[Do("settle", "a")], [Do("void", "a")]]
    assert check(books, 6, [[held], "a minute", *ends])[1:] == [["hold_expired"], ["hold_expired"]]


def test_a_link_stands_or_falls_and_its_neighbors_do_not(books: Books) -> None:
    """10 in wallet 1. The link spends 6 + 6, and what is between and after it is judged as if it were not there."""
    first, second = Do("hold", "a", amount=6, link=7), Do("post", "b", amount=6, link=7)
    assert check(books, 10, [[first, Do("post", "c", amount=10), second]]) == [
        ["link_failed", "posted", "insufficient_funds"]
    ]
    assert check(books, 12, [[first, Do("post", "c", amount=1), second]]) == [["held", "insufficient_funds", "posted"]]
    # Sent again, it is there already; a member that is new cannot join it when it is refused.
    again = [[first, second], [first, second], [first, Do("void", "d", link=7)]]
    assert check(books, 12, again) == [["held", "posted"], ["exists", "exists"], ["link_failed", "unknown_hold"]]  # type: ignore[arg-type]


def test_the_table_is_the_last_net(books: Books) -> None:
    ids = books.ids
    for column in ("held", "debits"):
        with books.driven.example() as tx, books.driven.refused(asyncpg.CheckViolationError):
            books.apply(tx, [Do("post", "z", "cash", "wallet 1", 10), HELD])
            books.driven.do(
                tx.conn.execute(
                    f"update ledger.balance set {column} = {column} + 5 where account_id = $1", ids["wallet 1"]
                )
            )
    with books.driven.example() as tx, books.driven.refused(asyncpg.CheckViolationError):
        books.driven.do(tx.conn.execute("update ledger.balance set held = -1 where account_id = $1", ids["seller"]))
    with books.driven.example() as tx, books.driven.refused(asyncpg.RaiseError):
        books.driven.do(
            tx.conn.execute(
                "select ledger.apply_many(0::smallint, $1, '{give}', '{00000000-0000-0000-0000-000000000000}', '{x}',"
                " '{1}', '{2}', '{3}', '{null}', '{null}')", NOW,
            )
        )  # fmt: skip
