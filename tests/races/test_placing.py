"""Placing against placing, price changes, cancelations, expiry and releases: whoever comes first, the books tie.

Each test runs every seed: the schedules differ, the invariant does not. A failure names its seed and its schedule."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import catalog, exchange, orders, payments, sellers
from entrepot.exchange.following import follow_prices
from entrepot.kit.db import Database
from entrepot.orders.actions import expire_groups
from tests.orders.counter import Wanted
from tests.races.ground import SEEDS, Ground, open_ground, place
from tests.races.interleave import Work

ONE = Wanted(0, ((0, 1),))
MINUTES_20 = timedelta(minutes=20)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def cancel(order: UUID, buyer: UUID) -> Work:
    async def work(db: Database) -> None:
        await db.transact(lambda tx: orders.cancel(tx, 0, [order], buyer_id=buyer))

    return work


async def test_a_seed_is_a_schedule(ground: Ground) -> None:
    schedules = []
    for seed in (1, 1, 2, 1):
        await ground.fresh(units=2)
        first, second = await ground.quotes(ONE, Wanted(1, ((0, 1),)))
        a, b = ground.counter.buyers[:2]
        await ground.stage.run(seed, place(a, "k", first.id), place(b, "k", second.id))
        schedules.append(list(ground.stage.trace))
    assert schedules[0] == schedules[1] == schedules[3] != schedules[2]


async def test_the_last_unit_is_sold_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=1)
        quotes = await ground.quotes(ONE, Wanted(1, ((1, 1),)), Wanted(1, ((0, 1),)))
        a, b = ground.counter.buyers[:2]
        works = [place(buyer, "k", q.id, m) for buyer, q, m in zip((a, b), quotes, ("wallet", "sandbox"), strict=False)]
        async with ground.race(seed, *works, place(b, "other", quotes[2].id)) as told:
            assert sorted(v.verdict for v in told) == ["placed", "sold_out", "sold_out"]
            assert {v.detail["available"] for v in told if v.verdict == "sold_out"} == {0}
            on_hand, held, allocated = await ground.stock()
            assert on_hand - held - allocated == 0


async def test_one_key_at_once_is_one_command(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=5)
        first, second = await ground.quotes(ONE, ONE)
        a = ground.counter.buyers[0]
        works = [place(a, "k", first.id), place(a, "k", first.id), place(a, "k", second.id)]
        async with ground.race(seed, *works) as told:
            # Whoever came first has the key; the others were told again, or meant something else.
            same, again, other = [(v.verdict, v.replayed) for v in told]
            if other == ("placed", False):
                assert (same, again) == (("key_conflict", False), ("key_conflict", False))
            else:
                assert other == ("key_conflict", False)
                assert sorted((same, again)) == [("placed", False), ("placed", True)]
            assert await ground.wallet() == 97


async def test_one_quote_under_two_keys_is_placed_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=5)
        (quote,) = await ground.quotes(ONE)
        a = ground.counter.buyers[0]
        async with ground.race(seed, *(place(a, key, quote.id, "wallet") for key in ("k", "l", "m"))) as told:
            assert sorted(v.verdict for v in told) == ["placed", "quote_placed", "quote_placed"]
            assert await ground.wallet() == 97


async def test_the_last_of_a_wallet_is_spent_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=5, wallet=4)
        first, second = await ground.quotes(ONE, Wanted(0, ((2, 1),)))
        a = ground.counter.buyers[0]
        async with ground.race(seed, place(a, "k", first.id), place(a, "l", second.id)) as told:
            assert sorted(v.verdict for v in told) == ["insufficient_funds", "placed"]
            assert await ground.wallet() in (0, 1)


async def test_the_last_use_of_a_promotion_is_used_once(ground: Ground) -> None:
    """Of different goods and not from the wallet: nothing but the promotion is what they all want."""
    for seed in SEEDS:
        await ground.fresh(units=5)
        quotes = await ground.quotes(*(Wanted(0, ((offer, 1),), "once") for offer in (0, 2, 3)))
        a = ground.counter.buyers[0]
        works = [place(a, f"k{n}", quote.id, "sandbox") for n, quote in enumerate(quotes)]
        async with ground.race(seed, *works) as told:
            assert sorted(v.verdict for v in told) == ["limit_reached", "limit_reached", "placed"]


async def test_orders_of_one_purchase_canceled_at_once_give_its_promotion_back_once(ground: Ground) -> None:
    """Each of the two cancelations may be the last of the purchase, and only the last gives back."""
    used = "select used from pricing.quota where name = 'promotion:once:buyer' and owner = $1"
    for seed in SEEDS:
        await ground.fresh(units=5)
        a = ground.counter.buyers[0]
        (again,) = await ground.quotes(Wanted(0, ((1, 1),), "once"))
        first, second = await ground.bought(Wanted(0, ((0, 1), (2, 1)), "once"))
        works = cancel(first, a), cancel(second, a), place(a, "k", again.id)
        async with ground.race(seed, *works) as (one, other, verdict):
            assert (one, other) == (None, None)
            assert verdict.verdict in ("placed", "limit_reached")
            assert await ground.value(used, a) == (verdict.verdict == "placed")


async def test_two_baskets_in_opposite_order_never_deadlock(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=3)
        there, back = await ground.quotes(Wanted(0, ((0, 2), (2, 2), (3, 2))), Wanted(1, ((3, 2), (2, 2), (0, 2))))
        a, b = ground.counter.buyers[:2]
        async with ground.race(seed, place(a, "k", there.id), place(b, "k", back.id)) as told:
            assert sorted(v.verdict for v in told) == ["placed", "sold_out"]
        assert sum("begin" in statement for _, statement in ground.stage.trace) == 2  # nobody had to begin again


async def test_a_component_of_bundles_is_sold_once(ground: Ground) -> None:
    """Three units: two bundles with two of them each, and one of them alone. One bundle and the one are sold."""
    for seed in SEEDS:
        await ground.fresh(units=3)
        a, b = ground.counter.buyers[:2]
        one, other, alone = await ground.quotes(Wanted(0, ((4, 1),)), Wanted(1, ((4, 1),)), Wanted(1, ((2, 1),)))
        works = place(a, "k", one.id), place(b, "k", other.id, "sandbox"), place(b, "l", alone.id)
        async with ground.race(seed, *works) as told:
            assert told[2].verdict == "placed"
            assert sorted(v.verdict for v in told[:2]) == ["placed", "sold_out"]
            assert [v.detail for v in told if v.detail] == [{"offer_id": ground.counter.offers[4], "available": 0}]
            left = [on_hand - held - allocated for on_hand, held, allocated in await ground.stocks()]
            assert left == [3, 0, 2]


async def test_a_bundle_comes_back_once(ground: Ground) -> None:
    """It is canceled by its buyer, twice, while another wants the last of what is in it."""
    for seed in SEEDS:
        await ground.fresh(units=2)
        a, b = ground.counter.buyers[:2]
        (order,) = await ground.bought(Wanted(0, ((4, 1),)))
        (wanted,) = await ground.quotes(Wanted(1, ((4, 1),)))
        works = cancel(order, a), cancel(order, a), place(b, "k", wanted.id)
        async with ground.race(seed, *works) as (one, other, verdict):
            assert sorted(str(type(told).__name__) for told in (one, other)) == ["NoneType", "WrongStatus"]
            placed = verdict.verdict == "placed"
            assert placed or verdict.verdict == "sold_out"
            left = [on_hand - held - allocated for on_hand, held, allocated in await ground.stocks()]
            assert left == ([2, 0, 1] if placed else [2, 2, 2])


async def test_a_price_of_its_own_is_followed_by_nobodys(ground: Ground) -> None:
    """An offer follows another's price while its seller gives it one of its own and the other's changes, too: whoever
    looks at prices meanwhile, its own one stands."""
    home, seller = ground.counter.offers[0], ground.counter.sellers[0]
    async with ground.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("pr", "Puerto Rico", "USD", "es"))
        await exchange.set_terms(tx, exchange.ExchangeTerms("pr", tx.now, 0, 7, True, "tests"))
        source = await catalog.offer_of(tx, 0, seller, home)
        offer = await catalog.follow(
            tx, 0, source, "pr", catalog.Price(3, "USD"), tx.now.date(), catalog.Price(3, "USD")
        )

    def sets(offer_id: int, price: int) -> Work:
        return lambda db: db.transact(lambda tx: catalog.set_prices(tx, 0, [offer_id], [price]))

    async def looks(db: Database) -> None:
        await db.transact(catalog.look_again)
        await db.transact(lambda tx: follow_prices(tx, 0))

    for seed in SEEDS[:8]:
        await ground.fresh()
        async with ground.db.write() as tx:
            await tx.conn.execute(
                "insert into catalog.following (cell, offer_id, follows, of_minor, of_currency, rate_day) "
                "values (0, $1, $2, 3, 'USD', '2026-01-01') on conflict do nothing",
                offer.id,
                home,
            )
        async with ground.race(seed, sets(offer.id, 7), looks, sets(home, 4)):
            await looks(ground.db)
            assert await ground.value("select unit_price_minor from catalog.offer where id = $1", offer.id) == 7
    await sets(home, 3)(ground.db)


async def test_a_price_is_changed_before_or_after_the_sale(ground: Ground) -> None:
    offer = ground.counter.offers[0]

    async def set_price(db: Database, price: int = 9) -> None:
        async with db.write() as tx:
            await catalog.set_prices(tx, 0, [offer], [price])

    verdicts = set()
    for seed in SEEDS:
        await ground.fresh()
        await set_price(ground.db, 3)
        (quote,) = await ground.quotes(ONE)
        async with ground.race(seed, place(ground.counter.buyers[0], "k", quote.id), set_price) as (verdict, _):
            before = verdict.verdict == "placed"
            assert before or (verdict.verdict, verdict.detail) == (
                "price_changed", {"offer_id": offer, "unit_price_minor": 9},
            )  # fmt: skip
            assert await ground.wallet() == (97 if before else 100)
        verdicts.add(verdict.verdict)
    assert verdicts == {"placed", "price_changed"}  # both orders were seen
    await set_price(ground.db, 3)


async def test_place_and_cancel_and_expire_share_one_stock(ground: Ground) -> None:
    """Two units: one of a paid order that is canceled, one held for a payment that does not come. One wants both."""

    async def expire(db: Database) -> int:
        return await db.transact(lambda tx: expire_groups(tx, 0))

    ground.clock.advance(MINUTES_20)
    await expire(ground.db)  # what other tests left waiting
    by_hand: list[tuple[int, list[int] | None]] = [(-1, [0] * 3), (-2, [1] * 99 + [2] * 99)]  # place first, place last
    for seed, order in [*((seed, None) for seed in SEEDS), *by_hand]:
        await ground.fresh(units=2)
        a, b = ground.counter.buyers[:2]
        (paid,) = await ground.bought(ONE)
        (held,) = await ground.bought(Wanted(1, ((0, 1),)), method="sandbox")
        ground.clock.advance(MINUTES_20)
        (both,) = await ground.quotes(Wanted(1, ((1, 2),)))
        works = (place(b, "k", both.id), cancel(paid, a), expire)
        async with ground.race(seed, *works, order=order) as (verdict, canceled, expired):
            assert (canceled, expired) == (None, 1)
            assert verdict.verdict in ("placed", "sold_out")
            assert (await ground.status(paid), await ground.status(held)) == ("canceled", "expired")
            placed = verdict.verdict == "placed"
            assert (await ground.wallet(0), await ground.wallet(1)) == (100, 90 if placed else 100)
            on_hand, held_units, allocated = await ground.stock()
            assert on_hand - held_units - allocated == (0 if placed else 2)
            if seed < 0:
                assert verdict.verdict == ("sold_out" if seed == -1 else "placed")


async def test_one_top_up_counts_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(wallet=0)
        cause, buyer = ground.counter.buyers[2], ground.counter.buyers[0]

        async def top_up(db: Database, buyer: UUID = buyer, cause: UUID = cause) -> None:
            await db.transact(lambda tx: payments.top_up(tx, 0, buyer, "USD", 50, cause))

        async with ground.race(seed, top_up, top_up, top_up) as told:
            assert told == [None, None, None]
            assert await ground.wallet() == 50
