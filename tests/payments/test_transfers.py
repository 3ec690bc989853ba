"""Payouts to sellers' accounts at Stripe: sent there once, whatever gets lost, or the money is the seller's again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import ledger, orders, sellers
from entrepot.kit.ids import NIL, new_id, show
from entrepot.ledger import Transfer
from entrepot.payments import paying_out, transfers
from entrepot.payments.actions import RETRY_AFTER
from entrepot.payments.types import PayoutNotSent
from entrepot.sellers import Market
from tests.payments.providers import Stripe
from tests.payments.test_payouts import suspects
from tests.shop import Shop, open_shop

DAY = timedelta(days=1)


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url, stripe=Stripe.gateway) as opened:
        yield opened
        assert await suspects(opened) == []


async def earned(shop: Shop, *accounts: str | None, currency: str = "USD", minor: int = 9_700) -> list[UUID]:
    """Sellers with 97.00 each, or `minor`, paid to these accounts at Stripe, or by the operator; it is a payout day."""
    ids = [await shop.seller() for _ in accounts]
    for seller, account in zip(ids, accounts, strict=True):
        path = f"/v1/sellers/{show('sel', seller)}/connected-account"
        told = await shop.http.post(path, json={"account": account}, headers=shop.operator)
        assert told.status_code in (200, 202, 204), told.text
        assert (await shop.http.get(path, headers=shop.operator)).json() == {"account": account}
    async with shop.db.write() as tx:
        await ledger.open_accounts(
            tx, cell=0, codes=["seller"] * len(ids), owners=ids, currencies=[currency] * len(ids), limited=False,
            striped=False,
        )  # fmt: skip
        cash, *mine = await ledger.account_ids(tx, 0, ["cash"] + ["seller"] * len(ids), [NIL, *ids],
                                               [currency] * (1 + len(ids)))  # fmt: skip
        await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "top_up", cash, one, minor) for one in mine])
    await shop.run(after=14 * DAY)
    return ids


async def payouts(shop: Shop) -> list[Any]:
    async with shop.db.read() as tx:
        columns = "seller_id, status, destination, external_id, due_at is null as is_over, id"
        return [tuple(row) for row in await tx.conn.fetch(f"select {columns} from payments.payout order by id")]


async def sweep(shop: Shop, stripe: Stripe, after: timedelta = timedelta()) -> int:
    shop.clock.advance(after)
    async with httpx.AsyncClient(transport=stripe) as client:
        return await orders.sweep(shop.db, client, Stripe.gateway, 0)


async def test_a_transfer_is_made_once_and_only_for_whom_it_is(shop: Shop) -> None:
    stripe = Stripe(shop.clock)
    connected, other = await earned(shop, "acct_1", None)
    assert [row[:3] for row in await payouts(shop)] == [(connected, "sent", "acct_1"), (other, "sent", None)]
    payout = (await payouts(shop))[0][-1]
    for verb in (paying_out.settle_payout, paying_out.return_payout):  # a person does not know what Stripe does
        with pytest.raises(PayoutNotSent):
            async with shop.db.write() as tx:
                await verb(tx, payout)
    stripe.refusal = "balance_insufficient"
    assert await sweep(shop, stripe) == 1
    assert (await payouts(shop))[0][1] == "sent"
    stripe.refusal, stripe.cut = "", True
    assert await sweep(shop, stripe, RETRY_AFTER) == 1
    stripe.transfers[0]["amount"] += 1  # nobody knows then what is under way: it is neither sent nor given back
    assert await sweep(shop, stripe, 2 * RETRY_AFTER) == 1
    stripe.transfers[0]["amount"] -= 1
    assert (len(stripe.transfers), (await payouts(shop))[0][1]) == (1, "sent")
    stripe.cut = False
    assert await sweep(shop, stripe, 4 * RETRY_AFTER) == 1
    assert len(stripe.transfers) == 1  # the second was not asked for: the first was found
    made = stripe.transfers[0]
    assert (made["amount"], made["currency"], made["destination"]) == (9_700, "usd", "acct_1")
    assert made["metadata"] == {"reference": show("pay", payout)}
    assert [row[1:5] for row in await payouts(shop)] == [
        ("settled", "acct_1", made["id"], True), ("sent", None, None, False),
    ]  # fmt: skip
    assert [await shop.balance("seller", one) for one in (connected, other)] == [0, 9_700]
    assert await sweep(shop, stripe, DAY) == 0


async def test_transfers_have_their_turn_and_are_told_when_nobody_answers(shop: Shop) -> None:
    """However many payments wait, a quarter of what is asked are transfers; one asked for an hour in vain is stuck."""
    await earned(shop, "acct_1")
    async with shop.db.write() as tx:
        await tx.conn.execute(
            """
            insert into payments.payment (cell, id, group_id, buyer_id, method, currency, amount_minor, status,
                                          external_id, due_at, created_at)
            select 0, i, i, $1, 'stripe', 'USD', 100, 'pending', 'pi_' || i, $2::timestamptz - interval '1 day', $2
              from unnest($3::uuid[]) i
            """,
            NIL, shop.clock.now(), [new_id(shop.clock.now()) for _ in range(8)],
        )  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(429))) as busy:
        assert await orders.sweep(shop.db, busy, Stripe.gateway, 0, 4) == 4
    async with shop.db.write() as tx:
        assert await tx.conn.fetchval("select attempts from payments.payout") == 1
        assert await tx.conn.fetchval("select sum(attempts) from payments.payment where method = 'stripe'") == 3
        await tx.conn.execute("delete from payments.payment where method = 'stripe'")
        await tx.conn.execute("update payments.payout set attempts = 8")
    (item,) = (await shop.http.get("/v1/operator/stuck-payments", headers=shop.operator)).json()["items"]
    (payout,) = await payouts(shop)
    assert (item["kind"], item["id"], item["group_id"], item["amount_minor"], item["gateway_id"]) == (
        "transfer_unanswered", show("pay", payout[-1]), None, 9_700, "acct_1",
    )  # fmt: skip
    path = f"/v1/operator/stuck-payments?after={item['id']}"
    assert (await shop.http.get(path, headers=shop.operator)).json()["items"] == []


async def test_what_stripe_refuses_is_the_sellers_again(shop: Shop) -> None:
    stripe = Stripe(shop.clock)
    stripe.refusal = "account_invalid"
    (seller,) = await earned(shop, "acct_gone")
    assert await sweep(shop, stripe) == 1
    assert [row[1:5] for row in await payouts(shop)] == [("returned", "acct_gone", None, True)]
    async with shop.db.write() as tx:
        await transfers.connect_account(tx, 0, seller, None, NIL)
    await shop.run(after=14 * DAY)
    assert [row[1:3] for row in await payouts(shop)] == [("returned", "acct_gone"), ("sent", None)]


async def test_what_stripe_cannot_write_stays_in_the_account(shop: Shop) -> None:
    """Of 97.123 KWD 97.120 are sent, and 0.003 are too little for a run of their own."""
    stripe = Stripe(shop.clock)
    async with shop.db.write() as tx:
        await sellers.add_market(tx, Market("kw", "kw", "KWD", "en"))
    (seller,) = await earned(shop, "acct_1", currency="KWD", minor=97_123)
    assert await sweep(shop, stripe) == 1
    await shop.run(after=14 * DAY)
    assert [(row[1], row[2]) for row in await payouts(shop)] == [("settled", "acct_1")]
    assert [(one["amount"], one["currency"]) for one in stripe.transfers] == [(97_120, "kwd")]
    async with shop.db.read() as tx:
        assert await ledger.balance(tx, 0, "seller", "KWD", seller) == 3


async def test_an_account_at_stripe_needs_stripe_and_its_form(shop: Shop) -> None:
    path = f"/v1/sellers/{show('sel', await shop.seller())}/connected-account"
    before = await shop.state()
    for account in ("acct_", "ba_1", "acct_1/x", "acct_1\n", "acct_" + "x" * 60):
        told = await shop.http.post(path, json={"account": account}, headers=shop.operator)
        assert told.status_code == 400
    shop.app.state.gateways = {}
    told = await shop.http.post(path, json={"account": "acct_1"}, headers=shop.operator)
    assert (told.status_code, told.json()["type"]) == (409, "/problems/method_not_offered")
    assert await shop.state() == before
