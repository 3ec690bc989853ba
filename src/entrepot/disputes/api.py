"""Disputes over HTTP: buyers reach theirs by the order, sellers theirs, the operator what is to be decided."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot import bonded, orders, payments
from entrepot.approvals import Asked
from entrepot.catalog import Minor
from entrepot.disputes import actions, reads, rules
from entrepot.disputes.reads import DisputeBrief, DisputeView
from entrepot.disputes.store import FileRow
from entrepot.disputes.types import (
    FILE_MAX_BYTES,
    TEXT_MAX,
    AmountNotInDispute,
    Claim,
    DisputeFull,
    DisputeStatusIs,
    DisputeTooLate,
    File,
    FileNotTaken,
    Kind,
    NotInstead,
    ReplacementDearer,
    ReturnNotTaken,
    ReturnTooLate,
    Word,
)
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, MAX_BIGINT, MAX_BODY_BYTES, OPERATOR, SELLER, get, post
from entrepot.kit.ids import parse, ref, show
from entrepot.kit.problem import Malformed, NotFound

OrderPath = Annotated[UUID, "ord"]
DisputePath = Annotated[UUID, "dsp"]
StepPath = Annotated[UUID, "stp"]
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
BODY_MAX_BYTES = MAX_BODY_BYTES + FILE_MAX_BYTES * 4 // 3


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JPEG, PNG or WebP picture or a PDF; `content` is in Base64."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    content: Annotated[bytes, Meta(min_length=1, max_length=FILE_MAX_BYTES)]


class ShownFile(msgspec.Struct, frozen=True):
    """`type` is its media type, `content` in Base64."""

    name: str
    type: str
    content: bytes


class ClaimedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    quantity: Annotated[int, Meta(ge=1, le=10**12)]


class NewDispute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one line that is `unwanted` as many units of the offer `instead` may be wanted in its place."""

    kind: Kind
    lines: Annotated[list[ClaimedLine], Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    file: Evidence | None = None
    instead: Annotated[int, Meta(ge=1, le=MAX_BIGINT)] | None = None


class Restocked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    quantity: Annotated[int, Meta(ge=0, le=10**12)]


class BuyerStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    act: Literal["note", "send_back", "accept", "escalate", "withdraw", "appeal"]
    text: Text = ""
    file: Evidence | None = None


class SellerStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount_minor` is what the seller offers to give back, with `answer` or `inspect`; with `replace` what the buyer
    wants instead is sent, and `text` says how. With `inspect` and `replace`, `restock` are
    the units of what came back that are good to be sold again, by line: without it all of them. The others are written
    off."""

    act: Literal["note", "answer", "inspect", "replace", "appeal"]
    text: Text = ""
    amount_minor: Minor | None = None
    file: Evidence | None = None
    restock: Annotated[list[Restocked], Meta(max_length=100)] | None = None


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount_minor` of what is claimed goes back to the buyer."""

    amount_minor: Minor
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]


class DisputesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before."""

    before: Annotated[str, ref("dsp")] | None = None


class ToDecideQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before."""

    after: Annotated[str, ref("dsp")] | None = None


class Disputes(msgspec.Struct, frozen=True):
    items: list[DisputeBrief]


class DisputeId(msgspec.Struct, frozen=True):
    id: str


async def open_dispute(tx: Tx, caller: Caller, order_id: OrderPath, body: NewDispute) -> DisputeId:
    """Says what is wrong with some units of an order that was sent, or (kind unwanted) that they will be sent back.
    Their money is frozen until this is settled; what is left of the order goes on."""
    units = {line.line_no: line.quantity for line in body.lines}
    if len(units) < len(body.lines):
        raise Malformed("a line is named twice")
    claim = Claim(body.kind, units, body.text, _file(body.file), body.instead)
    return DisputeId(show("dsp", await actions.open_dispute(tx, caller.cell, order_id, caller.user_id, claim)))


async def list_order_disputes(tx: ReadTx, caller: Caller, order_id: OrderPath) -> Disputes:
    """The buyer's disputes of an order."""
    await orders.order_view(tx, caller.cell, order_id, buyer_id=caller.user_id)
    return Disputes(await reads.disputes_of_orders(tx, [order_id], caller.user_id))


async def read_dispute(tx: ReadTx, caller: Caller, order_id: OrderPath, dispute_id: DisputePath) -> DisputeView:
    """A dispute of the buyer's, with all that was said."""
    return await _of_buyer(tx, caller, order_id, dispute_id)


async def read_dispute_file(
    tx: ReadTx, caller: Caller, order_id: OrderPath, dispute_id: DisputePath, step_id: StepPath
) -> ShownFile:
    """A picture or paper that was shown in a dispute of the buyer's."""
    view = await _of_buyer(tx, caller, order_id, dispute_id)
    cell = await orders.cell_of(tx, caller.cell, order_id)
    return _shown(await reads.file_of(tx, cell, view, dispute_id, step_id))


async def _of_buyer(tx: ReadTx, caller: Caller, order_id: UUID, dispute_id: UUID) -> DisputeView:
    cell = await orders.cell_of(tx, caller.cell, order_id)
    return await reads.dispute_view(tx, cell, dispute_id, order_id=order_id, buyer_id=caller.user_id)


async def go_on_with_dispute(
    tx: Tx, caller: Caller, order_id: OrderPath, dispute_id: DisputePath, body: BuyerStep
) -> None:
    """The buyer adds a note, says that goods were sent back and how, accepts the seller's offer, escalates to the
    operator, withdraws, or appeals."""
    word = Word(body.act, body.text, None, _file(body.file))
    cell = await orders.cell_of(tx, caller.cell, order_id)
    await actions.act(tx, cell, dispute_id, "buyer", word, order_id=order_id, buyer_id=caller.user_id)


async def list_seller_disputes(tx: ReadTx, caller: Caller, query: DisputesQuery) -> Disputes:
    """The seller's disputes, the latest first."""
    before = None if query.before is None else parse("dsp", query.before)
    return Disputes(await reads.disputes_of_seller(tx, caller.cell, caller.seller, before))


async def read_seller_dispute(tx: ReadTx, caller: Caller, dispute_id: DisputePath) -> DisputeView:
    """A dispute of the seller's, with all that was said."""
    return await reads.dispute_view(tx, caller.cell, dispute_id, seller_id=caller.seller)


async def read_seller_dispute_file(tx: ReadTx, caller: Caller, dispute_id: DisputePath, step_id: StepPath) -> ShownFile:
    """A picture or paper that was shown in a dispute of the seller's."""
    view = await reads.dispute_view(tx, caller.cell, dispute_id, seller_id=caller.seller)
    return _shown(await reads.file_of(tx, caller.cell, view, dispute_id, step_id))


async def answer_dispute(tx: Tx, caller: Caller, dispute_id: DisputePath, body: SellerStep) -> None:
    """The seller adds a note, answers with an offer (which may be nothing, or all), says what came back and offers as
    much, or appeals."""
    restock = None if body.restock is None else {line.line_no: line.quantity for line in body.restock}
    word = Word(body.act, body.text, body.amount_minor, _file(body.file), restock)
    await actions.act(tx, caller.cell, dispute_id, "seller", word, seller_id=caller.seller)


async def list_disputes_to_decide(tx: ReadTx, query: ToDecideQuery) -> Disputes:
    """Disputes that wait for the operator's verdict, the oldest first."""
    return Disputes(await reads.to_decide(tx, None if query.after is None else parse("dsp", query.after)))


async def read_disputed(tx: ReadTx, dispute_id: DisputePath) -> DisputeView:
    """Any dispute, with all that was said."""
    return await reads.dispute_view(tx, await reads.cell_of(tx, dispute_id), dispute_id)


async def read_disputed_file(tx: ReadTx, dispute_id: DisputePath, step_id: StepPath) -> ShownFile:
    """A picture or paper that was shown in a dispute."""
    cell = await reads.cell_of(tx, dispute_id)
    return _shown(await reads.file_of(tx, cell, await reads.dispute_view(tx, cell, dispute_id), dispute_id, step_id))


async def decide_dispute(tx: Tx, caller: Caller, dispute_id: DisputePath, body: Verdict) -> Asked | None:
    """The operator's verdict. It is final when nobody appeals in time, and after an appeal at once."""
    return await actions.decide_by(tx, caller.user_id, dispute_id, body.amount_minor, body.text)


def _shown(file: FileRow) -> ShownFile:
    return ShownFile(file.file_name, file.file_type, file.file)


def _file(evidence: Evidence | None) -> File | None:
    return None if evidence is None else rules.evidence(evidence.name, evidence.content)


_ACTS = (
    DisputeStatusIs, AmountNotInDispute, DisputeFull, FileNotTaken, orders.OrderHeld, bonded.NotBackIntoBond,
    payments.PaymentChargedBack,
)  # fmt: skip
_SELLERS = (*_ACTS, orders.LineNotThere, orders.UnitsTaken)

routes = [
    post(
        "/v1/orders/{order_id}/disputes", open_dispute, access=BUYER, status=201, key="taken",
        body_max_bytes=BODY_MAX_BYTES,
        raises=(
            orders.WrongStatus, orders.LineNotThere, orders.UnitsTaken, orders.NothingPaid, DisputeTooLate,
            FileNotTaken, ReturnNotTaken, ReturnTooLate, NotInstead, ReplacementDearer, orders.SoldOut,
            bonded.NotReleased, payments.PaymentChargedBack,
        ),
    ),
    get("/v1/orders/{order_id}/disputes", list_order_disputes, access=BUYER),
    get("/v1/orders/{order_id}/disputes/{dispute_id}", read_dispute, access=BUYER),
    get("/v1/orders/{order_id}/disputes/{dispute_id}/files/{step_id}", read_dispute_file, access=BUYER),
    post(
        "/v1/orders/{order_id}/disputes/{dispute_id}/steps", go_on_with_dispute, access=BUYER, key="taken",
        body_max_bytes=BODY_MAX_BYTES, raises=_ACTS,
    ),
    get("/v1/seller/disputes", list_seller_disputes, access=SELLER),
    get("/v1/seller/disputes/{dispute_id}", read_seller_dispute, access=SELLER),
    get("/v1/seller/disputes/{dispute_id}/files/{step_id}", read_seller_dispute_file, access=SELLER),
    post(
        "/v1/seller/disputes/{dispute_id}/steps", answer_dispute, access=SELLER, key="taken",
        body_max_bytes=BODY_MAX_BYTES, raises=_SELLERS,
    ),
    get("/v1/operator/disputes", list_disputes_to_decide, access=OPERATOR),
    get("/v1/operator/disputes/{dispute_id}", read_disputed, access=OPERATOR, raises=(NotFound,)),
    get("/v1/operator/disputes/{dispute_id}/files/{step_id}", read_disputed_file, access=OPERATOR),
    post(
        "/v1/operator/disputes/{dispute_id}/verdict", decide_dispute, access=OPERATOR, key="taken", status=202,
        raises=(DisputeStatusIs, AmountNotInDispute, orders.OrderHeld),
    ),
]  # fmt: skip
