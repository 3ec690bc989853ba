"""Problems: what is refused, and why, as RFC 9457 documents.

A Problem is an exception that describes itself: its class is the type, the docstring's first line the title, its
fields the details. Rooms declare their own; each route lists those it can raise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, ClassVar


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """Refused."""

    status: ClassVar[int] = 400

    @classmethod
    def code(cls) -> str:
        return _snake(cls.__name__)

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or "Refused.").strip().splitlines()[0]

    def document(self) -> dict[str, Any]:
        """The RFC 9457 document: type, title, status, and the problem's own fields."""
        details = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"type": f"/problems/{self.code()}", "title": self.title(), "status": self.status, **details}

    def __str__(self) -> str:
        details = ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))
        return f"{self.title()} {details}".strip()


@dataclass(eq=False)
class Malformed(Problem):
    """The request does not have the form that the description gives."""

    detail: str


@dataclass(eq=False)
class SignInNeeded(Problem):
    """Sign in first."""

    status: ClassVar[int] = 401


@dataclass(eq=False)
class NotAllowed(Problem):
    """This role may not do this."""

    status: ClassVar[int] = 403


@dataclass(eq=False)
class AccountNeeded(Problem):
    """This takes an account. Registering with the session of a guest (POST /v1/accounts) keeps its cart and orders."""

    status: ClassVar[int] = 403
    what: str


@dataclass(eq=False)
class NotFound(Problem):
    """There is no such thing, or it is not yours."""

    status: ClassVar[int] = 404


@dataclass(eq=False)
class MethodNotAllowed(Problem):
    """This address does not take this method."""

    status: ClassVar[int] = 405


@dataclass(eq=False)
class TooLarge(Problem):
    """The body is larger than what is taken here."""

    status: ClassVar[int] = 413
    limit_bytes: int


@dataclass(eq=False)
class UnsupportedMediaType(Problem):
    """Send JSON: content-type application/json."""

    status: ClassVar[int] = 415


@dataclass(eq=False)
class KeyNeeded(Problem):
    """This write needs an Idempotency-Key header (1 to 200 visible characters)."""

    status: ClassVar[int] = 400


@dataclass(eq=False)
class KeyConflict(Problem):
    """The Idempotency-Key was used with another body."""

    status: ClassVar[int] = 409


@dataclass(eq=False)
class TooManyRequests(Problem):
    """Too many tries; wait."""

    status: ClassVar[int] = 429
    retry_after_s: int


@dataclass(eq=False)
class ServerFault(Problem):
    """Something went wrong on our side; it is logged."""

    status: ClassVar[int] = 500


@dataclass(eq=False)
class Overloaded(Problem):
    """More is asked than can be done now; try again."""

    status: ClassVar[int] = 503
    retry_after_s: int = 1


@dataclass(eq=False)
class SwitchedOff(Problem):
    """This is switched off for a while, so that buying stays quick."""

    status: ClassVar[int] = 503
    switch: str
    until: datetime
    retry_after_s: int


@dataclass(eq=False)
class DatabaseAway(Problem):
    """The database does not answer; nothing was done, or the answer was lost: send the same key again."""

    status: ClassVar[int] = 503
    retry_after_s: int = 2
