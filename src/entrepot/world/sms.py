"""The sandbox of text messages: an SMS service that keeps what it is sent, and takes nothing that is not signed."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from entrepot.kit.clock import Clock

TOLERANCE = timedelta(minutes=5)
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    to: str
    text: str


@dataclass
class Phones:
    """An ASGI application. `texts` are those that were taken, by their Idempotency-Key: the same key again is the same
    message. `refused` numbers get none (422); the next `faults` calls answer 500 after the work is done."""

    secret: bytes
    clock: Clock
    texts: dict[str, Text] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    faults: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        body = await request.body()
        await Response(status_code=self._take(request, body))(scope, receive, send)

    def _take(self, request: Request, body: bytes) -> int:
        found = _SIGNATURE.fullmatch(request.headers.get("entrepot-signature", ""))
        if found is None or abs(int(found[1]) - self.clock.now().timestamp()) > TOLERANCE.total_seconds():
            return 401
        mac = hmac.digest(self.secret, found[1].encode() + b"." + body, "sha256").hex()
        if not hmac.compare_digest(mac, found[2]):
            return 401
        text = msgspec.json.decode(body, type=Text)
        if text.to in self.refused:
            return 422
        self.texts[request.headers["idempotency-key"]] = text
        self.faults -= 1
        return 500 if self.faults >= 0 else 202
