"""The sandbox payment gateway: somebody else's computer, with everything that goes wrong there.

    async with Gateway(seed=7, secret=b"...", webhook_url="http://127.0.0.1:8000/...") as gateway: ...
    python -m entrepot.world.gateway --port 8400 --seed 7 --webhook-url http://127.0.0.1:8000/...

A real HTTP server on 127.0.0.1 and nowhere else, without authentication: no money moves here. A payment is
created, its buyer approves or declines it at its redirect_url, approval captures it, and a signed webhook
tells. `Faults` says how unreliable all of that is. All chance comes from one seeded generator, so the same
requests in the same order meet the same fate. This file shares no code with the connector
(entrepot.payments.gateways.sandbox): they only share a protocol. Below /customs is the sandbox customs
(entrepot.world.customs), with a generator of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from granian.constants import Interfaces
from granian.server.embed import Server
from jinja2 import Template
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from entrepot.kit.clock import Clock, RealClock
from entrepot.kit.http import read_body
from entrepot.kit.money import Money
from entrepot.kit.problem import Problem
from entrepot.world.customs import Customs
from entrepot.world.gateway_book import (
    Book,
    DisputeEnd,
    DisputeOrder,
    EvidenceOrder,
    JournalError,
    Payment,
    PaymentOrder,
    RefundOrder,
    RefusedError,
)
from entrepot.world.gateway_report import lines_of, report, settlements
from entrepot.world.gateway_webhooks import Chance, Faults, Webhooks, cancel

HOST = "127.0.0.1"
SECRET_VARIABLE = "ENTREPOT_SANDBOX_SECRET"  # noqa: S105 - the name of one, not one
MAX_BODY_BYTES = 16_384
EVIDENCE_MAX_BYTES = 500_000
KEY_MAX = 200  # characters
DISPUTES_LISTED = 100
START_MAX_S = 10

Answer = Callable[[Request], Awaitable[Response]]
Body = TypeVar("Body", bound=msgspec.Struct)

_page = Template(Path(__file__).with_name("gateway_pay.html").read_text(encoding="utf-8"), autoescape=True)
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_HEADINGS = {
    "requires_action": "You are asked to pay",
    "captured": "Paid",
    "failed": "Payment declined",
    "canceled": "Payment canceled",
}


class BrokenOff(Response):
    """The lost reply: the connection closes in the middle of it, so the caller never learns what was done."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Gateway:
    """A running gateway while it is entered. `clock` stamps what it says; its delays are of real time.

    `port` 0 takes any that is free. `webhooks.url` may be set later; without one nothing is told. Raises
    OSError when the port is taken and JournalError for a journal that cannot be read.
    """

    def __init__(
        self,
        *,
        seed: int,
        secret: bytes,
        port: int = 0,
        webhook_url: str | None = None,
        faults: Faults = Faults(),  # noqa: B008 - frozen
        clock: Clock | None = None,
        journal: Path | None = None,
    ) -> None:
        self.port = port
        self.faults = faults
        self._clock = clock or RealClock()
        self._chance, self._seed = Chance(seed), seed
        self._journal = journal
        self._secret = secret
        self._webhook_url = webhook_url
        self._stopping = False
        self._approvals: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self.port = free_port(self.port)
        self.book = Book(self._chance, self._clock, self._journal)
        self.webhooks = Webhooks(self.book, self._chance, self._clock, self._secret, self._webhook_url)
        self.book.on_event = lambda event: self.webhooks.tell(event, self.faults)
        self.customs = Customs(self._secret, self._clock, Random(self._seed))  # noqa: S311 - repeatable
        app = Starlette(
            routes=[*self._routes(), Mount("/customs", app=self.customs)],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
        )
        self._server = Server(app, HOST, self.port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
        self._serving = asyncio.create_task(self._server.serve())
        await self._listening()
        # What an earlier life with this journal left undone.
        for event in self.book.untold.values():
            self.webhooks.tell(event, self.faults)
        for payment in self.book.payments.values():
            self._maybe_approve(payment)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        self._server.stop()  # type: ignore[no-untyped-call]
        await self._serving
        await cancel(self._approvals)
        await self.webhooks.close()
        self.book.close()

    async def quiet(self) -> None:
        """Returns when no automatic approval and no webhook is under way."""
        while self._approvals:
            await asyncio.gather(*self._approvals)
        await self.webhooks.quiet()

    async def _listening(self) -> None:
        async with asyncio.timeout(START_MAX_S):
            while True:
                with suppress(ConnectionRefusedError):
                    _, writer = await asyncio.open_connection(HOST, self.port)
                    writer.close()
                    await writer.wait_closed()
                    return
                if self._serving.done():
                    self._serving.result()
                await asyncio.sleep(0.01)

    def _routes(self) -> list[Route]:
        routes: list[tuple[str, str, Answer]] = [
            ("POST", "/payments", self._unreliable(self._create)),
            ("GET", "/payments/{id}", self._unreliable(self._get)),
            ("POST", "/payments/{id}/cancel", self._unreliable(self._cancel)),
            ("POST", "/payments/{id}/refunds", self._unreliable(self._refund)),
            ("GET", "/disputes", self._unreliable(self._list_disputes)),
            ("GET", "/disputes/{id}", self._unreliable(self._get_dispute)),
            ("POST", "/disputes/{id}/evidence", self._unreliable(self._take_evidence)),
            ("POST", "/payments/{id}/disputes", self._refusing(self._dispute)),
            ("POST", "/disputes/{id}/close", self._refusing(self._close_dispute)),
            ("POST", "/payments/{id}/approve", self._refusing(self._approve)),
            ("POST", "/payments/{id}/decline", self._refusing(self._decline)),
            ("GET", "/pay/{id}", self._refusing(self._show_page)),
            ("POST", "/pay/{id}", self._refusing(self._take_page)),
            ("GET", "/reports/{day}", self._refusing(self._report)),
            ("GET", "/faults", self._refusing(self._show_faults)),
            ("PUT", "/faults", self._refusing(self._change_faults)),
        ]
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in routes]

    def _unreliable(self, answer: Answer) -> Answer:
        """`answer` with the faults of calls, all drawn as the call arrives: the order in which calls arrive
        decides their fates, not how long each takes."""
        reliable = self._refusing(answer)

        async def endpoint(request: Request) -> Response:
            faults, chance = self.faults, self._chance
            delay_s = chance.seconds(faults.delay_ms)
            fails, is_lost = chance.strikes(faults.error_rate), chance.strikes(faults.lost_reply_rate)
            await asyncio.sleep(delay_s)
            if fails or self._stopping:
                return _json({"error": "internal"}, 500)
            response = await reliable(request)
            return BrokenOff() if is_lost else response

        return endpoint

    def _refusing(self, answer: Answer) -> Answer:
        """`answer` with its refusals as JSON: an error's code, or the payment that stands in the way."""

        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except RefusedError as refused:
                if refused.payment is not None:
                    return self._payment(refused.payment, refused.status)
                return _json({"error": refused.code}, refused.status)
            except Problem as problem:
                return _json({"error": problem.code()}, problem.status)

        return endpoint

    async def _create(self, request: Request) -> Response:
        key, order = _key(request), await _body(request, PaymentOrder)
        known = len(self.book.payments)
        payment = self.book.create(key, order)
        if len(self.book.payments) == known:
            return self._payment(payment)
        self._maybe_approve(payment)
        return self._payment(payment, 201)

    async def _get(self, request: Request) -> Response:
        return self._payment(self.book.payment(request.path_params["id"]))

    async def _cancel(self, request: Request) -> Response:
        return self._payment(self.book.decide(request.path_params["id"], "canceled"))

    async def _refund(self, request: Request) -> Response:
        key, order = _key(request), await _body(request, RefundOrder)
        return _json(self.book.refund(request.path_params["id"], key, order).view(), 201)

    async def _dispute(self, request: Request) -> Response:
        """What a cardholder does, and the bank: nobody of the shop's."""
        return _json(self.book.dispute(request.path_params["id"], await _body(request, DisputeOrder)).view(), 201)

    async def _close_dispute(self, request: Request) -> Response:
        return _json(self.book.close_dispute(request.path_params["id"], await _body(request, DisputeEnd)).view())

    async def _get_dispute(self, request: Request) -> Response:
        return _json(self.book.disputed(request.path_params["id"]).view())

    async def _take_evidence(self, request: Request) -> Response:
        evidence = await _body(request, EvidenceOrder, EVIDENCE_MAX_BYTES)
        return _json(self.book.answer(request.path_params["id"], evidence.text).view())

    async def _list_disputes(self, request: Request) -> Response:
        """Those opened since a time; as many as there are, since it is a sandbox."""
        since = request.query_params.get("since", "0")
        if not since.isdecimal():
            raise RefusedError(400, "malformed")
        return _json({"disputes": [one.view() for one in self.book.disputes_since(int(since))][:DISPUTES_LISTED]})

    async def _approve(self, request: Request) -> Response:
        return self._payment(self._ask_bank(request.path_params["id"]))

    async def _decline(self, request: Request) -> Response:
        return self._payment(self.book.decide(request.path_params["id"], "failed"))

    async def _show_page(self, request: Request) -> Response:
        payment = self.book.payment(request.path_params["id"])
        order = payment.order
        amount, _, currency = str(Money(order.amount_minor, order.currency)).rpartition(" ")
        html = _page.render(
            heading=_HEADINGS[payment.status], amount=amount, currency=currency, reference=order.reference,
            id=payment.id, open=payment.status == "requires_action", return_url=order.return_url,
        )  # fmt: skip
        return HTMLResponse(html, headers=_PAGE_HEADERS)

    async def _take_page(self, request: Request) -> Response:
        payment = self.book.payment(request.path_params["id"])
        decision = await read_body(request, MAX_BODY_BYTES)
        if decision not in (b"decision=approve", b"decision=decline"):
            raise RefusedError(400, "malformed")
        with suppress(RefusedError):  # decided meanwhile, in another window: the shop knows how it stands
            if decision == b"decision=approve":
                self._ask_bank(payment.id)
            else:
                self.book.decide(payment.id, "failed")
        return RedirectResponse(payment.order.return_url, 303)

    async def _report(self, request: Request) -> Response:
        """What happened on a day, and the settlement for it."""
        try:
            day = date.fromisoformat(request.path_params["day"])
        except ValueError:
            raise RefusedError(404, "not_found") from None
        lines = lines_of(self.book.payments.values(), self.book.refunds.values(), self.book.disputes.values())
        of_day = [line for line in lines if line.at.date() == day]
        told = report(f"{day}", day, day, [*of_day, *settlements(of_day)])
        return Response(told, media_type="text/csv")

    async def _show_faults(self, request: Request) -> Response:  # noqa: ARG002
        return _json(self.faults)

    async def _change_faults(self, request: Request) -> Response:
        self.faults = await _body(request, Faults)
        return _json(self.faults)

    def _payment(self, payment: Payment, status: int = 200) -> Response:
        return _json(payment.view() | {"redirect_url": f"{self.url}/pay/{payment.id}"}, status)

    def _ask_bank(self, id_: str) -> Payment:
        declines = self._chance.strikes(self.faults.decline_rate)
        return self.book.decide(id_, "failed" if declines else "captured")

    def _maybe_approve(self, payment: Payment) -> None:
        if not self.faults.auto_approve or payment.status != "requires_action":
            return
        delay_s = self._chance.seconds(self.faults.delay_ms)

        async def approve() -> None:
            await asyncio.sleep(delay_s)
            with suppress(RefusedError):  # canceled, or decided by hand
                self._ask_bank(payment.id)

        task = asyncio.create_task(approve())
        self._approvals.add(task)
        task.add_done_callback(self._approvals.discard)


