"""HTTP: typed handler in, Struct out. Access, transaction, idempotency and description in one small wrapper.

    async def read_order(tx: ReadTx, caller: Caller, order_id: OrderRef) -> OrderView: ...

    routes = [get("/v1/orders/{order_id}", read_order, access=BUYER, raises=(NotFound,))]

A handler says by its parameters what it needs: `tx` (Tx: one transaction, committed after it returns; ReadTx: reads),
`caller`, `body` (a Struct), `query` (a Struct), `request`, `key` (the Idempotency-Key, when it spends that itself), and
its path parameters (Annotated[UUID, "ord"] or int or str).
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from entrepot.kit import audit, idempotency, ids
from entrepot.kit.auth import Caller, Keys, Role, require_account
from entrepot.kit.clock import monotonic
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.limits import Limits, network
from entrepot.kit.log import log
from entrepot.kit.metrics import SHOP, Counts
from entrepot.kit.problem import (
    AccountNeeded,
    DatabaseAway,
    KeyConflict,
    KeyNeeded,
    Malformed,
    NotAllowed,
    NotFound,
    Problem,
    SignInNeeded,
    SwitchedOff,
    TooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)

PUBLIC: frozenset[Role] = frozenset()
BUYER = frozenset({Role.BUYER})
SELLER = frozenset({Role.SELLER})
OPERATOR = frozenset({Role.OPERATOR})
ANYONE = frozenset(Role)

MAX_BODY_BYTES = 65_536
MAX_BIGINT = 2**63 - 1
SLOW_S = 1.0
"""Requests that take so long are logged, whatever their answer."""
COUNTED = (409, 429)
"""What is refused like this is counted and not logged: in a rush a million are told that nothing is left."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the API. `key`: "no", "taken" (an Idempotency-Key is honored) or "needed". `switch` is what an
    operator may switch off for a while, and this with it; `account` what a guest is told that takes an account."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    access: frozenset[Role]
    raises: tuple[type[Problem], ...]
    status: int
    key: str
    durable: bool
    body: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    answer: Any
    params: dict[str, Any]
    wants: frozenset[str]
    tx: type[ReadTx] | None
    switch: str | None
    body_max_bytes: int
    account: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def problems(self) -> list[type[Problem]]:
        """Everything that this route can answer instead of its answer."""
        found: list[type[Problem]] = [Malformed, TooManyRequests, DatabaseAway, *self.raises]
        if self.access:
            found += [SignInNeeded, NotAllowed]
        if self.account:
            found.append(AccountNeeded)
        if self.switch:
            found.append(SwitchedOff)
        if self.body:
            found += [TooLarge, UnsupportedMediaType]
        if self.key != "no":
            found += [KeyConflict, KeyNeeded]
        if self.params:
            found.append(NotFound)
        return sorted(set(found), key=lambda problem: (problem.status, problem.code()))


def route(
    method: str,
    path: str,
    handler: Callable[..., Awaitable[Any]],
    *,
    access: frozenset[Role],
    raises: tuple[type[Problem], ...] = (),
    status: int = 200,
    key: str = "no",
    durable: bool = True,
    switch: str | None = None,
    body_max_bytes: int = MAX_BODY_BYTES,
    account: str = "",
) -> Route:
    """Reads the handler's signature once. Raises TypeError for a parameter that it does not know."""
    hints = get_type_hints(handler, include_extras=True)
    answer = hints.pop("return")
    params = {name: hint for name, hint in hints.items() if f"{{{name}}}" in path}
    wants = frozenset(inspect.signature(handler).parameters) - params.keys()
    unknown = wants - {"tx", "caller", "body", "query", "request", "key"}
    if unknown:
        raise TypeError(f"{handler.__qualname__}: unknown parameters {sorted(unknown)}")
    return Route(
        method, path, handler, access, raises, status, key, durable, hints.get("body"), hints.get("query"), answer,
        params, wants, hints.get("tx"), switch, body_max_bytes, account,
    )  # fmt: skip


