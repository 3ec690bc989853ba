"""The stage that the tests of one module share."""

from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher

from entrepot.accounts import actions
from entrepot.kit import auth
from tests.api import (  # noqa: F401 - asked beside those of asks
    asks_accounts,
    asks_bonded,
    asks_borders,
    asks_channels,
    asks_chargebacks,
    asks_credit,
    asks_exchange,
    asks_fees,
    asks_metering,
    asks_notify,
    asks_slots,
    asks_statements,
    asks_stripe,
    asks_trust,
    asks_webhooks,
)
from tests.api.stage import Stage, open_stage


@pytest.fixture(scope="module")
async def stage(db_url: str) -> AsyncIterator[Stage]:
    async with open_stage(db_url) as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashing is made to take long; not here, where thousands of requests are sent."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(auth, "_hasher", hasher)
        patch.setattr(actions, "NOBODY", hasher.hash("nobody knows this"))
        yield
