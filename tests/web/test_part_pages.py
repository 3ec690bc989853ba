"""A part of an order by its pages: the buyer cancels some of it, the seller gives back an amount, both see why."""

from __future__ import annotations

from entrepot.kit.ids import show
from tests.web.site import Site, text


async def test_a_part_of_an_order_goes_back_by_the_pages(site: Site) -> None:
    buyer, staff = site.buyer, site.staff("Harbor Dairy")
    purchase = await buyer.buy(site.stage.slugs["White Milk, 1 gal"], 3)
    async with site.db.read() as tx:
        order = show("ord", await tx.conn.fetchval("select id from orders.order"))
    path = f"/orders/{order}/cancel-lines"
    assert path in (await buyer.get(purchase)).text
    fields = await buyer.form(path, path) | {"line_no": "1", "quantity": "1"}
    state = await site.state()
    refused = await buyer.send(path, fields | {"quantity": "4"})
    assert (refused.status_code, "Only 3 of these are left" in text(refused)) == (409, True)
    assert 'value="4"' in refused.text
    assert (await site.other.get(path)).status_code == 404
    assert (await site.staff("Green Acre Farms").get(f"/seller{path}")).status_code == 404
    assert await site.state() == state
    assert (await buyer.send(path, fields)).headers["location"] == purchase
    page = await buyer.get(purchase)
    # 3 for 3.89, and 6.00 of shipping: a third of 17.67.
    for said in ("It is canceled", "Canceled by the buyer : 1", "$5.89 of $5.89 went back"):
        assert said in text(page)

    path = f"/seller/orders/{order}/refund-line"
    fields = await staff.form(path, path) | {"line_no": "1", "amount": "1.00", "reason": "It <is> late."}
    for wrong, said in (({"amount": "99"}, "Only $11.78 of what was paid"), ({"reason": ""}, "Please say why")):
        refused = await staff.send(path, fields | wrong)
        assert said in text(refused), text(refused)
    assert (await staff.send(path, fields)).headers["location"] == f"/seller/orders/{order}"
    # Of 11.78 with 0.78 of commission and 0.18 of fee 1.00 has 0.06 and 0.01.
    assert "<is>" not in (await buyer.get(purchase)).text
    shown = text(await staff.get(f"/seller/orders/{order}"))
    assert "$1.00 of $1.00 went back; $0.93 from the seller, $0.07 from the marketplace" in shown
    german = text(await site.buyer.get(purchase, **{"accept-language": "de"}))
    for said in ("Vom Händler erstattet", "Insgesamt erstattet 6,89", "Einen Teil stornieren"):
        assert said in german
