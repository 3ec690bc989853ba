"""Time slots on pages: the operator opens some, a buyer chooses one, and everybody is told when it comes."""

from __future__ import annotations

from entrepot.kit.ids import parse
from entrepot.notify import writing
from entrepot.notify.types import Message
from tests.web.site import Site, text

HOURS = "10:00\N{EN DASH}12:00"


async def test_a_slot_is_opened_chosen_told_and_closed(site: Site) -> None:
    operator, buyer = site.operator, site.buyer
    assert "There are no time slots ahead." in text(await operator.get("/operator/slots"))
    fields = await operator.form("/operator/slots", "/operator/slots") | {
        "shipping": "express", "first_day": "2026-03-03", "last_day": "2026-03-09", "starts": "10:00", "ends": "12:00",
        "capacity": "1", "cutoff_min": "60",
    }  # fmt: skip
    before = await site.state()
    for wrong, said in (
        ({"last_day": "2026-07-01"}, "one of the 91 days after the first"),
        ({"ends": "10:00"}, "a time later than the first"),
        ({"capacity": "0"}, "a number of places from 1 to 1,000,000"),
    ):
        refused = await operator.send("/operator/slots", fields | wrong)
        assert (refused.status_code, said in text(refused)) == (400, True)
    assert await site.state() == before
    assert (await operator.send("/operator/slots", fields)).status_code == 303
    assert f"Tue, Mar 3, 2026, {HOURS}" in text(await operator.get("/operator/slots"))

    await buyer.put_in_cart(site.stage.slugs[next(iter(site.stage.slugs))])
    shown = text(await buyer.get("/checkout"))
    for said in (
        "Express : choose a time",
        f"Mon, Mar 9, 2026, {HOURS}",
        "1 place free",
        "order until Mar 3, 2026,",
    ):
        assert said in shown, shown
    choices = await buyer.form("/checkout", "/checkout")
    assert "Please choose when it is to come." in text(await buyer.send("/checkout", choices | {"shipping": "express"}))
    assert (await buyer.send("/checkout", choices | {"shipping": "express x"})).status_code == 400
    chosen = await buyer.send("/checkout", choices | {"shipping": "express 1"})
    quote = chosen.headers["location"]
    assert f"Express Tue, Mar 3, 2026, {HOURS}" in text(await buyer.get(quote))
    placed = await buyer.send(quote, await buyer.form(quote, quote))
    assert f"Di., 3. März 2026, {HOURS}" in text(await buyer.get(placed.headers["location"] + "?lang=de"))
    assert f"Mar 3, 2026, {HOURS}" not in text(await buyer.get("/checkout?lang=en"))  # it is full

    group = parse("grp", placed.headers["location"].partition("?")[0].rpartition("/")[2])
    async with site.db.read() as tx:
        order, seller = (await tx.conn.fetch("select id, seller_id from orders.order where group_id = $1", group))[0]
        for kind, party, about in (("paid", "buyer", group), ("new_order", "seller", order)):
            message = Message(
                0, order, site.stage.buyer, "mail", party, kind, about, {}, "de", "due", tx.now, 0, None, ""
            )
            written = await writing.write(tx, message, "http://shop.test")
            assert written is not None
            assert f"Lieferung: Di., 3. März 2026, {HOURS}." in written.text
    name = next(name for name, id_ in site.stage.sellers.items() if id_ == seller)
    for path in (f"/seller/orders/ord_{order.hex}", "/seller"):
        assert f"To be delivered: Tue, Mar 3, 2026, {HOURS}" in text(await site.staff(name).get(path))

    less = await operator.send(
        "/operator/slots/2", await operator.form("/operator/slots", "/slots/2") | {"act": "closed"}
    )
    assert less.status_code == 303
    assert "Mar 4" not in text(await buyer.get("/checkout"))
    assert "closed" in text(await operator.get("/operator/slots"))
