"""Discounts by who funds them: what of the orders of a time was discounted, and how much of it came back since.

The operator's lies in escrow beside what the buyer paid, so its sum is what the ledger moved (`fund`, `unfund`), and a
seller is paid as if nobody had taken it off. A seller's own is never posted: its price is lower. It comes back by the
rule of shares: of a line's it is the share of the units, or of the amount, that came back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from entrepot.catalog import Price
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL, first_id
from entrepot.kit.money import allocate
from entrepot.orders import store_discounts as store
from entrepot.orders.store_discounts import (
    ChangedRow,
    DiscountRow,
    LineRow,
    OfOrder,
    PartRow,
    PostedRow,
    Report,
    TakenRow,
)

CHUNK = 1_000
"""Orders in memory at a time."""
QUOTED_BEFORE = timedelta(days=31)
"""No market lets a quote stand for longer."""

Key = tuple[int, str]
"""A discount of an order: its line's number and its kind."""
_T = TypeVar("_T", bound=OfOrder)


class Discounted(msgspec.Struct, frozen=True):
    """A discount in a market: what was given, and what of it came back with goods that were canceled or refunded.
    `kind` names it, as `promotion:CODE`; `funder` (operator or seller) bears `net`."""

    market: str
    kind: str
    funder: str
    orders: int
    given: Price
    back: Price
    net: Price


class Funded(msgspec.Struct, frozen=True):
    """All that a funder gave in a currency. Of the operator's `posted` is what the ledger says of the same orders; it
    is `net`, to the minor unit."""

    funder: str
    given: Price
    back: Price
    net: Price
    posted: Price | None


class Discounts(msgspec.Struct, frozen=True):
    """By market, funder and kind; and what each funder gave altogether."""

    items: list[Discounted]
    sums: list[Funded]


class _Of(NamedTuple):
    market: str
    funder: str
    kind: str
    currency: str


async def discounts(
    tx: ReadTx, cells: Sequence[int], begins: datetime, ends: datetime, seller_id: UUID | None = None
) -> Discounts:
    """Of what was bought in the time, of one seller or of all of them."""
    given, back, orders, posted = Counter[_Of](), Counter[_Of](), Counter[_Of](), list[PostedRow]()
    queries, asked = store.OF_ALL, dict[str, Any](begins=begins, ends=ends)
    if seller_id is not None:
        queries, first = store.OF_ONE, first_id(begins - QUOTED_BEFORE)
        asked |= {"seller_id": seller_id, "first": first, "last": first_id(ends)}
    for cell in cells:
        for row in await tx.all(queries.given, cell=cell, **asked):
            of = _Of(row.market, row.funding_party, row.kind, row.currency)
            given[of] += row.amount_minor
            orders[of] += row.orders
        posted += await tx.all(queries.posted, cell=cell, **asked)
        async for of, amount in _back(tx, cell, queries, asked):
            back[of] += amount
    items = [
        Discounted(
            of.market, of.kind, of.funder, orders[of], Price(amount, of.currency), Price(back[of], of.currency),
            Price(amount - back[of], of.currency),
        )
        for of, amount in sorted(given.items())
    ]  # fmt: skip
    return Discounts(items, _sums(items, posted))


def _sums(items: Iterable[Discounted], posted: Iterable[PostedRow]) -> list[Funded]:
    given, back, moved = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[str]()
    for one in items:
        given[one.given.currency, one.funder] += one.given.minor
        back[one.given.currency, one.funder] += one.back.minor
    for row in posted:
        moved[row.currency] += row.given_minor - row.back_minor
    return [
        Funded(
            funder, Price(amount, currency), Price(back[currency, funder], currency),
            Price(amount - back[currency, funder], currency),
            Price(moved[currency], currency) if funder == "operator" else None,
        )
        for (currency, funder), amount in sorted(given.items())
    ]  # fmt: skip


