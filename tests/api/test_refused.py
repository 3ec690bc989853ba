"""Every route as nobody, in the wrong role, about somebody else's thing, and with what it does not understand: refused
by the right Problem, and nothing has changed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, get_args

import msgspec
import pytest

from entrepot.app import ROUTES
from entrepot.kit.auth import SESSION_TTL, Role
from entrepot.kit.http import MAX_BODY_BYTES, Route
from entrepot.kit.ids import NIL, new_id, show
from tests.api.asks import ASKS, shared, used
from tests.api.stage import Ask, Stage, absent
from tests.shop import START, open_shop

GUARDED = [route for route in ROUTES if route.access]
WITH_BODY = [route for route in ROUTES if route.body is not None]
WITH_QUERY = [route for route in ROUTES if route.query is not None]
PREFIXED = [route for route in ROUTES if route.params]
# A rule is given the name by which it is put.
FOUND_BY_ID = [route for route in PREFIXED if route.name != "PUT /v1/sale-rules/{name}"]

MEMBERS = [route for route in ROUTES if route.access in ({Role.BUYER}, {Role.SELLER}, {Role.SELLER, Role.OPERATOR})]
"""Routes of buyers and of sellers; what the operator may as well, a seller may of what is its own."""
OWNED = [
    route
    for route in MEMBERS
    if route.params
    and not route.path.startswith("/v1/campaigns/")
    and not route.params.keys() & {"month", "year", "country"}
]
"""Routes about a thing that belongs to one buyer or seller; a campaign is for all, and everybody has a month and a
contact in a country."""

UNOWNED = {"category_id", "product_id", "rule_id", "seller_id", "variant_id", "tax_id", "vat_id"}
"""What these name is nobody's own."""
FOR_ALL = {"POST /v1/carts/{cart_id}/lines", "POST /v1/campaigns/{campaign_id}/orders"}
"""Everybody may buy an offer."""


def _naming(type_: Any, *at: str) -> Iterator[tuple[str, ...]]:
    """Where a body names something that somebody may own."""
    for part in get_args(type_):
        yield from _naming(part, *at)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        for field in msgspec.structs.fields(type_):
            yield from _naming(field.type, *at, field.encode_name)
    elif at and at[-1].endswith("_id") and at[-1] not in UNOWNED:
        yield at


NAMING = [
    (route, at)
    for route in MEMBERS
    for at in sorted(set(_naming(route.body)))
    if not (at == ("offer_id",) and route.name in FOR_ALL)
]


async def _location(stage: Stage) -> int:
    new = {"code": new_id(START).hex, "name": "Pier", "country": "NL"}
    staff = stage.headers(Role.SELLER, other=True)
    return int((await stage.shop.http.post("/v1/seller/locations", json=new, headers=staff)).json()["id"])


async def _offer(stage: Stage) -> int:
    return await stage.shop.offer(stage.other_seller, 100, 10)


async def _quote(stage: Stage) -> str:
    return str((await stage.other_buyer.quote([(stage.offer, 1)]))["id"])


async def _address(stage: Stage) -> str:
    return show("adr", stage.other_buyer.address)


ANOTHERS: dict[str, Callable[[Stage], Awaitable[int | str]]] = {
    "address_id": _address, "location_id": _location, "offer_id": _offer, "quote_id": _quote,
}  # fmt: skip
"""By the name of a field a thing of the other buyer's or seller's."""

LISTS = [
    route
    for route in MEMBERS
    if route.method == "GET"
    and route not in OWNED
    and not route.path.startswith("/v1/campaigns/")
    and not route.path.endswith(("/csv", "/pdf"))
]
HELD = {
    "addresses", "groups", "installments", "seller/audit", "seller/disputes", "seller/fee-invoices", "seller/locations",
    "seller/offers", "seller/orders", "seller/reviews", "seller/payouts", "seller/stock",
}  # fmt: skip
"""Lists in which the test finds something."""

