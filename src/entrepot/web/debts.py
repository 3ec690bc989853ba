"""What sellers owe, and what is held back from them, as the operator sees and decides it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import payments, sellers
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.ids import parse
from entrepot.kit.money import minor_of
from entrepot.kit.problem import Malformed
from entrepot.payments import ReserveTerms
from entrepot.web.visit import Go, Visit, amount_of, form, page

DAY_S = 86_400


class WriteOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    amount: str
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Reserve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    percent: str
    hold_days: Annotated[int, Meta(ge=1, le=730)]
    source: Annotated[str, Meta(min_length=1, max_length=200)]


async def debts_page(tx: ReadTx, visit: Visit) -> Response:
    found = await payments.debts(tx)
    names = await sellers.names(tx, [parse("sel", debt.seller_id) for debt in found])
    rows = [
        (debt, names[parse("sel", debt.seller_id)], Price(debt.owed_minor, debt.currency)) for debt in found
    ]  # fmt: skip
    return await visit.show(tx, "operator_debts.html", rows=rows)


async def write_off(tx: Tx, visit: Visit, body: WriteOff) -> Go:
    amount_minor = amount_of(body.amount, body.currency, least=1)
    seller_id = visit.id("sel", "seller_id")
    by = visit.me.user_id
    asked = await payments.write_off_by(tx, by, seller_id, body.currency, amount_minor, body.reason)
    return Go("/operator/debts", done="asked" if asked else "written_off")


async def reserve_page(tx: ReadTx, visit: Visit) -> Response:
    seller = await sellers.seller(tx, sellers.SellerId(visit.id("sel", "seller_id")))
    terms = await payments.reserve_terms(tx, seller.id)
    return await visit.show(tx, "operator_reserve.html", seller=seller, terms=terms, path=visit.request.url.path)


async def set_reserve(tx: Tx, visit: Visit, body: Reserve) -> Go:
    try:
        reserve_bp = minor_of(body.percent, "USD")  # hundredths of a percent are written as cents are
    except ValueError:
        reserve_bp = -1
    if not 0 <= reserve_bp <= 10_000:
        raise Malformed("no percentage - at `$.percent`")
    terms = ReserveTerms(
        visit.id("sel", "seller_id"), tx.now + payments.SOONEST, reserve_bp, body.hold_days * DAY_S, body.source
    )
    asked = await payments.set_reserve_by(tx, visit.me.user_id, terms)
    return Go(visit.request.url.path, done="asked" if asked else "reserve_set")


routes = [
    page("/operator/debts", debts_page, OPERATOR),
    form("/operator/debts/{seller_id}/write-off", write_off, WriteOff, OPERATOR, again=debts_page),
    page("/operator/sellers/{seller_id}/reserve", reserve_page, OPERATOR),
    form("/operator/sellers/{seller_id}/reserve", set_reserve, Reserve, OPERATOR, again=reserve_page),
]
