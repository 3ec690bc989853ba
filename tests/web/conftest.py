"""The pages over one furnished database per module; every test signs in for itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.site import Site, open_site

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(own_db_url: str) -> AsyncIterator[Site]:
    async with open_site(own_db_url) as opened:
        yield opened
