"""orders.place_many against a model: the same verdict for every command, and the same stock, money and rows after it.

Commands are judged in the order given, each against what its predecessors left. A refused one leaves no trace, not even
its key; a placed one is placed once, however often and under whatever key it is told again.

The same holds where buyers and sellers are in different cells and a quote may span them: what spans is placed after the
others of its batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot import catalog, ledger, orders, sellers
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.orders.spanning import place_spanning
from tests.orders.counter import (
    NEEDS,
    NOW,
    PAYMENT_TTL_S,
    PRICES,
    PROMOTIONS,
    QUOTE_TTL_S,
    SELLER_OF,
    Counter,
    Quoted,
    Wanted,
)
from tests.races.books import wrong
from tests.races.driven import Driven, bounded

Told = tuple[str, bool, dict[str, Any] | None]  # verdict, replayed, detail


class Command(msgspec.Struct, frozen=True):
    """Buyer `caller` places quote number `quote` (99: none) under `key`."""

    caller: int
    key: str
    quote: int
    method: str = "wallet"


class Change(msgspec.Struct, frozen=True):
    """What happens between two batches: price, pause, resume (an offer), suspend (a seller), wait (seconds)."""

    what: str
    of: int
    value: int = 0


@dataclass
class Model:
    """The oracle. Offers, stocks, buyers and quotes go by number."""

    left: list[int]
    wallets: dict[int, int]
    wanted: list[Wanted]
    quoted: list[Quoted]
    counter: Counter
    now: datetime = NOW
    prices: list[int] = field(default_factory=lambda: list(PRICES))
    closed: set[tuple[str, int]] = field(default_factory=set)  # paused offers and suspended sellers
    keys: dict[tuple[int, str], Command] = field(default_factory=dict)
    groups: dict[int, tuple[str, datetime]] = field(default_factory=dict)  # quote: method, when
    limits: dict[str | tuple[str, int], int] = field(default_factory=lambda: {"two": 2, "purse": 40})

    def place(self, batch: list[Command]) -> list[Told]:
        """What spans cells comes after the others."""
        spanning = [n for n, command in enumerate(batch) if self.spans(command)]
        told = {n: self.judge(command) for n, command in enumerate(batch) if n not in spanning}
        told |= {n: self.judge(batch[n]) for n in spanning}
        return [told[n] for n in range(len(batch))]

    def spans(self, command: Command) -> bool:
        own = command.quote < len(self.wanted) and self.wanted[command.quote].buyer == command.caller
        return own and (command.caller, command.key) not in self.keys and self.quoted[command.quote].cells > 1

    def by_cell(self, quote: int) -> list[tuple[int, int]]:
        return sorted(self.wanted[quote].lines, key=lambda line: self.counter.cell_of(line[0]))

    def judge(self, command: Command) -> Told:
        caller, key, quote, method = msgspec.structs.astuple(command)
        if self.keys.get((caller, key), command) != command:
            return "key_conflict", False, None
        if (caller, key) in self.keys:
            return "placed", True, None
        if quote >= len(self.wanted) or self.wanted[quote].buyer != caller:
            return "quote_not_found", False, None
        if quote in self.groups:
            return "quote_placed", False, None
        if self.now >= NOW + timedelta(seconds=QUOTE_TTL_S):
            return "quote_expired", False, None
        refusal = self.look_at_offers(quote) or self.take(quote, method)
        if refusal is None:
            self.keys[caller, key] = command
            self.groups[quote] = (method, self.now)
        return refusal or ("placed", False, None)

    def look_at_offers(self, quote: int) -> Told | None:
        lines = self.by_cell(quote)
        for offer, _ in lines:
            if ("offer", offer) in self.closed or ("seller", SELLER_OF[offer]) in self.closed:
                return "offer_unavailable", False, {"offer_id": offer}
        for offer, _ in lines:
            if self.prices[offer] != PRICES[offer]:
                return "price_changed", False, {"offer_id": offer, "unit_price_minor": self.prices[offer]}
        return None

    def take(self, quote: int, method: str) -> Told | None:
        paid = self.quoted[quote].paid_minor
        left = list(self.left)
        for offer, n in self.by_cell(quote):
            available = min(left[stock] // units for stock, units in NEEDS[offer])
            if n > available:
                return "sold_out", False, {"offer_id": offer, "available": available}
            for stock, units in NEEDS[offer]:
                left[stock] -= n * units
        buyer = self.wanted[quote].buyer
        name, limit, uses = self.limit_of(quote)
        if uses > self.limits.get(limit, 1):
            return "limit_reached", False, {"limit": name, "available": self.limits.get(limit, 1)}
        if method == "wallet":
            if paid > self.wallets.get(buyer, 0):
                return "insufficient_funds", False, {"available_minor": self.wallets.get(buyer, 0)}
            self.wallets[buyer] = self.wallets.get(buyer, 0) - paid
        self.left = left
        self.limits[limit] = self.limits.get(limit, 1) - uses
        return None

    def limit_of(self, quote: int) -> tuple[str, str | tuple[str, int], int]:
        """The quota's name, where the model keeps what is left of it, and how much of it the quote uses."""
        code, buyer = self.wanted[quote].promotion, self.wanted[quote].buyer
        if code == "once":
            return "promotion:once:buyer", (code, buyer), 1
        if code == "purse":
            return "promotion:purse:budget", code, self.quoted[quote].operator_minor
        return f"promotion:{code}", code or "", 1 if code == "two" else 0


