"""What is told of which event, to whom, signed how, and tried again when. No I/O."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from entrepot.kit.events import Event
from entrepot.kit.ids import named_id, show
from entrepot.kit.strangers import is_public, literal
from entrepot.orders import OrderBrief
from entrepot.webhooks.types import EndpointNotValid

VERSION = 1
ENDPOINTS = 5
"""Of one owner."""
URL_MAX = 500
SECRET_BYTES = 32
OLD_SECRET = timedelta(days=1)
"""What is sent is signed with the secret before, too, for so long."""
GIVEN_UP = timedelta(days=3)
"""An endpoint at which every call has failed for so long is turned off."""
PAUSES = tuple(timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Between the tries of one delivery, as Standard Webhooks advises: three and a half days in all."""
PAUSE_MAX = timedelta(hours=1)
"""An endpoint that fails is asked again after such a pause, too, but not more than this."""
TEST = "webhook.test"

TYPES: dict[str, str] = {
    "group_awaiting_payment": "order.awaiting_payment",
    "group_paid": "order.paid",
    "group_expired": "order.expired",
    "group_canceled": "order.canceled",
    "order_canceled": "order.canceled",
    "order_held": "order.held",
    "order_hold_released": "order.hold_released",
    "order_shipped": "order.shipped",
    "order_delivered": "order.delivered",
    "order_completed": "order.completed",
    "order_refunded": "order.refunded",
    "order_part_ended": "order.part_ended",
    "dispute_opened": "dispute.opened",
    "dispute_sent_back": "dispute.sent_back",
    "dispute_replaced": "dispute.replaced",
    "dispute_answered": "dispute.answered",
    "dispute_escalated": "dispute.escalated",
    "dispute_decided": "dispute.decided",
    "dispute_appealed": "dispute.appealed",
    "dispute_closed": "dispute.closed",
    "payout_sent": "payout.sent",
    "payout_settled": "payout.settled",
    "payout_returned": "payout.returned",
    "goods_received": "stock.received",
    "stock_adjusted": "stock.adjusted",
    "fee_invoice_issued": "invoice.issued",
    "usage_billed": "usage.billed",
    "order_charged_back": "chargeback.taken",
    "order_charge_decided": "chargeback.decided",
    "review_written": "review.written",
}
"""The type of what is told of an event; a purchase is told to each of its sellers as their order."""
KINDS = frozenset(TYPES)
NAMES = sorted(set(TYPES.values()))

_IDS = {
    "order_id": "ord", "part_id": "prt", "dispute_id": "dsp", "payout_id": "pay", "receipt_id": "rcp",
    "adjustment_id": "adj", "invoice_id": "inv", "review_id": "rvw", "bill_id": "ubl", "chargeback_id": "cbk",
    "share_id": "cbs",
}  # fmt: skip
_PLAIN = (
    "kind", "status", "due_at", "granted_minor", "currency", "amount_minor", "stock_id", "month", "liable",
    "lost_minor",
)  # fmt: skip
"""What is told of an event's data as it is; ids are shown as the API shows them, and nothing else goes out."""
_KEYS = {"dispute": "dispute_id", "review": "review_id", "order": "share_id"}
"""What these events are about is their key (of an order's: the share of a chargeback); of the others it is a
seller's."""
_SUBJECTS = {"payout": "payout_id", "fee": "invoice_id", "usage": "bill_id"}
"""What is told of these in order; of stock it is the seller."""


class Told(msgspec.Struct, frozen=True):
    """What an event tells a seller. `name` is its own among all; `order_id` is the order that is told with it."""

    name: str
    type: str
    seller_id: UUID
    subject_id: UUID
    at: datetime
    facts: dict[str, Any]
    order_id: UUID | None = None

    @property
    def id(self) -> UUID:
        return named_id(self.at, self.name)


