"""Time slots at the peak, as their users meet them: over HTTP, on pages and by the command."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import accounts, catalog, orders, payments, pricing, sellers
from entrepot.kit.ids import new_id, parse, show
from tests.shop import MARKET, Buyer, Shop, open_shop

SLOTS = f"/v1/markets/{MARKET}/shipping/express/slots"


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        async with opened.db.write() as tx:
            await pricing.add_shipping_service(
                tx, pricing.ShippingService(MARKET, "express", "Express", 700, 0, 7_200, 2)
            )
        yield opened


async def add(shop: Shop, capacity: int, **more: Any) -> list[int]:
    """A slot of two hours, 12:00 to 14:00 of the first day (it is 9:00); its cut-off is an hour before."""
    body = {
        "market": MARKET, "shipping": "express", "first_day": "2026-03-02", "starts": "12:00", "ends": "14:00",
        "capacity": capacity, "cutoff_min": 60,
    }  # fmt: skip
    added = await shop.http.post("/v1/operator/slots", json=body | more, headers=shop.operator)
    assert added.status_code == 201, added.text
    ids: list[int] = added.json()["ids"]
    return ids


async def free(shop: Shop) -> dict[int, int]:
    return {one["id"]: one["free"] for one in (await shop.http.get(SLOTS)).json()["items"]}


async def used(shop: Shop) -> dict[tuple[int, str], tuple[int, int]]:
    async with shop.db.read() as tx:
        rows = await tx.conn.fetch("select cell, name, granted, used from pricing.quota order by cell, id")
    return {(row["cell"], row["name"]): (row["granted"], row["used"]) for row in rows}


async def crowd(shop: Shop, offer: int, slot: int, size: int) -> list[tuple[Buyer, UUID]]:
    """So many new buyers with money, each with a stored quote for one unit in the slot."""
    buyers = [new_id(shop.clock.now()) for _ in range(size)]
    async with shop.db.write() as tx:
        await accounts.import_buyers(tx, buyers)
        causes = [new_id(tx.now) for _ in buyers]
        await payments.top_up_many(tx, 0, "USD", buyers, [2_000] * size, causes)
        (facts,) = await catalog.offers_for_quote(tx, 0, [offer])
        wanted = [orders.Purchase(buyer, MARKET, "express", [pricing.Line(facts, 1)], slot=slot) for buyer in buyers]
        quotes = await orders.quote_many(tx, 0, wanted)
    return [(Buyer(shop, buyer, buyer), quote) for buyer, quote in zip(buyers, quotes, strict=True)]


def said(answer: httpx.Response) -> tuple[int, str, int | None]:
    """The status, the kind of the problem and the slot that it names."""
    problem: dict[str, Any] = {"type": ""} if answer.is_success else answer.json()
    return answer.status_code, problem["type"].split("/")[-1], problem.get("slot")


async def test_16_five_hundred_at_once_want_fifty_places(shop: Shop) -> None:
    """LG9, case 16. Fifty have a place, the others are told so and have lost nothing; what one cancels another gets,
    once; after the cut-off nobody orders, by whatever way."""
    offer = await shop.offer(await shop.seller(), 1_000, 1_000)
    (slot,) = await add(shop, 50)
    people = await crowd(shop, offer, slot, 500)
    answers = await asyncio.gather(*(buyer.place({"id": show("quo", quote)}, "k") for buyer, quote in people))
    assert Counter(answer.status_code for answer in answers) == {201: 50, 409: 450}
    told = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(one["type"], one["slot"], one["free"]) for one in told} == {("/problems/slot_full", slot, 0)}
    assert await shop.stock(offer) == (1_000, 0, 50)
    assert await shop.balance("escrow") == 50 * 1_700
    assert await used(shop) == {(0, f"slot:{slot}"): (50, 50)}
    assert await free(shop) == {}
    lucky = next(n for n, answer in enumerate(answers) if answer.status_code == 201)
    late = [n for n, answer in enumerate(answers) if answer.status_code == 409]
    for n in late[:3]:
        assert await shop.balance("wallet", people[n][0].id) == 2_000
    await shop.audited()

    buyer = people[lucky][0]
    group = (await buyer.send("GET", f"/v1/groups/{answers[lucky].json()['id']}")).json()
    for status in (204, 409):  # the place comes back once
        assert (await buyer.send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == status
    assert await free(shop) == {slot: 1}
    some = [people[n] for n in late[:20]]
    again = await asyncio.gather(*(one.place({"id": show("quo", quote)}, "k") for one, quote in some))
    assert Counter(answer.status_code for answer in again) == {201: 1, 409: 19}
    await shop.audited()

    changed = await shop.http.put(f"/v1/operator/slots/{slot}", json={"capacity": 60}, headers=shop.operator)
    assert (changed.json()["capacity"], changed.json()["taken"]) == (60, 50)
    shop.clock.advance(timedelta(minutes=110))  # ten minutes before the cut-off a price is good for ten minutes
    last = await shop.buyer()
    quote = await last.quote([(offer, 1)], shipping="express", slot=slot)
    assert (quote["expires_at"], quote["window"]["starts"]) == ("2026-03-02T11:00:00Z", "2026-03-02T12:00:00")
    shop.clock.advance(timedelta(minutes=10))
    before = await shop.state()
    assert said(await last.place(quote)) == (409, "quote_expired", None)
    cart = (await last.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    chosen = await last.send("PUT", f"/v1/carts/{cart}/shipping", {"code": "express", "slot": slot})
    assert said(chosen) == (409, "slot_closed", slot)
    assert (await shop.http.get(SLOTS)).json() == {"items": []}
    assert await shop.state() == before
    await shop.run()
    await shop.audited()


async def test_a_seller_sees_first_what_is_awaited_first(shop: Shop) -> None:
    """By the cut-off, whichever was bought first; then the rest, the latest first."""
    seller = await shop.seller()
    offer, buyer = await shop.offer(seller, 1_000, 10), await shop.buyer()
    (noon,), (night,) = await add(shop, 5), await add(shop, 5, starts="20:00", ends="22:00")
    bought = []
    for slot in (None, night, None, noon, night):
        quote = await buyer.quote([(offer, 1)], shipping="express" if slot else "standard", slot=slot)
        assert (await buyer.place(quote)).status_code == 201
        bought.append((await buyer.send("GET", f"/v1/groups/grp_{quote['id'][4:]}")).json()["orders"][0]["id"])
    async with shop.db.read() as tx:
        todo = await orders.to_ship(tx, 0, seller)
        later = await orders.to_ship(tx, 0, seller, parse("ord", bought[2]))
    assert [one.order.id for one in todo.awaited] == [bought[3], bought[1], bought[4]]
    assert [one.window.slot for one in todo.awaited] == [noon, night, night]
    assert ([one.id for one in todo.rest], todo.more) == ([bought[2], bought[0]], False)
    assert (later.awaited, [one.id for one in later.rest]) == ([], [bought[0]])


async def test_a_basket_of_two_sellers_takes_two_places_wherever_they_are(shop: Shop) -> None:
    """Three places in two cells. Each order of a basket takes one, from another cell's part if need be, and a canceled
    order gives its own back, once; what is not paid in time, all. What is closed is closed for stored quotes, too."""
    await shop.open_cell(1)
    offers = [await shop.offer(await shop.seller(cell=cell), 1_000, 10, cell=cell) for cell in (0, 1)]
    near, far = await shop.buyer(cell=0), await shop.buyer(cell=1)
    (slot,) = await add(shop, 3)
    name, basket = f"slot:{slot}", [(offer, 1) for offer in offers]
    assert await used(shop) == {(0, name): (2, 0), (1, name): (1, 0)}

    # The far cell has one place and needs two: a price that is asked there moves one.
    wanted = await far.quote(basket, shipping="express", slot=slot)
    assert await used(shop) == {(0, name): (1, 0), (1, name): (2, 0)}
    stored = await near.quote(basket[:1], shipping="express", slot=slot)
    assert said(await far.place(wanted)) == (201, "", None)
    assert await used(shop) == {(0, name): (1, 0), (1, name): (2, 2)}
    with pytest.raises(AssertionError, match="slot_full"):
        await near.quote(basket, shipping="express", slot=slot)

    group = (await far.send("GET", f"/v1/groups/grp_{wanted['id'][4:]}")).json()
    for order, left in zip(group["orders"], (1, 0), strict=True):
        shown = (await far.send("GET", f"/v1/orders/{order['id']}")).json()["window"]
        assert (shown["slot"], shown["starts"], shown["time_zone"]) == (slot, "2026-03-02T12:00:00", "UTC")
        for status in (204, 409):
            assert (await far.send("POST", f"/v1/orders/{order['id']}/cancel")).status_code == status
        assert (await used(shop))[1, name] == (2, left)
        await shop.audited()

    # A seller of goods is not asked when they come by a service without slots; by one that has some it must be said.
    cart = (await near.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    before = await shop.state()
    for body, refusal in (
        ({"code": "express"}, (409, "slot_needed", None)),
        ({"code": "standard", "slot": slot}, (409, "slot_not_offered", slot)),
        ({"code": "express", "slot": slot + 1}, (409, "slot_not_offered", slot + 1)),
    ):
        assert said(await near.send("PUT", f"/v1/carts/{cart}/shipping", body)) == refusal
    assert await shop.state() == before

    async def change(**to: Any) -> httpx.Response:
        return await shop.http.put(f"/v1/operator/slots/{slot}", json=to, headers=shop.operator)

    assert (await change(capacity=3, closed=True)).json()["closed_at"] == "2026-03-02T09:00:00Z"
    assert await free(shop) == {}
    assert said(await near.place(stored)) == (409, "slot_full", slot)
    assert said(await near.send("PUT", f"/v1/carts/{cart}/shipping", {"code": "express", "slot": slot})) == (
        409, "slot_closed", slot,
    )  # fmt: skip
    assert (await change(capacity=3)).json()["closed_at"] is None
    assert said(await near.place(stored)) == (201, "", None)
    assert (await change(capacity=1)).json()["taken"] == 1
    assert await used(shop) == {(0, name): (1, 1), (1, name): (0, 0)}
    assert said(await change(capacity=0)) == (400, "malformed", None)
    assert (await change(capacity=2)).json()["taken"] == 1
    assert said(await near.place(stored)) == (409, "quote_placed", None)

    # A place is held while a payment is awaited, and is free again when that does not come in time.
    late = await near.quote(basket[:1], shipping="express", slot=slot)
    command = orders.Place(near.id, "late", parse("quo", late["id"]), "sandbox")
    assert [one.verdict for one in await orders.place(shop.db, 0, [command])] == ["placed"]
    assert await free(shop) == {}
    assert said(await change(capacity=1)) == (409, "places_taken", slot)
    await shop.run(after=timedelta(minutes=21))
    assert await free(shop) == {slot: 1}
    await shop.audited()


async def test_a_run_of_days_is_said_by_the_market_s_clock(shop: Shop) -> None:
    """Ten o'clock is ten o'clock before and after clocks are put forward; the same run again adds nothing, another
    capacity is refused, and an hour that a day does not have is no slot."""
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("de", "Germany", "EUR", "de", "DE", time_zone="Europe/Berlin"))
        await pricing.add_shipping_service(tx, pricing.ShippingService("de", "bike", "Bike", 0, 0, 7_200, 1))
    run = {"market": "de", "shipping": "bike", "first_day": "2026-03-28", "last_day": "2026-03-30"}
    # A run that is over before it begins opens nothing, and nobody needs to choose.
    over = run | {"first_day": "2026-03-01", "last_day": "2026-03-01"}
    assert await add(shop, 5, **over) == []
    assert [one["slotted"] for one in (await shop.http.get("/v1/markets/de/shipping")).json()["items"]] == [False]
    ids = await add(shop, 5, **run, starts="10:00", ends="12:00")
    assert [one["slotted"] for one in (await shop.http.get("/v1/markets/de/shipping")).json()["items"]] == [True]
    listed = (await shop.http.get("/v1/operator/slots", params={"market": "de"}, headers=shop.operator)).json()["items"]
    assert [(one["id"], one["starts_at"], one["starts"], one["closes_at"]) for one in listed] == [
        (ids[0], "2026-03-28T09:00:00Z", "2026-03-28T10:00:00", "2026-03-28T08:00:00Z"),
        (ids[1], "2026-03-29T08:00:00Z", "2026-03-29T10:00:00", "2026-03-29T07:00:00Z"),
        (ids[2], "2026-03-30T08:00:00Z", "2026-03-30T10:00:00", "2026-03-30T07:00:00Z"),
    ]
    assert await add(shop, 5, **run, starts="10:00", ends="12:00") == []
    assert len(await add(shop, 5, **run, starts="02:00", ends="03:00")) == 2
    body = {**run, "starts": "10:00", "ends": "12:00", "capacity": 6, "cutoff_min": 60}
    before = await shop.state()
    for change, refusal in (
        ({}, (409, "slot_exists", ids[0])),
        ({"shipping": "van"}, (409, "shipping_not_offered", None)),
        ({"ends": "10:00"}, (400, "malformed", None)),
        ({"last_day": "2026-06-28"}, (400, "malformed", None)),
    ):
        told = await shop.http.post("/v1/operator/slots", json=body | change, headers=shop.operator)
        assert said(told) == refusal
    assert await shop.state() == before
