"""Statements and reports over HTTP, and the queue of what does not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import MAX_BODY_BYTES, OPERATOR, get, post
from entrepot.kit.ids import parse, ref
from entrepot.kit.money import MAX_MINOR
from entrepot.payments import SealedOtherwise
from entrepot.reconciliation import actions, reads
from entrepot.reconciliation.reads import DiscrepancyView
from entrepot.reconciliation.store import ImportView
from entrepot.reconciliation.types import (
    FILE_MAX_BYTES,
    DiscrepancyEnded,
    FeeNotLater,
    FileNotRead,
    Imported,
    NotOurAccount,
    ProviderFee,
    ToldOtherwise,
)

BODY_MAX_BYTES = MAX_BODY_BYTES + FILE_MAX_BYTES * 4 // 3


class BankImport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`content`, in Base64, is a camt.053 message or a report of the provider."""

    content: Annotated[bytes, Meta(min_length=1, max_length=FILE_MAX_BYTES)]


class Imports(msgspec.Struct, frozen=True):
    """The latest 50, the latest first."""

    items: list[ImportView]


class DiscrepanciesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before."""

    status: Literal["open", "resolved", "cleared"] = "open"
    after: Annotated[str, ref("dcp")] | None = None


class Discrepancies(msgspec.Struct, frozen=True):
    items: list[DiscrepancyView]


class Resolution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it was."""

    note: Annotated[str, Meta(min_length=1, max_length=1_000)]


class Fees(msgspec.Struct, frozen=True):
    """The latest 50, the latest first."""

    items: list[ProviderFee]


class NewFee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the provider may keep of each payment from `valid_from` on: `fee_bp`, rounded half up, and `fixed_minor`."""

    provider: Literal["sandbox"]
    currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
    valid_from: Annotated[datetime, Meta(tz=True)]
    fee_bp: Annotated[int, Meta(ge=0, le=10_000)]
    fixed_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)]
    source: Annotated[str, Meta(min_length=1, max_length=200)]

    def __post_init__(self) -> None:
        require_calendar(self.valid_from)


async def import_bank_file(tx: Tx, caller: Caller, request: Request, body: BankImport) -> Imported:
    """Takes in a statement of the bank or a report of the provider, all of it or nothing, and matches. What was taken
    in before changes nothing."""
    return await actions.import_file(tx, request.app.state.keys, body.content, caller.user_id)


async def list_bank_imports(tx: ReadTx) -> Imports:
    """Statements and reports that were taken in."""
    return Imports(await reads.imports(tx))


async def list_discrepancies(tx: ReadTx, query: DiscrepanciesQuery) -> Discrepancies:
    """What the books, the provider and the bank do not agree on, the oldest first."""
    after = None if query.after is None else parse("dcp", query.after)
    return Discrepancies(await reads.discrepancies(tx, query.status, after))


async def resolve_discrepancy(tx: Tx, caller: Caller, discrepancy_id: Annotated[UUID, "dcp"], body: Resolution) -> None:
    """Says what a discrepancy was. It does not come again."""
    await actions.resolve(tx, discrepancy_id, caller.user_id, body.note)


async def list_provider_fees(tx: ReadTx) -> Fees:
    """What providers may keep of payments."""
    return Fees(await reads.provider_fees(tx))


async def set_provider_fee(tx: Tx, body: NewFee) -> None:
    """Says what a provider may keep of payments."""
    await actions.set_fee(tx, ProviderFee(**msgspec.structs.asdict(body)))


routes = [
    post(
        "/v1/operator/bank-imports",
        import_bank_file,
        access=OPERATOR,
        raises=(FileNotRead, NotOurAccount, SealedOtherwise, ToldOtherwise),
        status=201,
        key="taken",
        body_max_bytes=BODY_MAX_BYTES,
    ),
    get("/v1/operator/bank-imports", list_bank_imports, access=OPERATOR),
    get("/v1/operator/discrepancies", list_discrepancies, access=OPERATOR),
    post(
        "/v1/operator/discrepancies/{discrepancy_id}/resolve",
        resolve_discrepancy,
        access=OPERATOR,
        raises=(DiscrepancyEnded,),
        key="taken",
    ),
    get("/v1/operator/provider-fees", list_provider_fees, access=OPERATOR),
    post("/v1/operator/provider-fees", set_provider_fee, access=OPERATOR, raises=(FeeNotLater,), key="taken"),
]
