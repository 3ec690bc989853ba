"""A seller's shelves on the pages: received once, corrected with a reason, and refused in words."""

from __future__ import annotations

import asyncio
from uuid import UUID

from entrepot import ledger, sellers
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id
from tests.web.site import Site, Visitor, text


async def receive(visitor: Visitor, **typed: str) -> dict[str, str]:
    """The fields of a filled form."""
    fields = await visitor.form("/seller/stock/receive", "/seller/stock/receive")
    return fields | {"sku": "sku-0", "location_id": "1", "quantity": "5"} | typed


async def shelf_of(site: Site, seller: UUID, sku: str, location: int) -> tuple[int, int, int]:
    """(id, on_hand, cost_minor)."""
    async with site.db.read() as tx:
        row = await tx.conn.fetchrow(
            "select s.id, s.on_hand, s.cost_minor from inventory.stock s join catalog.variant v on v.id = s.variant_id "
            "where s.seller_id = $1 and v.sku = $2 and s.location_id = $3",
            seller, sku, location,
        )  # fmt: skip
    assert row is not None
    return (row[0], row[1], row[2])


async def test_goods_are_received_once(site: Site) -> None:
    staff, harbor = site.staff("Harbor Dairy"), site.stage.sellers["Harbor Dairy"]
    fields = await receive(staff)
    sent = await asyncio.gather(*(staff.send("/seller/stock/receive", fields) for _ in range(2)))
    again = await staff.send("/seller/stock/receive", fields)
    stock, on_hand, _ = await shelf_of(site, harbor, "sku-0", 1)
    assert [(a.status_code, a.headers["location"]) for a in (*sent, again)] == [(303, f"/seller/stock/{stock}")] * 3
    assert on_hand == 45
    shown = text(await staff.get(f"/seller/stock/{stock}"))
    assert "The goods are on stock." in shown
    assert "White Milk, 1 gal" in shown
    assert "Available 45 On hand 45" in shown
    assert "Purchase cost" not in shown
    listed = text(await staff.get("/seller/stock?sku=sku-0"))
    assert "White Milk, 1 gal sku-0 · Pier 1 45 45 0 0" in listed
    assert "sku-1" not in listed


async def test_what_is_not_valid_is_said_beside_what_was_typed(site: Site) -> None:
    staff = site.staff("Harbor Dairy")
    async with site.db.write() as tx:
        await tx.conn.execute(
            "insert into logistics.location (cell, code, name, seller_id, country) values (0, 'x', 'X', $1, 'US')",
            site.stage.sellers["Green Acre Farms"],
        )
        theirs = await tx.conn.fetchval("select max(id) from logistics.location")
    before = await site.state()
    for typed, said in (
        ({"sku": "no such"}, "There are no goods of this SKU."),
        ({"location_id": str(theirs)}, "Choose a location."),
        ({"quantity": "0"}, "Please give a quantity from 1 to 1,000,000."),
        ({"quantity": "many"}, "Please give a quantity from 1 to 1,000,000."),
    ):
        fields = await receive(staff, **typed)
        refused = await staff.send("/seller/stock/receive", fields)
        assert refused.status_code == 400
        assert said in text(refused)
        assert f'value="{fields["key"]}"' in refused.text
        assert f'value="{fields["sku"]}"' in refused.text
    costly = await staff.send("/seller/stock/receive", await receive(staff, cost="1"))
    assert costly.status_code == 303  # a seller's goods have no cost: what the form did not ask for is not looked at
    assert (await site.state())["ledger.transfer"] == before["ledger.transfer"]


