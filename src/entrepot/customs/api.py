"""Returns of the taxes that the platform collected, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from entrepot.approvals import Asked
from entrepot.customs import actions, reads
from entrepot.customs.reads import Collected, ReturnView
from entrepot.customs.types import PeriodNotOver, PeriodNotValid, ReturnFiled, ReturnPaid
from entrepot.kit.auth import Caller
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import OPERATOR, get, post
from entrepot.kit.ids import END, show
from entrepot.kit.problem import NotFound

ReturnPath = Annotated[UUID, "txr"]
Csv = Annotated[Response, "text/csv; charset=utf-8"]


class NewReturn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a scheme, for the period that begins on `first_day`: a month for IOSS and CN, a quarter for the others."""

    scheme: Annotated[str, Meta(pattern=f"^[A-Z]{{2,4}}{END}", examples=["IOSS"])]
    first_day: date


class Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reference` is the bank's or the authority's name for the payment."""

    reference: Annotated[str, Meta(min_length=3, max_length=140)]


class ReturnId(msgspec.Struct, frozen=True):
    id: str


class Returns(msgspec.Struct, frozen=True):
    """`kept` is what the accounts of the schemes hold now."""

    items: list[ReturnView]
    kept: list[Collected]


async def file_tax_return(tx: Tx, caller: Caller, body: NewReturn) -> ReturnId:
    """Makes the return of a period that is over, of all that its scheme's accounts moved in it."""
    return ReturnId(show("txr", await actions.file_return(tx, body.scheme, body.first_day, caller.user_id)))


async def list_tax_returns(tx: ReadTx) -> Returns:
    """Returns, the latest first, and what is kept of each tax now."""
    return Returns(await reads.returns(tx), await reads.collected_now(tx))


async def read_tax_return(tx: ReadTx, return_id: ReturnPath) -> ReturnView:
    """A return with its lines."""
    return await reads.return_view(tx, return_id)


async def read_tax_return_file(request: Request, return_id: ReturnPath) -> Csv:
    """The same as a CSV file, with the fields that the return asks for."""
    db: Database = request.app.state.db
    async with db.read() as tx:
        view = await reads.return_view(tx, return_id)
    name = f"{view.scheme}-{view.first_day}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}
    return Response(reads.file_of(view), headers=headers, media_type="text/csv")


async def pay_tax_return(tx: Tx, caller: Caller, return_id: ReturnPath, body: Payment) -> Asked | None:
    """Notes that what a return comes to was paid, with the reference of the payment."""
    return await actions.pay_return_by(tx, caller.user_id, return_id, body.reference)


routes = [
    post(
        "/v1/operator/tax-returns", file_tax_return, access=OPERATOR, status=201, key="taken",
        raises=(NotFound, PeriodNotOver, PeriodNotValid, ReturnFiled),
    ),
    get("/v1/operator/tax-returns", list_tax_returns, access=OPERATOR),
    get("/v1/operator/tax-returns/{return_id}", read_tax_return, access=OPERATOR),
    get("/v1/operator/tax-returns/{return_id}/file", read_tax_return_file, access=OPERATOR),
    post(
        "/v1/operator/tax-returns/{return_id}/payment", pay_tax_return, access=OPERATOR, key="taken",
        raises=(ReturnPaid,), status=202,
    ),
]  # fmt: skip
