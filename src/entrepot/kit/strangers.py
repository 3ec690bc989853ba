"""Calls to addresses that a stranger has named, or somebody in an office: to public ones, whatever their names say.

A name is looked up for each call, all of its addresses are judged, and the connection goes to one that was judged: a
name server that says something else the next moment changes nothing. Nothing is redirected, and no connection is kept:
one to an address that two names share would have shown the certificate of one of them only.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

from entrepot.kit.outside import OutsideError

Address = IPv4Address | IPv6Address
CONNECTIONS = 200
LOOKUPS = 16
"""Names that are looked up at a time, in threads of their own: a name server that is silent holds up nobody else's."""
TRIED = 3
"""Of a name with many addresses, so many are tried."""
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""What this machine is called by whoever means it."""
_UNICAST, _SIX_TO_FOUR = IPv6Network("2000::/3"), IPv6Network("2002::/16")


class PrivateAddressError(OutsideError):
    """A name leads into a private network, or to this machine."""


def is_public(address: Address) -> bool:
    """Whether anybody's machine may be there. Of IPv6 no address counts that has one of IPv4 inside."""
    if isinstance(address, IPv6Address):
        return address.is_global and address in _UNICAST and address not in _SIX_TO_FOUR
    return address.is_global and not address.is_multicast


def literal(host: str) -> Address | None:
    """The address that is written in a URL's place for the host; None for a name. What systems take for an address
    besides (`127.1`, `0x7f000001`) is looked up, as a name is, and judged then."""
    with suppress(ValueError):
        return ip_address(host)
    return None


class Strangers(httpx.AsyncBaseTransport):
    """Sends where `is_public`, or, with `private`, anywhere: for tests and for networks of one's own. With `here` also
    to this machine, where an address names it itself: no name server leads there."""

    def __init__(
        self, *, private: bool = False, here: bool = False, trusted: ssl.SSLContext | None = None
    ) -> None:  # fmt: skip
        """`trusted` are authorities instead of the usual ones."""
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=trusted or True, limits=limits, trust_env=False)
        self._private, self._here = private, here
        self._lookups = ThreadPoolExecutor(LOOKUPS, "names")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises PrivateAddressError, and httpx.ConnectError also for a name that nobody knows."""
        host = request.url.raw_host.decode("ascii")
        addresses = await self._addresses(host, request)
        is_meant = self._private or (self._here and host in HERE)
        if not is_meant and not all(is_public(address) for address in addresses):
            raise PrivateAddressError("private_address")
        named, extensions = request.url, {**request.extensions, "sni_hostname": host}
        fault: Exception = httpx.ConnectError("no address", request=request)
        for address in addresses[:TRIED]:  # the certificate is the name's, the connection goes to the address
            request.url, request.extensions = named.copy_with(host=str(address)), extensions
            try:
                return await self._inner.handle_async_request(request)
            except httpx.ConnectError as error:
                fault = error
        raise fault

    async def _addresses(self, host: str, request: httpx.Request) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._lookups, self._look_up, host)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError("name not found", request=request) from error
        return list(dict.fromkeys(found))

    @staticmethod
    def _look_up(host: str) -> list[Address]:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]

    async def aclose(self) -> None:
        self._lookups.shutdown(wait=False, cancel_futures=True)
        await self._inner.aclose()


@asynccontextmanager
async def open_strangers(*, private: bool, here: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """What calls them, as Strangers lets it. Nothing that one says is kept for another."""
    forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    async with httpx.AsyncClient(
        transport=Strangers(private=private, here=here), follow_redirects=False, trust_env=False, cookies=forgetful
    ) as client:
        yield client
