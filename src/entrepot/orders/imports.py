"""By which mode the orders of a purchase are let in, and what the border takes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from entrepot import sellers, trade
from entrepot.kit.db import ReadTx
from entrepot.kit.money import exponent
from entrepot.orders.store_borders import Crossing, CrossingLine
from entrepot.trade import Consignment, Goods, Item

UNKNOWN = "Where the seller is established is not known: it is taken to be outside."


class Import(NamedTuple):
    """An order as it crosses; without a mode the law of the destination says nothing of one."""

    landed: trade.Landed
    chosen: trade.Chosen | None
    within: tuple[trade.Included, ...] = ()
    """Of each line the tax that is in its price and that the platform owes; none where the buyer pays it beside it."""
    is_known: bool = True
    """Whether anybody has said where the seller is established."""

    @property
    def scheme(self) -> str:
        """By which the platform collects the tax; empty: it is paid at the border."""
        return self.chosen.mode.scheme if self.chosen else ""

    @property
    def steps(self) -> list[trade.Step]:
        found = [*trade.steps(self.landed), *trade.mode_steps(self.chosen), *(one.step for one in self.within)]
        if self.within:
            found.append(trade.Step(0, "mode", "It is in the price, and kept from what the seller is paid.", ""))
        return found if self.is_known else [*found, trade.Step(0, "mode", UNKNOWN, "")]

    @property
    def withheld_minor(self) -> int:
        return sum(one.tax_minor for one in self.within)

    @property
    def why(self) -> list[str]:
        """Why it is only an estimate."""
        left_out = self.chosen.mode.estimate if self.chosen else ""
        return [*self.landed.why, *([left_out] if left_out else [])]

    def paid_now(self, incoterm: str) -> int:
        """What the buyer pays with the order: all of it (DDP), or what the platform collects."""
        if incoterm == "DDP":
            return self.landed.border_minor
        return self.landed.tax_minor if self.scheme else 0

    def taxes(self) -> list[int]:
        return [one.tax_minor for one in self.within] or [tax for _, tax in self.landed.charges]

    def rates_bp(self) -> list[int]:
        rates = [one.rate for one in self.within] or [line.tax_rate for line in self.landed.lines]
        return [int(rate * 100) for rate in rates]

    def bases(self) -> list[int]:
        """What each line's tax is of, in minor units of the order's currency."""
        if self.within:
            return [one.base_minor for one in self.within]
        here, there = self.landed.currency, self.landed.customs_currency
        factor = self.landed.rate.scaleb(exponent(there) - exponent(here))
        return [int((line.tax_base_minor / factor).to_integral_value(ROUND_HALF_UP)) for line in self.landed.lines]


async def imports(
    tx: ReadTx,
    market: str,
    orders: Sequence[Crossing],
    lines: Sequence[CrossingLine],
    to_country: str,
    left: dict[str, int] | None = None,
) -> list[Import | None]:
    """What the border takes of each of the orders, of whose lines these are; None of one that crosses none and whose
    tax is its seller's. `left` is what the buyer may bring in by quota (None: not asked), and loses what the orders
    take. Raises the Problems of trade.quote, NotLetIn and ItemMissing."""
    at = tx.now.date()
    items = await trade.items(tx, {line.variant_id for line in lines})
    tariff = await trade.tariff_of(tx, to_country, at)
    homes = await trade.established(tx, {order.seller_id for order in orders})
    net = not (await sellers.market(tx, market)).prices_with_tax
    book = await trade.book(
        tx, {to_country, *(order.from_country for order in orders), *homes.values()},
        {_code(item, tariff) for item in items.values()}, at, {orders[0].currency},
    )  # fmt: skip
    schemes = frozenset(await trade.registered(tx, at))
    found: list[Import | None] = []
    for order in orders:
        mine = [line for line in lines if line.order_id == order.order_id]
        facts = trade.Facts(schemes, order.carried, sum(line.quantity for line in mine), left)
        home = homes.get(order.seller_id)
        bonded = order.bonded and not book.is_import(order.from_country, to_country)
        deemed = (
            not (bonded or order.own or book.is_import(order.from_country, to_country))
            and trade.has_deemed_supply(book, to_country, schemes)
            and (home is None or book.is_import(home, to_country))
        )
        if deemed and not net:
            one = _within(book, order, mine, items, tariff, to_country, facts)
        elif deemed or bonded or order.from_country != to_country:
            sent = _sent(order, mine, items, tariff, to_country, at)
            sent = sent._replace(stock="bonded" if bonded else "union" if deemed else "abroad")
            chosen = trade.choose_mode(book, sent, facts)
            if left is not None and chosen is not None and chosen.mode.quota in left:
                left[chosen.mode.quota] -= chosen.value_minor
            one = Import(trade.quote(book, trade.by_mode(sent, chosen)), chosen)
        else:
            one = None
        if one is not None and deemed and one.scheme:
            one = one._replace(is_known=home is not None)
        found.append(one if order.from_country != to_country or bonded or one is None or one.scheme else None)
    return found


def _within(
    book: trade.Book,
    order: Crossing,
    lines: Sequence[CrossingLine],
    items: Mapping[int, Item],
    tariff: str | None,
    to_country: str,
    facts: trade.Facts,
) -> Import:
    """An order whose tax is in its prices, and which the platform owes: nothing is asked for it beside them, and it is
    refused to nobody. What nobody has said the code of is taxed in full."""
    known = [items.get(line.variant_id) for line in lines]
    sent = Consignment(
        tuple(
            Goods(_code(item, tariff) if item else "", item.country_of_origin if item else "", line.value_minor, {})
            for line, item in zip(lines, known, strict=True)
        ),
        order.from_country, to_country, book.at, order.currency, stock="union",
    )  # fmt: skip
    chosen = trade.choose_mode(book, sent, facts)
    landed = trade.quote(book, sent._replace(lines=(), stock="abroad"))
    landed = landed._replace(charges=((0, 0),) * len(lines))
    within = trade.included(book, sent, [line.paid_minor for line in lines]) if chosen else ()
    return Import(landed, chosen, within)


def _code(item: Item, tariff: str | None) -> str:
    return item.tariff_codes.get(tariff or "", item.hs_code)


def _sent(
    order: Crossing,
    lines: Sequence[CrossingLine],
    items: Mapping[int, Item],
    tariff: str | None,
    to_country: str,
    at: date,
) -> Consignment:
    return Consignment(
        tuple(_goods(line, items, tariff) for line in lines), order.from_country,
        to_country, at, order.currency, order.shipping_minor, fee_minor=order.clearance_minor,
    )  # fmt: skip


def _goods(line: CrossingLine, items: Mapping[int, Item], tariff: str | None) -> Goods:
    item = items.get(line.variant_id)
    if item is None:
        raise trade.ItemMissing(
            "customs",
            f"its seller says what it is: PUT /v1/variants/{line.variant_id}/customs",
            variant_id=line.variant_id,
        )
    units = Decimal(line.quantity)
    quantities = {"item": units, "pair": units, "kg": units * item.weight_g / 1_000}
    if item.volume_ml is not None:
        quantities["l"] = units * item.volume_ml / 1_000
    return Goods(_code(item, tariff), item.country_of_origin, line.value_minor, quantities)
