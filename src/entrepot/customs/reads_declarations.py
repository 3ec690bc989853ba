"""Declarations as they are shown."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.customs import store_declarations as store
from entrepot.customs.messages import Disagreement, ParcelSaid
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import parse, show
from entrepot.kit.problem import Malformed, NotFound

PAGE = 50
LAST = UUID(int=2**128 - 1)


class DeclarationView(msgspec.Struct, frozen=True):
    """`status`: open (`problems` says about what its messages do not agree, or which is missing), asked, released,
    rejected (customs says why: `reason`), revoking or ended. `law` is where it stands what must agree."""

    id: str
    no: int
    status: str
    problems: list[Disagreement]
    reason: str
    reference: str
    law: str
    attempts: int
    made_at: datetime
    ended_at: datetime | None


class ListedView(msgspec.Struct, frozen=True):
    order_id: str
    order_status: str
    seller: str
    declaration: DeclarationView


async def of_order(tx: ReadTx, cell: int, order_id: UUID, seller_id: UUID | None = None) -> list[DeclarationView]:
    """The latest first; of an order that does not lie in bond none. Raises NotFound, also for another seller's."""
    order = await tx.maybe(store.ORDER, cell=cell, id=order_id)
    if order is None or seller_id not in (None, order.seller_id):
        raise NotFound
    return [_view(row) for row in await tx.all(store.OF_ORDER, cell=cell, order_id=order_id)]


async def parcel_of(tx: ReadTx, cell: int, order_id: UUID) -> ParcelSaid | None:
    """With what parcel an order was said to go."""
    said = {row.kind: row.content for row in await tx.all(store.MESSAGES, cell=cell, order_id=order_id)}
    return msgspec.convert(said["parcel"], ParcelSaid) if "parcel" in said else None


async def listed(tx: ReadTx, waiting: bool, before: str | None = None) -> tuple[list[ListedView], str | None]:
    """The latest declarations of at most PAGE orders, of all cells, and where the next page begins."""
    try:
        start = LAST if before is None else parse("ord", before)
    except ValueError:
        raise Malformed("no order - at `$.before`") from None
    rows = await tx.all(store.WAITING if waiting else store.LISTED, before=start, limit=PAGE)
    found = [ListedView(show("ord", row.order_id), row.order_status, row.seller, _view(row)) for row in rows]
    return found, found[-1].order_id if len(found) == PAGE else None


async def cell_of(tx: ReadTx, order_id: UUID) -> int:
    """Raises NotFound."""
    found = await tx.maybe(store.CELL_OF, order_id=order_id)
    if found is None:
        raise NotFound
    return found


def _view(row: store.DeclarationRow) -> DeclarationView:
    return DeclarationView(
        show("dec", row.id), row.no, row.status, [Disagreement(name, said) for name, said in row.problems.items()],
        row.reason, row.reference, row.citation, row.attempts, row.made_at, row.ended_at,
    )  # fmt: skip
