"""What people do with orders after the sale (`fates.py`), by the rooms' own verbs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import credit, disputes, orders
from entrepot.disputes import Claim, Word
from entrepot.kit.db import Tx
from entrepot.kit.sql import sql
from entrepot.world.completejourney import fates
from entrepot.world.completejourney.fates import Fate
from entrepot.world.completejourney.identity import CELL, Kind, uuid_of
from entrepot.world.completejourney.source import Basket
from entrepot.world.completejourney.steps import Step

DEEDS = 100
"""What one transaction takes on."""
REASON = "sampled"


class Deed(NamedTuple):
    """`act` is pay, cancel, refund, open, or what a party of a dispute does in a `step`."""

    act: str
    basket: Basket
    fate: Fate | None = None
    step: fates.Deed | None = None


class _Opened(msgspec.Struct, frozen=True):
    order_id: UUID
    id: UUID
    claimed_minor: int


_OPENED = sql(
    """
    select order_id, id, claimed_minor from disputes.dispute where cell = :cell and order_id = any (:orders::uuid[])
    """,
    _Opened,
)


def paid_of(basket: Basket) -> list[int]:
    """What the buyer pays for each line."""
    columns = (basket.gross_minor, basket.retail_disc_minor, basket.coupon_match_minor, basket.coupon_minor)
    return [gross - retail - match - coupon for gross, retail, match, coupon in zip(*columns, strict=True)]


def order_ids(basket: Basket) -> tuple[UUID, ...]:
    """The ids of a basket's order group and, per seller, of its orders."""
    return tuple(
        uuid_of(Kind.BASKET, basket.basket_id, basket.placed_at, n) for n in range(1 + len(set(basket.seller_id)))
    )


def is_lent(basket: Basket) -> bool:
    """Whether it is paid in installments."""
    return fates.is_lent(basket.basket_id, sum(paid_of(basket)))


def canceled_whole(basket: Basket) -> UUID | None:
    """The order of a basket that is canceled whole, because it is all of one line."""
    fate = _fate(basket)
    if fate is None or fate.kind != "canceled" or fate.units < basket.quantity[fate.line]:
        return None
    alone = basket.seller_id.count(basket.seller_id[fate.line]) == 1
    return _order(basket, fate) if alone else None


def deeds_of(basket: Basket) -> Iterator[tuple[date, Deed]]:
    """Everything that is done with a basket after its sale, and when."""
    day = basket.placed_at.date()
    if is_lent(basket):
        for on in fates.paid_on(basket.basket_id, basket.placed_at):
            yield on, Deed("pay", basket)
    fate = _fate(basket)
    if fate is None:
        return
    if fate.kind == "canceled":
        yield day + timedelta(days=fates.CANCELED_AFTER), Deed("cancel", basket, fate)
    elif fate.kind == "refunded":
        yield day + timedelta(days=fate.refunded_after), Deed("refund", basket, fate)
    else:
        yield day + timedelta(days=fate.way.opened), Deed("open", basket, fate)
        for step in fate.way.deeds:
            yield day + timedelta(days=step.after), Deed(step.act, basket, fate, step)


def _fate(basket: Basket) -> Fate | None:
    return fates.fate_of(basket.basket_id, basket.quantity, basket.price_per, paid_of(basket))


def _order(basket: Basket, fate: Fate) -> UUID:
    sellers = sorted(set(basket.seller_id))
    return order_ids(basket)[1 + sellers.index(basket.seller_id[fate.line])]


def deed_steps(at: datetime, deeds: Sequence[Deed]) -> Iterator[Step]:
    for i in range(0, len(deeds), DEEDS):
        yield Step(at, lambda tx, some=deeds[i : i + DEEDS]: _do(tx, some))  # type: ignore[misc]


async def _do(tx: Tx, deeds: Sequence[Deed]) -> None:
    said = [_order(deed.basket, deed.fate) for deed in deeds if deed.fate is not None and deed.step is not None]
    opened = {row.order_id: row for row in await tx.all(_OPENED, cell=CELL, orders=said)}
    for deed in deeds:
        if deed.fate is None:
            await _pay(tx, deed.basket)
        elif deed.step is None:
            await _begin(tx, deed, deed.fate)
        else:
            dispute = opened[_order(deed.basket, deed.fate)]
            amount = dispute.claimed_minor * deed.step.bp // fates.WHOLE
            back = {deed.fate.line + 1: deed.fate.restocked} if deed.act == "inspect" else None
            word = Word(deed.step.act, REASON, amount, restock=back)
            await disputes.act(tx, CELL, dispute.id, deed.step.party, word)


async def _begin(tx: Tx, deed: Deed, fate: Fate) -> None:
    basket, line_no = deed.basket, fate.line + 1  # numbered over the basket
    order_id = _order(basket, fate)
    seller, buyer = uuid_of(Kind.SELLER, basket.seller_id[fate.line]), uuid_of(Kind.BUYER, basket.household_id)
    if deed.act == "open":
        claim = Claim("unwanted" if fate.kind == "returned" else "not_as_described", {line_no: fate.units}, REASON)
        await disputes.open_dispute(tx, CELL, order_id, buyer, claim)
    elif deed.act == "refund":
        await orders.refund_amount(tx, CELL, order_id, line_no, fate.amount_minor, REASON, seller_id=seller)
    elif fate.party == "buyer":
        await orders.cancel_lines(tx, CELL, order_id, {line_no: fate.units}, buyer_id=buyer)
    else:
        await orders.cancel_lines(tx, CELL, order_id, {line_no: fate.units}, seller_id=seller, reason=REASON)


async def _pay(tx: Tx, basket: Basket) -> None:
    """What is due of a basket's plan, or all of it, from the wallet; nothing where it was paid, or canceled, before."""
    buyer, (plan, *_) = uuid_of(Kind.BUYER, basket.household_id), order_ids(basket)
    try:
        await credit.pay(tx, CELL, buyer, plan, "wallet", whole=fates.is_paid_off(basket.basket_id))
    except credit.NothingOwed:
        return
