"""Chargebacks as sellers and the operator see them: what a buyer's bank takes, on whom it falls, what is said to it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import chargebacks, disputes
from entrepot.chargebacks import ChargebackListed, ChargebackView
from entrepot.kit.auth import Role
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import MAX_BODY_BYTES, OPERATOR, SELLER
from entrepot.web.visit import Go, Visit, form, page
from entrepot.web.words import CHARGEBACK_STATES, LIABLE, PARTIES

BODY_MAX_BYTES = MAX_BODY_BYTES + disputes.FILE_MAX_BYTES
PER_PAGE = 50


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=chargebacks.TEXT_MAX)]
    file: bytes = b""
    file_name: str = ""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A button is all there is."""


def _seller(visit: Visit) -> tuple[int, UUID] | None:
    return (visit.me.cell, visit.seller_id) if visit.me.role is Role.SELLER else None


def _id(visit: Visit) -> UUID:
    return visit.id("cbk", "chargeback_id")


async def _view(tx: ReadTx, visit: Visit) -> ChargebackView:
    return await chargebacks.view(tx, _id(visit), seller=_seller(visit))


async def seller_chargebacks(tx: ReadTx, visit: Visit) -> Response:
    before = visit.query_id("cbs", "before")
    found = await chargebacks.latest_of_seller(tx, visit.me.cell, visit.seller_id, before)
    return await _listed(tx, visit, found, found[-1].shares[0].id if len(found) == PER_PAGE else None)


async def operator_chargebacks(tx: ReadTx, visit: Visit) -> Response:
    found = await chargebacks.latest(tx, visit.query_id("cbk", "before"))
    return await _listed(tx, visit, found, found[-1].chargeback.id if len(found) == PER_PAGE else None)


async def _listed(tx: ReadTx, visit: Visit, found: list[ChargebackListed], following: str | None) -> Response:
    return await visit.show(tx, "chargebacks.html", found=found, states=CHARGEBACK_STATES, next=following)


async def chargeback_page(tx: ReadTx, visit: Visit) -> Response:
    view = await _view(tx, visit)
    return await visit.show(
        tx, "chargeback.html", view=view, states=CHARGEBACK_STATES, parties=PARTIES, liable=LIABLE,
        path=f"/{visit.me.role.value}/chargebacks/{view.chargeback.id}",
    )  # fmt: skip


async def shown_file(tx: ReadTx, visit: Visit) -> Response:
    view = await _view(tx, visit)
    file = await chargebacks.file_of(tx, view, _id(visit), visit.id("evd", "evidence_id"))
    headers = {  # a stranger's file, as in disputes
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
    }
    return Response(file.file, headers=headers, media_type=file.file_type)


async def add(tx: Tx, visit: Visit, body: Shown) -> Go:
    file = disputes.evidence(body.file_name, body.file) if body.file else None
    await chargebacks.add_evidence(tx, _id(visit), body.text, file, seller=_seller(visit))
    return Go(visit.request.url.path, done="evidence_added")


async def send(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await chargebacks.send_evidence(tx, _id(visit))
    return Go(visit.request.url.path.removesuffix("/send"), done="evidence_sent")


routes = [
    page("/seller/chargebacks", seller_chargebacks, SELLER),
    page("/operator/chargebacks", operator_chargebacks, OPERATOR),
    *(
        route
        for path, access in (("/seller/chargebacks", SELLER), ("/operator/chargebacks", OPERATOR))
        for route in (
            page(f"{path}/{{chargeback_id}}", chargeback_page, access),
            page(f"{path}/{{chargeback_id}}/files/{{evidence_id}}", shown_file, access),
            form(f"{path}/{{chargeback_id}}", add, Shown, access, again=chargeback_page, body_max_bytes=BODY_MAX_BYTES),
        )
    ),
    form("/operator/chargebacks/{chargeback_id}/send", send, Nothing, OPERATOR, again=chargeback_page),
]
