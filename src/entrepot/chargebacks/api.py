"""Chargebacks over HTTP: the operator sees all of them, a seller what falls on its orders; both add evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot import disputes, sellers
from entrepot.chargebacks import actions, reads, store
from entrepot.chargebacks.reads import ChargebackListed, ChargebackView
from entrepot.chargebacks.types import TEXT_MAX, EvidenceFull, Liable, NothingToSend, Rule, RuleTooEarly
from entrepot.disputes import FILE_MAX_BYTES, FileNotTaken
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import MAX_BODY_BYTES, OPERATOR, SELLER, get, post
from entrepot.kit.ids import END, parse, ref, show
from entrepot.kit.problem import NotFound
from entrepot.payments import EvidenceTooLate
from entrepot.sellers import SellerId

ChargebackPath = Annotated[UUID, "cbk"]
EvidencePath = Annotated[UUID, "evd"]
BODY_MAX_BYTES = MAX_BODY_BYTES + FILE_MAX_BYTES * 4 // 3


class ChargebackFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JPEG, PNG or WebP picture or a PDF; `content` is in Base64."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    content: Annotated[bytes, Meta(min_length=1, max_length=FILE_MAX_BYTES)]


class NewEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    file: ChargebackFile | None = None


class ChargebackFileShown(msgspec.Struct, frozen=True):
    """`type` is its media type, `content` in Base64."""

    name: str
    type: str
    content: bytes


class ChargebacksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before."""

    before: Annotated[str, ref("cbk")] | None = None


class SharesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last share's id of the page before."""

    before: Annotated[str, ref("cbs")] | None = None


class Chargebacks(msgspec.Struct, frozen=True):
    items: list[ChargebackListed]


class LiabilityRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `valid_from` on (without it: now) `liable` bears what banks take back of what was sent: of a market, a
    seller and the gateway's word for the reason, each of which may be left out: any."""

    liable: Liable
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    market: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    seller_id: Annotated[str, ref("sel")] | None = None
    reason: Annotated[str, Meta(pattern=f"^[a-z_]{{1,100}}{END}")] | None = None
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)


class LiabilityRules(msgspec.Struct, frozen=True):
    items: list[LiabilityRule]


async def list_seller_chargebacks(tx: ReadTx, caller: Caller, query: SharesQuery) -> Chargebacks:
    """What buyers' banks take of the seller's orders, the latest first."""
    before = None if query.before is None else parse("cbs", query.before)
    return Chargebacks(await reads.latest_of_seller(tx, caller.cell, caller.seller, before))


async def read_seller_chargeback(tx: ReadTx, caller: Caller, chargeback_id: ChargebackPath) -> ChargebackView:
    """What of a chargeback falls on the seller's orders, and what the seller has said."""
    return await reads.view(tx, chargeback_id, seller=(caller.cell, caller.seller))


async def read_seller_chargeback_file(
    tx: ReadTx, caller: Caller, chargeback_id: ChargebackPath, evidence_id: EvidencePath
) -> ChargebackFileShown:
    """A picture or paper that the seller has shown."""
    view = await reads.view(tx, chargeback_id, seller=(caller.cell, caller.seller))
    return _shown(await reads.file_of(tx, view, chargeback_id, evidence_id))


async def add_seller_evidence(tx: Tx, caller: Caller, chargeback_id: ChargebackPath, body: NewEvidence) -> None:
    """Something for the buyer's bank to read. It goes there together with what others say, a day before the deadline at
    the latest."""
    seller = (caller.cell, caller.seller)
    await actions.add_evidence(tx, chargeback_id, body.text, _file(body.file), seller=seller)


async def list_chargebacks(tx: ReadTx, query: ChargebacksQuery) -> Chargebacks:
    """What buyers dispute at their banks, the latest first."""
    return Chargebacks(await reads.latest(tx, None if query.before is None else parse("cbk", query.before)))


