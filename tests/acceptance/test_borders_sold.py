"""Borders, parts 6 and 7: what may be sold where and to whom, and markets; the other parts are in test_borders.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from anyio import to_thread

from entrepot import catalog, cli, inventory, logistics, sellers, trade
from entrepot.app import build
from entrepot.kit.auth import Keys, Role
from entrepot.kit.clock import VirtualClock
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id, show
from entrepot.orders.store_holds import HOLDS
from entrepot.trade.parties import plain, put_list
from entrepot.trade.parties import read_csv as parties_of
from tests.acceptance.abroad import browser
from tests.shop import MARKET, START, Shop, open_shop
from tests.web.site import fields_of, text


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def described(shop: Shop, offer: int, code: str, **said: object) -> int:
    """Says what an offer sells at customs; its variant."""
    async with shop.db.read() as tx:
        variant: int = await tx.conn.fetchval("select variant_id from catalog.offer where cell = 0 and id = $1", offer)
    body = {"hs_code": code, "country_of_origin": "CN", "customs_description": "Goods", "weight_g": 100} | said
    done = await shop.http.put(f"/v1/variants/{variant}/customs", json=body, headers=shop.operator)
    assert done.status_code == 200, done.text
    return variant


async def found(shop: Shop, market: str, words: str = "") -> list[str]:
    """The titles of a listing, or of what a search finds; a total says the same."""
    page = (await shop.http.get("/v1/products", params={"market": market} | ({"q": words} if words else {}))).json()
    assert page["total"] in (None, len(page["items"]))
    return [item["title"] for item in page["items"]]


RULE = {
    "countries": ["US"], "effect": "prohibited", "traits": ["lead_paint"], "citation": "16 CFR 1303.4",
    "text": {"en": "Toys with lead paint are banned.", "de": "Spielzeug mit Bleifarbe ist verboten."},
    "valid_from": "2026-03-01",
}  # fmt: skip


async def test_6_may_it_be_sold(shop: Shop) -> None:
    """What a rule of the buyer's country forbids is not found there, nor shown, put in a cart, quoted, or sold in a
    campaign, and the page says why in the reader's language; a rule to come ends the quotes that it forbids
    before it begins, and a rule that comes at once ends those that are there."""
    seller = await shop.seller()
    toy, other = await shop.offer(seller, 2_000, 10), await shop.offer(seller, 1_000, 10)
    both = await shop.bundle(seller, 2_500, {toy: 1, other: 1})
    async with shop.db.read() as tx:
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", toy)
        slug, title = await tx.conn.fetchrow(
            "select slug, title from catalog.product where id = (select product_id from catalog.variant where id = $1)",
            variant,
        )
    assert len(await found(shop, MARKET)) == 3
    buyer = await shop.buyer()
    visitor = browser(shop, buyer.headers)
    shop.clock.advance(timedelta(hours=14, minutes=45))  # a quarter of an hour before a rule begins
    early = await buyer.quote([(both, 1)])

    traits = f"/v1/variants/{variant}/traits"
    tomorrow = RULE | {"valid_from": "2026-03-03"}
    for path, body in (traits, {"traits": ["lead_paint"]}), ("/v1/sale-rules/lead", tomorrow):
        assert (await shop.http.put(path, json=body, headers=shop.operator)).is_success
        before = await shop.state("kit.audit_line")
        assert (await shop.http.put(path, json=body, headers=shop.operator)).is_success
        assert await shop.state("kit.audit_line") == before  # nobody is told of the same
    await shop.run()
    assert (await buyer.quote([(toy, 1)]))["expires_at"] == "2026-03-03T00:00:00Z"
    shop.clock.advance(timedelta(minutes=15))
    before = await shop.state()
    assert (await buyer.place(early)).json()["type"] == "/problems/quote_expired"
    assert len(await found(shop, MARKET)) == 1
    assert title not in await found(shop, MARKET, title)  # others are like it
    shown = (await shop.http.get(f"/v1/products/{slug}", params={"market": MARKET})).json()
    assert (shown["offers"], [rule["name"] for rule in shown["rules"]]) == ([], ["lead"])
    page = text(await visitor.get(f"/p/{slug}"))
    assert "This is not sold here: Toys with lead paint are banned. (16 CFR 1303.4, since Mar 3, 2026)" in page
    page = text(await visitor.get(f"/p/{slug}?lang=de"))
    assert "Spielzeug mit Bleifarbe ist verboten." in page
    cart = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    refused = await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": both})
    assert refused.json()["type"] == "/problems/not_sold_there"
    assert refused.json()["rule"]["text"]["en"] == "Toys with lead paint are banned."
    door = await shop.http.get(f"/v1/offers/{toy}/at-door", params={"country": "US"})
    assert door.json()["type"] == "/problems/not_sold_there"
    campaign = {
        "market": MARKET, "name": "Sale", "starts_at": "2026-03-03T10:00:00Z", "ends_at": "2026-03-04T10:00:00Z",
        "offers": [{"offer_id": toy, "units": 1, "unit_price_minor": 100, "max_per_buyer": 1}],
    }  # fmt: skip
    refused = await shop.http.post("/v1/campaigns", json=campaign, headers=shop.operator)
    assert refused.json()["type"] == "/problems/not_sold_there"
    assert await shop.state() == before

    assert (await shop.http.delete("/v1/sale-rules/lead", headers=shop.operator)).status_code == 204
    assert len(await found(shop, MARKET)) == 3
    good, fine = await buyer.quote([(toy, 1)]), await buyer.quote([(other, 1)])
    category = "/v1/categories/things/traits"
    assert (await shop.http.put(category, json={"traits": ["toy"]}, headers=shop.operator)).status_code == 204
    wide = RULE | {"traits": ["toy"], "not_from": ["US"]}
    assert (await shop.http.put("/v1/sale-rules/toys", json=wide, headers=shop.operator)).status_code == 204
    await shop.run()
    assert len(await found(shop, MARKET)) == 3  # they are sent from within
    assert (await shop.http.put("/v1/sale-rules/lead", json=RULE, headers=shop.operator)).status_code == 204
    await shop.run()
    assert (await buyer.place(good)).json()["type"] == "/problems/quote_expired"
    assert (await buyer.place(fine)).status_code == 201
    with pytest.raises(AssertionError, match="/problems/not_sold_there"):
        await buyer.quote([(toy, 1)])
    await shop.audited()


async def test_6_a_rule_that_says_nothing_is_refused(shop: Shop) -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"traits": []}, {"text": {"de": "Nein"}}, {"effect": "age"}, {"valid_to": "2026-03-01"},
    )  # fmt: skip
    buyer = await shop.buyer(wallet_minor=0)
    before = await shop.state()
    for wrong in wrongs:
        answer = await shop.http.put("/v1/sale-rules/wrong", json=RULE | wrong, headers=shop.operator)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/rule_not_valid"), answer.text
    assert (await shop.http.put("/v1/sale-rules/mine", json=RULE, headers=buyer.headers)).status_code == 403
    assert await shop.state() == before


async def nobody_bars_another(shop: Shop, seller: UUID, offer: int) -> None:
    """What a seller says of goods that another offers, too, is about its own; what the operator says, about all."""
    async with shop.db.read() as tx:
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", offer)
    path = f"/v1/variants/{variant}/traits"
    for headers, left in ((shop.session(Role.SELLER, NIL, seller), 1), (shop.operator, 0)):
        said = await shop.http.put(path, json={"traits": ["medicine"]}, headers=headers)
        assert said.json() == {"traits": ["medicine"]}
        assert len(await found(shop, "de")) == left
    mine = shop.session(Role.SELLER, NIL, seller)  # who takes back its own word, and not the operator's
    assert (await shop.http.put(path, json={"traits": []}, headers=mine)).json() == {"traits": ["medicine"]}
    assert await found(shop, "de") == []
    assert (await shop.http.put(path, json={"traits": []}, headers=shop.operator)).json() == {"traits": []}


async def ends_with_its_permit(shop: Shop, variant: int, seller: UUID) -> None:
    """What a seller may sell today is good until its permit of today ends, at midnight."""
    async with shop.db.read() as tx:
        judged = await trade.judge(tx, "DE", [trade.Sale(variant, seller, "US")])
    assert judged == [([], START.replace(hour=0) + timedelta(days=1))]


async def test_6_somebody_answers_for_the_goods(shop: Shop) -> None:
    """Since 2024-12-13 goods go to the EU from outside only if somebody there answers for them (Regulation (EU)
    2023/988): else they are not found there, nor shown, nor put in a cart. Where somebody does, buyers there read who
    it is; in other countries nobody is asked."""
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("de", "Deutschland", "USD", "de", "DE"))
        await logistics.import_locations(tx, 0, [3], ["kai"], ["Hamburg"], ["DE"])
    seller = await shop.seller(answers=False)
    home = await shop.offer(seller, 3_000, 10)
    tea = await shop.offer(seller, 2_000, 10, market="de")
    await shop.offer(seller, 1_000, 10, market="de", location=3)  # it is there already
    assert (len(await found(shop, "de")), len(await found(shop, MARKET))) == (1, 1)
    assert len(await found(shop, "de", "product")) == 1
    async with shop.db.read() as tx:
        slug = await tx.conn.fetchval(
            "select slug from catalog.product p join catalog.offer o on o.product_id = p.id where o.id = $1", tea
        )
    buyer = await shop.buyer()
    cart = (await buyer.send("POST", "/v1/carts", {"market": "de"})).json()["id"]
    refused = await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": tea})
    assert (refused.json()["type"], refused.json()["rule"]["name"]) == ("/problems/not_sold_there", "contact")
    await buyer.quote([(home, 1)])

    mine = browser(shop, shop.session(Role.SELLER, NIL, seller))
    said = {"country": "IE", "name": "Éire Answers Ltd", "address": "1 Quay, Dublin", "electronic": "eu@example.com"}
    form = fields_of((await mine.get("/seller/customs")).text, "/seller/customs/contact")
    for wrong in ({"country": "ZZ"}, {"electronic": "none"}, {"address": "1"}):
        before = await shop.state()
        assert (await mine.send("/seller/customs/contact", form | said | wrong)).status_code in (400, 404)
        assert await shop.state() == before
    assert (await mine.send("/seller/customs/contact", form | said)).status_code == 303
    assert "Éire Answers Ltd 1 Quay, Dublin eu@example.com" in text(await mine.get("/seller/customs"))
    assert len(await found(shop, "de")) == 2
    shown = (await shop.http.get(f"/v1/products/{slug}", params={"market": "de"})).json()["offers"][0]
    assert shown["contact"] == said
    page = text(await browser(shop, buyer.headers).get(f"/p/{slug}?market=de&lang=de"))
    assert "Verantwortliche Person in Irland: Éire Answers Ltd, 1 Quay, Dublin, eu@example.com" in page
    assert (await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": tea})).status_code == 204

    gone = fields_of((await mine.get("/seller/customs")).text, "/seller/customs/contact/remove")
    assert (await mine.send("/seller/customs/contact/remove", gone)).status_code == 303
    assert (await mine.send("/seller/customs/contact/remove", gone)).status_code == 404
    await shop.run()
    assert len(await found(shop, "de")) == 1
    refused = await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": tea})
    assert refused.json()["type"] == "/problems/not_sold_there"
    many: tuple[dict[str, object], ...] = (
        {"effect": "contact"}, {"within": ["DE"]}, {"effect": "contact", "within": ["DE"]}, {"traits": ["goods"]},
    )  # fmt: skip
    for odd in many:
        refused = await shop.http.put("/v1/sale-rules/own", json=RULE | odd, headers=shop.operator)
        assert refused.json()["type"] == "/problems/rule_not_valid"
    own = RULE | {"effect": "contact", "within": ["US"], "traits": []}
    assert (await shop.http.put("/v1/sale-rules/own", json=own, headers=shop.operator)).status_code == 204
    assert await found(shop, MARKET) == []


async def test_6_permits_and_ages(shop: Shop) -> None:
    """The rules that ship: batteries are sold to the EU by who has shown a permit, spirits to buyers of an age, which
    the market's rule says how to give; the operator's page lists and grants."""
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("de", "Deutschland", "USD", "de", "DE"))
        await tx.conn.execute(
            "insert into trade.code select 'HS', c, '2022-01-01', null, true, 'tests' "
            "from unnest(array['220850', '850760']) c"
        )
    seller, other = await shop.seller(), await shop.seller()
    cells, gin = await shop.offer(seller, 2_000, 10), await shop.offer(seller, 3_000, 10)
    batteries = await described(shop, cells, "850760")
    await described(shop, gin, "220850", volume_ml=700)
    buyer = await shop.buyer()
    await buyer.quote([(cells, 1)])
    with pytest.raises(AssertionError, match="/problems/age_needed"):
        await buyer.quote([(gin, 1)])
    stated = await buyer.send("PUT", "/v1/age", {"age": 30})
    assert stated.json() == {"age": 30, "proof": "stated"}
    with pytest.raises(AssertionError, match="/problems/age_needed"):  # the US wants a date
        await buyer.quote([(gin, 1)])
    visitor = browser(shop, buyer.headers)
    async with shop.db.read() as tx:
        slug = await tx.conn.fetchval(
            "select slug from catalog.product p join catalog.offer o on o.product_id = p.id where o.id = $1", gin
        )
    assert "From 21 years" in text(await visitor.get(f"/p/{slug}?market={MARKET}"))
    await visitor.put_in_cart(slug)
    assert "Date of birth" in text(await visitor.get("/checkout"))
    fields = await visitor.form("/checkout", "/checkout")
    young = await visitor.send("/checkout", fields | {"birth_date": "2005-03-03"})
    assert young.status_code == 409
    assert "Alcohol is for buyers of 21 or more" in text(young)
    old = await visitor.send("/checkout", fields | {"birth_date": "2005-03-02"})  # 21 today
    assert old.status_code == 303, old.text
    async with shop.db.read() as tx:
        ages = await tx.conn.fetch("select age, proof from orders.age_given order by proof")
    assert [tuple(row) for row in ages] == [(21, "birth_date"), (30, "stated")]
    assert (await buyer.place(await buyer.quote([(gin, 1)]))).status_code == 201

    listed = (await shop.http.get("/v1/sale-rules", params={"country": "DE"})).json()["items"]
    assert {one["rule"]["name"]: one["rule"]["effect"] for one in listed} == {
        "adult-media": "age", "animal-products": "prohibited", "batteries": "permit", "beer-and-wine": "age",
        "contact": "contact", "cosmetics": "permit", "medicines": "permit", "spirits": "age", "tobacco": "age",
    }  # fmt: skip
    async with shop.db.write() as tx:
        for who in (seller, other):
            variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", cells)
            (stock,) = await inventory.open_stock(tx, 0, [who], [variant], [1])
            await catalog.add_offer(tx, 0, catalog.NewOffer(who, variant, "de", 1, stock, 1_000))
    assert await found(shop, "de") == []
    operator = browser(shop, shop.operator)
    page = await operator.get("/operator/rules?country=DE&lang=de")
    assert "Batterien darf nur verkaufen, wer in diesem Land als Hersteller registriert ist." in text(page)
    form = fields_of(page.text, "/permits")
    granted = await operator.send(
        "/operator/rules/permits",
        form | {"seller_id": show("sel", other), "country": "DE", "rule": "batteries", "number": "DE 123"},
    )
    assert (granted.status_code, granted.headers["location"]) == (303, "/operator/rules?country=DE")
    assert len(await found(shop, "de")) == 1
    await nobody_bars_another(shop, seller, cells)
    permit = f"/v1/sellers/{show('sel', other)}/permits/DE/batteries"
    done = await shop.http.put(permit, json={"number": "1", "valid_to": "2026-03-03"}, headers=shop.operator)
    assert done.status_code == 204
    await ends_with_its_permit(shop, batteries, other)
    shop.clock.advance(timedelta(days=1))
    assert await found(shop, "de") == []
    assert (await shop.http.delete(permit, headers=shop.operator)).status_code == 204
    assert (await shop.http.delete(permit, headers=shop.operator)).status_code == 404


async def release(shop: Shop, order: UUID, seen_until: datetime) -> httpx.Response:
    body = {"note": "Another", "seen_until": seen_until.isoformat()}
    return await shop.http.post(f"/v1/operator/holds/{show('ord', order)}/release", json=body, headers=shop.operator)


async def only_what_was_shown_is_released(shop: Shop, order: UUID) -> None:
    """An order that is held once more after somebody looked keeps waiting; a page has all that it is held for."""
    looked = shop.clock.now()
    shop.clock.advance(timedelta(seconds=1))
    path = f"/v1/operator/orders/{show('ord', order)}/hold"
    assert (await shop.http.post(path, json={"why": "A service said so"}, headers=shop.operator)).status_code == 204
    async with shop.db.read() as tx:
        assert [row.list for row in await tx.all(HOLDS, after=NIL, limit=1)] == ["operator", "sanctions"]
    assert (await release(shop, order, looked)).status_code == 204
    held = (await shop.http.get("/v1/operator/holds", headers=shop.operator)).json()["items"]
    assert [one["list"] for one in held] == ["operator"]
    assert (await release(shop, order, looked)).status_code == 404


async def test_6_denied_parties(shop: Shop, tmp_path: Path) -> None:
    """Who is on a list is found however the name is written; the order is paid and keeps its goods, and is not sent
    until the operator has released it, or rejected it and everything goes back. A new list finds what waits."""
    seller = await shop.seller()
    offer = await shop.offer(seller, 2_000, 10)
    buyer = await shop.buyer()
    (first,), (second,) = await buyer.buy([(offer, 1)]), await buyer.buy([(offer, 2)])
    await shop.run()
    headers = shop.session(Role.SELLER, NIL, seller)
    parcel = {"carrier": "house", "tracking_number": "1"}
    (third,) = await buyer.buy([(offer, 3)])
    path = tmp_path / "sanctions.csv"
    path.write_text("id,name,aliases\n7,Grace Hopper,\n8,The Analytical Engine Ltd.,BYRÓN; Ada-Byron\n")
    parties, digest = parties_of(path)
    async with shop.db.write() as tx:
        await put_list(tx, "sanctions", parties, digest)
    early = await shop.http.post(f"/v1/seller/orders/{show('ord', third)}/ship", json=parcel, headers=headers)
    assert early.json()["type"] == "/problems/order_held"  # nobody has looked at it yet, and it is not sent
    await shop.run()
    held = (await shop.http.get("/v1/operator/holds", headers=shop.operator)).json()["items"]
    assert [(one["order_id"], one["ref"], one["name"], one["recipient"]) for one in held] == [
        (show("ord", order), "8", "Ada-Byron", "Ada Byron") for order in (first, second, third)
    ]
    assert await shop.stock(offer) == (10, 0, 6)
    before = await shop.state()
    for order in (first, second, third):
        refused = await shop.http.post(f"/v1/seller/orders/{show('ord', order)}/ship", json=parcel, headers=headers)
        assert refused.json()["type"] == "/problems/order_held"
    assert await shop.state() == before
    assert (await buyer.send("GET", f"/v1/orders/{show('ord', first)}")).json()["held"]

    operator = browser(shop, shop.operator)
    page = await operator.get("/operator/holds?lang=de")
    assert "gleicht Ada-Byron (sanctions, 8;" in text(page)
    form = fields_of(page.text, show("ord", first))
    done = await operator.send(
        f"/operator/holds/{show('ord', first)}", form | {"act": "release", "note": "Another Ada"}
    )
    assert done.status_code == 303
    note = {"note": "It is her"}
    rejected = f"/v1/operator/holds/{show('ord', second)}/reject"
    assert (await shop.http.post(rejected, json=note, headers=shop.operator)).status_code == 204
    assert (await shop.http.post(rejected, json=note, headers=shop.operator)).status_code == 409
    assert await shop.stock(offer) == (10, 0, 4)
    async with shop.db.write() as tx:  # the same list again: what was decided stays decided
        await put_list(tx, "sanctions", parties, digest)
    await shop.run()
    sent = await shop.http.post(f"/v1/seller/orders/{show('ord', first)}/ship", json=parcel, headers=headers)
    assert sent.status_code == 204, sent.text
    free = await release(shop, first, shop.clock.now())
    assert free.json()["type"] == "/problems/not_found"  # nothing holds it
    async with shop.db.read() as tx:
        rows = await tx.conn.fetch("select decision, note from orders.hold order by order_id")
        told = await tx.conn.fetch("select kind from kit.event where kind like 'order_h%' order by xid, id")
    assert [tuple(row) for row in rows] == [("released", "Another Ada"), ("rejected", "It is her"), (None, "")]
    assert [row[0] for row in told] == ["order_held"] * 3 + ["order_hold_released", "order_hold_rejected"]
    await only_what_was_shown_is_released(shop, third)
    path.write_text("id,name\n1,王小明\n2,Петров\n3,Иван Петров\n")
    async with shop.db.write() as tx:  # in other letters: the same name, or all words of one of several
        await put_list(tx, "letters", *parties_of(path))
        found = await trade.screen(tx, ["王小明", "петров", "王小", "Петров Иван Ильич", "Петрова"])
    assert [(match.ord, match.name) for match in found] == [(1, "王小明"), (2, "Петров"), (4, "Иван Петров")]
    await shop.audited()


def test_6_names_are_compared_as_people_read_them(tmp_path: Path) -> None:
    same = ("Müller, Hans", "HANS MULLER", "hans  muller", "Hans Müller GmbH")
    assert {plain(name) for name in same} == {"hans muller"}
    assert plain("Ltd.") == "ltd"
    assert plain("Иван Петров") == "иван петров"
    quoted = tmp_path / "quoted.csv"
    quoted.write_text('\ufeffname,aliases\n"Hans\nMüller",\n,\n', encoding="utf-8")
    assert [plain(party.name) for party in parties_of(quoted)[0]] == ["hans muller"]
    wrong = tmp_path / "wrong.csv"
    for content in (b"id,who\n1,Ada\n", b"name\n", b"name\n\xff\n"):
        wrong.write_bytes(content)
        with pytest.raises(trade.PartiesNotValid):
            parties_of(wrong)


AOTEAROA = """
code = "nz"
name = "Aotearoa"
country = "NZ"
currency = "NZD"
language = "mi"
prices_with_tax = true
[[terms]]
valid_from = 2026-01-01T00:00:00Z
commission_bp = 900
payment_fee_bp = 100
quote_ttl_s = 1800
payment_ttl_s = 900
confirm_after_s = 864000
untracked_after_s = 2592000
source = "tests"
[[shipping]]
code = "post"
name = "NZ Post"
base = "6.50"
days = 2.5
"""


async def test_7_a_market_is_a_file(own_db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """Twelve markets ship, and one more is a file that no code knows: both by one command, which says the same again.
    The same goods are sold in each, in its currency, by its terms and services."""
    file = tmp_path / "nz.toml"
    file.write_text(AOTEAROA)
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", own_db_url)
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(["markets", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    told = ""
    for _ in range(2):
        code, told = await to_thread.run_sync(run, "add", "all", str(file))
        assert code == 0, told
        assert [line.split()[0] for line in told.splitlines()] == sorted(
            ["au", "br", "cn", "de", "fr", "gb", "id", "jp", "my", "nz", "sg", "th", "us"]
        )
    assert "nz    Aotearoa              NZ  NZD  mi     with tax     1 services, customs law, 0 rules of sale" in told
    assert "us    United States         US  USD  en     without tax  2 services, customs law, 2 rules of sale" in told
    for wrong, why in (
        ('currency = "NZD"', "'XYZ' is no currency's ISO code"), ('base = "6.50"', "no amount of this currency"),
        ('name = "Aotearoa"', "MarketFile"), ("commission_bp = 900", "commission"),
    ):  # fmt: skip
        broken = {"currency": wrong.replace("NZD", "XYZ"), "base": 'base = "6.505"', "name": "", "commission_bp": ""}
        file.write_text(AOTEAROA.replace(wrong, broken[wrong.split()[0]]))
        code, told = await to_thread.run_sync(run, "add", str(file))
        assert code == 2
        assert "nz.toml: " in told
        assert why in told or "required" in told
    file.write_text(AOTEAROA.replace('currency = "NZD"', 'currency = "AUD"'))
    code, told = await to_thread.run_sync(run, "add", str(file))
    assert (code, told) == (1, "entrepot: There is a market of this code, and it is another one.\n")

    db = await Database.open(own_db_url, VirtualClock(START))
    async with db.write() as tx:
        seller = new_id(tx.now)
        await sellers.open_seller(
            tx, sellers.SellerId(seller), "kiwi", "Kiwi", "third_party", currencies=await sellers.currencies(tx)
        )
        category = await catalog.add_category(tx, "fruit", "Fruit")
        product = await catalog.add_product(tx, catalog.NewProduct("Kiwi", category, [catalog.NewVariant(sku="k")]))
        await logistics.import_locations(tx, 0, [9], ["akl"], ["Auckland"], ["NZ"])
        stocks = await inventory.open_stock(tx, 0, [seller], product.variant_ids, [9])
        await inventory.receive(tx, 0, [inventory.Goods(stocks[0], 5, new_id(tx.now))])
        for market, price in (("nz", 1_000), ("jp", 900)):
            new = catalog.NewOffer(seller, product.variant_ids[0], market, 9, stocks[0], price)
            await catalog.add_offer(tx, 0, new)
    transport = httpx.ASGITransport(build(db, Keys(b"a secret of the tests, long enough")))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as http:
        for market, shown in (("nz", {"minor": 1_000, "currency": "NZD"}), ("jp", {"minor": 900, "currency": "JPY"})):
            listed = (await http.get("/v1/products", params={"market": market})).json()["items"]
            assert [item["price"] for item in listed] == [shown]
        pages = [
            text(await http.get(f"/p/{product.slug}", params={"market": market}, headers={"accept-language": "en"}))
            for market in ("nz", "jp")
        ]
        # What is sent to Japan from Auckland bears import tax beside its price.
        assert ["Tax is included." in page for page in pages] == [True, False]
        assert "¥900 Sold by Kiwi" in pages[1]
        assert "Aotearoa (NZD)" in pages[1]
    await db.close()


async def test_7_texts_in_other_languages(shop: Shop) -> None:
    """A product is read, and found, in the reader's language, else in the market's, else as it was written; what has
    changed since it was translated is marked, and listed for who translates."""
    async with shop.db.write() as tx:
        await sellers.add_market(tx, sellers.Market("de", "Deutschland", "USD", "de", "DE"))
    seller, other = await shop.seller(), await shop.seller()
    offer = await shop.offer(seller, 2_000, 10)
    async with shop.db.write() as tx:
        row = await tx.conn.fetchrow("select product_id, variant_id, stock_id from catalog.offer where id = $1", offer)
        await catalog.add_offer(tx, 0, catalog.NewOffer(seller, row["variant_id"], "de", 1, row["stock_id"], 1_900))
    product = f"/v1/products/{row['product_id']}"
    say = shop.session(Role.SELLER, NIL, seller)

    async def put(path: str, body: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, str]:
        answer = await shop.http.put(product + path, json=body, headers=headers or shop.operator)
        return answer.status_code, "" if answer.status_code == 204 else answer.json()["type"]

    async def read(market: str, language: str) -> list[str]:
        query = {"market": market, "language": language}
        (card,) = (await shop.http.get("/v1/products", params=query)).json()["items"]
        shown = (await shop.http.get(f"/v1/products/{card['slug']}", params=query)).json()
        assert shown["title"] == card["title"]
        return [shown["title"], shown["description"], shown["language"] or "", "stale" if shown["stale"] else ""]

    text_ = {"title": "Tea cup", "description": "For tea."}
    assert await put("/text", text_, say) == (403, "/problems/not_allowed")
    assert await put("/text", text_) == (204, "")
    german = {"title": "Teetasse", "description": "Für Tee."}
    assert await put("/translations/de", german, shop.session(Role.SELLER, NIL, other)) == (404, "/problems/not_found")
    assert await put("/translations/en", german) == (404, "/problems/not_found")  # its own
    assert await put("/translations/de", german, say) == (204, "")
    assert await put("/translations/fr", {"title": "Tasse à thé"}) == (204, "")
    assert await put("/translations/fr", {"title": "Tasse"}, say) == (409, "/problems/translated_by_another")
    assert await read(MARKET, "de-AT") == ["Teetasse", "Für Tee.", "de", ""]
    assert await read("de", "fr") == ["Tasse à thé", "For tea.", "fr", ""]  # a title alone
    assert await read("de", "th") == ["Teetasse", "Für Tee.", "de", ""]
    assert await read("de", "en") == ["Tea cup", "For tea.", "", ""]
    assert await read(MARKET, "th") == ["Tea cup", "For tea.", "", ""]
    assert await found(shop, MARKET, "teetasse") == ["Tea cup"]

    assert await put("/text", {"title": "Coffee cup"}) == (204, "")
    assert await read(MARKET, "de") == ["Teetasse", "Für Tee.", "de", "stale"]
    stale = (await shop.http.get("/v1/operator/stale-translations", headers=shop.operator)).json()["items"]
    assert [(one["language"], one["title"], one["source_title"]) for one in stale] == [
        ("de", "Teetasse", "Coffee cup"), ("fr", "Tasse à thé", "Coffee cup"),
    ]  # fmt: skip
    slug = (await shop.http.get("/v1/products", params={"market": "de"})).json()["items"][0]["slug"]
    page = await browser(shop, say).get(f"/p/{slug}?market=de&lang=de")
    assert '<h1 lang="de">Teetasse</h1>' in page.text
    assert "Diese Übersetzung ist älter als der Text, von dem sie stammt." in text(page)
    assert await put("/translations/de", {"title": "Kaffeetasse"}, say) == (204, "")
    assert await read("de", "de") == ["Kaffeetasse", "", "de", ""]
