"""Who sellers and the house are before the law, and what tax offices are told of sellers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import fees, sellers, statements
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import NIL, show
from entrepot.kit.problem import Malformed
from entrepot.sellers import Identity, Seller, SellerId
from entrepot.statements import Zone
from entrepot.web.visit import Go, Visit, day_of, form, page
from entrepot.web.words import TAX_LACKS, TAX_WHY

Short = Annotated[str, Meta(max_length=200)]
INSTANT = timedelta(microseconds=1)


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identity as it is typed; what is wrong with it is found when it becomes one."""

    kind: Short
    name: Short = ""
    first_name: Short = ""
    line1: Short = ""
    line2: Short = ""
    postal_code: Short = ""
    city: Short = ""
    region: Short = ""
    country: Short = ""
    tax_id: Short = ""
    tax_country: Short = ""
    vat_id: Short = ""
    register_number: Short = ""
    birth_date: Short = ""
    birth_place: Short = ""
    branches: Short = ""


class NewZone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    month: Short
    zone: Annotated[str, Meta(min_length=1, max_length=64)]
    source: Annotated[str, Meta(min_length=1, max_length=200)]


async def own_page(tx: ReadTx, visit: Visit) -> Response:
    """Who the seller is, and what is told of it."""
    seller = await sellers.seller(tx, SellerId(visit.seller_id))
    return await _show(tx, visit, "seller_tax.html", [seller], seller.id)


async def reports_page(tx: ReadTx, visit: Visit) -> Response:
    """What is told of sellers, a page of them at a time; who the house is; by which clocks months begin."""
    some = await statements.sellers_after(tx, visit.query_id("sel", "after"))
    following = show("sel", some[-1].id) if len(some) == statements.SELLERS else None
    return await _show(
        tx, visit, "operator_reports.html", some, NIL, next=following, zones=await statements.zones(tx),
        currencies=await sellers.currencies(tx),
    )  # fmt: skip


async def _show(tx: ReadTx, visit: Visit, template: str, some: list[Seller], of: UUID, **context: Any) -> Response:
    """Of a year, without one of this one."""
    year = min(max(visit.query_number("year") or tx.now.year, 2023), 2999)
    who = (await sellers.identities(tx, visit.keys, [of], tx.now + INSTANT)).get(of)
    return await visit.show(
        tx, template, year=year, who=who, why=TAX_WHY, lacks=TAX_LACKS, amount=Price,
        dac7=await statements.dac7(tx, visit.keys, some, year), dac7_rules=statements.DAC7_RULES,
        dac7_limit=statements.threshold_of(statements.DAC7_EXCLUDED, year),
        forms=await statements.form_1099k(tx, visit.keys, some, year), form_rules=statements.FORM_RULES,
        form_limit=statements.threshold_of(statements.FORM_1099K, year),
        months=[date(year, month, 1) for month in range(1, 13)],
        **context,
    )  # fmt: skip


async def say_own(tx: Tx, visit: Visit, body: Who) -> Go:
    await fees.say_identity(tx, visit.keys, visit.seller_id, _identity(body), visit.me.user_id)
    return Go("/seller/tax", done="who_said")


async def say_house(tx: Tx, visit: Visit, body: Who) -> Go:
    await sellers.say_identity(tx, visit.keys, NIL, _identity(body), visit.me.user_id)
    return Go("/operator/reports", done="who_said")


async def set_zone(tx: Tx, _: Visit, body: NewZone) -> Go:
    if body.currency not in await sellers.currencies(tx):
        raise Malformed("no market's currency - at `$.currency`")
    await statements.set_zone(tx, Zone(body.currency, day_of(f"{body.month}-01", "month"), body.zone, body.source))
    return Go("/operator/reports", done="zone_set")


def _identity(body: Who) -> Identity:
    """Raises Malformed."""
    typed = msgspec.structs.asdict(body) | {
        "birth_date": day_of(body.birth_date, "birth_date") if body.birth_date else None,
        "branches": body.branches.upper().split(),
        "country": body.country.upper(),
        "tax_country": body.tax_country.upper(),
    }
    try:
        return msgspec.convert(typed, Identity)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


routes = [
    page("/seller/tax", own_page, SELLER),
    form("/seller/tax", say_own, Who, SELLER, again=own_page),
    page("/operator/reports", reports_page, OPERATOR),
    form("/operator/reports/identity", say_house, Who, OPERATOR, again=reports_page),
    form("/operator/reports/zone", set_zone, NewZone, OPERATOR, again=reports_page),
]
