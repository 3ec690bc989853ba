"""Whom a rehearsal may load: this deployment, on this machine."""

from __future__ import annotations

import socket

import httpx
import msgspec

from entrepot.world.rehearse.plan import PlanError
from entrepot.world.rehearse.stage import PREFIX

KNOCK_MAX_S = 20.0
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, not an address


class Target(msgspec.Struct, frozen=True):
    """Where the web processes listen."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def target(host: str, port: int) -> Target:
    """The web processes that listen at `host`. Raises PlanError unless that is an address of this machine."""
    host = ANY.get(host, host)
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        raise PlanError(f"there is no host {host} (ENTREPOT_HOST)") from None
    if foreign := sorted(str(address) for address in addresses if not is_ours(str(address))):
        raise PlanError(f"{foreign[0]} (ENTREPOT_HOST) is not this machine: rehearse where the web processes run")
    return Target(host, port)


def is_ours(address: str) -> bool:
    """Whether the kernel would send to an address from that very address: then it is this machine's. Sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return False
        return bool(probe.getsockname()[0] == address)


def knock(where: Target, prefix: str) -> None:
    """Asks the target for the rehearsal with this prefix. Raises PlanError unless it is this very deployment that
    answers: one with our secret and our PostgreSQL."""
    try:
        answer = httpx.get(f"{where.url}{prefix}/healthz", timeout=KNOCK_MAX_S, trust_env=False)
    except httpx.HTTPError:
        raise PlanError(f"nothing answers at {where.url}: start it with `entrepot up`, or name its --port") from None
    if answer.status_code != 200:
        raise PlanError(
            f"what answers at {where.url} ({answer.status_code} for {PREFIX}) is not this deployment: is its "
            "ENTREPOT_SECRET another, or its release older?"
        )
