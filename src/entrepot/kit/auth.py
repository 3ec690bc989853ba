"""Who is calling: signed sessions, verified without a database read, and passwords.

A session token is a signed claim, carried as `Authorization: Bearer` by programs and as a cookie by browsers. It says
role, user, cell and (for seller staff) seller, and until when.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import TypeVar
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from itsdangerous import BadSignature, Signer
from itsdangerous.signer import SigningAlgorithm

from entrepot.kit.problem import AccountNeeded, Overloaded

SESSION_TTL = timedelta(hours=12)
TOKENS_KEPT = 10_000
"""Tokens whose signature a process has checked and remembers; whether they have expired is asked each time."""
TOKEN_MAX = 300
"""Ours are shorter than this. What strangers send as one could be thousand times as long, and is not remembered."""

Answer = TypeVar("Answer")


class Role(StrEnum):
    BUYER = "buyer"
    SELLER = "seller"
    OPERATOR = "operator"


class Caller(msgspec.Struct, frozen=True, array_like=True):
    """The verified caller of a request. `seller_id` is the seller whose staff it is, else None; `generation` how often
    the user's sessions had been ended when this one began. A `guest` is a buyer without an account; who came by the
    link of a letter reaches the one purchase `only`, by its group's id."""

    role: Role
    user_id: UUID
    cell: int
    seller_id: UUID | None
    expires: int
    generation: int = 0
    guest: bool = False
    only: UUID | None = None

    @property
    def seller(self) -> UUID:
        """Of a seller's session."""
        assert self.seller_id is not None, "a seller's session names its seller"
        return self.seller_id


def require_account(caller: Caller, what: str) -> None:
    """Raises AccountNeeded for a guest, and for who came by a guest's link."""
    if caller.guest:
        raise AccountNeeded(what)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Caller).decode


class _Sha256(SigningAlgorithm):
    """HMAC-SHA-256 in one call: a fifth of the time that an hmac object takes, and each request verifies one."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class Keys:
    """Everything that is signed or encrypted with the installation's secret, each use with a key of its own."""

    def __init__(self, secret: bytes) -> None:
        self._signer = lru_cache(partial(self._sign_for, secret))
        self._sessions = self._signer("session")
        self._verified = lru_cache(TOKENS_KEPT)(self._verify)
        self._forms = self._derive(secret, "form")
        self._apart = self._derive(secret, "apart")
        self._fernet = Fernet(base64.urlsafe_b64encode(self._derive(secret, "secrets")))

    @classmethod
    def _sign_for(cls, secret: bytes, use: str) -> Signer:
        return Signer(cls._derive(secret, use), key_derivation="none", algorithm=_Sha256())

    @staticmethod
    def _derive(secret: bytes, use: str) -> bytes:
        return hmac.digest(secret, f"entrepot {use}".encode(), "sha256")

    def session(
        self, role: Role, user_id: UUID, now: datetime, *, cell: int = 0, seller_id: UUID | None = None,
        generation: int = 0, guest: bool = False, only: UUID | None = None,
    ) -> str:  # fmt: skip
        """A session token that is good for SESSION_TTL from `now`, unless it is ended (accounts.Sessions)."""
        until = int((now + SESSION_TTL).timestamp())
        caller = Caller(role, user_id, cell, seller_id, until, generation, guest, only)
        return self._sessions.sign(base64.urlsafe_b64encode(_encode(caller))).decode()

    def caller(self, token: str, now: datetime) -> Caller | None:
        """The caller that a token names, or None when it is forged, damaged or expired."""
        caller = self._verified(token) if len(token) <= TOKEN_MAX else None
        return caller if caller is not None and caller.expires > now.timestamp() else None

    def _verify(self, token: str) -> Caller | None:
        try:
            return _decode(base64.urlsafe_b64decode(self._sessions.unsign(token)))
        except (BadSignature, ValueError, msgspec.DecodeError):
            return None

    def sign(self, use: str, claim: bytes) -> str:
        """A claim that we alone can have made, for one use."""
        return self._signer(use).sign(base64.urlsafe_b64encode(claim)).decode()

    def signed(self, use: str, token: str) -> bytes | None:
        """The claim that `sign` was given, or None for what it did not make for this use."""
        try:
            return base64.urlsafe_b64decode(self._signer(use).unsign(token))
        except (BadSignature, ValueError):
            return None

    def apart(self, name: str) -> Keys:
        """Keys of its own for what must not be mistaken for ours: no token of the one means anything to the other."""
        return Keys(self._derive(self._apart, name))

    def form_token(self, session: str) -> str:
        """The token that a form of this session carries, so that another site cannot post it."""
        return hmac.digest(self._forms, session.encode(), "sha256").hex()

    def form_token_fits(self, session: str, token: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), token.encode())

    def encrypt(self, plain: bytes) -> bytes:
        """For secrets at rest (kit.secret)."""
        return self._fernet.encrypt(plain)

    def decrypt(self, sealed: bytes) -> bytes:
        """Raises ValueError when it was sealed with another secret."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise ValueError("sealed with another ENTREPOT_SECRET") from None


_hasher = PasswordHasher()
_hashing = ThreadPoolExecutor(1, "argon2")
"""One at a time and off the event loop: a burst of log-ins must not stop the sale."""
HASHING_MAX = 64
"""Passwords that are hashed or wait for it, about five seconds of work."""
_waiting = 0


async def hash_password(password: str) -> str:
    """Raises Overloaded when too many wait already."""
    return await _hashed(lambda: _hasher.hash(password))


async def password_fits(password_hash: str, password: str) -> bool:
    """Raises Overloaded when too many wait already."""

    def check() -> bool:
        try:
            return _hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    return await _hashed(check)


async def _hashed(work: Callable[[], Answer]) -> Answer:
    global _waiting
    if _waiting >= HASHING_MAX:
        raise Overloaded
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_hashing, work)
    finally:
        _waiting -= 1