@dataclass
class Example:
    units: tuple[int, int, int]
    wallets: tuple[int, int]
    quotes: list[Wanted]
    steps: list[list[Command] | Change]


class Real(NamedTuple):
    driven: Driven
    counter: Counter


class Stage:
    """Plays an example on the database and on the model, and compares."""

    def __init__(self, real: Real, tx: Tx, case: Example) -> None:
        self.counter, self.tx, self.case, self.do = real.counter, tx, case, real.driven.do
        self.do(self.counter.fill(tx, case.units, case.wallets))
        self.quoted = self.do(self.counter.quote(tx, case.quotes))
        self.model = Model(list(case.units), dict(enumerate(case.wallets)), case.quotes, self.quoted, real.counter)

    def play(self) -> list[list[Told]]:
        told = []
        for step in self.case.steps:
            if isinstance(step, Change):
                self.do(self.change(step))
                continue
            before = self.do(self.counter.state(self.tx))
            verdicts = self.do(self.place(step))
            assert verdicts == self.model.place(step), step
            if all(verdict != "placed" or replayed for verdict, replayed, _ in verdicts):
                assert self.do(self.counter.state(self.tx)) == before
            told.append(verdicts)
        self.do(self.compare())
        return told

    async def change(self, change: Change) -> None:
        tx, model, offers, shops = self.tx, self.model, self.counter.offers, self.counter.sellers
        if change.what == "wait":
            tx.now = model.now = model.now + timedelta(seconds=change.value)
        elif change.what == "price":
            await catalog.set_prices(tx, self.counter.cell_of(change.of), [offers[change.of]], [change.value])
            model.prices[change.of] = change.value
        elif change.what == "pause" and ("offer", change.of) not in model.closed:
            await catalog.pause_offer(
                tx, self.counter.cell_of(change.of), shops[SELLER_OF[change.of]], offers[change.of]
            )
            model.closed.add(("offer", change.of))
        elif change.what == "resume" and ("offer", change.of) in model.closed:
            await catalog.resume_offer(
                tx, self.counter.cell_of(change.of), shops[SELLER_OF[change.of]], offers[change.of]
            )
            model.closed.remove(("offer", change.of))
        elif change.what == "suspend" and ("seller", change.of % 2) not in model.closed:
            await sellers.suspend(tx, sellers.SellerId(shops[change.of % 2]))
            model.closed.add(("seller", change.of % 2))

    async def place(self, batch: list[Command]) -> list[Told]:
        ids = {number: quoted.id for number, quoted in enumerate(self.quoted)}
        real = [
            orders.Place(self.counter.buyers[c.caller], c.key, ids.get(c.quote, UUID(int=c.quote)), c.method)
            for c in batch
        ]
        home = self.counter.home
        verdicts = await orders.place_many(self.tx, home, real)
        assert [v.ord for v in verdicts] == list(range(1, len(batch) + 1))
        spanning = [n for n, verdict in enumerate(verdicts) if verdict.verdict == "spans"]
        told = await place_spanning(self.tx, home, [real[n] for n in spanning])
        assert [v.ord for v in told] == list(range(1, len(spanning) + 1))
        for n, verdict in zip(spanning, told, strict=True):
            verdicts[n] = verdict
        assert [v.group_id for v in verdicts] == [
            r.quote_id if v.verdict == "placed" else None for r, v in zip(real, verdicts, strict=True)
        ]
        return [(v.verdict, v.replayed, self.by_number(v.detail)) for v in verdicts]

    def by_number(self, detail: dict[str, Any] | None) -> dict[str, Any] | None:
        if detail is None or "offer_id" not in detail:
            return detail
        return detail | {"offer_id": self.counter.offers.index(detail["offer_id"])}

    async def compare(self) -> None:
        """Every row that placing writes is what the model says, and the books tie."""
        tx, model, quoted, wanted = self.tx, self.model, self.quoted, self.case.quotes
        units: dict[str, list[int]] = {"wallet": [0] * 3, "sandbox": [0] * 3}
        for quote, (method, _) in model.groups.items():
            for offer, n in wanted[quote].lines:
                for stock, per in NEEDS[offer]:
                    units[method][stock] += n * per
        assert await self.counter.stock(tx) == list(
            zip(self.case.units, units["sandbox"], units["wallet"], strict=True)
        )
        home, cells = self.counter.home, {self.counter.home, *self.counter.cells}
        wallets = [await ledger.balance(tx, home, "wallet", "USD", buyer) for buyer in self.counter.buyers]
        assert wallets == [model.wallets.get(buyer, 0) for buyer in range(3)]
        by_wallet = [quoted[quote] for quote, (method, _) in model.groups.items() if method == "wallet"]
        funded = sum(q.operator_minor for q in by_wallet)
        escrow = sum([await ledger.balance(tx, cell, "escrow", "USD") for cell in cells])
        assert escrow == sum(q.paid_minor for q in by_wallet) + funded
        assert sum([await ledger.balance(tx, cell, "promotions", "USD") for cell in cells]) == -funded
        rows = await tx.conn.fetch(
            "select g.id, g.status, g.pay_by, (select count(*) from orders.order o where o.group_id = g.id), "
            "(select count(*) from orders.order_line l join orders.order o on o.id = l.order_id "
            "where o.group_id = g.id), p.method, p.status, "
            "(select array_agg(e.kind) from kit.event e where e.key = g.id) "
            "from orders.order_group g join payments.payment p on p.id = g.id"
        )
        assert {row[0]: tuple(row[1:]) for row in rows} == {
            quoted[quote].id: self.rows_of(quote, *how) for quote, how in model.groups.items()
        }
        keys = await tx.conn.fetch("select caller, key, ref from kit.idempotency_key")
        assert {tuple(row) for row in keys} == {
            (self.counter.buyers[caller], key, quoted[command.quote].id)
            for (caller, key), command in model.keys.items()
        }
        used = await tx.conn.fetch(
            "select q.name, q.owner, q.used from pricing.quota q join pricing.quota_use u on u.quota_id = q.id "
            "where u.given_back_at is null group by q.name, q.owner, q.used having q.used = sum(u.amount)"
        )
        expected: dict[tuple[str, UUID], int] = {}
        for quote in model.groups:
            name, limit, uses = model.limit_of(quote)
            owner = self.counter.buyers[limit[1]] if isinstance(limit, tuple) else NIL
            expected[name, owner] = expected.get((name, owner), 0) + uses
        assert {(name, owner): uses for name, owner, uses in used} == {who: n for who, n in expected.items() if n}
        assert await wrong(tx.conn) == {}

    def rows_of(self, quote: int, method: str, at: datetime) -> tuple[Any, ...]:
        """What the rows of a group that was placed then look like."""
        lines = sum(len(NEEDS[offer]) for offer, _ in self.case.quotes[quote].lines)
        count, cells = self.quoted[quote].orders, self.quoted[quote].cells
        if method == "wallet":
            return "placed", None, count, lines, "wallet", "captured", ["group_paid"] * cells
        pay_by = at + timedelta(seconds=PAYMENT_TTL_S)
        return "awaiting_payment", pay_by, count, lines, "sandbox", "created", ["group_awaiting_payment"] * cells


