"""Two cells beside each other: what is sold in one is paid, sent, delivered and settled there, and the other's books
say nothing of it. Whoever speaks from outside (the operator, a carrier) need not know the cell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import accounts, orders
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, parse, show
from tests.shop import MARKET, START, Buyer, Shop, open_shop


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        await opened.open_cell(1)
        yield opened
        await opened.audited()


async def fill_wallet(shop: Shop, buyer: Buyer, amount_minor: int) -> None:
    body = {"user_id": show("usr", buyer.id), "currency": "USD", "amount_minor": amount_minor}
    key = {"idempotency-key": new_id(START).hex}
    done = await shop.http.post("/v1/top-ups", json=body, headers=shop.operator | key)
    assert done.status_code == 201, done.text


async def test_each_cell_goes_the_whole_way_by_itself(shop: Shop) -> None:
    sold, scans = {}, []
    for cell in (0, 1):
        seller = await shop.seller(cell=cell)
        offer = await shop.offer(seller, 1_000, 10, cell=cell)
        buyer = await shop.buyer(0, cell)
        await fill_wallet(shop, buyer, 10_000 + cell)
        (order,) = await buyer.buy([(offer, 2 + cell)])
        sold[cell] = (seller, offer, buyer, order)
    await shop.run()
    for cell, (seller, _, _, order) in sold.items():
        staff = shop.session(Role.SELLER, new_id(START), seller, cell)
        parcel = {"carrier": "house", "tracking_number": f"C{cell}"}
        sent = await shop.http.post(f"/v1/seller/orders/{show('ord', order)}/ship", json=parcel, headers=staff)
        assert sent.status_code == 204, sent.text
        at = shop.clock.now().isoformat()
        scans.append({"carrier": "house", "tracking_number": f"C{cell}", "status": "delivered", "at": at})

    before = await shop.state()
    strange = {"scans": [*scans, scans[0] | {"tracking_number": "nobody's"}]}
    assert (await shop.http.post("/v1/tracking", json=strange, headers=shop.operator)).status_code == 404
    assert await shop.state() == before
    told = await shop.http.post("/v1/tracking", json={"scans": scans}, headers=shop.operator)
    assert (told.status_code, told.json()) == (200, {"delivered": 2})

    await shop.run()
    for _, _, buyer, order in sold.values():
        assert (await buyer.send("GET", f"/v1/orders/{show('ord', order)}")).json()["order"]["status"] == "delivered"
    await shop.run(after=timedelta(days=25))  # past the buyers' time to object, and a payout
    await shop.run(after=timedelta(days=5))  # which the bank does not return
    for cell, (seller, offer, buyer, _) in sold.items():
        paid = 1_000 * (2 + cell) + 600
        assert await shop.stock(offer) == (8 - cell, 0, 0)
        assert await shop.balance("wallet", buyer.id, cell) == 10_000 + cell - paid
        assert await shop.balance("wallet", buyer.id, 1 - cell) == 0
        assert await shop.balance("escrow", cell=cell) == await shop.balance("seller", seller, cell) == 0
        earned = [await shop.balance(code, cell=cell) for code in ("commission", "payment_fee", "payout")]
        assert sum(earned) == paid
        assert min(earned) > 0


async def test_the_operator_and_the_home_page_see_all_cells(shop: Shop) -> None:
    for cell in (0, 1):
        offer = await shop.offer(await shop.seller(cell=cell), 1_000, 10, cell=cell)
        await (await shop.buyer(cell=cell)).buy([(offer, 2 + cell)])
    told = await shop.http.get("/v1/operator/days", params={"market": MARKET}, headers=shop.operator)
    assert told.json()["items"] == [
        {"day": f"{START:%Y-%m-%d}", "groups": 2, "orders": 2, "paid_minor": 2_600 + 3_600, "commission_minor": 500}
    ]
    async with shop.db.read() as tx:
        assert len(await orders.bought_lately(tx, 10)) == 2
        assert len(await orders.bought_lately(tx, 1)) == 1
    page = await shop.http.get("/operator", headers={"cookie": f"session={shop.operator['authorization'][7:]}"})
    assert "62.00" in page.text, page.text


async def four(shop: Shop) -> list[tuple[UUID, int]]:
    """A seller in each of four cells, with 5 units at 10.00 each."""
    for cell in (2, 3):
        await shop.open_cell(cell)
    sellers = [await shop.seller(cell=cell) for cell in range(4)]
    return [(seller, await shop.offer(seller, 1_000, 5, cell=cell)) for cell, seller in enumerate(sellers)]


async def between(shop: Shop) -> list[int]:
    return [await shop.balance("between_cells", cell=cell) for cell in range(4)]


@pytest.mark.parametrize("home", [0, 2])
async def test_a_basket_of_all_cells_goes_the_whole_way(shop: Shop, home: int) -> None:
    sold = await four(shop)
    buyer = await shop.buyer(10_000, home)
    quote = await buyer.quote([(offer, 1 + cell) for cell, (_, offer) in enumerate(sold)])
    assert (quote["total"]["minor"], quote["lines"]) == (10_000 + 4 * 600, 4)
    before = await shop.state()
    refused = await buyer.place(quote)
    assert (refused.status_code, refused.json()["available_minor"]) == (409, 10_000)
    assert await shop.state() == before
    await fill_wallet(shop, buyer, 2_400)
    placed = await buyer.place(quote, "k")
    again = await buyer.place(quote, "k")
    assert (placed.status_code, again.json()) == (201, placed.json())
    assert (await buyer.place(quote, "other")).json()["type"] == "/problems/quote_placed"

    assert [await shop.stock(offer) for _, offer in sold] == [(5, 0, 1 + cell) for cell in range(4)]
    paid = [1_000 * (1 + cell) + 600 for cell in range(4)]
    assert [await shop.balance("escrow", cell=cell) for cell in range(4)] == paid
    assert await between(shop) == [12_400 - paid[c] if c == home else -paid[c] for c in range(4)]
    group = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
    assert [order["paid"]["minor"] for order in group["orders"]] == paid
    orders_ = [parse("ord", order["id"]) for order in group["orders"]]
    carts = await shop.http.get("/v1/groups", headers=buyer.headers)
    assert [item["paid"]["minor"] for item in carts.json()["items"]] == [12_400]
    await shop.run()

    # The first is shipped and confirmed, the second canceled by its buyer, the third by its seller, the last refunded.
    staff = [shop.session(Role.SELLER, new_id(START), seller, cell) for cell, (seller, _) in enumerate(sold)]
    for cell in (0, 3):
        path = f"/v1/seller/orders/{show('ord', orders_[cell])}"
        assert (await shop.http.get(f"{path}/ship-to", headers=staff[cell])).json()["recipient"] == "Ada Byron"
        parcel = {"carrier": "house", "tracking_number": f"S{cell}"}
        assert (await shop.http.post(f"{path}/ship", json=parcel, headers=staff[cell])).status_code == 204
    await shop.run()
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', orders_[0])}/confirm")).status_code == 204
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', orders_[1])}/cancel")).status_code == 204
    canceled = await shop.http.post(f"/v1/seller/orders/{show('ord', orders_[2])}/cancel", headers=staff[2])
    refunded = await shop.http.post(f"/v1/seller/orders/{show('ord', orders_[3])}/refund", headers=staff[3])
    assert (canceled.status_code, refunded.status_code) == (204, 204)
    seen = [(await buyer.send("GET", f"/v1/orders/{show('ord', id_)}")).json()["order"]["status"] for id_ in orders_]
    assert seen == ["completed", "canceled", "canceled", "refunded"]
    stranger = await shop.buyer(0, 1)
    before = await shop.state()
    assert (await stranger.send("POST", f"/v1/orders/{show('ord', orders_[0])}/cancel")).status_code == 404
    late = await buyer.send("POST", f"/v1/orders/{show('ord', orders_[3])}/cancel")
    assert (late.status_code, await shop.state()) == (409, before)

    assert [await shop.stock(offer) for _, offer in sold] == [(4, 0, 0), (5, 0, 0), (5, 0, 0), (1, 0, 0)]
    assert await shop.balance("wallet", buyer.id, home) == 12_400 - paid[0]
    owed = [0] * 4
    owed[home] += paid[0]
    owed[0] -= paid[0]
    assert await between(shop) == owed
    await shop.run(after=timedelta(days=25))


async def test_a_sellers_staff_works_in_its_cell(shop: Shop) -> None:
    seller = await shop.seller(cell=1)
    async with shop.db.write() as tx:
        staff = await accounts.add_staff(tx, Role.SELLER, seller, "sel@example.org", "Sel", "no hash")
        assert await accounts.cell_of(tx, staff) == 1
