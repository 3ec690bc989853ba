"""Landed cost: what duty and tax a consignment pays. Pure, in Decimal and whole minor units.

    customs value = goods (FOB), or goods + transport (CIF)
    duty          = what the tariff takes of it, unless the consignment is small
    tax           = rate x (goods + transport + duty ...), unless the consignment is small

Transport and insurance are shared over the lines by their value, by largest remainder. Customs rounds each line, and
the sums are those of the lines; where the law rounds a sum to a step (values and bases those of an item, which is all
goods of one code and origin; duty and tax the whole), its parts are shared out to the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from entrepot.kit.money import MAX_MINOR, allocate, exponent
from entrepot.trade import expressions
from entrepot.trade.books import Book, Law, Line
from entrepot.trade.types import (
    Assessed,
    Consignment,
    Customs,
    Goods,
    Landed,
    OriginMissing,
    QuantityMissing,
    Relief,
    Tax,
    ValueNotValid,
)

ZERO = Decimal(0)
ONE = Decimal(1)
WITHIN = "It lies within the customs territory: no duty"
ROUNDINGS = {"half_up": ROUND_HALF_UP, "down": ROUND_DOWN}


class Valued(NamedTuple):
    """A line's parts in minor units of the destination's currency: exact goods and transport, rounded customs value."""

    goods: Decimal
    transport: Decimal
    fee: Decimal
    value_minor: int


class Due(NamedTuple):
    """A line's duty in minor units, not rounded, and what it rests on."""

    minor: Decimal
    line: Line | None
    relief: str
    why: str


class Taxed(NamedTuple):
    minor: Decimal
    base: Decimal
    name: str
    rate: Decimal
    citation: str
    relief: str
    why: str


def quote(book: Book, sent: Consignment) -> Landed:
    """What the consignment costs at the border on the book's day. Raises ValueNotValid, OriginMissing, LawMissing,
    RateMissing, QuantityMissing and CurrencyRateMissing, each with the field and what would help."""
    _check(sent)
    law = book.law(sent.to)
    customs = law.customs
    imported = sent.stock == "bonded" or book.is_import(sent.from_, sent.to)
    if not imported and sent.stock != "union":
        return _inside(sent, customs)
    rate = book.factor(sent.currency, customs.currency)
    factor = rate.scaleb(exponent(customs.currency) - exponent(sent.currency))
    valued = _value(sent, customs, factor)
    dues = _duties(book, law, sent, valued) if imported else [Due(ZERO, None, WITHIN, "")] * len(sent.lines)
    duty_minors = _rounded([due.minor for due in dues], customs, customs.duty_step)
    taxed = _taxes(book, law, sent, valued, duty_minors)
    tax_minors = _rounded([one.minor for one in taxed], customs, customs.tax_step)
    tax_minors, waived = _waived(book, law, sent, tax_minors)
    lines = tuple(
        Assessed(
            goods.code, whole(parts.goods), whole(parts.transport), parts.value_minor, *_rate(due), duty_minor,
            due.relief, tax.name, tax.rate, whole(tax.base), tax_minor, tax.citation, tax.relief or waived,
            due.why or tax.why,
        )
        for goods, due, parts, duty_minor, tax, tax_minor in zip(
            sent.lines, dues, valued, duty_minors, taxed, tax_minors, strict=True
        )
    )  # fmt: skip
    charges = tuple(zip(duty_minors, tax_minors, strict=True))
    if factor != ONE:
        charges = tuple((whole(duty / factor), whole(tax / factor)) for duty, tax in charges)
    why = _why(law, sent, dues, taxed)
    duty, tax = sum(charge[0] for charge in charges), sum(charge[1] for charge in charges)
    fee = sent.fee_minor if duty or (tax and not sent.registered) else 0
    return Landed(
        sent.currency, customs.currency, customs.basis, rate, lines, charges, duty, tax, fee, bool(why), why
    )  # fmt: skip


def _why(law: Law, sent: Consignment, dues: list[Due], taxed: list[Taxed]) -> tuple[str, ...]:
    """Why it is only an estimate, each reason once."""
    codes = [goods.code for goods in sent.lines]
    gaps = [gap.text for gap in law.gaps if not gap.codes or any(code.startswith(gap.codes) for code in codes)]
    reasons = [*gaps, *(due.why for due in dues), *(tax.why for tax in taxed)]
    return tuple(dict.fromkeys(reason for reason in reasons if reason))


def _inside(sent: Consignment, customs: Customs) -> Landed:
    return Landed(
        sent.currency, customs.currency, customs.basis, ONE, (), ((0, 0),) * len(sent.lines), 0, 0, 0, False, ()
    )  # fmt: skip


