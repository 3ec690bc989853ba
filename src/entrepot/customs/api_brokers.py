"""What brokers ask for, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.approvals import Asked
from entrepot.customs import brokers
from entrepot.customs.api import Payment
from entrepot.customs.types import (
    BrokerInvoicePaid,
    BrokerInvoiceRecorded,
    BrokerLine,
    BrokerLineDecided,
    BrokerLinesOpen,
    BrokerView,
)
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, get, post
from entrepot.kit.ids import END, show
from entrepot.kit.problem import NotFound

InvoicePath = Annotated[UUID, "brk"]
LinePath = Annotated[UUID, "brl"]


class NewBrokerInvoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Amounts are minor units of `currency`. A carrier's name is the `carrier` of its parcels."""

    broker: Annotated[str, Meta(min_length=1, max_length=40)]
    number: Annotated[str, Meta(min_length=1, max_length=60)]
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}")]
    issued_on: date
    lines: Annotated[list[BrokerLine], Meta(min_length=1, max_length=brokers.LINES_MAX)]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An accepted line is paid as it was asked for, and what no buyer paid for it is our loss."""

    act: Literal["accept", "reject"]
    note: Annotated[str, Meta(min_length=1, max_length=500)]


class InvoiceId(msgspec.Struct, frozen=True):
    id: str


class BrokerInvoices(msgspec.Struct, frozen=True):
    items: list[BrokerView]


async def record_broker_invoice(tx: Tx, caller: Caller, body: NewBrokerInvoice) -> InvoiceId:
    """Takes in what a broker or carrier asks for duty, tax and clearance that it has paid: what fits is settled."""
    id_ = await brokers.record(
        tx, body.broker, body.number, body.currency, body.issued_on, body.lines, caller.user_id
    )  # fmt: skip
    return InvoiceId(show("brk", id_))


async def list_broker_invoices(tx: ReadTx) -> BrokerInvoices:
    """Invoices of brokers with their lines: those that are to be paid, then the latest."""
    return BrokerInvoices(await brokers.invoices(tx))


async def decide_broker_line(tx: Tx, caller: Caller, line_id: LinePath, body: Decision) -> Asked | None:
    """Accepts or rejects a line that does not fit."""
    return await brokers.decide_by(tx, caller.user_id, line_id, body.note, accepted=body.act == "accept")


async def pay_broker_invoice(tx: Tx, caller: Caller, invoice_id: InvoicePath, body: Payment) -> Asked | None:
    """Notes that what is settled of an invoice was paid, with the reference of the payment."""
    return await brokers.pay_by(tx, caller.user_id, invoice_id, body.reference)


routes = [
    post(
        "/v1/operator/broker-invoices", record_broker_invoice, access=OPERATOR, status=201, key="taken",
        raises=(NotFound, BrokerInvoiceRecorded),
    ),
    get("/v1/operator/broker-invoices", list_broker_invoices, access=OPERATOR),
    post(
        "/v1/operator/broker-lines/{line_id}", decide_broker_line, access=OPERATOR, key="taken",
        raises=(BrokerLineDecided,), status=202,
    ),
    post(
        "/v1/operator/broker-invoices/{invoice_id}/payment", pay_broker_invoice, access=OPERATOR, key="taken",
        raises=(BrokerInvoicePaid, BrokerLinesOpen), status=202,
    ),
]  # fmt: skip
