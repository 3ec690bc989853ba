"""What borders take, say and ask for, over HTTP."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from entrepot import trade
from entrepot.catalog import Price
from entrepot.kit.auth import Caller
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR, PUBLIC, SELLER, get, put
from entrepot.kit.ids import END, parse, ref, show
from entrepot.kit.problem import NotFound
from entrepot.orders import borders, carts, exports, identities, papers
from entrepot.orders.borders import AtDoor, CartDoor, at_door
from entrepot.orders.exports import Export
from entrepot.orders.papers import NotImported, PapersIncomplete, PapersView
from entrepot.orders.types import CartEmpty, IdentityElsewhere, IdentityNotValid
from entrepot.papers import pdf

CartPath = Annotated[UUID, "crt"]
OrderPath = Annotated[UUID, "ord"]
Csv = Annotated[Response, "text/csv; charset=utf-8"]
Pdf = Annotated[Response, "application/pdf"]
MONTH = re.compile("2[0-9]{3}-(0[1-9]|1[0-2])")
BORDER_PROBLEMS = (
    trade.CurrencyRateMissing, trade.ItemMissing, trade.LawMissing, trade.NotLetIn, trade.OriginMissing,
    trade.QuantityMissing, trade.RateMissing,
)  # fmt: skip


class DoorQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["DE"])]


class CrossedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ref("ord")] | None = None


class CrossedView(msgspec.Struct, frozen=True):
    """An order that crosses a border; duty, tax and fee were paid with it (DDP) or are asked at the door (DAP)."""

    id: str
    seller_name: str
    status: str
    placed_at: datetime
    from_country: str
    to_country: str
    incoterm: str
    items: Price
    duty: Price
    tax: Price
    fee: Price
    estimated: bool


class CrossedOrders(msgspec.Struct, frozen=True):
    items: list[CrossedView]


class NewIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who a person is in a country: of China, a resident's name and number of eighteen characters."""

    country: Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["CN"])]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    number: Annotated[str, Meta(min_length=5, max_length=30)]


class QuotaLeft(msgspec.Struct, frozen=True):
    """What a person may still bring in this year, in minor units of the country's currency."""

    name: str
    left_minor: int


class IdentityView(msgspec.Struct, frozen=True):
    """`ending` is the end of the number, which is not shown again."""

    country: str
    name: str
    ending: str
    quotas: list[QuotaLeft]


async def say_identity(request: Request, tx: Tx, caller: Caller, body: NewIdentity) -> IdentityView:
    """Says who the buyer is at customs in a country that counts what each person brings in."""
    keys = request.app.state.keys
    said = await identities.say(tx, keys, caller.cell, caller.user_id, body.country, body.name, body.number)
    found = await identities.quotas_of(tx, caller.cell, caller.user_id, body.country)
    left = [QuotaLeft(name, minor) for name, minor in (found.left or {}).items()]
    return IdentityView(said.country, said.name, said.ending, left)


async def read_at_door(tx: ReadTx, offer_id: int, query: DoorQuery) -> AtDoor:
    """What an offer costs at a door in a country, with duty and tax and without transport."""
    return await at_door(tx, offer_id, query.country)


async def read_cart_at_door(tx: ReadTx, caller: Caller, cart_id: CartPath, query: DoorQuery) -> CartDoor:
    """What the goods of a cart cost at a door in a country, with duty and tax and without transport."""
    cart = await carts.load_cart(tx, caller.cell, caller.user_id, cart_id)
    found = await carts.cart_at_door(tx, cart, query.country)
    if found is None:
        raise CartEmpty
    return found


async def list_crossed_orders(tx: ReadTx, query: CrossedQuery) -> CrossedOrders:
    """Orders that cross a border, the latest first."""
    before = None if query.before is None else parse("ord", query.before)
    return CrossedOrders([
        CrossedView(
            show("ord", row.order_id), row.seller_name, row.status, row.placed_at, row.from_country, row.to_country,
            row.incoterm, Price(row.items_minor, row.currency), Price(row.duty_minor, row.currency),
            Price(row.tax_minor, row.currency), Price(row.fee_minor, row.currency), row.estimated,
        )
        for row in await borders.crossed_orders(tx, before)
    ])  # fmt: skip


async def read_papers(tx: ReadTx, caller: Caller, order_id: OrderPath) -> PapersView:
    """What an order of the seller's needs to cross its border: its papers, or what is missing for them."""
    return await papers.papers_of(tx, caller.cell, order_id, caller.seller)


class AfterQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[str, ref("ord")] | None = None


class Exports(msgspec.Struct, frozen=True):
    items: list[Export]
    next: str | None


async def list_exports(tx: ReadTx, caller: Caller, month: str, query: AfterQuery) -> Exports:
    """What the seller sent out of its customs territory in a month (2026-03, in UTC), with what proves it."""
    return Exports(*await exports.exports(tx, caller.cell, caller.seller, _month(month), query.after))


async def read_exports_csv(request: Request, caller: Caller, month: str) -> Csv:
    """The same as a file of rows."""
    headers = {
        "content-disposition": f'attachment; filename="exports-{month}.csv"',
        "cache-control": "private, no-store",
    }
    rows = exports.exports_csv(request.app.state.db, caller.cell, caller.seller, _month(month))
    return StreamingResponse(rows, headers=headers, media_type="text/csv; charset=utf-8")


def _month(text: str) -> datetime:
    if not MONTH.fullmatch(text):
        raise NotFound
    return datetime.fromisoformat(f"{text}-01").replace(tzinfo=UTC)


async def read_papers_pdf(request: Request, caller: Caller, order_id: OrderPath) -> Pdf:
    """The same papers, to be printed and signed."""
    db: Database = request.app.state.db
    async with db.read() as tx:
        found = await papers.papers_of(tx, caller.cell, order_id, caller.seller)
    if found.papers is None:
        raise PapersIncomplete(show("ord", order_id), found.missing)
    body = await asyncio.to_thread(pdf, found.papers)
    headers = {
        "content-disposition": f'inline; filename="{show("ord", order_id)}.pdf"',
        "cache-control": "private, no-store",
    }
    return Response(body, headers=headers, media_type="application/pdf")


routes = [
    get("/v1/offers/{offer_id}/at-door", read_at_door, access=PUBLIC, raises=(trade.NotSoldThere, *BORDER_PROBLEMS)),
    get("/v1/carts/{cart_id}/at-door", read_cart_at_door, access=BUYER, raises=(CartEmpty, *BORDER_PROBLEMS)),
    put(
        "/v1/identity", say_identity, access=BUYER, account="identity", key="taken",
        raises=(IdentityNotValid, IdentityElsewhere),
    ),
    get("/v1/operator/borders", list_crossed_orders, access=OPERATOR),
    get("/v1/seller/exports/{month}", list_exports, access=SELLER, raises=(NotFound,)),
    get("/v1/seller/exports/{month}/csv", read_exports_csv, access=SELLER, raises=(NotFound,)),
    get("/v1/seller/orders/{order_id}/papers", read_papers, access=SELLER, raises=(NotImported,)),
    get(
        "/v1/seller/orders/{order_id}/papers.pdf", read_papers_pdf, access=SELLER,
        raises=(NotImported, PapersIncomplete),
    ),
]  # fmt: skip
