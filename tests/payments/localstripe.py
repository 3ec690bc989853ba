"""Localstripe (GPL, a process of its own that nothing of ours is part of) as if it were Stripe, and what it lacks.

It ignores idempotency keys, approves a card that Stripe declines, gives back more than was captured, tells nothing of
cancels and authorizations, and signs by the machine's clock: what those need is tested elsewhere."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

KEY = "sk_test_localstripe"
# It would keep a pickle in /tmp and listen on every address of the machine.
PROGRAM = """
import sys
from aiohttp import web
from localstripe import resources
from localstripe.server import app
resources.store.dump_to_disk = lambda: None
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


@contextmanager
def running() -> Iterator[str]:
    """Its address, while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{url}/v1/balance", trust_env=False, verify=False)
                break
            except httpx.ConnectError:
                assert process.poll() is None, "localstripe has ended"
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def register(url: str, hook: dict[str, str]) -> None:
    """Where its webhooks go, and their secret."""
    assert httpx.post(f"{url}/_config/webhooks/shop", json=hook, trust_env=False).status_code == 200


class Wire(httpx.AsyncHTTPTransport):
    """The way to it. It adds `amount_received`, which Stripe always tells, keeps what was asked, and breaks off the
    answers to the calls that `cut` counts, after localstripe has done what they ask."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self.cut = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        answer = await super().handle_async_request(request)
        if request.url.path.startswith("/v1/disputes"):  # which it does not know
            return answer
        told = msgspec.json.decode(await answer.aread())
        if self.cut:
            self.cut -= 1
            raise httpx.ReadError("broken off")
        if told.get("object") == "payment_intent":
            told["amount_received"] = received(told["latest_charge"])
        return httpx.Response(answer.status_code, json=told)


def received(charge: dict[str, Any] | None) -> int:
    """What was captured. What was not, localstripe tells as a refund without metadata."""
    if charge is None or not charge["captured"]:
        return 0
    left: int = charge["amount"] - sum(one["amount"] for one in charge["refunds"]["data"] if not one["metadata"])
    return left


async def card(client: httpx.AsyncClient, url: str, intent: str, number: str, exp_year: int = 2099) -> httpx.Response:
    """What Stripe's script does in the buyer's browser: it gives the card and confirms."""
    auth = httpx.BasicAuth(KEY, "")
    facts = {"number": number, "exp_month": "12", "exp_year": str(exp_year), "cvc": "123"}
    form = {"type": "card"} | {f"card[{name}]": value for name, value in facts.items()}
    method = await client.post(f"{url}/v1/payment_methods", data=form, auth=auth)
    if method.is_error:
        return method
    path = f"{url}/v1/payment_intents/{intent}"
    await client.post(path, data={"payment_method": method.json()["id"]}, auth=auth)
    return await client.post(f"{path}/confirm", auth=auth)


async def authenticate(client: httpx.AsyncClient, url: str, intent: str, secret: str, *, success: bool) -> None:
    """The bank's page of 3-D Secure."""
    form = {"client_secret": secret, "success": str(success).lower()}
    answer = await client.post(f"{url}/v1/payment_intents/{intent}/_authenticate", data=form, auth=(KEY, ""))
    assert answer.status_code in (200, 402), answer.text


class Letterbox:
    """Takes every webhook with 200 and keeps its headers and body."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        self.letters.append((headers["stripe-signature"], await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
