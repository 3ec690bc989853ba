"""Goods in bond, over HTTP: the account books, what comes in and what is written off."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.bonded import actions, reads
from entrepot.bonded.types import (
    RECEIPT_LINES_MAX,
    BookItem,
    BookShort,
    DeclarationReceived,
    Incoming,
    ItemInUse,
    ItemNeeded,
    NewItem,
    NoBook,
)
from entrepot.inventory import Reason, StockCurrencyIs, StockPromised
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post, put
from entrepot.kit.ids import END, show
from entrepot.kit.problem import NotFound
from entrepot.logistics import CostNeeded, CostNotTaken, LocationInUse, Receipt, Units


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account book of a bonded warehouse: its number, and the customs office that keeps it."""

    number: Annotated[str, Meta(pattern=f"^[A-Za-z0-9][A-Za-z0-9-]{{2,39}}{END}", examples=["T5141W000001"])]
    office: Annotated[str, Meta(min_length=1, max_length=120)]


class Inbound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an inbound declaration brought into bond. `currency` is that of the costs, of the operator's own goods."""

    declaration_no: Annotated[str, Meta(pattern=f"^[A-Za-z0-9][A-Za-z0-9-]{{3,39}}{END}")]
    lines: Annotated[list[Incoming], Meta(min_length=1, max_length=RECEIPT_LINES_MAX)]
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}")] | None = None


class WriteOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """There are `units` fewer (or more) in bond than the books say, not promised to anybody."""

    units: Units
    reason: Reason
    direction: Literal["fewer", "more"] = "fewer"


class ItemsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the `next` of the page before; the operator says of which cell."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    cell: Annotated[int, Meta(ge=0, le=32_767)] = 0


class Items(msgspec.Struct, frozen=True):
    items: list[BookItem]
    next: int | None


class WrittenOff(msgspec.Struct, frozen=True):
    id: str


async def open_book(tx: Tx, caller: Caller, location_id: int, body: Book) -> None:
    """Says that a location is a bonded warehouse with this account book: what lies there is not imported yet."""
    await actions.open_book(tx, caller.cell, location_id, body.number, body.office, caller.user_id)


async def list_books(tx: ReadTx, query: ItemsQuery) -> Items:
    """The items of all account books of a cell: what is in bond, and what has come and gone."""
    return await _items(tx, query.cell, None, query.after)


async def say_bonded_item(tx: Tx, caller: Caller, location_id: int, body: NewItem) -> None:
    """Says which item of a warehouse's account book a variant is, and how much of it one unit is."""
    await actions.say_item(tx, caller.cell, caller.seller, location_id, body)


async def list_bonded(tx: ReadTx, caller: Caller, query: ItemsQuery) -> Items:
    """What the seller has in bond, by item of the account books."""
    return await _items(tx, caller.cell, caller.seller, query.after)


async def receive_in_bond(tx: Tx, caller: Caller, location_id: int, body: Inbound) -> Receipt:
    """Takes goods into bond with duty suspended, which an inbound declaration has brought there."""
    return await actions.receive(
        tx, caller.cell, caller.seller, location_id, body.declaration_no, body.lines, caller.user_id, body.currency
    )  # fmt: skip


async def write_off_in_bond(tx: Tx, caller: Caller, stock_id: int, body: WriteOff) -> WrittenOff:
    """Corrects a count of goods in bond, and their account book with it."""
    delta = body.units if body.direction == "more" else -body.units
    id_: UUID = await actions.write_off(
        tx, caller.cell, caller.seller, stock_id, delta, body.reason, caller.user_id
    )  # fmt: skip
    return WrittenOff(show("adj", id_))


async def _items(tx: ReadTx, cell: int, seller_id: UUID | None, after: int) -> Items:
    found = await reads.book_items(tx, cell, seller_id, after)
    return Items([item for _, item in found], found[-1][0] if len(found) == reads.PAGE else None)


routes = [
    put("/v1/locations/{location_id}/book", open_book, access=OPERATOR, raises=(LocationInUse,), key="taken"),
    get("/v1/operator/bonded", list_books, access=OPERATOR),
    get("/v1/seller/bonded", list_bonded, access=SELLER),
    put(
        "/v1/seller/bonded/{location_id}/items", say_bonded_item, access=SELLER, raises=(NoBook, ItemInUse),
        key="taken",
    ),
    post(
        "/v1/seller/bonded/{location_id}/receipts", receive_in_bond, access=SELLER, status=201, key="needed",
        raises=(NotFound, NoBook, ItemNeeded, DeclarationReceived, CostNotTaken, CostNeeded, StockCurrencyIs),
    ),
    post(
        "/v1/seller/bonded/stock/{stock_id}/write-offs", write_off_in_bond, access=SELLER, status=201, key="needed",
        raises=(StockPromised, BookShort),
    ),
]  # fmt: skip
