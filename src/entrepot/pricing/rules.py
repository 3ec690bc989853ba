"""The price of a purchase. Integers only; lists in, lists out: an import prices a million lines with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import fees
from entrepot.catalog import OfferFacts
from entrepot.fees import Fees, SellerFacts
from entrepot.kit.money import MAX_MINOR, allocate, share_bp
from entrepot.pricing.types import (
    AmountTooLarge,
    DiscountNotValid,
    MixedMarkets,
    NothingToPrice,
    Promotion,
    PromotionNotValid,
    QuantityNotValid,
    ShippingService,
    TooManyLines,
)
from entrepot.sellers import Terms

MAX_LINES = 200
NO_RULES = Fees()
MAX_QUANTITY = 1_000_000
PARTIES = ("operator", "seller")


class Discount(NamedTuple):
    """`amount_minor` off a line, borne by `funding_party`: operator (tops up the escrow) or seller (sells for less)."""

    kind: str
    funding_party: str
    amount_minor: int


class Line(NamedTuple):
    """`quantity` units of an offer. A trusted caller may say what they cost altogether (`gross_minor`) where no unit
    price gives that amount; the difference becomes the line's rounding. Of a bundle it says neither that nor discounts.
    """

    offer: OfferFacts
    quantity: int
    discounts: Sequence[Discount] = ()
    gross_minor: int | None = None


class Priced(msgspec.Struct):
    """A priced purchase, as the parallel arrays of orders.quote: `order_*` have an element per order, in the order in
    which its seller and ship-from were first seen, `line_*` one per line, `discount_*` one per discount.

    A bundle is a line for each of its components: the line's offer is the bundle's, its price the component's share of
    what one bundle costs, for the `line_prices_per` units that are in one. `line_bundles` says which of the bundles of
    these `bundle_prices` a line is of, 0 for none; it is empty where there are none at all.

    `line_fee_rules` and `order_fee_rules` name the rules of commission and payment fee, None where the terms hold; they
    are empty where no rule applies at all, as the arrays of the tax on fees are where there is none.

    `line_orders`, `line_bundles` and `discount_lines` count from 1, as SQL arrays do. All amounts are minor units of
    `currency`."""

    currency: str
    paid_minor: int = 0
    order_cells: list[int] = []
    order_sellers: list[UUID] = []
    order_owns: list[bool] = []
    order_locations: list[int] = []
    order_items: list[int] = []
    order_shipping: list[int] = []
    order_seller_discounts: list[int] = []
    order_operator_discounts: list[int] = []
    order_commissions: list[int] = []
    order_payment_fees: list[int] = []
    order_paid: list[int] = []
    order_fee_rules: list[int | None] = []
    order_fee_taxes: list[int] = []
    order_fee_tax_kinds: list[str | None] = []
    order_fee_tax_bps: list[int | None] = []
    line_orders: list[int] = []
    line_offers: list[int] = []
    line_variants: list[int] = []
    line_stocks: list[int] = []
    line_quantities: list[int] = []
    line_prices: list[int] = []
    line_prices_per: list[int] = []
    line_roundings: list[int] = []
    line_grosses: list[int] = []
    line_shippings: list[int] = []
    line_commission_bps: list[int] = []
    line_commissions: list[int] = []
    line_fee_rules: list[int | None] = []
    line_bundles: list[int] = []
    bundle_prices: list[int] = []
    discount_lines: list[int] = []
    discount_kinds: list[str] = []
    discount_parties: list[str] = []
    discount_amounts: list[int] = []


def price(
    lines: Sequence[Line],
    shipping: ShippingService,
    terms: Terms,
    promotion: Promotion | None = None,
    rules: Fees = NO_RULES,
) -> Priced:
    """The plan of a purchase in the market of `terms`. Whether the offers can be bought is for the sale to judge.

    Raises NothingToPrice, TooManyLines, MixedMarkets, QuantityNotValid, DiscountNotValid, AmountTooLarge, and
    PromotionNotValid when the purchase does not reach the promotion's minimum."""
    if not lines:
        raise NothingToPrice
    plan = Priced(lines[0].offer.currency)
    _add_lines(plan, lines, terms)
    if len(plan.line_orders) > MAX_LINES:
        raise TooManyLines(MAX_LINES)
    _add_discounts(plan, lines)
    if promotion is not None:
        _add_promotion(plan, promotion)
    _add_shipping(plan, shipping)
    _add_up(plan, terms, lines, rules)
    return plan


