"""Forms: what they do once, what they refuse, and that a refused one changed nothing."""

from __future__ import annotations

import asyncio
import re
from time import monotonic

import pytest

from entrepot import sellers
from entrepot.kit.ids import show
from tests.web.site import Site, text
from tests.web.stage import HOSTILE, MARKET, PASSWORD


async def test_a_form_without_its_token_changes_nothing(site: Site) -> None:
    buyer = site.buyer
    fields = await buyer.form(f"/p/{site.stage.slugs['Carrots, 2 lb']}", "/cart/add")
    others = (await site.other.form("/account", "/sign-out"))["form_token"]
    before = await site.state()
    for token in ("", "0" * 64, others):
        refused = await buyer.send("/cart/add", fields | {"form_token": token})
        assert refused.status_code == 403
        assert "Nothing was changed" in text(refused)
    del fields["form_token"]
    assert (await buyer.send("/cart/add", fields)).status_code == 403
    assert await site.state() == before


MULTIPART = {"content-type": "multipart/form-data; boundary=b"}
NAMED = b'--b\r\nContent-Disposition: form-data; name="text"'


async def test_a_made_up_form_of_parts_costs_nothing(site: Site) -> None:
    """Anybody may send one, and all others wait until it is read: the standard library needs minutes for these."""
    began = monotonic()
    for body in (
        b"--b\r\n\r\n" * 150_000, NAMED + b"; a*1=x" * 150_000 + b"\r\n\r\nx\r\n--b--",
        NAMED + b";\r\n" + b" a=b;\r\n" * 100_000 + b"\r\n\r\nx\r\n--b--", NAMED + b"\r\n\r\n\xff\r\n--b--",
        b"".join(b"--b%d\r\nContent-Type: multipart/x; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(5_000)),
        NAMED + b"\r\n\r\nx", NAMED + b"\r\n\r\nx\r\n" + NAMED * 50 + b"\r\n--b--", b"x", b"--b--", b"--b\r\n--b--",
    ):  # fmt: skip
        refused = await site.anonymous.http.post("/seller/chargebacks/x", content=body, headers=MULTIPART)
        assert refused.status_code in (303, 400), body[:80]
    assert monotonic() - began < 5


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.test"}])
@pytest.mark.parametrize("path", ["/cart/add", "/sign-in", "/register", "/sign-out"])
async def test_a_form_from_another_site_changes_nothing(site: Site, path: str, headers: dict[str, str]) -> None:
    buyer = site.buyer
    fields = await buyer.form(f"/p/{site.stage.slugs['Carrots, 2 lb']}", "/cart/add")
    before = await site.state()
    refused = await buyer.send(path, fields, **headers)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert await site.state() == before


async def test_placing_twice_places_once(site: Site) -> None:
    buyer = site.buyer
    await buyer.put_in_cart(site.stage.slugs["White Milk, 1 gal"], 2)
    path = await buyer.to_quote("HARBOR10")
    fields = await buyer.form(path, path)
    double = await asyncio.gather(buyer.send(path, fields), buyer.send(path, fields))
    again = await buyer.send(path, fields)
    assert [answer.status_code for answer in (*double, again)] == [303] * 3
    assert len({answer.headers["location"] for answer in (*double, again)}) == 1
    async with site.db.read() as tx:
        assert await tx.conn.fetchval("select count(*) from orders.order_group") == 1
    page = text(await buyer.get(again.headers["location"]))
    # 2 x 3.89 + 5.00 + 1.00 - 10 % of 7.78
    assert "$7.78" in page
    assert "\N{MINUS SIGN}$0.78" in page
    assert "$13.00" in page
    assert (await buyer.get(path)).headers["location"] == again.headers["location"]
    assert "Your cart is empty." in text(await buyer.get("/cart"))


async def test_a_purchase_is_shipped_and_confirmed(site: Site) -> None:
    buyer, staff = site.buyer, site.staff("Harbor Dairy")
    purchase = await buyer.buy(site.stage.slugs["White Milk, 1 gal"])
    await site.run()
    fields = await staff.form("/seller", "/ship")
    async with site.db.read() as tx:
        order = show("ord", await tx.conn.fetchval("select id from orders.order"))
    shipped = await staff.send(f"/seller/orders/{order}/ship", fields | {"tracking_number": "HX 1"})
    assert (shipped.status_code, shipped.headers["location"]) == (303, "/seller")
    assert "The order is marked as shipped." in text(await staff.get("/seller"))
    assert "The order is marked as shipped." not in text(await staff.get("/seller"))
    assert "HX 1" in text(await buyer.get(purchase))
    confirmed = await buyer.send(f"/orders/{order}/confirm", await buyer.form(purchase, "/confirm"))
    assert confirmed.headers["location"] == purchase
    assert "The seller is paid now." in text(await buyer.get(purchase))
    statement = text(await staff.get("/seller/statement"))
    # paid 3.89 + 6.00; commission 10 % of 3.89, fee 1.5 % of 9.89
    for amount in ("$9.89", "-$0.39", "-$0.15", "$9.35"):
        assert amount in statement


async def test_a_refused_form_leads_back_and_says_why(site: Site) -> None:
    buyer = site.buyer
    purchase = await buyer.buy(site.stage.slugs["White Milk, 1 gal"])
    async with site.db.read() as tx:
        order = show("ord", await tx.conn.fetchval("select id from orders.order"))
    fields = await buyer.form(purchase, "/cancel")
    assert (await buyer.send(f"/orders/{order}/cancel", fields)).headers["location"] == purchase
    before = await site.state()
    second = await buyer.send(f"/orders/{order}/cancel", fields)
    assert (second.status_code, second.headers["location"]) == (303, purchase)
    assert "It is now: Canceled." in text(await buyer.get(purchase))
    assert await site.state() == before


async def test_sold_out_and_an_empty_wallet_are_said_kindly(site: Site) -> None:
    buyer = site.buyer
    await buyer.put_in_cart(site.stage.slugs["White Milk, 1 gal"], 41)
    path = await buyer.to_quote()
    before = await site.state()
    refused = await buyer.send(path, await buyer.form(path, path))
    assert (refused.status_code, refused.headers["location"]) == (303, path)
    assert "only 40 now" in text(await buyer.get(path))
    await buyer.send("/cart/change", await buyer.form("/cart", "/cart/change") | {"quantity": "40", "act": "set"})
    await buyer.put_in_cart(site.stage.slugs["Roses, Bouquet of 12"], 30)
    path = await buyer.to_quote()
    before = await site.state()
    await buyer.send(path, await buyer.form(path, path))
    assert "Your wallet holds $250.00" in text(await buyer.get(path))
    assert await site.state() == before


async def test_signing_in_and_out(site: Site) -> None:
    visitor = site.anonymous
    wrong = await visitor.send("/sign-in", {"email": "ada@example.org", "password": "no", "next": "/cart"})
    assert wrong.status_code == 401
    assert "do not fit together" in text(wrong)
    assert 'value="ada@example.org"' in wrong.text
    away = await visitor.send("/sign-in", {"email": "ada@example.org", "password": PASSWORD, "next": "//evil.test/"})
    assert (away.status_code, away.headers["location"]) == (303, "/")
    cookie = away.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert (await visitor.get("/account")).status_code == 200
    left = await visitor.send("/sign-out", await visitor.form("/account", "/sign-out"))
    assert left.headers["location"] == "/"
    assert (await visitor.get("/account")).status_code == 303


async def test_the_cookie_is_secure_behind_https(site: Site) -> None:
    site.app.state.public_url = "https://shop.test"
    signed = await site.anonymous.send("/sign-in", {"email": "ada@example.org", "password": PASSWORD})
    assert "secure" in signed.headers["set-cookie"].lower()


async def test_registering_says_what_is_wrong_beside_the_form(site: Site) -> None:
    visitor = site.anonymous
    fields = {"name": "Grace", "email": "grace@example.org", "password": "short", "next": "/"}
    before = await site.state()
    short = await visitor.send("/register", fields)
    assert short.status_code == 400
    assert "at least 10 characters" in text(short)
    assert 'value="Grace"' in short.text
    assert "short" not in short.text.replace("short_", "")
    taken = await visitor.send("/register", fields | {"email": "ada@example.org", "password": PASSWORD})
    assert taken.status_code == 409
    assert await site.state() == before
    done = await visitor.send("/register", fields | {"password": PASSWORD})
    assert done.status_code == 303
    assert "Grace" in text(await visitor.get("/account"))


async def test_a_top_up_is_booked_once(site: Site) -> None:
    operator = site.operator
    fields = await operator.form("/operator/top-up", "/operator/top-up")
    fields |= {"user_id": show("usr", site.stage.other), "amount": "12.50"}
    for _ in range(2):
        assert (await operator.send("/operator/top-up", fields)).status_code == 303
    assert "$12.50" in text(await site.other.get("/account"))
    before = await site.state()
    amounts = ({"amount": amount} for amount in ("0", "1.005", "NaN", "1e99", "1e999999"))
    for wrong in (*amounts, {"user_id": "usr_1"}):
        refused = await operator.send("/operator/top-up", fields | wrong | {"key": "another"})
        assert refused.status_code == 400, wrong
    unknown = await operator.send("/operator/top-up", fields | {"user_id": show("usr", site.stage.staff), "key": "3"})
    assert unknown.status_code == 400
    assert await site.state() == before


async def test_an_amount_is_of_the_market_that_the_form_showed(site: Site) -> None:
    operator = site.operator
    shown = await operator.get("/operator/top-up")
    action = re.search(r'action="(/operator/top-up[^"]*)"', shown.text)
    assert action is not None
    fields = await operator.form("/operator/top-up", "/operator/top-up")
    async with site.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("jp", "Japan", "JPY", "en"))
    operator.http.cookies["market"] = "jp"  # chosen in another tab since
    assert "Amount in JPY" in (await operator.get("/operator/top-up")).text
    fields |= {"user_id": show("usr", site.stage.other), "amount": "12.50"}
    assert (await operator.send(action[1], fields)).status_code == 303
    assert "$12.50" in text(await site.other.get(f"/account?market={MARKET}"))


async def test_hostile_names_are_only_text(site: Site) -> None:
    buyer = site.buyer
    slug = site.stage.slugs[HOSTILE]
    await buyer.put_in_cart(slug)
    pages = [f"/p/{slug}", "/c/pantry", "/cart", await buyer.to_quote(), f"/search?q={HOSTILE}", "/search?q=tea"]
    pages.append(await buyer.buy(slug))
    for path in pages:
        shown = await buyer.get(path)
        assert shown.status_code == 200, path
        assert "<script>alert" not in shown.text, path
    assert "&lt;script&gt;alert(1)" in (await buyer.get(pages[0])).text
    assert "<script>alert" not in (await site.operator.get("/operator/sellers")).text
