"""Every route as nobody, in the wrong role, about somebody else's thing, and with what it does not understand: refused
by the right Problem, and nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from entrepot.app import ROUTES
from entrepot.kit.auth import SESSION_TTL, Role
from entrepot.kit.http import MAX_BODY_BYTES, Route
from entrepot.kit.ids import NIL, new_id
from tests.api.asks import ASKS
from tests.api.stage import Ask, Stage, absent
from tests.shop import START, open_shop

GUARDED = [route for route in ROUTES if route.access]
WITH_BODY = [route for route in ROUTES if route.body is not None]
WITH_QUERY = [route for route in ROUTES if route.query is not None]
PREFIXED = [route for route in ROUTES if route.params]
# A rule is given the name by which it is put.
FOUND_BY_ID = [route for route in PREFIXED if route.name != "PUT /v1/sale-rules/{name}"]

OWNED = [
    route
    for route in PREFIXED
    if route.access in ({Role.BUYER}, {Role.SELLER})
    and not route.path.startswith("/v1/campaigns/")
    and not route.params.keys() & {"month", "year"}
]
"""Routes about a thing that belongs to one buyer or seller; a campaign is for all, and everybody has a month."""

NUMBERS: tuple[Any, ...] = (-(2**63) - 1, -1, 0, 1, 1.5, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, True, "1", None, [])
TEXTS: tuple[Any, ...] = (
    "", " ", "\n", "\0", "a\0b", "\\u0000", "x" * 10_001, "🛒", "\u202e", "'; drop", "%", "0001-01-01", "9999-12-31",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T09:00:00", "XXX", "usd", "nowhere",
    absent("usr"), absent("adr"), absent("quo"), absent("grp"), absent("ord"), absent("sel"), absent("pay"), {},
)  # fmt: skip
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
    ask = await ASKS[route.name](stage)
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
    ask = await ASKS[route.name](stage)
    before = await stage.shop.state()
    for role in set(Role) - route.access:
        refused = await stage.send(route, ask, stage.headers(role) | await keyed(route))
        assert kind(refused) == (403, "not_allowed"), role
    assert await stage.shop.state() == before


@named(OWNED)
async def test_anothers_thing_is_as_absent(stage: Stage, route: Route) -> None:
    ask = await ASKS[route.name](stage)
    before = await stage.shop.state()
    stranger = stage.headers(min(route.access), other=True)
    refused = await stage.send(route, ask, stranger | await keyed(route))
    assert kind(refused) == (404, "not_found")
    missing = await stage.send(route, replace(ask, path=_absent_path(route)), stranger | await keyed(route))
    assert (missing.status_code, missing.content) == (refused.status_code, refused.content)
    assert await stage.shop.state() == before


@pytest.mark.parametrize(
    ("name", "field", "prefix"),
    [("PUT /v1/carts/{cart_id}/address", "address_id", "adr"), ("POST /v1/orders", "quote_id", "quo")],
)
async def test_anothers_thing_in_a_body_is_as_absent(stage: Stage, name: str, field: str, prefix: str) -> None:
    route = next(route for route in ROUTES if route.name == name)
    theirs = await ASKS[name](stage)
    own = await _for_other_buyer(stage, name)
    before = await stage.shop.state()
    for id_ in (theirs.body[field], absent(prefix)):
        refused = await stage.send(
            route, replace(own, body=own.body | {field: id_}), stage.other_buyer.headers | await keyed(route)
        )
        assert kind(refused) == (404, "not_found")
    assert await stage.shop.state() == before


async def _for_other_buyer(stage: Stage, name: str) -> Ask:
    swapped = replace(stage, buyer=stage.other_buyer, other_buyer=stage.buyer)
    return await ASKS[name](swapped)


@named(FOUND_BY_ID)
async def test_what_cannot_be_an_id_is_not_there(stage: Stage, route: Route) -> None:
    ask = await ASKS[route.name](stage)
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
    ask = await ASKS[route.name](stage)
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
    """What the description forbids is refused as malformed and changes nothing; the rest is answered as declared."""
    assert route.body is not None
    ask = await ASKS[route.name](stage)
    before = await stage.shop.state()
    odd = list(_spoiled(ask.body))
    allowed = [body for body in odd if _fits(body, route.body)]
    for body in odd:
        if body in allowed:
            continue
        large = len(msgspec.json.encode(body)) > MAX_BODY_BYTES
        refused = await stage.granted(route, replace(ask, body=body), **await keyed(route))
        assert kind(refused) == ((413, "too_large") if large else (400, "malformed")), body
    assert await stage.shop.state() == before
    for body in allowed:  # `granted` checks that what is answered is declared
        answer = await stage.granted(route, replace(ask, body=body), **await keyed(route))
        if answer.is_success:  # what was asked for is done: something else is to be asked for
            ask = await ASKS[route.name](stage)


@named(WITH_QUERY)
async def test_odd_values_in_a_query(stage: Stage, route: Route) -> None:
    assert route.query is not None
    ask = await ASKS[route.name](stage)
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


def _fits(given: Any, type_: type[msgspec.Struct], *, strict: bool = True) -> bool:
    try:
        if strict:
            raw = msgspec.json.encode(given)
            msgspec.json.decode(raw, type=type_)
            return b"\\u0000" not in raw and len(raw) <= MAX_BODY_BYTES
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
