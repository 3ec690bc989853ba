"""Stripe's own client, which knows how its API wants to be asked; it sends as kit.outside lets it: bounded, never
inside a transaction, and never a second time by itself, since what is due is asked again by the sweeper."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import stripe

from entrepot.kit import outside
from entrepot.payments.gateways.stripe import Call

stripe.enable_telemetry = False  # nothing about this machine, nor how long calls took
logging.getLogger("stripe").setLevel(logging.WARNING)  # below that it repeats bodies


class _Outside(stripe.HTTPClient):
    name = "entrepot"

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._client = client

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        sent = {name.lower(): value for name, value in headers.items()}
        key = sent.pop("idempotency-key", "")
        answer = await outside.call(
            self._client, method.upper(), url, key=key, body=(post_data or "").encode(), headers=sent
        )
        return answer.content, answer.status_code, answer.headers


def through_stripe(client: httpx.AsyncClient, url: str, api_key: str) -> Callable[[Call], Awaitable[tuple[int, bytes]]]:
    """What sends a Call: the HTTP status and body of Stripe's answer. Raises OutsideError."""
    api = stripe.StripeClient(
        api_key, base_addresses={"api": url}, http_client=_Outside(client), max_network_retries=0
    )  # fmt: skip

    async def send(call: Call) -> tuple[int, bytes]:
        options = {"idempotency_key": call.key} if call.key else {}
        try:
            answer = await api.raw_request_async(call.method, call.path, **call.params, **options)
        except stripe.StripeError as refused:
            if refused.http_status is None:
                raise outside.OutsideError(f"{call.path}: {type(refused).__name__}") from None
            body = refused.http_body or b""
            return refused.http_status, body.encode() if isinstance(body, str) else body
        return answer.code, answer.body.encode()

    return send
