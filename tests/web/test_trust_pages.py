"""Trust by its pages: odd orders are held and let go, money of some weight is approved by another, reviews are written,
answered, reported and hidden, and each act of staff stands in the log."""

from __future__ import annotations

from uuid import UUID

from entrepot import accounts, ledger, logistics, orders
from entrepot.kit.auth import Role
from entrepot.kit.ids import show
from tests.web.site import Site, Visitor, text
from tests.web.stage import PASSWORD


async def wallet(site: Site) -> int:
    async with site.db.read() as tx:
        return await ledger.balance(tx, 0, "wallet", "USD", site.stage.buyer)


async def second(site: Site) -> Visitor:
    """Another operator."""
    async with site.db.write() as tx:
        other = await accounts.add_staff(tx, Role.OPERATOR, None, "second@example.org", "Second", PASSWORD)
    return site.visitor(Role.OPERATOR, other)


async def press(who: Visitor, page: str, action: str, /, **more: str) -> str:
    """Fills the form of a page whose action has `action` in it, sends it, and reads where it leads."""
    fields = await who.form(page, action)
    shown = await who.get(page)
    target = next(part.split('"')[0] for part in shown.text.split('action="')[1:] if action in part.split('"')[0])
    sent = await who.send(target, fields | more)
    assert sent.status_code == 303, text(sent)
    return text(await who.get(sent.headers["location"])).replace("&#39;", "'")


async def test_money_of_some_weight_is_approved_by_another(site: Site) -> None:
    ann, bob = site.operator, await second(site)
    limit = {"action": "top_up", "currency": "USD", "amount": "10.00"}
    refused = await ann.send("/operator/approvals", await ann.form("/operator/approvals", "/operator/approvals") | limit
                             | {"amount": "ten"})  # fmt: skip
    assert refused.status_code == 400
    assert "$10.00" in await press(ann, "/operator/approvals", "/operator/approvals", **limit)
    before = await wallet(site)
    asked = {"user_id": show("usr", site.stage.buyer), "amount": "25.00"}
    await press(ann, "/operator/top-up", "/operator/top-up", **asked)
    assert await wallet(site) == before
    page = text(await bob.get("/operator/approvals"))
    assert "Top up a wallet" in page
    assert "$25.00" in page
    state = await site.state()
    await press(ann, "/operator/approvals", "/operator/approvals/apr", act="approve")  # says why not
    assert await site.state() == state
    said = await press(bob, "/operator/approvals", "/operator/approvals/apr", act="approve", note="By phone.")
    assert "Nothing waits for a second person." in said
    assert "By phone." in said
    assert await wallet(site) == before + 2_500

    await press(ann, "/operator/top-up", "/operator/top-up", **asked)
    await press(bob, "/operator/approvals", "/operator/approvals/apr", act="refuse", note="No.")
    assert await wallet(site) == before + 2_500
    log = text(await bob.get("/operator/audit?route=approvals"))
    assert "/operator/approvals/{approval_id}" in log
    assert "By phone." in log
    rows = await bob.get("/operator/audit.csv?route=approvals")
    assert (rows.headers["content-type"].split(";")[0], len(rows.text.splitlines()) > 3) == ("text/csv", True)


async def test_an_odd_order_is_held_and_let_go(site: Site) -> None:
    operator, buyer = site.operator, site.buyer
    rule = {"name": "many", "kind": "buyer", "source": "tests", "then": "released", "hold_hours": "48",
            "within_hours": "24", "count": "1", "amount": "1.00"}  # fmt: skip
    fields = await operator.form("/operator/fraud", "/operator/fraud")
    assert (await operator.send("/operator/fraud", fields | rule | {"name": "Not this"})).status_code == 400
    assert "Many purchases of one buyer" in await press(operator, "/operator/fraud", "/operator/fraud", **rule)
    await buyer.buy(site.stage.slugs["White Milk, 1 gal"])
    await site.run()
    held = text(await operator.get("/operator/holds"))
    assert "many" in held
    assert "Harbor Dairy" in held
    state = await site.state()
    empty = await operator.form("/operator/holds", "/operator/holds/ord") | {"act": "release", "note": ""}
    async with site.db.read() as tx:
        order: UUID = await tx.conn.fetchval("select id from orders.order")
    assert (await operator.send(f"/operator/holds/{show('ord', order)}", empty)).status_code == 400
    assert await site.state() == state
    await press(operator, "/operator/holds", "/operator/holds/ord", act="release", note="Known to us.")
    async with site.db.write() as tx:
        await orders.ship_many(tx, 0, [logistics.NewShipment(order, "house", "1")])
    assert "ended" in await press(operator, "/operator/fraud", "/operator/fraud/many/end")


async def test_a_review_is_written_answered_reported_and_hidden(site: Site) -> None:
    buyer, staff, operator = site.buyer, site.staff("Harbor Dairy"), site.operator
    slug = site.stage.slugs["White Milk, 1 gal"]
    await buyer.buy(slug)
    async with site.db.write() as tx:
        order = await tx.conn.fetchval("select id from orders.order")
        await orders.ship_many(tx, 0, [logistics.NewShipment(order, "house", "1")])
        out = [logistics.Scan("house", "1", "delivered", tx.now)]
        await logistics.track(tx, 0, out)
    await site.run()
    path = f"/orders/{show('ord', order)}/reviews"
    words = {"stars": "2", "seller_stars": "4", "text": "It is <b>sour</b>."}
    await press(buyer, path, "/review", **words)
    await site.run()
    shown = await site.anonymous.get(f"/p/{slug}/reviews")
    assert ("<b>sour" in shown.text, "sour" in shown.text) == (False, True)
    assert "sour" in (await site.anonymous.get(f"/p/{slug}")).text
    other = site.staff("Green Acre Farms")
    assert "sour" not in (await other.get("/seller/reviews")).text
    await press(staff, "/seller/reviews", "/answer", text="We are sorry.")
    await press(site.other, f"/p/{slug}/reviews", "/report", reason="insult")
    assert "reported once" in text(await operator.get("/operator/reviews"))
    await press(operator, "/operator/reviews", "/operator/reviews/rvw", act="hide", why="Rude.")
    await site.run()
    assert "sour" not in (await site.anonymous.get(f"/p/{slug}/reviews")).text
    assert "The marketplace does not show this review." in text(await buyer.get(path))
    assert "We are sorry." in text(await buyer.get(path))
    log = text(await staff.get("/seller/audit"))
    assert "/seller/reviews/{review_id}/answer" in log
