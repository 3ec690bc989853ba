"""Every route grants what it should, in the form it declares; the same key gets the same answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, get_origin

import msgspec
import pytest

from entrepot.app import ROUTES
from entrepot.kit.http import Route
from entrepot.kit.ids import new_id
from entrepot.kit.problem import KeyConflict, KeyNeeded
from tests.api.asks import ASKS, shared
from tests.api.stage import Stage
from tests.shop import START

JSON = {"content-type": "application/json"}
KEYED = [route for route in ROUTES if route.key != "no"]
READS = [route for route in ROUTES if route.method == "GET" and get_origin(route.answer) is not Annotated]
"""But for files, which are printed and not kept."""


def named(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[route.name for route in routes])


def test_no_route_escapes_these_tests() -> None:
    assert sorted(ASKS) == sorted(route.name for route in ROUTES)


@named(ROUTES)
async def test_is_granted(stage: Stage, route: Route) -> None:
    keyed = {"idempotency-key": new_id(START).hex} if route.key == "needed" else {}
    answer = await stage.granted(route, await ASKS[route.name](stage), **keyed)
    assert answer.status_code == (route.status if answer.content else 204), answer.text
    assert (answer.content == b"") == (route.answer is type(None) or answer.status_code == 204)


@named(KEYED)
async def test_the_same_key_gets_the_same_bytes_and_does_nothing_more(stage: Stage, route: Route) -> None:
    ask, key = await ASKS[route.name](stage), new_id(START).hex
    first = await stage.granted(route, ask, **{"idempotency-key": key})
    assert first.status_code < 300, first.text
    before = await stage.shop.state()
    again = await stage.granted(route, ask, **{"idempotency-key": key})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("content-type") == first.headers.get("content-type")
    assert await stage.shop.state() == before


@named([route for route in KEYED if route.body is not None])
async def test_the_same_key_with_another_body_is_refused(stage: Stage, route: Route) -> None:
    ask, other, key = await ASKS[route.name](stage), await shared(stage, route), new_id(START).hex
    if other.body == ask.body:
        other = replace(other, raw=b" " + msgspec.json.encode(other.body), headers=JSON)
    first = await stage.granted(route, ask, **{"idempotency-key": key})
    assert first.status_code < 300, first.text
    before = await stage.shop.state()
    refused = await stage.granted(route, replace(other, path=ask.path), **{"idempotency-key": key})
    assert (refused.status_code, refused.json()["type"]) == (409, f"/problems/{KeyConflict.code()}")
    assert await stage.shop.state() == before


@named(KEYED)
async def test_what_is_no_key_is_refused(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    before = await stage.shop.state()
    for key in (b"", b"k" * 201, b"a\tb", "k\u00e9".encode()):
        refused = await stage.granted(route, replace(ask, headers={b"idempotency-key": key}))
        assert (refused.status_code, refused.json()["type"]) == (400, f"/problems/{KeyNeeded.code()}"), key
    assert await stage.shop.state() == before


@named([route for route in KEYED if route.key == "needed"])
async def test_a_needed_key_is_needed(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    before = await stage.shop.state()
    refused = await stage.granted(route, ask)
    assert (refused.status_code, refused.json()["type"]) == (400, f"/problems/{KeyNeeded.code()}")
    assert await stage.shop.state() == before


@named(READS)
async def test_what_has_not_changed_is_not_sent_again(stage: Stage, route: Route) -> None:
    ask = await shared(stage, route)
    first = await stage.granted(route, ask)
    tag = first.headers["etag"]
    for given in (tag, f'"other", W/{tag}', "*"):
        again = await stage.granted(route, ask, **{"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), given
    assert (await stage.granted(route, ask, **{"if-none-match": '"other"'})).content == first.content
