"""What is known of a parcel, and its papers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from entrepot.catalog import Price


class Party(msgspec.Struct, frozen=True):
    """Who sends or gets it; `country` is an ISO 3166-1 alpha-2 code, which knows a business by its `tax_id`. `lines`
    are how the country writes the address, name and all; empty: there is no such form of it."""

    name: str
    line1: str
    postal_code: str
    city: str
    country: str
    line2: str = ""
    region: str = ""
    tax_id: str = ""
    lines: list[str] = []


class Line(msgspec.Struct, frozen=True):
    """`quantity` units of one kind of goods: what they are called at customs, where they were made, what they weigh
    altogether without packing, and what is paid for them. `tariff_code` is the destination's own, empty if not said."""

    number: int
    description: str
    hs_code: str
    tariff_code: str
    country_of_origin: str
    quantity: int
    unit: str
    net_weight_g: int
    value: Price


class Statement(msgspec.Struct, frozen=True):
    """What an exporter may write under an agreement when the goods fulfil its rules of origin, `limit` being its
    condition on who may. It is for the exporter to sign: nobody else knows whether they do."""

    agreement: str
    text: str
    limit: str
    citation: str


class Sent(msgspec.Struct, frozen=True):
    """A parcel, as its papers see it. `transport` is what the buyer pays for it; `prepaid` what was paid for duty, tax
    and clearance with the order (DDP), None when that is asked at the door (DAP). `tax_collected` says by which scheme
    the platform has collected the tax, with its number; empty: by none."""

    order_id: str
    day: date
    sender: Party
    recipient: Party
    lines: list[Line]
    transport: Price
    prepaid: Price | None
    statement: Statement | None
    tax_collected: str = ""


class Invoice(msgspec.Struct, frozen=True):
    """`incoterm` is of Incoterms 2020, `place` the one it names."""

    number: str
    incoterm: str
    place: str
    goods: Price
    transport: Price
    total: Price


class PackingList(msgspec.Struct, frozen=True):
    """`units` are the sum of the lines' quantities."""

    units: int
    net_weight_g: int


class PostForm(msgspec.Struct, frozen=True):
    """The declaration of the post: CN 22 up to `limit_sdr`, otherwise, or when the value in SDR is not known, CN 23.
    `why` says which, and by what rate."""

    form: str
    category: str
    value: Price
    value_sdr: Decimal | None
    limit_sdr: int
    why: str


class Declaration(msgspec.Struct, frozen=True):
    """What a declaration at import such as the EU's H7 says of the whole; what it says of each line is in `lines`."""

    reference: str
    exporter: Party
    importer: Party
    country_of_dispatch: str
    country_of_destination: str
    intrinsic_value: Price
    transport: Price
    net_weight_g: int
    prepaid: Price | None
    tax_collected: str


class Papers(msgspec.Struct, frozen=True):
    """All papers of a parcel; what they have in common is said once."""

    order_id: str
    day: date
    sender: Party
    recipient: Party
    lines: list[Line]
    invoice: Invoice
    packing_list: PackingList
    post_form: PostForm
    declaration: Declaration
    origins: list[str]
    statement: Statement | None
