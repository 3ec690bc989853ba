"""A shop with a campaign in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.campaigns.stage import Stage, open_stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stage(own_db_url: str) -> AsyncIterator[Stage]:
    async with open_stage(own_db_url) as opened:
        yield opened
