"""Placing what is sold in several cells: one transaction over all of them (docs/adr/0012).

The buyer's cell, home, has the key, the group, the payment, quotas and wallet; each seller's cell its orders, stock and
escrow. Keys and groups are claimed first. Then the cells are visited in ascending order, and in each its stock, quotas
and wallets are locked, by id; after the last of them it is judged. What is accepted is written cell by cell, by the
functions that place in one cell, each from its cell's part of the quote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot import ledger
from entrepot.kit.db import Tx
from entrepot.orders import rules, store, store_carts
from entrepot.orders import store_spanning as sql
from entrepot.orders.types import Place, Verdict

Who = tuple[UUID, str]
"""A caller and its key."""


class _Claims(NamedTuple):
    """What was claimed, and by the first command that names it: keys and quotes; `known` keys were used before."""

    keys: Mapping[Who, Place]
    known: Mapping[Who, bytes]
    quotes: Mapping[UUID, Place]


async def place_spanning(tx: Tx, home: int, commands: Sequence[Place]) -> list[Verdict]:
    """Places quotes of buyers of `home` that are sold in other cells as well: a verdict for each, those of
    orders.place_many in their order. A refused command leaves no trace in any cell and harms no other."""
    quotes = {row.id: row for row in await tx.all(sql.QUOTES, cell=home, ids=[c.quote_id for c in commands])}
    claims = await _claim(tx, home, commands, quotes)
    claimed = {id_: quotes[id_] for id_ in claims.quotes}
    wallets = await _wallets(tx, home, commands, quotes)
    lines, left = await _visit(tx, home, claimed, sorted({wallet for wallet in wallets if wallet}))
    quoted = {
        row.id: rules.Quoted(
            row.buyer_id, row.expires_at, row.id not in claimed, row.paid_minor,
            list(zip(row.quota_ids, row.quota_amounts, strict=True)), lines.get(row.id, ()),
        )
        for row in quotes.values()
    }  # fmt: skip
    verdicts = rules.judge(commands, wallets, claims.known, quoted, left, tx.now)
    placed = {
        command.quote_id: (command, wallet)
        for command, wallet, verdict in zip(commands, wallets, verdicts, strict=True)
        if verdict.group_id and not verdict.replayed
    }
    await _give_up(tx, home, claims, {id_: command for id_, (command, _) in placed.items()})
    if placed:
        for id_ in placed:
            parts = {line.cell for line in lines[id_]}
            assert parts >= set(claimed[id_].other_cells), "a cell has its part of a quote as long as home has its own"
        await _write(tx, home, placed, claimed)
        away = [line for id_ in placed for line in lines[id_] if line.cell != home]
        await tx.run(
            sql.ADD_AWAY, cell=home, ids=[line.order_id for line in away], order_cells=[line.cell for line in away]
        )
        await tx.run(store_carts.EMPTY_CARTS, cell=home, quotes=list(placed))
    return verdicts


async def _claim(tx: Tx, home: int, commands: Sequence[Place], quotes: Mapping[UUID, sql.QuoteRow]) -> _Claims:
    """Whoever comes second with a key or a quote waits here for the first."""
    fresh = {(row.caller, row.key) for row in await _claim_keys(tx, home, commands)}
    keys: dict[Who, Place] = {}
    first: dict[UUID, Place] = {}
    for c in commands:
        if (c.caller, c.key) in fresh:
            keys.setdefault((c.caller, c.key), c)
            if c.quote_id in quotes and quotes[c.quote_id].buyer_id == c.caller:
                first.setdefault(c.quote_id, c)
    used = await tx.all(
        store.KEYS_PLACED, cell=home, callers=[c.caller for c in commands], keys=[c.key for c in commands]
    )
    known = {(row.caller, row.key): row.body_hash for row in used if (row.caller, row.key) not in fresh}
    claimed = await _claim_groups(tx, home, first)
    return _Claims(keys, known, {id_: first[id_] for id_ in claimed})


async def _claim_keys(tx: Tx, home: int, commands: Sequence[Place]) -> list[sql.KeyRow]:
    return await tx.all(
        sql.CLAIM_KEYS, cell=home, now=tx.now, callers=[c.caller for c in commands], keys=[c.key for c in commands],
        hashes=[c.body_hash for c in commands], quotes=[c.quote_id for c in commands],
    )  # fmt: skip


async def _claim_groups(tx: Tx, home: int, commands: Mapping[UUID, Place]) -> list[UUID]:
    ids = sorted(commands)
    return await tx.all(
        sql.CLAIM_GROUPS, cell=home, now=tx.now, quotes=ids, methods=[commands[id_].method for id_ in ids]
    )


async def _wallets(
    tx: Tx, home: int, commands: Sequence[Place], quotes: Mapping[UUID, sql.QuoteRow]
) -> list[int | None]:
    """The accounts that pay: 0 where the buyer has none, None where a gateway pays."""
    paying = {
        (c.caller, quotes[c.quote_id].currency) for c in commands if c.method == "wallet" and c.quote_id in quotes
    }
    owners, currencies = [owner for owner, _ in paying], [currency for _, currency in paying]
    ids = await ledger.account_ids(tx, home, ["wallet"] * len(paying), owners, currencies)
    accounts = dict(zip(zip(owners, currencies, strict=True), ids, strict=True))
    return [
        None if c.method != "wallet" else accounts[c.caller, quotes[c.quote_id].currency] if c.quote_id in quotes else 0
        for c in commands
    ]


async def _visit(
    tx: Tx, home: int, claimed: Mapping[UUID, sql.QuoteRow], wallets: Sequence[int]
) -> tuple[Mapping[UUID, Sequence[rules.Asked]], rules.Left]:
    """Reads the lines of claimed quotes and locks what they ask for, in each of their cells, in ascending order."""
    lines: dict[UUID, list[rules.Asked]] = {id_: [] for id_ in claimed}
    left = rules.Left({}, {}, {}, {})
    quotas = sorted({quota for row in claimed.values() for quota in row.quota_ids})
    for cell, here in _by_cell(home, claimed):
        own = cell == home
        asked = await tx.all(sql.LINES, cell=cell, quotes=here)
        for line in asked:
            lines[line.quote_id].append(line)
        stocks = sorted({line.stock_id for line in asked})
        locked = await tx.one(
            sql.LOCK, cell=cell, stocks=stocks or None, quotas=quotas if own and quotas else None,
            wallets=wallets if own and wallets else None,
        )  # fmt: skip
        left.stocks |= {(cell, id_): n for id_, n in zip(stocks, locked.stocks or (), strict=True)}
        if own:
            left.quotas = dict(zip(quotas, locked.quotas or (), strict=True))
            left.quota_names = dict(zip(quotas, locked.quota_names or (), strict=True))
            left.wallets = dict(zip(wallets, locked.wallets or (), strict=True))
    return lines, left


def _by_cell(home: int, quotes: Mapping[UUID, sql.QuoteRow]) -> list[tuple[int, list[UUID]]]:
    """The cells in ascending order, each with the quotes, by id, that have a part there; at home all, even if empty."""
    found = {home: sorted(quotes)} if quotes else {}
    for id_ in sorted(quotes):
        for other in quotes[id_].other_cells:
            found.setdefault(other, []).append(id_)
    return sorted(found.items())


async def _give_up(tx: Tx, home: int, claims: _Claims, placed: Mapping[UUID, Place]) -> None:
    """What was refused gives up its claims. Of several that name one key or one quote, the one that is placed says what
    the key was used for and how the group is paid."""
    by_key = {(c.caller, c.key): c for c in placed.values()}
    keys = [who for who, first in claims.keys.items() if by_key.get(who) is not first]
    if keys:
        await tx.run(sql.DROP_KEYS, cell=home, callers=[who[0] for who in keys], keys=[who[1] for who in keys])
        await _claim_keys(tx, home, [by_key[who] for who in keys if who in by_key])
    groups = [id_ for id_, first in claims.quotes.items() if placed.get(id_) is not first]
    if groups:
        await tx.run(sql.DROP_GROUPS, cell=home, ids=groups)
        await _claim_groups(tx, home, {id_: placed[id_] for id_ in groups if id_ in placed})


async def _write(
    tx: Tx, home: int, placed: Mapping[UUID, tuple[Place, int | None]], quotes: Mapping[UUID, sql.QuoteRow]
) -> None:
    """Orders, stock and money, cell by cell. In cells that are not home the house pays, from between_cells."""
    for cell, here in _by_cell(home, {id_: quotes[id_] for id_ in placed}):
        methods, wallets = [placed[id_][0].method for id_ in here], [placed[id_][1] for id_ in here]
        await tx.run(sql.WRITE_ORDERS, cell=cell, now=tx.now, quotes=here, methods=methods)
        await tx.run(sql.TAKE, cell=cell, now=tx.now, quotes=here, wallets=wallets)
