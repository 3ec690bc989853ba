"""Webhooks on pages: a secret is shown once, what was sent is sent again, and nobody sees another's."""

from __future__ import annotations

import re
from datetime import timedelta

from entrepot import webhooks
from entrepot.kit.events import consume
from tests.web.site import Site, fields_of, text


async def test_a_webhook_from_its_making_to_its_end(site: Site) -> None:
    staff, rival = site.staff("Harbor Dairy"), site.staff("Green Acre Farms")
    whole = await staff.form("/webhooks", "/webhooks")
    fields = {name: whole[name] for name in ("form_token", "back")}  # no box is ticked
    refused = await staff.send("/webhooks", fields | {"url": "https://10.0.0.1/"})
    assert (refused.status_code, "Please choose at least one." in text(refused)) == (400, True)
    chosen = fields | {"url": "https://seller.example/hook", "order_paid": "yes"}
    refused = await staff.send("/webhooks", chosen | {"url": "https://10.0.0.1/"})
    assert (refused.status_code, "everybody can reach" in text(refused)) == (400, True)
    made = await staff.send("/webhooks", chosen)
    assert made.headers["cache-control"] == "no-store"
    (secret,) = re.findall(r"whsec_[\w+/=]+", made.text)
    (path,) = set(re.findall(r"/webhooks/whk_\w{32}", made.text))
    shown = await staff.get(path)
    assert (shown.status_code, secret in shown.text, "order.paid" in shown.text) == (200, False, True)
    for stranger, status in ((rival, 404), (site.operator, 404), (site.buyer, 404), (site.anonymous, 303)):
        assert (await stranger.get(path)).status_code == status
    assert "seller.example" not in (await rival.get("/webhooks")).text
    assert (await site.operator.get("/webhooks")).status_code == 200

    await site.buyer.buy(site.stage.slugs["White Milk, 1 gal"])
    await consume(site.db, webhooks.CONSUMERS[0], 0)
    async with site.db.write() as tx:
        await tx.conn.execute("update webhooks.delivery set due_at = $1", tx.now - timedelta(seconds=90))
    waits = "entrepot_webhooks_waiting_seconds"
    assert re.findall(rf"^{waits} (.*)$", (await site.anonymous.get("/metrics")).text, re.MULTILINE) == ["90.0"]
    async with site.db.write() as tx:
        await tx.conn.execute("update webhooks.delivery set status = 'failed', answer = 'timeout'")
    listed = text(await staff.get(f"{path}?lang=de"))
    assert "Konnte nicht verschickt werden" in listed
    assert "keine Antwort in der Zeit" in listed
    again = next(iter(re.findall(rf"{path}/deliveries/evt_\w+/resend", (await staff.get(path)).text)))
    for action in (again, f"{path}/test", f"{path}/off", f"{path}/on"):
        done = await staff.send(action, await staff.form(path, action))
        assert (done.status_code, done.headers["location"]) == (303, path)
    changed = fields_of((await staff.get(path)).text.partition('id="change"')[2], path)
    assert changed["url"] == "https://seller.example/hook"
    assert (await staff.send(path, changed | {"url": "https://seller.example/b"})).headers["location"] == path
    rotated = await staff.send(f"{path}/rotate", await staff.form(path, f"{path}/rotate"))
    (other,) = re.findall(r"whsec_[\w+/=]+", rotated.text)
    assert other != secret
    assert "auch mit dem vorigen Geheimnis" in text(rotated)
    gone = await staff.send(f"{path}/remove", await staff.form(path, f"{path}/remove"))
    assert (gone.headers["location"], (await staff.get(path)).status_code) == ("/webhooks", 404)
    async with site.db.read() as tx:  # an address may have a secret in it, too
        assert tuple(await tx.conn.fetchrow("select url, secret from webhooks.endpoint")) == ("", b"")
