"""Webhooks over HTTP: a seller's own, or the operator's."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, delete, get, post, put
from entrepot.kit.ids import NIL, parse, ref, show
from entrepot.kit.problem import NotFound
from entrepot.webhooks import actions, reads, rules
from entrepot.webhooks.reads import DeliveryView, EndpointView
from entrepot.webhooks.types import (
    DeliveryIsDue,
    EndpointIs,
    EndpointNotValid,
    TooManyEndpoints,
    UnknownTypes,
)

EndpointPath = Annotated[UUID, "whk"]
EventPath = Annotated[UUID, "evt"]
WHO = SELLER | OPERATOR


class WebhookSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where, and which of the types that GET /v1/webhook-endpoints lists."""

    url: Annotated[str, Meta(min_length=1, max_length=rules.URL_MAX, examples=["https://seller.example/hooks"])]
    types: Annotated[
        list[Annotated[str, Meta(max_length=40)]],
        Meta(min_length=1, max_length=len(rules.NAMES), examples=[["order.paid"]]),
    ]


class Webhooks(msgspec.Struct, frozen=True):
    """`types` are all that one can choose from."""

    items: list[EndpointView]
    types: list[str]


class WebhookMade(msgspec.Struct, frozen=True):
    """What is sent is signed with `secret`, which is shown this once."""

    id: str
    secret: str


class WebhookTested(msgspec.Struct, frozen=True):
    """`id` is the message's, among the deliveries."""

    id: str


class DeliveriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before."""

    status: Literal["due", "sent", "failed"] | None = None
    before: Annotated[str, ref("evt")] | None = None


class Deliveries(msgspec.Struct, frozen=True):
    items: list[DeliveryView]


async def list_webhooks(tx: ReadTx, caller: Caller) -> Webhooks:
    """Where the caller's seller, or the operator, is told what happens."""
    return Webhooks(await reads.endpoints(tx, owner_of(caller)), rules.NAMES)


async def add_webhook(tx: Tx, request: Request, caller: Caller, body: WebhookSaid) -> WebhookMade:
    """From now on these types are told there. The answer has the secret, so that it is kept under no key."""
    state = request.app.state
    owner, private = owner_of(caller), state.webhooks_private
    made = await actions.add(tx, state.keys, owner, body.url, body.types, private=private)
    return WebhookMade(show("whk", made.id), made.secret)


async def read_webhook(tx: ReadTx, caller: Caller, webhook_id: EndpointPath) -> EndpointView:
    """One of the caller's."""
    return await reads.endpoint(tx, owner_of(caller), webhook_id)


async def change_webhook(tx: Tx, request: Request, caller: Caller, webhook_id: EndpointPath, body: WebhookSaid) -> None:
    """Another address, or other types; what waits goes to the new address."""
    private = request.app.state.webhooks_private
    await actions.change(tx, owner_of(caller), webhook_id, body.url, body.types, private=private)


async def rotate_webhook(tx: Tx, request: Request, caller: Caller, webhook_id: EndpointPath) -> WebhookMade:
    """Another secret. For a day what is sent is signed with both."""
    made = await actions.rotate(tx, request.app.state.keys, owner_of(caller), webhook_id)
    return WebhookMade(show("whk", made.id), made.secret)


async def turn_on_webhook(tx: Tx, caller: Caller, webhook_id: EndpointPath) -> None:
    """Sends what waits, and what happens from now on."""
    await actions.turn_on(tx, owner_of(caller), webhook_id)


async def turn_off_webhook(tx: Tx, caller: Caller, webhook_id: EndpointPath) -> None:
    """Nothing is sent any more until it is turned on; what happens meanwhile is not told."""
    await actions.turn_off(tx, owner_of(caller), webhook_id)


async def remove_webhook(tx: Tx, caller: Caller, webhook_id: EndpointPath) -> None:
    """It is gone, and its secret with it."""
    await actions.remove(tx, owner_of(caller), webhook_id)


async def test_webhook(tx: Tx, caller: Caller, webhook_id: EndpointPath) -> WebhookTested:
    """Sends a message of type webhook.test, one a minute however often it is asked for."""
    return WebhookTested(show("evt", await actions.test(tx, caller.cell, owner_of(caller), webhook_id)))


async def list_deliveries(tx: ReadTx, caller: Caller, webhook_id: EndpointPath, query: DeliveriesQuery) -> Deliveries:
    """What was sent or is to be, the latest first; for 30 days."""
    before = parse("evt", query.before) if query.before else None
    return Deliveries(await reads.deliveries(tx, owner_of(caller), webhook_id, query.status, before))


async def resend_delivery(tx: Tx, caller: Caller, webhook_id: EndpointPath, event_id: EventPath) -> None:
    """Sends a message again, under the same id, whether it was taken or not."""
    await actions.resend(tx, owner_of(caller), webhook_id, event_id)


def owner_of(caller: Caller) -> UUID:
    return NIL if caller.seller_id is None else caller.seller_id


_ONE = "/v1/webhook-endpoints/{webhook_id}"
routes = [
    get("/v1/webhook-endpoints", list_webhooks, access=WHO),
    post(
        "/v1/webhook-endpoints", add_webhook, access=WHO, status=201,
        raises=(EndpointNotValid, UnknownTypes, TooManyEndpoints),
    ),
    get(_ONE, read_webhook, access=WHO),
    put(_ONE, change_webhook, access=WHO, raises=(EndpointNotValid, UnknownTypes), key="taken"),
    delete(_ONE, remove_webhook, access=WHO, key="taken"),
    post(f"{_ONE}/rotate", rotate_webhook, access=WHO),
    post(f"{_ONE}/on", turn_on_webhook, access=WHO, raises=(EndpointIs,), key="taken"),
    post(f"{_ONE}/off", turn_off_webhook, access=WHO, raises=(EndpointIs,), key="taken"),
    post(f"{_ONE}/test", test_webhook, access=WHO, raises=(EndpointIs,), status=202, key="taken"),
    get(f"{_ONE}/deliveries", list_deliveries, access=WHO, raises=(NotFound,)),
    post(
        f"{_ONE}/deliveries/{{event_id}}/resend", resend_delivery, access=WHO,
        raises=(NotFound, EndpointIs, DeliveryIsDue), key="taken",
    ),
]  # fmt: skip
