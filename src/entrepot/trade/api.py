"""What goods cost at a border, for everyone; and what it rests on."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from entrepot.kit.db import ReadTx
from entrepot.kit.http import PUBLIC, get, post
from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR
from entrepot.trade import reads, store
from entrepot.trade.rules import quote
from entrepot.trade.trace import Step, steps
from entrepot.trade.types import (
    Consignment,
    CurrencyRateMissing,
    Goods,
    LawMissing,
    OriginMissing,
    QuantityMissing,
    RateMissing,
)

MAX_LINES = 200
Country = Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["DE"])]
Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Quantity = Annotated[str, Meta(pattern=f"^[0-9]{{1,9}}(\\.[0-9]{{1,6}})?{END}", examples=["0.35"])]
Unit = Literal["kg", "l", "item", "pair", "m", "m2", "m3", "%vol hl", "proof l"]


class GoodsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line: `code` has six digits (HS) or those of the destination's tariff. `quantities` are of the whole line."""

    code: Annotated[str, Meta(pattern=f"^[0-9]{{6,10}}{END}", examples=["610910"])]
    origin: Country
    value_minor: Minor
    quantities: dict[Unit, Quantity] = {}
    proof: bool = False


class LandedAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All amounts are minor units of `currency`. Without `at` it is today. `registered` says that who sells is
    registered for the destination's scheme of low-value goods."""

    from_: Annotated[Country, Meta(description="where it is sent from")] = msgspec.field(name="from")
    to: Country
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}", examples=["EUR"])]
    lines: Annotated[list[GoodsAsked], Meta(min_length=1, max_length=MAX_LINES)]
    freight_minor: Minor = 0
    insurance_minor: Minor = 0
    fee_minor: Minor = 0
    registered: bool = False
    at: date | None = None


class Charge(msgspec.Struct, frozen=True):
    duty_minor: int
    tax_minor: int


class LandedView(msgspec.Struct, frozen=True):
    """What the border adds, in minor units of `currency`; `lines` in the order asked. An estimate says `why`."""

    currency: str
    duty_minor: int
    tax_minor: int
    fee_minor: int
    lines: list[Charge]
    estimated: bool
    why: list[str]
    steps: list[Step]


class SourceView(msgspec.Struct, frozen=True):
    """A file or a pack: how many rows it gave, how many of its lines were not read."""

    name: str
    title: str
    imported_at: datetime
    rows: int
    unread: int


class Sources(msgspec.Struct, frozen=True):
    items: list[SourceView]


async def quote_landed_cost(tx: ReadTx, body: LandedAsked) -> LandedView:
    """Duty and tax of a consignment, step by step."""
    at = body.at or tx.now.date()
    sent = Consignment(
        tuple(
            Goods(
                line.code, line.origin, line.value_minor,
                {unit: Decimal(quantity) for unit, quantity in line.quantities.items()}, line.proof,
            )
            for line in body.lines
        ),
        body.from_, body.to, at, body.currency, body.freight_minor, body.insurance_minor, body.fee_minor,
        body.registered,
    )  # fmt: skip
    book = await reads.book(tx, {body.to, body.from_}, {line.code for line in body.lines}, at, {body.currency})
    landed = quote(book, sent)
    return LandedView(
        landed.currency, landed.duty_minor, landed.tax_minor, landed.fee_minor,
        [Charge(duty, tax) for duty, tax in landed.charges], landed.estimated, list(landed.why), steps(landed),
    )  # fmt: skip


async def list_tariff_sources(tx: ReadTx) -> Sources:
    """The files and packs that landed costs rest on."""
    return Sources([
        SourceView(row.name, row.title, row.imported_at, row.read, sum(number for number, _ in row.unread.values()))
        for row in await tx.all(store.SOURCES)
    ])  # fmt: skip


routes = [
    post(
        "/v1/landed-cost", quote_landed_cost, access=PUBLIC,
        raises=(CurrencyRateMissing, LawMissing, OriginMissing, QuantityMissing, RateMissing),
    ),
    get("/v1/tariff-sources", list_tariff_sources, access=PUBLIC),
]  # fmt: skip
