"""Placing for callers that come one at a time: they gather in a batch per process and cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

from entrepot import payments, sellers
from entrepot.credit import COLLECTED_BY, INSTALLMENTS
from entrepot.kit.batch import Batcher
from entrepot.kit.db import Database, Tx
from entrepot.kit.glance import Glance
from entrepot.kit.ids import show
from entrepot.kit.metrics import SHOP, Counts
from entrepot.orders import store_carts
from entrepot.orders.actions import place_many
from entrepot.orders.lending import place_on_credit
from entrepot.orders.spanning import place_spanning
from entrepot.orders.types import Place, Placed, Verdict, problem_of


class Placing:
    """The process's batchers of place, one per cell. The batch owns its transactions. Its limit is the batcher's of
    128 commands times pricing.MAX_LINES: what a quote has in lines is known only where it is judged."""

    def __init__(self, db: Database, *, gateways: Collection[str] = (), counts: Counts = SHOP) -> None:
        self._db = db
        self._counts = counts
        self._methods = {"wallet", *gateways, *([INSTALLMENTS] if COLLECTED_BY in gateways else ())}
        self._choosy = Glance(db, sellers.payment_methods)
        self._batchers: dict[int, Batcher[Place, Verdict]] = {}

    async def place(self, cell: int, command: Place) -> Placed:
        """Places one quote. Raises the Problem of its verdict, MethodNotOffered, CreditRefused,
        InstallmentsNotOffered, Overloaded and DatabaseAway."""
        if command.method not in self._methods:
            raise payments.MethodNotOffered(command.method)
        choosy = await self._choosy.get()
        if any(command.method not in ways for ways in choosy.values()):
            async with self._db.read() as tx:
                market = await tx.maybe(store_carts.MARKET_OF_QUOTE, cell=cell, id=command.quote_id)
            if command.method not in choosy.get(market or "", self._methods):
                raise payments.MethodNotOffered(command.method)
        if command.method == INSTALLMENTS:
            verdict = await place_on_credit(self._db, cell, command)
            self._counts.verdicts.labels(verdict.verdict).inc()
        else:
            batcher = self._batchers.get(cell)
            if batcher is None:
                batcher = self._batchers[cell] = Batcher(partial(self._run, cell))
            verdict = await batcher.do(command)
        if verdict.group_id is None:
            raise problem_of(verdict)
        at_once = command.method in ("wallet", INSTALLMENTS)
        return Placed(show("grp", verdict.group_id), "placed" if at_once else "awaiting_payment")

    async def _run(self, cell: int, commands: Sequence[Place]) -> list[Verdict]:
        verdicts = await place(self._db, cell, commands)
        self._counts.batches.observe(len(commands))
        for name, count in Counter(verdict.verdict for verdict in verdicts).items():
            self._counts.verdicts.labels(name).inc(count)
        return verdicts


async def place(db: Database, cell: int, commands: Sequence[Place]) -> list[Verdict]:
    """Places quotes of the buyers of a cell, and takes the bought carts away: they are gone on their next pages. A
    verdict for each, in order. What spans cells is placed after the others, in a transaction of its own: so each of the
    two has one order of locks."""
    verdicts = await db.transact(partial(_place, cell, commands))
    spanning = [n for n, verdict in enumerate(verdicts) if verdict.verdict == "spans"]
    if spanning:
        some = [commands[n] for n in spanning]
        told = await db.transact(lambda tx: place_spanning(tx, cell, some))
        for n, verdict in zip(spanning, told, strict=True):
            verdicts[n] = verdict
    return verdicts


async def _place(cell: int, commands: Sequence[Place], tx: Tx) -> list[Verdict]:
    verdicts = await place_many(tx, cell, commands)
    placed = [verdict.group_id for verdict in verdicts if verdict.group_id and not verdict.replayed]
    if placed:
        await tx.run(store_carts.EMPTY_CARTS, cell=cell, quotes=placed)
    return verdicts
