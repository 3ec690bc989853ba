"""How purchases that span cells are judged: what is asked and what is left in, verdicts out.

It is what orders.place_many does in one cell, and the same verdicts in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.orders.types import Place, Verdict

Stock = tuple[int, int]
"""A row of stock: its cell and its id."""


class Asked(msgspec.Struct, frozen=True):
    """A line of a quote, and its offer as it is now. Of a component, `bundle` numbers the bundle in its cell (0: none)
    and `per` is how much of it is in one."""

    cell: int
    quote_id: UUID
    order_id: UUID
    offer_id: int
    stock_id: int
    quantity: int
    bundle: int
    per: int
    quoted_minor: int
    unit_price_minor: int | None
    buyable: bool

    @property
    def stock(self) -> Stock:
        return self.cell, self.stock_id


class Quoted(msgspec.Struct, frozen=True):
    """A quote of several cells. `is_placed` says that it was placed before. Its lines are in the order of the cells;
    `quotas` are (id, how much of it)."""

    buyer_id: UUID
    expires_at: datetime
    is_placed: bool
    paid_minor: int
    quotas: Sequence[tuple[int, int]]
    lines: Sequence[Asked]


class Left(msgspec.Struct):
    """What rows that are locked have left. Judging takes away from it what is placed."""

    stocks: dict[Stock, int]
    quotas: dict[int, int]
    wallets: dict[int, int]
    quota_names: dict[int, str]


Told = tuple[str, dict[str, Any] | None]
"""A verdict and its detail."""


def judge(
    commands: Sequence[Place],
    wallets: Sequence[int | None],
    known: Mapping[tuple[UUID, str], bytes],
    quotes: Mapping[UUID, Quoted],
    left: Left,
    now: datetime,
) -> list[Verdict]:
    """A verdict for each command, one after another, each against what its predecessors left. `wallets` are the
    accounts that pay, None where a gateway does; `known` are the keys that were used before, with what."""
    used, placed = dict(known), set[UUID]()
    verdicts = []
    for number, (command, wallet) in enumerate(zip(commands, wallets, strict=True), 1):
        who, quote = (command.caller, command.key), quotes.get(command.quote_id)
        told: Told
        if who in used:
            told = ("placed" if used[who] == command.body_hash else "key_conflict"), None
            replayed = told[0] == "placed"
        else:
            replayed = False
            if quote is None or quote.buyer_id != command.caller:
                told = "quote_not_found", None
            elif quote.is_placed or command.quote_id in placed:
                told = "quote_placed", None
            elif quote.expires_at <= now:
                told = "quote_expired", None
            else:
                told = _changed(quote) or _take(quote, wallet, left)
            if told[0] == "placed":
                used[who] = command.body_hash
                placed.add(command.quote_id)
        group = command.quote_id if told[0] == "placed" else None
        verdicts.append(Verdict(number, told[0], replayed, group, told[1]))
    return verdicts


def _changed(quote: Quoted) -> Told | None:
    """Whether an offer is not what it was when it was quoted."""
    for line in quote.lines:
        if not line.buyable:
            return "offer_unavailable", {"offer_id": line.offer_id}
    for line in quote.lines:
        if line.unit_price_minor != line.quoted_minor:
            return "price_changed", {"offer_id": line.offer_id, "unit_price_minor": line.unit_price_minor}
    return None


def _take(quote: Quoted, wallet: int | None, left: Left) -> Told:
    """Takes all that a quote asks for or, when something is short, nothing."""
    goods: dict[Stock, int] = {}
    room = []  # what is left for each line beside those before it
    for line in quote.lines:
        room.append(left.stocks[line.stock] - goods.get(line.stock, 0))
        goods[line.stock] = goods.get(line.stock, 0) + line.quantity
    for line, units in zip(quote.lines, room, strict=True):
        if line.quantity > units:
            of_it = [units // line.per] + [
                n // other.per
                for other, n in zip(quote.lines, room, strict=True)
                if line.bundle and (other.cell, other.bundle) == (line.cell, line.bundle)
            ]
            return "sold_out", {"offer_id": line.offer_id, "available": min(of_it)}
    for quota, amount in quote.quotas:
        if amount > left.quotas[quota]:
            kind, _, of = left.quota_names[quota].partition(":")
            if kind == "slot":
                return "slot_full", {"slot": int(of), "free": left.quotas[quota]}
            return "limit_reached", {"limit": left.quota_names[quota], "available": left.quotas[quota]}
    if wallet is not None:
        money = left.wallets.get(wallet, 0)
        if quote.paid_minor > money:
            return "insufficient_funds", {"available_minor": money}
        left.wallets[wallet] = money - quote.paid_minor
    for stock, quantity in goods.items():
        left.stocks[stock] -= quantity
    for quota, amount in quote.quotas:
        left.quotas[quota] -= amount
    return "placed", None
