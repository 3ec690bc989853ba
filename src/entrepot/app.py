"""The web process: every room's routes in one Starlette application, and how it is served."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import shutil
import socket
import tempfile
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrepot import __version__, accounts, campaigns, orders, payments, platform, web, webhooks
from entrepot.accounts import api as accounts_api
from entrepot.accounts import api_guests as accounts_api_guests
from entrepot.approvals import api as approvals_api
from entrepot.bonded import api as bonded_api
from entrepot.campaigns import api as campaigns_api
from entrepot.catalog import api as catalog_api
from entrepot.channels import api as channels_api
from entrepot.chargebacks import api as chargebacks_api
from entrepot.credit import api as credit_api
from entrepot.customs import api as customs_api
from entrepot.customs import api_brokers as customs_api_brokers
from entrepot.customs import api_declarations as customs_api_declarations
from entrepot.disputes import api as disputes_api
from entrepot.exchange import api as exchange_api
from entrepot.fees import api as fees_api
from entrepot.fees import api_shops as fees_api_shops
from entrepot.fraud import api as fraud_api
from entrepot.invoices import api as invoices_api
from entrepot.kit import metrics, process
from entrepot.kit.auth import Keys
from entrepot.kit.clock import monotonic
from entrepot.kit.db import Database
from entrepot.kit.glance import Glance
from entrepot.kit.http import endpoint, problem_response
from entrepot.kit.limits import Limits
from entrepot.kit.log import LIBRARIES, log
from entrepot.kit.metrics import Counts
from entrepot.kit.openapi import describe
from entrepot.kit.problem import DatabaseAway, MethodNotAllowed, NotFound, Problem, ServerFault
from entrepot.ledger import api as ledger_api
from entrepot.logistics import api as logistics_api
from entrepot.metering import api as metering_api
from entrepot.notify import api as notify_api
from entrepot.orders import api as orders_api
from entrepot.orders import api_discounts
from entrepot.payments import api as payments_api
from entrepot.platform import api as platform_api
from entrepot.pricing import api as pricing_api
from entrepot.reconciliation import api as reconciliation_api
from entrepot.reviews import api as reviews_api
from entrepot.search import api as search_api
from entrepot.sellers import api as sellers_api
from entrepot.settings import Settings, load
from entrepot.statements import api as statements_api
from entrepot.trade import api as trade_api
from entrepot.webhooks import api as webhooks_api
from entrepot.world import rehearse

# Starlette tries one after another, so the rooms that are asked most come first.
ROUTES = [
    *orders_api.routes,
    *api_discounts.routes,
    *campaigns_api.routes,
    *search_api.routes,
    *accounts_api.routes,
    *accounts_api_guests.routes,
    *sellers_api.routes,
    *catalog_api.routes,
    *pricing_api.routes,
    *logistics_api.routes,
    *payments_api.routes,
    *ledger_api.routes,
    *credit_api.routes,
    *disputes_api.routes,
    *chargebacks_api.routes,
    *fraud_api.routes,
    *reviews_api.routes,
    *platform_api.routes,
    *approvals_api.routes,
    *customs_api.routes,
    *customs_api_declarations.routes,
    *customs_api_brokers.routes,
    *bonded_api.routes,
    *channels_api.routes,
    *reconciliation_api.routes,
    *statements_api.routes,
    *trade_api.routes,
    *exchange_api.routes,
    *notify_api.routes,
    *fees_api.routes,
    *fees_api_shops.routes,
    *metering_api.routes,
    *invoices_api.routes,
    *webhooks_api.routes,
]

SECURITY_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "  # noqa: ISC004 - one value
        b"frame-ancestors 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


REHEARSED_PER_S = 1_000_000
AWAY_S = 0.5
"""Between two looks of a starting process for a database that is away."""


class ServeError(Exception):
    """Says in one line why the server cannot start, and the remedy."""


Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass
class Node:
    """Where paths have come to: the next segment is one of `words`, or else any that is taken as a parameter.
    `served` has, by method, the endpoint of the path that ends here and the names of its parameters."""

    words: dict[str, Node] = field(default_factory=dict)
    parameter: Node | None = None
    served: dict[str, tuple[Endpoint, list[str]]] = field(default_factory=dict)

    def add(self, method: str, path: str, endpoint: Endpoint) -> None:
        node, names = self, []
        for segment in path.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.words.setdefault(segment, Node())
        node.served[method] = endpoint, names

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint that serves a path, and the path's parameters."""
        node, values = self, []
        for segment in path.split("/"):
            step = node.words.get(segment)
            if step is None and segment:
                step = node.parameter
                values.append(segment)
            if step is None:
                return None
            node = step
        found = node.served.get(method)
        return found and (found[0], dict(zip(found[1], values, strict=True)))


