"""Rate limits: a token bucket for every caller, or for every address that has not signed in.

The buckets are those of one process: an installation allows its number of web processes times as much. A bucket is
one number, the time at which it is full again, so a caller that has been quiet for long enough needs none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from entrepot.kit.clock import monotonic

BURST_S = 5
"""A full bucket holds what is allowed in so many seconds."""

CALLERS_MAX = 100_000
"""Buckets kept at once, about 20 MB of them; then the caller that was seen longest ago is forgiven."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller: `remaining` requests at once, all of them again after `reset_s` seconds.

    `retry_after_s` is 0 when the request is allowed, else the seconds until one will be."""

    remaining: int
    reset_s: int
    retry_after_s: int

    def header(self) -> str:
        """RateLimit, as in draft-ietf-httpapi-ratelimit-headers-10."""
        return f'"caller";r={self.remaining};t={self.reset_s}'


class Limits:
    """At most `rate_per_s` requests a second of each caller in the long run, and BURST_S seconds' worth at once."""

    def __init__(
        self, rate_per_s: int, seconds: Callable[[], float] = monotonic, callers_max: int = CALLERS_MAX
    ) -> None:
        self.burst = rate_per_s * BURST_S
        self.policy = f'"caller";q={self.burst};w={BURST_S}'.encode()
        """RateLimit-Policy: q requests in w seconds."""
        self._rate_per_s = rate_per_s
        self._seconds = seconds
        self._callers_max = callers_max
        self._full_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, caller: Hashable) -> Allowance:
        """Takes one request out of the caller's bucket, unless it is empty; a refused request takes nothing."""
        now = self._seconds()
        # Taken out and put back, so that the dict stays in the order of last use.
        full_at = max(self._full_at.pop(caller, now), now)
        missing = (full_at - now) * self._rate_per_s
        allowed = missing + 1 <= self.burst + 1e-9
        if allowed:
            full_at += 1 / self._rate_per_s
            missing += 1
        self._full_at[caller] = full_at
        while len(self._full_at) > self._callers_max:
            del self._full_at[next(iter(self._full_at))]
        wait_s = 0 if allowed else max(1, math.ceil((missing + 1 - self.burst) / self._rate_per_s))
        return Allowance(max(0, int(self.burst - missing + 1e-9)), math.ceil(full_at - now), wait_s)


def network(host: str) -> str:
    """What stands for a caller that has not signed in: its IPv4 address, or the /64 that its provider gave it."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
