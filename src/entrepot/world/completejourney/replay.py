"""The life of every basket on the virtual clock, through the production path.

Baskets are placed in time order, in batches of one transaction: what the offers cost now, quotes, orders. Every day at
OPERATIONS installments are paid, the worker's jobs run, yesterday's orders are shipped, and what was shipped two days
ago is delivered. Buyers of an even household number confirm on delivery; for the others the timer does, after ten days.
Then people do what `afterwards.py` has for that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import catalog, credit, logistics, orders, payments
from entrepot.catalog import OfferFacts
from entrepot.kit.db import Tx
from entrepot.kit.money import share_bp
from entrepot.pricing import Discount, Line
from entrepot.world.completejourney import fates
from entrepot.world.completejourney.afterwards import (
    Deed,
    canceled_whole,
    deed_steps,
    is_lent,
    order_ids,
    paid_of,
)
from entrepot.world.completejourney.identity import CELL, CURRENCY, MARKET, Kind, midnight, offer_id, uuid_of
from entrepot.world.completejourney.load import SHIPPING
from entrepot.world.completejourney.source import Basket
from entrepot.world.completejourney.steps import Step

OPERATIONS = timedelta(hours=8)
"""After midnight UTC: the quietest hour of the year's baskets, three in the morning in the east of the USA."""
SHIP_AFTER, DELIVER_AFTER = timedelta(days=1), timedelta(days=3)
AFTERMATH = timedelta(days=95)
"""Days after the last basket until all is paid: three months until the last installment, and a few to spare; the report
says if anything were left."""
PAID_OUT = timedelta(days=40)
"""Of these each day is lived: 19 until the last dispute ends, 14 to the next payout, 5 until no bank returns it. After
them those on which somebody pays an installment."""
BASKETS = 100
ORDERS = 500
"""What one transaction takes on."""
CARRIER = "demo"


class ReplayError(Exception):
    """The production path refused what the source says was bought; the text names the basket and the verdict."""


class Parcel(NamedTuple):
    """An order on its way; `confirms` tells whether its buyer will say that it has come."""

    order_id: UUID
    tracking_number: str
    confirms: bool


def day_steps(
    day: date, baskets: Sequence[Basket], parcels: Mapping[date, Sequence[Parcel]], deeds: Sequence[Deed]
) -> Iterator[Step]:
    """All that happens on a day; `parcels` has the orders of it and of the days before, by day of placing, `deeds` what
    people do with orders on it."""
    at = midnight(day) + OPERATIONS
    early = [basket for basket in baskets if basket.placed_at < at]
    yield from _sales(early)
    yield from deed_steps(at, [deed for deed in deeds if deed.act == "pay"])  # before the worker asks for it
    yield Step(at, None)
    yield from deed_steps(at, [deed for deed in deeds if deed.act == "cancel"])
    for some in _chunks(parcels.get(day - SHIP_AFTER, ())):
        yield Step(at, lambda tx, some=some: _ship(tx, some))  # type: ignore[misc]
    arrived = parcels.get(day - DELIVER_AFTER, ())
    for some in _chunks(arrived):
        yield Step(at, lambda tx, some=some: _deliver(tx, some))  # type: ignore[misc]
    if arrived:
        yield Step(at, None)
    for some in _chunks([parcel for parcel in arrived if parcel.confirms]):
        yield Step(at, lambda tx, some=some: _confirm(tx, some))  # type: ignore[misc]
    yield from deed_steps(at, [deed for deed in deeds if deed.act not in ("pay", "cancel")])
    yield from _sales(baskets[len(early) :])


def parcels_of(baskets: Iterable[Basket]) -> list[Parcel]:
    """The orders that baskets become, in the order of their ids, without those that are canceled whole."""
    return [
        Parcel(order_id, f"CJ{basket.basket_id}-{n}", basket.household_id % 2 == 0)
        for basket in baskets
        for gone in [canceled_whole(basket)]
        for n, order_id in enumerate(order_ids(basket)[1:], 1)
        if order_id != gone
    ]


def _chunks(parcels: Sequence[Parcel]) -> Iterator[Sequence[Parcel]]:
    for i in range(0, len(parcels), ORDERS):
        yield parcels[i : i + ORDERS]


# Selling.


class Batch(NamedTuple):
    """Baskets in which every offer has one price."""

    baskets: list[Basket]
    prices: dict[int, int]


def _sales(baskets: Iterable[Basket]) -> Iterator[Step]:
    for batch in batches(baskets):
        count = sum(len(set(basket.seller_id)) for basket in batch.baskets)
        sell = _lend if is_lent(batch.baskets[0]) else _sell
        yield Step(batch.baskets[-1].placed_at, lambda tx, b=batch, sell=sell: sell(tx, b), count)  # type: ignore[misc]


