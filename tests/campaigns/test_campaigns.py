"""Campaigns through HTTP: when and what they sell, to whom, and what becomes of what they do not."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.campaigns.selling import Wish, sell_many
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, parse, show
from entrepot.kit.problem import NotFound
from tests.acceptance.test_borders_modes import returned
from tests.campaigns.stage import LISTED, MINUTE, PRICE, SHIPPING, Stage, buy, problem
from tests.shop import START

pytestmark = pytest.mark.anyio


async def test_a_purchase_is_quoted_and_placed_in_one_step(stage: Stage) -> None:
    path, offer = await stage.running()
    buyer = await stage.shop.buyer(10_000)
    placed = await buy(buyer, path, offer, 2)
    assert (placed.status_code, placed.json()["status"]) == (201, "placed")
    group = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
    assert group["paid"] == {"minor": 2 * PRICE + SHIPPING, "currency": "USD"}
    assert await stage.shop.balance("wallet", buyer.id) == 10_000 - 2 * PRICE - SHIPPING
    assert await stage.shop.stock(offer) == (5, 0, 2)
    assert await stage.shop.stock(stage.offer) == (5, 0, 0)
    await stage.shop.audited()


async def test_nothing_is_sold_before_the_start_or_from_the_end_on(stage: Stage) -> None:
    path, offer = await stage.campaign()
    buyer = await stage.shop.buyer()
    before = await stage.shop.state()
    early = await buy(buyer, path, offer)
    assert problem(early) == {
        "type": "campaign_not_started", "status": 409, "starts_at": (START + 10 * MINUTE).isoformat()[:19] + "Z",
    }  # fmt: skip
    assert await stage.shop.state() == before
    stage.shop.clock.advance(10 * MINUTE - timedelta(microseconds=1))
    assert (await buy(buyer, path, offer)).status_code == 409
    stage.shop.clock.advance(timedelta(microseconds=1))
    assert (await buy(buyer, path, offer)).status_code == 201
    stage.shop.clock.advance(60 * MINUTE)
    before = await stage.shop.state()
    late = await buy(buyer, path, offer)
    assert problem(late) == {
        "type": "campaign_over", "status": 409, "ends_at": (START + 70 * MINUTE).isoformat()[:19] + "Z",
    }  # fmt: skip
    assert await stage.shop.state() == before


async def test_nothing_is_sent_over_a_border(stage: Stage) -> None:
    """What a border takes is said before it is paid; a purchase in one step could not say it."""
    path, offer = await stage.running()
    buyer = await stage.shop.buyer()
    abroad = {
        "recipient": "Ada Byron", "line1": "1 Main Street", "city": "Hull", "postal_code": "HU1 1AA", "country": "GB"
    }  # fmt: skip
    address = (await buyer.send("POST", "/v1/addresses", abroad)).json()["id"]
    before = await stage.shop.state()
    refused = await buy(buyer, path, offer, address_id=address)
    assert problem(refused) == {"type": "not_sent_abroad", "status": 409, "country": "US"}
    assert await stage.shop.state() == before
    assert (await buy(buyer, path, offer)).status_code == 201


async def test_a_rule_that_comes_later_takes_it_from_the_pages_at_once(stage: Stage) -> None:
    """Nobody is offered what nobody may be sold; who has bought is still told so."""
    shop = stage.shop
    path, offer = await stage.running()
    buyer = await shop.buyer()
    bought = await buy(buyer, path, offer, key="bought")
    async with shop.db.read() as tx:
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where cell = 0 and id = $1", offer)
    said = await shop.http.put(f"/v1/variants/{variant}/traits", json={"traits": ["lead"]}, headers=shop.operator)
    rule = {
        "countries": ["US"], "effect": "prohibited", "traits": ["lead"], "citation": "16 CFR 1303.4",
        "text": {"en": "Lead paint is banned."}, "valid_from": "2026-03-02",
    }  # fmt: skip
    ruled = await shop.http.put("/v1/sale-rules/lead", json=rule, headers=shop.operator)
    assert (said.status_code, ruled.status_code) == (200, 204)
    stage.tick()
    await shop.app.state.desk.view.refresh()
    listed = (await shop.http.get("/v1/campaigns", params={"market": "us"})).json()["items"]
    assert (listed, (await shop.http.get(path)).json()["offers"]) == ([], [])
    page = (await shop.http.get(path.removeprefix("/v1"), headers={"accept-language": "en"})).text
    assert ("This is not sold here: Lead paint is banned." in page, "to buy" in page) == (True, False)
    assert problem(await buy(buyer, path, offer))["type"] == "not_sold_there"
    assert (await buy(buyer, path, offer, key="bought")).json() == bought.json()


async def test_ordinary_sales_do_not_eat_what_is_set_aside(stage: Stage) -> None:
    path, offer = await stage.running(units=7)
    buyer = await stage.shop.buyer()
    assert len(await buyer.buy([(stage.offer, 3)])) == 1
    refused = await buyer.place(await buyer.quote([(stage.offer, 1)]))
    assert problem(refused) == {"type": "sold_out", "status": 409, "offer_id": stage.offer, "available": 0}
    assert await stage.left(path) == 7
    assert (await buy(buyer, path, offer, 2)).status_code == 201
    await stage.shop.audited()


async def test_more_than_there_is_cannot_be_set_aside(stage: Stage) -> None:
    before = await stage.shop.state()
    refused = await stage.open(units=11)
    assert problem(refused) == {"type": "stock_promised", "status": 409, "available": 10}
    assert await stage.shop.state() == before


async def test_a_campaign_s_offer_is_in_no_list_and_in_no_cart(stage: Stage) -> None:
    _, offer = await stage.running()
    buyer = await stage.shop.buyer()
    listed = (await stage.shop.http.get("/v1/products", params={"market": "us"})).json()["items"]
    assert [item["price"]["minor"] for item in listed] == [LISTED]
    cart = (await buyer.send("POST", "/v1/carts", {"market": "us"})).json()["id"]
    added = await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": offer, "quantity": 1})
    assert problem(added) == {"type": "offer_unavailable", "status": 409, "offer_id": offer}
    seller = stage.shop.session(Role.SELLER, NIL, stage.shop.sellers[0])
    priced = await stage.shop.http.put(f"/v1/seller/offers/{offer}/price", json={"unit_price_minor": 1}, headers=seller)
    assert priced.status_code == 404


async def test_what_is_set_aside_is_counted_when_it_is_back(stage: Stage) -> None:
    """Of a campaign that is settled nobody looks at its row any more: what was found there would lie there for good."""
    _, offer = await stage.running(units=1)
    seller = stage.shop.session(Role.SELLER, NIL, stage.shop.sellers[0])
    async with stage.shop.db.read() as tx:
        aside = await tx.conn.fetchval("select stock_id from catalog.offer where id = $1", offer)
    before = await stage.shop.state()
    path, found = f"/v1/seller/stock/{aside}", {"direction": "more", "units": 1, "reason": "found"}
    assert (await stage.shop.http.get(path, headers=seller)).status_code == 404
    told = await stage.shop.http.post(f"{path}/adjustments", json=found, headers=seller | {"idempotency-key": "k"})
    assert told.status_code == 404
    assert await stage.shop.state() == before


async def test_a_buyer_s_limit_is_in_units_and_comes_back_with_a_canceled_order(stage: Stage) -> None:
    path, offer = await stage.running(units=5, limit=3)
    buyer = await stage.shop.buyer()
    first = await buy(buyer, path, offer, 2)
    before = await stage.shop.state()
    refused = await buy(buyer, path, offer, 2)
    name = f"campaign:{parse('cmp', path.rpartition('/')[2]).hex}:{offer}"
    assert problem(refused) == {"type": "limit_reached", "status": 409, "limit": name, "available": 1}
    assert await stage.shop.state() == before
    group = (await buyer.send("GET", f"/v1/groups/{first.json()['id']}")).json()
    assert (await buyer.send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == 204
    stage.tick()
    assert await stage.left(path) == 5
    assert (await buy(buyer, path, offer, 3)).status_code == 201
    assert problem(await buy(buyer, path, offer))["available"] == 0
    assert await stage.shop.stock(offer) == (5, 0, 3)
    await stage.shop.audited()


async def test_an_unpaid_purchase_gives_back_its_units_and_its_limit(stage: Stage) -> None:
    path, offer = await stage.running(units=2, limit=2)
    buyer, other = await stage.shop.buyer(0), await stage.shop.buyer()
    held = await buy(buyer, path, offer, 2, method="sandbox")
    assert (held.status_code, held.json()["status"]) == (201, "awaiting_payment")
    assert problem(await buy(other, path, offer))["type"] == "sold_out"
    await stage.shop.run(after=25 * MINUTE)
    assert await stage.shop.stock(offer) == (2, 0, 0)
    assert (await buy(other, path, offer, 2)).status_code == 201
    assert problem(await buy(buyer, path, offer))["type"] == "sold_out"
    await stage.shop.audited()


async def test_what_is_not_sold_goes_back_when_it_is_over_and_what_is_canceled_later_too(stage: Stage) -> None:
    path, offer = await stage.running(units=5)
    buyer = await stage.shop.buyer()
    placed = await buy(buyer, path, offer, 2)
    await stage.shop.run(after=60 * MINUTE)
    assert await stage.shop.stock(offer) == (2, 0, 2)
    assert await stage.shop.stock(stage.offer) == (8, 0, 0)
    group = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
    assert (await buyer.send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == 204
    await stage.shop.run()
    assert await stage.shop.stock(offer) == (0, 0, 0)
    assert await stage.shop.stock(stage.offer) == (10, 0, 0)
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select settled from campaigns.offer")
    await stage.shop.audited()


async def test_what_comes_back_is_with_the_ordinary_goods(stage: Stage) -> None:
    """Also when nothing was left of the campaign, which is settled then; and while another unit is still for sale."""
    shop = stage.shop
    staff = shop.session(Role.SELLER, NIL, shop.sellers[0])
    for units, over, shelf, aside in ((1, True, 9, 0), (2, False, 8, 1)):
        path, offer = await stage.running(units=units)
        buyer = await shop.buyer()
        group = (await buy(buyer, path, offer)).json()["id"]
        order = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]
        parcel = {"carrier": "house", "tracking_number": order}
        await shop.run()
        assert (await shop.http.post(f"/v1/seller/orders/{order}/ship", json=parcel, headers=staff)).status_code == 204
        assert (await buyer.send("POST", f"/v1/orders/{order}/confirm")).status_code == 204
        await shop.run(after=over * 70 * MINUTE)
        assert (await shop.stock(stage.offer), await shop.stock(offer)) == ((shelf, 0, 0), (aside, 0, 0))
        await returned(shop, buyer, staff, order, 1, PRICE)
        await shop.run()
        assert (await shop.stock(stage.offer), await shop.stock(offer)) == ((shelf + 1, 0, 0), (aside, 0, 0))
        await shop.audited()


async def test_the_operator_ends_a_campaign(stage: Stage) -> None:
    path, offer = await stage.running()
    assert (await stage.shop.http.post(f"{path}/end", headers=stage.shop.operator)).status_code == 204
    stage.tick()
    assert problem(await buy(await stage.shop.buyer(), path, offer))["type"] == "campaign_over"
    again = await stage.shop.http.post(f"{path}/end", headers=stage.shop.operator)
    assert problem(again)["type"] == "campaign_over"
    await stage.shop.run()
    assert await stage.shop.stock(stage.offer) == (10, 0, 0)


async def test_own_goods_are_set_aside_with_their_cost(stage: Stage) -> None:
    own = await stage.shop.seller("own")
    stage.offer = await stage.shop.offer(own, LISTED, 3, cost_minor=333)
    path, offer = await stage.running(units=2)
    async with stage.shop.db.read() as tx:
        rows = await tx.conn.fetch("select on_hand, cost_minor, currency from inventory.stock order by id desc limit 2")
    assert [tuple(row) for row in rows] == [(2, 666, "USD"), (1, 333, "USD")]
    buyer = await stage.shop.buyer()
    assert (await buy(buyer, path, offer)).status_code == 201
    await stage.shop.run(after=60 * MINUTE)
    assert await stage.shop.stock(stage.offer) == (2, 0, 0)
    await stage.shop.audited()


@pytest.mark.parametrize(
    ("change", "status", "type_"),
    [
        ({"quantity": 0}, 400, "malformed"),
        ({"shipping": "teleport"}, 409, "shipping_not_offered"),
        ({"address_id": show("adr", NIL)}, 404, "not_found"),
        ({"offer_id": 10**9}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_bought_changes_nothing(
    stage: Stage, change: dict[str, object], status: int, type_: str
) -> None:
    path, offer = await stage.running()
    buyer = await stage.shop.buyer()
    before = await stage.shop.state()
    fields = {"offer": offer} | {("offer" if k == "offer_id" else k): v for k, v in change.items()}
    refused = await buy(buyer, path, **fields)  # type: ignore[arg-type]
    assert (refused.status_code, problem(refused)["type"]) == (status, type_)
    assert await stage.shop.state() == before


async def test_in_a_batch_too_the_address_is_the_buyer_s_own(stage: Stage) -> None:
    path, offer = await stage.running()
    ada, eve = await stage.shop.buyer(), await stage.shop.buyer()
    campaign = parse("cmp", path.rpartition("/")[2])
    wishes = [Wish(who.id, "k", campaign, offer, 1, ada.address, "standard", "wallet") for who in (eve, ada)]
    theirs, own = await stage.shop.db.transact(lambda tx: sell_many(tx, 0, 0, wishes))
    assert isinstance(theirs, NotFound)
    assert isinstance(own, UUID)


async def test_who_cannot_pay_consumes_nothing(stage: Stage) -> None:
    path, offer = await stage.running(units=1)
    poor, rich = await stage.shop.buyer(PRICE + SHIPPING - 1), await stage.shop.buyer(PRICE + SHIPPING)
    before = await stage.shop.state()
    refused = await buy(poor, path, offer)
    assert problem(refused) == {"type": "wallet_too_low", "status": 409, "available_minor": PRICE + SHIPPING - 1}
    assert await stage.shop.state() == before
    async with stage.shop.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from orders.quote") == 0
    assert (await buy(rich, path, offer)).status_code == 201
    await stage.shop.audited()


async def test_a_campaign_is_of_one_cell_and_sells_to_buyers_of_any(stage: Stage) -> None:
    """Of the seller in cell 2; its five units are wanted in four cells, at most two by each buyer."""
    shop = stage.shop
    for cell in (1, 2, 3):
        await shop.open_cell(cell)
    there = await shop.offer(await shop.seller(cell=2), LISTED, 6, cell=2)
    offers = [{"offer_id": there, "unit_price_minor": PRICE, "units": 5, "max_per_buyer": 2}]
    path, offer = await stage.running(offers=offers)
    both = [*offers, offers[0] | {"offer_id": stage.offer}]
    assert problem(await stage.open(offers=both))["type"] == "not_found"
    low, _, home, high = buyers = [await shop.buyer(2 * PRICE + SHIPPING, cell) for cell in range(4)]

    first = await buy(high, path, offer, 2, key="once")
    assert (first.status_code, first.json()["status"]) == (201, "placed"), first.text
    assert await shop.balance("wallet", high.id, cell=3) == 0
    assert await shop.balance("escrow", cell=2) == 2 * PRICE + SHIPPING
    before = await shop.state()
    assert (await buy(high, path, offer, 2, key="once")).json() == first.json()
    assert problem(await buy(high, path, offer, 1, key="once"))["type"] == "key_conflict"
    assert problem(await buy(high, path, offer))["available"] == 0
    assert await shop.state() == before

    assert [(await buy(buyer, path, offer)).status_code for buyer in buyers[:3]] == [201] * 3
    assert await shop.stock(offer) == (5, 0, 5)
    stage.tick()
    before = await shop.state()
    assert problem(await buy(low, path, offer)) == {
        "type": "sold_out", "status": 409, "offer_id": offer, "available": 0
    }  # fmt: skip
    async with stage.process() as http:  # which has sold nothing
        assert (await buy(high, path, offer, 2, key="once", http=http)).json() == first.json()
        assert problem(await buy(home, path, offer, http=http))["type"] == "sold_out"
    assert await shop.state() == before

    group = (await high.send("GET", f"/v1/groups/{first.json()['id']}")).json()
    assert (await high.send("POST", f"/v1/orders/{group['orders'][0]['id']}/cancel")).status_code == 204
    assert await shop.balance("wallet", high.id, cell=3) == 2 * PRICE + SHIPPING
    assert await stage.left(path) == 2
    assert (await buy(high, path, offer, 2)).status_code == 201
    assert await shop.stock(offer) == (5, 0, 5)
    async with shop.db.read() as tx:
        assert await tx.conn.fetchval("select array_agg(distinct cell) from orders.order") == [2]
        assert await tx.conn.fetchval("select count(*) from orders.quote") == 2 * 5 - 1  # in both cells, at home in one
    await shop.run(after=60 * MINUTE)
    assert await shop.stock(there) == (1, 0, 0)
    await shop.audited()


async def test_who_is_refused_in_another_cell_leaves_nothing_there(stage: Stage) -> None:
    shop = stage.shop
    await shop.open_cell(1)
    path, offer = await stage.running(units=2, limit=2)
    poor, payer = await shop.buyer(PRICE + SHIPPING - 1, 1), await shop.buyer(0, 1)
    before = await shop.state()
    refused = await buy(poor, path, offer)
    assert problem(refused) == {"type": "wallet_too_low", "status": 409, "available_minor": PRICE + SHIPPING - 1}
    assert await shop.state() == before
    async with shop.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from orders.quote") == 0
    held = await buy(payer, path, offer, 2, method="sandbox")
    assert (held.status_code, held.json()["status"]) == (201, "awaiting_payment")
    assert await shop.stock(offer) == (2, 2, 0)
    await shop.run(after=25 * MINUTE)
    assert await shop.stock(offer) == (2, 0, 0)
    stage.tick()
    assert (await buy(payer, path, offer, 2, method="sandbox")).status_code == 201
    await shop.audited()
