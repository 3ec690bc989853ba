"""Moving goods. Each call is a few statements, whatever the number of lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from entrepot import ledger
from entrepot.inventory import store
from entrepot.inventory.types import Goods, Reason, Short, StockCurrencyIs, StockPromised, Want
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer


async def open_stock(
    tx: Tx, cell: int, sellers: Sequence[UUID], variants: Sequence[int], locations: Sequence[int]
) -> list[int]:
    """Opens the stock rows that are not there yet, empty; the ids of all, in the order asked."""
    await tx.run(store.OPEN, cell=cell, sellers=sellers, variants=variants, locations=locations)
    return await tx.all(store.STOCK_IDS, cell=cell, sellers=sellers, variants=variants, locations=locations)


async def receive(tx: Tx, cell: int, goods: Sequence[Goods]) -> None:
    """Puts sellers' goods on hand. The operator's own come in by `buy`."""
    await _lock(tx, cell, goods)
    await _write(tx, cell, "receive", goods)


async def buy(tx: Tx, cell: int, goods: Sequence[Goods], costs: Sequence[int], currency: str) -> None:
    """Puts goods on hand that the operator bought: `costs` is what each line cost, in minor units of `currency`. Each
    receipt is owed to the supplier: own_stock 40 -> supplier 40.

    Raises StockCurrencyIs, and TransferRefused for a currency that no market has."""
    await _lock(tx, cell, goods)
    await fix_currency(tx, cell, [g.stock_id for g in goods], currency)
    await _write(tx, cell, "receive", goods, costs)
    owed: dict[UUID, int] = {}
    for line, cost in zip(goods, costs, strict=True):
        owed[line.cause_id] = owed.get(line.cause_id, 0) + cost
    await _post(tx, cell, "purchase", "own_stock", "supplier", currency, owed)


async def fix_currency(tx: Tx, cell: int, stocks: Sequence[int], currency: str) -> None:
    """Says that the operator's own goods in these rows are bought and sold in `currency`: their cost leaves the books
    in the currency of the sale. Raises StockCurrencyIs when one of them is in another already."""
    await tx.run(store.FIX_CURRENCY, cell=cell, stocks=stocks, currency=currency)
    other = await tx.maybe(store.OTHER_CURRENCY, cell=cell, stocks=stocks, currency=currency)
    if other is not None:
        raise StockCurrencyIs(other)


async def adjust(
    tx: Tx, cell: int, seller_id: UUID, stock_id: int, on_hand_delta: int, reason: Reason, user_id: UUID
) -> UUID:
    """Corrects what a seller has on hand by `on_hand_delta` units, which is not 0; the adjustment's id.

    Own goods that are gone take their share of the purchase cost with them: cost_of_goods 20 -> own_stock 20. Goods
    that were found cost nothing. Raises NotFound, also for another seller's, and StockPromised."""
    row = await tx.maybe(store.LOCK_OWN, cell=cell, stock_id=stock_id, seller_id=seller_id)
    if row is None:
        raise NotFound
    if row.available + on_hand_delta < 0:
        raise StockPromised(row.available)
    id_, cost_delta = new_id(tx.now), 0
    if on_hand_delta < 0:
        cost_delta = await tx.one(store.TAKEN_COSTS, cell=cell, stocks=[stock_id], quantities=[-on_hand_delta])
    await _write(tx, cell, "adjust", [Goods(stock_id, on_hand_delta, id_)], [cost_delta])
    await tx.run(
        store.ADD_ADJUSTMENT, cell=cell, id=id_, stock_id=stock_id, on_hand_delta=on_hand_delta, reason=reason,
        user_id=user_id, now=tx.now,
    )  # fmt: skip
    if row.currency is not None:
        await _post(tx, cell, "shrinkage", "cost_of_goods", "own_stock", row.currency, {id_: -cost_delta})
    tx.emit("stock_adjusted", seller_id, {"adjustment_id": id_, "stock_id": stock_id}, cell)
    return id_


