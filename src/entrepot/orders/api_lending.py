"""How a quote may be paid in installments, over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from entrepot.credit import Offers
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx
from entrepot.kit.http import BUYER, get
from entrepot.orders.lending import offers_for

QuotePath = Annotated[UUID, "quo"]


async def read_installments(tx: ReadTx, caller: Caller, quote_id: QuotePath) -> Offers:
    """How a quote may be paid in installments, each with its day and amount, and what the buyer may owe, with why."""
    return await offers_for(tx, caller.cell, caller.user_id, quote_id)


routes = [get("/v1/quotes/{quote_id}/installments", read_installments, access=BUYER, account="installments")]
