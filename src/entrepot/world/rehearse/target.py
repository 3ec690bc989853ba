"""Whom a rehearsal may load: this machine's own addresses, and there this deployment only."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import msgspec

from entrepot.world.rehearse.plan import PlanError
from entrepot.world.rehearse.stage import PREFIX

KNOCK_MAX_S = 20.0
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}  # noqa: S104 - what a server listens on, not an address


class Target(msgspec.Struct, frozen=True):
    """Where the web processes listen."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def target(url: str) -> Target:
    """The target at `url`. Raises PlanError unless it is plain HTTP at an address of this machine."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise PlanError(f"{url} is no address: it looks like http://127.0.0.1:8000") from None
    if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query:
        raise PlanError(f"{url} is no address of a web process: it looks like http://127.0.0.1:8000")
    host = ANY.get(host, host)
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        raise PlanError(f"there is no host {host}") from None
    if foreign := sorted(str(address) for address in addresses if not is_ours(str(address))):
        raise PlanError(f"{host} is {foreign[0]}, which is not this machine: rehearse where the web processes run")
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
        raise PlanError(f"nothing answers at {where.url}: start it with `entrepot up`, or name it with --url") from None
    if answer.status_code != 200:
        raise PlanError(
            f"what answers at {where.url} ({answer.status_code} for {PREFIX}) is not this deployment: is its "
            "ENTREPOT_SECRET another, or its release older?"
        )
