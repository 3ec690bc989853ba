"""Quoting and placing in one step, for those who see the whole price before they ask: a campaign's buyers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot.kit.db import ReadTx, Tx
from entrepot.orders import borders, store, store_borders
from entrepot.orders.actions import place_many, quote_many
from entrepot.orders.spanning import place_spanning
from entrepot.orders.types import KeyPlaced, Place, Purchase, Verdict


class Buy(msgspec.Struct, frozen=True):
    """A purchase and the key under which it is placed; `body` is what the caller asked for, the same for the same."""

    purchase: Purchase
    key: str
    method: str
    body: bytes


async def buy_many(tx: Tx, home: int, cell: int, wanted: Sequence[Buy]) -> list[Verdict]:
    """Quotes and places what buyers of `home` want of offers that are all of `cell`; a verdict for each, in order. What
    is refused leaves no quote behind, and a key that was used before gets the group that it placed then. Raises the
    Problems of pricing.price, which are the caller's to avoid."""
    quotes = await quote_many(tx, home, [one.purchase for one in wanted])
    for market in sorted({one.purchase.market for one in wanted}):
        mine = [quote for one, quote in zip(wanted, quotes, strict=True) if one.purchase.market == market]
        await borders.assess_inside(tx, market, mine, cell)
    commands = [
        Place(one.purchase.buyer_id, one.key, quote, one.method, one.body)
        for one, quote in zip(wanted, quotes, strict=True)
    ]
    place = place_many if home == cell else place_spanning
    verdicts = await place(tx, home, commands)
    unused = [q for q, v in zip(quotes, verdicts, strict=True) if v.verdict != "placed" or v.replayed]
    if not unused:
        return verdicts
    for there in sorted({home, cell}):
        await tx.run(store_borders.DROP_QUOTES, cell=there, ids=unused)
    before = await keys_placed(tx, home, [(c.caller, c.key) for c in commands])
    return [
        msgspec.structs.replace(v, group_id=before[c.caller, c.key].group_id) if v.replayed else v
        for c, v in zip(commands, verdicts, strict=True)
    ]


async def keys_placed(tx: ReadTx, cell: int, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], KeyPlaced]:
    """What these (caller, key) have placed; those that have not are absent."""
    callers = [caller for caller, _ in keys]
    found = await tx.all(store.KEYS_PLACED, cell=cell, callers=callers, keys=[key for _, key in keys])
    return {(row.caller, row.key): row for row in found}
