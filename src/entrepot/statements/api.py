"""Statements of account over HTTP: a seller's own, and any for the operator."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from entrepot import sellers
from entrepot.kit.auth import Caller
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post
from entrepot.kit.ids import END, NIL
from entrepot.kit.problem import Malformed, NotFound
from entrepot.statements import actions, api_tax, reads
from entrepot.statements.printing import PRINTED_MAX, Parties, printed
from entrepot.statements.tables import csv_of_statement
from entrepot.statements.types import Desk, Issued, LineView, MonthStatement, Zone, ZoneNotLater, ZoneUnknown
from entrepot.statements.words import Language

SellerRef = Annotated[UUID, "sel"]
Csv = Annotated[Response, "text/csv; charset=utf-8"]
Pdf = Annotated[Response, "application/pdf"]
_MONTH = re.compile("2[0-9]{3}-(0[1-9]|1[0-2])")
Currency = Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}", examples=["EUR"])]


class MonthQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Currency


class MonthFileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`lang` is the language of its words, and of its numbers."""

    currency: Currency
    lang: Language = "en"


class MonthLinesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the `place` of the last line of the page before."""

    currency: Currency
    after: Annotated[str, Meta(max_length=150)] | None = None


class Months(msgspec.Struct, frozen=True):
    """The latest first."""

    items: list[Issued]


class MonthLines(msgspec.Struct, frozen=True):
    items: list[LineView]


class NewZone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`valid_from` is the first of a month that has not begun."""

    currency: Currency
    valid_from: date
    zone: Annotated[str, Meta(min_length=1, max_length=64, examples=["Europe/Berlin"])]
    source: Annotated[str, Meta(min_length=1, max_length=200)]


class Zones(msgspec.Struct, frozen=True):
    """The latest first in each currency."""

    items: list[Zone]


async def list_own_statements(tx: ReadTx, caller: Caller) -> Months:
    """The months of which the seller has statements."""
    return Months(await reads.months(tx, caller.cell, _seller(caller)))


async def list_statements(tx: ReadTx, seller_id: SellerRef) -> Months:
    """The months of which a seller has statements."""
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    return Months(await reads.months(tx, seller.cell, seller.id))


async def read_own_statement(tx: ReadTx, caller: Caller, month: str, query: MonthQuery) -> MonthStatement:
    """The seller's statement of a month (2026-03) by group, code and day."""
    return await reads.statement(tx, _own(caller, query.currency), _month(month))


async def read_statement_of(tx: ReadTx, seller_id: SellerRef, month: str, query: MonthQuery) -> MonthStatement:
    """A seller's statement of a month by group, code and day."""
    return await reads.statement(tx, await _desk(tx, seller_id, query.currency), _month(month))


async def list_own_lines(tx: ReadTx, caller: Caller, month: str, query: MonthLinesQuery) -> MonthLines:
    """The lines of the seller's statement of a month, 100 at a time."""
    return await _lines(tx, _own(caller, query.currency), month, query.after)


async def list_lines_of(tx: ReadTx, seller_id: SellerRef, month: str, query: MonthLinesQuery) -> MonthLines:
    """The lines of a seller's statement of a month, 100 at a time."""
    return await _lines(tx, await _desk(tx, seller_id, query.currency), month, query.after)


async def read_own_csv(request: Request, caller: Caller, month: str, query: MonthFileQuery) -> Csv:
    """The seller's statement of a month with every line, as a file of rows."""
    return await _csv(request, _own(caller, query.currency), month, query.lang)


async def read_csv_of(request: Request, seller_id: SellerRef, month: str, query: MonthFileQuery) -> Csv:
    """A seller's statement of a month with every line, as a file of rows."""
    async with _db(request).read() as tx:
        desk = await _desk(tx, seller_id, query.currency)
    return await _csv(request, desk, month, query.lang)


async def read_own_pdf(request: Request, caller: Caller, month: str, query: MonthFileQuery) -> Pdf:
    """The seller's statement of a month, to be printed or sent on."""
    return await _pdf(request, _own(caller, query.currency), month, query.lang)


