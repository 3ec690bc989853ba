"""The way out: one POST to an address that somebody has named."""

from __future__ import annotations

import asyncio

import httpx

from entrepot.kit.outside import TIMEOUT_S, require_outside
from entrepot.kit.strangers import PrivateAddressError


async def post(client: httpx.AsyncClient, url: str, headers: dict[str, str], text: str) -> str:
    """What it answers: its status, or a word for why there is none. What else it says is not read. Raises RuntimeError
    inside a transaction."""
    require_outside()
    try:
        async with asyncio.timeout(TIMEOUT_S):  # from the name to the answer
            sent = client.stream("POST", url, content=text.encode(), headers=headers, timeout=None)
            async with sent as answer:
                return str(answer.status_code)
    except PrivateAddressError:
        return "private_address"
    except TimeoutError:
        return "timeout"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):  # the last: a name that cannot be one
        return "no_answer"
