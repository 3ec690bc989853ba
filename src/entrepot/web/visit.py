"""One request for a page or from a form: who asks, in which language, and how the answer gets back.

A page is a GET that reads; a form is a POST that acts in one transaction and then sends the browser on (303), so that
a reload repeats nothing; but what is shown only once is its answer. A refused form changes nothing and leads back to
its page, which says why.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from entrepot import accounts, ledger, orders, platform, sellers
from entrepot.catalog import Price
from entrepot.kit import audit, ids
from entrepot.kit.auth import SESSION_TTL, Caller, Keys, Role, require_account
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.http import MAX_BODY_BYTES, PUBLIC, host_of, read_body, same_origin, sign_in, take_turn
from entrepot.kit.log import log
from entrepot.kit.money import MAX_MINOR, minor_of
from entrepot.kit.problem import Malformed, NotFound, Problem, SignInNeeded, SwitchedOff
from entrepot.web.render import LANGUAGES, Language, accepted, choose_language
from entrepot.web.sent import sent
from entrepot.web.words_done import DONE
from entrepot.web.words_refused import refusal

YEAR_S = 365 * 86_400
NOTICE_S = 60
MAX_BIGINT = 2**63 - 1
_FIELD = re.compile(r"`\$\.(\w+)`")
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")

Form = TypeVar("Form", bound=msgspec.Struct)


@dataclass(eq=False)
class FormExpired(Problem):
    """The form was open for too long, or came from another site."""

    status = 403


class Notice(msgspec.Struct, frozen=True):
    """What the next page says first; `kind` is done or refused."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Go:
    """Where a form that did its work sends the browser. `done` is a key of words_done.DONE; `session` signs in, and out
    when it is empty; `cookies` last as long as a session."""

    to: str
    done: str | None = None
    session: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)


class Again(Exception):  # noqa: N818 - it is no error
    """The form's page is shown again with what was typed: nothing was sent for good, or refused."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page shows of market and visitor."""

    market: sellers.Market
    markets: list[sellers.Market]
    wallet: Price | None
    cart_size: int


