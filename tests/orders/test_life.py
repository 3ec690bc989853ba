"""The life of orders as a state machine against a small model of money and stock; the auditor looks at each run's end.

Rules do what people, carriers, the gateway and time do, in any order, also when it is not their turn: then it is
refused and nothing changes. After every step all balances and the stock are the model's."""

from __future__ import annotations

import asyncio
from collections import Counter as Sums
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from entrepot import logistics, orders, worker
from entrepot.logistics import Scan
from entrepot.orders import Place, jobs
from entrepot.orders.types import WrongStatus
from entrepot.payments import Due
from entrepot.payments import actions as payment_actions
from entrepot.world.auditor import audit
from tests.orders.counter import NEEDS, Wanted
from tests.races.driven import bounded
from tests.races.ground import Ground, open_ground

HOUSE = ("escrow", "promotions", "commission", "payment_fee", "payout", "gateway")
DAY = timedelta(days=1)
FIRST_PERIOD = datetime(1970, 1, 5, tzinfo=UTC)
GRACE = timedelta(minutes=5)
UNITS, WALLET = 9, 60


@dataclass
class Order:
    id: UUID
    group: UUID
    buyer: int
    seller: int
    offer: int
    quantity: int
    paid: int
    operator: int
    commission: int
    fee: int
    status: str
    due: datetime  # when the payment, or the word of the buyer, is no longer waited for
    payment: str


