"""Borders, part 7 / CO8: addresses as each country writes them, checked by its data, and buyers without an account."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from entrepot import accounts, logistics, notify, orders
from entrepot.accounts.jobs import forget_addresses
from entrepot.fraud import Rule
from entrepot.fraud.rules import judge
from entrepot.fraud.store import FACTS
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, parse, show
from entrepot.logistics import NewShipment
from tests.acceptance.abroad import browser
from tests.journeys.test_gateway import Stage, staged
from tests.notify.post import PUBLIC_URL, Office, open_office, post
from tests.shop import START, Buyer, Shop, open_shop
from tests.web.site import Visitor, fields_of, text

HOME = {
    "recipient": "王小明", "line1": "天河路1号", "country": "CN", "region": "Guangdong Sheng", "city": "广州市",
    "district": "Tianhe Qu", "postal_code": "510630",
}  # fmt: skip


SPRINGFIELD = {"recipient": "Gus", "line1": "1 Way", "city": "Springfield", "postal_code": "62701", "country": "US"}
PAGES, MAIL, PASSWORD = "http://shop.test", "guest@example.org", "a long enough one"


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def test_7_an_address_is_what_its_country_says(shop: Shop) -> None:
    """The form of a country is a reading; its provinces, cities and districts are closed lists in its own letters and
    in Latin ones. What is unknown or missing is refused by name, with an example, and changes nothing."""

    async def asked(country: str, **within: str) -> dict[str, tuple[str, bool, int, str | None, str]]:
        found = (await shop.http.get(f"/v1/address-forms/{country}", params=within)).json()["fields"]
        return {
            one["name"]: (one["kind"], one["required"], len(one["choices"]), one["after"], one["example"])
            for one in found
        }

    china = await asked("CN")
    assert list(china) == ["postal_code", "region", "city", "district", "line1", "line2", "recipient"]
    assert (china["region"], china["city"]) == (("province", True, 34, None, "安徽省"), ("city", True, 0, "region", ""))
    there = await asked("CN", region="广东省", city="Guangzhou Shi")
    assert (there["city"][2:], there["district"][:3], there["postal_code"][4]) == (
        (21, None, "潮州市"), ("district", False, 11), "510130",
    )  # fmt: skip
    assert (await asked("US"))["postal_code"] == ("zip", True, 0, None, "95014")
    assert list(await asked("DE")) == ["recipient", "line1", "line2", "postal_code", "city"]
    assert ((await asked("JP"))["region"][0], (await asked("AE"))["region"][0]) == ("prefecture", "emirate")
    for unknown in ("XX", "ZZ", "de", "all"):
        assert (await shop.http.get(f"/v1/address-forms/{unknown}")).status_code == 404

    buyer = await shop.buyer()
    before = await shop.state()
    for change, field, reason, example in (
        ({"district": "Atlantis"}, "district", "unknown", "白云区"), ({"city": "Berlin"}, "city", "unknown", "潮州市"),
        ({"region": "Bayern"}, "region", "unknown", "安徽省"), ({"region": ""}, "region", "missing", "安徽省"),
        ({"postal_code": "99"}, "postal_code", "unknown", "510630"), ({"city": ""}, "city", "missing", "潮州市"),
    ):  # fmt: skip
        refused = await buyer.send("POST", "/v1/addresses", HOME | change)
        said = refused.json()
        assert (refused.status_code, said["type"]) == (400, "/problems/address_not_valid")
        assert (said["field"], said["reason"], said["example"]) == (field, reason, example)
    assert await shop.state() == before
    added = (await buyer.send("POST", "/v1/addresses", HOME)).json()["id"]
    (kept,) = [one for one in (await buyer.send("GET", "/v1/addresses")).json()["items"] if one["id"] == added]
    assert [kept[name] for name in ("region", "city", "district", "is_default")] == [
        "广东省",
        "广州市",
        "天河区",
        False,
    ]
    assert kept["lines"] == ["510630", "广东省广州市天河区", "天河路1号", "王小明"]
    assert kept["lines_abroad"] == ["王小明", "天河路1号", "Tianhe Qu", "Guangzhou Shi", "Guangdong Sheng, 510630"]
    # A postal code says the state where only one has it; a place that the form has no field for is not lost.
    for new, lines in (
        ({"country": "US", "city": "Springfield", "postal_code": "62701"}, ["Ada", "1 Way", "Springfield, IL 62701"]),
        (
            {"country": "JP", "city": "Chiyoda-ku", "region": "Tokyo", "postal_code": "100-0001"},
            ["Ada", "1 Way", "Chiyoda-ku, Tokyo", "100-0001"],
        ),
        ({"country": "HK", "city": "Mong Kok", "region": "Kowloon"}, ["Ada", "1 Way", "Mong Kok", "Kowloon"]),
    ):
        put = await buyer.send("PUT", f"/v1/addresses/{added}", {"recipient": "Ada", "line1": "1 Way"} | new)
        added = put.json()["id"]
        items = (await buyer.send("GET", "/v1/addresses")).json()["items"]
        assert [one["lines"] for one in items if one["id"] == added] == [lines]


async def test_7_an_address_is_filled_in_without_scripts(shop: Shop) -> None:
    """A country, then a province, then a city is chosen by a button, and what was typed stays; then the address is
    changed, taken first and deleted, while what was ordered goes where it was to go."""
    buyer = await shop.buyer()
    site, at = browser(shop, buyer.headers), "/account/addresses/new"
    page = await site.get(at)
    typed = {**fields_of(page.text, at), "country": "CN", "recipient": "王小明", "line1": "天河路1号"}
    shown = await site.send(f"{at}/look", typed)
    assert (shown.status_code, shown.text.count("Guangdong Sheng"), "王小明" in shown.text) == (200, 1, True)
    assert "Guangzhou Shi" not in shown.text
    shown = await site.send(f"{at}/look", typed | {"region": "广东省"})
    assert "Guangzhou Shi" in shown.text
    whole = typed | {"region": "广东省", "city": "广州市", "postal_code": "510630", "district": "Atlantis"}
    refused = await site.send(at, whole)
    assert (refused.status_code, "District: this country has no such one" in text(refused)) == (400, True)
    assert 'name="district" id="district" autocomplete="address-level3" aria-invalid="true"' in refused.text
    assert (await site.send(at, whole | {"district": "天河区"})).status_code == 303

    (order,) = await buyer.buy([(await shop.offer(await shop.seller(), 1_000, 5), 1)])
    page = await site.get("/account")
    assert "广东省广州市天河区" in page.text
    home = f"/account/addresses/{show('adr', buyer.address)}"
    changed = {**fields_of((await site.get(home)).text, home), "line1": "2 Way", "country": "DE"}
    changed |= {"postal_code": "10115", "city": "Berlin"}
    assert (await site.send(home, changed)).status_code == 303

    async def kept() -> list[tuple[str, str, bool]]:
        items = (await buyer.send("GET", "/v1/addresses")).json()["items"]
        return [(one["id"], one["line1"], one["is_default"]) for one in items]

    (canton, *rest), (berlin, *other) = await kept()
    assert (rest, other) == (["天河路1号", False], ["2 Way", True])
    token = fields_of((await site.get("/account")).text, f"{canton}/default")
    assert (await site.send(f"/account/addresses/{canton}/default", token)).status_code == 303
    assert await kept() == [(berlin, "2 Way", False), (canton, "天河路1号", True)]
    assert (await site.send(f"/account/addresses/{canton}/delete", token)).status_code == 303
    assert await kept() == [(berlin, "2 Way", False)]
    staff = shop.session(Role.SELLER, NIL, shop.sellers[0])
    goes_to = (await shop.http.get(f"/v1/seller/orders/{show('ord', order)}/ship-to", headers=staff)).json()
    assert (goes_to["line1"], goes_to["country"]) == ("1 Main Street", "US")
    shop.clock.advance(timedelta(days=181))
    async with shop.db.write() as tx:
        assert (await forget_addresses(tx, 0), await forget_addresses(tx, 0)) == (2, 0)


@dataclass
class Guest(Buyer):
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


def stranger(shop: Shop) -> Visitor:
    """A browser that nobody has signed in with."""
    transport = httpx.ASGITransport(shop.app, raise_app_exceptions=False)
    wants = {"accept": "text/html", "accept-language": "en"}
    return Visitor(httpx.AsyncClient(transport=transport, base_url=PAGES, headers=wants))


async def buy_as_guest(stage: Stage, web: Visitor, email: str) -> str:
    """Goods in a cart, an e-mail, an address and a payment at the gateway; the path of the purchase's page."""
    async with stage.shop.db.read() as tx:
        slug = await tx.conn.fetchval("select max(slug) from catalog.product")
    page = await web.get(f"/p/{slug}")
    added = await web.send("/cart/add", {**fields_of(page.text, "/cart/add"), "quantity": "1"})
    assert (added.status_code, added.headers["location"]) == (303, "/cart")
    assert (await web.get("/checkout")).headers["location"] == "/checkout/guest"
    said = await web.form("/checkout/guest", "guest")
    assert (await web.send("/checkout/guest", said | {"email": email})).headers["location"] == "/checkout"
    new = "/account/addresses/new"
    assert (await web.send(new, await web.form(new, new) | SPRINGFIELD)).is_redirect
    quote = (await web.send("/checkout", await web.form("/checkout", "/checkout"))).headers["location"]
    shown = await web.get(quote)
    assert ("Wallet" in text(shown), "installments" in text(shown)) == (False, False)
    refused = await web.send(quote, {**fields_of(shown.text, quote), "method": "wallet"})
    assert "This takes an account" in text(await web.get(refused.headers["location"]))
    path = (await web.send(quote, {**fields_of(shown.text, quote), "method": "sandbox"})).headers["location"]
    await stage.work()
    async with stage.shop.db.read() as tx:
        group = parse("grp", path.rpartition("/")[2])
        url = await tx.conn.fetchval("select redirect_url from payments.payment where group_id = $1", group)
    await stage.client.post(f"{stage.gateway.url}/payments/{url.rpartition('/')[2]}/approve")
    for body in await stage.told(len(stage.gateway.book.payments)):
        await stage.deliver(body)
    return path


