"""The operator's page of what may be sold where: a country's rules, and the sellers that have shown a permit."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import trade
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.ids import END, parse, ref, show
from entrepot.web.visit import Go, Visit, day_of, form, page
from entrepot.web.words import EFFECTS

Country = Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]
Name = Annotated[str, Meta(min_length=1, max_length=60)]


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a day the permit holds until it is withdrawn."""

    seller_id: Annotated[str, ref("sel")]
    country: Country
    rule: Name
    number: Annotated[str, Meta(min_length=1, max_length=100)]
    valid_to: Annotated[str, Meta(max_length=10)] = ""


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seller_id: Annotated[str, ref("sel")]
    country: Country
    rule: Name


async def rules_page(tx: ReadTx, visit: Visit) -> Response:
    countries = await trade.countries(tx)
    home = (await visit.market(tx)).country
    chosen = visit.query("country") or visit.typed.get("country") or home or ""
    if not re.fullmatch("[A-Z]{2}", chosen):
        chosen = ""
    found = await trade.rules_of(tx, chosen, tx.now.date())
    return await visit.show(
        tx, "operator_rules.html", countries=countries, chosen=chosen, found=found, effects=EFFECTS,
        permits=[(show("sel", permit.seller_id), permit) for permit in await trade.permits(tx, chosen)],
        asked=sorted({row.name for row in found if row.effect == "permit"}), today=tx.now.date(),
    )  # fmt: skip


async def grant(tx: Tx, visit: Visit, body: Grant) -> Go:
    valid_to = day_of(body.valid_to, "valid_to") if body.valid_to else None
    seller = parse("sel", body.seller_id)
    await trade.grant_permit(tx, seller, body.country, body.rule, body.number, valid_to, visit.me.user_id)
    return Go(f"/operator/rules?country={body.country}", done="permit_granted")


async def withdraw(tx: Tx, visit: Visit, body: Withdrawal) -> Go:
    await trade.withdraw_permit(tx, parse("sel", body.seller_id), body.country, body.rule, visit.me.user_id)
    return Go(f"/operator/rules?country={body.country}", done="permit_withdrawn")


routes = [
    page("/operator/rules", rules_page, OPERATOR),
    form("/operator/rules/permits", grant, Grant, OPERATOR, again=rules_page),
    form("/operator/rules/permits/withdraw", withdraw, Withdrawal, OPERATOR),
]
