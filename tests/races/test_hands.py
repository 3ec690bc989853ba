"""Two hands on whatever else is locked: addresses, parcels, payments, refunds, shelves, switches, terms, lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot import accounts, catalog, inventory, ledger, logistics, orders, payments, platform, sellers
from entrepot.accounts.actions import _record_try, erase
from entrepot.accounts.rules import EMAIL_FAILURES
from entrepot.campaigns import NewCampaign, NewOffer
from entrepot.campaigns.actions import open_campaign, set_admission
from entrepot.campaigns.waiting import Lines
from entrepot.inventory.actions import fix_currency
from entrepot.kit.auth import Keys
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound, Problem
from entrepot.orders.actions import deliver_many, expire_unpaid, record_paid
from entrepot.payments import actions as paying
from entrepot.payments import transfers
from entrepot.platform.actions import note_ended
from tests.orders.counter import NOW, Wanted
from tests.races.ground import Ground, open_ground, place
from tests.races.interleave import Work

SEEDS = range(6)
ONE = Wanted(0, ((0, 1),))
HOME = accounts.NewAddress(
    recipient="Ada", line1="1 Main Street", city="Springfield", postal_code="62701", country="US"
)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
async def ground(db_url: str) -> AsyncIterator[Ground]:
    async with open_ground(db_url) as opened:
        yield opened


def does(verb: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Work:
    """A verb in a transaction of its own; a refusal is told by its code."""

    async def doing(db: Database) -> Any:
        try:
            return await db.transact(lambda tx: verb(tx, *args, **more))
        except Problem as refused:
            return refused.code()

    return doing


async def test_the_last_place_for_an_address_is_filled_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts.reads, "MAX_ADDRESSES", 1)
    for seed in SEEDS:
        await ground.fresh()
        buyer = ground.counter.buyers[0]
        add = does(accounts.add_address, 0, buyer, HOME)
        async with ground.race(seed, add, add) as told:
            assert [type(answer) for answer in sorted(told, key=str)].count(UUID) == 1
            assert "too_many_addresses" in told


async def test_an_address_is_changed_or_deleted_and_one_is_the_default(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        buyer = ground.counter.buyers[0]
        first, other = [await does(accounts.add_address, 0, buyer, HOME)(ground.db) for _ in range(2)]
        change = does(accounts.change_address, 0, buyer, first, HOME)
        delete = does(accounts.delete_address, 0, buyer, first)
        prefer = does(accounts.make_default, 0, buyer, other)
        async with ground.race(seed, change, delete, prefer) as told:
            assert sorted(answer == "not_found" for answer in told[:2]) == [False, True]
            assert told[2] is None
            kept = "select array_agg(is_default) from accounts.address where removed_at is null and user_id = $1"
            assert sorted(await ground.value(kept, buyer)) == ([True] if told[1] is None else [False, True])


async def test_a_guest_becomes_one_account_or_is_forgotten(ground: Ground) -> None:
    """Whoever is first: there is one log-in and no guest, or neither, and no e-mail of who was forgotten."""
    for seed in SEEDS:
        await ground.fresh()
        guest = (await does(accounts.add_guest, "g@example.org")(ground.db)).user_id
        become = does(accounts.register_guest, 0, guest, "g@example.org", "G", "x")
        say = does(accounts.set_guest_email, 0, guest, "new@example.org")
        async with ground.race(seed, become, say, does(erase, 0, guest)) as told:
            logins = await ground.value("select count(*) from accounts.login where user_id = $1", guest)
            assert await ground.value("select count(*) from accounts.guest where user_id = $1", guest) == 0
            assert (told[2], logins) == (None, 0)
            assert isinstance(told[0], accounts.Member) or told[0] == "not_found"
            assert told[1] in (None, "not_a_guest")


async def test_who_is_forgotten_keeps_no_address(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        buyer = ground.counter.buyers[0]
        forget = does(erase, 0, buyer)
        add = does(accounts.add_address, 0, buyer, HOME)
        async with ground.race(seed, forget, add, forget) as told:
            assert sorted((told[0], told[2]), key=str) == [None, "not_found"]
            assert await ground.value("select count(*) from accounts.address where user_id = $1", buyer) == 0


async def test_the_last_guess_is_made_once(ground: Ground) -> None:
    for seed in SEEDS:
        email = f"{seed}@example.org"
        guess = does(_record_try, email, email)
        for _ in range(EMAIL_FAILURES - 1):
            await guess(ground.db)
        async with ground.race(seed, guess, guess) as told:
            assert sorted(isinstance(answer, str) for answer in told) == [False, True]


async def test_a_parcel_arrives_once(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE)
        await ground.ship(order)
        scan = logistics.Scan("house", order.hex, "delivered", ground.clock.now())
        told_by = does(logistics.track, 0, [scan])
        deliver = does(deliver_many, 0, [order])
        buyer = ground.counter.buyers[0]
        confirm = does(orders.confirm, 0, order, buyer)
        async with ground.race(seed, told_by, told_by) as scanned:
            assert sorted(scanned) == [[], [order]]
        async with ground.race(seed, deliver, deliver, confirm) as told:
            assert sum(told[:2]) <= 1
            assert (told[2], await ground.status(order)) == (None, "completed")


async def test_a_payment_is_asked_about_by_one(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=10)
        await ground.bought(ONE, method="sandbox")
        claim = does(paying.claim_due, 0, "sandbox", 100)
        async with ground.race(seed, claim, claim) as told:
            assert min(map(len, told)) == 0
            assert sum(map(len, told)) >= 1
        ground.clock.advance(HOUR)
        await claim(ground.db)


async def test_a_payment_is_given_up_once_or_captured(ground: Ground) -> None:
    """Known, canceled, given up, told of twice: each is noted once, and none overtakes another."""
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE, method="sandbox")
        group = await ground.value("select group_id from orders.order where id = $1", order)
        known = does(paying.mark_pending, 0, group, group.hex, "http://gateway.test")
        give_up = does(paying.give_up, 0, group)
        letter = does(paying.store_webhook, "sandbox", f"event {seed}")
        async with ground.race(seed, known, give_up, give_up) as told:
            assert sorted(told[1:]) == [False, True]
            assert await ground.value("select status from payments.payment where id = $1", group) == "failed"
        async with ground.race(seed, letter, letter) as new:
            assert sorted(new) == [False, True]
        seen.add(told[0])
        async with ground.db.write() as tx:  # the worker would hear of it by the event
            await expire_unpaid(tx, 0, [group])
    assert seen == {False, True}


async def test_a_canceled_payment_is_canceled_or_late(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE, method="sandbox")
        group = await ground.value("select group_id from orders.order where id = $1", order)
        cancel = does(paying.cancel_many, 0, [group])
        known = does(paying.mark_pending, 0, group, group.hex, "http://gateway.test")
        hint = does(paying.look_now, 0, group, "sandbox", group.hex, is_over=False)
        async with ground.race(seed, cancel, known, hint):
            found = await ground.value("select row(status, external_id) from payments.payment where id = $1", group)
            assert tuple(found) == ("canceling", group.hex)
        async with ground.db.write() as tx:
            await paying.give_up(tx, 0, group)
            await expire_unpaid(tx, 0, [group])


async def test_a_refused_refund_is_sent_again_or_credited(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=10)
        (order,) = await ground.bought(ONE, method="sandbox")
        group = await ground.value("select group_id from orders.order where id = $1", order)
        async with ground.db.write() as tx:
            assert await paying.mark_captured(tx, 0, group, group.hex)
            await record_paid(tx, 0, [group])
            await orders.cancel(tx, 0, [order], seller_id=None)
        claim = does(paying.claim_refunds, 0, "sandbox", 100)
        async with ground.race(seed, claim, claim) as claimed:
            assert sorted(map(len, claimed)) == [0, 1]
        (refund,) = [due.id for told in claimed for due in told]
        refuse = does(paying.record_refused, 0, refund, "closed")
        async with ground.race(seed, refuse, refuse):
            told_once = "select count(*) from kit.event where kind = 'refund_failed' and key = $1"
            assert await ground.value(told_once, order) == 1
        again = does(payments.retry_refund, refund)
        credit = does(paying.credit_refund, refund)
        async with ground.race(seed, again, credit, credit) as told:
            assert told.count(None) == 1
            assert told.count("refund_not_failed") == 2
            status = await ground.value("select status from payments.refund where id = $1", refund)
            assert status == ("created" if told[0] is None else "credited")
        seen.add(status)
        if status == "created":
            async with ground.race(seed, *[does(paying.record_refunded, 0, refund, "r")] * 2):
                assert await ground.value("select status from payments.refund where id = $1", refund) == "done"
            back = does(paying.refund_came_back, 0, refund)
            async with ground.race(seed, back, refuse, back):  # the buyer's bank sends it back
                assert await ground.value("select status from payments.refund where id = $1", refund) == "failed"
                assert await ground.value(told_once, order) == 2
            assert await again(ground.db) == "refund_came_back"  # under its key the gateway would tell of the same
    assert seen == {"created", "credited"}


async def test_a_transfer_to_stripe_is_claimed_by_one_and_ends_once(ground: Ground) -> None:
    seller, seen = ground.counter.sellers[0], set()
    for seed in SEEDS:
        ground.clock.advance(14 * 24 * HOUR)
        async with ground.db.write() as tx:
            await transfers.connect_account(tx, 0, seller, "acct_1", NIL)
            cash, account = await ledger.account_ids(tx, 0, ["cash", "seller"], [NIL, seller], ["USD"] * 2)
            await ledger.post_all(tx, 0, [ledger.Transfer(new_id(tx.now), "top_up", cash, account, 97)])
            await payments.pay_out(tx, 0)
        claim = does(transfers.claim_transfers, 0, 9)
        async with ground.race(seed, claim, claim) as claimed:
            (payout,) = [due.id for told in claimed for due in told]
            (owed,) = [due.amount_minor for told in claimed for due in told]
        done = does(transfers.record_transferred, 0, payout, f"tr_{seed}")
        async with ground.race(seed, done, does(transfers.record_refused, 0, payout), done):
            status = await ground.value("select status from payments.payout where id = $1", payout)
            left = await ground.balance("seller", seller)
            assert (status, left) in (("settled", 0), ("returned", owed))
        seen.add(status)
        if left:  # for the next run
            async with ground.db.write() as tx:
                await ledger.post_all(tx, 0, [ledger.Transfer(new_id(tx.now), "top_up", account, cash, left)])
    assert seen == {"settled", "returned"}


async def test_the_last_unit_is_sold_or_missing(ground: Ground) -> None:
    seen = set()
    for seed in SEEDS:
        await ground.fresh(units=1)
        (quote,) = await ground.quotes(ONE)
        seller, stock = ground.counter.sellers[0], ground.counter.stocks[0]
        count = does(inventory.adjust, 0, seller, stock, -1, "lost", NIL)
        async with ground.race(seed, place(ground.counter.buyers[0], "k", quote.id), count) as (sale, counted):
            assert (sale.verdict, counted if isinstance(counted, str) else "gone") in (
                ("placed", "stock_promised"), ("sold_out", "gone"),
            )  # fmt: skip
            on_hand, held, allocated = await ground.stock()
            assert on_hand - held - allocated == 0
        seen.add(sale.verdict)
    assert seen == {"placed", "sold_out"}


async def test_own_goods_have_one_currency(ground: Ground) -> None:
    for seed in SEEDS:
        async with ground.db.write() as tx:
            (stock,) = await inventory.open_stock(tx, 0, [new_id(tx.now)], [1], [1])

        works = [does(fix_currency, 0, [stock], currency) for currency in ("USD", "JPY")]
        async with ground.race(seed, *works) as told:
            assert sorted(told, key=str) == [None, "stock_currency_is"]


async def test_a_switch_is_off_once(ground: Ground) -> None:
    for seed in SEEDS:
        off = does(platform.turn_off, "reviews", NIL, HOUR, "peak")
        on = does(platform.turn_on, "reviews", NIL)
        async with ground.race(seed, off, on, off):
            open_rows = "select count(*) from platform.switch_off where name = 'reviews' and ended_at is null"
            left = await ground.value(open_rows)
            assert left == (ground.stage.trace[-1][0] != 1)  # whoever comes last
        ground.clock.advance(HOUR)
        ended = does(note_ended, 0)
        async with ground.race(seed, ended, ended) as told:
            assert sorted(told) == [0, left]


async def test_terms_follow_each_other(ground: Ground) -> None:
    async with ground.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("jp", "Japan", "JPY", "en"))
    for seed in SEEDS:
        at = ground.clock.advance(HOUR)

        def set_terms(bp: int, at: Any = at) -> Work:
            return does(sellers.set_terms, sellers.Terms("jp", at, bp, 150, 60, 60, 60, 60, "tests"))

        async with ground.race(seed, set_terms(1), set_terms(2), set_terms(1)) as told:
            assert told in ([None, "terms_not_later", None], ["terms_not_later", None, "terms_not_later"])
            assert await ground.value("select count(*) from sellers.market_terms where market = 'jp' "
                                      "and valid_to is null") == 1  # fmt: skip


async def test_what_is_paused_or_suspended_is_so_once(ground: Ground) -> None:
    seller, offer = ground.counter.sellers[1], ground.counter.offers[2]
    for seed in SEEDS:
        for one, other, code in (
            (does(sellers.suspend, seller), does(sellers.reinstate, seller), "seller_status_is"),
            (does(catalog.pause_offer, 0, seller, offer), does(catalog.resume_offer, 0, seller, offer),
             "offer_status_is"),
        ):  # fmt: skip
            for verb in (one, other):
                async with ground.race(seed, verb, verb) as told:
                    assert [answer == code for answer in told].count(True) == 1


async def test_no_position_in_a_line_is_given_twice(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh(units=2)
        new = NewCampaign("us", "Rush", NOW - HOUR, NOW + timedelta(days=3_000),
                          [NewOffer(ground.counter.offers[0], 1, 1, 1)], 5)  # fmt: skip
        async with ground.db.write() as tx:
            campaign = await open_campaign(tx, new)

        async def join(db: Database, campaign: UUID = campaign) -> list[int | None]:
            lines = Lines(db, Keys(b"a secret of the tests, long enough"))
            return await lines._draw(0, campaign, ground.counter.buyers[:2])

        faster = does(set_admission, campaign, 9, NIL)
        async with ground.race(seed, join, faster, join) as (first, _, second):
            assert sorted(first + second) == [0, 1, 2, 3]


async def test_a_line_of_a_cart_is_set_or_gone(ground: Ground) -> None:
    for seed in SEEDS:
        await ground.fresh()
        buyer, offer = ground.counter.buyers[0], ground.counter.offers[0]
        async with ground.db.write() as tx:
            cart = await orders.own_cart(tx, 0, buyer, "us")
            await orders.add_line(tx, 0, buyer, cart, offer, 1)
        set_ = does(orders.set_quantity, 0, buyer, cart, offer, 7)
        remove = does(orders.remove_line, 0, buyer, cart, offer)
        async with ground.race(seed, set_, remove, remove) as told:
            assert sorted(told[1:], key=str) == [None, NotFound.code()]
            assert await ground.value("select count(*) from orders.cart_line where cart_id = $1", cart) == 0
