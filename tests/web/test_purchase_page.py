"""The page of a purchase: as many queries whatever is in it, and a purchase that is not paid yet can be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot import orders, payments
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import show
from tests.web.site import Site, text

ONE, TWO, THREE = "White Milk, 1 gal", "Carrots, 2 lb", "Dark Roast Coffee, 12 oz"


async def bought(site: Site, *titles: str) -> str:
    """The path of a purchase of these, each from another seller, one of them shipped."""
    buyer = site.buyer
    for title in titles:
        await buyer.put_in_cart(site.stage.slugs[title])
    path = await buyer.to_quote()
    placed = await buyer.send(path, await buyer.form(path, path))
    await site.run()
    staff = site.staff("Harbor Dairy")
    async with site.db.read() as tx:
        order = show("ord", await tx.conn.fetchval(
            "select id from orders.order where seller_id = $1 and status = 'paid'", site.stage.sellers["Harbor Dairy"]
        ))  # fmt: skip
    fields = await staff.form("/seller", "/ship")
    await staff.send(f"/seller/orders/{order}/ship", fields | {"tracking_number": f"HX {len(titles)}"})
    return str(placed.headers["location"])


async def test_as_many_queries_for_three_orders_as_for_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one, three = await bought(site, ONE), await bought(site, ONE, TWO, THREE)
    asked: list[str] = []
    for verb in ("all", "maybe"):
        real = getattr(ReadTx, verb)

        async def noted(tx: ReadTx, query: Any, real: Any = real, **args: Any) -> Any:
            asked.append(query.text)
            return await real(tx, query, **args)

        monkeypatch.setattr(ReadTx, verb, noted)
    buyer = site.buyer
    counts = []
    for path in (one, three):
        await buyer.get(path)  # what is said once is said now
        asked.clear()
        assert (await buyer.get(path)).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 13
    page = text(await buyer.get(three))
    for said in (
        "Harbor Dairy",
        "Green Acre Farms",
        "Northside Roasters",
        ONE,
        TWO,
        THREE,
        "HX 3",
        "Ships from Pier 1",
    ):
        assert said in page
    assert "HX 1" not in page


async def unpaid(site: Site) -> str:
    site.app.state.gateway = payments.Gateway("http://127.0.0.1:1", "http://shop.test", b"a secret of the tests")
    site.app.state.placing = orders.Placing(site.db, gateway_offered=True)
    buyer = site.buyer
    await buyer.put_in_cart(site.stage.slugs[ONE])
    path = await buyer.to_quote()
    placed = await buyer.send(path, await buyer.form(path, path) | {"method": "sandbox"})
    return str(placed.headers["location"])


async def test_an_unpaid_purchase_is_taken_back(site: Site) -> None:
    buyer, path = site.buyer, await unpaid(site)
    shown = await buyer.get(path)
    assert "Your payment is still open" in text(shown)
    assert shown.headers["refresh"] == "2"
    fields = await buyer.form(path, "/cancel-unpaid")
    before = await site.state()
    foreign = await site.other.send(f"{path}/cancel-unpaid", await site.other.form("/account", "/sign-out"))
    assert (foreign.status_code, await site.state()) == (404, before)
    done = await buyer.send(f"{path}/cancel-unpaid", fields)
    assert (done.status_code, done.headers["location"]) == (303, path)
    page = await buyer.get(path)
    assert "Nothing more has to be paid." in text(page)
    assert "You canceled this purchase before it was paid." in text(page)
    assert "cancel-unpaid" not in page.text
    assert "refresh" not in page.headers
    again = await buyer.send(f"{path}/cancel-unpaid", fields)
    assert again.status_code == 303
    assert "It is now: Canceled." in text(await buyer.get(path))


async def test_a_payment_that_came_too_late_is_told_of(site: Site) -> None:
    buyer, path = site.buyer, await unpaid(site)
    await buyer.send(f"{path}/cancel-unpaid", await buyer.form(path, "/cancel-unpaid"))
    async with site.db.write() as tx:
        await tx.conn.execute("update payments.payment set status = 'returning', captured_at = created_at")
    page = text(await buyer.get(path))
    assert "All of it goes back to where it came from." in page
    assert "Nothing was charged" not in page