async def found_again(
    shop: Shop, web: Visitor, office: Office, channels: notify.Channels, path: str, other: str
) -> None:
    """What two guests of an e-mail bought, by an account of it; then the first of them, `web`, has one, too."""
    # An account of the same e-mail finds nothing until it has proven that it reads what is sent there.
    again = stranger(shop)
    person = {"email": MAIL, "name": "Gus", "password": PASSWORD, "next": "/orders"}
    assert (await again.send("/register", person)).headers["location"] == "/orders"
    assert "Bought as a guest" not in text(await again.get("/orders"))
    opened = await again.form("/account", "/account/prove")
    assert (await again.send(f"{path}/open", opened)).status_code == 404
    assert (await again.send("/account/prove", opened)).status_code == 303
    await post(shop, channels)
    (proof,) = re.findall(rf"{PUBLIC_URL}(/prove/\S+)", "".join(office.texts(MAIL)))
    # Who reads the letter of somebody else's account gives nothing away by following its link.
    assert (await stranger(shop).get(proof)).headers["location"].startswith("/sign-in")
    reader = stranger(shop)
    await reader.send("/register", person | {"email": "reader@example.org"})
    assert (await reader.send(proof, await reader.form(proof, proof))).status_code == 404
    assert (await again.send(proof[:-1], opened)).status_code == 404
    assert "Bought as a guest" not in text(await again.get("/orders"))
    assert (await again.send(proof, await again.form(proof, proof))).headers["location"] == "/orders"
    shown = text(await again.get("/orders"))
    assert ("Bought as a guest" in shown, shown.count("$16.00")) == (True, 4)
    assert (await again.send(f"{other}/open", opened)).headers["location"] == other
    token = fields_of((await again.get(other)).text, "/cancel")
    order = re.search(r"/orders/(ord_\w+)/cancel\b", (await again.get(other)).text)[1]  # type: ignore[index]
    assert (await again.send(f"/orders/{order}/cancel", token)).status_code == 303

    # Who signs out leaves nothing open: the purchase was in a cookie of its own.
    assert (await again.send("/sign-out", opened)).status_code == 303
    assert (await again.get(other)).headers["location"].startswith("/sign-in")
    assert (await again.send("/sign-in", {"email": MAIL, "password": PASSWORD})).status_code == 303

    # Who still has the guest's session registers, and keeps cart, address and orders; and whoever else has it, nothing.
    thief, public = stranger(shop), stranger(shop)
    for one in (thief, public):
        one.http.cookies.update(web.http.cookies)
    assert (await public.send("/sign-out", await public.form("/account", "/sign-out"))).status_code == 303
    assert (await public.get("/orders")).headers["location"].startswith("/sign-in")
    mine = {"email": "gus@example.org", "name": "Gus", "password": PASSWORD, "next": "/orders"}
    assert (await web.send("/register", mine)).status_code == 303
    assert text(await web.get("/orders")).count("$16.00") == 1
    assert (await thief.get("/orders")).headers["location"].startswith("/sign-in")
    assert text(await again.get("/orders")).count("$16.00") == 2  # the other's, which was canceled, and its button


