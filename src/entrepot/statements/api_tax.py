"""What tax offices are told of sellers, over HTTP: all of them for the operator, itself for a seller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from entrepot import sellers
from entrepot.kit.auth import Caller, Keys
from entrepot.kit.db import Database, ReadTx
from entrepot.kit.http import OPERATOR, SELLER, get
from entrepot.kit.ids import parse, ref, show
from entrepot.kit.problem import NotFound
from entrepot.sellers import Seller
from entrepot.statements import tax
from entrepot.statements.tables import csv_of_dac7, csv_of_forms
from entrepot.statements.types import Dac7Report, FormReport

Csv = Annotated[Response, "text/csv; charset=utf-8"]


class ReportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the `next` of the page before."""

    after: Annotated[str, ref("sel")] | None = None


async def read_dac7(tx: ReadTx, request: Request, year: int, query: ReportQuery) -> Dac7Report:
    """What DAC7 asks of each seller for whom anything was moved in a year, with what is missing."""
    some = await tax.sellers_after(tx, _after(query))
    return await _dac7(tx, request, some, year, _next(some))


async def read_own_dac7(tx: ReadTx, request: Request, caller: Caller, year: int) -> Dac7Report:
    """What DAC7 asks of the seller: what it is told of, it may see."""
    return await _dac7(tx, request, [await _own(tx, caller)], year, None)


async def read_dac7_csv(request: Request, year: int) -> Csv:
    """The DAC7 report of a year as a file of rows: a row for each seller, currency and quarter."""
    tax.threshold_of(tax.DAC7_EXCLUDED, year)
    db, keys = _kept(request)

    async def rows() -> AsyncIterator[bytes]:
        yield csv_of_dac7(None, year)
        async for some in _everyone(db):
            async with db.read() as tx:
                found = await tax.dac7(tx, keys, some, year)
            yield csv_of_dac7(found, year)

    return _file(rows(), f"dac7-{year}")


async def read_1099k(tx: ReadTx, request: Request, year: int, query: ReportQuery) -> FormReport:
    """What Form 1099-K asks of each seller that sold for US dollars in a year, with what is missing."""
    some = await tax.sellers_after(tx, _after(query))
    return await _form(tx, request, some, year, _next(some))


async def read_own_1099k(tx: ReadTx, request: Request, caller: Caller, year: int) -> FormReport:
    """What Form 1099-K asks of the seller: what it is told of, it may see."""
    return await _form(tx, request, [await _own(tx, caller)], year, None)


async def read_1099k_csv(request: Request, year: int) -> Csv:
    """The 1099-K report of a year as a file of rows, one for each seller."""
    tax.threshold_of(tax.FORM_1099K, year)
    db, keys = _kept(request)

    async def rows() -> AsyncIterator[bytes]:
        yield csv_of_forms(None, year)
        async for some in _everyone(db):
            async with db.read() as tx:
                found = await tax.form_1099k(tx, keys, some, year)
            yield csv_of_forms(found, year)

    return _file(rows(), f"1099-k-{year}")


async def _dac7(tx: ReadTx, request: Request, some: list[Seller], year: int, after: str | None) -> Dac7Report:
    threshold = tax.threshold_of(tax.DAC7_EXCLUDED, year)
    items = await tax.dac7(tx, request.app.state.keys, some, year)
    return Dac7Report(year, threshold, tax.DAC7_RULES, items, after)


async def _form(tx: ReadTx, request: Request, some: list[Seller], year: int, after: str | None) -> FormReport:
    threshold = tax.threshold_of(tax.FORM_1099K, year)
    items = await tax.form_1099k(tx, request.app.state.keys, some, year)
    return FormReport(year, threshold, tax.FORM_RULES, items, after)


async def _own(tx: ReadTx, caller: Caller) -> Seller:
    assert caller.seller_id is not None, "a seller's session names its seller"
    return await sellers.seller(tx, sellers.SellerId(caller.seller_id))


async def _everyone(db: Database) -> AsyncIterator[list[Seller]]:
    after: UUID | None = None
    while True:
        async with db.read() as tx:
            some = await tax.sellers_after(tx, after)
        yield some
        if len(some) < tax.SELLERS:
            return
        after = some[-1].id


def _after(query: ReportQuery) -> UUID | None:
    return None if query.after is None else parse("sel", query.after)


def _next(some: list[Seller]) -> str | None:
    return show("sel", some[-1].id) if len(some) == tax.SELLERS else None


def _kept(request: Request) -> tuple[Database, Keys]:
    return request.app.state.db, request.app.state.keys


def _file(rows: AsyncIterator[bytes], name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "private, no-store"}
    return StreamingResponse(rows, headers=headers, media_type="text/csv; charset=utf-8")


routes = [
    get("/v1/operator/reports/dac7/{year}", read_dac7, access=OPERATOR, raises=(NotFound,)),
    get("/v1/operator/reports/dac7/{year}/csv", read_dac7_csv, access=OPERATOR, raises=(NotFound,)),
    get("/v1/operator/reports/1099-k/{year}", read_1099k, access=OPERATOR, raises=(NotFound,)),
    get("/v1/operator/reports/1099-k/{year}/csv", read_1099k_csv, access=OPERATOR, raises=(NotFound,)),
    get("/v1/seller/reports/dac7/{year}", read_own_dac7, access=SELLER, raises=(NotFound,)),
    get("/v1/seller/reports/1099-k/{year}", read_own_1099k, access=SELLER, raises=(NotFound,)),
]