PLACES = {"one cell": (0, (0, 0)), "home and another": (0, (1, 0)), "elsewhere": (1, (3, 0))}
"""Where the buyers are, and the two sellers."""


@pytest.fixture(scope="module", params=PLACES)
def real(db_url: str, request: pytest.FixtureRequest) -> Iterator[Real]:
    driven, counter = Driven(db_url, NOW), Counter(*PLACES[request.param])
    driven.do(counter.open(driven.tx))
    yield Real(driven, counter)
    driven.close()


def play(real: Real, case: Example) -> list[list[Told]]:
    with real.driven.example() as tx:
        return Stage(real, tx, case).play()


def newly_placed(case: Example, told: list[list[Told]]) -> list[int]:
    """The quotes that were placed, one as often as it was."""
    batches = [step for step in case.steps if not isinstance(step, Change)]
    return [
        command.quote
        for batch, verdicts in zip(batches, told, strict=True)
        for command, (verdict, replayed, _) in zip(batch, verdicts, strict=True)
        if verdict == "placed" and not replayed
    ]


lines = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=4).map(tuple)
quotes = st.builds(
    Wanted, st.sampled_from([0, 0, 0, 1, 1, 2]), lines,
    st.sampled_from([None, None, None, *(code for code, *_ in PROMOTIONS)]), st.sampled_from(["free", "paid"]),
)  # fmt: skip
commands = st.builds(
    Command, st.sampled_from([0, 0, 0, 1, 1, 2]), st.sampled_from("abcd"), st.integers(0, 5),
    st.sampled_from(["wallet", "wallet", "sandbox"]),
)  # fmt: skip
changes = st.one_of(
    st.builds(Change, st.just("price"), st.integers(0, 5), st.integers(0, 8)),
    st.builds(Change, st.sampled_from(["pause", "resume", "suspend"]), st.integers(0, 5)),
    st.builds(Change, st.just("wait"), st.just(0), st.sampled_from([600, 1_800])),
)
steps = st.lists(st.lists(commands, min_size=1, max_size=8) | changes, min_size=1, max_size=4)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """Small numbers, so that stock, money and keys are short; most commands are of the quote's own buyer."""
    asked = draw(st.lists(quotes, min_size=1, max_size=5))
    own = st.booleans() if draw(st.booleans()) else st.just(True)

    def of_buyer(command: Command) -> Command:
        if command.quote < len(asked) and draw(own):
            return msgspec.structs.replace(command, caller=asked[command.quote].buyer)
        return command

    drawn = [step if isinstance(step, Change) else [of_buyer(c) for c in step] for step in draw(steps)]
    units = draw(st.tuples(*[st.integers(0, 8)] * 3))
    return Example(units, draw(st.tuples(*[st.integers(0, 40)] * 2)), asked, drawn)


