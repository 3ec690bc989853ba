"""Orders whose sellers are paid in another currency than they were sold in.

An order is quoted, paid, refunded, disputed and judged in its buyer's currency, and so are commission and fees: whoever
buys knows of no other. Only what its seller has of it is exchanged, when it is released, at the rates that were locked
when it was quoted; what is recalled of it comes back at the same rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from entrepot import exchange, payments
from entrepot.catalog import Price
from entrepot.exchange import Lock
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.orders import money
from entrepot.orders import store_settling as store
from entrepot.orders.money import Step
from entrepot.orders.store import OrderRow
from entrepot.orders.store_settling import ExchangeRow
from entrepot.pricing import Line, Priced

EXCHANGE, SPREAD = ("exchange", NIL), ("exchange_spread", NIL)


class Exchange(msgspec.Struct, frozen=True):
    """By what an order is settled in another currency: one unit of the order's is `rate` of `settles_in`, on this day
    by this source. `settled` is what its seller has of it by now, of which `spread` was kept."""

    settles_in: str
    rate: str
    day: date
    source: str
    spread_bp: int
    settled: Price
    spread: Price


async def lock_rates(tx: Tx, ids: Sequence[UUID], market: str, plan: Priced, wanted: Mapping[UUID, str]) -> None:
    """Keeps with each order of a quote whose seller is paid in another currency (`wanted`, by seller) the rates of
    today. `ids` are the quote's and its orders'. Raises NotExchanged."""
    locks = {
        currency: await exchange.lock(tx, market, plan.currency, currency) for currency in sorted(set(wanted.values()))
    }
    for cell, order_id, seller in zip(plan.order_cells, ids[1:], plan.order_sellers, strict=False):
        if seller in wanted:
            lock = locks[wanted[seller]]
            await tx.run(
                store.ADD_EXCHANGE, cell=cell, order_id=order_id, quote_id=ids[0], currency=lock.currency,
                settles_in=lock.other, day=lock.day, per_euro=lock.per_euro, settles_per_euro=lock.other_per_euro,
                source=lock.source, spread_bp=lock.spread_bp,
            )  # fmt: skip


def paid_otherwise(lines: Iterable[Line]) -> dict[UUID, str]:
    """The sellers who are paid in another currency than that of their offers, and in which."""
    return {line.offer.seller_id: line.offer.settles_in for line in lines if line.offer.settles_in is not None}


async def released(tx: Tx, cell: int, orders: Sequence[tuple[UUID, OrderRow]], prefix: str = "") -> list[Step]:
    """Steps that release orders, each with its cause, and of the 95 that are left of 107 what is held back of that
    seller's, in the currency in which it is paid."""
    steps = await earned(tx, cell, orders, prefix)
    reserves = await payments.reserves_at(tx, {o.seller_id for _, o in orders if not o.own}, tx.now)
    for cause, order in orders if reserves else ():
        if (terms := reserves.get(order.seller_id)) is not None:
            for currency, amount in _gained(steps, cause, order).items():
                held, until = payments.held_back(terms, amount, tx.now)
                steps.append(
                    Step(cause, f"{prefix}reserve", money.earner_of(order), money.ESCROW, currency, held, until)
                )
    return steps


async def earned(tx: Tx, cell: int, orders: Sequence[tuple[UUID, OrderRow]], prefix: str = "") -> list[Step]:
    """What is released and not held back: see `released`."""
    steps = [step for cause, order in orders for step in money.earned(cause, order, prefix)]
    return steps + await _exchanged(tx, cell, orders, steps, prefix)


async def recalled(tx: Tx, cell: int, cause: UUID, order: OrderRow) -> list[Step]:
    """What was released comes back: see money.recalled."""
    steps = money.recalled(cause, order)
    return steps + await _exchanged(tx, cell, [(cause, order)], steps)


async def _exchanged(
    tx: Tx, cell: int, orders: Sequence[tuple[UUID, OrderRow]], steps: Sequence[Step], prefix: str = ""
) -> list[Step]:
    """Steps that exchange what `steps` give the sellers of orders, or take from them, each with its cause: seller 95 ->
    exchange 95 in the order's currency, and in the other exchange 88 -> seller 88, seller 2 -> exchange_spread 2. What
    is taken goes the other way. Whatever was exchanged before, an order's seller has then what all of it is at the
    locked rates: what is taken back in parts leaves nothing."""
    rows = {
        row.order_id: row for row in await tx.all(store.LOCK_EXCHANGES, cell=cell, order_ids=[o.id for _, o in orders])
    }
    found: list[Step] = []
    nets: dict[UUID, int] = {}
    for cause, order in orders:
        if (row := rows.get(order.id)) is None:
            continue
        before = nets.get(order.id, row.net_minor)
        nets[order.id] = before + _gained(steps, cause, order).get(row.currency, 0)
        found += _legs(cause, order, row, before, nets[order.id], prefix)
    if nets:
        await tx.run(store.SET_NET, cell=cell, order_ids=list(nets), nets=list(nets.values()))
    return found


def _gained(steps: Sequence[Step], cause: UUID, order: OrderRow) -> dict[str, int]:
    """What the steps of a cause leave an order's seller, by currency."""
    seller = money.earner_of(order)
    gained: dict[str, int] = {}
    for step in steps:
        if step.cause == cause and step.until is None and seller in (step.debit, step.credit):
            sign = 1 if step.credit == seller else -1
            gained[step.currency] = gained.get(step.currency, 0) + sign * step.amount
    return {currency: amount for currency, amount in gained.items() if amount}


def _legs(cause: UUID, order: OrderRow, row: ExchangeRow, before: int, after: int, prefix: str) -> list[Step]:
    seller, lock = ("seller", order.seller_id), _lock(row)
    had, has = exchange.exchanged(before, lock), exchange.exchanged(after, lock)
    total, spread = has.total_minor - had.total_minor, has.spread_minor - had.spread_minor
    if after >= before:
        return [
            Step(cause, f"{prefix}exchange", seller, EXCHANGE, row.currency, after - before),
            Step(cause, f"{prefix}exchange_in", EXCHANGE, seller, row.settles_in, total),
            Step(cause, f"{prefix}exchange_spread", seller, SPREAD, row.settles_in, spread),
        ]
    return [
        Step(cause, f"{prefix}exchange_back", EXCHANGE, seller, row.currency, before - after),
        Step(cause, f"{prefix}exchange_in_back", seller, EXCHANGE, row.settles_in, -total),
        Step(cause, f"{prefix}exchange_spread_back", SPREAD, seller, row.settles_in, -spread),
    ]


def _lock(row: ExchangeRow) -> Lock:
    return Lock(row.currency, row.settles_in, row.day, row.per_euro, row.settles_per_euro, row.source, row.spread_bp)


async def of_orders(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> dict[UUID, Exchange]:
    """By what orders are settled, of those whose sellers are paid in another currency."""
    found = {}
    for row in await tx.all(store.OF_ORDERS, cell=cell, order_ids=order_ids):
        lock = _lock(row)
        total, spread = exchange.exchanged(row.net_minor, lock)
        found[row.order_id] = Exchange(
            row.settles_in, exchange.shown_rate(lock), row.day, row.source, row.spread_bp,
            Price(total - spread, row.settles_in), Price(spread, row.settles_in),
        )  # fmt: skip
    return found