async def read_chargeback(tx: ReadTx, chargeback_id: ChargebackPath) -> ChargebackView:
    """A chargeback, on whom it falls, and what was said."""
    return await reads.view(tx, chargeback_id)


async def read_chargeback_file(
    tx: ReadTx, chargeback_id: ChargebackPath, evidence_id: EvidencePath
) -> ChargebackFileShown:
    """A picture or paper that was shown."""
    view = await reads.view(tx, chargeback_id)
    return _shown(await reads.file_of(tx, view, chargeback_id, evidence_id))


async def add_evidence(tx: Tx, chargeback_id: ChargebackPath, body: NewEvidence) -> None:
    """Something for the buyer's bank to read."""
    await actions.add_evidence(tx, chargeback_id, body.text, _file(body.file))


async def send_evidence(tx: Tx, chargeback_id: ChargebackPath) -> None:
    """All that was said goes to the bank now, once and for good."""
    await actions.send_evidence(tx, chargeback_id)


async def list_liability(tx: ReadTx) -> LiabilityRules:
    """Who bears what banks take back, by which rules, the latest first."""
    return LiabilityRules(
        [
            LiabilityRule(
                rule.liable, rule.source, rule.market,  # type: ignore[arg-type]
                None if rule.seller_id is None else show("sel", rule.seller_id), rule.reason, rule.valid_from,
            )
            for rule in await tx.all(store.RULES)
        ]
    )  # fmt: skip


async def add_liability(tx: Tx, body: LiabilityRule) -> None:
    """A rule of who bears them. It is never changed: another that says as much, and begins later, takes its place."""
    if body.market is not None:
        await sellers.market(tx, body.market)
    seller_id = None if body.seller_id is None else parse("sel", body.seller_id)
    if seller_id is not None:
        await sellers.seller(tx, SellerId(seller_id))
    begin = body.valid_from or tx.now
    await actions.add_rule(tx, Rule(body.market, seller_id, body.reason, begin, body.liable, body.source))


def _file(file: ChargebackFile | None) -> disputes.File | None:
    return None if file is None else disputes.evidence(file.name, file.content)


def _shown(file: store.FileRow) -> ChargebackFileShown:
    return ChargebackFileShown(file.file_name, file.file_type, file.file)


_ADDED = (EvidenceFull, EvidenceTooLate, FileNotTaken)
routes = [
    get("/v1/seller/chargebacks", list_seller_chargebacks, access=SELLER),
    get("/v1/seller/chargebacks/{chargeback_id}", read_seller_chargeback, access=SELLER),
    get("/v1/seller/chargebacks/{chargeback_id}/files/{evidence_id}", read_seller_chargeback_file, access=SELLER),
    post(
        "/v1/seller/chargebacks/{chargeback_id}/evidence", add_seller_evidence, access=SELLER, key="taken",
        body_max_bytes=BODY_MAX_BYTES, raises=_ADDED,
    ),
    get("/v1/operator/chargebacks", list_chargebacks, access=OPERATOR),
    get("/v1/operator/chargebacks/{chargeback_id}", read_chargeback, access=OPERATOR),
    get("/v1/operator/chargebacks/{chargeback_id}/files/{evidence_id}", read_chargeback_file, access=OPERATOR),
    post(
        "/v1/operator/chargebacks/{chargeback_id}/evidence", add_evidence, access=OPERATOR, key="taken",
        body_max_bytes=BODY_MAX_BYTES, raises=_ADDED,
    ),
    post(
        "/v1/operator/chargebacks/{chargeback_id}/send", send_evidence, access=OPERATOR, key="taken",
        raises=(NothingToSend, EvidenceTooLate),
    ),
    get("/v1/operator/chargeback-rules", list_liability, access=OPERATOR),
    post(
        "/v1/operator/chargeback-rules", add_liability, access=OPERATOR, key="taken", status=201,
        raises=(NotFound, RuleTooEarly),
    ),
]  # fmt: skip