@pytest.mark.parametrize("real", ["one cell"], indirect=True)
@bounded(150)
@given(examples())
def test_every_batch_is_judged_like_the_model(real: Real, case: Example) -> None:
    placed = newly_placed(case, play(real, case))
    assert len(placed) == len(set(placed))


@pytest.mark.parametrize("real", ["home and another", "elsewhere"], indirect=True)
@bounded(40)
@given(examples())
def test_every_batch_is_judged_like_the_model_across_cells(real: Real, case: Example) -> None:
    placed = newly_placed(case, play(real, case))
    assert len(placed) == len(set(placed))


# Named examples. Buyer 0 has 100, buyer 1 has 5; 10 units each of stocks 0 and 1, none of stock 2.
PLACED: Told = ("placed", False, None)
AGAIN: Told = ("placed", True, None)
PLAIN = Wanted(0, ((0, 2),))


def told(real: Real, wanted: list[Wanted], *steps: list[Command] | Change) -> list[list[Told]]:
    return play(real, Example((10, 10, 0), (100, 5), wanted, list(steps)))


@pytest.mark.parametrize(
    ("wanted", "change", "verdict"),
    [
        (PLAIN, None, PLACED),
        (PLAIN, Change("wait", 0, QUOTE_TTL_S - 1), PLACED),
        (PLAIN, Change("wait", 0, QUOTE_TTL_S), ("quote_expired", False, None)),
        (PLAIN, Change("pause", 0), ("offer_unavailable", False, {"offer_id": 0})),
        (PLAIN, Change("suspend", 0), ("offer_unavailable", False, {"offer_id": 0})),
        (PLAIN, Change("pause", 1), PLACED),
        (PLAIN, Change("price", 0, 2), ("price_changed", False, {"offer_id": 0, "unit_price_minor": 2})),
        (PLAIN, Change("price", 0, 3), PLACED),
        (Wanted(0, ((0, 11),)), None, ("sold_out", False, {"offer_id": 0, "available": 10})),
        # Two offers of one stock, and one offer in two lines, are short together.
        (Wanted(0, ((1, 6), (0, 5))), None, ("sold_out", False, {"offer_id": 0, "available": 4})),
        (Wanted(0, ((1, 6), (1, 5))), None, ("sold_out", False, {"offer_id": 1, "available": 4})),
        (Wanted(0, ((1, 5), (0, 5))), None, PLACED),
        (Wanted(0, ((2, 1), (3, 1))), None, ("sold_out", False, {"offer_id": 3, "available": 0})),
        # A pack of two and one of it alone; a bundle of what is there and what is not.
        (Wanted(0, ((5, 5),)), None, PLACED),
        (Wanted(0, ((5, 6),)), None, ("sold_out", False, {"offer_id": 5, "available": 5})),
        (Wanted(0, ((0, 3), (5, 4))), None, ("sold_out", False, {"offer_id": 5, "available": 3})),
        (Wanted(0, ((5, 4), (0, 3))), None, ("sold_out", False, {"offer_id": 0, "available": 2})),
        (Wanted(0, ((2, 1), (4, 1))), None, ("sold_out", False, {"offer_id": 4, "available": 0})),
        # A bundle is sold for its own price, also when its component is not sold alone.
        (Wanted(0, ((5, 1),)), Change("price", 5, 6), ("price_changed", False, {"offer_id": 5, "unit_price_minor": 6})),
        (Wanted(0, ((5, 1),)), Change("pause", 5), ("offer_unavailable", False, {"offer_id": 5})),
        (Wanted(0, ((5, 1),)), Change("price", 0, 9), PLACED),
        (Wanted(0, ((5, 1),)), Change("pause", 0), PLACED),
        (Wanted(0, ((5, 1),)), Change("suspend", 0), ("offer_unavailable", False, {"offer_id": 5})),
        (Wanted(1, ((0, 2),)), None, ("insufficient_funds", False, {"available_minor": 5})),
        (Wanted(1, ((1, 1),)), None, PLACED),
        (Wanted(1, ((1, 1),), shipping="paid"), None, ("insufficient_funds", False, {"available_minor": 5})),
        (Wanted(1, ((1, 2),), "half"), None, PLACED),
        (Wanted(2, ((1, 1),)), None, ("insufficient_funds", False, {"available_minor": 0})),
        (Wanted(2, ((1, 1),), "all"), None, PLACED),  # nothing to pay needs no wallet
    ],
)  # fmt: skip
def test_each_verdict(real: Real, wanted: Wanted, change: Change | None, verdict: Told) -> None:
    command = Command(wanted.buyer, "a", 0)
    assert told(real, [wanted], *([change] if change else []), [command]) == [[verdict]]