def orders_of(event: Event) -> list[UUID]:
    """The orders that have to be known to tell of an event."""
    if event.kind.startswith("group_"):
        return [UUID(id_) for id_ in event.data["orders"]]
    return [event.key] if TYPES[event.kind].startswith("order.") else []


def told(event: Event, sellers: dict[UUID, UUID]) -> list[Told]:
    """What an event tells whom; `sellers` are those of its orders."""
    kind, data = TYPES[event.kind], event.data
    name = f"webhook {event.kind} {event.key} {msgspec.json.encode(data, order='sorted').decode()}"
    if kind.startswith("order."):
        facts = _facts(data)
        return [Told(f"{name} {id_}", kind, sellers[id_], id_, event.at, facts, id_) for id_ in orders_of(event)]
    room = event.kind.partition("_")[0]
    if room in _KEYS:  # its key is what it is about, its data says whose it is
        facts = _facts({_KEYS[room]: str(event.key)} | data)
        return [Told(name, kind, UUID(data["seller_id"]), event.key, event.at, facts)]
    subject = UUID(data[_SUBJECTS[room]]) if room in _SUBJECTS else event.key
    return [Told(name, kind, event.key, subject, event.at, _facts(data))]


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    shown = {name: show(prefix, UUID(data[name])) for name, prefix in _IDS.items() if name in data}
    return shown | {name: data[name] for name in _PLAIN if name in data}


def body(id_: UUID, type_: str, at: datetime, facts: dict[str, Any], order: OrderBrief | None = None) -> str:
    """What is sent; under a hundred bytes and an order, so that it needs no limit."""
    data = facts if order is None else facts | {"order": order}
    told = {"type": type_, "version": VERSION, "id": show("evt", id_), "occurred_at": at, "data": data}
    return msgspec.json.encode(told).decode()


def test_body(id_: UUID, at: datetime) -> str:
    return body(id_, TEST, at, {})


def new_secret() -> str:
    """As Standard Webhooks writes one."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(id_: UUID, at: datetime, text: str, keys: list[str]) -> dict[str, str]:
    """The headers of a message, signed with each of the secrets (Standard Webhooks 1.0.0: HMAC-SHA-256 of
    "id.timestamp.body", in Base64, of the key that is behind `whsec_` in Base64)."""
    shown, stamp = show("evt", id_), int(at.timestamp())
    content = f"{shown}.{stamp}.{text}".encode()
    macs = [hmac.digest(base64.b64decode(key.removeprefix("whsec_")), content, "sha256") for key in keys]
    return {
        "content-type": "application/json",
        "user-agent": "entrepot",
        "webhook-id": shown,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs),
    }


def pause(attempts: int, *, is_endpoint_failing: bool) -> timedelta | None:
    """How long a message waits after so many tries; None when it has had its last one. While the endpoint takes nothing
    at all it is not the message's fault, and it waits for the endpoint to be mended."""
    if attempts > len(PAUSES) and not is_endpoint_failing:
        return None
    return PAUSES[min(attempts, len(PAUSES)) - 1]


def rest(fails: int) -> timedelta:
    """How long an endpoint is left alone after so many calls in a row that failed."""
    return min(PAUSES[min(fails, len(PAUSES)) - 1], PAUSE_MAX)


def require_address(url: str, *, private: bool) -> None:
    """Raises EndpointNotValid for what is no address of a receiver. Where a name leads is seen when it is called; with
    `private` it may lead anywhere, also without TLS."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise EndpointNotValid("not_an_address") from None
    if not host or port == 0 or not url.isascii() or not url.isprintable() or " " in url or len(url) > URL_MAX:
        raise EndpointNotValid("not_an_address")
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise EndpointNotValid("not_https")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise EndpointNotValid("user_or_fragment")
    address = literal(host)
    is_local = f".{host.rstrip('.')}".endswith(".localhost")
    if not private and (is_local or (address is not None and not is_public(address))):
        raise EndpointNotValid("private_address")
