"""Shops: a seller opens one in a market, pays for it each month, and closes it.

Fees go from the seller's account, which may then be below zero: what is released next fills it up, as any debt. The
deposit lies in an account of its own; how much of it is whose stands with the shops, and is never less than nothing.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import msgspec

from entrepot import approvals, ledger, sellers
from entrepot.approvals import Asked
from entrepot.fees import reads
from entrepot.fees import store_shops as store
from entrepot.fees.actions import LATE
from entrepot.fees.types import (
    Charge,
    DepositIs,
    NoShopTerms,
    NotLater,
    SellerFacts,
    Shop,
    ShopIsClosed,
    ShopIsOpen,
    ShopTerms,
)
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.money import share_bp
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer

BATCH = 500
"""Shops that one timer run charges."""
PAGE = 50
MAX_TERMS = 1_000
WAYS = {
    "opening_fee": ("seller", "shop_fees"),
    "monthly_fee": ("seller", "shop_fees"),
    "deposit": ("seller", "deposit"),
    "deposit_deduction": ("deposit", "penalty"),
    "deposit_back": ("deposit", "seller"),
}
"""From which account to which a charge of a kind goes; its transfer's code is its kind, that of its tax KIND_tax. Only
`seller` is an account of the seller's."""


async def set_shop_terms(tx: Tx, terms: ShopTerms) -> None:
    """Says what a shop costs from a time on, now or later. Raises NotFound, NotLater."""
    await sellers.market(tx, terms.market)
    if terms.seller_id != NIL:
        await sellers.seller(tx, sellers.SellerId(terms.seller_id))
    if terms.valid_from < tx.now or await tx.maybe(store.ADD_TERMS, **msgspec.structs.asdict(terms)) is None:
        raise NotLater


async def shop_terms(tx: ReadTx) -> list[ShopTerms]:
    """By market and seller, the latest first; at most MAX_TERMS."""
    return await tx.all(store.TERMS, limit=MAX_TERMS)


async def terms_of(tx: ReadTx, market: str, seller_id: UUID) -> ShopTerms:
    """What a shop costs a seller now. Raises NoShopTerms."""
    found = await tx.maybe(store.TERMS_AT, market=market, seller_id=seller_id, now=tx.now)
    if found is None:
        raise NoShopTerms
    return found


async def open_shop(tx: Tx, seller_id: UUID, market: str) -> UUID:
    """Opens a seller's shop in a market: seller 100 -> shop_fees 100 for the opening and for the days that are left of
    the month, seller 19 -> fee_tax 19, seller 500 -> deposit 500. Its id. Raises NotFound, NoShopTerms, ShopIsOpen."""
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    currency = (await sellers.market(tx, market)).currency
    terms = await terms_of(tx, market, seller_id)
    id_, month = new_id(tx.now), tx.now.date().replace(day=1)
    opened = await tx.maybe(
        store.OPEN_SHOP, cell=seller.cell, id=id_, seller_id=seller_id, market=market, currency=currency, now=tx.now,
        due_on=_following(month),
    )  # fmt: skip
    if opened is None:
        raise ShopIsOpen
    shop = Shop(id_, seller_id, market, currency, 0, tx.now, None, None)
    facts = (await reads.facts_of(tx, currency, [seller_id])).get(seller_id, SellerFacts())
    days = monthrange(month.year, month.month)[1]
    left = days - tx.now.day + 1
    first = (terms.monthly_fee_minor * left * 2 + days) // (2 * days)
    await _charge(
        tx, seller.cell,
        [
            _fee(tx, shop, "opening_fee", terms.opening_fee_minor, facts),
            _fee(tx, shop, "monthly_fee", first, facts, month, "" if left == days else f"{left}/{days}"),
            _fee(tx, shop, "deposit", terms.deposit_minor, SellerFacts()),
        ],
    )  # fmt: skip
    await tx.run(store.SET_DEPOSIT, cell=seller.cell, id=id_, deposit_minor=terms.deposit_minor)
    tx.emit("shop_opened", seller_id, {"shop_id": id_, "market": market}, seller.cell)
    return id_