@dataclass(slots=True)
class Visit:
    """`typed` is what a refused form had in it, `problem` why it was refused."""

    request: Request
    language: Language
    session: str
    caller: Caller | None
    notice: Notice | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    refused: str = ""
    _markets: list[sellers.Market] | None = None

    @property
    def me(self) -> Caller:
        assert self.caller is not None, "pages for members are reached by members only"
        return self.caller

    def with_account(self, what: str) -> Caller:
        """The visitor, where a guest is told that it takes an account. Raises AccountNeeded."""
        require_account(self.me, what)
        return self.me

    @property
    def seller_id(self) -> UUID:
        return self.me.seller

    @property
    def db(self) -> Database:
        db: Database = self.request.app.state.db
        return db

    @property
    def keys(self) -> Keys:
        keys: Keys = self.request.app.state.keys
        return keys

    @property
    def switches(self) -> platform.Switches:
        switches: platform.Switches = self.request.app.state.switches
        return switches

    @property
    def path(self) -> str:
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def param(self, name: str) -> str:
        """A part of the path. Raises NotFound for what no name of ours has in it."""
        value: str = self.request.path_params[name]
        if "\0" in value:
            raise NotFound
        return value

    def id(self, prefix: str, name: str) -> UUID:
        """An id in the path. Raises NotFound."""
        return _parsed(prefix, self.param(name))

    def number(self, name: str) -> int:
        """The id of a row in the path. Raises NotFound."""
        number = _number(self.param(name))
        if not number:
            raise NotFound
        return number

    def query(self, name: str, limit: int = 200) -> str:
        return self.request.query_params.get(name, "").replace("\0", "")[:limit]

    def query_number(self, name: str) -> int:
        """A position in a list; 0 when it is none."""
        return _number(self.query(name))

    def query_id(self, prefix: str, name: str) -> UUID | None:
        """Raises NotFound for something that is no id."""
        text = self.query(name)
        return _parsed(prefix, text) if text else None

    def address(self, **query: object) -> str:
        """This page's address with some of its query changed; None takes one out."""
        kept = {**self.request.query_params, **query}
        rest = urlencode({name: value for name, value in kept.items() if value is not None})
        return self.request.url.path + (f"?{rest}" if rest else "")

    async def market(self, tx: ReadTx) -> sellers.Market:
        """The country site: the one chosen, else the first. Raises NotFound when there is none yet."""
        markets = await self._all(tx)
        chosen = self.request.query_params.get("market") or self.request.cookies.get("market")
        found = next((market for market in markets if market.code == chosen), next(iter(markets), None))
        if found is None:
            raise NotFound
        return found

    async def _all(self, tx: ReadTx) -> list[sellers.Market]:
        """The markets, which most pages need twice, read once."""
        if self._markets is None:
            self._markets = await sellers.markets(tx)
        return self._markets

    async def show(self, tx: ReadTx, template: str, *, status: int = 200, **context: Any) -> Response:
        """The page of a template."""
        market, markets = await self.market(tx), await self._all(tx)
        wallet, size = None, 0
        if self.caller is not None and self.caller.role is Role.BUYER and self.caller.only is None:
            balance = await ledger.balance(tx, self.caller.cell, "wallet", market.currency, self.caller.user_id)
            wallet = Price(balance, market.currency)
            size = await orders.cart_size(tx, self.caller.cell, self.caller.user_id, market.code)
        return self.html(template, status, frame=Frame(market, markets, wallet, size), **context)

    def html(self, template: str, status: int = 200, *, frame: Frame | None, **context: Any) -> Response:
        if self.problem is not None:
            status = self.problem.status
        facts = {
            "visit": self,
            "frame": frame,
            "token": self.keys.form_token(self.session) if self.session else "",
            "languages": LANGUAGES.values(),
            "now": self.db.clock.now(),
            "price": lambda minor: Price(minor, frame.market.currency if frame else "XXX"),
        }
        page = self.language.html(template, facts | context)
        response = HTMLResponse(page, status, {"cache-control": "private, no-cache"})
        if self.notice is not None:
            response.delete_cookie("notice", path="/", httponly=True, samesite="lax")
        for name in ("lang", "market"):
            if given := self.request.query_params.get(name):
                self.set_cookie(response, name, given[:20].encode("ascii", "ignore").decode(), YEAR_S)
        return response

    def set_cookie(self, response: Response, name: str, value: str, max_age_s: int) -> None:
        secure = self.request.app.state.public_url.startswith("https://")
        response.set_cookie(name, value, max_age_s, path="/", secure=secure, httponly=True, samesite="lax")

    def tell(self, problem: Problem, currency: str) -> str:
        """A problem in the visitor's words."""
        return refusal(
            problem, _field(problem), self.language.text, lambda minor: self.language.money(Price(minor, currency)),
            self.language.time, self.language.rule,
        )  # fmt: skip

    def go(self, to: str, kind: str, text: str) -> Response:
        """Sends the browser to a page of ours, which begins by saying `text`."""
        response = RedirectResponse(to, 303)
        if text:
            sealed = self.keys.encrypt(msgspec.json.encode(Notice(kind, text))).decode()
            self.set_cookie(response, "notice", sealed, NOTICE_S)
        return response


PageHandler = Callable[[ReadTx, Visit], Awaitable[Response]]


def page(
    path: str, handler: PageHandler, access: frozenset[Role] = PUBLIC, *, switch: platform.Switch | None = None
) -> Route:
    """A page that is read. With `access`, strangers are asked to sign in, and for others it is not there. What has a
    `switch` may be switched off for a while."""

    async def read(visit: Visit) -> Response:
        if switch is not None:
            await visit.switches.require(switch)
        async with visit.db.read() as tx:
            return await handler(tx, visit)

    return page_of_its_own(path, read, access)


