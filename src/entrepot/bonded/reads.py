"""The account books as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.bonded import store
from entrepot.bonded.types import BookItem
from entrepot.catalog import Price
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx

PAGE = 100


async def book_items(
    tx: ReadTx, cell: int, seller_id: UUID | None = None, after: int = 0
) -> list[tuple[int, BookItem]]:
    """The items of the books of a cell, a seller's or all, each with its id; at most PAGE after the item `after`."""
    rows = await tx.all(store.ITEMS, cell=cell, seller_id=seller_id, after=after, limit=PAGE)
    return [
        (
            row.id,
            BookItem(
                row.location_id, row.location, row.book, row.seller, row.record_no, row.hs_code, row.country_of_origin,
                row.description, row.unit, Price(row.unit_value_minor, row.currency), row.quantity_milli,
                row.asked_milli, row.received_milli, row.released_milli, row.written_off_milli,
            ),
        )
        for row in rows
    ]  # fmt: skip


async def items_of_all(tx: ReadTx, cell: int = 0, after: int = 0) -> tuple[list[BookItem], tuple[int, int] | None]:
    """The items of the books of all cells, from the one after `after` of `cell` on: at most PAGE, and the cell and item
    that the next page begins after."""
    found: list[tuple[int, int, BookItem]] = []
    for one in await cells(tx):
        if one >= cell and len(found) < PAGE:
            rows = await book_items(tx, one, None, after if one == cell else 0)
            found += [(one, id_, item) for id_, item in rows]
    found = found[:PAGE]
    return [item for _, _, item in found], found[-1][:2] if len(found) == PAGE else None


async def warehouses(tx: ReadTx, cell: int, locations: Sequence[int]) -> set[int]:
    """Those of the locations that are bonded warehouses."""
    return set(await tx.all(store.BONDED, cell=cell, locations=list(locations)))
