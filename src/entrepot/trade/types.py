"""The law of a country as facts, what is asked at a border and answered, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple
from uuid import UUID

import msgspec
from babel import Locale

from entrepot.kit.problem import Problem

NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
COUNTRIES = {str(code) for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))} - NO_COUNTRIES


class Customs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a country values goods and rounds. `tariff` says which tariff's rates hold, of the year `tariff_year`: what
    is taken of it later is an estimate; without a tariff the mean of the country's duties is one. FOB leaves transport
    and insurance out of the customs value, CIF takes them in. A step is what a value or a tax's base (of all goods of a
    code and origin) or a charge (of the whole) is a multiple of, in major units; without one it is the minor unit, of
    each line, and a base is not rounded."""

    currency: str
    basis: Literal["FOB", "CIF"]
    tariff: str | None = None
    tariff_year: int | None = None
    rounding: Literal["half_up", "down"] = "half_up"
    value_step: Decimal | None = None
    duty_step: Decimal | None = None
    tax_base_step: Decimal | None = None
    tax_step: Decimal | None = None


class Tax(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """VAT or GST at import: `rate` percent of the sum of `on`; `inside` when the tax is part of its own base.

    Goods whose codes begin like one of `may_be_less` (food, medicines, books) pay less in many cases: where no reduced
    rate is known of one, the full rate is an estimate. A country without such a tax has one of 0 percent: none at all
    would mean that nobody has said."""

    name: str
    rate: Decimal
    on: tuple[Literal["goods", "transport", "duty", "fee"], ...] = ("goods", "transport", "duty")
    inside: bool = False
    may_be_less: tuple[str, ...] = ()


class ReducedTax(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another rate for the goods whose codes begin like one of `codes`."""

    name: str
    rate: Decimal
    codes: tuple[str, ...]


class Relief(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """De minimis: no duty, or no tax, on a consignment of up to `up_to`; or `instead`, an expression, less `less`.

    Measured are the goods, with transport and insurance (cif), or what would be due. It does not hold for codes that
    begin like one of `except_`, nor for goods of `not_from`; some hold only if, or unless, the platform is registered,
    or in some `modes`."""

    of: Literal["duty", "tax"]
    up_to: Decimal
    currency: str
    measured: Literal["goods", "cif", "due"]
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")
    not_from: tuple[str, ...] = ()
    applies: Literal["always", "if_registered", "unless_registered"] = "always"
    instead: str = ""
    per: Literal["line", "subheading"] = "line"
    less: Decimal = Decimal(0)
    modes: tuple[str, ...] = ()


SCHEMES = ("IOSS", "OSS", "UK", "AU", "NZ", "SG", "CN")
"""Registrations by which the platform collects a tax at the sale; each has an account of the ledger."""


class Mode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way in which goods are let in, and who collects their tax. Of a country's modes the first by `rank` holds whose
    conditions do: goods worth up to `up_to` (`measured` as for a relief), but not those whose codes begin like one of
    `except_`; sent by a `service` of that kind; lying abroad, in a `bonded` warehouse of the country, or within it or
    its `union`, sold by who is not established there. With a `scheme` the platform must be registered for it, and
    collects the tax when it sells: it owes it, and not the seller. A person may bring in `per_year` by it and all modes
    of the same `quota`; of an order that is over the limit for one, `pieces` at most. `estimate` says what it leaves
    out."""

    name: str
    rank: int
    scheme: str = ""
    up_to: Decimal | None = None
    currency: str = ""
    measured: Literal["goods", "cif"] = "goods"
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")
    service: Literal["any", "post", "courier"] = "any"
    stock: Literal["abroad", "bonded", "union"] = "abroad"
    pieces: int | None = None
    quota: str = ""
    per_year: Decimal | None = None
    estimate: str = ""


class ReturnWindow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Within so many days of its import what is sent back gets back what was paid at the border (`duty`: with the
    tax at import), the `tax` that the platform collected, which without such a window goes back at any time, or the
    `quota` of its buyer; or may lie in `bond` again, where it came from. `modes`: of these only.
    """

    of: Literal["duty", "tax", "quota", "bond"]
    days: int
    modes: tuple[str, ...] = ()


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods are let in by a mode of these once their order, its payment and its transport, as they are told by who made
    them, agree about `fields` (customs.FIELDS)."""

    modes: tuple[str, ...]
    fields: tuple[str, ...]


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A preference: goods of `origins` with a proof of origin may pay the rates of `program`. With `instead` these hold
    for goods of `origins` whatever is proven."""

    tariff: str
    program: str
    name: str
    origins: tuple[str, ...]
    instead: bool = False


class OriginStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an exporter in one of `exporters` may write of goods of `origins` under an agreement, and its condition on
    who may."""

    agreement: str
    exporters: tuple[str, ...]
    origins: tuple[str, ...]
    text: str
    limit: str


class MeanDuty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mean of a country's duties in percent: an estimate for whatever has no rate of its own."""

    rate: Decimal
    year: int


class Union(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Between the countries of one union nothing is imported."""

    name: str


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this law lacks, so that every answer is an estimate; with `codes` only that on such goods."""

    text: str
    codes: tuple[str, ...] = ()


class Restriction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may not be sold to a country (`prohibited`), only by sellers with a permit (`permit`), or only to buyers of
    an age, which they state or give by their date of birth. It is of goods whose codes begin like one of `codes` (two,
    four or six digits) or that have one of `traits`, but for what is sent from a country of `not_from`. `text` explains
    it, by language. `contact` is of all goods: of sellers for whom nobody answers in one of the countries `within`."""

    name: str
    effect: Literal["prohibited", "permit", "age", "contact"]
    text: dict[str, str]
    codes: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    not_from: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    age: int | None = None
    proof: Literal["stated", "birth_date"] = "stated"


Fact = (
    Customs | Tax | ReducedTax | Relief | Program | MeanDuty | Union | Gap | OriginStatement | Restriction | Mode
    | ReturnWindow | Declaration
)  # fmt: skip
KINDS: dict[str, type[Fact]] = {
    "customs": Customs, "tax": Tax, "reduced_tax": ReducedTax, "relief": Relief, "program": Program,
    "mean_duty": MeanDuty, "union": Union, "gap": Gap, "origin_statement": OriginStatement,
    "restriction": Restriction, "mode": Mode, "return_window": ReturnWindow,
    "declaration": Declaration,
}  # fmt: skip


class Cited(NamedTuple):
    """A fact and where it stands."""

    fact: Fact
    citation: str
    valid_from: date


NOT_READ = ""
"""The expression of a line whose duty is not read: what it may be the duty of is refused."""


class Rate(msgspec.Struct, frozen=True):
    """A line of a tariff; `line` is that of the file `source`."""

    tariff: str
    code: str
    program: str
    expression: str
    source: str
    line: int
    valid_from: date


class Item(msgspec.Struct, frozen=True):
    """What a variant is at customs: the code of six digits that all countries share, codes of tariffs that are longer
    (`{"US": "61091000"}`), and of one unit the net weight and, of liquids, the volume."""

    variant_id: int
    hs_code: str
    tariff_codes: dict[str, str]
    country_of_origin: str
    customs_description: str
    weight_g: int
    volume_ml: int | None = None


class Sale(NamedTuple):
    """What somebody would sell: a variant, sent from a country."""

    variant_id: int
    seller_id: UUID
    from_country: str


class Barrier(msgspec.Struct, frozen=True):
    """A rule of a country (Restriction): its `effect` is prohibited, permit, age or contact, the `proof` of an age
    stated or birth_date. It holds from the day `valid_from` until before `valid_to`; `text` explains it by language."""

    name: str
    effect: str
    age: int | None
    proof: str
    text: dict[str, str]
    citation: str
    valid_from: date
    valid_to: date | None


class Goods(NamedTuple):
    """A line of a consignment. `value_minor` is what is paid for it, of the consignment's currency; `quantities` are of
    the whole line, by the units of trade.expressions. `proof` says that there is a proof of origin."""

    code: str
    origin: str
    value_minor: int
    quantities: Mapping[str, Decimal]
    proof: bool = False


class Consignment(NamedTuple):
    """What is sent from one country to another on a day. All amounts are minor units of `currency`. `registered` says
    that the platform is registered for the destination's scheme of low-value goods, where it has one, and collects the
    tax by it. `mode` is what trade.choose found, and `stock` where it lies: see Mode."""

    lines: tuple[Goods, ...]
    from_: str
    to: str
    at: date
    currency: str
    freight_minor: int = 0
    insurance_minor: int = 0
    fee_minor: int = 0
    registered: bool = False
    mode: str = ""
    stock: Literal["abroad", "bonded", "union"] = "abroad"


class Assessed(NamedTuple):
    """A line as customs assesses it, in minor units of the destination's currency; `why` says what of it is only an
    estimate, empty where nothing is."""

    code: str
    goods_minor: int
    transport_minor: int
    customs_value_minor: int
    program: str
    expression: str
    source: str
    duty_minor: int
    duty_relief: str
    tax_name: str
    tax_rate: Decimal
    tax_base_minor: int
    tax_minor: int
    tax_source: str
    tax_relief: str
    why: str


class Facts(NamedTuple):
    """What the mode depends on beside the consignment: for which schemes the platform is registered that day, how it is
    sent, how many pieces it has, what the buyer may bring in this year by quota (minor units of the mode's currency;
    None: not asked)."""

    schemes: frozenset[str]
    service: str
    pieces: int
    left_minor: Mapping[str, int] | None = None


class Chosen(NamedTuple):
    """The mode that holds, where it stands, why those before it do not, and what the goods are worth by its measure, in
    minor units of its currency (0: it has no measure)."""

    mode: Mode
    citation: str
    passed: tuple[str, ...]
    value_minor: int


class Landed(NamedTuple):
    """What a consignment costs at the border. The sums and `charges`, which is (duty, tax) for each line, are in minor
    units of the consignment's `currency`; the lines in those of `customs_currency`, at `rate` units of it for one."""

    currency: str
    customs_currency: str
    basis: str
    rate: Decimal
    lines: tuple[Assessed, ...]
    charges: tuple[tuple[int, int], ...]
    duty_minor: int
    tax_minor: int
    fee_minor: int
    estimated: bool
    why: tuple[str, ...]

    @property
    def border_minor(self) -> int:
        """All that the border adds to goods and transport."""
        return self.duty_minor + self.tax_minor + self.fee_minor


class EuroRate(msgspec.Struct, frozen=True):
    """So many units of a currency were one euro on a day, as the source of this title says."""

    currency: str
    day: date
    per_euro: Decimal
    source: str


@dataclass(eq=False)
class TradeProblem(Problem):
    """What the border needs to know is missing or wrong."""

    status: ClassVar[int] = 409
    field: str
    remedy: str
    line: int | None = None  # which of the consignment's, from 0


@dataclass(eq=False)
class ItemMissing(TradeProblem):
    """Nobody has said what this is at customs, so it is not sold abroad."""

    variant_id: int = 0


@dataclass(eq=False)
class SaidByAnother(TradeProblem):
    """Another seller, or the operator, has said what this is at customs."""


@dataclass(eq=False)
class CodeUnknown(TradeProblem):
    """There is no such code in the nomenclature of this day."""


@dataclass(eq=False)
class NomenclatureMissing(TradeProblem):
    """There is no nomenclature to search in."""


@dataclass(eq=False)
class RateMissing(TradeProblem):
    """The tariff has no rate for this code on this day."""


@dataclass(eq=False)
class QuantityMissing(TradeProblem):
    """The duty depends on a quantity that is not said."""


@dataclass(eq=False)
class OriginMissing(TradeProblem):
    """The country of origin is not said, or is no country."""


@dataclass(eq=False)
class LawMissing(TradeProblem):
    """There is no law for this country on this day."""


@dataclass(eq=False)
class CurrencyRateMissing(TradeProblem):
    """There is no exchange rate for this currency on this day."""


@dataclass(eq=False)
class ValueNotValid(TradeProblem):
    """A value at the border must be from 0 to the largest that there is."""


@dataclass(eq=False)
class NotLetIn(TradeProblem):
    """By no mode of the country can this be let in."""

    tried: tuple[str, ...] = ()


@dataclass(eq=False)
class NotSoldThere(Problem):
    """The law of the country it would go to does not let this be sold, or not by this seller."""

    status: ClassVar[int] = 409
    offer_id: int
    country: str
    rule: Barrier


@dataclass(eq=False)
class AgeNeeded(Problem):
    """The law of the country it would go to asks for the buyer's age: say it first."""

    status: ClassVar[int] = 409
    offer_id: int
    country: str
    rule: Barrier


@dataclass(eq=False)
class TooYoung(Problem):
    """By this date of birth nobody is of an age yet."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class RuleNotValid(Problem):
    """A rule of what may be sold cannot be read."""

    status: ClassVar[int] = 422
    detail: str


@dataclass(eq=False)
class PartiesNotValid(Problem):
    """A list of denied parties cannot be read."""

    status: ClassVar[int] = 422
    detail: str


@dataclass(eq=False)
class RegistrationNotValid(Problem):
    """A registration ends after it has begun."""

    status: ClassVar[int] = 422
    detail: str


@dataclass(eq=False)
class PackNotValid(Problem):
    """A pack of the law cannot be read."""

    status: ClassVar[int] = 422
    detail: str