def _check(sent: Consignment) -> None:
    for field in ("freight_minor", "insurance_minor", "fee_minor"):
        if not 0 <= getattr(sent, field) <= MAX_MINOR:
            raise ValueNotValid(field, f"give minor units from 0 to {MAX_MINOR}")
    for number, goods in enumerate(sent.lines):
        if not 0 <= goods.value_minor <= MAX_MINOR:
            raise ValueNotValid("value_minor", f"give minor units from 0 to {MAX_MINOR}", number)
        if len(goods.origin) != 2 or not goods.origin.isupper():
            raise OriginMissing("country_of_origin", "give the ISO code of the country where it was made", number)


def _value(sent: Consignment, customs: Customs, factor: Decimal) -> list[Valued]:
    weights = [goods.value_minor for goods in sent.lines]
    transport = _shared(sent.freight_minor + sent.insurance_minor, weights)
    fees = _shared(sent.fee_minor, weights)
    cif = customs.basis == "CIF"
    exact = [(one + other if cif else one) * factor for one, other in zip(weights, transport, strict=True)]
    step = customs.value_step
    values = [whole(value) for value in exact] if step is None else _by_item(sent, exact, customs, step)
    return [
        Valued(goods_minor * factor, transport_minor * factor, fee_minor * factor, value_minor)
        for goods_minor, transport_minor, fee_minor, value_minor in zip(weights, transport, fees, values, strict=True)
    ]


def _shared(total: int, weights: Sequence[int]) -> list[int]:
    if total == 0:
        return [0] * len(weights)
    return [total] if len(weights) == 1 else allocate(total, weights)


def _duties(book: Book, law: Law, sent: Consignment, valued: list[Valued]) -> list[Due]:
    relief = _relief(book, law.duty_reliefs, law, sent, valued)
    if relief is None:
        return [
            _duty(book, law, goods, parts, n) for n, (goods, parts) in enumerate(zip(sent.lines, valued, strict=True))
        ]
    fact, citation = relief
    held = [not goods.code.startswith(fact.except_) and goods.origin not in fact.not_from for goods in sent.lines]
    amounts = iter(_instead(book, law, fact, [
        (goods, parts) for goods, parts, holds in zip(sent.lines, valued, held, strict=True) if holds
    ]))  # fmt: skip
    return [
        Due(next(amounts), None, citation, "") if holds else _duty(book, law, goods, parts, number)
        for number, (goods, parts, holds) in enumerate(zip(sent.lines, valued, held, strict=True))
    ]


def _instead(book: Book, law: Law, fact: Relief, goods: list[tuple[Goods, Valued]]) -> list[Decimal]:
    """What small consignments pay in the place of duty: nothing, or an expression of each line, or of each subheading,
    which its lines share by their value."""
    if not fact.instead:
        return [ZERO] * len(goods)
    expression = expressions.parse(fact.instead)
    minor = exponent(law.customs.currency)
    one = {"item": ONE}

    def convert(amount: Decimal, currency: str) -> Decimal:
        return amount * book.factor(currency, law.customs.currency)

    if fact.per == "line":
        found = [
            expression.amount(Decimal(parts.value_minor).scaleb(-minor), one, convert).scaleb(minor)
            for _, parts in goods
        ]
        less = convert(fact.less, fact.currency).scaleb(minor)
        total = sum(found, ZERO)
        return [due * max(total - less, ZERO) / total for due in found] if less and total else found
    found = [ZERO] * len(goods)
    for heading in dict.fromkeys(line.code[:6] for line, _ in goods):
        members = [n for n, (line, _) in enumerate(goods) if line.code[:6] == heading]
        due = whole(expression.amount(ZERO, one, convert).scaleb(minor))
        for n, part in zip(members, allocate(due, [goods[n][1].value_minor for n in members]), strict=True):
            found[n] = Decimal(part)
    return found


def _relief(
    book: Book, reliefs: list[tuple[Relief, str]], law: Law, sent: Consignment, valued: list[Valued]
) -> tuple[Relief, str] | None:
    """The first relief that the whole consignment is small enough for."""
    for fact, citation in reliefs:
        if fact.applies != "always" and sent.registered != (fact.applies == "if_registered"):
            continue
        if fact.measured == "due" or not _is_for(fact, sent):
            continue
        total = sum((parts.goods for parts in valued), ZERO)
        if fact.measured == "cif":
            total += sum((parts.transport for parts in valued), ZERO)
        if total <= _limit(book, fact, law):
            return fact, citation
    return None


def _is_for(fact: Relief, sent: Consignment) -> bool:
    """Small consignments are relieved that come from abroad: goods that lie in bond only by modes that it names, or by
    a scheme of the platform's."""
    if fact.modes:
        return sent.mode in fact.modes
    return sent.stock != "bonded" or fact.applies == "if_registered"


def _limit(book: Book, fact: Relief, law: Law) -> Decimal:
    """In minor units of the destination's currency."""
    currency = law.customs.currency
    return (fact.up_to * book.factor(fact.currency, currency)).scaleb(exponent(currency))