async def _back(tx: ReadTx, cell: int, queries: Report, asked: Mapping[str, Any]) -> AsyncIterator[tuple[_Of, int]]:
    """What came back, order by order."""
    changed, after = list[ChangedRow](), NIL
    while not changed or len(changed) == CHUNK:
        changed = await tx.all(queries.changed, cell=cell, after=after, limit=CHUNK, **asked)
        if not changed:
            return
        after, ids = changed[-1].id, [order.id for order in changed]
        rows = _by_order(await tx.all(store.DISCOUNTS, cell=cell, ids=ids))
        lines = _by_order(await tx.all(store.LINES, cell=cell, ids=ids))
        parts = _by_order(await tx.all(store.PARTS, cell=cell, ids=ids))
        taken = groupby(await tx.all(store.TAKEN, cell=cell, ids=ids), attrgetter("part_id"))
        of_part = {part_id: list(some) for part_id, some in taken}
        for order in changed:
            mine = rows[order.id]
            came = came_back(mine, lines[order.id], parts.get(order.id, []), of_part, whole=order.whole)
            for row in mine:
                of = _Of(order.market, row.funding_party, row.kind, order.currency)
                yield of, came[row.line_no, row.kind]


def _by_order(rows: Iterable[_T]) -> dict[UUID, list[_T]]:
    return {order_id: list(some) for order_id, some in groupby(rows, attrgetter("order_id"))}


def came_back(
    rows: Sequence[DiscountRow],
    lines: Sequence[LineRow],
    parts: Sequence[PartRow],
    taken: Mapping[UUID, Sequence[TakenRow]],
    *,
    whole: bool,
) -> Counter[Key]:
    """What of each discount of an order came back with its parts, which are in order, and, if the `whole` order went
    back, with what is in none of them."""
    own = {(row.line_no, row.kind) for row in rows if row.funding_party == "seller"}
    left = Counter({(row.line_no, row.kind): row.amount_minor for row in rows})
    units, paid = {x.line_no: x.quantity for x in lines}, {x.line_no: x.paid_minor for x in lines}
    kept = dict[UUID, tuple[Counter[Key], int]]()  # what a part has left its seller: of discounts, and of what was paid
    back = Counter[Key]()
    for part in parts:
        if part.of_part is not None:
            pool, of = kept[part.of_part]
            mine = _share(pool, own, part.discount_minor, part.paid_minor, of)
        else:
            mine = Counter()
            for x in taken.get(part.id, ()):
                of_line = Counter({key: amount for key, amount in left.items() if key[0] == x.line_no})
                n, of = (x.quantity, units[x.line_no]) if x.quantity else (x.paid_minor, paid[x.line_no])
                mine += _share(of_line, own, x.discount_minor, n, of)
                units[x.line_no] -= x.quantity
                paid[x.line_no] -= x.paid_minor
            left -= mine
        if part.back_minor is None or part.back_discount_minor is None:
            continue
        gone = _share(mine, own, part.back_discount_minor, part.back_minor, part.paid_minor)
        back += gone
        if part.of_part is None:
            kept[part.id] = mine - gone, part.paid_minor - part.back_minor
        else:
            kept[part.of_part] = kept[part.of_part][0] - gone, kept[part.of_part][1] - part.back_minor
    return back + left if whole else back


def _share(pool: Counter[Key], own: AbstractSet[Key], operator_minor: int, n: int, of: int) -> Counter[Key]:
    """Of discounts so much of the operator's, as it was posted, and `n` of `of` portions of the seller's own, rounded
    down. Several of one funder have their shares of it."""
    seller_minor = sum(amount for key, amount in pool.items() if key in own)
    share = Counter[Key]()
    for keys, amount in (
        ([key for key in sorted(pool) if key not in own], operator_minor),
        ([key for key in sorted(pool) if key in own], seller_minor if n == of else seller_minor * n // of),
    ):
        share.update(dict(zip(keys, allocate(amount, [pool[key] for key in keys]), strict=True)))
    return share
