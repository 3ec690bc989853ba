"""Two hands on a message: it goes out once, and what failed is sent again once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from entrepot import notify
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from entrepot.notify import jobs
from entrepot.notify.channels import Send
from entrepot.notify.types import Letter
from tests.races.ground import Ground, open_ground
from tests.races.test_hands import does

SEEDS = range(6)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


class Kept:
    """A way that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Send]:
        async def send(letter: Letter) -> None:
            self.letters.append(letter)

        yield send


WAITING = ("stuck", "discrepancies", "disputes", "held", "approvals", "failed", "chargebacks")


async def _message(ground: Ground, status: str) -> UUID:
    """A digest for somebody who can sign in."""
    async with ground.db.write() as tx:
        id_, user = new_id(tx.now), new_id(tx.now)
        await tx.conn.execute("insert into accounts.login values ($1, 0, $2, 'x')", f"{user}@example.org", user)
        await tx.conn.execute(
            "insert into notify.message (cell, id, user_id, channel, party, kind, subject_id, data, language, status, "
            "at, due_at) values (0, $1, $2, 'mail', 'operator', 'digest', $3, $4, 'en', $5, $6, $6)",
            id_, user, NIL, dict.fromkeys(WAITING, 1), status, tx.now,
        )  # fmt: skip
    return id_


async def test_a_message_is_sent_by_one(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        await _message(ground, "due")
        way = Kept()
        channels = notify.Channels({"mail": way}, Keys(b"a secret of the tests, long enough"), "https://shop.example")

        async def send(db: Database, channels: notify.Channels = channels) -> Any:
            return await jobs.send_due(db, channels, 0)

        async with ground.race(seed, send, send) as told:
            assert sorted(told) == [0, 1]
        assert len(way.letters) == 1


async def test_what_failed_is_sent_again_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        again = does(notify.resend, await _message(ground, "failed"))
        async with ground.race(seed, again, again) as told:
            assert sorted(told, key=str) == [None, "not_failed"]
