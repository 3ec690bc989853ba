"""Disputes at Stripe: what goes out, to the byte; what each answer means, by Stripe's own types (localstripe knows no
disputes)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args, get_type_hints
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest
import stripe as stripes_own
from stripe import WebhookSignature

from entrepot.payments.gateways import lines, stripe, stripe_disputes
from entrepot.payments.gateways.types import (
    AnswerError,
    DisputeAsked,
    DisputeHint,
    DisputesTold,
    DisputeTold,
    Evidence,
    GatewayRefused,
    Mismatch,
)

ASKED = DisputeAsked("du_1", "pi_1", "USD", 11_200)
SAID = Evidence("cbk_1", "Signed for.")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TAKEN = {"id": "txn_1", "object": "balance_transaction", "amount": -5_000, "currency": "usd", "fee": 1_500}
DISPUTE = {
    "id": "du_1", "object": "dispute", "amount": 5_000, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
    "reason": "product_not_received", "status": "needs_response", "is_charge_refundable": False, "livemode": False,
    "balance_transactions": [TAKEN], "metadata": {}, "created": 1_772_442_000,
    "evidence": {"uncategorized_text": None}, "evidence_details": {"due_by": 1_773_000_000, "submission_count": 0},
}  # fmt: skip
TOLD = DisputeTold("du_1", "pi_1", "open", "product_not_received", 5_000, "USD", 5_000, 0, 1_500, 1_773_000_000)


def told(asked: DisputeAsked = ASKED, **change: Any) -> Any:
    return stripe_disputes.parse_looked(asked, 200, msgspec.json.encode(DISPUTE | change))


@pytest.mark.parametrize(
    ("call", "method", "path", "form", "known"),
    [
        (stripe_disputes.build_look(ASKED), "GET", "/v1/disputes/du_1", {}, stripes_own.params.DisputeRetrieveParams),
        (
            stripe_disputes.build_answer(ASKED, SAID), "POST", "/v1/disputes/du_1",
            {"evidence[uncategorized_text]": "Signed for.", "submit": "true"}, stripes_own.params.DisputeUpdateParams,
        ),
        (
            stripe_disputes.build_latest(NOW, "du_9"), "GET", "/v1/disputes",
            {"created[gte]": "1772442000", "limit": "100", "starting_after": "du_9"},
            stripes_own.params.DisputeListParams,
        ),
    ],
)  # fmt: skip
async def test_what_goes_out(call: stripe.Call, method: str, path: str, form: dict[str, str], known: type) -> None:
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=DISPUTE)

    gateway = lines.Gateway("https://api.stripe.test", "https://shop.test", b"", "stripe", "sk_test_key", "pk_test_key")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await lines.open_line(client, gateway).send(call)
    (request,) = seen
    assert (request.method, request.url.path) == (method, path)
    assert dict(parse_qsl((request.url.query or request.content).decode())) == form
    assert call.params.keys() <= known.__annotations__.keys()
    assert method == "GET" or request.headers["idempotency-key"] == "cbk_1"


def test_what_is_read_is_what_stripe_tells() -> None:
    for ours, theirs in (
        (stripe_disputes._Dispute, stripes_own.Dispute), (stripe_disputes._Moved, stripes_own.BalanceTransaction),
        (stripe_disputes._Details, stripes_own.Dispute.EvidenceDetails), (stripe._Disputed, stripes_own.Dispute),
    ):  # fmt: skip
        assert set(ours.__struct_fields__) <= vars(theirs)["__annotations__"].keys()
    assert set(get_args(get_type_hints(stripe_disputes._Dispute)["status"])) == stripe_disputes._STATUS.keys()


def test_how_a_dispute_stands() -> None:
    assert told() == TOLD
    assert told(status="under_review") == msgspec.structs.replace(TOLD, status="review")
    back = TAKEN | {"amount": 3_000, "fee": 0}
    assert told(status="lost", balance_transactions=[TAKEN, back]) == msgspec.structs.replace(
        TOLD, status="lost", returned_minor=3_000
    )
    whole = TAKEN | {"amount": 5_000, "fee": -1_500}
    assert told(status="won", balance_transactions=[TAKEN, whole]) == msgspec.structs.replace(
        TOLD, status="won", returned_minor=5_000, fee_minor=0
    )
    asks = told(status="warning_needs_response", balance_transactions=[])
    assert (asks.status, asks.withdrawn_minor, asks.fee_minor) == ("inquiry", 0, 0)
    yen = told(DisputeAsked("du_1", "pi_1", "JPY", 500), currency="jpy", amount=500, balance_transactions=[])
    assert yen.amount_minor == 500
    for change, field in (
        ({"id": "du_2"}, "id"), ({"payment_intent": "pi_2"}, "payment_id"),
        ({"currency": "eur", "balance_transactions": []}, "currency"),
        ({"balance_transactions": [TAKEN | {"amount": -11_201}]}, "withdrawn_minor"),
        ({"balance_transactions": [TAKEN, TAKEN | {"amount": 5_001}]}, "returned_minor"),
    ):  # fmt: skip
        other = told(**change)
        assert isinstance(other, Mismatch)
        assert other.field == field
    with pytest.raises(AnswerError, match="another currency"):
        told(balance_transactions=[TAKEN | {"currency": "eur"}])
    with pytest.raises(AnswerError, match="more fee"):
        told(balance_transactions=[TAKEN | {"fee": -1}])
    with pytest.raises(AnswerError, match="refused: resource_missing"):
        stripe_disputes.parse_looked(ASKED, 404, b'{"error": {"code": "resource_missing"}}')


def test_evidence_and_the_list() -> None:
    ((_, parse),) = stripe_disputes.answer(ASKED, SAID)
    assert parse(200, msgspec.json.encode(DISPUTE)) == TOLD
    assert parse(400, b'{"error": {"code": "dispute_closed"}}') == GatewayRefused(400, "dispute_closed")
    ((_, parse),) = stripe_disputes.latest(NOW, None)
    one, other = {"id": "du_1", "payment_intent": "pi_1"}, {"id": "du_2", "payment_intent": None}
    assert parse(200, msgspec.json.encode({"data": [one, other], "has_more": True})) == DisputesTold(
        [DisputeHint("du_1", "pi_1")], "du_2"
    )
    assert parse(200, b'{"data": [], "has_more": false}') == DisputesTold([], None)


@pytest.mark.parametrize("what", sorted(stripe.DISPUTE_EVENTS))
def test_a_webhook_is_a_reason_to_look(what: str) -> None:
    body = msgspec.json.encode(
        {"id": "evt_1", "object": "event", "type": what, "created": 1_772_442_000, "data": {"object": DISPUTE}}
    )
    stamp = int(NOW.timestamp())
    signed = WebhookSignature._compute_signature(f"{stamp}.{body.decode()}", "whsec")
    event = stripe.parse_webhook(b"whsec", {"stripe-signature": f"t={stamp},v1={signed}"}, body, NOW)
    assert event.told == DisputeHint("du_1", "pi_1")
