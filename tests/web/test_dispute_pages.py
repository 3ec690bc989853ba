"""A dispute by its pages: the buyer complains with a picture, the seller offers, the operator decides."""

from __future__ import annotations

from datetime import timedelta

from entrepot import ledger, logistics, orders
from entrepot.kit.ids import show
from tests.web.site import Site, Visitor, text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300 + b"\r\n--\r\n"


async def complaint(site: Site, buyer: Visitor) -> str:
    """The page on which an order of two gallons, which was sent, is disputed."""
    await buyer.buy(site.stage.slugs["White Milk, 1 gal"], 2)
    async with site.db.write() as tx:
        order = await tx.conn.fetchval("select id from orders.order")
        await orders.ship_many(tx, 0, [logistics.NewShipment(order, "house", "1")])
    return f"/orders/{show('ord', order)}/dispute"


async def wallet(site: Site) -> int:
    async with site.db.read() as tx:
        return await ledger.balance(tx, 0, "wallet", "USD", site.stage.buyer)


async def test_a_dispute_goes_its_way_by_the_pages(site: Site) -> None:
    buyer, staff, operator = site.buyer, site.staff("Harbor Dairy"), site.operator
    path = await complaint(site, buyer)
    fields = await buyer.form(path, path) | {
        "kind": "wrong_or_damaged", "line_no": "1", "quantity": "1", "text": "It is <b>sour</b>.",
    }  # fmt: skip
    del fields["file"]
    state = await site.state()
    for wrong, said in (
        ({"quantity": "3"}, "Only 2 of these are left"),
        ({"text": ""}, "Please say in at most 4,000 characters"),
    ):
        refused = await buyer.http.post(path, data=fields | wrong, files={"file": ("", b"")})
        assert (refused.status_code in (400, 409), said in text(refused)) == (True, True), refused.text
    script = await buyer.http.post(path, data=fields, files={"file": ("a.svg", b"<svg onload=alert(1)>")})
    assert "A file must be a JPEG" in text(script)
    assert await site.state() == state
    opened = await buyer.http.post(path, data=fields, files={"file": ("milk.png", PNG)})
    dispute = opened.headers["location"]
    page = text(await buyer.get(dispute))
    for said in ("The dispute is open.", "The seller is to answer", "It is wrong or damaged", "milk.png"):
        assert said in page
    assert "<b>sour" not in (await buyer.get(dispute)).text
    theirs = dispute.rpartition("/")[2]
    async with site.db.read() as tx:
        claimed, step = await tx.conn.fetchrow("select d.claimed_minor, s.id from disputes.dispute d, disputes.step s")
    shown = await operator.get(f"/operator/disputes/{theirs}/files/{show('stp', step)}")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"

    assert theirs in (await staff.get("/seller/disputes")).text
    answer = await staff.form(f"/seller/disputes/{theirs}", theirs)
    del answer["file"]
    assert (await staff.send(f"/seller/disputes/{theirs}", answer | {"act": "answer", "amount": "0.50"})).is_redirect
    assert "The seller offers $0.50" in text(await buyer.get(dispute))
    escalate = {"form_token": fields["form_token"], "act": "escalate", "text": "No."}
    assert (await buyer.send(dispute, escalate)).is_redirect
    assert "The dispute has moved on" in text(await buyer.send(dispute, escalate | {"act": "accept"}))
    assert theirs in (await operator.get("/operator/disputes")).text
    verdict = await operator.form(f"/operator/disputes/{theirs}", theirs)
    decide = verdict | {"act": "decide", "amount": "1.00", "text": "A dollar."}
    assert "what was paid for the disputed goods" in text(
        await operator.send(f"/operator/disputes/{theirs}", decide | {"amount": "900"})
    )
    assert (await operator.send(f"/operator/disputes/{theirs}", decide)).is_redirect
    before = await wallet(site)
    await site.run(after=timedelta(days=7))
    assert await wallet(site) == before + 100 < before + claimed
    # A page of seven days later, by a buyer who reads German.
    german = text(await site.buyer.get(dispute, **{"accept-language": "de"}))
    for said in ("Abgeschlossen", "Der Käufer bekommt zurück 1,00", "Es kam nicht rechtzeitig eine Antwort"):
        assert said in german


async def test_what_is_unwanted_is_sent_back_by_the_pages(site: Site) -> None:
    buyer, staff = site.buyer, site.staff("Harbor Dairy")
    path = await complaint(site, buyer)
    shown = await buyer.get(f"{path}?kind=unwanted")
    assert "Send it back" in text(shown)
    assert 'name="kind" value="unwanted"' in shown.text
    fields = await buyer.form(f"{path}?kind=unwanted", path) | {"line_no": "1", "quantity": "1", "text": "Sour."}
    del fields["file"]
    opened = await buyer.http.post(path, data=fields, files={"file": ("", b"")})
    dispute = opened.headers["location"]
    assert "The buyer is to send it back" in text(await buyer.get(dispute))
    sent = {"form_token": fields["form_token"], "act": "send_back", "text": "Post, RR 1"}
    assert (await buyer.send(dispute, sent)).is_redirect
    theirs = f"/seller/disputes/{dispute.rpartition('/')[2]}"
    answer = await staff.form(theirs, theirs)
    del answer["file"]
    written_off = answer | {"act": "inspect", "amount": "2.00", "restock": ""}
    assert (await staff.send(theirs, written_off)).is_redirect
    async with site.db.read() as tx:
        assert await tx.conn.fetchval("select restocked from orders.part_line") == 0
    german = text(await site.buyer.get(dispute, **{"accept-language": "de"}))
    for said in (
        "Rücksendung",
        "Der Verkäufer bietet 2,00",
        "Ich habe es zurückgeschickt",
        "Es ist zurück; diesen Betrag anbieten",
    ):
        assert said in german
