"""The operator's page of taxes that the platform collects: what is kept, returns, and what people have brought in."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import customs, pricing, trade
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.ids import END
from entrepot.web.visit import Go, Visit, day_of, form, page


class NewReturn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scheme: Annotated[str, Meta(min_length=2, max_length=4)]
    first_day: Annotated[str, Meta(max_length=10)]


class Registered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scheme: Annotated[str, Meta(min_length=2, max_length=4)]
    number: Annotated[str, Meta(pattern=f"^[A-Za-z0-9 -]{{3,40}}{END}")]
    valid_from: Annotated[str, Meta(max_length=10)]


class Paid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reference: Annotated[str, Meta(min_length=3, max_length=140)]


async def taxes_page(tx: ReadTx, visit: Visit) -> Response:
    """What of each scheme is kept and filed, and what of yearly quotas is used."""
    return await visit.show(
        tx, "operator_taxes.html", kept=await customs.collected_now(tx), returns=await customs.returns(tx),
        quotas=await _quotas(tx), schemes=trade.SCHEMES, unknown=await _unknown(tx),
    )  # fmt: skip


async def _unknown(tx: ReadTx) -> list[trade.Unknown]:
    """Sellers whose establishment nobody knows, where it matters."""
    return await trade.unestablished(tx) if await trade.registered(tx, tx.now.date()) else []


async def _quotas(tx: ReadTx) -> list[tuple[str, str, int, Price, Price]]:
    """(country, year, how many people, what they have used, what each may) of what the country's law knows:
    customs:CN:retail:2026."""
    found = []
    for one in await pricing.quota_sums(tx, "customs:"):
        _, country, name, year = one.name.split(":")
        granted = await trade.year_quotas(tx, country, min(tx.now.date(), date(int(year), 12, 31)))
        if each := granted.get(name):
            found.append((country, year, one.owners, Price(one.used, each.currency), Price(each.minor, each.currency)))
    return found


async def register(tx: Tx, visit: Visit, body: Registered) -> Go:
    since = day_of(body.valid_from, "valid_from")
    await trade.register(tx, body.scheme, body.number, since, None, visit.me.user_id)
    return Go("/operator/taxes", done="registered")


async def file_return(tx: Tx, visit: Visit, body: NewReturn) -> Go:
    await customs.file_return(tx, body.scheme, day_of(body.first_day, "first_day"), visit.me.user_id)
    return Go("/operator/taxes", done="return_filed")


async def pay_return(tx: Tx, visit: Visit, body: Paid) -> Go:
    asked = await customs.pay_return_by(tx, visit.me.user_id, visit.id("txr", "return_id"), body.reference)
    return Go("/operator/taxes", done="asked" if asked else "return_paid")


routes = [
    page("/operator/taxes", taxes_page, OPERATOR),
    form("/operator/taxes", file_return, NewReturn, OPERATOR, again=taxes_page),
    form("/operator/registrations", register, Registered, OPERATOR, again=taxes_page),
    form("/operator/taxes/{return_id}", pay_return, Paid, OPERATOR, again=taxes_page),
]
