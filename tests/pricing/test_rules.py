"""The price of a purchase, to the minor unit."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog import ComponentFacts, OfferFacts
from entrepot.kit.money import MAX_MINOR
from entrepot.pricing import (
    MAX_LINES,
    MAX_QUANTITY,
    AmountTooLarge,
    Discount,
    DiscountNotValid,
    Line,
    MixedMarkets,
    NothingToPrice,
    Priced,
    Promotion,
    PromotionNotValid,
    QuantityNotValid,
    ShippingService,
    TooManyLines,
    part,
    price,
)
from entrepot.sellers import Terms

NOW = datetime(2026, 1, 5, tzinfo=UTC)
TERMS = Terms("us", NOW, 1000, 200, 900, 900, 1, 1, "test")  # commission 10 %, payment fee 2 %
FREE = ShippingService("us", "free", "Free", 0, 0, 1, 1)
POST = ShippingService("us", "post", "Post", 499, 50, 1, 2)


def offer(
    id_: int,
    price_minor: int,
    seller: int = 1,
    location: int = 1,
    *,
    own: bool = False,
    commission_bp: int | None = None,
    price_per: int = 1,
    cell: int = 0,
) -> OfferFacts:
    return OfferFacts(
        id_, UUID(int=seller), own, commission_bp, "active", True, id_ + 100, id_ + 200, location, "us", "USD",
        price_minor, price_per, "each", "t", "t", cell,
    )  # fmt: skip


def bundle(offer: OfferFacts, *parts: tuple[int, int]) -> OfferFacts:
    """That offer as a bundle of parts (units in one, price of one alone)."""
    components = [
        ComponentFacts(offer.offer_id, 500 + n, 600 + n, 700 + n, units, alone, 1, "t", "t", "each")
        for n, (units, alone) in enumerate(parts)
    ]
    return msgspec.structs.replace(offer, stock_id=None, price_per=1, components=components)


def promotion(
    *, percent_bp: int | None = None, amount_minor: int | None = None, minimum_minor: int = 0, party: str = "operator"
) -> Promotion:
    return Promotion("SAVE", "us", percent_bp, amount_minor, minimum_minor, party, NOW, NOW)


def test_a_purchase_from_two_sellers_and_three_places() -> None:
    lines = [
        Line(offer(1, 1000, seller=1), 2),
        Line(offer(2, 333, seller=2, commission_bp=500), 1),
        Line(offer(3, 250, seller=1), 1, [Discount("coupon", "seller", 50), Discount("loyalty", "operator", 20)]),
        Line(offer(4, 100, seller=1, location=9), 3),
    ]
    plan = price(lines, POST, TERMS)
    assert plan == Priced(
        currency="USD",
        paid_minor=2_250 + 333 + 300 - 50 - 20 + (499 + 100) + (499 + 50) * 2,
        order_cells=[0, 0, 0],
        order_sellers=[UUID(int=1), UUID(int=2), UUID(int=1)],
        order_owns=[False, False, False],
        order_locations=[1, 1, 9],
        order_items=[2_250, 333, 300],
        order_shipping=[599, 549, 549],
        order_seller_discounts=[50, 0, 0],
        order_operator_discounts=[20, 0, 0],
        order_commissions=[200 + 20, 17, 30],  # 5 % of 333 is 16.65
        order_payment_fees=[56, 18, 17],  # 2 % of 2779, 882 and 849: 55.58, 17.64, 16.98
        order_paid=[2_779, 882, 849],
        line_orders=[1, 2, 1, 3],
        line_offers=[1, 2, 3, 4],
        line_variants=[101, 102, 103, 104],
        line_stocks=[201, 202, 203, 204],
        line_quantities=[2, 1, 1, 3],
        line_prices=[1000, 333, 250, 100],
        line_prices_per=[1, 1, 1, 1],
        line_roundings=[0, 0, 0, 0],
        line_grosses=[2000, 333, 250, 300],
        line_shippings=[532, 549, 67, 549],  # 599 as 2000 to 250: 532.4 and 66.6
        line_commission_bps=[1000, 500, 1000, 1000],
        line_commissions=[200, 17, 20, 30],  # the seller's 50 off lower its commission, the operator's 20 do not
        discount_lines=[3, 3],
        discount_kinds=["coupon", "loyalty"],
        discount_parties=["seller", "operator"],
        discount_amounts=[50, 20],
    )


def test_goods_by_measure_are_floored_and_a_trusted_amount_leaves_a_rounding() -> None:
    fuel = offer(1, 2899, price_per=1000)
    plan = price([Line(fuel, 8_571), Line(fuel, 8_571, (), 24_850)], FREE, TERMS)
    assert plan.line_grosses == [24_847, 24_850]  # 2899 * 8571 / 1000 = 24847.3
    assert plan.line_roundings == [0, 3]
    assert price([Line(fuel, 8_571, (), 24_000)], FREE, TERMS).line_roundings == [-847]


def test_a_bundle_is_a_line_for_each_of_its_components_and_one_item_to_ship() -> None:
    kit = bundle(offer(1, 2_000), (1, 1_800), (2, 300), (1, 1))
    plan = price([Line(offer(9, 100), 1), Line(kit, 3), Line(offer(8, 100), 1), Line(kit, 1)], POST, TERMS)
    assert plan.order_shipping == [499 + 4 * 50]
    assert plan.line_offers == [9, 1, 1, 1, 8, 1, 1, 1]
    assert plan.line_bundles == [0, 1, 1, 1, 0, 2, 2, 2]
    assert plan.bundle_prices == [2_000, 2_000]
    assert plan.line_variants == [109, 600, 601, 602, 108, 600, 601, 602]
    assert plan.line_stocks == [209, 700, 701, 702, 208, 700, 701, 702]
    assert plan.line_quantities == [1, 3, 6, 3, 1, 1, 2, 1]
    assert plan.line_prices == [100, 1_499, 500, 1, 100, 1_499, 500, 1]  # 1499.4, 499.8 and 0.8 of 2000
    assert plan.line_prices_per == [1, 1, 2, 1, 1, 1, 2, 1]
    assert plan.line_grosses == [100, 4_497, 1_500, 3, 100, 1_499, 500, 1]
    assert price([Line(bundle(offer(1, 5), (1, 0), (3, 0)), 1)], FREE, TERMS).line_prices == [3, 2]


def test_what_a_bundle_cannot_be() -> None:
    kit = bundle(offer(1, 100), (1, 70), (1_000, 40))
    for line in (Line(kit, 1, [Discount("a", "seller", 1)]), Line(kit, 1, (), 99)):
        with pytest.raises(DiscountNotValid):
            price([line], FREE, TERMS)
    assert price([Line(kit, 1_000)], FREE, TERMS).paid_minor == 100_000
    with pytest.raises(QuantityNotValid) as refused:
        price([Line(kit, 1_001)], FREE, TERMS)
    assert (refused.value.offer_id, refused.value.limit) == (1, 1_000)
    with pytest.raises(TooManyLines):
        price([Line(kit, 1)] * (MAX_LINES // 2 + 1), FREE, TERMS)


def test_the_operators_own_goods_bear_no_fees() -> None:
    plan = price([Line(offer(1, 1000, own=True, commission_bp=900), 1)], POST, TERMS)
    assert (plan.order_owns, plan.order_commissions, plan.order_payment_fees) == ([True], [0], [0])
    assert (plan.line_commission_bps, plan.line_commissions, plan.paid_minor) == ([0], [0], 1549)


@pytest.mark.parametrize(
    ("given_promotion", "amounts"),
    [
        (promotion(percent_bp=1000), [10, 10, 10]),
        (promotion(percent_bp=333), [4, 3, 3]),  # 9.99 becomes 10; the earlier line bears the odd cent
        (promotion(amount_minor=100), [34, 33, 33]),
        (promotion(amount_minor=9999), [100, 100, 100]),  # never more than there is
        (promotion(percent_bp=10_000, minimum_minor=300), [100, 100, 100]),
    ],
)
def test_a_promotion_is_split_by_largest_remainder(given_promotion: Promotion, amounts: list[int]) -> None:
    plan = price([Line(offer(n, 100, seller=n), 1) for n in (1, 2, 3)], FREE, TERMS, given_promotion)
    assert plan.discount_amounts == amounts
    assert plan.discount_lines == [1, 2, 3]
    assert plan.discount_kinds == ["promotion:SAVE"] * 3
    assert plan.discount_parties == ["operator"] * 3
    assert plan.order_operator_discounts == amounts
    assert plan.paid_minor == 300 - sum(amounts)
    assert plan.line_commissions == [10, 10, 10]  # the seller gets its full price


def test_a_promotion_takes_only_what_other_discounts_left() -> None:
    lines = [Line(offer(1, 100), 1, [Discount("coupon", "seller", 100)]), Line(offer(2, 100), 1)]
    plan = price(lines, FREE, TERMS, promotion(amount_minor=150, party="seller"))
    assert (plan.discount_lines, plan.discount_amounts) == ([1, 2], [100, 100])
    assert (plan.paid_minor, plan.order_seller_discounts, plan.line_commissions) == (0, [200], [0, 0])


def test_a_promotion_below_its_minimum_does_not_apply() -> None:
    lines = [Line(offer(1, 1000), 1, [Discount("coupon", "seller", 1)])]
    with pytest.raises(PromotionNotValid) as refused:
        price(lines, POST, TERMS, promotion(percent_bp=1000, minimum_minor=1000))
    assert (refused.value.reason, refused.value.minimum_minor) == ("below_minimum", 1000)


def test_what_has_no_price() -> None:
    with pytest.raises(NothingToPrice):
        price([], FREE, TERMS)
    assert len(price([Line(offer(1, 1), 1)] * MAX_LINES, FREE, TERMS).line_orders) == MAX_LINES
    with pytest.raises(TooManyLines):
        price([Line(offer(1, 1), 1)] * (MAX_LINES + 1), FREE, TERMS)
    with pytest.raises(MixedMarkets):
        price([Line(offer(1, 1), 1), Line(msgspec.structs.replace(offer(2, 1), market="jp"), 1)], FREE, TERMS)
    assert price([Line(offer(1, 1), MAX_QUANTITY)], FREE, TERMS).paid_minor == MAX_QUANTITY
    for quantity in (-1, 0, MAX_QUANTITY + 1):
        with pytest.raises(QuantityNotValid):
            price([Line(offer(1, 1), quantity)], FREE, TERMS)


def test_amounts_beyond_the_ledgers_largest_are_refused() -> None:
    assert price([Line(offer(1, MAX_MINOR), 1)], FREE, TERMS).paid_minor == MAX_MINOR
    for lines, shipping in (
        ([Line(offer(1, MAX_MINOR), 2)], FREE),
        ([Line(offer(1, 1), 1, (), -1)], FREE),
        ([Line(offer(1, MAX_MINOR), 1), Line(offer(2, 1), 1)], FREE),
        ([Line(offer(1, MAX_MINOR), 1)], POST),
    ):
        with pytest.raises(AmountTooLarge):
            price(lines, shipping, TERMS)


@pytest.mark.parametrize(
    "discounts",
    [
        [Discount("a", "seller", 101)],
        [Discount("a", "seller", 60), Discount("b", "operator", 41)],
        [Discount("a", "seller", 0)],
        [Discount("a", "seller", -5)],
        [Discount("a", "buyer", 5)],
        [Discount("a", "seller", 5), Discount("a", "operator", 5)],
    ],
)
def test_discounts_that_a_line_cannot_bear(discounts: list[Discount]) -> None:
    with pytest.raises(DiscountNotValid):
        price([Line(offer(1, 100), 1, discounts)], FREE, TERMS)


@st.composite
def purchases(draw: st.DrawFn) -> tuple[list[Line], ShippingService, Promotion | None]:
    lines = []
    for n in range(draw(st.integers(1, 12))):
        seller = draw(st.integers(1, 3))
        facts = offer(
            n, draw(st.integers(0, 50_000)), seller, draw(st.integers(1, 2)), own=seller == 3,
            commission_bp=draw(st.sampled_from([None, 0, 777, 10_000])), price_per=draw(st.sampled_from([1, 1000])),
        )  # fmt: skip
        quantity = draw(st.integers(1, 5_000))
        if draw(st.integers(0, 4)) == 0:
            parts = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 20_000)), min_size=1, max_size=4))
            lines.append(Line(bundle(facts, *parts), quantity))
            continue
        left = facts.unit_price_minor * quantity // facts.price_per
        discounts = []
        for kind, party in (("coupon", "seller"), ("loyalty", "operator")):
            amount = draw(st.integers(0, left))
            if amount:
                discounts.append(Discount(kind, party, amount))
                left -= amount
        lines.append(Line(facts, quantity, discounts))
    shipping = ShippingService("us", "s", "S", draw(st.integers(0, 2_000)), draw(st.integers(0, 300)), 1, 1)
    kinds = st.one_of(
        st.integers(1, 10_000).map(lambda bp: promotion(percent_bp=bp)),
        st.integers(1, 10_000_000).map(lambda amount: promotion(amount_minor=amount, party="seller")),
    )
    return lines, shipping, draw(st.none() | kinds)


@given(purchases())
def test_every_sum_is_exact(purchase: tuple[list[Line], ShippingService, Promotion | None]) -> None:
    lines, shipping, offered = purchase
    plan = price(lines, shipping, TERMS, offered)
    orders = range(len(plan.order_sellers))
    asked = [line for line in lines for _ in range(len(line.offer.components) or 1)]  # by line of the plan
    off: list[dict[str, int]] = [{"seller": 0, "operator": 0} for _ in asked]
    for number, party, amount in zip(plan.discount_lines, plan.discount_parties, plan.discount_amounts, strict=True):
        assert amount > 0
        off[number - 1][party] += amount
    rest = plan.line_grosses[:]
    for line in lines:
        mine, rest = rest[: len(line.offer.components) or 1], rest[len(line.offer.components) or 1 :]
        assert sum(mine) == line.offer.unit_price_minor * line.quantity // line.offer.price_per
    for gross, cut in zip(plan.line_grosses, off, strict=True):
        assert cut["seller"] + cut["operator"] <= gross
    for i in orders:
        mine = [n for n, number in enumerate(plan.line_orders) if number == i + 1]
        assert {(asked[n].offer.seller_id, asked[n].offer.location_id) for n in mine} == {
            (plan.order_sellers[i], plan.order_locations[i])
        }
        assert plan.order_items[i] == sum(plan.line_grosses[n] for n in mine)
        assert plan.order_shipping[i] == shipping.base_minor + shipping.item_minor * len({id(asked[n]) for n in mine})
        assert plan.order_shipping[i] == sum(plan.line_shippings[n] for n in mine)
        assert plan.order_seller_discounts[i] == sum(off[n]["seller"] for n in mine)
        assert plan.order_operator_discounts[i] == sum(off[n]["operator"] for n in mine)
        assert plan.order_commissions[i] == sum(plan.line_commissions[n] for n in mine)
        assert plan.order_paid[i] == (
            plan.order_items[i] + plan.order_shipping[i]
            - plan.order_seller_discounts[i] - plan.order_operator_discounts[i]
        )  # fmt: skip
        assert 0 <= plan.order_payment_fees[i] <= plan.order_paid[i]
        if plan.order_owns[i]:
            assert plan.order_commissions[i] == plan.order_payment_fees[i] == 0
    assert plan.paid_minor == sum(plan.order_paid)
    if offered is not None:
        left = sum(plan.line_grosses) - sum(d.amount_minor for line in lines for d in line.discounts)
        given_off = sum(plan.discount_amounts) - sum(d.amount_minor for line in lines for d in line.discounts)
        if offered.percent_bp is not None:
            assert given_off == (left * offered.percent_bp + 5_000) // 10_000
        else:
            assert given_off == min(offered.amount_minor or 0, left)


def test_the_parts_of_a_plan_are_the_plan() -> None:
    """What is sold in a cell is counted from 1 there, and the parts' figures are the whole's."""
    lines = [
        Line(offer(1, 1000, seller=1, cell=2), 2),
        Line(offer(2, 300, seller=2), 1, [Discount("coupon", "seller", 50)]),
        Line(offer(3, 500, seller=1, cell=2), 1, [Discount("loyalty", "operator", 20)]),
    ]
    plan = price(lines, POST, TERMS)
    here, there = part(plan, 0), part(plan, 2)
    assert plan.order_cells == [2, 0]
    assert (here.line_orders, here.line_offers, here.discount_lines, here.discount_amounts) == ([1], [2], [1], [50])
    assert (there.line_orders, there.line_offers, there.discount_lines) == ([1, 1], [1, 3], [2])
    assert (there.order_sellers, there.order_paid) == ([UUID(int=1)], [plan.order_paid[0]])
    assert here.paid_minor + there.paid_minor == plan.paid_minor
    assert part(plan, 1).order_sellers == []
