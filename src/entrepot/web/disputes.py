"""Disputes as buyers, sellers and the operator see them: what was said and shown, and whose turn it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import catalog, disputes, orders
from entrepot.catalog import Price
from entrepot.disputes import DisputeView
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, MAX_BODY_BYTES, OPERATOR, SELLER
from entrepot.kit.ids import END, show
from entrepot.web.visit import Go, Visit, amount_of, form, page
from entrepot.web.words import DISPUTE_ACTS, DISPUTE_KINDS, DISPUTE_STATES, PARTIES, REPLACEMENT_STATES

BODY_MAX_BYTES = MAX_BODY_BYTES + disputes.FILE_MAX_BYTES
PER_PAGE = 50
Text = Annotated[str, Meta(max_length=disputes.TEXT_MAX)]


class Complaint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: disputes.Kind
    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    quantity: Annotated[int, Meta(ge=1, le=10**12)]
    text: Annotated[str, Meta(min_length=1, max_length=disputes.TEXT_MAX)]
    file: bytes = b""
    file_name: str = ""
    instead: Annotated[str, Meta(pattern=f"^[0-9]{{0,18}}{END}")] = ""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` is what a seller offers or the operator grants; with `restock` goods that came back are sold again."""

    act: disputes.Act
    text: Text = ""
    amount: str = ""
    restock: str = ""
    file: bytes = b""
    file_name: str = ""


async def complain_page(tx: ReadTx, visit: Visit) -> Response:
    order_id = visit.id("ord", "order_id")
    view = await orders.order_view(tx, visit.me.cell, order_id, buyer_id=visit.me.user_id)
    returning = "unwanted" in (visit.query("kind"), visit.typed.get("kind"))
    lines, instead = [], []
    sold_in = await orders.cell_of(tx, visit.me.cell, order_id)
    for line in view.lines:
        parts = () if returning else line.components  # a bundle is sent back as a whole
        lines += [(one.line_no, one.title, one.quantity) for one in parts or (line,)]
        if returning and not line.components:
            found = await catalog.alternatives(tx, sold_in, line.offer_id)
            instead += [(line, one, Price(one.unit_price_minor, line.unit_price.currency)) for one in found]
    kinds = {code: name for code, name in DISPUTE_KINDS.items() if code != "unwanted"}
    return await visit.show(
        tx, "complain.html", view=view, lines=lines, kinds=kinds, returning=returning, instead=instead
    )


async def complain(tx: Tx, visit: Visit, body: Complaint) -> Go:
    file = disputes.evidence(body.file_name, body.file) if body.file else None
    instead = int(body.instead) if body.instead else None
    claim = disputes.Claim(body.kind, {body.line_no: body.quantity}, body.text, file, instead)
    order_id = visit.id("ord", "order_id")
    id_ = await disputes.open_dispute(tx, visit.me.cell, order_id, visit.me.user_id, claim)
    return Go(f"/orders/{visit.param('order_id')}/disputes/{show('dsp', id_)}", done="disputed")


Found = Callable[[ReadTx, Visit], Awaitable[tuple[int, DisputeView]]]
"""The cell and the dispute that a visit may see. Raises NotFound."""


async def _buyers(tx: ReadTx, visit: Visit) -> tuple[int, DisputeView]:
    order_id = visit.id("ord", "order_id")
    cell = await orders.cell_of(tx, visit.me.cell, order_id)
    return cell, await disputes.dispute_view(tx, cell, _id(visit), order_id=order_id, buyer_id=visit.me.user_id)


async def _sellers(tx: ReadTx, visit: Visit) -> tuple[int, DisputeView]:
    return visit.me.cell, await disputes.dispute_view(tx, visit.me.cell, _id(visit), seller_id=visit.seller_id)


async def _operators(tx: ReadTx, visit: Visit) -> tuple[int, DisputeView]:
    cell = await disputes.cell_of(tx, _id(visit))
    return cell, await disputes.dispute_view(tx, cell, _id(visit))