get = partial(route, "GET")
post = partial(route, "POST")
put = partial(route, "PUT")
delete = partial(route, "DELETE")


class Json(Response):
    """An answer of the API; its headers are few and always the same."""

    def __init__(self, body: bytes, status: int, kind: bytes = b"application/json") -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", kind)]


def problem_response(problem: Problem) -> Response:
    response = Json(_encode(problem.document()), problem.status, b"application/problem+json")
    if hasattr(problem, "retry_after_s"):
        response.raw_headers.append((b"retry-after", b"%d" % problem.retry_after_s))
    if problem.status == 401:
        response.raw_headers.append((b"www-authenticate", b"Bearer"))
    return response


def sign_in(request: Request) -> Caller | None:
    """The caller of a request, by bearer token or, from our own pages, by cookie."""
    keys: Keys = request.app.state.keys
    now = request.app.state.db.clock.now()
    header = request.headers.get("authorization", "")
    if header.startswith("Bearer "):
        return keys.caller(header[7:], now)
    token = request.cookies.get("session")
    if token is None:
        return None
    if request.method not in ("GET", "HEAD") and not same_origin(request):
        return None
    return keys.caller(token, now)


async def who(request: Request) -> Caller | None:
    """The same, but for sessions that were ended. Raises DatabaseAway when that cannot be known."""
    caller = sign_in(request)
    if caller is not None and await request.app.state.sessions.are_ended(caller):
        return None
    return caller


def same_origin(request: Request) -> bool:
    """Whether a browser says that the request comes from our own pages."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.split("://", 1)[-1] == request.headers.get("host")


def endpoint(route: Route, counts: Counts = SHOP) -> StarletteRoute:
    """The Starlette route that serves a Route."""
    seen = counts.requests_of(route.name)
    logged = f"{counts.name} {route.name}".lstrip()

    async def serve(request: Request) -> Response:
        started = monotonic()
        told: list[tuple[bytes, bytes]] = []
        try:
            caller = await who(request)
            take_turn(request, caller, told)
            response = await _answer(route, request, caller)
        except Problem as problem:
            response = problem_response(problem)
        except Exception:
            seen(500, monotonic() - started)
            raise
        response.raw_headers += told
        took = monotonic() - started
        seen(response.status_code, took)
        # What went well is counted and, if it changed something, an event.
        if (response.status_code >= 400 and response.status_code not in COUNTED) or took >= SLOW_S:
            log("request", route=logged, status=response.status_code, ms=round(took * 1000, 1))
        return response

    return StarletteRoute(route.path, serve, methods=[route.method], name=route.name)


def take_turn(request: Request, caller: Caller | None, told: list[tuple[bytes, bytes]] | None = None) -> None:
    """Takes a request out of the caller's bucket; `told` gets the headers that say what is left. A guest has that of
    its network, as strangers do: anybody is as many guests as they like. Raises TooManyRequests when there was none."""
    limits: Limits | None = getattr(request.app.state, "limits", None)
    if limits is None:
        return
    whose = network(host_of(request)) if caller is None or caller.guest else caller.user_id
    allowance = limits.take(whose)
    if told is not None:
        told += [(b"ratelimit-policy", limits.policy), (b"ratelimit", allowance.header().encode())]
    if allowance.retry_after_s:
        raise TooManyRequests(allowance.retry_after_s)


def host_of(request: Request) -> str:
    """The network address of whoever asks."""
    return request.client.host if request.client else ""


async def _admit(route: Route, request: Request, caller: Caller | None) -> None:
    if route.access:
        if caller is None:
            raise SignInNeeded
        if caller.role not in route.access:
            raise NotAllowed
        if route.account:
            require_account(caller, route.account)
    if route.switch is not None:
        await request.app.state.switches.require(route.switch)


async def _answer(route: Route, request: Request, caller: Caller | None) -> Response:
    if caller is not None and caller.only is not None and not await request.app.state.reach(request, caller):
        raise NotFound  # it is beyond the one purchase that this session is for
    if route.access or route.switch:
        await _admit(route, request, caller)
    args: dict[str, Any] = {name: _path_value(request, name, hint) for name, hint in route.params.items()}
    raw = b""
    if route.body is not None:
        raw = await read_body(request, route.body_max_bytes)
        args["body"] = _decode_body(request, raw, route.body)
    if route.query is not None:
        args["query"] = _decode_query(request, route.query)
    if "caller" in route.wants:
        args["caller"] = caller
    if "request" in route.wants:
        args["request"] = request
    if "key" in route.wants:
        args["key"] = idempotency_key(request, route)
    if route.method == "GET" or caller is None or caller.role is Role.BUYER:
        return await _handled(route, request, caller, args, raw)
    with audit.acting(caller, route.name, request.url.path, args.get("body"), host_of(request)):
        return await _handled(route, request, caller, args, raw)


async def _handled(route: Route, request: Request, caller: Caller | None, args: dict[str, Any], raw: bytes) -> Response:
    db: Database = request.app.state.db
    if route.tx is ReadTx:
        async with db.read() as tx:
            return _respond(request, route, await route.handler(tx=tx, **args))
    if route.tx is not Tx:
        return _respond(request, route, await route.handler(**args))
    key = idempotency_key(request, route)
    if key is None or caller is None:
        answer = await db.transact(lambda tx: route.handler(tx=tx, **args), durable=route.durable)
        return _respond(request, route, answer)
    spent = idempotency.Spent(caller.cell, caller.user_id, request.method + request.url.path, key, raw)
    done = await idempotency.once(
        db, spent, lambda tx: route.handler(tx=tx, **args), route.status, durable=route.durable
    )
    return Json(done.answer, done.status) if done.answer else Response(status_code=done.status)


def idempotency_key(request: Request, route: Route) -> str | None:
    """The request's Idempotency-Key. Raises KeyNeeded when the route needs one, or for one that is no key."""
    key = request.headers.get("idempotency-key")
    if route.key == "no" or (key is None and route.key == "taken"):
        return None
    if key is None or not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise KeyNeeded
    return key


