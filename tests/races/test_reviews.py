"""A review is one for each line, and the ratings are those of the reviews, whoever writes, hides and counts at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from entrepot import reviews
from entrepot.kit.ids import NIL
from entrepot.orders.actions import deliver_many
from entrepot.reviews import Said, actions
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground
from tests.races.interleave import Work

COUNTS = """
    select array[count(*) filter (where stars = 1), count(*) filter (where stars = 2),
                 count(*) filter (where stars = 3), count(*) filter (where stars = 4),
                 count(*) filter (where stars = 5)]
      from reviews.review where hidden_at is null and product_id = $1
"""


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url, actors=7) as opened:
        yield opened


def does(verb: Any, *args: Any, **more: Any) -> Work:
    return lambda db: db.transact(lambda tx: verb(tx, *args, **more))


async def test_ratings_are_counted_once(ground: Ground) -> None:
    for seed in SEEDS[:12]:
        await ground.fresh(units=2)
        buyer = ground.counter.buyers[0]
        first, second = [(await ground.bought(Wanted(0, ((0, 1),))))[0] for _ in range(2)]
        await ground.ship(first, second)
        async with ground.db.write() as tx:
            await deliver_many(tx, 0, [first, second])
            review = await reviews.write(tx, 0, buyer, first, 1, Said(2, "So so.", 3), "en")
            await reviews.report(tx, review, NIL, "other", "")
        product, seller = await ground.value("select (product_id, seller_id) from reviews.review where id = $1", review)

        def say(stars: int, order: UUID = second, buyer: UUID = buyer) -> Work:
            return does(reviews.write, 0, buyer, order, 1, Said(stars), "en")

        hide = does(reviews.set_hidden, review, NIL, "An insult.", hidden=True)
        report, reply = does(reviews.report, review, NIL, "other", ""), does(reviews.answer, seller, review, "Sorry.")
        async with ground.race(
            seed, say(5), say(4), hide, does(actions.count, 0), does(actions.count, 0), report, reply
        ):
            while await ground.db.transact(lambda tx: actions.count(tx, 0)):
                pass
            expected = await ground.value(COUNTS, product)
            assert await ground.value("select count(*) from reviews.review where order_id = $1", second) == 1
            async with ground.db.read() as read:
                rating = (await reviews.ratings(read, [product]))[product]
                assert (await reviews.rating_of_seller(read, 0, seller)).count == 0  # hidden
            assert list(rating.counts) == expected
            assert expected[0] == expected[1] == expected[2] == 0