class Life(RuleBasedStateMachine):
    runner: ClassVar[asyncio.Runner]
    ground: ClassVar[Ground]
    period: ClassVar[int] = -1  # the last that was paid out
    runs: ClassVar[int] = 0

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        type(self).runs += 1
        self.orders: list[Order] = []
        self.left = [UNITS] * 3
        self.sent: list[tuple[datetime, int, int]] = []  # payouts: when they are settled, the seller, the amount
        self.expected: Sums[Any] = Sums({("wallet", 0): WALLET, ("wallet", 1): WALLET})
        self.do(self.ground.fresh(units=UNITS, wallet=WALLET))
        self.before = self.do(self.balances())
        self.before.update({("wallet", 0): 0, ("wallet", 1): 0})

    async def balances(self) -> dict[Any, int]:
        query = """
            select a.code, a.owner, coalesce(sum(b.credits - b.debits), 0)::bigint from ledger.account a
              left join ledger.balance b on b.cell = a.cell and b.account_id = a.id
             where a.code = any ($1) or a.owner = any ($2) group by a.code, a.owner"""
        people = {
            id_: n for ids in (self.ground.counter.buyers, self.ground.counter.sellers) for n, id_ in enumerate(ids)
        }
        async with self.ground.db.read() as tx:
            rows = await tx.conn.fetch(query, HOUSE, list(people))
        return {(code, people[owner]) if owner in people else code: minor for code, owner, minor in rows}

    @property
    def now(self) -> datetime:
        return self.ground.clock.now()

    def move(self, source: Any, target: Any, minor: int) -> None:
        self.expected[source] -= minor
        self.expected[target] += minor

    # What buyers do.

    @rule(
        buyer=st.integers(0, 1), offer=st.sampled_from([0, 1, 2, 4, 5]), quantity=st.integers(1, 4),
        promotion=st.sampled_from([None, None, "all", "half", "sale"]),
        method=st.sampled_from(["wallet", "wallet", "sandbox"]),
    )  # fmt: skip
    def place(self, buyer: int, offer: int, quantity: int, promotion: str | None, method: str) -> None:
        wanted = Wanted(buyer, ((offer, quantity),), promotion, "paid")
        verdict, quoted, row = self.do(self._place(wanted, method))
        available = min(self.left[stock] // units for stock, units in NEEDS[offer])
        if quantity > available:
            assert (verdict.verdict, verdict.detail["available"]) == ("sold_out", available)
            return
        if method == "wallet" and quoted.paid_minor > self.expected["wallet", buyer]:
            assert verdict.verdict == "insufficient_funds"
            return
        assert verdict.verdict == "placed"
        self.take(offer, quantity)
        order_id, seller, commission, fee = row
        order = Order(
            order_id, quoted.id, buyer, seller, offer, quantity, quoted.paid_minor, quoted.operator_minor,
            commission, fee, "awaiting_payment", self.now + timedelta(seconds=900) + GRACE, "created",
        )  # fmt: skip
        self.orders.append(order)
        if method == "wallet":
            self._paid(order, ("wallet", buyer))

    async def _place(self, wanted: Wanted, method: str) -> tuple[Any, Any, Any]:
        (quoted,) = await self.ground.quotes(wanted)
        buyer = self.ground.counter.buyers[wanted.buyer]
        async with self.ground.db.write() as tx:
            (verdict,) = await orders.place_many(tx, 0, [Place(buyer, quoted.id.hex, quoted.id, method)])
            row = await tx.conn.fetchrow(
                "select id, array_position($2::uuid[], seller_id) - 1, commission_minor, payment_fee_minor "
                "from orders.order where group_id = $1",
                quoted.id, self.ground.counter.sellers,
            )  # fmt: skip
        return verdict, quoted, row

    def take(self, offer: int, quantity: int) -> None:
        for stock, units in NEEDS[offer]:
            self.left[stock] -= quantity * units

    def _paid(self, order: Order, source: Any) -> None:
        order.status, order.payment = "paid", "captured"
        self.move(source, "escrow", order.paid)
        self.move("promotions", "escrow", order.operator)

    def _goes_back(self, order: Order, status: str) -> None:
        order.status = status
        self.move("escrow", self._source(order), order.paid)
        self.move("escrow", "promotions", order.operator)

    def _source(self, order: Order) -> Any:
        by_wallet = (
            self.do(self.ground.value("select method from payments.payment where id = $1", order.group)) == "wallet"
        )
        return ("wallet", order.buyer) if by_wallet else "gateway"

    def attempt(self, order: Order, statuses: set[str], work: Any) -> bool:
        """Does it; whether it was the order's time for it."""

        async def run() -> None:
            async with self.ground.db.write() as tx:
                await work(tx)

        if order.status in statuses:
            self.do(run())
            return True
        with pytest.raises(WrongStatus) as refused:
            self.do(run())
        assert refused.value.order_status == order.status
        return False

    def some(self, data: st.DataObject) -> Order:
        return data.draw(st.sampled_from(self.orders))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        order = self.some(data)
        buyer = self.ground.counter.buyers[order.buyer]
        if self.attempt(order, {"shipped", "delivered"}, lambda tx: orders.confirm(tx, 0, order.id, buyer)):
            self._release(order)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = self.some(data)
        buyer = self.ground.counter.buyers[order.buyer]
        if self.attempt(order, {"paid"}, lambda tx: orders.cancel(tx, 0, [order.id], buyer_id=buyer)):
            self._goes_back(order, "canceled")
            self.take(order.offer, -order.quantity)

    # What sellers and carriers do.

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        order = self.some(data)
        shipment = logistics.NewShipment(order.id, "house", order.id.hex)
        if self.attempt(order, {"paid"}, lambda tx: orders.ship_many(tx, 0, [shipment])):
            order.status, order.due = "shipped", self.now + DAY

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        order = self.some(data)
        if self.attempt(order, {"shipped", "delivered"}, lambda tx: orders.refund(tx, 0, [order.id])):
            self._goes_back(order, "refunded")

    @precondition(lambda self: any(order.status == "shipped" for order in self.orders))
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from([order for order in self.orders if order.status == "shipped"]))

        async def scan() -> None:
            async with self.ground.db.write() as tx:
                await logistics.track(tx, 0, [Scan("house", order.id.hex, "delivered", tx.now)])

        self.do(scan())
        if order.due > self.now:  # else the worker, which hears of it now, finds it too late
            order.status, order.due = "delivered", self.now + DAY
        self.work()

    # What the gateway does.

    @precondition(lambda self: any(order.payment in ("created", "failed") for order in self.orders))
    @rule(data=st.data(), captured=st.booleans())
    def tell(self, data: st.DataObject, captured: bool) -> None:
        order = data.draw(st.sampled_from([o for o in self.orders if o.payment in ("created", "failed")]))
        due = Due(order.group, order.group, "USD", order.paid, "created", order.group.hex, 1)

        async def told() -> None:
            async with self.ground.db.write() as tx:
                if captured:
                    await jobs.settle(tx, 0, due, order.group.hex)
                else:
                    await payment_actions.give_up(tx, 0, order.group)

        self.do(told())
        if not captured:
            order.payment = "failed"
        elif order.status == "awaiting_payment":
            self._paid(order, "gateway")
        else:
            order.payment = "returning" if order.paid else "returned"
        found = self.do(self.ground.value("select status from payments.payment where id = $1", order.group))
        assert found in {"created": ("created", "canceling")}.get(order.payment, (order.payment,))

    # What time does.

    @rule(by=st.sampled_from([timedelta(minutes=10), timedelta(hours=13), timedelta(days=3), timedelta(days=14)]))
    def wait(self, by: timedelta) -> None:
        self.ground.clock.advance(by)
        self.work()

    def work(self) -> None:
        self.do(worker.run_until_idle(self.ground.db))
        for order in self.orders:
            if order.status == "awaiting_payment" and (order.due <= self.now or order.payment == "failed"):
                order.status = "expired"
                self.take(order.offer, -order.quantity)
            elif order.status in ("shipped", "delivered") and order.due <= self.now:
                self._release(order)
        period = (self.now - FIRST_PERIOD) // timedelta(days=14)
        if period > self.period:
            type(self).period = period
            for n in range(2):
                available = self.expected["seller", n] - sum(minor for _, m, minor in self.sent if m == n)
                self.sent.append((self.now + timedelta(days=5), n, available))
        for sent in [sent for sent in self.sent if sent[0] <= self.now]:
            self.sent.remove(sent)
            self.move(("seller", sent[1]), "payout", sent[2])

    def _release(self, order: Order) -> None:
        order.status = "completed"
        self.move("escrow", ("seller", order.seller), order.paid + order.operator)
        self.move(("seller", order.seller), "commission", order.commission)
        self.move(("seller", order.seller), "payment_fee", order.fee)

    @invariant()
    def everything_is_as_expected(self) -> None:
        found = self.do(self.balances())
        assert {name: found[name] - self.before[name] for name in found} == {
            name: self.expected[name] for name in found
        }
        stock, statuses = self.do(self._rows())
        assert [on_hand - held - allocated for on_hand, held, allocated in stock] == self.left
        assert statuses == {order.id: order.status for order in self.orders}

    async def _rows(self) -> tuple[list[tuple[int, int, int]], dict[UUID, str]]:
        query = "select id, status from orders.order where id = any ($1)"
        async with self.ground.db.read() as tx:
            rows = await tx.conn.fetch(query, [order.id for order in self.orders])
            return await self.ground.counter.stock(tx), {row[0]: row[1] for row in rows}

    def teardown(self) -> None:
        """Nothing of this run is left for the next one; the auditor agrees."""
        if hasattr(self, "orders"):
            self.do(self._clear())
            for _ in range(3):
                self.wait(timedelta(days=14))
            self.everything_is_as_expected()
            report = self.do(audit(self.ground.db))
            assert report.findings == [], report.findings

    async def _clear(self) -> None:
        async with self.ground.db.write() as tx:
            for due in await payment_actions.claim_refunds(tx, 0, "sandbox", 9):
                await payment_actions.record_refunded(tx, 0, due.id, f"refund {due.id.hex}")


@pytest.fixture(scope="module")
def ground(db_url: str) -> Iterator[Ground]:
    with asyncio.Runner() as runner:
        opening = open_ground(db_url)
        Life.runner, Life.ground = runner, runner.run(opening.__aenter__())
        yield Life.ground
        runner.run(opening.__aexit__(None, None, None))


def test_any_life_ends_with_the_books_even(ground: Ground) -> None:
    run_state_machine_as_test(Life, settings=bounded(10, stateful_step_count=20, phases=[Phase.generate]))
    assert Life.runs >= 10