async def close_shop(tx: Tx, seller_id: UUID, shop_id: UUID) -> None:
    """The shop is charged no more, and what is left of its deposit goes back when its terms say. Raises NotFound,
    ShopIsClosed."""
    cell, shop = await _lock(tx, seller_id, shop_id)
    if shop.closed_at is not None:
        raise ShopIsClosed
    kept = (await terms_of(tx, shop.market, seller_id)).deposit_kept_s
    await tx.run(store.CLOSE_SHOP, cell=cell, id=shop_id, now=tx.now, due_on=(tx.now + timedelta(seconds=kept)).date())
    tx.emit("shop_closed", seller_id, {"shop_id": shop_id, "market": shop.market}, cell)


async def deduct(
    tx: Tx, seller_id: UUID, shop_id: UUID, amount_minor: int, reason: str, case_ref: str, user_id: UUID
) -> None:
    """The operator takes of a deposit what a case has cost, and says which: deposit 50 -> penalty 50. Raises NotFound,
    DepositIs."""
    cell, shop = await _lock(tx, seller_id, shop_id)
    if amount_minor > shop.deposit_minor:
        raise DepositIs(shop.deposit_minor)
    charge = _fee(tx, shop, "deposit_deduction", amount_minor, SellerFacts(), None, reason)
    await _charge(tx, cell, [msgspec.structs.replace(charge, case_ref=case_ref, user_id=user_id)])
    await tx.run(store.SET_DEPOSIT, cell=cell, id=shop_id, deposit_minor=shop.deposit_minor - amount_minor)
    told = {"charge_id": charge.id, "amount_minor": amount_minor, "currency": shop.currency}
    tx.emit("deposit_deducted", seller_id, told, cell)


class Deduction(msgspec.Struct, frozen=True):
    """What is taken of a shop's deposit; see `deduct`."""

    seller_id: UUID
    shop_id: UUID
    amount_minor: int
    reason: str
    case_ref: str


async def deduct_by(tx: Tx, user_id: UUID, one: Deduction) -> Asked | None:
    """The same by an operator, who may need another for it."""
    return await approvals.do(tx, DEDUCT, one, user_id)


async def _deduct(tx: Tx, one: Deduction, user_id: UUID) -> None:
    await deduct(tx, one.seller_id, one.shop_id, one.amount_minor, one.reason, one.case_ref, user_id)


async def _worth(tx: Tx, one: Deduction) -> tuple[str, int]:
    return (await _lock(tx, one.seller_id, one.shop_id))[1].currency, one.amount_minor


DEDUCT = approvals.action("deduct_deposit", Deduction, _deduct, _worth)


async def charge_due(tx: Tx, cell: int) -> int:
    """Charges shops for the month that has begun, once each, and gives back the deposits of those that closed; how
    many. It waits until what was sold in the month before is counted; a worker that was away charges one month after
    the other."""
    due = await tx.all(store.DUE, cell=cell, day=(tx.now - LATE).date(), limit=BATCH)
    if not due:
        return 0
    charges = list[Charge]()
    days = list[date | None]()
    open_ = [shop for shop in due if shop.closed_at is None]
    rows = await tx.all(
        store.TERMS_OF, markets=[shop.market for shop in open_], sellers=[shop.seller_id for shop in open_], now=tx.now
    )
    terms_for = {(row.market, row.seller_id): row for row in rows}
    facts_in = {
        currency: await reads.facts_of(tx, currency, [shop.seller_id for shop in open_ if shop.currency == currency])
        for currency in sorted({shop.currency for shop in open_})
    }
    for shop in due:
        if shop.closed_at is not None:
            charges.append(_fee(tx, shop, "deposit_back", shop.deposit_minor, SellerFacts()))
            days.append(None)
            continue
        assert shop.due_on is not None, "what is due has a day"
        terms = terms_for.get((shop.market, shop.seller_id)) or terms_for[shop.market, NIL]
        facts = facts_in[shop.currency].get(shop.seller_id, SellerFacts())
        waived = terms.waived_from_minor is not None and facts.volume_minor >= terms.waived_from_minor
        fee = 0 if waived else terms.monthly_fee_minor
        charges.append(_fee(tx, shop, "monthly_fee", fee, facts, shop.due_on, "waived" if waived else ""))
        days.append(_following(shop.due_on))
    await tx.run(store.MOVE_DUE, cell=cell, ids=[shop.id for shop in due], days=days)
    for shop in due:
        if shop.closed_at is not None:
            await tx.run(store.SET_DEPOSIT, cell=cell, id=shop.id, deposit_minor=0)
    await _charge(tx, cell, charges)
    return len(due)