def page_of_its_own(
    path: str, handler: Callable[[Visit], Awaitable[Response]], access: frozenset[Role] = PUBLIC
) -> Route:
    """A page that reads the database only where it must."""

    async def serve(request: Request) -> Response:
        visit = _visit(request)
        try:
            await _admit(visit, access)
            return await handler(visit)
        except SignInNeeded:
            return RedirectResponse(f"/sign-in?{urlencode({'next': visit.path})}", 303)
        except Problem as problem:
            return problem_page(request, problem)

    return Route(path, serve, methods=["GET"], name=f"page {path}")


def form(
    path: str,
    handler: Callable[[Tx, Visit, Form], Awaitable[Go | Response]],
    body: type[Form],
    access: frozenset[Role],
    *,
    again: PageHandler | None = None,
    body_max_bytes: int = MAX_BODY_BYTES,
    strangers: bool = False,
) -> Route:
    """A form that acts in one transaction. When it is refused, `again` shows its page with what was typed; without
    `again` the browser goes back to the page that the form was on. `strangers` may send it as well."""

    async def act(visit: Visit, decoded: Form) -> Go | Response:
        return await visit.db.transact(lambda tx: handler(tx, visit, decoded))

    return form_of_its_own(
        path, act, body, access, again=again, body_max_bytes=body_max_bytes, strangers=strangers
    )  # fmt: skip


def form_of_its_own(
    path: str,
    handler: Callable[[Visit, Form], Awaitable[Go | Response]],
    body: type[Form],
    access: frozenset[Role],
    *,
    again: PageHandler | None = None,
    body_max_bytes: int = MAX_BODY_BYTES,
    strangers: bool = False,
) -> Route:
    """A form whose action opens its transactions itself: signing in, placing."""

    async def serve(request: Request) -> Response:
        visit = _visit(request)
        fields: dict[str, str] = {}
        try:
            if not same_origin(request):
                raise FormExpired
            fields = sent(request, await read_body(request, body_max_bytes))
            await _admit(visit, PUBLIC if strangers and visit.caller is None else access)
            token = fields.pop("form_token", "")
            if access and visit.caller is not None and not visit.keys.form_token_fits(visit.session, token):
                raise FormExpired
            back = fields.pop("back", "/")
            try:
                said = _decoded(fields, body)
                with audit.acting(visit.caller, f"POST {path}", request.url.path, said, host_of(request)):
                    go = await handler(visit, said)
            except Again:
                visit.typed = fields
                async with visit.db.read() as tx:
                    return await _again(again)(tx, visit)
            except Problem as problem:
                if isinstance(problem, NotFound) or problem.status >= 500:
                    raise
                return await _refuse(visit, problem, local(back), fields, again)
        except SignInNeeded:
            return RedirectResponse(f"/sign-in?{urlencode({'next': local(fields.get('back', '/'))})}", 303)
        except Problem as problem:
            return problem_page(request, problem)
        log("form", path=path, to="" if isinstance(go, Response) else go.done or "")
        return go if isinstance(go, Response) else _sent(visit, go)

    return Route(path, serve, methods=["POST"], name=f"form {path}")


def local(to: str) -> str:
    """An address on our own site: whatever else was asked for becomes the home page."""
    return to if _LOCAL.fullmatch(to) and not urlsplit(to).netloc else "/"


def amount_of(text: str, currency: str, name: str = "amount", *, least: int = 0, most: int = MAX_MINOR) -> int:
    """Minor units of what was typed into the field `name`. Raises Malformed for what is no amount of the currency, or
    not from `least` to `most`."""
    try:
        minor = minor_of(text, currency)
    except ValueError:
        minor = -1
    if not least <= minor <= most:
        raise Malformed(f"no amount - at `$.{name}`")
    return minor