def _add_lines(plan: Priced, lines: Sequence[Line], terms: Terms) -> None:
    """Lines with their gross: floor(price * quantity / price_per), or what the caller says."""
    numbers: dict[tuple[UUID, int], int] = {}
    market, market_bp = terms.market, terms.commission_bp
    for offer, quantity, discounts, gross in lines:
        if offer.market != market:
            raise MixedMarkets(offer.offer_id)
        if not 1 <= quantity <= MAX_QUANTITY:
            raise QuantityNotValid(offer.offer_id, MAX_QUANTITY)
        floor = offer.unit_price_minor * quantity // offer.price_per
        if gross is None:
            gross = floor
        if not 0 <= gross <= MAX_MINOR:
            raise AmountTooLarge(MAX_MINOR)
        key = (offer.seller_id, offer.location_id)
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(numbers) + 1
            plan.order_cells.append(offer.cell)
            plan.order_sellers.append(offer.seller_id)
            plan.order_owns.append(offer.own)
            plan.order_locations.append(offer.location_id)
        rate = 0 if offer.own else market_bp if offer.commission_bp is None else offer.commission_bp
        if offer.stock_id is None:
            if discounts or gross != floor:
                raise DiscountNotValid(offer.offer_id)
            _add_bundle(plan, offer, quantity, number, rate)
            continue
        plan.line_orders.append(number)
        plan.line_offers.append(offer.offer_id)
        plan.line_variants.append(offer.variant_id)
        plan.line_stocks.append(offer.stock_id)
        plan.line_quantities.append(quantity)
        plan.line_prices.append(offer.unit_price_minor)
        plan.line_prices_per.append(offer.price_per)
        plan.line_roundings.append(gross - floor)
        plan.line_grosses.append(gross)
        plan.line_commission_bps.append(rate)
    if plan.bundle_prices:
        plan.line_bundles += [0] * (len(plan.line_orders) - len(plan.line_bundles))


