"""Pages about borders: what a seller's goods lack at customs, and the operator's list of what crosses one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import ledger, orders, trade
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import END, NIL, show
from entrepot.web.visit import Go, Visit, form, page
from entrepot.web.words import LACKS


class CustomsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one unit of a variant is at customs."""

    variant_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    hs_code: Annotated[str, Meta(pattern=f"^[0-9]{{6}}{END}")]
    country_of_origin: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]
    customs_description: Annotated[str, Meta(min_length=3, max_length=200)]
    weight_g: Annotated[int, Meta(ge=1, le=100_000_000)]


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
        countries=visit.language.countries(),
    )  # fmt: skip


async def say(tx: Tx, visit: Visit, body: CustomsForm) -> Go:
    item = trade.Item(
        body.variant_id, body.hs_code, {}, body.country_of_origin, body.customs_description, body.weight_g
    )
    await trade.set_item(tx, item, visit.me.cell, visit.seller_id)
    return Go("/seller/customs", done="customs_said")


async def crossed_page(tx: ReadTx, visit: Visit) -> Response:
    """What crosses a border, the latest first, and what was paid for duties and is still here."""
    found = await orders.crossed_orders(tx, visit.query_id("ord", "before"))
    currency = (await visit.market(tx)).currency
    kept = sum([await ledger.balance(tx, cell, "duties", currency, NIL) for cell in await cells(tx)])
    following = show("ord", found[-1].order_id) if len(found) == orders.CROSSED_PAGE else None
    return await visit.show(
        tx, "operator_borders.html", found=found, kept=kept, next=following, shown_id=lambda id_: show("ord", id_)
    )


routes = [
    page("/seller/customs", customs_page, SELLER),
    form("/seller/customs/say", say, CustomsForm, SELLER, again=customs_page),
    page("/operator/borders", crossed_page, OPERATOR),
]
