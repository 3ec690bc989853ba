"""What goods are called and cost at a border, and what that rests on."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, PUBLIC, SELLER, delete, get, post, put
from entrepot.kit.ids import END
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import NotFound
from entrepot.trade import api_modes, classification, modes, packs, reads, registrations, restrictions, store
from entrepot.trade.readings import Ruling
from entrepot.trade.rules import quote
from entrepot.trade.store_restrictions import Contact, Electronic
from entrepot.trade.terms import Incoterm, Terms, terms, with_origin
from entrepot.trade.trace import Step, steps
from entrepot.trade.types import (
    COUNTRIES,
    SCHEMES,
    Barrier,
    CodeUnknown,
    Consignment,
    CurrencyRateMissing,
    Facts,
    Goods,
    Item,
    LawMissing,
    NomenclatureMissing,
    NotLetIn,
    OriginMissing,
    QuantityMissing,
    RateMissing,
    Restriction,
    RuleNotValid,
    SaidByAnother,
    ValueNotValid,
)

MAX_LINES = 200
Country = Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}", examples=["DE"])]
Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Quantity = Annotated[str, Meta(pattern=f"^[0-9]{{1,9}}(\\.[0-9]{{1,6}})?{END}", examples=["0.35"])]
Tariff = Annotated[str, Meta(pattern=f"^[A-Z]{{2}}{END}")]
TariffCode = Annotated[str, Meta(pattern=f"^[0-9]{{7,10}}{END}")]
Beginning = Annotated[str, Meta(pattern=f"^([0-9]{{2}}){{1,3}}{END}", examples=["8507"])]
Trait = Annotated[str, Meta(pattern=f"^[a-z][a-z_]{{0,39}}{END}", examples=["battery"])]
Language = Annotated[str, Meta(pattern=f"^[a-z]{{2}}{END}")]
Explanation = Annotated[str, Meta(min_length=1, max_length=500)]
SellerPath = Annotated[UUID, "sel"]
Unit = Literal["kg", "l", "item", "pair", "m", "m2", "m3", "%vol hl", "proof l"]


class GoodsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line: `code` has six digits (HS) or those of the destination's tariff. `quantities` are of the whole line."""

    code: Annotated[str, Meta(pattern=f"^[0-9]{{6,10}}{END}", examples=["610910"])]
    origin: Country
    value_minor: Minor
    quantities: dict[Unit, Quantity] = {}
    proof: bool = False


class LandedAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All amounts are minor units of `currency`. Without `at` it is today. `registered` says that the platform is
    registered for the destination's scheme of low-value goods, also where it is not; `bonded`, that the goods lie in a
    bonded warehouse of the destination. `origin_minor` is what it costs until the goods are loaded and cleared for
    export. By an `incoterm` (2020) it is said who pays which of the costs."""

    from_: Annotated[Country, Meta(description="where it is sent from")] = msgspec.field(name="from")
    to: Country
    currency: Annotated[str, Meta(pattern=f"^[A-Z]{{3}}{END}", examples=["EUR"])]
    lines: Annotated[list[GoodsAsked], Meta(min_length=1, max_length=MAX_LINES)]
    origin_minor: Minor = 0
    freight_minor: Minor = 0
    insurance_minor: Minor = 0
    fee_minor: Minor = 0
    incoterm: Incoterm | None = None
    registered: bool = False
    service: Literal["post", "courier"] = "courier"
    bonded: bool = False
    at: date | None = None


class Charge(msgspec.Struct, frozen=True):
    duty_minor: int
    tax_minor: int


class LandedView(msgspec.Struct, frozen=True):
    """What the border adds, in minor units of `currency`; `lines` in the order asked. An estimate says `why`. `mode` is
    how it is let in, empty where the law says nothing of it; the tax is `collected` by the platform by this scheme, or
    at the border (empty). `terms` are there where an incoterm was asked for."""

    currency: str
    duty_minor: int
    tax_minor: int
    fee_minor: int
    mode: str
    collected: str
    lines: list[Charge]
    estimated: bool
    why: list[str]
    steps: list[Step]
    terms: Terms | None


class SourceView(msgspec.Struct, frozen=True):
    """A file or a pack: how many rows it gave, how many of its lines were not read."""

    name: str
    title: str
    imported_at: datetime
    rows: int
    unread: int


class Sources(msgspec.Struct, frozen=True):
    items: list[SourceView]


async def quote_landed_cost(tx: ReadTx, body: LandedAsked) -> LandedView:
    """Duty and tax of a consignment, step by step."""
    at = body.at or tx.now.date()
    for number, line in enumerate(body.lines):
        if line.origin not in COUNTRIES:
            raise OriginMissing("country_of_origin", "give the ISO code of the country where it was made", number)
    sent = Consignment(
        tuple(
            Goods(
                line.code, line.origin, line.value_minor,
                {unit: Decimal(quantity) for unit, quantity in line.quantities.items()}, line.proof,
            )
            for line in body.lines
        ),
        body.from_, body.to, at, body.currency, body.freight_minor, body.insurance_minor, body.fee_minor,
        body.registered, stock="bonded" if body.bonded else "abroad",
    )  # fmt: skip
    book = await reads.book(tx, {body.to, body.from_}, {line.code for line in body.lines}, at, {body.currency})
    schemes = frozenset(SCHEMES if body.registered else await registrations.registered(tx, at))
    pieces = int(sum(line.quantities.get("item", Decimal(1)) for line in sent.lines))
    loaded = with_origin(sent, body.origin_minor)
    chosen = modes.choose_mode(book, loaded, Facts(schemes, body.service, pieces))
    landed = quote(book, modes.by_mode(loaded, chosen))
    return LandedView(
        landed.currency, landed.duty_minor, landed.tax_minor, landed.fee_minor,
        chosen.mode.name if chosen else "", chosen.mode.scheme if chosen else "",
        [Charge(duty, tax) for duty, tax in landed.charges], landed.estimated, list(landed.why),
        [*steps(landed), *modes.mode_steps(chosen)],
        terms(body.incoterm, sent, body.origin_minor, landed) if body.incoterm else None,
    )  # fmt: skip


async def list_tariff_sources(tx: ReadTx) -> Sources:
    """The files and packs that landed costs rest on."""
    return Sources([
        SourceView(row.name, row.title, row.imported_at, row.read, sum(number for number, _ in row.unread.values()))
        for row in await tx.all(store.SOURCES)
    ])  # fmt: skip


class ItemSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a variant is at customs. `tariff_codes` has, by tariff, longer codes that begin with `hs_code`; weight
    (net) and volume are of one unit."""

    hs_code: Annotated[str, Meta(pattern=f"^[0-9]{{6}}{END}", examples=["610910"])]
    country_of_origin: Country
    customs_description: Annotated[str, Meta(min_length=3, max_length=200, examples=["Cotton T-shirt, knitted"])]
    weight_g: Annotated[int, Meta(ge=1, le=100_000_000)]
    volume_ml: Annotated[int, Meta(ge=1, le=100_000_000)] | None = None
    tariff_codes: Annotated[dict[Tariff, TariffCode], Meta(max_length=20)] = {}


class CodesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    q: Annotated[str, Meta(min_length=2, max_length=1_000)]
    language: Annotated[str, Meta(pattern=f"^[a-z]{{2}}{END}")] = "en"


class CodeFound(msgspec.Struct, frozen=True):
    """`heading` and `text` are the nomenclature's, in the language asked or English; a higher `score` is likelier."""

    hs_code: str
    heading: str
    text: str
    score: int


class CodesFound(msgspec.Struct, frozen=True):
    items: list[CodeFound]


class LackingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class LackingItems(msgspec.Struct, frozen=True):
    items: list[store.Lacking]


async def set_customs_item(tx: Tx, caller: Caller, variant_id: int, body: ItemSaid) -> Item:
    """Says what a variant is at customs: a seller of what it offers."""
    item = Item(
        variant_id, body.hs_code, dict(body.tariff_codes), body.country_of_origin, body.customs_description,
        body.weight_g, body.volume_ml,
    )  # fmt: skip
    await classification.set_item(tx, item, caller.cell, caller.seller_id)
    return item


async def read_customs_item(tx: ReadTx, variant_id: int) -> Item:
    """What a variant is at customs."""
    found = await classification.items(tx, [variant_id])
    if variant_id not in found:
        raise NotFound
    return found[variant_id]


