"""Opening markets and sellers, and closing a seller's shop for a while."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import msgspec

from entrepot import ledger
from entrepot.kit.cells import cell_for, cells
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.sellers import reads, store
from entrepot.sellers.types import (
    CurrencyNotTaken,
    Market,
    MarketExists,
    Seller,
    SellerId,
    SellerStatusIs,
    SlugTaken,
    Terms,
    TermsNotLater,
)


async def add_market(tx: Tx, market: Market) -> None:
    """Adds a market, and in its currency the ledger accounts of the house in each cell, and of the sellers that are
    there already (buyers' wallets are the accounts room's). The same market again changes its ways of paying, and gives
    a cell which is new the house's accounts.

    Raises MarketExists when the code is another market's."""
    added = await tx.maybe(store.ADD_MARKET, **msgspec.structs.asdict(market))
    if added is None:
        there = await reads.market(tx, market.code)
        if msgspec.structs.replace(there, payments=market.payments) != market:
            raise MarketExists
        await tx.run(store.SET_PAYMENTS, code=market.code, payments=market.payments)
    for cell in await cells(tx):
        await ledger.open_accounts(
            tx, cell=cell, codes=ledger.HOUSE, owners=[NIL] * len(ledger.HOUSE),
            currencies=[market.currency] * len(ledger.HOUSE), limited=False, striped=True,
        )  # fmt: skip
        owners = [] if added is None else await tx.all(store.IDS, cell=cell)
        await ledger.open_accounts(
            tx, cell=cell, codes=["seller"] * len(owners), owners=owners, currencies=[market.currency] * len(owners),
            limited=False, striped=False,
        )  # fmt: skip


async def set_terms(tx: Tx, terms: Terms) -> None:
    """Terms from `terms.valid_from` on; those before end then. The very same terms again change nothing.

    Raises NotFound for an unknown market, TermsNotLater when the market's last terms begin then or later."""
    if await tx.maybe(store.LOCK_MARKET, code=terms.market) is None:
        raise NotFound
    last = await tx.maybe(store.LAST_TERMS_FROM, market=terms.market)
    if last is not None and last >= terms.valid_from:
        if await tx.maybe(store.TERMS_AT, market=terms.market, now=terms.valid_from) == terms:
            return
        raise TermsNotLater(last)
    await tx.run(store.END_TERMS, market=terms.market, valid_from=terms.valid_from)
    await tx.run(store.ADD_TERMS, **msgspec.structs.asdict(terms))


async def open_seller(
    tx: Tx,
    seller_id: SellerId,
    slug: str,
    name: str,
    kind: str,
    *,
    currencies: Sequence[str],
    commission_bp: int | None = None,
    cell: int | None = None,
) -> Seller:
    """Opens an active seller of `kind` third_party or own, with a ledger account in each of `currencies`, in a cell
    that is open unless one is given. Raises SlugTaken."""
    cell = await cell_for(tx, seller_id) if cell is None else cell
    try:
        async with tx.conn.transaction():
            opened = await open_sellers(tx, cell, [seller_id], [slug], [name], [kind], [commission_bp], currencies)
    except asyncpg.UniqueViolationError:
        raise SlugTaken(slug) from None
    if opened:
        tx.emit("seller_opened", seller_id, {}, cell)
    return await reads.seller(tx, seller_id)


async def open_sellers(
    tx: Tx,
    cell: int,
    ids: Sequence[SellerId],
    slugs: Sequence[str],
    names: Sequence[str],
    kinds: Sequence[str],
    commission_bps: Sequence[int | None],
    currencies: Sequence[str],
) -> int:
    """Opens many at once, without events; the number of those that were not there. Again it changes nothing."""
    opened = await tx.all(
        store.OPEN, cell=cell, now=tx.now, ids=ids, slugs=slugs, names=names, kinds=kinds,
        commission_bps=commission_bps,
    )  # fmt: skip
    pairs = [(id_, currency) for id_ in ids for currency in currencies]
    await ledger.open_accounts(
        tx, cell=cell, codes=["seller"] * len(pairs), owners=[id_ for id_, _ in pairs],
        currencies=[currency for _, currency in pairs], limited=False, striped=False,
    )  # fmt: skip
    return len(opened)


async def suspend(tx: Tx, seller_id: SellerId) -> Seller:
    """active -> suspended: nothing of this seller can be bought. Raises NotFound, SellerStatusIs."""
    return await _move(tx, seller_id, "active", "suspended", "seller_suspended")


async def reinstate(tx: Tx, seller_id: SellerId) -> Seller:
    """suspended -> active. Raises NotFound, SellerStatusIs."""
    return await _move(tx, seller_id, "suspended", "active", "seller_reinstated")


async def settle_in(tx: Tx, seller_id: SellerId, currency: str | None) -> Seller:
    """From the next quotes on the seller is paid in this currency, whatever it sells in; None: in what each sale is in.
    What was quoted before stays as it was locked. Raises CurrencyNotTaken, NotFound, also for the operator's own."""
    if currency is not None and currency not in await reads.currencies(tx):
        raise CurrencyNotTaken(currency)
    tx.was(currency=(await reads.seller(tx, seller_id)).settles_in)
    changed = await tx.maybe(store.SETTLE_IN, id=seller_id, currency=currency)
    if changed is None:
        raise NotFound
    if currency is not None:
        await ledger.open_accounts(
            tx, cell=changed.cell, codes=["seller"], owners=[seller_id], currencies=[currency], limited=False,
            striped=False,
        )  # fmt: skip
    tx.emit("seller_settles_in", seller_id, {"currency": currency}, changed.cell)
    return changed


async def _move(tx: Tx, seller_id: SellerId, from_: str, to: str, event: str) -> Seller:
    moved = await tx.maybe(store.MOVE, id=seller_id, from_=from_, to=to)
    if moved is None:
        raise SellerStatusIs((await reads.seller(tx, seller_id)).status)
    tx.was(status=from_)
    await tx.run(store.SUSPENDED if to == "suspended" else store.REINSTATED, cell=moved.cell, id=seller_id)
    tx.emit(event, seller_id, {}, moved.cell)
    return moved