class App(Starlette):
    """Starlette, but for what serves the routes: they are found segment by segment in `tree`. Trying them one after
    another, inside three layers that catch exceptions, is a third of what this process does to place an order, half of
    what it does to say that nothing is left, and a fifth of what it does to show a page."""

    tree: Node

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.tree.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await super().__call__(scope, receive, send)
            return
        endpoint, scope["path_params"] = found
        scope["app"] = self
        request = Request(scope, receive, send)
        try:
            response = await endpoint(request)
        except Problem as problem:
            response = _told(request, problem)
        except Exception as error:
            response = await _fault(request, error)
        await response(scope, receive, send)


def build(
    db: Database,
    keys: Keys,
    gateways: Sequence[payments.Gateway] = (),
    limits: Limits | None = None,
    public_url: str = "",
    counts: Counts = metrics.SHOP,
    places: Limits | None = None,
) -> App:
    """The application over an open database: for tests, and for `create`. Without `limits` nobody is asked to wait, and
    without `places` a network address may have any number of places in a line."""
    routes, tree = _served(counts)
    app = App(
        routes=routes,
        exception_handlers={404: _not_found, 405: _method_not_allowed, Problem: _problem, Exception: _fault},
    )
    app.tree = tree
    app.state.db = db
    app.state.keys = keys
    app.state.gateways = {gateway.method: gateway for gateway in gateways}
    app.state.limits = limits
    app.state.public_url = public_url
    app.state.webhooks_private = app.state.fraud_private = False
    app.state.sessions = accounts.Sessions(db)
    app.state.webhooks_waiting = Glance(db, lambda tx, _: webhooks.waiting_s(tx))
    app.state.switches = platform.Switches(db)
    app.state.reach = orders.reach
    app.router.redirect_slashes = False
    app.state.desk = campaigns.Desk(db, keys, gateways=app.state.gateways, counts=counts, places=places)
    app.state.placing = orders.Placing(db, gateways=app.state.gateways, counts=counts)
    return app


@cache
def _served(counts: Counts) -> tuple[list[StarletteRoute], Node]:
    """All routes, and the tree of them: the same for each application of a process that counts alike."""
    document = msgspec.json.encode(describe(ROUTES, __version__))

    async def openapi(_: Request) -> Response:
        return Response(document, media_type="application/json")

    routes = [
        StarletteRoute("/v1/openapi.json", openapi),
        StarletteRoute("/healthz", _health),
        StarletteRoute("/metrics", _metrics),
        *(endpoint(route, counts) for route in ROUTES),
        *(_timed(page, counts) for page in web.routes),
    ]
    tree = Node()
    for route in routes:
        for method in (route.methods or set()) - {"HEAD"}:  # Starlette answers HEAD as it does GET, without the body
            tree.add(method, route.path, route.endpoint)
    return routes, tree


def create() -> ASGIApp:
    """The application of a server process, made from the environment (`serve` sets it)."""
    process.die_with_parent()
    settings = load()
    keys = Keys(settings.secret.encode())
    holder: dict[str, ASGIApp] = {}
    stage = rehearse.Stage(settings.database_url, keys, _rehearsed)

    @asynccontextmanager
    async def opened() -> AsyncIterator[App]:
        db = await Database.open(settings.database_url)
        try:
            gateways = await _gateways(db, keys, settings)
            limits = Limits(settings.rate_per_s) if settings.rate_per_s else None
            places = Limits(campaigns.PLACES_PER_S) if limits else None
            app = build(db, keys, gateways, limits, settings.public_url, places=places)
            app.state.webhooks_private = settings.webhooks_private
            app.state.fraud_private = settings.fraud_private
            # What has been loaded stays, and what a request leaves behind is little: the collector need not walk
            # through the requests on their way after every few of them.
            gc.collect()
            gc.freeze()
            gc.set_threshold(process.GARBAGE)
            yield app
        finally:
            await stage.close()
            await db.close()

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            with suppress(Exception):  # `_fault` has answered and logged it; the server would print all that it says
                app = stage if scope["path"].startswith(rehearse.PREFIX) else holder["app"]
                await app(scope, receive, send)
            return
        await receive()
        async with opened() as app:
            holder["app"] = SecurityHeaders(app)
            if settings.proxies:
                holder["app"] = wrap_asgi_with_proxy_headers(holder["app"], list(settings.proxies))
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return run


