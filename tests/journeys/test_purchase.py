"""From cart to statement over HTTP, on the virtual clock, each amount exact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from entrepot import ledger, sellers, worker
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, show
from tests.shop import START, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def test_where_a_purchase_goes_is_told_once_it_is_paid(shop: Shop) -> None:
    seller = await shop.seller()
    offer, buyer = await shop.offer(seller, 500, 10), await shop.buyer(20_000)
    (order,) = await buyer.buy([(offer, 1)])
    staff, path = shop.session(Role.SELLER, new_id(START), seller), f"/v1/seller/orders/{show('ord', order)}/ship-to"
    assert (await shop.http.get(path, headers=staff)).status_code == 200
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', order)}/cancel")).status_code == 204
    assert (await shop.http.get(path, headers=staff)).status_code == 404


async def test_what_a_seller_pays_is_its_own_business(shop: Shop) -> None:
    seller = await shop.seller()
    offer, buyer = await shop.offer(seller, 500, 10), await shop.buyer(20_000)
    (order,) = await buyer.buy([(offer, 1)])
    staff = shop.session(Role.SELLER, new_id(START), seller)
    path = f"orders/{show('ord', order)}"
    told = (await shop.http.get(f"/v1/seller/{path}", headers=staff)).json()["order"]
    assert (told["commission"]["minor"], told["payment_fee"]["minor"]) == (50, 17)
    assert (await shop.http.get("/v1/seller/orders", headers=staff)).json()["items"] == [told]
    seen = (await buyer.send("GET", f"/v1/{path}")).json()["order"]
    assert seen == told | {"commission": None, "payment_fee": None, "fee_tax": None, "withheld": None}
    assert (await buyer.send("GET", f"/v1/groups/{told['group_id']}")).json()["orders"] == [seen]


async def test_a_statement_has_a_limit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seller = await shop.seller()
    offer, buyer = await shop.offer(seller, 500, 10), await shop.buyer(20_000)
    (order,) = await buyer.buy([(offer, 1)])
    staff = shop.session(Role.SELLER, new_id(START), seller)
    parcel = {"carrier": "house", "tracking_number": "L1"}
    await shop.http.post(f"/v1/seller/orders/{show('ord', order)}/ship", json=parcel, headers=staff)
    await buyer.send("POST", f"/v1/orders/{show('ord', order)}/confirm")
    monkeypatch.setattr("entrepot.ledger.reads.MAX_LINES", 2)
    asked = {"currency": "USD", "first": "2026-03-01", "last": "2026-04-30"}
    refused = await shop.http.get("/v1/seller/statement", params=asked, headers=staff)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/statement_too_long")


async def test_a_fault_of_one_job_holds_up_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def spoiled() -> int:
        raise AssertionError("a row that no one thought of")

    async def good() -> int:
        return 7

    monkeypatch.setattr(worker, "FAULT_S", 0)
    assert [await worker.spared(part) for part in (spoiled, good)] == [0, 7]


async def test_a_market_of_a_new_currency_has_accounts_for_sellers_that_are_there(shop: Shop) -> None:
    seller = await shop.seller()
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("jp", "Japan", "JPY", "ja"))
        assert await ledger.account_ids(tx, 0, ["seller"], [seller], ["JPY"]) != [0]


async def test_two_sellers_one_cart_to_statement(shop: Shop) -> None:
    first, second = await shop.seller(), await shop.seller()
    a = await shop.offer(first, 1_999, 10)
    b = await shop.offer(second, 350, 10)
    buyer = await shop.buyer(20_000)

    quote = await buyer.quote([(a, 2), (b, 3)])
    # items 2 x 19.99 + 3 x 3.50; shipping per seller 5.00 + 1.00 a line
    assert quote["items"] == {"minor": 3_998 + 1_050, "currency": "USD"}
    assert quote["shipping"]["minor"] == 600 + 600
    assert quote["total"]["minor"] == 6_248
    placed = await buyer.place(quote)
    assert placed.status_code == 201
    group = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
    assert [order["paid"]["minor"] for order in group["orders"]] == [4_598, 1_650]
    assert group["paid"]["minor"] == 6_248
    assert await shop.balance("wallet", buyer.id) == 20_000 - 6_248
    assert await shop.balance("escrow") == 6_248
    assert await shop.stock(a) == (10, 0, 2)
    await shop.run()
    await shop.audited()

    staff = shop.session(Role.SELLER, new_id(START), first)
    order = group["orders"][0]["id"]
    shipped = await shop.http.post(
        f"/v1/seller/orders/{order}/ship", json={"carrier": "house", "tracking_number": order}, headers=staff
    )
    assert shipped.status_code == 204, shipped.text
    assert await shop.stock(a) == (8, 0, 0)
    shop.clock.advance(timedelta(days=2))
    scan = {"carrier": "house", "tracking_number": order, "status": "delivered", "at": shop.clock.now().isoformat()}
    taken = await shop.http.post("/v1/tracking", json={"scans": [scan]}, headers=shop.operator)
    assert taken.json() == {"delivered": 1}
    await shop.run()
    seen = (await buyer.send("GET", f"/v1/orders/{order}")).json()
    assert seen["order"]["status"] == "delivered"
    await shop.audited()

    confirmed = await buyer.send("POST", f"/v1/orders/{order}/confirm")
    assert confirmed.status_code == 204, confirmed.text
    # 10 % of the goods, 1.5 % of what was paid: 399.8 -> 400, 68.97 -> 69
    assert await shop.balance("commission") == 400
    assert await shop.balance("payment_fee") == 69
    assert await shop.balance("seller", first) == 4_598 - 400 - 69
    assert await shop.balance("escrow") == 1_650

    await shop.run(after=timedelta(days=20))
    assert await shop.balance("seller", first) == 4_129  # held until the bank has delivered it
    await shop.run(after=timedelta(days=5))
    assert await shop.balance("seller", first) == 0
    assert await shop.balance("payout") == 4_129
    statement = await shop.http.get(
        "/v1/seller/statement",
        params={"currency": "USD", "first": "2026-03-01", "last": "2026-04-30"},
        headers=shop.session(Role.SELLER, new_id(START), first),
    )
    found = statement.json()
    assert (found["opening_minor"], found["closing_minor"]) == (0, 0)
    assert [(line["code"], line["amount_minor"]) for line in found["lines"]] == [
        ("release", 4_598), ("payment_fee", -69), ("commission", -400), ("payout", -4_129),
    ]  # fmt: skip
    assert {line["event"] for line in found["lines"][:3]} == {order}
    assert found["lines"][3]["event"].startswith("pay_")
    await shop.audited()


async def test_the_timer_confirms(shop: Shop) -> None:
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 5)
    buyer = await shop.buyer()
    (order,) = await buyer.buy([(offer, 1)])
    await shop.run()
    staff = shop.session(Role.SELLER, new_id(START), seller)
    shown = show("ord", order)
    await shop.http.post(
        f"/v1/seller/orders/{shown}/ship", json={"carrier": "house", "tracking_number": shown}, headers=staff
    )
    await shop.run(after=timedelta(days=29, hours=23))
    assert await shop.balance("commission") == 0
    await shop.run(after=timedelta(hours=2))
    assert await shop.balance("commission") == 100
    await shop.audited()


async def test_cancel_gives_everything_back_once(shop: Shop) -> None:
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 5)
    buyer = await shop.buyer(5_000)
    (order,) = await buyer.buy([(offer, 2)])
    await shop.run()
    assert await shop.balance("wallet", buyer.id) == 5_000 - 2_600
    path = f"/v1/orders/{show('ord', order)}/cancel"
    assert (await buyer.send("POST", path)).status_code == 204
    assert await shop.balance("wallet", buyer.id) == 5_000
    assert await shop.stock(offer) == (5, 0, 0)
    before = await shop.state()
    again = await buyer.send("POST", path)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong_status")
    assert await shop.state() == before
    await shop.audited()


async def test_refund_before_release(shop: Shop) -> None:
    seller = await shop.seller()
    offer = await shop.offer(seller, 1_000, 5)
    buyer = await shop.buyer(5_000)
    (order,) = await buyer.buy([(offer, 1)])
    await shop.run()
    staff = shop.session(Role.SELLER, new_id(START), seller)
    shown = show("ord", order)
    await shop.http.post(
        f"/v1/seller/orders/{shown}/ship", json={"carrier": "house", "tracking_number": shown}, headers=staff
    )
    refunded = await shop.http.post(f"/v1/seller/orders/{shown}/refund", headers=staff)
    assert refunded.status_code == 204, refunded.text
    assert await shop.balance("wallet", buyer.id) == 5_000
    assert await shop.balance("escrow") == 0
    await shop.run(after=timedelta(days=60))
    assert await shop.balance("commission") == 0
    await shop.audited()


async def test_the_operator_sells_on_its_own_account(shop: Shop) -> None:
    own = await shop.seller("own")
    offer = await shop.offer(own, 1_000, 3, cost_minor=333)
    assert await shop.balance("own_stock") == -999
    buyer = await shop.buyer(5_000)
    (order,) = await buyer.buy([(offer, 2)])
    await shop.run()
    staff = shop.session(Role.SELLER, new_id(START), own)
    shown = show("ord", order)
    await shop.http.post(
        f"/v1/seller/orders/{shown}/ship", json={"carrier": "house", "tracking_number": shown}, headers=staff
    )
    assert await shop.balance("cost_of_goods") == -666
    assert await shop.balance("own_stock") == -333
    await buyer.send("POST", f"/v1/orders/{shown}/confirm")
    assert await shop.balance("own_revenue") == 2_600
    assert (await shop.balance("commission"), await shop.balance("payment_fee")) == (0, 0)
    await shop.audited()
