"""Fees over HTTP: the operator's rules and entities, and what a seller pays and to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot import sellers
from entrepot.catalog import Price
from entrepot.fees import actions, reads
from entrepot.fees.types import Entity, NewRule, NotLater, Rule, RuleEnded, RuleShadowed
from entrepot.kit import ids
from entrepot.kit.auth import Caller
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER, get, post, put
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Malformed, NotFound
from entrepot.sellers import CountryNotValid, Identity, NoTerms, TaxIdNotValid, market

Kind = Literal["commission", "payment_fee"]
Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Country = Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{ids.END}", examples=["DE"])]
Market = Annotated[str, Meta(min_length=1, max_length=20)]
TIERS_MAX = 20


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate_bp` basis points of what is over `over_minor`, up to the next tier."""

    rate_bp: Annotated[int, Meta(ge=0, le=10_000)]
    over_minor: Minor = 0


class FeeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules are asked by `position`, the first one that fits applies. Amounts, tiers beyond the first and
    `volume_from_minor` (released to the seller in the month before) are of a currency, and need a `market`. Without
    `valid_from` it begins at once."""

    kind: Kind
    position: Annotated[int, Meta(ge=1, le=1_000_000)]
    name: Text
    tiers: Annotated[list[Tier], Meta(min_length=1, max_length=TIERS_MAX)]
    source: Text
    market: Market | None = None
    seller_id: Annotated[str, ids.ref("sel")] | None = None
    category_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    volume_from_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None
    valid_to: Annotated[datetime, Meta(tz=True)] | None = None
    fixed_minor: Minor = 0
    min_minor: Minor = 0
    max_minor: Minor | None = None

    def __post_init__(self) -> None:
        require_calendar(*(at for at in (self.valid_from, self.valid_to) if at is not None))


class RuleView(msgspec.Struct, frozen=True):
    """As it was given. With `shadowed_by` it never applies: that rule comes first and fits all that it fits."""

    id: int
    kind: str
    position: int
    name: str
    tiers: list[Tier]
    source: str
    market: str | None
    seller_id: str | None
    category_id: int | None
    volume_from_minor: int | None
    valid_from: datetime
    valid_to: datetime | None
    fixed_minor: int
    min_minor: int
    max_minor: int | None
    shadowed_by: int | None = None


class Rules(msgspec.Struct, frozen=True):
    """In their order. What no rule fits pays the seller's own rate, else the market's terms."""

    items: list[RuleView]


class Added(msgspec.Struct, frozen=True):
    id: int


class Passed(msgspec.Struct, frozen=True):
    """A rule that comes before the one that applies, and what does not fit: market, category or volume."""

    rule_id: int
    name: str
    reason: str


class Why(msgspec.Struct, frozen=True):
    """What would be paid now, by which `rule`, else by which terms (`by`: rule, seller, market, own), and the tax on
    it (`tax_kind` null: no law of the operator's country is known)."""

    by: str
    rule: RuleView | None
    passed: list[Passed]
    rate_bp: int
    amount: Price
    tax_kind: str | None
    tax_bp: int | None
    tax: Price


class WhyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that is sold for `amount_minor`, `units` of it; of a payment fee, an order that is paid with it."""

    market: Market
    amount_minor: Minor
    kind: Kind = "commission"
    category_id: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    units: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class NewEntity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who charges fees in a currency from `valid_from` on, at once without it; `code` begins its invoices' numbers."""

    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{ids.END}", examples=["EUR"])]
    code: Annotated[str, Meta(pattern=f"^[A-Z0-9]{{2,12}}{ids.END}", examples=["ACME"])]
    name: Text
    address: Annotated[str, Meta(min_length=1, max_length=500)]
    country: Country
    tax_id: Annotated[str, Meta(max_length=40)] = ""
    valid_from: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None:
            require_calendar(self.valid_from)


class Entities(msgspec.Struct, frozen=True):
    """By currency, the latest first."""

    items: list[Entity]


SellerPath = Annotated[UUID, "sel"]


async def list_fee_rules(tx: ReadTx) -> Rules:
    """The rules of fees that hold now or will, in their order."""
    return Rules([rule_view(rule, by) for rule, by in await reads.listed(tx)])


async def add_fee_rule(tx: Tx, body: FeeRule) -> Added:
    """Adds a rule of fees. What was sold before keeps the rule that it was sold by."""
    new = NewRule(
        body.kind, body.position, body.name, body.source, [tier.over_minor for tier in body.tiers],
        [tier.rate_bp for tier in body.tiers], body.market, seller_of(body.seller_id), body.category_id,
        body.volume_from_minor, body.valid_from, body.valid_to, body.fixed_minor, body.min_minor, body.max_minor,
    )  # fmt: skip
    return Added(await actions.add_rule(tx, new))


async def end_fee_rule(tx: Tx, rule_id: int) -> None:
    """The rule ends now; another may begin in its place."""
    await actions.end_rule(tx, rule_id)


async def explain_fee(tx: ReadTx, seller_id: SellerPath, query: WhyQuery) -> Why:
    """What a seller would pay for such a sale, and why."""
    return await _why(tx, seller_id, query)


async def explain_own_fee(tx: ReadTx, caller: Caller, query: WhyQuery) -> Why:
    """What the seller would pay for such a sale, and why."""
    return await _why(tx, caller.seller, query)


async def _why(tx: ReadTx, seller_id: UUID, query: WhyQuery) -> Why:
    found = await reads.why(
        tx, query.kind, query.market, seller_id, query.category_id, query.amount_minor, query.units
    )  # fmt: skip
    currency = (await market(tx, query.market)).currency
    return Why(
        found.terms, None if found.rule is None else rule_view(found.rule, None),
        [Passed(rule.id, rule.name, reason) for rule, reason in found.passed], found.rate_bp,
        Price(found.amount_minor, currency), found.tax_kind, found.tax_bp, Price(found.tax_minor, currency),
    )  # fmt: skip


async def list_fee_entities(tx: ReadTx) -> Entities:
    """Who charges fees, charged them and will."""
    return Entities(await reads.entities(tx))


async def add_fee_entity(tx: Tx, body: NewEntity) -> None:
    """Says who charges fees in a currency from now on, or from a later time."""
    entity = Entity(
        body.currency, body.valid_from or tx.now, body.code, body.name, body.address, body.country, body.tax_id
    )
    await actions.add_entity(tx, entity)


async def set_own_identity(tx: Tx, request: Request, caller: Caller, body: Identity) -> None:
    """Says who the seller is before the law, from now on: on statements, for tax offices, and to whom its fees are
    invoiced."""
    await actions.say_identity(tx, request.app.state.keys, caller.seller, body, caller.user_id)


async def set_identity(tx: Tx, request: Request, caller: Caller, seller_id: SellerPath, body: Identity) -> None:
    """Says who a seller is before the law, from now on."""
    seller = await sellers.seller(tx, sellers.SellerId(seller_id))
    await actions.say_identity(tx, request.app.state.keys, seller.id, body, caller.user_id)


def rule_view(rule: Rule, shadowed_by: Rule | None) -> RuleView:
    tiers = [Tier(rate, over) for rate, over in zip(rule.rates_bp, rule.over_minor, strict=True)]
    return RuleView(
        rule.id, rule.kind, rule.position, rule.name, tiers, rule.source, rule.market,
        None if rule.seller_id is None else ids.show("sel", rule.seller_id), rule.category_id, rule.volume_from_minor,
        rule.valid_from, rule.valid_to, rule.fixed_minor, rule.min_minor, rule.max_minor,
        None if shadowed_by is None else shadowed_by.id,
    )  # fmt: skip


def seller_of(shown: str | None) -> UUID | None:
    return None if shown is None else ids.parse("sel", shown)


IDENTITY_PROBLEMS = (CountryNotValid, TaxIdNotValid)

routes = [
    get("/v1/operator/fee-rules", list_fee_rules, access=OPERATOR),
    post(
        "/v1/operator/fee-rules", add_fee_rule, access=OPERATOR, status=201, key="taken",
        raises=(Malformed, NotFound, NotLater, RuleShadowed),
    ),
    post("/v1/operator/fee-rules/{rule_id}/end", end_fee_rule, access=OPERATOR, raises=(RuleEnded,), key="taken"),
    get("/v1/sellers/{seller_id}/fee", explain_fee, access=OPERATOR, raises=(NotFound, NoTerms)),
    get("/v1/seller/fee", explain_own_fee, access=SELLER, raises=(NotFound, NoTerms)),
    get("/v1/operator/fee-entities", list_fee_entities, access=OPERATOR),
    post("/v1/operator/fee-entities", add_fee_entity, access=OPERATOR, raises=(NotLater,), key="taken"),
    put("/v1/seller/identity", set_own_identity, access=SELLER, raises=IDENTITY_PROBLEMS, key="taken"),
    put("/v1/sellers/{seller_id}/identity", set_identity, access=OPERATOR, raises=IDENTITY_PROBLEMS, key="taken"),
]  # fmt: skip
