"""The page of a purchase: as many queries whatever is in it, and a purchase that is not paid yet can be taken back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from entrepot import orders, payments
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import parse, show
from entrepot.payments import steps
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


async def unpaid(site: Site, method: str = "sandbox") -> str:
    keys = ("sk_test_1", "pk_test_1") if method == "stripe" else ()
    gateway = payments.Gateway("http://127.0.0.1:1", "http://shop.test", b"a secret of the tests", method, *keys)
    site.app.state.gateways = {method: gateway}
    site.app.state.placing = orders.Placing(site.db, gateways=[method])
    buyer = site.buyer
    await buyer.put_in_cart(site.stage.slugs[ONE])
    path = await buyer.to_quote()
    placed = await buyer.send(path, await buyer.form(path, path) | {"method": method})
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


async def test_the_page_where_a_card_is_given_to_stripe(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its buyer alone gets the secret, on a page that alone may run Stripe's script; asked of Stripe each time."""
    buyer, path = site.buyer, await unpaid(site, "stripe")
    assert (await buyer.get(f"{path}/pay")).headers["location"] == path  # Stripe does not know of it yet
    group = parse("grp", path.rpartition("/")[2])
    async with site.db.write() as tx:
        update = "update payments.payment set status = 'pending', external_id = 'pi_1', redirect_url = $2 where id = $1"
        await tx.conn.execute(update, group, f"{path}/pay")
        amount = await tx.conn.fetchval("select amount_minor from payments.payment where id = $1", group)
    intent = {
        "id": "pi_1", "status": "requires_payment_method", "amount": amount, "currency": "usd",
        "metadata": {"reference": show("pmt", group)}, "client_secret": "pi_1_secret_x",
        "last_payment_error": {"type": "card_error", "code": "expired_card"},
    }  # fmt: skip
    status = 200

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=intent)

    monkeypatch.setattr(steps, "open_client", lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    assert f'href="{path}/pay"' in (await buyer.get(path)).text
    shown = await buyer.get(f"{path}/pay")
    assert shown.status_code == 200
    for said in (
        'data-key="pk_test_1"', 'data-secret="pi_1_secret_x"', f'data-back="{path}"', "The last try was refused",
                 '<script src="https://js.stripe.com/v3/" defer>'):  # fmt: skip
        assert said in shown.text
    assert "script-src 'self' https://js.stripe.com" in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "no-store"
    assert [(await visitor.get(f"{path}/pay")).status_code for visitor in (site.other, site.anonymous)] == [404, 303]
    assert "js.stripe.com" not in (await buyer.get(path)).headers.get("content-security-policy", "")
    intent["status"] = "requires_capture"
    assert (await buyer.get(f"{path}/pay")).headers["location"] == path
    status = 500
    assert (await buyer.get(f"{path}/pay")).status_code == 503
    intent["amount"], status = 1, 200
    assert (await buyer.get(f"{path}/pay")).status_code == 503
