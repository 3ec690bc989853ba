"""A bundle on the pages: what is in it and how many are left, in the cart, in the order, and in its seller's office."""

from __future__ import annotations

from entrepot import catalog
from tests.web.site import Site, text

TIMES = "\N{MULTIPLICATION SIGN}"


async def test_a_bundle_is_shown_whole(site: Site) -> None:
    seller = site.stage.sellers["Harbor Dairy"]
    async with site.db.write() as tx:
        rows = await tx.conn.fetch(
            "select o.id, p.title, p.slug from catalog.offer o join catalog.product p on p.id = o.product_id "
            "where o.seller_id = $1 and o.location_id = 1 order by o.id limit 2",
            seller,
        )
        category = await tx.conn.fetchval("select min(id) from catalog.category")
        new = catalog.NewProduct("Breakfast set", category, [catalog.NewVariant("SET")])
        product = await catalog.add_product(tx, new)
        parts = [catalog.InBundle(row[0], units) for row, units in zip(rows, (1, 15), strict=True)]
        bundle = await catalog.add_bundle(tx, 0, seller, catalog.NewBundle(product.variant_ids[0], 1_999, parts))
    inside = f"1 {TIMES} {rows[0][1]} 15 {TIMES} {rows[1][1]}"
    shop = await site.anonymous.get(f"/p/{product.slug}")
    shown, picture = text(shop), f'"/img/{rows[0][2]}+{rows[1][2]}.svg"'
    assert inside in shown
    assert "Only 2 left" in shown
    assert "$19.99" in shown

    buyer, staff = site.buyer, site.staff("Harbor Dairy")
    await buyer.put_in_cart(product.slug, 2)
    cart = await buyer.get("/cart")
    assert inside in text(cart)
    assert "Only 2 left" in text(cart)
    path = await buyer.to_quote()
    all_of_it = f"2 {TIMES} {rows[0][1]} 30 {TIMES} {rows[1][1]}"
    quote = await buyer.get(path)
    assert all_of_it in text(quote)
    placed = await buyer.send(path, await buyer.form(path, path))
    purchase = await buyer.get(placed.headers["location"])
    assert f"Breakfast set 2 {TIMES} $19.99" in text(purchase)
    assert all_of_it in text(purchase)
    listed = await site.anonymous.get("/search?q=breakfast")
    assert all(picture in page.text for page in (shop, cart, quote, purchase, listed))
    async with site.db.read() as tx:
        order = await tx.conn.fetchval("select id from orders.order order by id desc limit 1")
    assert all_of_it in text(await staff.get(f"/seller/orders/ord_{order.hex}"))
    assert "Nobody has it in stock right now." in text(await site.anonymous.get(f"/p/{product.slug}"))

    office = await staff.get("/seller/bundles")
    assert picture in office.text
    assert inside in text(office)
    assert "SET · Sold out" in text(office)
    fields = await staff.form("/seller/bundles", f"/seller/bundles/{bundle.id}")
    for act, said in (("pause", "It is off sale."), ("resume", "It is on sale again.")):
        sent = await staff.send(f"/seller/bundles/{bundle.id}", fields | {"act": act})
        assert sent.status_code == 303
        assert said in text(await staff.get("/seller/bundles"))
    other = site.staff("Green Acre Farms")
    assert "You have no bundles." in text(await other.get("/seller/bundles"))
    theirs = await other.form("/seller/stock/receive", "/seller/stock/receive")
    refused = await other.send(f"/seller/bundles/{bundle.id}", {"form_token": theirs["form_token"], "act": "pause"})
    assert refused.status_code == 404
