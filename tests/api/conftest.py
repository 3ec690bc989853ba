"""The stage that the tests of one module share."""

from collections.abc import AsyncIterator

import pytest

from tests.api.stage import Stage, open_stage


@pytest.fixture(scope="module")
async def stage(db_url: str) -> AsyncIterator[Stage]:
    async with open_stage(db_url) as opened:
        yield opened