def batches(baskets: Iterable[Basket]) -> Iterator[Batch]:
    """Baskets in their order, cut where an offer changes its price and after BASKETS. One that is paid in installments
    is alone: its plan begins at its own time."""
    batch, lent = Batch([], {}), False
    for basket in baskets:
        asked = {
            offer_id(product, basket.store_id): price
            for product, price in zip(basket.product_id, basket.unit_price_minor, strict=True)
        }
        prices, before, lent = batch.prices, lent, is_lent(basket)
        is_cut = before or lent or len(batch.baskets) == BASKETS
        if batch.baskets and (is_cut or any(prices.get(o, price) != price for o, price in asked.items())):
            yield batch
            batch = Batch([], {})
        batch.baskets.append(basket)
        batch.prices.update(asked)
    if batch.baskets:
        yield batch


async def _sell(tx: Tx, batch: Batch) -> None:
    """A batch is placed, paid from the wallets."""
    commands = await _quoted(tx, batch, "wallet")
    for basket, verdict in zip(batch.baskets, await orders.place_many(tx, CELL, commands), strict=True):
        _require_placed(basket, verdict)


def _require_placed(basket: Basket, verdict: orders.Verdict) -> None:
    if verdict.verdict != "placed":
        raise ReplayError(f"basket {basket.basket_id} was not placed: {verdict.verdict} {verdict.detail}")


async def _lend(tx: Tx, batch: Batch) -> None:
    """The one basket of a batch is placed, and a funder pays it. Its buyer has put the plan's fee into the wallet, from
    which the installments are paid."""
    ((basket,), (command,)) = batch.baskets, await _quoted(tx, batch, credit.INSTALLMENTS)
    _require_placed(basket, await orders.lend(tx, CELL, msgspec.structs.replace(command, months=fates.MONTHS)))
    fee = share_bp(sum(paid_of(basket)), fates.FEE_BP)
    cause = uuid_of(Kind.PLAN_FEE, basket.basket_id, basket.placed_at)
    await payments.top_up_many(tx, CELL, CURRENCY, [command.caller], [fee], [cause])


async def _quoted(tx: Tx, batch: Batch, method: str) -> list[orders.Place]:
    """The batch's prices are set and its baskets quoted; what places them."""
    offers = {fact.offer_id: fact for fact in await catalog.offers_for_quote(tx, CELL, list(batch.prices))}
    changed = {o: price for o, price in batch.prices.items() if offers[o].unit_price_minor != price}
    await catalog.set_prices(tx, CELL, list(changed), list(changed.values()))
    for offer, price in changed.items():
        offers[offer] = msgspec.structs.replace(offers[offer], unit_price_minor=price)
    purchases = [_purchase(basket, offers) for basket in batch.baskets]
    quotes = await orders.quote_many(tx, CELL, purchases)
    return [
        orders.Place(purchase.buyer_id, f"basket-{basket.basket_id}", quote, method)
        for basket, purchase, quote in zip(batch.baskets, purchases, quotes, strict=True)
    ]


def _purchase(basket: Basket, offers: Mapping[int, OfferFacts]) -> orders.Purchase:
    store, lines = basket.store_id, []
    for product, quantity, gross, retail, match, coupon in zip(
        basket.product_id, basket.quantity, basket.gross_minor, basket.retail_disc_minor, basket.coupon_match_minor,
        basket.coupon_minor, strict=True,
    ):  # fmt: skip
        discounts = [
            Discount(kind, party, amount)
            for kind, party, amount in (
                ("retail_disc", "operator", retail), ("coupon_match", "operator", match), ("coupon", "seller", coupon)
            )
            if amount
        ]  # fmt: skip
        lines.append(Line(offers[offer_id(product, store)], quantity, discounts, gross))
    return orders.Purchase(uuid_of(Kind.BUYER, basket.household_id), MARKET, SHIPPING, lines, ids=order_ids(basket))


# After the sale.


async def _ship(tx: Tx, parcels: Sequence[Parcel]) -> None:
    await orders.ship_many(tx, CELL, [logistics.NewShipment(p.order_id, CARRIER, p.tracking_number) for p in parcels])


async def _deliver(tx: Tx, parcels: Sequence[Parcel]) -> None:
    """The carrier's scans of the last two hours; that they are delivered is news for the consumer of the event."""
    out, there = tx.now - timedelta(hours=2), tx.now
    await logistics.track(
        tx, CELL,
        [
            logistics.Scan(CARRIER, p.tracking_number, status, at)
            for p in parcels
            for status, at in (("out_for_delivery", out), ("delivered", there))
        ],
    )  # fmt: skip


async def _confirm(tx: Tx, parcels: Sequence[Parcel]) -> None:
    await orders.release_many(tx, CELL, [parcel.order_id for parcel in parcels])