async def shops_of(tx: ReadTx, seller_id: UUID) -> list[Shop]:
    """A seller's shops, open and closed. Raises NotFound."""
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    return await tx.all(store.SHOPS, cell=seller.cell, seller_id=seller_id)


async def charges_of(tx: ReadTx, seller_id: UUID, before: UUID) -> list[Charge]:
    """What a seller's shops were charged, the latest first, PAGE at a time. Raises NotFound."""
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    return await tx.all(store.CHARGES, cell=seller.cell, seller_id=seller_id, before=before, limit=PAGE)


def _fee(
    tx: Tx, shop: Shop, kind: str, net_minor: int, facts: SellerFacts, month: date | None = None, reason: str = ""
) -> Charge:
    return Charge(
        new_id(tx.now), shop.id, shop.seller_id, kind, month, shop.currency, net_minor,
        share_bp(net_minor, facts.tax_bp or 0), facts.tax_bp, facts.tax_kind, reason, "", None, tx.now,
    )  # fmt: skip


async def _charge(tx: Tx, cell: int, charges: Sequence[Charge]) -> None:
    """Writes charges, of which the caller has locked the shops, and posts them. A month that is waived is a row, and
    what else is nothing is none."""
    charges = [c for c in charges if c.net_minor or c.kind == "monthly_fee"]
    await tx.run(
        store.ADD_CHARGES, cell=cell, now=tx.now, ids=[c.id for c in charges], shops=[c.shop_id for c in charges],
        sellers=[c.seller_id for c in charges], kinds=[c.kind for c in charges], months=[c.month for c in charges],
        currencies=[c.currency for c in charges], nets=[c.net_minor for c in charges],
        taxes=[c.tax_minor for c in charges], bps=[c.tax_bp for c in charges],
        tax_kinds=[c.tax_kind for c in charges], reasons=[c.reason for c in charges],
        cases=[c.case_ref for c in charges], users=[c.user_id for c in charges],
    )  # fmt: skip
    steps = [(c, c.kind, *WAYS[c.kind], c.net_minor) for c in charges if c.net_minor]
    steps += [(c, f"{c.kind}_tax", "seller", "fee_tax", c.tax_minor) for c in charges if c.tax_minor]
    keys = sorted({(code, _owner(code, c), c.currency) for c, _, *way, _ in steps for code in way})
    found = await ledger.account_ids(tx, cell, [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys])
    ids = dict(zip(keys, found, strict=True))
    await ledger.post_all(
        tx, cell,
        [
            Transfer(
                c.id, code, ids[debit, _owner(debit, c), c.currency], ids[credit, _owner(credit, c), c.currency], amount
            )
            for c, code, debit, credit, amount in steps
        ],
    )  # fmt: skip


def _owner(code: str, charge: Charge) -> UUID:
    return charge.seller_id if code == "seller" else NIL


async def _lock(tx: Tx, seller_id: UUID, shop_id: UUID) -> tuple[int, Shop]:
    """A seller's shop, locked, and its cell. Raises NotFound."""
    cell = (await sellers.seller(tx, sellers.SellerId(seller_id))).cell
    shop = await tx.maybe(store.LOCK_SHOP, cell=cell, seller_id=seller_id, id=shop_id)
    if shop is None:
        raise NotFound
    return cell, shop


def _following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