async def test_a_count_is_corrected_once_and_not_below_what_was_sold(site: Site) -> None:
    staff, harbor = site.staff("Harbor Dairy"), site.stage.sellers["Harbor Dairy"]
    await site.buyer.buy(site.stage.slugs["White Milk, 1 gal"], 3)
    stock, _, _ = await shelf_of(site, harbor, "sku-0", 1)
    at = f"/seller/stock/{stock}"
    fields = await staff.form(at, "/correct") | {"direction": "fewer", "reason": "damaged"}
    before = await site.state()
    refused = await staff.send(f"{at}/correct", fields | {"quantity": "38"})
    assert refused.status_code == 409
    assert "Of these only 37 can be taken away" in text(refused)
    assert 'value="38"' in refused.text
    assert await site.state() == before
    for _ in range(2):
        done = await staff.send(f"{at}/correct", fields | {"quantity": "37"})
        assert (done.status_code, done.headers["location"]) == (303, at)
    shown = text(await staff.get(at))
    assert "The count is corrected." in shown
    assert "Available 0 On hand 3 Held for open payments 0 Sold, to ship 3" in shown
    assert "\N{MINUS SIGN}37 Damaged" in shown
    more = await staff.form(at, "/correct") | {"direction": "more", "reason": "found", "quantity": "1"}
    await staff.send(f"{at}/correct", more)
    assert (await shelf_of(site, harbor, "sku-0", 1))[1] == 4


async def test_the_operators_own_goods_come_with_their_cost(site: Site) -> None:
    async with site.db.write() as tx:
        own = new_id(tx.now)
        await sellers.open_seller(tx, sellers.SellerId(own), "own", "Own", "own", currencies=["USD"])
    staff = site.visitor(Role.SELLER, site.stage.staff, own)
    before = await site.state()
    for cost in ("", "-1", "1,000", "1.234", "1e3", "9" * 16):
        refused = await staff.send("/seller/stock/receive", await receive(staff, cost=cost))
        assert (refused.status_code, "what all of them cost" in text(refused)) == (400, True), cost
    assert await site.state() == before
    bought = await staff.send("/seller/stock/receive", await receive(staff, cost="12,50"))
    stock, on_hand, cost_minor = await shelf_of(site, own, "sku-0", 1)
    assert (bought.headers["location"], on_hand, cost_minor) == (f"/seller/stock/{stock}", 5, 1_250)
    assert "Purchase cost $12.50" in text(await staff.get(f"/seller/stock/{stock}"))
    async with site.db.read() as tx:
        assert await ledger.balance(tx, 0, "supplier", "USD") == 1_250


async def test_locations_are_added_and_the_sellers_own_come_first(site: Site) -> None:
    staff = site.staff("Harbor Dairy")
    fields = await staff.form("/seller/stock/locations", "/seller/stock/locations")
    new = fields | {"place": "Dock 5", "code": "dock-5", "country": "NL"}
    added = await staff.send("/seller/stock/locations", new)
    assert (added.status_code, added.headers["location"]) == (303, "/seller/stock/locations")
    shown = text(await staff.get("/seller/stock/locations"))
    assert "The location is added." in shown
    assert "Dock 5 dock-5 · Netherlands Address" in shown
    fields = await staff.form("/seller/stock/locations", "/seller/stock/locations/address")
    where = fields | {"line1": "Kade 5", "postal_code": "3011 AB", "city": "Rotterdam"}
    assert (await staff.send("/seller/stock/locations/address", where)).status_code == 303
    assert "dock-5 · Kade 5, 3011 AB Rotterdam, Netherlands" in text(await staff.get("/seller/stock/locations"))
    assert (await staff.send("/seller/stock/locations/address", where | {"location_id": "1"})).status_code == 404
    before = await site.state()
    twice = await staff.send("/seller/stock/locations", new)
    assert (twice.status_code, "has this code already" in text(twice)) == (409, True)
    for typed in ({"place": ""}, {"code": "Dock 5"}, {"country": "xx"}):
        assert (await staff.send("/seller/stock/locations", new | typed)).status_code == 400
    assert await site.state() == before
    assert "Dock 5" not in text(await site.staff("Green Acre Farms").get("/seller/stock/locations"))
    choice = (await staff.get("/seller/stock/receive")).text
    assert choice.index("Dock 5") < choice.index("Pier 1")
