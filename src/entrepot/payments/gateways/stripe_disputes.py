"""Disputes of cardholders at Stripe (https://docs.stripe.com/api/disputes), as pure halves. A webhook is only a reason
to look, as of payments. What the look shows of money are the balance transactions: what Stripe took out of our balance,
put back, and its fee."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Literal

import msgspec

from entrepot.payments.gateways.stripe import Call, decode, minor_of, must_be_told, path_part, refusal_of
from entrepot.payments.gateways.types import (
    AnswerError,
    DisputeAsked,
    DisputeHint,
    DisputesTold,
    DisputeTold,
    Evidence,
    ExternalId,
    GatewayRefused,
    Mismatch,
    Step,
    dispute_mismatch,
)

LISTED = 100
"""Disputes of one page: as many as Stripe lists at a time."""
EVIDENCE_MAX = 20_000
"""Characters that Stripe takes as text (it counts 150,000 over all of the evidence)."""

_STATUS: dict[str, Literal["inquiry", "open", "review", "won", "lost"]] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "won",  # nothing was ever taken
    "prevented": "won",
    "needs_response": "open",
    "under_review": "review",
    "won": "won",
    "lost": "lost",
}


class _Moved(msgspec.Struct, frozen=True):
    """A balance transaction; less than nothing left our balance. The fee is beside the amount."""

    amount: int
    currency: str
    fee: int


class _Details(msgspec.Struct, frozen=True):
    due_by: int | None = None


class _Dispute(msgspec.Struct, frozen=True):
    """Amounts are in Stripe's units."""

    id: ExternalId
    status: Literal[
        "warning_needs_response", "warning_under_review", "warning_closed", "prevented", "needs_response",
        "under_review", "won", "lost",
    ]  # fmt: skip
    reason: str
    amount: int
    currency: str
    payment_intent: ExternalId | None
    balance_transactions: list[_Moved]
    evidence_details: _Details


class _Listed(msgspec.Struct, frozen=True):
    id: ExternalId
    payment_intent: ExternalId | None


class _Page(msgspec.Struct, frozen=True):
    data: list[_Listed]
    has_more: bool


def look(asked: DisputeAsked) -> list[Step]:
    return [Step(build_look(asked), partial(parse_looked, asked))]


def answer(asked: DisputeAsked, evidence: Evidence) -> list[Step]:
    return [Step(build_answer(asked, evidence), partial(parse_answered, asked))]


def latest(since: datetime, after: str | None) -> list[Step]:
    return [Step(build_latest(since, after), parse_latest)]


def build_look(asked: DisputeAsked) -> Call:
    return Call("get", f"/v1/disputes/{path_part(asked.id)}", {}, "")


def parse_looked(asked: DisputeAsked, status: int, body: bytes) -> DisputeTold | Mismatch:
    """Also raises AnswerError for a refusal: what was known there once is not forgotten."""
    must_be_told(status, body)
    return _told(asked, decode(body, _Dispute))


def build_answer(asked: DisputeAsked, evidence: Evidence) -> Call:
    """Stripe sends it on once: what is added later the bank does not read."""
    params: dict[str, Any] = {"evidence": {"uncategorized_text": evidence.text[:EVIDENCE_MAX]}, "submit": True}
    return Call("post", f"/v1/disputes/{path_part(asked.id)}", params, evidence.reference)


def parse_answered(asked: DisputeAsked, status: int, body: bytes) -> DisputeTold | GatewayRefused | Mismatch:
    return refusal_of(status, body) if status != 200 else _told(asked, decode(body, _Dispute))


def build_latest(since: datetime, after: str | None) -> Call:
    params: dict[str, Any] = {"created": {"gte": int(since.timestamp())}, "limit": LISTED}
    return Call("get", "/v1/disputes", params | ({"starting_after": after} if after else {}), "")


def parse_latest(status: int, body: bytes) -> DisputesTold:
    must_be_told(status, body)
    page = decode(body, _Page)
    hints = [DisputeHint(one.id, one.payment_intent) for one in page.data if one.payment_intent]
    return DisputesTold(hints, page.data[-1].id if page.has_more and page.data else None)


def _told(asked: DisputeAsked, dispute: _Dispute) -> DisputeTold | Mismatch:
    currency = dispute.currency.upper()
    moved = dispute.balance_transactions
    if any(one.currency.upper() != currency for one in moved):
        raise AnswerError("it was taken from a balance in another currency")
    amounts = [minor_of(currency, one.amount) if one.amount >= 0 else -minor_of(currency, -one.amount) for one in moved]
    fee = sum(one.fee for one in moved)
    if fee < 0:
        raise AnswerError("more fee came back than was taken")
    told = DisputeTold(
        dispute.id, dispute.payment_intent or "", _STATUS[dispute.status], dispute.reason[:100],
        minor_of(currency, dispute.amount), currency, -sum(n for n in amounts if n < 0),
        sum(n for n in amounts if n > 0), minor_of(currency, fee), dispute.evidence_details.due_by,
    )  # fmt: skip
    return dispute_mismatch(asked, told) or told
