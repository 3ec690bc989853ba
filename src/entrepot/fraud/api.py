"""What orders are judged by, over HTTP, for operators. What is held is at `/v1/operator/holds`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot.fraud import actions, reads
from entrepot.fraud.reads import HookView, RuleView
from entrepot.fraud.types import Decision, Hook, HookNotValid, Kind, Rule, RuleExists
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, delete, get, post, put
from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Malformed

DAY_S = 86_400


class NewRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See docs/guide/trust.md for the kinds. It begins at `valid_from`, or now."""

    name: Annotated[str, Meta(pattern=f"^[a-z][a-z0-9_]{{0,39}}{END}", examples=["new_and_dear"])]
    kind: Kind
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    then: Decision
    hold_s: Annotated[int, Meta(ge=60, le=90 * DAY_S)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "XXX"
    amount_minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)] = 0
    count: Annotated[int, Meta(ge=1, le=actions.SEEN_MAX)] = 1
    within_s: Annotated[int, Meta(ge=1, le=365 * DAY_S)] = DAY_S
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)


class Rules(msgspec.Struct, frozen=True):
    items: list[RuleView]


class NewHook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty `url` asks nobody."""

    url: Annotated[str, Meta(max_length=500)]
    fails: Literal["open", "closed"]
    answer_within_s: Annotated[int, Meta(ge=5, le=DAY_S)] = 60


class HookSecret(msgspec.Struct, frozen=True):
    """Questions are signed with it; it is shown this once."""

    secret: str


async def list_fraud_rules(tx: ReadTx) -> Rules:
    """The rules that paid orders are judged by, and those that were."""
    return Rules(await reads.rules_view(tx))


async def add_fraud_rule(tx: Tx, caller: Caller, body: NewRule) -> None:
    """Orders that are paid from then on are judged by it, too."""
    if body.amount_minor and body.currency == "XXX":
        raise Malformed("an amount has a currency - at `$.currency`")
    begins = {"valid_from": max(body.valid_from or tx.now, tx.now)}
    await actions.add_rule(tx, Rule(**(msgspec.structs.asdict(body) | begins)), caller.user_id)


async def end_fraud_rule(tx: Tx, caller: Caller, name: str) -> None:
    """Ends a rule; what it held stays held."""
    await actions.end_rule(tx, name, caller.user_id)


async def read_fraud_hook(tx: ReadTx) -> HookView:
    """The service that is asked about paid orders."""
    return await reads.hook_view(tx)


async def set_fraud_hook(tx: Tx, request: Request, caller: Caller, body: NewHook) -> HookSecret:
    """Says which service is asked about paid orders, and what follows when it does not answer."""
    state, hook = request.app.state, Hook(body.url, body.fails, body.answer_within_s)
    return HookSecret(await actions.set_hook(tx, state.keys, hook, caller.user_id, private=state.fraud_private))


routes = [
    get("/v1/operator/fraud-rules", list_fraud_rules, access=OPERATOR),
    post(
        "/v1/operator/fraud-rules", add_fraud_rule, access=OPERATOR, raises=(Malformed, RuleExists), key="taken"
    ),
    delete("/v1/operator/fraud-rules/{name}", end_fraud_rule, access=OPERATOR, key="taken"),
    get("/v1/operator/fraud-hook", read_fraud_hook, access=OPERATOR),
    put("/v1/operator/fraud-hook", set_fraud_hook, access=OPERATOR, raises=(HookNotValid,)),
]  # fmt: skip