async def move(tx: Tx, cell: int, kind: str, goods: Sequence[Goods]) -> None:
    """One kind: confirm (held -> allocated), give_back (allocated ->), expire (held ->), return (-> on_hand).

    The caller's own rows say that the goods are there to be moved; the table's CHECKs are the last net."""
    await _lock(tx, cell, goods)
    await _write(tx, cell, kind, goods)


async def hold(tx: Tx, cell: int, goods: Goods) -> None:
    """Promises units, until `move` confirms or expires that. Raises StockPromised when there are not as many."""
    left = (await _lock_left(tx, cell, [goods.stock_id])).get(goods.stock_id, 0)
    if left < goods.quantity:
        raise StockPromised(left)
    await _write(tx, cell, "hold", [goods])


async def allocate(tx: Tx, cell: int, wants: Sequence[Want], cause_id: UUID) -> list[Goods]:
    """Sells all that is wanted, of different goods each: what is taken from which row, from one that has all of it
    where there is one. Raises Short."""
    left = await _lock_left(tx, cell, [stock for want in wants for stock in want.stocks])
    there = [sum(left[stock] for stock in want.stocks) for want in wants]
    if any(have < want.quantity for have, want in zip(there, wants, strict=True)):
        raise Short(there)
    goods: list[Goods] = []
    for want in wants:
        open_ = want.quantity
        for stock in sorted(want.stocks, key=lambda stock: (-left[stock], stock)):
            taken = min(open_, left[stock])
            open_ -= taken
            if taken > 0:
                goods.append(Goods(stock, taken, cause_id))
    await _write(tx, cell, "allocate", goods)
    return goods


async def take_back(
    tx: Tx, cell: int, goods: Sequence[Goods], costs: Sequence[int], currency: str, instead: Goods | None = None
) -> None:
    """Puts goods on hand that were sent and came back, of one cause, with what they cost when they left: own_stock 20
    -> cost_of_goods 20 (0 for sellers' goods). Of what was set aside it is for all from now on: who set it aside may
    look at it no more. What is held to be sent `instead` goes: cost_of_goods 30 -> own_stock 30."""
    sent = [] if instead is None else [instead]
    stocks = [one.stock_id for one in [*goods, *sent]]
    pairs = await tx.all(store.PAIRS, cell=cell, stocks=[], aside_id=NIL, aside_stocks=stocks)
    shelf = {pair.aside_stock_id: pair for pair in pairs}
    await tx.all(store.LOCK, cell=cell, stocks=[*stocks, *(pair.stock_id for pair in pairs)])
    taken = 0
    if sent:
        await _write(tx, cell, "confirm", sent)
        (taken,) = await ship(tx, cell, sent)
    if goods:
        await _write(tx, cell, "return", goods, costs)
        await _post(tx, cell, "cogs_back", "own_stock", "cost_of_goods", currency, {goods[0].cause_id: sum(costs)})
    if aside := [one for one in goods if one.stock_id in shelf]:
        at = [shelf[one.stock_id] for one in aside]
        await _shift(
            tx, cell, [pair.aside_stock_id for pair in at], [pair.stock_id for pair in at],
            [one.quantity for one in aside], [pair.aside_id for pair in at],
        )  # fmt: skip
    if instead is not None:
        await _post(tx, cell, "cogs", "cost_of_goods", "own_stock", currency, {instead.cause_id: taken})