def test_what_is_wrong_is_told_in_a_fixed_order(real: Real) -> None:
    """Everything is wrong with this quote; each remedy shows the next refusal."""
    worst = Wanted(1, ((2, 11), (0, 1), (1, 1)))
    wrongs = [Change("price", 2, 9), Change("price", 0, 9), Change("pause", 1)]
    command = [Command(1, "a", 0)]
    assert told(real, [worst], *wrongs, command, Change("resume", 1), command, Change("price", 2, 4), command,
                Change("price", 0, 3), command) == [
        [("offer_unavailable", False, {"offer_id": 1})],
        [("price_changed", False, {"offer_id": 2, "unit_price_minor": 9})],
        [("price_changed", False, {"offer_id": 0, "unit_price_minor": 9})],
        [("sold_out", False, {"offer_id": 2, "available": 10})],
    ]  # fmt: skip


def test_twenty_of_ten_is_refused_and_one_is_placed(real: Real) -> None:
    wanted = [Wanted(0, ((0, 20),)), Wanted(0, ((0, 1),))]
    assert told(real, wanted, [Command(0, "a", 0), Command(0, "b", 1)]) == [
        [("sold_out", False, {"offer_id": 0, "available": 10}), PLACED]
    ]


@pytest.mark.parametrize("place", range(4))
def test_a_buyer_without_funds_leaves_the_rest_untouched(real: Real, place: int) -> None:
    wanted = [Wanted(0, ((0, 2),)), Wanted(0, ((2, 3),)), Wanted(1, ((1, 1),)), Wanted(1, ((0, 5),))]
    batch = [Command(0, "a", 0), Command(0, "b", 1), Command(1, "c", 2)]
    batch.insert(place, Command(1, "d", 3))
    verdicts = [PLACED] * 3
    verdicts.insert(place, ("insufficient_funds", False, {"available_minor": 0 if place == 3 else 5}))
    assert told(real, wanted, batch) == [verdicts]


