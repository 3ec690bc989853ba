"""What the Complete Journey itself says a window holds: the source's side of the report.

Counted from the raw floats of dollars and sharing no arithmetic with `source.Source.days`, so that a mistake
in one path shows as a difference. Every line falls under exactly one rule, the first of RULES that fits.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from polars import col

from entrepot.world.completejourney.source import (
    FUEL_BY_AMOUNT,
    FUEL_TYPE,
    THOUSANDTHS,
    UNRECORDED,
    Source,
    SourceBrokenError,
    spans,
    window,
)
from entrepot.world.completejourney.titles import department_name

_NOTHING = 0.005  # half a cent is the border between nothing and something


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to read a line: `sold` tells whether its money reaches the ledger."""

    number: int
    name: str
    sold: bool


# In the order in which they are tried: the first that fits is the line's rule, and the last fits everything.
RULES = (
    Rule(1, "no goods and no money", False),
    Rule(2, "coupon without goods", False),
    Rule(3, "goods without a price", False),
    Rule(4, "money without a quantity", True),
    Rule(5, "product not recorded", True),
    Rule(6, "coupon larger than the line", True),
    Rule(7, "nothing left to pay", True),
    Rule(8, "sold by measure", True),
    Rule(9, "amount is no multiple of the quantity", True),
    Rule(10, "sold as written", True),
)


@dataclass(frozen=True, slots=True)
class RuleTotals:
    """What the lines of one rule carry in the source, before any discount is cut or quantity set."""

    rule: Rule
    lines: int
    units: int
    sales_minor: int
    gross_minor: int
    coupon_minor: int


@dataclass(frozen=True, slots=True)
class SoldTotals:
    """Sold lines of a department, or of all; `orders` are baskets x sellers, units pieces or thousandths."""

    department: str
    baskets: int
    orders: int
    lines: int
    units: int
    gross_minor: int
    retail_disc_minor: int
    coupon_match_minor: int
    coupon_minor: int
    coupon_excess_minor: int
    buyer_pays_minor: int
    rounding_lines: int
    rounding_minor: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The source's side of the report: sold + excluded lines and cents are exactly what the source holds."""

    lines: int
    baskets: int
    empty_baskets: int  # every line excluded, so no order group
    sales_minor: int
    sold: SoldTotals
    departments: tuple[SoldTotals, ...]
    rules: tuple[RuleTotals, ...]


def totals(source: Source, start: date | None = None, stop: date | None = None) -> Totals:
    """Count the window from `start` up to, not including, `stop`; raises ValueError when no day is in it."""
    parts = []
    for first, last in spans(start, stop):  # a basket has one time, so counts of baskets add up too
        lines = _raw(source, first, last).collect()
        kept = lines.filter(col("rule") > 3)
        every = lines.with_columns(department=pl.lit("Source")).group_by("department").agg(*_sums())
        total = kept.with_columns(department=pl.lit("Sold")).group_by("department").agg(*_sums())
        by_department = kept.group_by("department").agg(*_sums())
        parts.append((pl.concat([every, total]), by_department, lines.group_by("rule").agg(*_rule_sums())))
    if not parts:
        raise ValueError("the window holds no day of the data set")
    both, departments, rules = (_added(part) for part in zip(*parts, strict=True))
    whole, sold = (_row(both, "department", name) for name in ("Source", "Sold"))
    return Totals(
        lines=whole["lines"],
        baskets=whole["baskets"],
        empty_baskets=whole["baskets"] - sold["baskets"],
        sales_minor=_cents(whole["sales_value"]),
        sold=_sold_totals(sold),
        departments=tuple(_sold_totals(row) for row in departments.sort("department").iter_rows(named=True)),
        rules=tuple(_rule_totals(rule, _row(rules, "rule", rule.number)) for rule in RULES),
    )


