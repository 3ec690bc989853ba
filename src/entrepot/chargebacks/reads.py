"""What screens show of chargebacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import payments
from entrepot.catalog import Price
from entrepot.chargebacks import store
from entrepot.chargebacks.store import FileRow
from entrepot.chargebacks.types import Share
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound
from entrepot.payments import Chargeback

PAGE = 50
LAST = UUID(int=(1 << 128) - 1)


class ChargebackBrief(msgspec.Struct, frozen=True):
    """What a cardholder disputes at the bank. `status`: heard, inquiry, open, review, won or lost; `reason` is the
    gateway's word. Of our money `withdrawn` was taken and `returned` came back; `fee` is the gateway's. Evidence may be
    sent until `evidence_by`, once (`sent_at`; `refusal` is why the gateway would not have it)."""

    id: str
    status: str
    reason: str
    amount: Price
    withdrawn: Price
    returned: Price
    fee: Price
    evidence_by: datetime | None
    sent_at: datetime | None
    refusal: str | None
    heard_at: datetime


class ShareView(msgspec.Struct, frozen=True):
    """What of it falls on an order, and of its fee. `liable` bears it, once the order was sent. `lost` is known once
    the bank has decided, and what of that was paid out of what was frozen (`paid`); the rest is the operator's."""

    id: str
    order_id: str
    seller_id: str
    amount: Price
    fee: Price
    liable: str
    status: str
    lost: Price | None
    paid: Price | None


class EvidenceView(msgspec.Struct, frozen=True):
    id: str
    party: str
    text: str
    file_name: str
    file_type: str
    at: datetime


class ChargebackListed(msgspec.Struct, frozen=True):
    chargeback: ChargebackBrief
    shares: list[ShareView]


class ChargebackView(msgspec.Struct, frozen=True):
    """`is_open`: evidence may be added and sent."""

    chargeback: ChargebackBrief
    shares: list[ShareView]
    evidence: list[EvidenceView]
    is_open: bool


async def latest(tx: ReadTx, before: UUID | None = None) -> list[ChargebackListed]:
    """All chargebacks, the latest first, PAGE at a time."""
    found = await payments.latest_chargebacks(tx, before, PAGE)
    shares = await tx.all(store.SHARES, cases=[one.id for one in found]) if found else []
    return [_listed(one, [share for share in shares if share.case_id == one.id]) for one in found]


async def wanting_evidence(tx: ReadTx) -> list[Chargeback]:
    """Of the latest chargebacks those that somebody can still say something about."""
    return [one for one in await payments.latest_chargebacks(tx, None, PAGE) if _is_open(one, tx)]


def _is_open(told: Chargeback, tx: ReadTx) -> bool:
    in_time = told.evidence_by is not None and told.evidence_by > tx.now
    return told.evidence is None and told.status in ("inquiry", "open") and in_time


async def latest_of_seller(
    tx: ReadTx, cell: int, seller_id: UUID, before: UUID | None = None
) -> list[ChargebackListed]:
    """What falls on a seller's orders, the latest first, PAGE shares at a time; `before` is the last share's."""
    shares = await tx.all(store.OF_SELLER, cell=cell, seller_id=seller_id, before=before or LAST, limit=PAGE)
    found: dict[UUID, Chargeback] = {}
    for home in sorted({share.case_cell for share in shares}):
        ids = [share.case_id for share in shares if share.case_cell == home]
        found |= {one.id: one for one in await payments.chargebacks(tx, home, ids)}
    return [_listed(found[share.case_id], [share]) for share in shares]


async def view(tx: ReadTx, id_: UUID, *, seller: tuple[int, UUID] | None = None) -> ChargebackView:
    """A chargeback with what was said; with `seller`, its cell and id, what falls on that seller's orders, and what
    that seller has said. Raises NotFound."""
    cell = await payments.chargeback_cell(tx, id_)
    (told,) = await payments.chargebacks(tx, cell, [id_])
    shares = await tx.all(store.SHARES, cases=[id_])
    said = await tx.all(store.EVIDENCE, cell=cell, case_id=id_)
    if seller is not None:
        shares = [share for share in shares if (share.cell, share.seller_id) == seller]
        said = [one for one in said if one.seller_id == seller[1]]
        if not shares:
            raise NotFound
    evidence = [
        EvidenceView(show("evd", one.id), one.party, one.text, one.file_name, one.file_type, one.at) for one in said
    ]
    listed = _listed(told, shares)
    return ChargebackView(listed.chargeback, listed.shares, evidence, _is_open(told, tx))


async def file_of(tx: ReadTx, shown: ChargebackView, id_: UUID, evidence_id: UUID) -> FileRow:
    """A file of a chargeback that the caller may see. Raises NotFound."""
    cell = await payments.chargeback_cell(tx, id_)
    file = await tx.maybe(store.EVIDENCE_FILE, cell=cell, case_id=id_, id=evidence_id)
    if file is None or all(one.id != show("evd", evidence_id) for one in shown.evidence):
        raise NotFound
    return file


def _listed(told: Chargeback, shares: Sequence[Share]) -> ChargebackListed:
    def price(minor: int) -> Price:
        return Price(minor, told.currency)

    return ChargebackListed(
        ChargebackBrief(
            show("cbk", told.id), told.status, told.reason, price(told.amount_minor), price(told.withdrawn_minor),
            price(told.returned_minor), price(told.fee_minor), told.evidence_by, told.sent_at, told.refusal,
            told.heard_at,
        ),
        [
            ShareView(
                show("cbs", s.id), show("ord", s.order_id), show("sel", s.seller_id), price(s.amount_minor),
                price(s.charged_minor), s.liable, s.status, None if s.lost_minor is None else price(s.lost_minor),
                None if s.from_parts_minor is None else price(s.from_parts_minor),
            )
            for s in shares
        ],
    )  # fmt: skip
