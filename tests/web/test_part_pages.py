"""A part of an order by its pages: the buyer cancels some of it, the seller gives back an amount, both see why."""

from __future__ import annotations

from datetime import timedelta

from entrepot import ledger
from entrepot.kit.ids import NIL, new_id, show
from entrepot.ledger import Transfer
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


async def test_debts_and_reserves_by_the_pages(site: Site) -> None:
    """The seller owes 20.00; the operator writes 5.00 of it off, and will hold back an eighth of what is released."""
    seller = site.stage.sellers["Harbor Dairy"]
    theirs = show("sel", seller)
    async with site.db.write() as tx:
        ids = await ledger.account_ids(tx, 0, ["seller", "payout"], [seller, NIL], ["USD"] * 2)
        await ledger.post_all(tx, 0, [Transfer(new_id(tx.now), "payout", ids[0], ids[1], 2_000)])
    await site.run(after=timedelta(days=3))
    staff, operator = site.staff("Harbor Dairy"), site.operator
    path = f"/operator/debts/{theirs}/write-off"
    assert "Harbor Dairy $20.00" in text(await operator.get("/operator/debts"))
    fields = await operator.form("/operator/debts", theirs) | {"amount": "20.01", "reason": "It is gone."}
    state = await site.state()
    assert "The seller owes only $20.00." in text(await operator.send(path, fields))
    assert await site.state() == state
    assert (await operator.send(path, fields | {"amount": "5"})).is_redirect
    shown = text(await operator.get("/operator/debts"))
    assert ("Harbor Dairy $15.00 Since" in shown, "for 3 days" in shown) == (True, True)
    owing = text(await staff.get("/seller/payouts", **{"accept-language": "de"}))
    assert "Du schuldest 15,00" in owing

    path = f"/operator/sellers/{theirs}/reserve"
    fields = await operator.form(path, path) | {"percent": "12.5", "hold_days": "90", "source": "They are new."}
    for wrong, said in (({"percent": "101"}, "a percentage from 0 to 100"), ({"hold_days": "0"}, "from 1 to 730 days")):
        assert said in text(await operator.send(path, fields | wrong))
    assert (await operator.send(path, fields)).is_redirect
    assert "12.5% 90 They are new." in text(await operator.get(path))
