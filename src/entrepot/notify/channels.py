"""The ways out: mail by SMTP, text messages by a signed HTTP call. Each takes a Letter or raises."""

from __future__ import annotations

import asyncio
import hmac
import smtplib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import httpx
import msgspec

from entrepot.kit.auth import Keys
from entrepot.kit.clock import Clock
from entrepot.kit.ids import show
from entrepot.kit.outside import OutsideError, call, require_outside
from entrepot.notify.types import Letter, RefusedError
from entrepot.settings import Settings

Send = Callable[[Letter], Awaitable[None]]
"""Returns when the other side has taken it. Raises OutsideError when it is not known whether it has, or not now, and
RefusedError when it never will."""
SMTP_TIMEOUT_S = 10.0
"""For each answer of the mail server."""
SMTPS_PORT, SUBMISSION_PORT = 465, 587
REFUSALS = frozenset({400, 403, 404, 410, 413, 422})
"""What an SMS service says to a message that it will never take. Others (401 is our key, 429 our haste) may be
cured."""


class Channel(Protocol):
    """A way out: `session` is good for some letters, one after another."""

    def session(self) -> AbstractAsyncContextManager[Send]: ...


class Channels(msgspec.Struct, frozen=True):
    """The ways that this installation has, by name, and what is written into messages."""

    ways: Mapping[str, Channel]
    keys: Keys
    public_url: str


def open_channels(settings: Settings, keys: Keys, clock: Clock) -> Channels:
    ways: dict[str, Channel] = {}
    if settings.smtp_url:
        ways["mail"] = SmtpMail(settings.smtp_url, settings.mail_from)
    if settings.sms_url:
        ways["sms"] = HttpSms(settings.sms_url, clock)
    return Channels(ways, keys, settings.public_url)


def unsubscribe_token(keys: Keys, user_id: UUID, topic: str) -> str:
    return keys.sign("unsubscribe", user_id.bytes + topic.encode())


def unsubscribing(keys: Keys, token: str) -> tuple[UUID, str] | None:
    """The user and the topic of a token that we signed."""
    claim = keys.signed("unsubscribe", token)
    return None if claim is None else (UUID(bytes=claim[:16]), claim[16:].decode())


class SmtpMail:
    """Mail by the standard library's client, in a thread: what blocks there blocks nothing else."""

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Send]:
        """One connection, opened for the first letter and again after a fault."""
        held: list[smtplib.SMTP] = []

        def post(letter: Letter) -> None:
            try:
                mail = build_mail(letter, self._sender)
                if not held:
                    held.append(self._connect())
                held[0].send_message(mail)
            except smtplib.SMTPRecipientsRefused as error:
                _judge(*next(iter(error.recipients.values())))
            except smtplib.SMTPServerDisconnected as error:
                held.clear()
                raise OutsideError("smtp: disconnected") from error
            except smtplib.SMTPResponseException as error:
                if isinstance(
                    error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError
                ):
                    raise OutsideError(f"smtp: {error.smtp_code}") from None  # of us, not of this letter
                _judge(error.smtp_code, error.smtp_error)
            except smtplib.SMTPNotSupportedError:
                raise RefusedError("smtp_not_supported") from None
            except (OSError, smtplib.SMTPException) as error:
                held.clear()
                raise OutsideError(f"smtp: {type(error).__name__}") from error

        async def send(letter: Letter) -> None:
            require_outside()
            await asyncio.to_thread(post, letter)

        try:
            yield send
        finally:
            for connection in held:
                with suppress(OSError, smtplib.SMTPException):
                    await asyncio.to_thread(connection.quit)

    def _connect(self) -> smtplib.SMTP:
        """Who signs in does so under TLS only; so goes all that a server which offers it is sent."""
        url, context = self._url, ssl.create_default_context()
        host = url.hostname or ""
        connection: smtplib.SMTP
        if url.scheme == "smtps":
            connection = smtplib.SMTP_SSL(host, url.port or SMTPS_PORT, timeout=SMTP_TIMEOUT_S, context=context)
        else:
            connection = smtplib.SMTP(host, url.port or SUBMISSION_PORT, timeout=SMTP_TIMEOUT_S)
        try:
            connection.ehlo()
            if url.scheme == "smtp" and (url.username or connection.has_extn("starttls")):
                connection.starttls(context=context)
                connection.ehlo()
            if url.username:
                connection.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            connection.close()
            raise
        return connection


def _judge(code: int, said: bytes | str) -> None:
    """4xx is "not now", 5xx is "never". Of what was said only the enhanced code is kept (RFC 3463): the rest may have
    an address in it."""
    words = (said.decode("ascii", "replace") if isinstance(said, bytes) else said).split()
    enhanced = words[0] if words and words[0].replace(".", "").isdigit() else ""
    reason = f"smtp: {code} {enhanced}".rstrip()
    raise RefusedError(reason) if code >= 500 else OutsideError(reason)


def build_mail(letter: Letter, sender: str) -> EmailMessage:
    """The same message each time. Its parts are set by a policy that takes no line break in a header. Raises
    RefusedError for an address that is none."""
    mail = EmailMessage(policy=SMTP)
    try:
        to = Address(addr_spec=letter.to)
        mail["From"], mail["To"], mail["Subject"] = sender, to, letter.subject
    except (ValueError, IndexError, HeaderParseError):
        raise RefusedError("address_not_valid") from None
    mail["Date"] = format_datetime(letter.at)
    mail["Message-ID"] = f"<{show('msg', letter.id)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:  # RFC 8058
        mail["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    mail["Content-Language"] = letter.language  # of the whole: before, it would have gone into the first part
    return mail


class HttpSms:
    """A text message is a POST of {id, to, text}, whose Idempotency-Key is the message's id and whose signature is made
    with the key in the URL's user part: `Entrepot-Signature: t=<seconds>,v1=<hmac-sha256 of "t.body">`."""

    def __init__(self, url: str, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> None:
        parts = urlsplit(url)
        self._secret = unquote(parts.password or "").encode()
        host = parts.hostname or ""
        self._url = parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")).geturl()
        self._clock, self._transport = clock, transport

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Send]:
        async with httpx.AsyncClient(trust_env=False, transport=self._transport) as client:

            async def send(letter: Letter) -> None:
                id_ = show("msg", letter.id)
                body = msgspec.json.encode({"id": id_, "to": letter.to, "text": letter.text})
                stamp = int(self._clock.now().timestamp())
                mac = hmac.digest(self._secret, b"%d.%b" % (stamp, body), "sha256").hex()
                signed = {"entrepot-signature": f"t={stamp},v1={mac}"}
                answer = await call(client, "POST", self._url, key=id_, body=body, headers=signed)
                if answer.status_code in REFUSALS:
                    raise RefusedError(f"sms: {answer.status_code}")
                if not answer.is_success:
                    raise OutsideError(f"sms: {answer.status_code}")

            yield send
