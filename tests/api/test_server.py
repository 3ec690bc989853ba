"""The real server: what HTTP itself can throw at it, what it tells of itself, and a database that goes away."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.machine import free_port
from entrepot.kit import postgres
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import RealClock, VirtualClock
from entrepot.kit.ids import NIL
from entrepot.kit.migrate import migrate
from tests.api.server import ENTREPOT, SECRET, Server, environment, serving
from tests.shop import open_shop


@pytest.fixture(scope="module")
def server(db_url: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="entrepot-server-") as name, serving(db_url, Path(name)) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def session(role: Role) -> dict[str, str]:
    token = Keys(SECRET.encode()).session(role, NIL, datetime.now(UTC))
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("GET", "/v1/nothing", 404, "not_found", None),
        ("GET", "/v1/markets/", 404, "not_found", None),
        ("GET", "/v1/orders/%2e%2e/markets", 404, "not_found", None),
        ("GET", "/v1/products/%ff%fe", 404, "not_found", None),
        ("DELETE", "/v1/nothing", 404, "not_found", None),
        ("PATCH", "/v1/markets", 405, "method_not_allowed", "GET, HEAD"),
        ("OPTIONS", "/v1/markets", 405, "method_not_allowed", "GET, HEAD"),
        ("PUT", "/v1/carts", 405, "method_not_allowed", "POST"),
        ("POST", "/v1/accounts/me", 405, "method_not_allowed", "DELETE, GET, HEAD"),
        ("DELETE", "/healthz", 405, "method_not_allowed", "GET, HEAD"),
    ],
)
def test_addresses_and_methods_that_are_not_there(
    http: httpx.Client, method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    answer = http.request(method, path, params={"market": "us"} if "products" in path else None)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"/problems/{code}"
    assert answer.headers.get("allow") == allow
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_is_get_without_the_body(http: httpx.Client) -> None:
    got, head = http.get("/v1/markets"), http.head("/v1/markets")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]
    assert http.get("/v1/markets").content == got.content, "the connection is still in step"


def talk(server: Server, sent: bytes, *, hang_up: bool = False) -> bytes:
    """What the server answers to these bytes until it closes; `hang_up`: we say that nothing more will come."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        heard = b""
        try:
            connection.sendall(sent)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                heard += part
        except OSError:  # it may close before it has heard us out
            pass
        return heard


GET = b"GET /v1/markets HTTP/1.1\r\nhost: shop\r\n\r\n"
LAST = GET[:-2] + b"connection: close\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GARBAGE\r\n\r\n", b"GET /v1/markets\r\n\r\n", b"\0" * 5_000,
        b"GET /v1/markets HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 900_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /v1/accounts HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: -5\r\n\r\n{}",
        b"POST /v1/accounts HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
        b"POST /v1/accounts HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/accounts HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request(server: Server, http: httpx.Client, sent: bytes) -> None:
    heard = talk(server, sent, hang_up=True)
    assert b" 200 " not in heard.partition(b"\r\n")[0]
    assert b" 50" not in heard.partition(b"\r\n")[0]
    assert http.get("/v1/markets").status_code == 200
    assert '"event":"fault"' not in server.said()


def test_requests_in_one_go_are_answered_in_order(server: Server) -> None:
    bad = b"GET /v1/nothing HTTP/1.1\r\nhost: shop\r\n\r\n"
    heard = talk(server, GET + bad + LAST)
    assert re.findall(rb"HTTP/1.1 (\d+)", heard) == [b"200", b"404", b"200"]


def test_what_follows_a_body_is_no_part_of_it(server: Server) -> None:
    body = b'{"email":"nobody@example.org","password":"wrong wrong"}'
    head = b"POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    heard = talk(server, head % len(body) + body + LAST)
    assert re.findall(rb"HTTP/1.1 (\d+)", heard) == [b"401", b"200"]


