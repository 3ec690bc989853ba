"""How the API's routes are found: as Starlette would, but without trying them one after another."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from entrepot.app import Node


async def _read(_: Request) -> Response:
    return Response()


async def _write(_: Request) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/v1/orders", (_read, {})),
        ("GET", "/v1/orders/ord_1", (_read, {"order_id": "ord_1"})),
        ("GET", "/v1/orders/{order_id}", (_read, {"order_id": "{order_id}"})),
        ("POST", "/v1/orders/ord_1/lines/2", (_write, {"id": "ord_1", "line": "2"})),
        ("GET", "/v1/orders/late", (_write, {})),
        ("POST", "/v1/orders/ord_1", None),
        ("GET", "/v1/orders/", None),
        ("GET", "/v1/orders//lines/2", None),
        ("GET", "/v1/orders/ord_1/", None),
        ("GET", "/v1", None),
        ("GET", "", None),
    ],
)
def test_a_word_of_its_own_or_else_a_parameter(method: str, path: str, found: object) -> None:
    tree = Node()
    tree.add("GET", "/v1/orders", _read)
    tree.add("GET", "/v1/orders/{order_id}", _read)
    tree.add("POST", "/v1/orders/{id}/lines/{line}", _write)
    tree.add("GET", "/v1/orders/late", _write)
    assert tree.find(method, path) == found
