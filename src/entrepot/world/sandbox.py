"""The sandbox gateway beside a server that has no other: so that a demo can be paid for in the browser, too."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.process import kept
from entrepot.kit.secrets import get_secret, put_secret
from entrepot.settings import Settings
from entrepot.world.gateway import HOST, SECRET_VARIABLE, free_port

WEBHOOK_PATH = "/v1/webhooks/sandbox"
EVERY_HOST = ("0.0.0.0", "::")  # noqa: S104 - to recognize them


@contextmanager
def beside(settings: Settings) -> Iterator[Settings]:
    """The settings of a server with a gateway, which runs while this is entered; unchanged when they name one already:
    where real money is paid, nobody is to pay with play money by an oversight.

    It listens on the port after the server's, or any free one, and keeps its journal in the server's home. Processes
    that are started meanwhile learn of it by ENTREPOT_SANDBOX_URL, and of the sandbox customs that runs with it by
    ENTREPOT_CUSTOMS_URL where no other is named."""
    if settings.sandbox_url or settings.stripe is not None:
        yield settings
        return
    secret = asyncio.run(_secret(settings))
    try:
        port = free_port(settings.port + 1)
    except (OSError, OverflowError):
        port = free_port(0)
    shop = HOST if settings.host in EVERY_HOST else settings.host
    webhooks = f"http://{shop}:{settings.port}{WEBHOOK_PATH}"
    journal = str(settings.home / "sandbox.journal")
    arguments = ["--port", str(port), "--webhook-url", webhooks, "--journal", journal]
    url = f"http://{HOST}:{port}"
    os.environ["ENTREPOT_SANDBOX_URL"] = url
    asks_nobody = not settings.customs_url
    if asks_nobody:
        os.environ["ENTREPOT_CUSTOMS_URL"] = f"http://:{secret}@{HOST}:{port}/customs"
    try:
        with kept("entrepot.world.gateway", arguments, {SECRET_VARIABLE: secret}):
            yield replace(settings, sandbox_url=url)
    finally:
        del os.environ["ENTREPOT_SANDBOX_URL"]
        if asks_nobody:
            del os.environ["ENTREPOT_CUSTOMS_URL"]


async def _secret(settings: Settings) -> str:
    """The secret of the webhooks, as it is stored, or a new one that is stored now."""
    keys = Keys(settings.secret.encode())
    db = await Database.open(settings.database_url, size=1)
    try:
        async with db.write() as tx:
            try:
                known = await get_secret(tx, keys, "sandbox_webhook")
            except ValueError:  # sealed with a secret that this installation no longer has
                known = None
            if known is not None:
                return known.decode()
            secret = secrets.token_urlsafe(32)
            await put_secret(tx, keys, "sandbox_webhook", secret.encode())
            return secret
    finally:
        await db.close()
