"""Disputes as the parties and the operator see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import orders
from entrepot.catalog import Price
from entrepot.disputes import store
from entrepot.disputes.store import FileRow
from entrepot.disputes.types import Dispute
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import NotFound

LAST = UUID(int=2**128 - 1)
PAGE = 50


class DisputeBrief(msgspec.Struct, frozen=True):
    """`claimed` was paid for the disputed units; `granted` of it goes back, once that is decided. `due_at` is when who
    is to speak has lost the turn."""

    id: str
    order_id: str
    seller_id: str
    kind: str
    status: str
    claimed: Price
    offered: Price | None
    granted: Price | None
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


class DisputedLine(msgspec.Struct, frozen=True):
    line_no: int
    title: str
    quantity: int
    unit: str


class StepView(msgspec.Struct, frozen=True):
    """What a party did and said. `file_type` is empty when nothing was shown with it."""

    id: str
    party: str
    act: str
    amount: Price | None
    text: str
    file_name: str
    file_type: str
    at: datetime


class ReplacementView(msgspec.Struct, frozen=True):
    """What is wanted instead of the money; `back` of what was paid goes back, as it is cheaper. `status`: held, sent or
    freed (it is not wanted any more, or was not given)."""

    offer_id: int
    title: str
    quantity: int
    back: Price
    status: str


class DisputeView(msgspec.Struct, frozen=True):
    """`replacement` is null where money is wanted back."""

    dispute: DisputeBrief
    lines: list[DisputedLine]
    steps: list[StepView]
    replacement: ReplacementView | None


async def dispute_view(
    tx: ReadTx,
    cell: int,
    dispute_id: UUID,
    *,
    order_id: UUID | None = None,
    buyer_id: UUID | None = None,
    seller_id: UUID | None = None,
) -> DisputeView:
    """A dispute with all that was said; with `order_id`, `buyer_id` or `seller_id` only theirs. Raises NotFound."""
    dispute = await tx.maybe(store.DISPUTE, cell=cell, id=dispute_id)
    if dispute is None or not dispute.is_of(order_id=order_id, buyer_id=buyer_id, seller_id=seller_id):
        raise NotFound
    lines = await orders.part_lines(tx, cell, [dispute_id])
    steps = await tx.all(store.STEPS, cell=cell, id=dispute_id)
    instead = await tx.maybe(store.REPLACEMENT_VIEW, cell=cell, id=dispute_id)
    return DisputeView(
        _brief(dispute),
        [DisputedLine(line.line_no, line.title, line.quantity, line.unit) for line in lines],
        [
            StepView(
                show("stp", s.id), s.party, s.act, _price(s.amount_minor, dispute.currency), s.text, s.file_name,
                s.file_type, s.at,
            )
            for s in steps
        ],
        None if instead is None else ReplacementView(
            instead.offer_id, instead.title, instead.quantity, Price(instead.back_minor, dispute.currency),
            instead.status,
        ),
    )  # fmt: skip


async def file_of(tx: ReadTx, cell: int, view: DisputeView, dispute_id: UUID, step_id: UUID) -> FileRow:
    """What was shown with a step of a dispute that the caller may see. Raises NotFound."""
    file = await tx.maybe(store.FILE, cell=cell, dispute_id=dispute_id, id=step_id)
    if file is None or all(step.id != show("stp", step_id) for step in view.steps):
        raise NotFound
    return file


async def disputes_of_orders(tx: ReadTx, order_ids: Sequence[UUID], buyer_id: UUID) -> list[DisputeBrief]:
    """A buyer's disputes of these orders, in whatever cells they are."""
    return _briefs(await tx.all(store.OF_ORDERS, orders=order_ids, buyer_id=buyer_id))


async def disputes_of_seller(tx: ReadTx, cell: int, seller_id: UUID, before: UUID | None = None) -> list[DisputeBrief]:
    """A seller's disputes, the latest first, PAGE at a time."""
    return _briefs(await tx.all(store.OF_SELLER, cell=cell, seller_id=seller_id, before=before or LAST, limit=PAGE))


async def to_decide(tx: ReadTx, after: UUID | None = None) -> list[DisputeBrief]:
    """What waits for the operator in all cells, the oldest first, PAGE at a time."""
    return _briefs(await tx.all(store.TO_DECIDE, after=after or NIL, limit=PAGE))


async def cell_of(tx: ReadTx, dispute_id: UUID) -> int:
    """Where a dispute is, for the operator. Raises NotFound."""
    cell = await tx.maybe(store.CELL_OF, id=dispute_id)
    if cell is None:
        raise NotFound
    return cell


def _briefs(disputes: Sequence[Dispute]) -> list[DisputeBrief]:
    return [_brief(dispute) for dispute in disputes]


def _brief(d: Dispute) -> DisputeBrief:
    return DisputeBrief(
        show("dsp", d.id), show("ord", d.order_id), show("sel", d.seller_id), d.kind, d.status,
        Price(d.claimed_minor, d.currency), _price(d.offered_minor, d.currency), _price(d.granted_minor, d.currency),
        d.opened_at, d.due_at, d.closed_at,
    )  # fmt: skip


def _price(minor: int | None, currency: str) -> Price | None:
    return None if minor is None else Price(minor, currency)