def _rehearsed(db: Database, keys: Keys, gateways: Sequence[payments.Gateway]) -> ASGIApp:
    """The application of a rehearsal: it calls nobody outside, and its load, which comes from one address, is counted
    as ever but not refused."""
    return SecurityHeaders(build(db, keys, gateways, Limits(REHEARSED_PER_S), counts=metrics.REHEARSAL))


async def _gateways(db: Database, keys: Keys, settings: Settings) -> list[payments.Gateway]:
    """A database that is away is waited for: if a process ended here, and its successor too, the whole server would."""
    while True:
        try:
            return await payments.find_gateways(db, keys, settings)
        except DatabaseAway:
            log("database_away")
            await asyncio.sleep(AWAY_S)


class SecurityHeaders:
    """Adds the headers that tell browsers what our pages may do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}  # a page may say itself what it may do
                message["headers"] += [header for header in SECURITY_HEADERS if header[0] not in own]
            await send(message)

        await self.app(scope, receive, with_headers)


def _timed(page: StarletteRoute, counts: Counts) -> StarletteRoute:
    """A page's route, whose answers are counted as the API's are."""
    methods = sorted((page.methods or set()) - {"HEAD"})
    seen = counts.requests_of(f"{'|'.join(methods)} {page.path}")

    async def serve(request: Request) -> Response:
        started, status = monotonic(), 500
        try:
            response: Response = await page.endpoint(request)
            status = response.status_code
        finally:
            seen(status, monotonic() - started)
        return response

    return StarletteRoute(page.path, serve, methods=methods, name=page.name)


async def _health(request: Request) -> Response:
    """200 when the database answers, else 503."""
    db: Database = request.app.state.db
    try:
        async with db.read() as tx:
            await tx.conn.fetchval("select 1")
    except DatabaseAway as away:
        return problem_response(away)
    return Response(b'{"status":"ok"}', media_type="application/json")


async def _metrics(request: Request) -> Response:
    text = metrics.expose()
    with suppress(DatabaseAway):
        waited = await request.app.state.webhooks_waiting.get()
        what = "How long the oldest message to a webhook has been due that would be taken"
        text += metrics.gauge("entrepot_webhooks_waiting_seconds", what, waited)
    return Response(text, media_type="text/plain; version=0.0.4")


def _told(request: Request, problem: Problem) -> Response:
    """A problem as whoever asked reads it: a person's browser gets a page."""
    is_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
    return web.problem_page(request, problem) if is_page else problem_response(problem)


async def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return _told(request, problem)


async def _not_found(request: Request, _: Exception) -> Response:
    return _told(request, NotFound())


async def _method_not_allowed(request: Request, _: Exception) -> Response:
    response = problem_response(MethodNotAllowed())
    here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in here if isinstance(route, StarletteRoute) for method in route.methods or ()}
    response.headers["allow"] = ", ".join(sorted(methods))
    return response


async def _fault(request: Request, error: Exception) -> Response:
    """Our mistake. The log gets where it happened, not the message, which may repeat what a person typed."""
    where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    log("fault", path=request.scope.get("path"), error=type(error).__name__, where=where[-6:])
    return _told(request, ServerFault())


def serve(settings: Settings) -> None:
    """Serves until interrupted: web processes by Granian, and one worker. Raises ServeError for a port in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ServeError(
                f"port {settings.port} cannot be used ({error.strerror}): choose another with --port"
            ) from None
    counters = Path(tempfile.mkdtemp(prefix="entrepot-metrics-"))
    os.environ |= {
        "PROMETHEUS_MULTIPROC_DIR": str(counters),
        "ENTREPOT_DATABASE_URL": settings.database_url,
        "ENTREPOT_HOME": str(settings.home),
        "ENTREPOT_SECRET": settings.secret,
        "ENTREPOT_HOST": settings.host,
        "ENTREPOT_PORT": str(settings.port),
    }
    # A forked process would keep metrics of its own: where they are kept is decided when their library is imported.
    multiprocessing.set_start_method("spawn", force=True)
    worker = process.kept("entrepot.worker")
    try:
        with worker:
            Granian(
                "entrepot.app:create",
                factory=True,
                address=settings.host,
                port=settings.port,
                interface=Interfaces.ASGI,
                loop=Loops.uvloop,
                workers=settings.workers,
                log_access=False,
                log_dictconfig=LIBRARIES,
                respawn_failed_workers=True,
                websockets=False,
            ).serve()
    finally:
        shutil.rmtree(counters, ignore_errors=True)
