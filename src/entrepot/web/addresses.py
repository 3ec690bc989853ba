"""A buyer's addresses: a form for each country, whose fields, order and lists are the country's own."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from entrepot import accounts
from entrepot.accounts import AddressForm, AddressNotValid, NewAddress
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER
from entrepot.web.account import Nothing, account, next_of
from entrepot.web.visit import Again, Go, Visit, form, form_of_its_own, local, page
from entrepot.web.words_address import AUTOCOMPLETES, KINDS


class Filled(NewAddress, frozen=True, forbid_unknown_fields=True):
    next: str = "/account"


Begun = msgspec.defstruct(
    "Begun", [(name, str, "") for name in Filled.__struct_fields__], frozen=True, forbid_unknown_fields=True
)
"""The same as far as it was filled in, to see what the chosen country, region or city asks for."""


async def address_page(tx: ReadTx, visit: Visit) -> Response:
    """A new address, or another in the place of the one that is named."""
    known: dict[str, str] = {}
    if "address_id" in visit.request.path_params:
        old = await accounts.saved_address(tx, visit.me.cell, visit.me.user_id, visit.id("adr", "address_id"))
        known = {name: getattr(old, name) for name in NewAddress.__struct_fields__}
    market = await visit.market(tx)
    known = {"country": market.country or market.code.upper()} | known | {**visit.typed}
    asked = _form(known)
    wrong = visit.problem.field if isinstance(visit.problem, AddressNotValid) else None
    pending = next((field.after for field in asked.fields if field.after), None)
    listed = {field.name for field in asked.fields if field.choices}
    leads = {pending} | {
        above for above, below in (("region", "city"), ("city", "district")) if {above, below} <= listed
    }
    return await visit.show(
        tx, "address.html", next=next_of(visit), countries=visit.language.countries(), known=known, form=asked,
        wrong=wrong, pending=pending, leads=leads, kinds=KINDS, autocompletes=AUTOCOMPLETES,
        at=visit.request.url.path.removesuffix("/look"),
    )  # fmt: skip


def _form(known: dict[str, str]) -> AddressForm:
    """What somebody made up as a country gets the form of a real one, where to choose another."""
    try:
        return accounts.address_form(known["country"], known.get("region", ""), known.get("city", ""))
    except AddressNotValid:
        return accounts.address_form("US")


async def look(_: Visit, __: msgspec.Struct) -> Go:
    """What has been filled in is shown again, in the form of the country that was chosen."""
    raise Again


async def add_address(tx: Tx, visit: Visit, body: Filled) -> Go:
    await accounts.add_address(tx, visit.me.cell, visit.me.user_id, body)
    return Go(local(body.next), done="address_added")


async def change_address(tx: Tx, visit: Visit, body: Filled) -> Go:
    await accounts.change_address(tx, visit.me.cell, visit.me.user_id, visit.id("adr", "address_id"), body)
    return Go(local(body.next), done="address_changed")


async def make_default(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await accounts.make_default(tx, visit.me.cell, visit.me.user_id, visit.id("adr", "address_id"))
    return Go("/account", done="address_default")


async def delete_address(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await accounts.delete_address(tx, visit.me.cell, visit.me.user_id, visit.id("adr", "address_id"))
    return Go("/account", done="address_deleted")


routes = [
    page("/account/addresses/new", address_page, BUYER),
    form("/account/addresses/new", add_address, Filled, BUYER, again=address_page),
    form_of_its_own("/account/addresses/new/look", look, Begun, BUYER, again=address_page),
    page("/account/addresses/{address_id}", address_page, BUYER),
    form("/account/addresses/{address_id}", change_address, Filled, BUYER, again=address_page),
    form_of_its_own("/account/addresses/{address_id}/look", look, Begun, BUYER, again=address_page),
    form("/account/addresses/{address_id}/default", make_default, Nothing, BUYER, again=account),
    form("/account/addresses/{address_id}/delete", delete_address, Nothing, BUYER, again=account),
]
