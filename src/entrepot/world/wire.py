"""HTTP/1.1 as a load generator speaks it: requests are bytes that were made before, and of an answer only status and
body are read. It shares the machine with what it loads, so it does as little as it can.

What a client does is a script, a generator: it yields a request and is sent the answer. A wire is one connection that
plays scripts, one after another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from functools import partial
from typing import cast

import msgspec

from entrepot.kit.clock import monotonic

Answer = tuple[int, bytes]
Script = Generator[bytes, Answer, None]

_json = msgspec.json.encode
_read = msgspec.json.decode


class Purchase(msgspec.Struct, frozen=True):
    """What a client needs to buy: headers that sign it in, the offer, the address."""

    headers: bytes
    offer_id: int
    address_id: str
    market: str
    shipping: str


def request(method: str, path: str, headers: bytes = b"", body: bytes = b"") -> bytes:
    """The bytes of a request; `headers` end with a line end each."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode() + headers
    if body:
        head += b"content-type: application/json\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def fill_cart(wish: Purchase, prefix: str = "") -> Generator[bytes, Answer, str]:
    """A cart with one line; its id. Raises GaveUpError at the first answer that is no success."""
    send = partial(request, headers=wish.headers)
    cart: str = _read(good((yield send("POST", f"{prefix}/v1/carts", body=_json({"market": wish.market})))))["id"]
    good((yield send("POST", f"{prefix}/v1/carts/{cart}/lines", body=_json({"offer_id": wish.offer_id}))))
    return cart


def buy(wish: Purchase) -> Script:
    """The whole purchase as a client makes it, from an empty cart to paid; it ends early with GaveUpError."""
    yield from order(wish)


def order(wish: Purchase, prefix: str = "", method: str = "wallet") -> Generator[bytes, Answer, bytes]:
    """The same, paid by wallet or still to be paid; the last answer."""
    send = partial(request, headers=wish.headers)
    cart = yield from fill_cart(wish, prefix)
    good((yield send("PUT", f"{prefix}/v1/carts/{cart}/address", body=_json({"address_id": wish.address_id}))))
    good((yield send("PUT", f"{prefix}/v1/carts/{cart}/shipping", body=_json({"code": wish.shipping}))))
    quote: str = _read(good((yield send("POST", f"{prefix}/v1/carts/{cart}/quote"))))["id"]
    key = wish.headers + f"idempotency-key: {quote}\r\n".encode()
    body = _json({"quote_id": quote, "method": method})
    return good((yield request("POST", f"{prefix}/v1/orders", key, body)))


class GaveUpError(Exception):
    """An answer without which the script cannot go on; its status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def good(answer: Answer) -> bytes:
    """The body of an answer that is a success. Raises GaveUpError."""
    status, body = answer
    if status >= 300:
        raise GaveUpError(status)
    return body


class Wire(asyncio.Protocol):
    """`seen(wire, status, seconds)` is told of every answer, `over(wire, status)` of a script's end (0, or the status
    at which it gave up), `lost(wire)` that the connection went away, with or without a script under way (`playing`)."""

    def __init__(
        self, seen: Callable[[Wire, int, float], None], over: Callable[[Wire, int], None], lost: Callable[[Wire], None]
    ) -> None:
        self._seen = seen
        self._over = over
        self._lost = lost
        self._received = b""
        self._asked_at = 0.0
        self._script: Script | None = None
        self.playing = ""

    def play(self, script: Script, due: float, name: str = "script") -> None:
        """Plays a script whose first request was due at `due` (of kit.clock.monotonic), which may be a while ago."""
        self._script = script
        self.playing = name
        self._step(lambda: next(script), due)

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        head = received.find(b"\r\n\r\n")
        if head < 0:
            return
        at = received.find(b"content-length: ", 0, head)
        length = int(received[at + 16 : received.find(b"\r", at)]) if at > 0 else 0
        if len(received) < head + 4 + length:
            return
        self._received = b""
        status, now = int(received[9:12]), monotonic()
        self._seen(self, status, now - self._asked_at)
        script = self._script
        assert script is not None, "an answer that nobody asked for"
        self._step(lambda: script.send((status, received[head + 4 :])), now)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's word
        self._lost(self)

    def _step(self, take: Callable[[], bytes], at: float) -> None:
        status = 0
        try:
            data = take()
        except StopIteration:
            pass
        except GaveUpError as gave_up:
            status = gave_up.status
        else:
            self._asked_at = at
            self._transport.write(data)
            return
        self._script = None
        self._over(self, status)
