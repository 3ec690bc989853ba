"""A call outside is bounded in what it reads, and names nobody's secrets when it fails."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from entrepot.kit.outside import MAX_ANSWER_BYTES, OutsideError, call

PART, PARTS = b"x" * 65_536, 1_000


@asynccontextmanager
async def answering(*parts: bytes, head: str = "") -> AsyncIterator[tuple[str, list[int]]]:
    """The address of somebody who answers with these, and how many bytes of them went out."""
    sent: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n".encode())
            for part in parts:
                writer.write(part)
                await writer.drain()
                sent.append(len(part))
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", sent


async def test_no_more_is_read_than_is_taken() -> None:
    """Of 65 MB a little more than the limit, and nothing that is packed, which may be as much."""
    async with httpx.AsyncClient(trust_env=False) as client:
        async with answering(b"{}") as (url, _):
            answer = await call(client, "GET", url, key="k")
            assert (answer.status_code, answer.content) == (200, b"{}")
        async with answering(*[PART] * PARTS) as (url, sent):
            with pytest.raises(OutsideError, match=r"^GET 127\.0\.0\.1: 200$"):
                await call(client, "GET", url, key="k")
        assert sum(sent) < 10 * MAX_ANSWER_BYTES
        async with answering(gzip.compress(PART * PARTS), head="content-encoding: gzip\r\n") as (url, _):
            with pytest.raises(OutsideError, match=r"^GET 127\.0\.0\.1: 200$"):
                await call(client, "GET", url, key="k")


async def test_what_failed_is_told_without_its_address() -> None:
    """A key may be in any part of it but the host."""
    transport = httpx.MockTransport(lambda _: httpx.Response(503))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(OutsideError, match=r"^POST judge\.test: 503$"):
            await call(client, "POST", "https://me:secret@judge.test/secret?key=secret", key="k")
    async with httpx.AsyncClient(trust_env=False) as client:
        for odd in ("https://judge.test:99999/secret", "http://[secret", "ftp://judge.test/secret"):
            with pytest.raises(OutsideError) as failed:
                await call(client, "POST", odd, key="k")
            assert "secret" not in str(failed.value)