async def set_aside(tx: Tx, cell: int, stocks: Sequence[int], quantities: Sequence[int], aside_id: UUID) -> list[int]:
    """Moves available units of different rows to rows of their own, from which only `aside_id` sells; the ids of those
    rows, in order. Purchase cost goes with the goods. Raises StockPromised when there is not as much."""
    await tx.run(store.OPEN_ASIDE, cell=cell, stocks=stocks, aside_id=aside_id)
    pairs = await tx.all(store.PAIRS, cell=cell, stocks=stocks, aside_id=aside_id, aside_stocks=[])
    aside = {pair.stock_id: pair.aside_stock_id for pair in pairs}
    left = await _lock_left(tx, cell, [*stocks, *aside.values()])
    for stock, quantity in zip(stocks, quantities, strict=True):
        if left[stock] < quantity:
            raise StockPromised(left[stock])
    targets = [aside[stock] for stock in stocks]
    await _shift(tx, cell, stocks, targets, quantities, [aside_id] * len(stocks))
    return targets


async def put_back(tx: Tx, cell: int, stocks: Sequence[int]) -> None:
    """Moves what is available in rows that were set aside back to where it came from."""
    pairs = await tx.all(store.PAIRS, cell=cell, stocks=[], aside_id=NIL, aside_stocks=stocks)
    left = await _lock_left(tx, cell, [id_ for pair in pairs for id_ in (pair.stock_id, pair.aside_stock_id)])
    moved = [pair for pair in pairs if left[pair.aside_stock_id] > 0]
    if moved:
        await _shift(
            tx, cell, [p.aside_stock_id for p in moved], [p.stock_id for p in moved],
            [left[p.aside_stock_id] for p in moved], [p.aside_id for p in moved],
        )  # fmt: skip


async def _lock_left(tx: Tx, cell: int, stocks: Sequence[int]) -> dict[int, int]:
    return {row.stock_id: row.available for row in await tx.all(store.LEFT, cell=cell, stocks=stocks)}


async def _shift(
    tx: Tx,
    cell: int,
    sources: Sequence[int],
    targets: Sequence[int],
    quantities: Sequence[int],
    causes: Sequence[UUID],
) -> None:
    """5 units and their cost of 40: -5 and -40 there, 5 and 40 here."""
    costs = await tx.all(store.TAKEN_COSTS, cell=cell, stocks=sources, quantities=quantities)
    goods = [Goods(stock, -n, cause) for stock, n, cause in zip(sources, quantities, causes, strict=True)]
    goods += [Goods(stock, n, cause) for stock, n, cause in zip(targets, quantities, causes, strict=True)]
    await _write(tx, cell, "set_aside", goods, [*costs, *(-cost for cost in costs)])


async def ship(tx: Tx, cell: int, goods: Sequence[Goods]) -> list[int]:
    """Takes allocated goods off the shelf; the purchase cost that went with each line (0 for sellers' goods)."""
    await _lock(tx, cell, goods)
    stocks, quantities = [g.stock_id for g in goods], [g.quantity for g in goods]
    costs = await tx.all(store.TAKEN_COSTS, cell=cell, stocks=stocks, quantities=quantities)
    await _write(tx, cell, "ship", goods, costs)
    return [-cost for cost in costs]


async def _lock(tx: Tx, cell: int, goods: Sequence[Goods]) -> None:
    await tx.all(store.LOCK, cell=cell, stocks=[g.stock_id for g in goods])


async def _write(tx: Tx, cell: int, kind: str, goods: Sequence[Goods], costs: Sequence[int] | None = None) -> None:
    await tx.run(
        store.MOVE, cell=cell, now=tx.now, kind=kind, stocks=[g.stock_id for g in goods],
        quantities=[g.quantity for g in goods], causes=[g.cause_id for g in goods], costs=costs,
    )  # fmt: skip


async def _post(
    tx: Tx, cell: int, code: str, debit: str, credit: str, currency: str, amounts: Mapping[UUID, int]
) -> None:
    """A transfer between two of the house's accounts for each cause whose amount is not 0."""
    from_, to = await ledger.account_ids(tx, cell, [debit, credit], [NIL, NIL], [currency, currency])
    transfers = [Transfer(cause, code, from_, to, amount) for cause, amount in amounts.items() if amount]
    await ledger.post_all(tx, cell, transfers)
