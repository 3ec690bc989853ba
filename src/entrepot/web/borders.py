"""Pages about borders: what a seller's goods lack at customs, and the operator's list of what crosses one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import customs, ledger, orders, trade
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import END, NIL, show
from entrepot.kit.problem import Malformed
from entrepot.web.taxes import Paid
from entrepot.web.visit import Go, Visit, amount_of, day_of, form, page
from entrepot.web.words import LACKS
from entrepot.web.words_bond import WHY_OPEN


class CustomsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one unit of a variant is at customs."""

    variant_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    hs_code: Annotated[str, Meta(pattern=f"^[0-9]{{6}}{END}")]
    country_of_origin: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]
    customs_description: Annotated[str, Meta(min_length=3, max_length=200)]
    weight_g: Annotated[int, Meta(ge=1, le=100_000_000)]


class ContactForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for the seller's goods in a country."""

    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    address: Annotated[str, Meta(min_length=5, max_length=500)]
    electronic: trade.Electronic


class ContactGone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]


class InvoiceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`lines`: one to a line, an order or a tracking number and an amount such as 25.00."""

    broker: Annotated[str, Meta(min_length=1, max_length=40)]
    number: Annotated[str, Meta(min_length=1, max_length=60)]
    issued_on: Annotated[str, Meta(max_length=10)]
    lines: Annotated[str, Meta(min_length=1, max_length=20_000)]


class LineDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    act: Literal["accept", "reject"]
    note: Annotated[str, Meta(min_length=1, max_length=500)]


async def customs_page(tx: ReadTx, visit: Visit) -> Response:
    """What of the seller's offers cannot be sent abroad, a form for each, and a search for codes."""
    found = await trade.lacking(tx, visit.me.cell, visit.seller_id, visit.query_number("after"))
    said = visit.query("q", 200).strip()
    try:
        codes = await trade.propose(tx, said, visit.language.code) if said else []
    except trade.NomenclatureMissing:
        codes = None
    following = found[-1].variant_id if len(found) == trade.LACKING_PAGE else None
    return await visit.show(
        tx, "seller_customs.html", found=found, said=said, codes=codes, lacks=LACKS, next=following,
        countries=visit.language.countries(), contacts=await trade.contacts(tx, visit.seller_id),
    )  # fmt: skip


async def say(tx: Tx, visit: Visit, body: CustomsForm) -> Go:
    item = trade.Item(
        body.variant_id, body.hs_code, {}, body.country_of_origin, body.customs_description, body.weight_g
    )
    await trade.set_item(tx, item, visit.me.cell, visit.seller_id)
    return Go("/seller/customs", done="customs_said")


async def say_contact(tx: Tx, visit: Visit, body: ContactForm) -> Go:
    contact = trade.Contact(body.country, body.name, body.address, body.electronic)
    await trade.say_contact(tx, visit.seller_id, contact)
    return Go("/seller/customs", done="contact_said")


async def remove_contact(tx: Tx, visit: Visit, body: ContactGone) -> Go:
    await trade.remove_contact(tx, visit.seller_id, body.country)
    return Go("/seller/customs", done="contact_removed")


async def crossed_page(tx: ReadTx, visit: Visit) -> Response:
    """What crosses a border, the latest first, and what was paid for duties and is still here."""
    found = await orders.crossed_orders(tx, visit.query_id("ord", "before"))
    currency = (await visit.market(tx)).currency
    kept = sum([await ledger.balance(tx, cell, "duties", currency, NIL) for cell in await cells(tx)])
    following = show("ord", found[-1].order_id) if len(found) == orders.CROSSED_PAGE else None
    return await visit.show(
        tx, "operator_borders.html", found=found, kept=kept, next=following, shown_id=lambda id_: show("ord", id_),
        invoices=await customs.broker_invoices(tx), reasons=WHY_OPEN,
    )  # fmt: skip


async def record_invoice(tx: Tx, visit: Visit, body: InvoiceForm) -> Go:
    """A broker's invoice in the market's currency; each line is the name of a parcel, and an amount."""
    currency = (await visit.market(tx)).currency
    lines: list[customs.BrokerLine] = []
    for line in body.lines.splitlines():
        of, _, amount = line.strip().rpartition(" ")
        sign = -1 if amount.startswith("-") else 1
        minor = amount_of(amount.removeprefix("-"), currency, "lines")
        if not of.strip() or not minor or len(of) > 80 or len(lines) == customs.BROKER_LINES_MAX:
            raise Malformed("each line is an order or a tracking number, and an amount - at `$.lines`")
        lines.append(customs.BrokerLine(of.strip(), sign * minor))
    issued = day_of(body.issued_on, "issued_on")
    await customs.record_invoice(tx, body.broker, body.number, currency, issued, lines, visit.me.user_id)
    return Go("/operator/borders", done="invoice_recorded")


async def decide_line(tx: Tx, visit: Visit, body: LineDecision) -> Go:
    line_id = visit.id("brl", "line_id")
    asked = await customs.decide_line_by(tx, visit.me.user_id, line_id, body.note, accepted=body.act == "accept")
    return Go("/operator/borders", done="asked" if asked else "said")


async def pay_invoice(tx: Tx, visit: Visit, body: Paid) -> Go:
    asked = await customs.pay_invoice_by(tx, visit.me.user_id, visit.id("brk", "invoice_id"), body.reference)
    return Go("/operator/borders", done="asked" if asked else "invoice_paid")


routes = [
    page("/seller/customs", customs_page, SELLER),
    form("/seller/customs/say", say, CustomsForm, SELLER, again=customs_page),
    form("/seller/customs/contact", say_contact, ContactForm, SELLER, again=customs_page),
    form("/seller/customs/contact/remove", remove_contact, ContactGone, SELLER, again=customs_page),
    page("/operator/borders", crossed_page, OPERATOR),
    form("/operator/borders", record_invoice, InvoiceForm, OPERATOR, again=crossed_page),
    form("/operator/borders/lines/{line_id}", decide_line, LineDecision, OPERATOR, again=crossed_page),
    form("/operator/borders/invoices/{invoice_id}", pay_invoice, Paid, OPERATOR, again=crossed_page),
]
