"""What paid orders are judged by. The service outside is set over the API, which shows its secret once."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import fraud
from entrepot.catalog import Price
from entrepot.fraud import Rule
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR
from entrepot.kit.ids import END
from entrepot.web.account import Nothing
from entrepot.web.visit import Go, Visit, amount_of, form, page
from entrepot.web.words import FRAUD_KINDS

HOUR_S = 3_600


class NewRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=f"^[a-z][a-z0-9_]{{0,39}}{END}")]
    kind: fraud.Kind
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    then: Literal["released", "rejected"]
    hold_hours: Annotated[int, Meta(ge=1, le=90 * 24)]
    within_hours: Annotated[int, Meta(ge=1, le=365 * 24)]
    count: Annotated[int, Meta(ge=1, le=50)] = 1
    amount: Annotated[str, Meta(max_length=20)] = "0"


async def fraud_page(tx: ReadTx, visit: Visit) -> Response:
    rules = [(rule, Price(rule.amount_minor, rule.currency)) for rule in await fraud.rules_view(tx)]
    hook = await fraud.hook_view(tx)
    return await visit.show(tx, "operator_fraud.html", rules=rules, hook=hook, kinds=FRAUD_KINDS)


async def add_rule(tx: Tx, visit: Visit, body: NewRule) -> Go:
    currency = (await visit.market(tx)).currency
    amount_minor = amount_of(body.amount or "0", currency)
    rule = Rule(
        body.name, body.kind, currency if amount_minor else "XXX", amount_minor, body.count,
        body.within_hours * HOUR_S, body.hold_hours * HOUR_S, body.then, tx.now, body.source,
    )  # fmt: skip
    await fraud.add_rule(tx, rule, visit.me.user_id)
    return Go("/operator/fraud", done="fraud_rule_added")


async def end_rule(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await fraud.end_rule(tx, visit.param("name"), visit.me.user_id)
    return Go("/operator/fraud", done="fraud_rule_ended")


routes = [
    page("/operator/fraud", fraud_page, OPERATOR),
    form("/operator/fraud", add_rule, NewRule, OPERATOR, again=fraud_page),
    form("/operator/fraud/{name}/end", end_rule, Nothing, OPERATOR),
]
