"""When somebody has tried to sign in too often."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from entrepot.kit.limits import network
from entrepot.kit.problem import TooManyRequests

WINDOW = timedelta(minutes=15)
EMAIL_FAILURES = 10
ADDRESS_FAILURES = 50


def who_email(email: str) -> bytes:
    """What stands for an e-mail in the list of tries."""
    return hashlib.sha256(f"email:{email.lower()}".encode()).digest()


def who_address(ip: str) -> bytes:
    """What stands for a network address, of IPv6 its /64, in the list of tries."""
    return hashlib.sha256(f"address:{network(ip)}".encode()).digest()


def refuse_burst(failures: int, limit: int, first: datetime, now: datetime) -> None:
    """Raises TooManyRequests when `limit` is reached; the wait is until the first failure leaves the window."""
    if failures >= limit:
        raise TooManyRequests(max(1, int((first + WINDOW - now).total_seconds()) + 1))