async def read_pdf_of(request: Request, seller_id: SellerRef, month: str, query: MonthFileQuery) -> Pdf:
    """A seller's statement of a month, to be printed or sent on."""
    async with _db(request).read() as tx:
        desk = await _desk(tx, seller_id, query.currency)
    return await _pdf(request, desk, month, query.lang)


async def list_zones(tx: ReadTx) -> Zones:
    """By which clocks the months of statements begin. Where nothing is said: UTC."""
    return Zones(await reads.zones(tx))


async def set_zone(tx: Tx, body: NewZone) -> None:
    """Says by which clock the months of statements in a currency begin, from a month to come."""
    if body.valid_from.day != 1:
        raise Malformed("not the first of a month - at `$.valid_from`")
    if body.currency not in await sellers.currencies(tx):
        raise NotFound
    await actions.set_zone(tx, Zone(body.currency, body.valid_from, body.zone, body.source))


def _own(caller: Caller, currency: str) -> Desk:
    return Desk(caller.cell, _seller(caller), currency)


async def _desk(tx: ReadTx, seller_id: UUID, currency: str) -> Desk:
    return Desk((await sellers.seller(tx, sellers.SellerId(seller_id))).cell, seller_id, currency)


async def _lines(tx: ReadTx, desk: Desk, month: str, after: str | None) -> MonthLines:
    return MonthLines(await reads.lines(tx, desk, await reads.statement(tx, desk, _month(month)), after))


async def _csv(request: Request, desk: Desk, month: str, language: Language) -> Response:
    async with _db(request).read() as tx:
        found = await reads.statement(tx, desk, _month(month))
    rows = csv_of_statement(_db(request), desk, found, language)
    return StreamingResponse(rows, headers=_named(found, "csv"), media_type="text/csv; charset=utf-8")


async def _pdf(request: Request, desk: Desk, month: str, language: Language) -> Response:
    async with _db(request).read() as tx:
        found, lines = await reads.statement(tx, desk, _month(month)), list[LineView]()
        if found.entries <= PRINTED_MAX:
            lines = await reads.lines_from(tx, desk, found, None, found.opening_minor, found.entries)
        who = await sellers.identities(tx, request.app.state.keys, [desk.seller_id, NIL], found.ends_at)
        shop = (await sellers.seller(tx, sellers.SellerId(desk.seller_id))).name
    parties = Parties(who.get(NIL), who.get(desk.seller_id), shop)
    body = await asyncio.to_thread(printed, found, lines, parties, _db(request).clock.now(), language)
    return Response(body, headers=_named(found, "pdf"), media_type="application/pdf")


def _named(found: MonthStatement, kind: str) -> dict[str, str]:
    name = f"statement-{found.number or f'{found.month}-{found.currency}-preliminary'}.{kind}"
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise NotFound
    return text


def _db(request: Request) -> Database:
    db: Database = request.app.state.db
    return db


def _seller(caller: Caller) -> UUID:
    assert caller.seller_id is not None, "a seller's session names its seller"
    return caller.seller_id


_OF = "/v1/sellers/{seller_id}/statements"
_OWN = "/v1/seller/statements"
_read = partial(get, raises=(NotFound,), switch="statements")

routes = [
    get(_OWN, list_own_statements, access=SELLER, switch="statements"),
    _read(_OWN + "/{month}", read_own_statement, access=SELLER),
    _read(_OWN + "/{month}/lines", list_own_lines, access=SELLER),
    _read(_OWN + "/{month}/csv", read_own_csv, access=SELLER),
    _read(_OWN + "/{month}/pdf", read_own_pdf, access=SELLER),
    get(_OF, list_statements, access=OPERATOR, switch="statements"),
    _read(_OF + "/{month}", read_statement_of, access=OPERATOR),
    _read(_OF + "/{month}/lines", list_lines_of, access=OPERATOR),
    _read(_OF + "/{month}/csv", read_csv_of, access=OPERATOR),
    _read(_OF + "/{month}/pdf", read_pdf_of, access=OPERATOR),
    get("/v1/operator/statement-zones", list_zones, access=OPERATOR),
    post(
        "/v1/operator/statement-zones", set_zone, access=OPERATOR, key="taken",
        raises=(NotFound, ZoneNotLater, ZoneUnknown),
    ),
    *api_tax.routes,
]  # fmt: skip