def test_a_key_means_one_command_for_ever(real: Real) -> None:
    wanted = [PLAIN, PLAIN, Wanted(1, ((1, 1),))]
    same, other, gateway = Command(0, "a", 0), Command(0, "a", 1), Command(0, "a", 0, "sandbox")
    conflict: Told = ("key_conflict", False, None)
    batch = [same, same, other, gateway, Command(1, "a", 2)]  # another buyer's key is another key
    first = [PLACED, AGAIN, conflict, conflict, PLACED]
    assert told(real, wanted, batch, batch) == [first, [AGAIN, AGAIN, conflict, conflict, AGAIN]]
    # Told again after everything went wrong, it is placed still.
    assert told(real, wanted, [same], Change("wait", 0, 9_999), Change("suspend", 0), [same]) == [[PLACED], [AGAIN]]


def test_a_quote_is_placed_once_under_whatever_key(real: Real) -> None:
    first, second = Command(0, "a", 0), Command(0, "b", 0, "sandbox")
    late: Told = ("quote_placed", False, None)
    assert told(real, [PLAIN], [first, second, first]) == [[PLACED, late, AGAIN]]
    assert told(real, [PLAIN], [second], [first, second]) == [[PLACED], [late, AGAIN]]
    # The first was refused, so that the second is not late, and the third is.
    poor = Wanted(1, ((0, 2),))
    batch = [Command(1, "a", 0), Command(1, "b", 0, "sandbox"), Command(1, "b", 0, "sandbox"), Command(1, "c", 0)]
    refused: Told = ("insufficient_funds", False, {"available_minor": 5})
    assert told(real, [poor], batch) == [[refused, PLACED, AGAIN, late]]


def test_a_refused_command_leaves_its_key_for_another_try(real: Real) -> None:
    refused: Told = ("sold_out", False, {"offer_id": 3, "available": 0})
    wanted = [Wanted(0, ((3, 1),)), PLAIN]
    assert told(real, wanted, [Command(0, "a", 0)], [Command(0, "a", 1)]) == [[refused], [PLACED]]
    # In one batch too: the key is that of the second, told again and not borrowed.
    assert told(real, wanted, [Command(0, "a", 0), Command(0, "a", 1)], [Command(0, "a", 1), Command(0, "a", 0)]) == [
        [refused, PLACED], [AGAIN, ("key_conflict", False, None)],
    ]  # fmt: skip


def test_nobody_places_what_is_not_theirs(real: Real) -> None:
    nothing: Told = ("quote_not_found", False, None)
    batch = [Command(1, "a", 0), Command(0, "a", 99), Command(0, "a", 0), Command(0, "b", 0)]
    assert told(real, [PLAIN], batch) == [[nothing, nothing, PLACED, ("quote_placed", False, None)]]


def test_wallet_and_gateway_draw_on_one_stock(real: Real) -> None:
    wanted = [Wanted(0, ((0, 4),)), Wanted(1, ((0, 4),)), Wanted(0, ((0, 4),)), Wanted(1, ((0, 2),), "all")]
    batch = [Command(0, "a", 0), Command(1, "b", 1, "sandbox"), Command(0, "c", 2), Command(1, "d", 3)]
    short: Told = ("sold_out", False, {"offer_id": 0, "available": 2})
    assert told(real, wanted, batch) == [[PLACED, PLACED, short, PLACED]]


def test_an_empty_batch_is_none(real: Real) -> None:
    assert told(real, [PLAIN], []) == [[]]


def test_a_promotion_for_two_is_for_the_first_two_that_are_placed(real: Real) -> None:
    wanted = [Wanted(buyer, (line,), "two") for buyer, line in ((1, (3, 1)), (0, (0, 2)), (1, (0, 1)), (0, (0, 2)))]
    sold_out: Told = ("sold_out", False, {"offer_id": 3, "available": 0})
    used_up: Told = ("limit_reached", False, {"limit": "promotion:two", "available": 0})
    batch = [Command(1, "a", 0), Command(0, "b", 1), Command(1, "c", 2, "sandbox"), Command(0, "d", 3)]
    assert told(real, wanted, batch, [Command(0, "d", 3)]) == [[sold_out, PLACED, PLACED, used_up], [used_up]]


def test_a_budget_is_spent_to_the_cent_and_no_further(real: Real) -> None:
    wanted = [Wanted(0, lines, "purse") for lines in (((1, 4), (2, 4)), ((1, 4), (2, 4)), ((1, 2),))]
    left: Told = ("limit_reached", False, {"limit": "promotion:purse:budget", "available": 4})  # 36 of 40 are spent
    assert told(real, wanted, [Command(0, str(n), n) for n in range(3)]) == [[PLACED, PLACED, left]]