def day_of(text: str, name: str) -> date:
    """The day that was typed into the field `name`. Raises Malformed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Malformed(f"no date - at `$.{name}`") from None


def problem_page(request: Request, problem: Problem) -> Response:
    """A problem as a page of its own. It reads nothing, so that it can be shown when the database is away."""
    visit = _visit(request)
    headers = {"retry-after": str(problem.retry_after_s)} if hasattr(problem, "retry_after_s") else {}
    text = visit.tell(problem, "")
    response = visit.html(
        "problem.html", problem.status, frame=None, code=problem.status, text=text,
        resting=isinstance(problem, SwitchedOff),
    )  # fmt: skip
    response.headers.update(headers)
    return response


def _visit(request: Request) -> Visit:
    wanted = [request.query_params.get("lang", ""), request.cookies.get("lang", "")]
    language = choose_language([*wanted, *accepted(request.headers.get("accept-language", ""))])
    caller = sign_in(request)
    if caller is not None and caller.only is not None:
        caller = None  # it belongs into the other cookie
    session = request.cookies.get("session", "") if caller else ""
    return Visit(request, language, session, caller, _notice(request))


def _notice(request: Request) -> Notice | None:
    sealed = request.cookies.get("notice")
    if not sealed:
        return None
    try:
        return msgspec.json.decode(request.app.state.keys.decrypt(sealed.encode()), type=Notice)
    except (ValueError, msgspec.DecodeError):
        return None


async def _admit(visit: Visit, access: frozenset[Role]) -> None:
    sessions: accounts.Sessions = visit.request.app.state.sessions
    letter = visit.keys.caller(visit.request.cookies.get("purchase", ""), visit.db.clock.now()) if access else None
    is_good = letter is not None and letter.only is not None and not await sessions.are_ended(letter)
    if letter is not None and is_good and await orders.reach(visit.request, letter):
        visit.caller, visit.session = letter, visit.request.cookies["purchase"]  # who came by a guest's letter
    if visit.caller is not None and await sessions.are_ended(visit.caller):
        visit.caller, visit.session = None, ""
    take_turn(visit.request, visit.caller)
    if not access:
        return
    if visit.caller is None or not visit.session:
        raise SignInNeeded
    if visit.caller.role not in access:
        raise NotFound


def _decoded(fields: dict[str, str], body: type[Form]) -> Form:
    try:
        return msgspec.convert(fields, type=body, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None


def _field(problem: Problem) -> str | None:
    """The form field that a Malformed speaks of."""
    found = _FIELD.search(problem.detail) if isinstance(problem, Malformed) else None
    return found[1] if found else None


def _again(page: PageHandler | None) -> PageHandler:
    assert page is not None, "a form that is shown again has a page"
    return page


async def _refuse(
    visit: Visit, problem: Problem, back: str, fields: Mapping[str, str], again: PageHandler | None
) -> Response:
    async with visit.db.read() as tx:
        text = visit.tell(problem, (await visit.market(tx)).currency)
        if again is None:
            return visit.go(back, "refused", text)
        visit.typed, visit.problem, visit.refused = fields, problem, text
        return await again(tx, visit)


def _sent(visit: Visit, go: Go) -> Response:
    response = visit.go(go.to, "done", visit.language.text(DONE[go.done]) if go.done else "")
    if go.session:
        visit.set_cookie(response, "session", go.session, int(SESSION_TTL.total_seconds()))
    for name, value in go.cookies.items():
        visit.set_cookie(response, name, value, int(SESSION_TTL.total_seconds()))
    if go.session == "":
        for name in ("session", "purchase"):
            response.delete_cookie(name, path="/", httponly=True, samesite="lax")
    return response


def _number(text: str) -> int:
    """0 for what is no number of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_BIGINT else 0


def _parsed(prefix: str, text: str) -> UUID:
    try:
        return ids.parse(prefix, text)
    except ValueError:
        raise NotFound from None
