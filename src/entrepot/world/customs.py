"""The sandbox customs: an office that answers, delays, rejects, and loses its answers. It is an ASGI application, which
`python -m entrepot.world.gateway` serves below /customs beside the sandbox gateway; no goods move here.

It shares no code with who asks it (entrepot.customs.office): the same declaration again, by its id, is answered as it
stands. What it has let out it keeps by book and item, to be compared with the books of who declared it.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from entrepot.kit.clock import Clock
from entrepot.kit.http import read_body

TOLERANCE = timedelta(minutes=5)
MAX_BODY_BYTES = 262_144
REASONS = ("the buyer's identity is not proven", "the item is not on the list", "the goods are to be inspected")
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


class Moods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the office is: of all declarations so many are rejected, and of all answers so many come late, or after the
    connection broke (each a share of 1). `keeps` says that it takes nothing back."""

    reject_rate: float = 0
    delay_rate: float = 0
    error_rate: float = 0
    lost_rate: float = 0
    keeps: bool = False


@dataclass
class Customs:
    """`decided` is what became of each declaration, by its id; `declared` what was said in it."""

    secret: bytes
    clock: Clock
    chance: Random
    moods: Moods = Moods()  # noqa: RUF009 - frozen
    declared: dict[str, dict[str, Any]] = field(default_factory=dict)
    decided: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        body = await read_body(request, MAX_BODY_BYTES)
        if request.url.path.endswith("/moods"):
            status, answer = self._moods(request.method, body)
        else:
            status, answer = self.answer(request.url.path, request.headers, body)
        await Response(answer, status, media_type="application/json")(scope, receive, send)

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        """Status and body. 500 may come before anything was done, or after all of it."""
        self.asked += 1
        if not self._is_signed(headers.get("entrepot-signature", ""), body):
            return 401, b""
        if self._strikes(self.moods.error_rate):
            return 500, b""
        parts = path.rstrip("/").split("/")
        if parts[-1] == "revocation":
            found: dict[str, str] | None = self._revoke(parts[-2])
        elif parts[-1] == "declarations":
            found = self._declare(msgspec.json.decode(body))
        else:
            return 404, b""
        if self._strikes(self.moods.lost_rate):
            return 500, b""
        return (202, b"{}") if found is None else (200, msgspec.json.encode(found))

    def _moods(self, method: str, body: bytes) -> tuple[int, bytes]:
        if method == "PUT":
            try:
                self.moods = msgspec.json.decode(body, type=Moods)
            except msgspec.DecodeError:
                return 400, b""
        return 200, msgspec.json.encode(self.moods)

    def let_out(self) -> dict[str, int]:
        """Thousandths of units of all that was let out, by book and item."""
        total: Counter[str] = Counter()
        for id_, decided in self.decided.items():
            if decided["status"] == "released":
                for item in self.declared[id_]["messages"]["order"]["items"]:
                    total[f"{item['book']} {item['record_no']}"] += item["quantity_milli"]
        return dict(total)

    def _declare(self, said: dict[str, Any]) -> dict[str, str] | None:
        id_ = said["id"]
        if id_ in self.decided:
            return self.decided[id_]
        self.declared[id_] = said
        if self._strikes(self.moods.delay_rate):
            return None
        why = next(_contradictions(said["messages"]), "")
        if not why and self._strikes(self.moods.reject_rate):
            why = self.chance.choice(REASONS)
        reference = f"CUS{len(self.decided) + 1:08}"
        status = "rejected" if why else "released"
        self.decided[id_] = {"status": status, "reference": reference, "reason": why}
        return self.decided[id_]

    def _revoke(self, id_: str) -> dict[str, str] | None:
        if self._strikes(self.moods.delay_rate):
            return None
        if self.moods.keeps:
            return {"status": "kept", "reason": "the goods are to be inspected"}
        if self.decided.get(id_, {}).get("status") != "rejected":
            self.decided[id_] = {"status": "revoked", "reference": f"REV{len(self.decided):08}"}
        return self.decided[id_]

    def _is_signed(self, header: str, body: bytes) -> bool:
        found = _SIGNATURE.fullmatch(header)
        if found is None or abs(int(found[1]) - self.clock.now().timestamp()) > TOLERANCE.total_seconds():
            return False
        mac = hmac.digest(self.secret, found[1].encode() + b"." + body, "sha256").hex()
        return hmac.compare_digest(mac, found[2])

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self.chance.random() < rate


def _contradictions(told: dict[str, Any]) -> Any:
    """What an officer sees who lays the three papers side by side."""
    order, payment, parcel = told["order"], told["payment"], told["parcel"]
    if not order["order_id"] == payment["order_id"] == parcel["order_id"]:
        yield "the papers are of different orders"
    if order["buyer"] != payment["payer"]:
        yield "somebody else has paid"
    if (order["paid_minor"], order["currency"]) != (payment["amount_minor"], payment["currency"]):
        yield "another amount was paid"
    if parcel["recipient"] != order["recipient"] or parcel["units"] != order["units"]:
        yield "the parcel is another"