def _raw(source: Source, first: date, end: date) -> pl.LazyFrame:
    """Lines with their rule number, rounding and coupon parts as floats of dollars."""
    gross, due = col("gross"), col("sales_value") - col("coupon_disc")
    pieces = pl.max_horizontal("quantity", 1)
    measured = (col("product_type") == FUEL_TYPE) & ~col("product_id").is_in(FUEL_BY_AMOUNT)
    cents = (gross * 100).round().cast(pl.Int64)
    # Whole pieces leave the plain remainder; a measure leaves what its price per thousand cannot express.
    by_measure = cents - cents * THOUSANDTHS // pieces * pieces // THOUSANDTHS
    rest = pl.when(measured).then(by_measure).otherwise(cents % pieces)
    cases = (
        (gross < _NOTHING) & (col("coupon_disc") < _NOTHING) & (col("quantity") == 0),
        (gross < _NOTHING) & (col("coupon_disc") > _NOTHING),
        gross < _NOTHING,
        col("quantity") == 0,
        col("manufacturer_id").is_null(),
        due < -_NOTHING,
        due < _NOTHING,
        measured.fill_null(False),
        col("rest") > 0,
    )
    number = pl.coalesce(*(pl.when(case).then(n) for n, case in enumerate(cases, 1)), pl.lit(len(RULES)))
    names = {raw: department_name(raw) for raw in _departments(source)}
    return (
        window(source, first, end)
        .with_columns(gross=col("sales_value") + col("retail_disc") + col("coupon_match_disc"))
        .with_columns(rest=rest, pieces=pieces)
        .with_columns(
            rule=number,
            department=col("department").fill_null(UNRECORDED).replace_strict(names),
            redeemed=pl.min_horizontal("sales_value", "coupon_disc"),
            excess=pl.max_horizontal(-due, 0.0),
            due=pl.max_horizontal(due, 0.0),
        )
    )


def _departments(source: Source) -> list[str]:
    return [*pl.read_parquet(source.products, columns=["department"])["department"].unique(), UNRECORDED]


def _sums() -> list[pl.Expr]:
    return [
        col("basket_id").n_unique().alias("baskets"),
        pl.struct("basket_id", "manufacturer_id").n_unique().alias("orders"),
        pl.len().alias("lines"),
        col("pieces").sum().alias("units"),
        col("sales_value").sum(),
        col("gross").sum(),
        col("retail_disc").sum(),
        col("coupon_match_disc").sum(),
        col("redeemed").sum(),
        col("excess").sum(),
        col("due").sum(),
        (col("rest") > 0).sum().alias("rounding_lines"),
        col("rest").sum().alias("rounding_minor"),
    ]


def _rule_sums() -> list[pl.Expr]:
    return [
        pl.len().alias("lines"),
        *(col(name).sum() for name in ("quantity", "sales_value", "gross", "coupon_disc")),
    ]


def _added(parts: tuple[pl.DataFrame, ...]) -> pl.DataFrame:
    return pl.concat(parts).group_by(parts[0].columns[0]).sum()


def _row(frame: pl.DataFrame, key: str, value: str | int) -> dict[str, Any]:
    """The one row of `key == value`; a rule or window that no line fell under has zero everywhere."""
    rows = frame.filter(col(key) == value).rows(named=True)
    return rows[0] if rows else dict.fromkeys(frame.columns, 0) | {key: value}


def _sold_totals(row: dict[str, Any]) -> SoldTotals:
    return SoldTotals(
        department=row["department"],
        baskets=row["baskets"],
        orders=row["orders"],
        lines=row["lines"],
        units=row["units"],
        gross_minor=_cents(row["gross"]),
        retail_disc_minor=_cents(row["retail_disc"]),
        coupon_match_minor=_cents(row["coupon_match_disc"]),
        coupon_minor=_cents(row["redeemed"]),
        coupon_excess_minor=_cents(row["excess"]),
        buyer_pays_minor=_cents(row["due"]),
        rounding_lines=row["rounding_lines"],
        rounding_minor=row["rounding_minor"],
    )


def _rule_totals(rule: Rule, row: dict[str, Any]) -> RuleTotals:
    return RuleTotals(
        rule=rule,
        lines=row["lines"],
        units=row["quantity"],
        sales_minor=_cents(row["sales_value"]),
        gross_minor=_cents(row["gross"]),
        coupon_minor=_cents(row["coupon_disc"]),
    )


def _cents(dollars: float) -> int:
    """A sum of float dollars; a year of them drifts by far less than a hundredth of a cent."""
    exact = dollars * 100
    if abs(exact - round(exact)) > 0.01:
        raise SourceBrokenError(f"a sum of {dollars} is not in whole cents")
    return round(exact)
