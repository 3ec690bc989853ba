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


class Import(NamedTuple):
    """An order as it crosses; without a mode the law of the destination says nothing of one."""

    landed: trade.Landed
    chosen: trade.Chosen | None

    @property
    def scheme(self) -> str:
        """By which the platform collects the tax; empty: it is paid at the border."""
        return self.chosen.mode.scheme if self.chosen else ""

    @property
    def steps(self) -> list[trade.Step]:
        return [*trade.steps(self.landed), *trade.mode_steps(self.chosen)]

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

    def bases(self) -> list[int]:
        """What each line's tax is of, in minor units of the order's currency."""
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
) -> list[Import]:
    """What the border takes of each of the orders, of whose lines these are. `left` is what the buyer may bring in by
    quota (None: not asked), and loses what the orders take. Raises the Problems of trade.quote, NotLetIn and
    ItemMissing."""
    at = tx.now.date()
    items = await trade.items(tx, {line.variant_id for line in lines})
    tariff = await trade.tariff_of(tx, to_country, at)
    homes = await trade.established(tx, {order.seller_id for order in orders})
    net = not (await sellers.market(tx, market)).prices_with_tax
    sent = [_sent(order, lines, items, tariff, to_country, at) for order in orders]
    book = await trade.book(
        tx, {to_country, *(order.from_country for order in orders), *homes.values()},
        {goods.code for one in sent for goods in one.lines}, at, {orders[0].currency},
    )  # fmt: skip
    schemes = frozenset(await trade.registered(tx, at))
    found = []
    for order, one in zip(orders, sent, strict=True):
        if order.bonded and not book.is_import(one.from_, to_country):
            one = one._replace(stock="bonded")
        home = homes.get(order.seller_id)
        # Where prices have the tax in them, the seller answers for it, wherever it is established.
        if (
            one.stock == "abroad"
            and net
            and home
            and not book.is_import(one.from_, to_country)
            and book.is_import(home, to_country)
        ):
            one = one._replace(stock="union")
        pieces = sum(line.quantity for line in lines if line.order_id == order.order_id)
        chosen = trade.choose_mode(book, one, trade.Facts(schemes, order.carried, pieces, left))
        if left is not None and chosen is not None and chosen.mode.quota in left:
            left[chosen.mode.quota] -= chosen.value_minor
        found.append(Import(trade.quote(book, trade.by_mode(one, chosen)), chosen))
    return found


def _sent(
    order: Crossing,
    lines: Sequence[CrossingLine],
    items: Mapping[int, Item],
    tariff: str | None,
    to_country: str,
    at: date,
) -> Consignment:
    return Consignment(
        tuple(_goods(line, items, tariff) for line in lines if line.order_id == order.order_id), order.from_country,
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
    code = item.tariff_codes.get(tariff or "", item.hs_code)
    return Goods(code, item.country_of_origin, line.value_minor, quantities)
