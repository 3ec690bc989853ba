"""schemathesis over the project's own description and the real server: no fault, nothing that is not declared."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from entrepot.app import ROUTES
from entrepot.kit.auth import Keys, Role
from entrepot.kit.http import Route
from entrepot.kit.ids import NIL, show
from tests.api.server import SECRET, Server, serving
from tests.shop import MARKET, open_shop

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 6
"""Of each operation; half of them are such as the description forbids."""

_known: dict[str, Any] = {}
_sessions: dict[Role, str] = {}


async def fill(url: str) -> None:
    """A shop in which there is something of every kind; its ids are remembered for the requests."""
    async with open_shop(url) as shop:
        seller = await shop.seller()
        offer = await shop.offer(seller, 1_000, 1_000)
        buyer = await shop.buyer()
        (order,) = await buyer.buy([(offer, 1)])
        await shop.run()
        quote = await buyer.quote([(offer, 1)])
        cart = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
        groups = (await buyer.send("GET", "/v1/groups")).json()["items"]
        product = (await shop.http.get("/v1/products", params={"market": MARKET})).json()["items"][0]
    keys, now = Keys(SECRET.encode()), datetime.now(UTC)
    _sessions[Role.BUYER] = keys.session(Role.BUYER, buyer.id, now)
    _sessions[Role.SELLER] = keys.session(Role.SELLER, NIL, now, seller_id=seller)
    _sessions[Role.OPERATOR] = keys.session(Role.OPERATOR, NIL, now)
    _known.update(
        order_id=show("ord", order), cart_id=cart, quote_id=quote["id"], offer_id=offer, market=MARKET, currency="USD",
        address_id=show("adr", buyer.address), seller_id=show("sel", seller), user_id=show("usr", buyer.id),
        group_id=groups[0]["id"], slug=product["slug"], location_id=1, category_id=1, variant_id=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(db_url: str) -> Iterator[Server]:
    asyncio.run(fill(db_url))
    with tempfile.TemporaryDirectory(prefix="entrepot-server-") as name, serving(db_url, Path(name)) as running:
        yield running
        assert '"event":"fault"' not in running.said()


@pytest.fixture(scope="module")
def described(server: Server) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/v1/openapi.json")


@pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])
def test_the_server_keeps_to_its_description(described: Any, route: Route) -> None:
    """Every other request names things that are there, or hardly any would get past 404."""
    role = min(route.access, default=None)
    headers = {"authorization": f"Bearer {_sessions[role]}"} if role else {}
    operation = described[route.path][route.method]
    answered: set[str] = set()
    valid, invalid = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=valid | invalid, named=strategies.booleans())
    def ask(case: schemathesis.Case[Any], named: bool) -> None:
        if named:
            for part in (case.path_parameters, case.query, case.body):
                if isinstance(part, dict):
                    part.update({name: _known[name] for name in part.keys() & _known.keys()})
        answered.add(str(case.call_and_validate(headers=headers, checks=CHECKS, timeout=10).status_code))

    ask()
    assert answered
    assert answered <= operation.definition.raw["responses"].keys()
