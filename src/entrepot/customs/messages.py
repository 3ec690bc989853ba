"""The three messages of an order that customs compares: of the platform about the order, of who took the payment, of
who carries the parcel. Pure: what they say of one thing, and where they do not agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR, Money

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class Person(msgspec.Struct, frozen=True):
    """By name and, where the country counts what people bring in, by who that is at customs (orders.identity)."""

    name: str
    person: str = ""


class DeclaredItem(msgspec.Struct, frozen=True):
    """So much of an item of the account book; `sold_as` is what the catalog calls it at customs: code and origin."""

    record_no: str
    book: str
    hs_code: str
    country_of_origin: str
    unit: str
    quantity_milli: int
    value_minor: int
    sold_as: str


class OrderMessage(msgspec.Struct, frozen=True):
    """What the platform says. `net_weight_g` is that of its `units`; amounts are minor units of `currency`."""

    order_id: str
    buyer: Person
    recipient: str
    items: list[DeclaredItem]
    units: int
    net_weight_g: int
    goods_minor: int
    freight_minor: int
    discount_minor: int
    tax_minor: int
    paid_minor: int
    currency: str
    payment_id: str


class PaymentMessage(msgspec.Struct, frozen=True):
    """What who took the payment says."""

    order_id: str
    provider: str
    payment_id: str
    payer: Person
    amount_minor: int
    currency: str


class ParcelMessage(msgspec.Struct, frozen=True):
    """What who carries the parcel says. `weight_g` is with its packing."""

    order_id: str
    carrier: str
    tracking_number: str
    recipient: str
    units: int
    weight_g: int
    freight_minor: int
    currency: str


class PaymentSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a payment firm tells of an order's payment; what it does not say is as our books have it."""

    payment_id: Text | None = None
    payer: Text | None = None
    amount_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] | None = None
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}")] | None = None


class ParcelSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What who packs it, or the carrier, tells of an order's parcel; what is not said is as in the order."""

    carrier: Annotated[str, Meta(min_length=1, max_length=40)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=80)]
    weight_g: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    recipient: Text | None = None
    units: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    freight_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] | None = None


class Messages(msgspec.Struct, frozen=True):
    """All of an order; `parcel` is None as long as nobody has said with what it is sent."""

    order: OrderMessage
    payment: PaymentMessage
    parcel: ParcelMessage | None


class Disagreement(msgspec.Struct, frozen=True):
    """About this field the messages do not agree: what each says of it, by who says it."""

    field: str
    said: dict[str, str]


Said = Mapping[str, str]


def _order(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:
    return {"order": order.order_id, "payment": payment.order_id, "parcel": parcel.order_id}


def _item(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    """What is sold is what the book calls it: heading of six digits, and origin."""
    sold = ", ".join(one.sold_as for one in order.items)
    booked = ", ".join(f"{one.hs_code[:6]} {one.country_of_origin}" for one in order.items)
    return {"order": sold or "none", "book": booked or "nothing"}


def _sum(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    total = order.goods_minor + order.freight_minor - order.discount_minor + order.tax_minor
    return {"order": f"{Money(order.paid_minor, order.currency)}", "lines": f"{Money(total, order.currency)}"}


def _buyer(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    """The payer's person is told by our books only: a firm that names somebody names another."""
    same = order.buyer.person == payment.payer.person
    told = payment.payer.name if same else f"{payment.payer.name} (another person)"
    return {"order": order.buyer.name, "payment": told}


def _amount(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    paid, told = Money(order.paid_minor, order.currency), Money(payment.amount_minor, payment.currency)
    return {"order": str(paid), "payment": str(told)}


def _currency(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:
    return {"order": order.currency, "payment": payment.currency, "parcel": parcel.currency}


def _payment(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    return {"order": order.payment_id, "payment": payment.payment_id}


def _recipient(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    return {"order": order.recipient, "parcel": parcel.recipient}


def _freight(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    said, told = Money(order.freight_minor, order.currency), Money(parcel.freight_minor, parcel.currency)
    return {"order": str(said), "parcel": str(told)}


def _units(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    return {"order": str(order.units), "parcel": str(parcel.units)}


def _weight(order: OrderMessage, payment: PaymentMessage, parcel: ParcelMessage) -> Said:  # noqa: ARG001
    """A parcel weighs what is in it, and more."""
    told = min(order.net_weight_g, parcel.weight_g)
    return {"order": f"{order.net_weight_g} g", "parcel": f"{told} g"}


FIELDS: dict[str, Callable[[OrderMessage, PaymentMessage, ParcelMessage], Said]] = {
    "order": _order, "item": _item, "sum": _sum, "buyer": _buyer, "amount": _amount, "currency": _currency,
    "payment": _payment, "recipient": _recipient, "freight": _freight, "units": _units, "weight": _weight,
}  # fmt: skip
"""What the messages may have to agree about, as the law names it (trade.Declaration)."""


def disagreements(told: Messages, fields: Iterable[str]) -> list[Disagreement]:
    """About what the messages do not agree, in the order of FIELDS; about the parcel, until somebody speaks of it."""
    if told.parcel is None:
        return [Disagreement("parcel", {"parcel": ""})]
    wanted = set(fields)
    found = []
    for name, say in FIELDS.items():
        said = dict(say(told.order, told.payment, told.parcel))
        if name in wanted and len(set(said.values())) > 1:
            found.append(Disagreement(name, said))
    return found
