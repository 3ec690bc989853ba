"""What the bank and the payment provider tell, and the queue of what does not fit."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import reconciliation
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import MAX_BODY_BYTES, OPERATOR
from entrepot.web.visit import Go, Visit, form, page
from entrepot.web.words import DISCREPANCIES

PER_PAGE = 50


class BankFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: Annotated[bytes, Meta(min_length=1, max_length=reconciliation.FILE_MAX_BYTES)]
    file_name: str = ""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    note: Annotated[str, Meta(min_length=1, max_length=1_000)]


async def bank_page(tx: ReadTx, visit: Visit) -> Response:
    """The queue of discrepancies, the oldest first, and what was taken in."""
    found = await reconciliation.discrepancies(tx, "open", visit.query_id("dcp", "after"))
    items = [
        (
            one,
            None if one.expected_minor is None else Price(one.expected_minor, one.currency),
            None if one.found_minor is None else Price(one.found_minor, one.currency),
        )
        for one in found
    ]
    return await visit.show(
        tx, "operator_bank.html", items=items, kinds=DISCREPANCIES, imports=await reconciliation.imports(tx),
        next=found[-1].id if len(found) == PER_PAGE else None,
    )  # fmt: skip


async def take_in(tx: Tx, visit: Visit, body: BankFile) -> Go:
    done = await reconciliation.import_file(tx, visit.keys, body.file, visit.me.user_id)
    return Go("/operator/bank", done="bank_file_read" if done.new else "bank_file_known")


async def resolve(tx: Tx, visit: Visit, body: Note) -> Go:
    await reconciliation.resolve(tx, visit.id("dcp", "discrepancy_id"), visit.me.user_id, body.note)
    return Go("/operator/bank", done="said")


routes = [
    page("/operator/bank", bank_page, OPERATOR),
    form(
        "/operator/bank", take_in, BankFile, OPERATOR, again=bank_page,
        body_max_bytes=MAX_BODY_BYTES + reconciliation.FILE_MAX_BYTES,
    ),
    form("/operator/bank/{discrepancy_id}/resolve", resolve, Note, OPERATOR),
]  # fmt: skip
