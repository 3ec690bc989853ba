"""Documents as they were issued."""

from __future__ import annotations

from uuid import UUID

from entrepot import sellers
from entrepot.catalog import Price
from entrepot.invoices import store
from entrepot.invoices.store import HeadRow
from entrepot.invoices.types import NOTES, Document, Invoice, Line, TaxLine, number
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from entrepot.kit.problem import NotFound

PAGE = 50
LAST = UUID(int=2**128 - 1)


async def documents(tx: ReadTx, seller_id: UUID | None, before: UUID | None = None) -> list[Invoice]:
    """A seller's documents, or those of all, the latest first, PAGE at a time."""
    before = before or LAST
    if seller_id is None:
        return [_head(row) for row in await tx.all(store.ALL, cells=await cells(tx), before=before, limit=PAGE)]
    cell = (await sellers.seller(tx, sellers.SellerId(seller_id))).cell
    return [
        _head(row) for row in await tx.all(store.OF_SELLER, cell=cell, seller_id=seller_id, before=before, limit=PAGE)
    ]


async def read(tx: ReadTx, document_id: UUID, seller_id: UUID | None = None) -> Document:
    """A document, with `seller_id` only that seller's. Raises NotFound."""
    cell = await tx.maybe(store.CELL_OF, id=document_id)
    if cell is None:
        raise NotFound
    row = await tx.one(store.HEAD, cell=cell, id=document_id)
    if seller_id is not None and row.seller_id != seller_id:
        raise NotFound
    corrected = None
    if row.corrects_id is not None:
        corrected = _number(await tx.one(store.HEAD, cell=cell, id=row.corrects_id))
    lines = await tx.all(store.LINES, cell=cell, id=document_id)
    taxes = await tx.all(store.TAXES, cell=cell, id=document_id)
    return Document(
        _head(row), row.party("issuer"), row.party("recipient"),
        [
            Line(
                x.no, x.kind, x.tax_kind, x.tax_bp, x.of_month, Price(x.net_minor, row.currency), x.name, x.unit,
                x.quantity, x.unit_price,
            )
            for x in lines
        ],
        [
            TaxLine(
                x.tax_kind, x.tax_bp, Price(x.net_minor, row.currency), Price(x.tax_minor, row.currency),
                NOTES.get(x.tax_kind, ""),
            )
            for x in taxes
        ],
        corrected, row.reason,
    )  # fmt: skip


def _head(row: HeadRow) -> Invoice:
    return Invoice(
        show("inv", row.id), _number(row), row.kind, show("sel", row.seller_id), row.month, row.issued_at,
        Price(row.net_minor, row.currency), Price(row.tax_minor, row.currency),
        Price(row.net_minor + row.tax_minor, row.currency),
    )  # fmt: skip


def _number(row: HeadRow) -> str:
    return number(row.entity, row.kind, row.year, row.serial)