NUMBERS: tuple[Any, ...] = (-(2**63) - 1, -1, 0, 1, 1.5, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, True, "1", None, [])
TEXTS: tuple[Any, ...] = (
    "", " ", "\n", "\0", "a\0b", "\\u0000", "x" * 10_001, "🛒", "\u202e", "'; drop", "%", "0001-01-01", "9999-12-31",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T09:00:00", "XXX", "usd", "nowhere",
    absent("usr"), absent("adr"), absent("quo"), absent("grp"), absent("ord"), absent("sel"), absent("pay"), {},
)  # fmt: skip
ODD_ALLOWED = 15
"""Odd bodies that the description allows which a route is sent: a success is followed by a new order of its own."""
BROKEN = (
    b"", b"{", b"[]", b"null", b'"x"', b"1", b'{"a":1} {"b":2}', b"\xff\xfe", b'{"a":"\xff"}', b"[" * 20_000, b'{"":',
    b'{"quantity":1e999}', b'{"name":"\\ud800"}',
)  # fmt: skip


def named(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[route.name for route in routes])


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def keyed(route: Route) -> dict[str, str]:
    return {"idempotency-key": new_id(START).hex} if route.key == "needed" else {}


@named(GUARDED)
async def test_nobody_is_asked_to_sign_in(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    before = await stage.shop.state()
    role = min(route.access)
    now = stage.shop.clock.now()
    valid = stage.shop.keys.session(role, NIL, now)
    expired = stage.shop.keys.session(role, NIL, now - SESSION_TTL - timedelta(seconds=1))
    forged = valid[:-2] + ("AA" if valid[-2:] != "AA" else "BB")
    for given in (None, "", "Bearer ", f"Bearer {expired}", f"Bearer {forged}", f"Basic {valid}", "Bearer \xff"):
        headers = {} if given is None else {b"authorization": given.encode("latin-1")}
        refused = await stage.send(route, replace(ask, headers=headers), await keyed(route))
        assert kind(refused) == (401, "sign_in_needed"), given
    assert await stage.shop.state() == before


@named([route for route in GUARDED if route.access != frozenset(Role)])
async def test_another_role_may_not(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    before = await stage.shop.state()
    for role in set(Role) - route.access:
        refused = await stage.send(route, ask, stage.headers(role) | await keyed(route))
        assert kind(refused) == (403, "not_allowed"), role
    assert await stage.shop.state() == before


@named(OWNED)
async def test_anothers_thing_is_as_absent(stage: Stage, route: Route) -> None:
    """Case 11 of docs/guide/proof.md, of buyers' routes as of sellers'."""
    ask = await shared(stage, route)
    before = await stage.shop.state()
    stranger = stage.headers(_member(route), other=True)
    refused = await stage.send(route, ask, stranger | await keyed(route))
    assert kind(refused) == (404, "not_found")
    missing = await stage.send(route, replace(ask, path=_absent_path(route)), stranger | await keyed(route))
    assert (missing.status_code, missing.content) == (refused.status_code, refused.content)
    assert await stage.shop.state() == before


@pytest.mark.parametrize(("route", "at"), NAMING, ids=[f"{route.name} {at[-1]}" for route, at in NAMING])
async def test_anothers_thing_in_a_body_is_as_absent(stage: Stage, route: Route, at: tuple[str, ...]) -> None:
    ask, theirs = await ASKS[route.name](stage), await ANOTHERS[at[-1]](stage)
    nothing = absent(theirs[:3]) if isinstance(theirs, str) else 9_000_000_000
    before = await stage.shop.state()
    refused, missing = [
        await stage.granted(route, replace(ask, body=_renamed(ask.body, at, id_)), **await keyed(route))
        for id_ in (theirs, nothing)
    ]
    assert kind(refused) == (404, "not_found")
    assert (missing.status_code, missing.content) == (refused.status_code, refused.content)
    assert await stage.shop.state() == before
    assert (await stage.granted(route, ask, **await keyed(route))).is_success, "that it is theirs is all that was wrong"


def _renamed(body: Any, at: tuple[str, ...], id_: int | str) -> Any:
    """The body with another id there; of a list its first item."""
    if not at:
        return id_
    if isinstance(body, list):
        return [_renamed(body[0], at, id_)]
    return body | {at[0]: _renamed(body[at[0]], at[1:], id_)}


async def test_lists_hold_only_ones_own(stage: Stage) -> None:
    """Whatever the owner's list has in it another's has not, wherever it is asked to begin."""
    await stage.payout()
    for route in OWNED:
        if route.method in ("GET", "PUT"):  # these make one of each kind
            await ASKS[route.name](stage)
    held = set()
    for route in LISTS:
        ask = await ASKS[route.name](stage)
        if route.query is not None and _fits({}, route.query):
            ask = replace(ask, query={})
        role = _member(route)
        mine = _things((await stage.send(route, ask, stage.headers(role))).json())
        for query in (ask.query, *_beginnings(route, ask, mine)):
            theirs = await stage.send(route, replace(ask, query=query), stage.headers(role, other=True))
            assert not mine & _things(theirs.json()), (route.name, query)
        held |= {route.path.removeprefix("/v1/")} if mine else set()
    assert held >= HELD


def _member(route: Route) -> Role:
    return Role.SELLER if Role.SELLER in route.access else Role.BUYER


def _beginnings(route: Route, ask: Ask, things: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Queries that name one of the things, of each kind, in each field that takes it."""
    if route.query is None:
        return
    kinds = {id_[:3] if "_" in id_ else "": id_ for _, id_ in sorted(things)}
    for field in msgspec.structs.fields(route.query):
        for id_ in kinds.values():
            query = {**ask.query, field.name: id_}
            if _fits(query, route.query, strict=False):
                yield query


def _things(said: Any) -> set[tuple[str, str]]:
    """(field, id) of what somebody owns in an answer. Goods may lie at a `shared` location, the operator's; the tests'
    sessions have one user."""
    if isinstance(said, list):
        return set().union(*map(_things, said))
    if not isinstance(said, dict) or said.get("shared"):
        return set()
    own = {
        (name, str(id_))
        for name, id_ in said.items()
        if re.fullmatch("id|.*_id", name) and name not in {*UNOWNED, "location_id", "user_id"} and id_ is not None
    }
    return own.union(*map(_things, said.values()))


@named(FOUND_BY_ID)
async def test_what_cannot_be_an_id_is_not_there(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    before = await stage.shop.state()
    for odd in ("x", "0", "-1", "9" * 5_000, "%00", "%F0%9F%9B%92", "1.5", "%EF%BC%91", "ord_" + "1_" * 16, "' or 1=1"):
        path = route.path
        for name in route.params:
            path = path.replace(f"{{{name}}}", odd)
        refused = await stage.granted(route, replace(ask, path=path), **await keyed(route))
        assert kind(refused) == (404, "not_found"), odd
    assert await stage.shop.state() == before


@named(WITH_BODY)
async def test_a_body_that_is_not_understood(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    good = msgspec.json.encode(ask.body)
    before = await stage.shop.state()
    json = {"content-type": "application/json"}
    for body in BROKEN:
        refused = await stage.granted(route, replace(ask, raw=body, headers=json), **await keyed(route))
        assert kind(refused) == (400, "malformed"), body[:40]
    for body in (good[:-1] + b" " * route.body_max_bytes + b"}", b"x" * (route.body_max_bytes + 1)):
        refused = await stage.granted(route, replace(ask, raw=body, headers=json), **await keyed(route))
        assert kind(refused) == (413, "too_large")
    for media in ("", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"):
        refused = await stage.granted(
            route, replace(ask, raw=good, headers={"content-type": media}), **await keyed(route)
        )
        assert kind(refused) == (415, "unsupported_media_type"), media
    refused = await stage.granted(route, replace(ask, body=ask.body | {"unknown": 1}), **await keyed(route))
    assert kind(refused) == (400, "malformed")
    assert await stage.shop.state() == before


@named(WITH_BODY)
async def test_odd_values_in_a_body(stage: Stage, route: Route) -> None:
    """What the description forbids is refused as malformed and changes nothing; of the rest some, others for each
    route, are answered as declared."""
    assert route.body is not None
    ask = await shared(stage, route)
    before = await stage.shop.state()
    odd = list(_spoiled(ask.body))
    allowed = [body for body in odd if _fits(body, route.body, upto=route.body_max_bytes)]
    for body in odd:
        if body in allowed:
            continue
        large = len(msgspec.json.encode(body)) > route.body_max_bytes
        refused = await stage.granted(route, replace(ask, body=body), **await keyed(route))
        assert kind(refused) == ((413, "too_large") if large else (400, "malformed")), body
    assert await stage.shop.state() == before
    some = Random(route.name).sample(allowed, min(ODD_ALLOWED, len(allowed)))
    for body in some:  # `granted` checks that what is answered is declared
        answer = await stage.granted(route, replace(ask, body=body), **await keyed(route))
        if answer.is_success:  # what was asked for is done: something else is to be asked for
            used(stage, route)
            ask = await shared(stage, route)


@named(WITH_QUERY)
async def test_odd_values_in_a_query(stage: Stage, route: Route) -> None:
    assert route.query is not None
    ask = await shared(stage, route)
    before = await stage.shop.state()
    refused = await stage.granted(route, replace(ask, query={**ask.query, "unknown": "1"}))
    assert kind(refused) == (400, "malformed")
    fields = msgspec.structs.fields(route.query)
    for field in fields:
        twice = [*ask.query.items(), (field.name, "1"), (field.name, "2")]
        refused = await stage.granted(route, replace(ask, query=twice))  # type: ignore[arg-type]
        assert kind(refused) == (400, "malformed"), field.name
        for value in (*TEXTS, *map(str, NUMBERS)):
            if not isinstance(value, str):
                continue
            query = {**ask.query, field.name: value}
            answer = await stage.granted(route, replace(ask, query=query))
            if "\0" in value or not _fits(query, route.query, strict=False):
                assert kind(answer) == (400, "malformed"), query
        if field.required:
            left = {name: value for name, value in ask.query.items() if name != field.name}
            assert kind(await stage.granted(route, replace(ask, query=left))) == (400, "malformed")
    assert await stage.shop.state() == before


def _absent_path(route: Route) -> str:
    path = route.path
    for name in route.params:
        prefix = {"cart_id": "crt", "order_id": "ord", "group_id": "grp", "address_id": "adr"}.get(name)
        path = path.replace(f"{{{name}}}", absent(prefix) if prefix else "9000000000")
    return path


def _spoiled(body: Any) -> Iterator[Any]:
    """The body with each of its values, at any depth, taken away or replaced by each odd one."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield {key: kept for key, kept in body.items() if key != name}
            for odd in (*NUMBERS, *TEXTS):
                yield body | {name: odd}
            if isinstance(value, dict | list):
                for odd in _spoiled(value):
                    yield body | {name: odd}
    if isinstance(body, list):
        yield []
        yield body * 600
        for odd in _spoiled(body[0]):
            yield [odd]


def _fits(
    given: Any, type_: type[msgspec.Struct], *, strict: bool = True, upto: int = MAX_BODY_BYTES
) -> bool:  # fmt: skip
    try:
        if strict:
            raw = msgspec.json.encode(given)
            msgspec.json.decode(raw, type=type_)
            return b"\\u0000" not in raw and len(raw) <= upto
        msgspec.convert(given, type=type_, strict=False)
    except msgspec.ValidationError:
        return False
    return True


async def test_the_state_sees_a_change(own_db_url: str) -> None:
    """What the tests above compare is not blind."""
    async with open_shop(own_db_url) as shop:
        before = await shop.state()
        buyer = await shop.buyer(1)
        assert await shop.state() != before
        before = await shop.state()
        added = await buyer.send("POST", "/v1/carts", {"market": "us"}, **{"idempotency-key": "k"})
        assert added.status_code == 201
        assert await shop.state() != before