def free_port(port: int) -> int:
    """`port`, or any free one for 0. Raises OSError when it is taken (Granian would share it with whoever has
    it)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])


def _json(answer: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= KEY_MAX:
        raise RefusedError(400, "key_needed")
    return key


async def _body(request: Request, into: type[Body], at_most: int = MAX_BODY_BYTES) -> Body:
    raw = await read_body(request, at_most)
    try:
        return msgspec.json.decode(raw, type=into)
    except (ValueError, RecursionError):
        raise RefusedError(400, "malformed") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGINT or SIGTERM. The exit code is 1, and the reason one line, when it cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m entrepot.world.gateway",
        description=f"A sandbox payment gateway on {HOST}. Webhooks are signed with {SECRET_VARIABLE}.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes any that is free")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--webhook-url", help="where webhooks are posted; without it nothing is told")
    parser.add_argument("--journal", type=Path, help="a file that outlives the gateway")
    parser.add_argument("--faults", default="{}", help="JSON, as PUT /faults takes it")
    arguments = parser.parse_args(argv)
    try:
        faults = msgspec.json.decode(arguments.faults, type=Faults)
    except msgspec.DecodeError as error:
        parser.error(f"--faults: {error}")
    secret = os.environ.get(SECRET_VARIABLE)
    if not secret:
        parser.error(f"{SECRET_VARIABLE} is not set")
    gateway = Gateway(
        seed=arguments.seed, secret=secret.encode(), port=arguments.port, webhook_url=arguments.webhook_url,
        faults=faults, journal=arguments.journal,
    )  # fmt: skip
    try:
        asyncio.run(_serve(gateway))
    except (OSError, OverflowError, JournalError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(gateway: Gateway) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway:
        print(f"gateway: {gateway.url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