def _respond(request: Request, route: Route, answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    if answer is None:
        return Response(status_code=204)
    body = _encode(answer)
    if route.method != "GET":
        return Json(body, route.status)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"etag": tag})
    return Response(body, route.status, {"etag": tag, "cache-control": "private, no-cache"}, "application/json")


def _names(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match header names this tag: compared weakly, as RFC 9110 has it."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in if_none_match.split(","))


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body. Raises TooLarge as soon as it passes `limit` bytes."""
    body, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Malformed("the body ended early")
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLarge(limit)
        more = message.get("more_body", False)
    return bytes(body)


def _decode_body(request: Request, raw: bytes, type_: type[msgspec.Struct]) -> msgspec.Struct:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType
    if b"\\u0000" in raw:
        raise Malformed("text must not contain the character NUL")
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None


def _decode_query(request: Request, type_: type[msgspec.Struct]) -> msgspec.Struct:
    given = dict(request.query_params)
    if len(given) != len(request.query_params.multi_items()):
        raise Malformed("a query parameter is given twice")
    if any("\0" in value for value in given.values()):
        raise Malformed("text must not contain the character NUL")
    try:
        return msgspec.convert(given, type=type_, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def _path_value(request: Request, name: str, hint: Any) -> Any:
    """A path parameter; what cannot be an id of ours is a thing that is not there."""
    text: str = request.path_params[name]
    if get_origin(hint) is Annotated and get_args(hint)[0] is UUID:
        try:
            return ids.parse(get_args(hint)[1], text)
        except ValueError:
            raise NotFound from None
    if hint is int:
        if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > MAX_BIGINT:
            raise NotFound
        return int(text)
    if "\0" in text:
        raise NotFound
    return text
