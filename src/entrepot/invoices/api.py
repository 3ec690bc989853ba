"""Invoices over HTTP, as data and as a PDF."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from entrepot.approvals import Asked
from entrepot.invoices import actions, reads
from entrepot.invoices.printing import pdf
from entrepot.invoices.types import Document, Invoice, LineIs, NotAnInvoice
from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post
from entrepot.kit.ids import show
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import NotFound

Pdf = Annotated[Response, "application/pdf"]
InvoicePath = Annotated[UUID, "inv"]


class Documents(msgspec.Struct, frozen=True):
    """The latest first; `next` is the `before` of the page that follows."""

    items: list[Invoice]
    next: str | None


class DocumentQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ids.ref("inv")] | None = None


class Credit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of a line of an invoice, without its tax."""

    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    net_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Credited(msgspec.Struct, frozen=True):
    """The credit note; null where another operator has to approve it first."""

    id: str | None
    approval_id: str | None = None


async def list_fee_invoices(tx: ReadTx, query: DocumentQuery) -> Documents:
    """Invoices of fees and credit notes of all sellers."""
    return await _list(tx, None, query)


async def list_own_fee_invoices(tx: ReadTx, caller: Caller, query: DocumentQuery) -> Documents:
    """The seller's invoices of fees and credit notes."""
    return await _list(tx, caller.seller, query)


async def _list(tx: ReadTx, seller_id: UUID | None, query: DocumentQuery) -> Documents:
    found = await reads.documents(tx, seller_id, ids.parse("inv", query.before) if query.before else None)
    return Documents(found, found[-1].id if len(found) == reads.PAGE else None)


async def read_fee_invoice(tx: ReadTx, invoice_id: InvoicePath) -> Document:
    """An invoice or a credit note."""
    return await reads.read(tx, invoice_id)


async def read_own_fee_invoice(tx: ReadTx, caller: Caller, invoice_id: InvoicePath) -> Document:
    """An invoice or a credit note of the seller's."""
    return await reads.read(tx, invoice_id, caller.seller)


async def print_fee_invoice(request: Request, invoice_id: InvoicePath) -> Pdf:
    """An invoice or a credit note as a PDF."""
    return await _print(request, invoice_id, None)


async def print_own_fee_invoice(request: Request, caller: Caller, invoice_id: InvoicePath) -> Pdf:
    """An invoice or a credit note of the seller's as a PDF."""
    return await _print(request, invoice_id, caller.seller)


async def _print(request: Request, invoice_id: UUID, seller_id: UUID | None) -> Response:
    db: Database = request.app.state.db
    async with db.read() as tx:
        document = await reads.read(tx, invoice_id, seller_id)
    body = await asyncio.to_thread(pdf, document)
    headers = {"content-disposition": f'inline; filename="{document.invoice.number}.pdf"', "cache-control": "private"}
    return Response(body, headers=headers, media_type="application/pdf")


async def credit_fee_invoice(tx: Tx, caller: Caller, invoice_id: InvoicePath, body: Credit) -> Credited:
    """Gives back some of a line of an invoice, with its tax, by a credit note."""
    note = await actions.credit_by(tx, caller.user_id, invoice_id, body.line_no, body.net_minor, body.reason)
    return Credited(None, note.approval_id) if isinstance(note, Asked) else Credited(show("inv", note))


routes = [
    get("/v1/operator/fee-invoices", list_fee_invoices, access=OPERATOR),
    get("/v1/operator/fee-invoices/{invoice_id}", read_fee_invoice, access=OPERATOR, raises=(NotFound,)),
    get("/v1/operator/fee-invoices/{invoice_id}/pdf", print_fee_invoice, access=OPERATOR, raises=(NotFound,)),
    post(
        "/v1/operator/fee-invoices/{invoice_id}/credit", credit_fee_invoice, access=OPERATOR, status=201, key="taken",
        raises=(NotFound, NotAnInvoice, LineIs),
    ),
    get("/v1/seller/fee-invoices", list_own_fee_invoices, access=SELLER),
    get("/v1/seller/fee-invoices/{invoice_id}", read_own_fee_invoice, access=SELLER, raises=(NotFound,)),
    get("/v1/seller/fee-invoices/{invoice_id}/pdf", print_own_fee_invoice, access=SELLER, raises=(NotFound,)),
]  # fmt: skip
