"""Calls to addresses that strangers have named: public ones only, by the certificate of the name."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from entrepot.kit.strangers import PrivateAddressError, Strangers, is_public

PUBLIC = ("8.8.8.8", "93.184.216.34", "2606:4700::1111")
PRIVATE = (
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:8.8.8.8",
    "64:ff9b::a00:1", "2002:a00:1::", "2001::1", "2001:db8::1",
)  # fmt: skip


def test_what_is_public() -> None:
    assert [address for address in PUBLIC if not is_public(ip_address(address))] == []
    assert [address for address in PRIVATE if is_public(ip_address(address))] == []


def _named(monkeypatch: pytest.MonkeyPatch, **addresses: list[str]) -> None:
    """What a name server says."""

    def look_up(host: str, *_: Any, **__: Any) -> Any:
        if host not in addresses:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def test_a_name_is_judged_by_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    _named(monkeypatch, mixed=["8.8.8.8", "127.0.0.1"])
    async with httpx.AsyncClient(transport=Strangers()) as client:
        with pytest.raises(PrivateAddressError):
            await client.get("https://mixed/")
        with pytest.raises(httpx.ConnectError):
            await client.get("https://unknown/")


async def test_this_machine_is_reached_by_its_own_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `here`: what somebody in an office has written, and not what a name server says."""
    _named(monkeypatch, localhost=["127.0.0.1"], elsewhere=["127.0.0.1"])
    async with httpx.AsyncClient(transport=Strangers(here=True)) as client:
        with pytest.raises(httpx.ConnectError, match="connection"):
            await client.get("http://localhost:1/")
        with pytest.raises(PrivateAddressError):
            await client.get("http://elsewhere:1/")
    async with httpx.AsyncClient(transport=Strangers()) as client:
        with pytest.raises(PrivateAddressError):
            await client.get("http://localhost:1/")


async def test_the_certificate_is_the_name_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was judged, and who answers there has to be who was named."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("here")]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "all.pem").write_bytes(pem + key.private_bytes(*private))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "all.pem")
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(b"HTTP/1.1 204 Fine\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    _named(monkeypatch, here=["127.0.0.1"], there=["127.0.0.1"])
    transport = Strangers(private=True, trusted=ssl.create_default_context(cadata=pem.decode()))
    async with server, httpx.AsyncClient(transport=transport) as client:
        assert (await client.get(f"https://here:{port}/")).status_code == 204
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.get(f"https://there:{port}/")
    assert [f"host: here:{port}" in head for head in heads] == [True]