async def test_7_a_guest_buys_and_comes_back_by_the_link_of_a_letter(own_db_url: str) -> None:
    """On pages, without an account: what takes one is refused with the remedy; the letter's link opens this purchase
    and no other; by it the guest sends back. What the guest was becomes an account, or is found by one that has proven
    the e-mail."""
    async with staged(own_db_url) as stage, open_office() as office:
        shop, web, channels = stage.shop, stranger(stage.shop), office.channels(stage.shop)
        path = await buy_as_guest(stage, web, MAIL)
        other = await buy_as_guest(stage, stranger(shop), MAIL.upper())  # another guest, of the same e-mail
        async with shop.db.read() as tx:
            groups = [parse("grp", one.rpartition("/")[2]) for one in (path, other)]
            facts = {one.group_id: one for one in await tx.all(FACTS, cell=0, groups=groups, seen=9)}
        assert [(facts[one].guest, len(facts[one].bought)) for one in groups] == [(True, 2)] * 2  # in one moment
        rule = Rule("no_account", "guest", "", 0, 1, 1, 1, "released", START, "tests")
        assert judge(facts[groups[0]], [rule]) == [(rule, "no account")]
        assert judge(replace(facts[groups[0]], guest=False), [rule]) == []
        await post(shop, channels)
        assert office.subjects(MAIL) == ["Thank you for your order"] * 2
        links = [found for letter in office.texts(MAIL) for found in re.findall(rf"{PUBLIC_URL}(/guest/\S+)", letter)]
        async with shop.db.read() as tx:
            rows = await tx.conn.fetch("select group_id, hash from accounts.guest_link order by group_id")
        hashes = {hashlib.sha256(link.rpartition("/")[2].encode()).digest(): link for link in links}
        assert [show("grp", row[0]) for row in rows] == [one.rpartition("/")[2] for one in (path, other)]
        link = hashes[rows[0][1]]
        token = link.rpartition("/")[2]

        elsewhere = stranger(shop)
        assert (await elsewhere.get(path)).headers["location"].startswith("/sign-in")
        assert (await elsewhere.get(link[:-1])).status_code == 404
        async with shop.db.write() as tx:  # a link whose hash is another's is taken back
            await tx.conn.execute("update accounts.guest_link set hash = 'x' where group_id = $1", rows[1][0])
        assert (await elsewhere.get(hashes[rows[1][1]])).status_code == 404
        assert (await elsewhere.get(link)).headers["location"] == path
        page = await elsewhere.get(path)
        assert (page.status_code, "Paid, being packed" in text(page)) == (200, True)
        assert [(await elsewhere.get(one)).status_code for one in (other, "/orders", "/account")] == [303] * 3
        session = (await shop.http.post("/v1/guests/links", json={"token": token})).json()
        scoped = {"authorization": f"Bearer {session['token']}"}
        group = (await shop.http.get(f"/v1/groups/{path.rpartition('/')[2]}", headers=scoped)).json()
        order = group["orders"][0]["id"]
        for beyond in (f"/v1/groups/{other.rpartition('/')[2]}", "/v1/groups", "/v1/addresses", "/v1/accounts/me"):
            assert (await shop.http.get(beyond, headers=scoped)).status_code == 404
        before = await shop.state()
        assert (await shop.http.delete("/v1/accounts/me", headers=scoped)).status_code == 404
        assert await shop.state() == before

        async with shop.db.write() as tx:
            await orders.ship_many(tx, 0, [NewShipment(parse("ord", order), "house", "G1")])
            await logistics.track(tx, 0, [logistics.Scan("house", "G1", "delivered", tx.now)])
        await stage.work()
        sent_back = await elsewhere.get(f"/orders/{order}/dispute?kind=unwanted")
        said = {
            **fields_of(sent_back.text, "/dispute"),
            "kind": "unwanted",
            "line_no": "1",
            "quantity": "1",
            "text": "No.",
        }
        assert (await elsewhere.send(f"/orders/{order}/dispute", said)).status_code == 303
        assert "Return " in text(await elsewhere.get(path))

        await found_again(shop, web, office, channels, path, other)
        await shop.audited()


