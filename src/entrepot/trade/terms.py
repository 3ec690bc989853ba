"""Incoterms 2020 as computed terms: which costs of a sale over a border are in the seller's price, and where the risk
passes to the buyer. What it costs in all is the same by every term; a term says who pays whom for it. Pure.

    EXW   goods
    FCA FAS FOB   + origin: to the carrier or on board, and the clearance for export
    CFR CPT       + freight
    CIF CIP       + insurance
    DAP DPU       the same, at the seller's risk to the end
    DDP           + duty, tax and clearance at import
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from entrepot.kit.money import allocate
from entrepot.trade.types import Consignment, Landed

Incoterm = Literal["EXW", "FCA", "FAS", "FOB", "CFR", "CPT", "CIF", "CIP", "DAP", "DPU", "DDP"]
Cost = Literal["goods", "origin", "freight", "insurance", "duty", "tax", "clearance"]
Handover = Literal["at_seller", "to_carrier", "alongside", "on_board", "at_destination", "unloaded"]
COSTS: tuple[Cost, ...] = ("goods", "origin", "freight", "insurance", "duty", "tax", "clearance")


class Term(NamedTuple):
    """So many of COSTS, from the first, are in the price; from `handover` on the risk is the buyer's."""

    in_price: int
    handover: Handover


TERMS: dict[Incoterm, Term] = {
    "EXW": Term(1, "at_seller"), "FCA": Term(2, "to_carrier"), "FAS": Term(2, "alongside"), "FOB": Term(2, "on_board"),
    "CFR": Term(3, "on_board"), "CPT": Term(3, "to_carrier"), "CIF": Term(4, "on_board"), "CIP": Term(4, "to_carrier"),
    "DAP": Term(4, "at_destination"), "DPU": Term(4, "unloaded"), "DDP": Term(7, "at_destination"),
}  # fmt: skip


class CostLine(msgspec.Struct, frozen=True):
    cost: Cost
    amount_minor: int
    in_price: bool


class Terms(msgspec.Struct, frozen=True):
    """Who pays what by a term: `price_minor` is what the seller asks for, `beside_minor` what the buyer pays to others
    (to the platform the tax that it collects), together always the same. From `risk_passes` on what is lost is the
    buyer's loss."""

    incoterm: Incoterm
    costs: list[CostLine]
    price_minor: int
    beside_minor: int
    risk_passes: Handover


def with_origin(sent: Consignment, origin_minor: int) -> Consignment:
    """What it costs until the goods are loaded is part of their value at every border; the lines share it by value."""
    if not origin_minor:
        return sent
    shares = allocate(origin_minor, [line.value_minor for line in sent.lines])
    lines = zip(sent.lines, shares, strict=True)
    return sent._replace(lines=tuple(line._replace(value_minor=line.value_minor + share) for line, share in lines))


def terms(incoterm: Incoterm, sent: Consignment, origin_minor: int, landed: Landed) -> Terms:
    """`sent` is without the costs of the origin, `landed` what the border takes with them."""
    term = TERMS[incoterm]
    amounts = (
        sum(line.value_minor for line in sent.lines), origin_minor, sent.freight_minor, sent.insurance_minor,
        landed.duty_minor, landed.tax_minor, landed.fee_minor,
    )  # fmt: skip
    price = sum(amounts[: term.in_price])
    costs = [
        CostLine(cost, amount, number < term.in_price)
        for number, (cost, amount) in enumerate(zip(COSTS, amounts, strict=True))
    ]
    return Terms(incoterm, costs, price, sum(amounts) - price, term.handover)
