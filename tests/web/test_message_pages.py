"""What was told and how, on pages: a buyer's wishes, and the operator's list of what could not be sent."""

from __future__ import annotations

from entrepot import notify
from tests.web.site import Site, text
from tests.web.stage import failed_message


async def test_wishes_are_kept_and_what_failed_is_sent_again(site: Site) -> None:
    buyer, operator = site.buyer, site.operator
    purchase = await buyer.buy(site.stage.slugs["White Milk, 1 gal"])
    assert purchase.startswith("/orders/")
    fields = await buyer.form("/messages", "/messages")
    del fields["deliveries"]
    done = await buyer.send("/messages", fields | {"language": "de", "phone": "+4930123456"})
    assert done.headers["location"] == "/messages"
    async with site.db.read() as tx:
        wish = await notify.preference(tx, site.stage.buyer)
    assert wish == notify.Preference("de", "+4930123456", ["deliveries"])  # its box was not ticked
    refused = await buyer.send("/messages", fields | {"phone": "call me"})
    assert refused.status_code == 400

    async with site.db.write() as write:
        order = await write.conn.fetchval("select id from orders.order")
        message = await failed_message(write, site.stage.buyer, order)
    listed = text(await operator.get("/operator/messages"))
    assert "Your order is on its way" in listed
    assert "smtp: 550" in listed
    said = text(await operator.get(f"/operator/messages/msg_{message.hex}"))
    assert "hat deine Bestellung an den Versand gegeben" in said
    again = f"/operator/messages/msg_{message.hex}/resend"
    assert (await operator.send(again, await operator.form("/operator/messages", again))).status_code == 303
    assert "Nothing yet." in text(await operator.get("/operator/messages"))
    assert "Deine Bestellung ist unterwegs" in text(await buyer.get("/messages?lang=de"))
