"""Calls to other people's computers: never inside a transaction, always bounded, named by an idempotency key.

The pattern is intent, call, record: a committed row says what will be asked; the call goes out with that row's id as
its key; a second transaction records the answer. A sweeper finds intents without an answer and asks again.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from urllib.parse import urlsplit

import httpx

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 1_000_000

in_transaction: ContextVar[int] = ContextVar("in_transaction", default=0)
"""How many transactions this task holds open (kit.db counts)."""


class OutsideError(Exception):
    """The other side did not give a usable answer; what it did is unknown. Ask again with the same key."""


def require_outside() -> None:
    """Raises RuntimeError inside a transaction."""
    if in_transaction.get():
        raise RuntimeError("a call to the outside inside a transaction")


async def call(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    key: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """One call. Raises RuntimeError inside a transaction, OutsideError for a timeout, a broken connection, an answer of
    5xx or one over MAX_ANSWER_BYTES, of which no more is read. What is raised names the other side by its host alone:
    the rest of an address may have a secret in it."""
    require_outside()
    sent = {
        "content-type": "application/json", "accept-encoding": "identity", "idempotency-key": key, **(headers or {}),
    }  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT_S):  # of all of it: httpx alone would count from byte to byte
            async with client.stream(method, url, content=body, headers=sent, timeout=None) as answer:
                content = await _whole(answer)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise OutsideError(f"{method} {_host(url)}: {type(error).__name__}") from error
    if answer.status_code >= 500 or content is None:
        raise OutsideError(f"{method} {_host(url)}: {answer.status_code}")
    return httpx.Response(answer.status_code, headers=answer.headers, content=content)


async def _whole(answer: httpx.Response) -> bytes | None:
    """None for more than MAX_ANSWER_BYTES, and for what is packed although nobody asked for that: a little of it may be
    very much."""
    if "content-encoding" in answer.headers:
        return None
    content = bytearray()
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > MAX_ANSWER_BYTES:
            return None
    return bytes(content)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
