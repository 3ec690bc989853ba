"""How a gateway is reached: what its connector asks goes out as kit.outside lets it, Stripe's through Stripe's own
client."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import httpx

from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.outside import call
from entrepot.kit.secrets import get_secret
from entrepot.payments.gateways import sandbox, sandbox_disputes
from entrepot.payments.gateways.types import Connector, DisputeConnector
from entrepot.settings import Settings

LANES = 8
"""Calls to a gateway that one sweeper has under way."""

Send = Callable[[Any], Awaitable[tuple[int, bytes]]]
"""Of a connector's request: the HTTP status and body of the answer. Raises OutsideError."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a gateway is, where it sends buyers back to, the secret of its webhooks; `method` is its name in payments.
    Stripe has a key for our calls and one for its script in the buyer's browser."""

    url: str
    return_url: str
    secret: bytes = field(repr=False)
    method: str = "sandbox"
    key: str = field(default="", repr=False)
    publishable_key: str = ""


class Line(NamedTuple):
    connector: Connector
    send: Send


async def find_gateways(db: Database, keys: Keys, settings: Settings) -> list[Gateway]:
    """Those that the settings name: Stripe, and the sandbox, when its webhooks' secret is known (kit.secret
    `sandbox_webhook`)."""
    found = []
    if settings.sandbox_url:
        async with db.read() as tx:
            secret = await get_secret(tx, keys, "sandbox_webhook")
        if secret is not None:
            found.append(Gateway(settings.sandbox_url, settings.public_url, secret))
    if (stripe := settings.stripe) is not None:
        connector("stripe")  # loaded now, and not while a buyer waits
        found.append(
            Gateway(
                stripe.url, settings.public_url, stripe.webhook_secret.encode(), "stripe", stripe.key,
                stripe.publishable_key,
            )
        )  # fmt: skip
    return found


def open_client() -> httpx.AsyncClient:
    """A client for one sweeper: a connection for each of its lanes."""
    return httpx.AsyncClient(
        limits=httpx.Limits(max_connections=LANES, max_keepalive_connections=LANES), verify=_roots()
    )  # fmt: skip


@cache
def _roots() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def connector(method: str) -> Connector:
    if method == "stripe":
        from entrepot.payments.gateways import stripe  # 27 MB: only who is paid through it loads it

        return stripe
    return sandbox


def dispute_connector(method: str) -> DisputeConnector:
    if method == "stripe":
        from entrepot.payments.gateways import stripe_disputes  # large: see connector

        return stripe_disputes
    return sandbox_disputes


def open_line(client: httpx.AsyncClient, gateway: Gateway) -> Line:
    if gateway.method == "stripe":
        from entrepot.payments.gateways.stripe_client import through_stripe

        return Line(connector("stripe"), through_stripe(client, gateway.url, gateway.key))

    async def send(request: sandbox.OutRequest) -> tuple[int, bytes]:
        answer = await call(client, request.method, gateway.url + request.path, key=request.key, body=request.body)
        return answer.status_code, answer.content

    return Line(sandbox, send)