def test_it_tells_how_it_is(server: Server, http: httpx.Client) -> None:
    for number in range(3):
        http.get("/v1/categories")
        http.get(f"/p/nothing-{number}")
    health, metrics = http.get("/healthz"), http.get("/metrics")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    families = {family.name: family for family in text_string_to_metric_families(metrics.text)}
    assert families["entrepot_request_seconds"].type == "histogram"
    counted = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["entrepot_request_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert counted["GET /v1/categories", "200"] == 3
    assert counted["GET /p/{slug}", "404"] == 3  # a page is counted too, by its pattern
    assert not [route for route, _ in counted if "nothing" in route]
    assert "entrepot_batch_commands" in families


def test_every_line_it_logs_is_json(server: Server, http: httpx.Client) -> None:
    http.get("/v1/nothing")
    http.post("/v1/sessions", json={"email": "who@example.org", "password": "wrong"})
    lines = server.said().splitlines()
    assert lines
    events = [json.loads(line) for line in lines]
    assert all({"at", "event"} <= event.keys() for event in events)
    assert "POST /v1/sessions" in {event.get("route") for event in events}
    assert "who@example.org" not in server.said()


def test_limits_see_through_a_proxy_that_is_known_and_no_other(db_url: str, folder: Path) -> None:
    left = re.compile(r'"caller";r=(\d+);')

    def ask(http: httpx.Client, address: str) -> int:
        answer = http.get("/v1/markets", headers={"x-forwarded-for": address})
        return int(left.match(answer.headers["ratelimit"])[1])  # type: ignore[index]

    for proxies, known in (("127.0.0.0/8", True), ("192.0.2.1", False)):
        with (
            serving(db_url, folder, ENTREPOT_RATE_PER_S="1", ENTREPOT_PROXIES=proxies) as server,
            httpx.Client(base_url=server.url, trust_env=False) as http,
        ):
            for _ in range(4):
                ask(http, "203.0.113.1")
            assert (ask(http, "203.0.113.2") == 4) is known, proxies


def command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ENTREPOT, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_port_in_use_is_one_line(server: Server, db_url: str, folder: Path) -> None:
    done = command("up", "--port", str(server.port), **environment(db_url, folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"entrepot: port {server.port} cannot be used (Address already in use): choose another with --port\n"
    )


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_is_none_is_one_line(db_url: str, folder: Path, port: str) -> None:
    done = command("up", "--port", port, **environment(db_url, folder))
    expected = f"entrepot: --port must be a whole number from 1 to 65535, not {port}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


@pytest.mark.parametrize("name", ["up", "migrate", "audit", "backup"])
def test_a_database_that_is_down_is_one_line(folder: Path, name: str) -> None:
    arguments = [str(folder / "file")] if name == "backup" else []
    sockets = f"postgresql://nobody@/none?host={folder}"
    url = sockets if name == "audit" else f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    done = command(name, *arguments, **environment(url, folder))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith("entrepot: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []


def await_gone(http: httpx.Client) -> None:
    """PostgreSQL's processes outlive their killed parent for a moment, and answer."""
    until = time.monotonic() + 10
    while http.get("/v1/markets").status_code == 200:
        assert time.monotonic() < until


def test_a_database_that_goes_away_and_comes_back(folder: Path) -> None:
    home = folder / "home"
    database = postgres.start(home)
    asyncio.run(migrate(database.url))
    with serving(database.url, folder) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get("/v1/markets").status_code == 200
        new = {"email": "ada@example.org", "name": "Ada", "password": "correct horse battery"}
        for how in ("stopped", "killed"):
            if how == "stopped":
                database.stop()
            else:
                os.kill(database.pid, signal.SIGKILL)
                await_gone(http)
            for method, path, body in (
                ("GET", "/v1/markets", None),
                ("POST", "/v1/accounts", new),
                ("GET", "/healthz", None),
            ):
                away = http.request(method, path, json=body)
                assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json"), away.text
                assert away.json()["type"] == "/problems/database_away"
                assert away.headers["retry-after"] == "2"
            assert http.get("/metrics").status_code == 200
            database.stop()
            database = postgres.start(home)
            assert http.get("/v1/markets").status_code == 200
            assert http.get("/healthz").status_code == 200
        assert http.post("/v1/accounts", json=new).status_code == 201
        assert http.post("/v1/accounts", json=new).status_code == 409
        assert '"event":"fault"' not in server.said()
    database.stop()


def test_orders_while_the_database_goes_away(folder: Path) -> None:
    """Each placing is done whole or not at all, and its key says which."""
    home = folder / "home"
    database = postgres.start(home)
    asyncio.run(migrate(database.url))
    paid, stock = asyncio.run(_place_through_a_restart(database, home, folder))
    assert paid == 40 * (100 + 600)
    assert stock == (1_000, 0, 40)


async def _place_through_a_restart(
    database: postgres.Server, home: Path, folder: Path
) -> tuple[int, tuple[int, int, int]]:
    """40 orders of one unit, each asked for twice; what was paid for them, and the stock."""
    async with open_shop(database.url, clock=VirtualClock(RealClock().now())) as shop:
        offer = await shop.offer(await shop.seller(), 100, 1_000)
        buyer = await shop.buyer(1_000_000)
        quotes = [await buyer.quote([(offer, 1)]) for _ in range(40)]
    headers = {"authorization": f"Bearer {Keys(SECRET.encode()).session(Role.BUYER, buyer.id, RealClock().now())}"}
    with serving(database.url, folder) as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, headers=headers, timeout=30) as http:

            async def place(quote: dict[str, str]) -> httpx.Response:
                body = {"quote_id": quote["id"], "method": "wallet"}
                return await http.post("/v1/orders", json=body, headers={"idempotency-key": quote["id"]})

            placing = [asyncio.create_task(place(quote)) for quote in quotes[:20]]
            await asyncio.sleep(0.02)
            database.stop()
            placing += [asyncio.create_task(place(quote)) for quote in quotes[20:]]
            first = await asyncio.gather(*placing)
            assert {answer.status_code for answer in first} <= {201, 503}
            assert {answer.status_code for answer in first[20:]} == {503}
            database = postgres.start(home)
            again = await asyncio.gather(*(place(quote) for quote in quotes))
            assert {answer.status_code for answer in again} == {201}
            for before, after in zip(first, again, strict=True):
                assert before.status_code == 503 or before.content == after.content
    async with open_shop(database.url, clock=VirtualClock(RealClock().now())) as shop:
        await shop.run()
        paid, stock = 1_000_000 - await shop.balance("wallet", buyer.id), await shop.stock(offer)
        await shop.audited()
    database.stop()
    return paid, stock