def _duty(book: Book, law: Law, goods: Goods, parts: Valued, number: int) -> Due:
    found = book.duty(law, goods.code, goods.origin, goods.proof)
    first = found.lines[0]
    if len(found.lines) == 1 and len(first) == 1 and first[0].expression.share is not None:
        return Due(parts.value_minor * first[0].expression.share, first[0], "", found.why)
    currency = law.customs.currency
    minor = exponent(currency)
    value = Decimal(parts.value_minor).scaleb(-minor)

    def convert(amount: Decimal, other: str) -> Decimal:
        return amount * book.factor(other, currency)

    def due(line: Line) -> Decimal:
        try:
            return line.expression.amount(value, goods.quantities, convert).scaleb(minor)
        except KeyError as missing:
            raise QuantityMissing(
                missing.args[0], f"say how many {missing.args[0]} it is: the duty is {line.rate.expression}", number
            ) from None

    highest = max((min(((due(line), line) for line in option), key=_amount) for option in found.lines), key=_amount)
    return Due(highest[0], highest[1], "", found.why)


def _amount(pair: tuple[Decimal, Line]) -> Decimal:
    return pair[0]


def _taxes(book: Book, law: Law, sent: Consignment, valued: list[Valued], duty_minors: list[int]) -> list[Taxed]:
    relief = _relief(book, law.tax_reliefs, law, sent, valued) if law.tax_reliefs else None
    taxing = [book.tax(law, goods.code) for goods in sent.lines]
    bases = [
        _base(tax, parts, duty_minor)
        for (tax, _, _), parts, duty_minor in zip(taxing, valued, duty_minors, strict=True)
    ]
    if law.customs.tax_base_step is not None:
        bases = [Decimal(base) for base in _by_item(sent, bases, law.customs, law.customs.tax_base_step)]
    found = []
    for goods, (tax, citation, why), base in zip(sent.lines, taxing, bases, strict=True):
        share = tax.rate.scaleb(-2)
        if tax.inside:  # part of its own base: of 83, 17 % inside are 17
            base = base / (1 - share)
        if relief is None or goods.code.startswith(relief[0].except_) or goods.origin in relief[0].not_from:
            found.append(Taxed(base * share, base, tax.name, tax.rate, citation, "", why))
            continue
        share = expressions.parse(relief[0].instead).share or ZERO if relief[0].instead else ZERO
        found.append(Taxed(base * share, base, tax.name, share.scaleb(2), citation, relief[1], ""))
    return found


def _base(tax: Tax, parts: Valued, duty_minor: int) -> Decimal:
    base = parts.goods if "goods" in tax.on else ZERO
    if "transport" in tax.on:
        base += parts.transport
    if "duty" in tax.on:
        base += duty_minor
    return base + parts.fee if "fee" in tax.on else base


def _waived(book: Book, law: Law, sent: Consignment, tax_minors: list[int]) -> tuple[list[int], str]:
    """Taxes that are so small in all that they are not taken."""
    for fact, citation in law.tax_reliefs:
        if _is_for(fact, sent) and fact.measured == "due" and sum(tax_minors) <= _limit(book, fact, law):
            return [0] * len(sent.lines), citation
    return tax_minors, ""


def _rounded(minors: list[Decimal], customs: Customs, step: Decimal | None) -> list[int]:
    if step is None:
        rounding = ROUNDINGS[customs.rounding]
        return [int(minor.to_integral_value(rounding)) for minor in minors]
    total = _step(sum(minors, ZERO), customs, step)
    return allocate(total, [whole(minor * 1_000) for minor in minors])


def _by_item(sent: Consignment, minors: Sequence[Decimal], customs: Customs, step: Decimal) -> list[int]:
    """What the lines have of each item's sum, cut to a step: cut by itself, each of many small lines would be free."""
    items: dict[tuple[str, str], list[int]] = {}
    for number, goods in enumerate(sent.lines):
        items.setdefault((goods.code, goods.origin), []).append(number)
    found = [0] * len(minors)
    for numbers in items.values():
        of_item = [minors[number] for number in numbers]
        shares = allocate(_step(sum(of_item, ZERO), customs, step), [whole(minor * 1_000) for minor in of_item])
        for number, share in zip(numbers, shares, strict=True):
            found[number] = share
    return found


def _step(minor: Decimal, customs: Customs, step: Decimal) -> int:
    unit = step.scaleb(exponent(customs.currency))
    return int((minor / unit).to_integral_value(ROUNDINGS[customs.rounding]) * unit)


def whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP))


def _rate(due: Due) -> tuple[str, str, str]:
    """(program, expression, where it stands) of the rate that a duty was taken by."""
    if due.line is None:
        return "", "", ""
    rate = due.line.rate
    return rate.program, rate.expression, f"{rate.source}:{rate.line}" if rate.line else rate.source
