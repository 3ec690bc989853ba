"""What customs is asked and what it answers: a call for each declaration, and one to take it back. The sandbox
(entrepot.world.customs) speaks the same protocol and shares no code with this file.

    POST {url}/declarations                  {id, mode, book's items, the three messages}
    POST {url}/declarations/{id}/revocation  {id}
    -> 200 {"status": "released" | "rejected" | "revoked" | "kept", "reference": "...", "reason": "..."}, 202: not yet

The Idempotency-Key is the declaration's id: asked again, customs answers as it stands. A body is signed as text
messages are (notify.channels): `Entrepot-Signature: t=<seconds>,v1=<hmac-sha256 of "t.body">` with the key in the URL's
user part.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
from msgspec import Meta

from entrepot.customs.messages import Messages
from entrepot.kit.outside import OutsideError, call

REFUSALS = frozenset({400, 404, 409, 413, 422})
"""Customs could not read it, and never will: that is a rejection."""


class Declared(msgspec.Struct, frozen=True):
    """The body of a declaration; `buyer_number` is the number by which customs knows the buyer."""

    id: str
    mode: str
    country: str
    buyer_number: str
    messages: Messages


class Answer(msgspec.Struct, frozen=True):
    """`kept` answers a revocation that customs does not grant."""

    status: Literal["released", "rejected", "revoked", "kept"]
    reference: Annotated[str, Meta(max_length=80)] = ""
    reason: Annotated[str, Meta(max_length=500)] = ""


class Office(msgspec.Struct, frozen=True):
    """Where customs is reached, and the key that calls are signed with."""

    url: str
    secret: bytes


def office_of(url: str) -> Office | None:
    """The office of ENTREPOT_CUSTOMS_URL; None: nobody is asked, and declarations wait."""
    if not url:
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return Office(parts._replace(netloc=host).geturl().rstrip("/"), unquote(parts.password or "").encode())


async def declare(client: httpx.AsyncClient, office: Office, declared: Declared, now: datetime) -> Answer | None:
    """None: it has it, and has not decided. Raises OutsideError."""
    return await _ask(client, office, "/declarations", declared.id, msgspec.json.encode(declared), now)


async def revoke(client: httpx.AsyncClient, office: Office, id_: str, now: datetime) -> Answer | None:
    """The same of taking a declaration back, also of one that customs has never heard of."""
    body = msgspec.json.encode({"id": id_})
    return await _ask(client, office, f"/declarations/{id_}/revocation", f"{id_}-revocation", body, now)


async def _ask(
    client: httpx.AsyncClient, office: Office, path: str, key: str, body: bytes, now: datetime
) -> Answer | None:
    stamp = int(now.timestamp())
    mac = hmac.digest(office.secret, b"%d.%b" % (stamp, body), "sha256").hex()
    signed = {"entrepot-signature": f"t={stamp},v1={mac}"}
    answer = await call(client, "POST", office.url + path, key=key, body=body, headers=signed)
    if answer.status_code == 202:
        return None
    if answer.status_code in REFUSALS:
        return Answer("kept" if path.endswith("revocation") else "rejected", reason=f"customs: {answer.status_code}")
    if answer.status_code != 200:
        raise OutsideError(f"customs: {answer.status_code}")
    try:
        return msgspec.json.decode(answer.content, type=Answer)
    except msgspec.DecodeError as error:
        raise OutsideError("customs: an answer that is none") from error
