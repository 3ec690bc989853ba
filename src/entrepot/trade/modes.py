"""By which way goods are let into a country, and so who collects their tax. Pure: a book of one day and what is known
of the consignment in, the mode and why the ones before it do not hold out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from entrepot.kit.money import Money, exponent
from entrepot.trade.books import Book
from entrepot.trade.rules import whole
from entrepot.trade.trace import Step
from entrepot.trade.types import Chosen, Consignment, Facts, Mode, NotLetIn


def choose_mode(book: Book, sent: Consignment, facts: Facts) -> Chosen | None:
    """The mode by which a consignment is let in; None where nothing is imported or taxed on its way, or the law of the
    destination says nothing of modes. Raises NotLetIn, LawMissing, CurrencyRateMissing."""
    if sent.stock == "abroad" and not book.is_import(sent.from_, sent.to):
        return None
    modes = [pair for pair in book.law(sent.to).modes if pair[0].stock == sent.stock]
    passed: list[str] = []
    for mode, citation in modes:
        value = _value(book, sent, mode)
        against = next(_against(mode, value, sent, facts), None)
        if against is None:
            return Chosen(mode, citation, tuple(passed), whole(value) if mode.currency else 0)
        passed.append(f"{mode.name}: {against}")
    if modes and sent.stock != "union":
        raise NotLetIn("lines", f"send less, or by another service: {'; '.join(passed)}", tried=tuple(passed))
    return None


def by_mode(sent: Consignment, chosen: Chosen | None) -> Consignment:
    """The consignment as it is let in."""
    if chosen is None:
        return sent if sent.stock != "union" else sent._replace(stock="abroad")
    return sent._replace(mode=chosen.mode.name, registered=bool(chosen.mode.scheme))


def has_deemed_supply(book: Book, country: str, schemes: Collection[str]) -> bool:
    """Whether by the law of a country the platform, with these registrations, owes the tax of what lies there, or in
    its union, and is sold by who is not established in it."""
    law = book.laws.get(country)
    return law is not None and bool(law.taxes) and any(m.stock == "union" and m.scheme in schemes for m, _ in law.modes)


class Included(NamedTuple):
    """The tax of a line that is in what is paid for it, and what it is of: together that is all that is paid."""

    tax_minor: int
    base_minor: int
    rate: Decimal
    step: Step


def included(book: Book, sent: Consignment, paid_minors: Sequence[int]) -> tuple[Included, ...]:
    """The tax in the prices of a consignment's lines, at the rates of where it goes: 19 / 119 of what is paid, each
    line rounded half up. Raises LawMissing."""
    found = []
    for number, (goods, paid) in enumerate(zip(sent.lines, paid_minors, strict=True), 1):
        tax, citation, why = book.tax(book.law(sent.to), goods.code)
        minor = whole(paid * tax.rate / (100 + tax.rate))
        within = (
            f"{tax.name} {tax.rate.normalize():f}% within {Money(paid, sent.currency)}: {Money(minor, sent.currency)}"
        )
        unknown = "" if goods.code else "; its code is not said: the full rate is taken"
        step = Step(number, "tax", f"{within}{unknown}{f' ({why})' if why else ''}", citation)
        found.append(Included(minor, paid - minor, tax.rate, step))
    return tuple(found)


def mode_steps(chosen: Chosen | None) -> list[Step]:
    """The choice in words."""
    if chosen is None:
        return []
    mode = chosen.mode
    who = f"the platform collects the tax ({mode.scheme})" if mode.scheme else "the tax is paid at the border"
    steps = [Step(0, "mode", f"{mode.name}: {who}", chosen.citation)]
    return [*steps, *(Step(0, "mode", f"not by {one}", "") for one in chosen.passed)]


def _value(book: Book, sent: Consignment, mode: Mode) -> Decimal:
    """The consignment by the mode's measure, in minor units of its currency."""
    if not mode.currency:
        return Decimal(0)
    total = sum(line.value_minor for line in sent.lines)
    if mode.measured == "cif":
        total += sent.freight_minor + sent.insurance_minor
    factor = book.factor(sent.currency, mode.currency)
    return (total * factor).scaleb(exponent(mode.currency) - exponent(sent.currency))


def _against(mode: Mode, value: Decimal, sent: Consignment, facts: Facts) -> Iterator[str]:
    """What keeps a consignment out of a mode."""
    if mode.scheme and mode.scheme not in facts.schemes:
        yield f"the platform is not registered for {mode.scheme}"
    if mode.service not in ("any", facts.service):
        yield f"it is for what is sent by {mode.service}"
    if excepted := next((line.code for line in sent.lines if line.code.startswith(mode.except_ or ("-",))), None):
        yield f"not for goods like {excepted}"
    if mode.up_to is not None and value > mode.up_to.scaleb(exponent(mode.currency)):
        yield f"up to {_said(mode.up_to, mode)}"
    if mode.pieces is not None and facts.pieces > mode.pieces:
        yield f"up to {mode.pieces} pieces"
    if mode.per_year is not None and facts.left_minor is not None:
        limit = whole(mode.per_year.scaleb(exponent(mode.currency)))
        left = facts.left_minor.get(mode.quota, limit)
        if whole(value) > left:
            yield f"of {_said(mode.per_year, mode)} a year {Money(left, mode.currency)} are left"


def _said(amount: Decimal, mode: Mode) -> str:
    return str(Money(whole(amount.scaleb(exponent(mode.currency))), mode.currency))