def _add_bundle(plan: Priced, offer: OfferFacts, quantity: int, number: int, rate: int) -> None:
    """A line for each component. The price of one bundle is shared in proportion to what its components cost alone:
    2000 for a camera of 1800 and two batteries of 300 each are 1500 and 500; three bundles cost three times that."""
    plan.bundle_prices.append(offer.unit_price_minor)
    plan.line_bundles += [0] * (len(plan.line_orders) - len(plan.line_bundles))
    shares = allocate(offer.unit_price_minor, [part.alone_minor for part in offer.components])
    for part, share in zip(offer.components, shares, strict=True):
        if quantity * part.quantity > MAX_QUANTITY:
            raise QuantityNotValid(offer.offer_id, MAX_QUANTITY // part.quantity)
        plan.line_bundles.append(len(plan.bundle_prices))
        plan.line_orders.append(number)
        plan.line_offers.append(offer.offer_id)
        plan.line_variants.append(part.variant_id)
        plan.line_stocks.append(part.stock_id)
        plan.line_quantities.append(quantity * part.quantity)
        plan.line_prices.append(share)
        plan.line_prices_per.append(part.quantity)
        plan.line_roundings.append(0)
        plan.line_grosses.append(quantity * share)
        plan.line_commission_bps.append(rate)


def _add_discounts(plan: Priced, lines: Sequence[Line]) -> None:
    """The discounts that come with the lines, in their order."""
    following = 0
    for line in lines:
        i = following
        following += len(line.offer.components) or 1
        if not line.discounts:
            continue
        left = plan.line_grosses[i]
        for kind, party, amount in line.discounts:
            left -= amount
            if amount <= 0 or party not in PARTIES:
                raise DiscountNotValid(line.offer.offer_id)
            plan.discount_lines.append(i + 1)
            plan.discount_kinds.append(kind)
            plan.discount_parties.append(party)
            plan.discount_amounts.append(amount)
        if left < 0 or len({discount[0] for discount in line.discounts}) < len(line.discounts):
            raise DiscountNotValid(line.offer.offer_id)


def _add_promotion(plan: Priced, promotion: Promotion) -> None:
    """One discount of kind `promotion:CODE` on each line that bears a share, in proportion to what is left of it."""
    left = plan.line_grosses[:]
    for number, amount in zip(plan.discount_lines, plan.discount_amounts, strict=True):
        left[number - 1] -= amount
    items = sum(left)
    if items < promotion.minimum_minor:
        raise PromotionNotValid("below_minimum", promotion.minimum_minor)
    if promotion.percent_bp is not None:
        total = share_bp(items, promotion.percent_bp)
    else:
        assert promotion.amount_minor is not None
        total = min(promotion.amount_minor, items)
    for i, amount in enumerate(allocate(total, left)):
        if amount:
            plan.discount_lines.append(i + 1)
            plan.discount_kinds.append(f"promotion:{promotion.code}")
            plan.discount_parties.append(promotion.funding_party)
            plan.discount_amounts.append(amount)


def _add_shipping(plan: Priced, shipping: ShippingService) -> None:
    """Each order's shipping, split over its lines in proportion to their gross. A bundle is one item."""
    orders = len(plan.order_sellers)
    plan.line_shippings = [0] * len(plan.line_orders)
    if shipping.base_minor == 0 and shipping.item_minor == 0:
        plan.order_shipping = [0] * orders
        return
    members: list[list[int]] = [[] for _ in range(orders)]
    for i, number in enumerate(plan.line_orders):
        members[number - 1].append(i)
    for mine in members:
        items = len({plan.line_bundles[i] or -i for i in mine}) if plan.line_bundles else len(mine)
        cost = shipping.base_minor + shipping.item_minor * items
        plan.order_shipping.append(cost)
        for i, part in zip(mine, allocate(cost, [plan.line_grosses[i] for i in mine]), strict=True):
            plan.line_shippings[i] = part


def _add_up(plan: Priced, terms: Terms, lines: Sequence[Line], rules: Fees) -> None:
    """Commission of each line, and the sums of each order and of all.

    A line of 1000 with 100 off from its seller and 50 from the operator, at 10 %: commission 90; the buyer pays 850."""
    orders = len(plan.order_sellers)
    items, commissions = [0] * orders, [0] * orders
    by_seller, by_operator = [0] * orders, [0] * orders
    commissioned = plan.line_grosses[:]
    for number, party, amount in zip(plan.discount_lines, plan.discount_parties, plan.discount_amounts, strict=True):
        order = plan.line_orders[number - 1] - 1
        if party == "seller":
            commissioned[number - 1] -= amount
            by_seller[order] += amount
        else:
            by_operator[order] += amount
    plan.line_commissions = [
        share_bp(base, rate) for base, rate in zip(commissioned, plan.line_commission_bps, strict=True)
    ]
    if rules.rules:
        _apply_rules(plan, terms.market, lines, commissioned, rules)
    for number, gross, commission in zip(plan.line_orders, plan.line_grosses, plan.line_commissions, strict=True):
        items[number - 1] += gross
        commissions[number - 1] += commission
    plan.order_items, plan.order_commissions = items, commissions
    plan.order_seller_discounts, plan.order_operator_discounts = by_seller, by_operator
    for i in range(orders):
        paid = items[i] + plan.order_shipping[i] - by_seller[i] - by_operator[i]
        plan.order_paid.append(paid)
        plan.order_payment_fees.append(0 if plan.order_owns[i] else share_bp(paid, terms.payment_fee_bp))
    if rules.rules:
        _apply_payment_rules(plan, terms.market, rules)
    if any(facts.tax_kind for facts in rules.sellers.values()):
        _add_fee_taxes(plan, rules)
    plan.paid_minor = sum(plan.order_paid)
    if sum(items) + sum(plan.order_shipping) > MAX_MINOR:
        raise AmountTooLarge(MAX_MINOR)


def _apply_rules(plan: Priced, market: str, lines: Sequence[Line], commissioned: Sequence[int], rules: Fees) -> None:
    """The commission of lines that a rule fits, in place of that by the terms. A bundle is one thing: what a rule takes
    of it is shared by its components in proportion to what they were sold for."""
    found: list[int | None] = [None] * len(plan.line_orders)
    following = 0
    for offer, *_ in lines:
        mine = range(following, following + (len(offer.components) or 1))
        following = mine.stop
        rule = None if offer.own else rules.of("commission", market, offer.seller_id, offer.category_id)
        if rule is None:
            continue
        bases = [commissioned[i] for i in mine]
        units = max(1, plan.line_quantities[mine.start] // plan.line_prices_per[mine.start])
        for i, amount in zip(mine, allocate(fees.charge(rule, sum(bases), units), bases), strict=True):
            plan.line_commissions[i], plan.line_commission_bps[i], found[i] = amount, rule.rates_bp[0], rule.id
    if any(found):
        plan.line_fee_rules = found


def _apply_payment_rules(plan: Priced, market: str, rules: Fees) -> None:
    """The payment fee of orders that a rule fits, of what is paid for them."""
    found: list[int | None] = [None] * len(plan.order_sellers)
    for i, seller_id in enumerate(plan.order_sellers):
        rule = None if plan.order_owns[i] else rules.of("payment_fee", market, seller_id)
        if rule is not None:
            plan.order_payment_fees[i], found[i] = fees.charge(rule, plan.order_paid[i]), rule.id
    if any(found):
        plan.order_fee_rules = found


def _add_fee_taxes(plan: Priced, rules: Fees) -> None:
    """The tax on commission and payment fee of each order together: 2.28 on 10.00 + 2.00 at 19 %."""
    for i, seller_id in enumerate(plan.order_sellers):
        facts = SellerFacts() if plan.order_owns[i] else rules.sellers.get(seller_id, SellerFacts())
        charged = plan.order_commissions[i] + plan.order_payment_fees[i]
        plan.order_fee_taxes.append(share_bp(charged, facts.tax_bp or 0))
        plan.order_fee_tax_kinds.append(facts.tax_kind)
        plan.order_fee_tax_bps.append(facts.tax_bp)


def part(plan: Priced, cell: int) -> Priced:
    """What of a plan is sold in one cell, counted from 1 again; its paid_minor is the sum of its orders."""
    orders = [i for i, other in enumerate(plan.order_cells) if other == cell]
    order_no = {i + 1: n for n, i in enumerate(orders, 1)}
    lines = [i for i, number in enumerate(plan.line_orders) if number in order_no]
    line_no = {i + 1: n for n, i in enumerate(lines, 1)}
    discounts = [i for i, number in enumerate(plan.discount_lines) if number in line_no]
    bundles = sorted({plan.line_bundles[i] for i in lines} - {0}) if plan.line_bundles else []
    bundle_no = {0: 0} | {number: n for n, number in enumerate(bundles, 1)}
    kept = {"order": orders, "line": lines, "discount": discounts, "bundle": [number - 1 for number in bundles]}
    arrays = {
        name: [getattr(plan, name)[i] for i in kept[of]] if getattr(plan, name) else []
        for name in Priced.__struct_fields__
        if (of := name.partition("_")[0]) in kept
    }
    arrays["line_orders"] = [order_no[number] for number in arrays["line_orders"]]
    arrays["line_bundles"] = [bundle_no[number] for number in arrays["line_bundles"]] if bundles else []
    arrays["discount_lines"] = [line_no[number] for number in arrays["discount_lines"]]
    return Priced(plan.currency, sum(arrays["order_paid"]), **arrays)