async def search_hs_codes(tx: ReadTx, query: CodesQuery) -> CodesFound:
    """Codes that a product's text may mean, the likeliest first."""
    return CodesFound([
        CodeFound(one.code, one.heading or "", one.text or "", one.score)
        for one in await classification.propose(tx, query.q, query.language)
    ])  # fmt: skip


async def list_lacking_items(tx: ReadTx, caller: Caller, query: LackingQuery) -> LackingItems:
    """What the seller offers and cannot send abroad, for its customs data are missing or not valid any more."""
    assert caller.seller_id is not None, "a seller's session names its seller"
    return LackingItems(await classification.lacking(tx, caller.cell, caller.seller_id, query.after))


class NewRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of one's own: see Restriction. It holds from `valid_from` until before `valid_to`."""

    countries: Annotated[list[Country], Meta(min_length=1, max_length=60)]
    effect: Literal["prohibited", "permit", "age", "contact"]
    text: Annotated[dict[Language, Explanation], Meta(max_length=40)]
    citation: Annotated[str, Meta(min_length=3, max_length=500)]
    valid_from: date
    valid_to: date | None = None
    codes: Annotated[list[Beginning], Meta(max_length=100)] = []
    traits: Annotated[list[Trait], Meta(max_length=20)] = []
    not_from: Annotated[list[Country], Meta(max_length=60)] = []
    within: Annotated[list[Country], Meta(max_length=60)] = []
    age: Annotated[int, Meta(ge=1, le=99)] | None = None
    proof: Literal["stated", "birth_date"] = "stated"


class RulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Country


class RuleView(msgspec.Struct, frozen=True):
    """`marks` are the beginnings of HS codes and the traits that it is about; `source` is a pack, or own:<name>."""

    rule: Barrier
    marks: list[str]
    not_from: list[str]
    within: list[str]
    source: str


class Rules(msgspec.Struct, frozen=True):
    items: list[RuleView]


class Traits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    traits: Annotated[list[Trait], Meta(max_length=20)]


class NewPermit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`valid_to` is the first day on which the permit holds no more."""

    number: Annotated[str, Meta(min_length=1, max_length=100)]
    valid_to: date | None = None


async def list_sale_rules(tx: ReadTx, query: RulesQuery) -> Rules:
    """What the law of a country says may not be sold there, or not by all or to all: what holds, and what will."""
    found = await restrictions.rules_of(tx, query.country, tx.now.date())
    return Rules([RuleView(row.rule, row.marks, row.not_from, row.within, row.source) for row in found])


async def put_sale_rule(tx: Tx, name: str, body: NewRule) -> None:
    """Adds a rule, or puts it in the place of the one of this name that was added here."""
    if not re.fullmatch("[a-z][a-z0-9_-]{0,59}", name):
        raise RuleNotValid("a rule's name has small letters, digits, - and _, at most 60 of them")
    fields = msgspec.structs.asdict(body)
    begin, end, citation = fields.pop("valid_from"), fields.pop("valid_to"), fields.pop("citation")
    countries = sorted(set(fields.pop("countries")))
    try:
        fact = packs.restriction(msgspec.convert({**fields, "name": name}, Restriction))
    except ValueError as error:
        raise RuleNotValid(str(error)) from None
    if end is not None and end <= begin:
        raise RuleNotValid("valid_to must be a date after valid_from")
    rulings = [Ruling(country, fact, begin, end, citation) for country in countries]
    await restrictions.put(tx, f"own:{name}", rulings)


async def remove_sale_rule(tx: Tx, name: str) -> None:
    """Takes a rule back that was added here."""
    if not await restrictions.put(tx, f"own:{name}", []):
        raise NotFound


async def set_variant_traits(tx: Tx, caller: Caller, variant_id: int, body: Traits) -> Traits:
    """Says what a variant is (battery, food ...): a seller for its own offers of it, the operator for all."""
    said = await restrictions.set_traits(tx, variant_id, set(body.traits), caller.cell, caller.seller_id)
    return Traits(said)


async def read_variant_traits(tx: ReadTx, variant_id: int) -> Traits:
    """What a variant is said to be, beside what is said of its categories."""
    return Traits(await restrictions.traits(tx, variant_id))


async def set_category_traits(tx: Tx, slug: str, body: Traits) -> None:
    """Says what all that lies in a category, or below it, is."""
    await restrictions.set_category_traits(tx, slug, set(body.traits))


async def read_category_traits(tx: ReadTx, slug: str) -> Traits:
    """What all that lies in a category is said to be."""
    return Traits(await restrictions.category_traits(tx, slug))


class NewContact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`electronic` is an e-mail address or that of a page."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    address: Annotated[str, Meta(min_length=5, max_length=500)]
    electronic: Electronic


class Contacts(msgspec.Struct, frozen=True):
    items: list[Contact]


async def list_contacts(tx: ReadTx, caller: Caller) -> Contacts:
    """Who answers for the seller's goods, by country."""
    assert caller.seller_id is not None, "a seller's session names its seller"
    return Contacts(await restrictions.contacts(tx, caller.seller_id))


