"""Pages of lists, and the edges of single routes: each refused in words, or answered in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Meta

from entrepot.kit.auth import Role
from entrepot.orders import reads as orders_reads
from entrepot.payments import reads as payments_reads
from tests.api.asks import ASKS
from tests.api.stage import BY_NAME, Ask, Stage, number
from tests.shop import MARKET


async def walk(
    stage: Stage, name: str, query: dict[str, Any], step: Callable[[Any], dict[str, Any] | None]
) -> list[str]:
    """Every id of a list, page by page; `step` gives what to ask for next, None at the end."""
    found: list[str] = []
    following: dict[str, Any] | None = {}
    while following is not None:
        answer = await stage.granted(BY_NAME[name], Ask(BY_NAME[name].path, query=query | following))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [str(item["id"]) for item in page["items"]]
        following = step(page)
        assert len(found) < 1_000, "the pages do not end"
    return found


def by_next(page: Any) -> dict[str, Any] | None:
    return None if page["next"] is None else {"after": page["next"]}


def by_last(page: Any) -> dict[str, Any] | None:
    return {"before": page["items"][-1]["id"]} if page["items"] else None


async def test_pages_have_neither_gaps_nor_repetitions(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_reads, "PAGE", 2)
    monkeypatch.setattr(payments_reads, "PAGE", 2)
    for _ in range(5):
        await stage.order()
        await stage.shop.offer(stage.seller, 100, 1)
        await stage.shop.seller()
    async with stage.shop.db.read() as tx:
        conn = tx.conn

        async def ids(query: str, *args: Any) -> list[Any]:
            return [row[0] for row in await conn.fetch(query, *args)]

        groups = await ids("select 'grp_' || replace(id::text, '-', '') from orders.order_group order by id desc")
        orders = await ids("select 'ord_' || replace(id::text, '-', '') from orders.order order by id desc")
        offers = await ids("select id::text from catalog.offer where seller_id = $1 order by id", stage.seller)
        sellers = await ids("select 'sel_' || replace(id::text, '-', '') from sellers.seller order by id")
        products = await ids("select id::text from catalog.product")
    assert len(groups) == len(orders) == 5
    assert await walk(stage, "GET /v1/groups", {}, by_last) == groups
    assert await walk(stage, "GET /v1/seller/orders", {}, by_last) == orders
    assert await walk(stage, "GET /v1/seller/orders", {"status": "paid"}, by_last) == orders
    assert await walk(stage, "GET /v1/seller/offers", {"limit": 2}, by_next) == offers
    assert await walk(stage, "GET /v1/sellers", {"limit": 2}, by_next) == sellers
    listed = await walk(stage, "GET /v1/products", {"market": MARKET, "limit": 2}, by_next)
    assert sorted(listed) == sorted(products)
    found = await walk(stage, "GET /v1/products", {"market": MARKET, "limit": 2, "q": "product"}, by_next)
    assert sorted(found) == sorted(products)


async def test_the_last_day_of_the_calendar(stage: Stage) -> None:
    route = BY_NAME["GET /v1/seller/statement"]
    end = {"currency": "USD", "first": "9999-12-31", "last": "9999-12-31"}
    refused = await stage.granted(route, Ask(route.path, query=end))
    assert (refused.status_code, refused.json()["detail"]) == (400, "the calendar has no day after last")
    start = {"currency": "USD", "first": "0001-01-01", "last": "0001-01-01"}
    assert (await stage.granted(route, Ask(route.path, query=start))).json()["lines"] == []
    unknown = {"currency": "XXX", "first": "2026-03-01", "last": "2026-03-31"}
    assert (await stage.granted(route, Ask(route.path, query=unknown))).status_code == 404


async def test_a_tracking_number_names_one_shipment(stage: Stage) -> None:
    name = "POST /v1/seller/orders/{order_id}/ship"
    taken = await stage.shipped()
    ask = await ASKS[name](stage)
    before = await stage.shop.state()
    refused = await stage.granted(BY_NAME[name], replace(ask, body=ask.body | {"tracking_number": taken}))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/tracking_number_taken")
    assert await stage.shop.state() == before
    assert (await stage.granted(BY_NAME[name], ask)).status_code == 204


async def test_a_scan_that_is_told_twice_counts_once(stage: Stage) -> None:
    route = BY_NAME["POST /v1/tracking"]
    number_ = await stage.shipped()
    scan = {"carrier": "house", "tracking_number": number_, "status": "delivered"}
    scan["at"] = stage.shop.clock.now().isoformat()
    for expected in (1, 0):
        taken = await stage.granted(route, Ask(route.path, {"scans": [scan, scan]}))
        assert taken.json() == {"delivered": expected}


async def test_money_of_another_market(stage: Stage) -> None:
    """A currency that no market has, a market that is not there, and more than a wallet can hold."""
    top_up = await ASKS["POST /v1/top-ups"](stage)
    before = await stage.shop.state("kit.audit_line")
    for currency in ("EUR", "XXX"):
        refused = await stage.granted(
            BY_NAME["POST /v1/top-ups"], replace(top_up, body=top_up.body | {"currency": currency}), **key()
        )
        assert refused.status_code == 404
        wallet = await stage.granted(BY_NAME["GET /v1/wallet"], Ask("/v1/wallet", query={"currency": currency}))
        assert wallet.status_code == 404
    for name, field in (
        ("POST /v1/carts", "market"),
        ("POST /v1/promotions", "market"),
        ("POST /v1/seller/offers", "market"),
    ):
        ask = await ASKS[name](stage)
        refused = await stage.granted(BY_NAME[name], replace(ask, body=ask.body | {field: "eu"}))
        assert refused.status_code == 404, name
    assert (await stage.shop.http.get("/v1/products", params={"market": "eu"})).status_code == 404
    assert (await stage.shop.http.get("/v1/markets/eu/shipping")).status_code == 404
    days = await stage.shop.http.get("/v1/operator/days", params={"market": "eu"}, headers=stage.headers(Role.OPERATOR))
    assert days.status_code == 404
    assert await stage.shop.state("kit.audit_line") == before


async def test_a_wallet_that_overflows(stage: Stage) -> None:
    route, top_up = BY_NAME["POST /v1/top-ups"], await ASKS["POST /v1/top-ups"](stage)
    most = replace(top_up, body=top_up.body | {"amount_minor": 10**15})
    for _ in range(3):
        answer = await stage.granted(route, most, **key())
        assert answer.status_code in (201, 409), answer.text


async def test_a_cart_line_and_a_total_that_overflow(stage: Stage) -> None:
    dear = await stage.shop.offer(stage.seller, 10**15, 1_000_000)
    line = BY_NAME["POST /v1/carts/{cart_id}/lines"]
    ask = await ASKS[line.name](stage)
    added = await stage.granted(line, replace(ask, body={"offer_id": dear, "quantity": 1_000}))
    assert added.status_code == 204
    cart = ask.path.removesuffix("/lines")
    shown = await stage.granted(BY_NAME["GET /v1/carts/{cart_id}"], Ask(cart))
    assert shown.status_code == 200
    before = await stage.shop.state()
    quoted = await stage.granted(BY_NAME["POST /v1/carts/{cart_id}/quote"], Ask(f"{cart}/quote"))
    assert (quoted.status_code, quoted.json()["type"]) == (409, "/problems/amount_too_large")
    assert await stage.shop.state() == before


async def test_units_that_pass_the_limit_together(stage: Stage) -> None:
    route = BY_NAME["POST /v1/carts/{cart_id}/lines"]
    ask = await ASKS[route.name](stage)  # two units are in the cart
    rest = replace(ask, body={"offer_id": stage.offer, "quantity": 999_998})
    assert (await stage.granted(route, replace(rest, body=rest.body | {"quantity": 999_999}))).json() == {
        "type": "/problems/quantity_not_valid", "title": "A quantity is too small or too large.", "status": 409,
        "offer_id": stage.offer, "limit": 1_000_000,
    }  # fmt: skip
    assert (await stage.granted(route, rest)).status_code == 204
    cart = await stage.granted(BY_NAME["GET /v1/carts/{cart_id}"], Ask(ask.path.removesuffix("/lines")))
    assert cart.json()["lines"][0]["quantity"] == 1_000_000
    assert (await stage.granted(route, ask)).status_code == 409


async def test_an_answer_without_content_does_not_tell_of_its_length(stage: Stage) -> None:
    """RFC 9110, 8.6; also when the key was spent before."""
    route = BY_NAME["POST /v1/carts/{cart_id}/lines"]
    ask, once = await ASKS[route.name](stage), key()
    for _ in range(2):
        answer = await stage.granted(route, ask, **once)
        assert (answer.status_code, answer.content) == (204, b"")
        assert {"content-length", "content-type"} & set(answer.headers) == set()


def key() -> dict[str, str]:
    return {"idempotency-key": f"edge-{number()}"}


def _times(type_: Any, of: type | None = None, *, is_zoned: bool = False) -> Iterator[tuple[bool, type | None]]:
    """Of each time in what a route is sent: whether it must say its zone, and the struct that it is in."""
    if type_ is datetime:
        yield is_zoned, of
    elif isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        for field in msgspec.structs.fields(type_):
            yield from _times(field.type, type_)
    is_zoned = any(isinstance(meta, Meta) and meta.tz is True for meta in getattr(type_, "__metadata__", ()))
    for part in get_args(type_):
        yield from _times(part, of, is_zoned=is_zoned)


def test_every_time_that_is_sent_has_a_zone_and_can_be_stored() -> None:
    """Without the one it is compared with nothing, without the other it is no time of the database's."""
    routes = BY_NAME.values()
    found = [(route.name, *one) for route in routes for sent in (route.body, route.query) for one in _times(sent)]
    assert len(found) > 20
    assert [name for name, is_zoned, of in found if not is_zoned or not hasattr(of, "__post_init__")] == []