def _id(visit: Visit) -> UUID:
    return visit.id("dsp", "dispute_id")


FINDERS: dict[Role, tuple[disputes.Party, Found]] = {
    Role.BUYER: ("buyer", _buyers),
    Role.SELLER: ("seller", _sellers),
    Role.OPERATOR: ("operator", _operators),
}


async def dispute_page(tx: ReadTx, visit: Visit) -> Response:
    party, find = FINDERS[visit.me.role]
    _, view = await find(tx, visit)
    held = view.replacement is not None and view.replacement.status == "held"
    acts = disputes.acts(view.dispute.status, party, is_exchange=held)
    return await visit.show(
        tx, "dispute.html", view=view, acts=acts, names=DISPUTE_ACTS, states=DISPUTE_STATES, kinds=DISPUTE_KINDS,
        parties=PARTIES, replaced=REPLACEMENT_STATES, path=visit.request.url.path,
    )  # fmt: skip


async def shown_file(tx: ReadTx, visit: Visit) -> Response:
    _, find = FINDERS[visit.me.role]
    cell, view = await find(tx, visit)
    file = await disputes.file_of(tx, cell, view, _id(visit), visit.id("stp", "step_id"))
    headers = {  # a stranger's file: nothing in it is run, and nobody guesses what else it may be
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
    }
    return Response(file.file, headers=headers, media_type=file.file_type)


async def say(tx: Tx, visit: Visit, body: Said) -> Go:
    party, find = FINDERS[visit.me.role]
    cell, view = await find(tx, visit)
    amount = (
        amount_of(body.amount, view.dispute.claimed.currency) if body.act in ("answer", "inspect", "decide") else None
    )
    if party == "operator" and body.act == "decide" and amount is not None:
        asked = await disputes.decide_by(tx, visit.me.user_id, _id(visit), amount, body.text)
        return Go(visit.request.url.path, done="asked" if asked else "said")
    file = disputes.evidence(body.file_name, body.file) if body.file else None
    restock: dict[int, int] | None = None if body.restock else {}
    await disputes.act(tx, cell, _id(visit), party, disputes.Word(body.act, body.text, amount, file, restock))
    return Go(visit.request.url.path, done="said")


async def seller_disputes(tx: ReadTx, visit: Visit) -> Response:
    found = await disputes.disputes_of_seller(tx, visit.me.cell, visit.seller_id, visit.query_id("dsp", "before"))
    return await _listed(tx, visit, found, "before")


async def operator_disputes(tx: ReadTx, visit: Visit) -> Response:
    return await _listed(tx, visit, await disputes.to_decide(tx, visit.query_id("dsp", "after")), "after")


async def _listed(tx: ReadTx, visit: Visit, found: list[disputes.DisputeBrief], way: str) -> Response:
    following = found[-1].id if len(found) == PER_PAGE else None
    return await visit.show(
        tx, "disputes.html", found=found, kinds=DISPUTE_KINDS, states=DISPUTE_STATES, way=way, next=following
    )


_BUYERS, _SELLERS, _OPERATORS = "/orders/{order_id}/disputes", "/seller/disputes", "/operator/disputes"

routes = [
    page("/orders/{order_id}/dispute", complain_page, BUYER),
    form("/orders/{order_id}/dispute", complain, Complaint, BUYER, again=complain_page, body_max_bytes=BODY_MAX_BYTES),
    page(_SELLERS, seller_disputes, SELLER),
    page(_OPERATORS, operator_disputes, OPERATOR),
    *(
        route
        for path, access in ((_BUYERS, BUYER), (_SELLERS, SELLER), (_OPERATORS, OPERATOR))
        for route in (
            page(f"{path}/{{dispute_id}}", dispute_page, access),
            page(f"{path}/{{dispute_id}}/files/{{step_id}}", shown_file, access),
            form(f"{path}/{{dispute_id}}", say, Said, access, again=dispute_page, body_max_bytes=BODY_MAX_BYTES),
        )
    ),
]