async def say_contact(tx: Tx, caller: Caller, country: str, body: NewContact) -> None:
    """Names who answers for the seller's goods in a country; buyers there are shown it."""
    assert caller.seller_id is not None, "a seller's session names its seller"
    await restrictions.say_contact(tx, caller.seller_id, Contact(country, body.name, body.address, body.electronic))


async def remove_contact(tx: Tx, caller: Caller, country: str) -> None:
    """Nobody answers there any more: what needs it is not sold."""
    assert caller.seller_id is not None, "a seller's session names its seller"
    await restrictions.remove_contact(tx, caller.seller_id, country)


async def grant_permit(tx: Tx, caller: Caller, seller_id: SellerPath, country: str, name: str, body: NewPermit) -> None:
    """Notes that a seller has shown the permit that a rule of a country asks for."""
    await restrictions.grant_permit(tx, seller_id, country, name, body.number, body.valid_to, caller.user_id)


async def withdraw_permit(tx: Tx, caller: Caller, seller_id: SellerPath, country: str, name: str) -> None:
    """The permit is none any more."""
    await restrictions.withdraw_permit(tx, seller_id, country, name, caller.user_id)


_PERMIT = "/v1/sellers/{seller_id}/permits/{country}/{name}"

routes = [
    *api_modes.routes,
    post(
        "/v1/landed-cost", quote_landed_cost, access=PUBLIC,
        raises=(
            CurrencyRateMissing, LawMissing, NotLetIn, OriginMissing, QuantityMissing, RateMissing, ValueNotValid,
        ),
    ),
    get("/v1/tariff-sources", list_tariff_sources, access=PUBLIC),
    put(
        "/v1/variants/{variant_id}/customs", set_customs_item, access=SELLER | OPERATOR, key="taken",
        raises=(CodeUnknown, OriginMissing, SaidByAnother),
    ),
    get("/v1/variants/{variant_id}/customs", read_customs_item, access=PUBLIC),
    get("/v1/hs-codes", search_hs_codes, access=PUBLIC, raises=(NomenclatureMissing,)),
    get("/v1/seller/customs-data", list_lacking_items, access=SELLER),
    get("/v1/sale-rules", list_sale_rules, access=PUBLIC),
    put("/v1/sale-rules/{name}", put_sale_rule, access=OPERATOR, key="taken", raises=(RuleNotValid,)),
    delete("/v1/sale-rules/{name}", remove_sale_rule, access=OPERATOR, key="taken"),
    put("/v1/variants/{variant_id}/traits", set_variant_traits, access=SELLER | OPERATOR, key="taken"),
    get("/v1/variants/{variant_id}/traits", read_variant_traits, access=PUBLIC),
    put("/v1/categories/{slug}/traits", set_category_traits, access=OPERATOR, key="taken"),
    get("/v1/categories/{slug}/traits", read_category_traits, access=PUBLIC),
    get("/v1/seller/contacts", list_contacts, access=SELLER),
    put("/v1/seller/contacts/{country}", say_contact, access=SELLER, key="taken"),
    delete("/v1/seller/contacts/{country}", remove_contact, access=SELLER, key="taken"),
    put(_PERMIT, grant_permit, access=OPERATOR, key="taken"),
    delete(_PERMIT, withdraw_permit, access=OPERATOR, key="taken"),
]  # fmt: skip