async def test_7_a_guest_over_the_api(shop: Shop) -> None:
    """No answer says whether an e-mail has an account. Without an e-mail there is a cart and no address; what needs an
    account says so; fraud rules know a guest, and count those of one e-mail as one; who is erased is in no row."""
    async with shop.db.write() as tx:
        known = await accounts.register_buyer(tx, "known@example.org", "Known", "x")
    answers = [await shop.http.post("/v1/guests", json={"email": f"{name}@example.org"}) for name in ("known", "new")]
    assert [(one.status_code, sorted(one.json())) for one in answers] == [
        (201, ["expires_at", "role", "token", "user_id"])
    ] * 2
    blank = (await shop.http.post("/v1/guests", json={})).json()
    headers = {"authorization": f"Bearer {blank['token']}"}

    async def send(method: str, path: str, body: Any = None, **more: str) -> httpx.Response:
        return await shop.http.request(method, path, json=body, headers=headers | more)

    refused = await send("POST", "/v1/addresses", SPRINGFIELD)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/email_needed")
    for email in ("KNOWN@example.org", "gus@example.org"):
        assert (await send("PUT", "/v1/guests/me", {"email": email})).status_code == 204
    me = (await send("GET", "/v1/accounts/me")).json()
    assert (me["email"], me["guest"], me["proven"]) == ("gus@example.org", True, False)
    address = parse("adr", (await send("POST", "/v1/addresses", SPRINGFIELD)).json()["id"])
    guest = Guest(shop, parse("usr", blank["user_id"]), address, token=blank["token"])
    quote = await guest.quote([(await shop.offer(await shop.seller(), 1_000, 5), 1)])
    before = await shop.state()
    for path, body, what in (
        ("POST /v1/orders", {"quote_id": quote["id"], "method": "wallet"}, "wallet"),
        ("POST /v1/orders", {"quote_id": quote["id"], "method": "installments", "months": 3}, "installments"),
        ("PUT /v1/identity", {"country": "CN", "name": "G", "number": "11010519491231002X"}, "identity"),
        ("GET /v1/credit", None, "installments"),
        ("POST /v1/accounts/me/proof", None, "proof"),
    ):
        method, at = path.split()
        refused = await send(method, at, body, **{"idempotency-key": what})
        said = refused.json()
        assert (refused.status_code, said["type"], said["what"]) == (403, "/problems/account_needed", what)
    assert await shop.state() == before
    taken = {"email": "known@example.org", "name": "G", "password": PASSWORD}
    assert (await send("POST", "/v1/accounts", taken)).json()["type"] == "/problems/email_taken"
    assert await shop.state() == before

    async with shop.db.write() as tx:
        token = accounts.proof_token(shop.keys, known.user_id, "known@example.org", tx.now)
        await accounts.prove(tx, shop.keys, known.user_id, token)
        assert [found for _, found in await accounts.same_email(tx, known.user_id)] == [
            parse("usr", answers[0].json()["user_id"])
        ]
    other = shop.session(Role.BUYER, known.user_id)
    assert (await shop.http.delete("/v1/accounts/me", headers=other)).status_code == 204
    assert (await send("DELETE", "/v1/accounts/me")).status_code == 204
    async with shop.db.write() as tx:
        left = await tx.conn.fetch("select email from accounts.guest union select email from accounts.login")
        assert [row[0] for row in left] == ["new@example.org"]
        assert await tx.conn.fetchval("select count(*) from accounts.address where line1 = '1 Way'") == 0
