"""A real server, a real browser, and people who are signed in; without Chromium these tests say what is missing."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, sync_playwright

from entrepot.kit.db import Database
from tests.api.server import Server, serving
from tests.web.stage import PASSWORD, Stage, furnish, refuse_refunds

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""As root there is no sandbox to be had; the rest keeps the browser from calling home."""
PHONE, DESKTOP = ViewportSize(width=360, height=780), ViewportSize(width=1280, height=900)
LOCALES = {"en": "en-US", "de": "de-DE"}


class Shop:
    """The server's address, what is in the shop, and browsers to visit it with."""

    def __init__(self, server: Server, stage: Stage, browser: Browser) -> None:
        self.url = server.url
        self.stage = stage
        self._browser = browser
        self._signed_in: dict[str, StorageState] = {}

    @contextmanager
    def visit(
        self, who: str | None = None, *, phone: bool = False, language: str = "en", scripts: bool = True
    ) -> Iterator[Page]:
        """A page of a browser of its own, in which `who` has signed in: at the first visit, by the form."""
        context: BrowserContext = self._browser.new_context(
            viewport=PHONE if phone else DESKTOP, locale=LOCALES[language], java_script_enabled=scripts,
            base_url=self.url, storage_state=self._signed_in.get(who or ""), reduced_motion="reduce",
        )  # fmt: skip
        page = context.new_page()
        if who is not None and who not in self._signed_in:
            page.goto("/sign-in")
            page.fill("#email", f"{who}@example.org")
            page.fill("#password", PASSWORD)
            page.click("main button")
            self._signed_in[who] = context.storage_state()
        yield page
        context.close()


@pytest.fixture(scope="module")
def shop(db_url: str) -> Iterator[Shop]:
    with browsing(db_url) as opened:
        yield opened


@contextmanager
def browsing(db_url: str) -> Iterator[Shop]:
    """A furnished shop over the database and a browser to visit it with; a test that has none says so."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"lacks {CHROMIUM}: install Debian's package chromium")
    home = Path(tempfile.mkdtemp(prefix="entrepot-browser-"))
    with serving(db_url, home) as server:
        stage = asyncio.run(_furnish(db_url))
        # Last in and first out: while Playwright is there, its event loop is in the way of all others.
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Shop(server, stage, browser)
            browser.close()
    shutil.rmtree(home)


async def _furnish(url: str) -> Stage:
    db = await Database.open(url, size=1)
    try:
        stage = await furnish(db)
        async with db.write() as tx:
            await refuse_refunds(tx, stage.buyer, 3)
        return stage
    finally:
        await db.close()
