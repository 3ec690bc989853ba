"""Borders, part 7: what a market's file says of holidays and exchange, and tax numbers, without code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from entrepot import exchange, markets, orders, sellers
from entrepot.catalog.machine import translate_missing
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, show
from entrepot.kit.outside import OutsideError
from entrepot.logistics import NewShipment
from tests.acceptance.abroad import browser
from tests.shop import MARKET, START, Shop, open_shop
from tests.web.site import fields_of, text

VENETIA = """
code = "ve"
name = "Venetia"
country = "IT"
currency = "EUR"
language = "it"
prices_with_tax = true
[[terms]]
valid_from = 2026-01-01T00:00:00Z
commission_bp = 1000
payment_fee_bp = 150
quote_ttl_s = 1800
payment_ttl_s = 900
confirm_after_s = 864000
untracked_after_s = 2592000
source = "tests"
[[shipping]]
code = "boat"
name = "Gondola"
base = "5.00"
[[exchange]]
valid_from = 2026-01-01T00:00:00Z
spread_bp = 150
max_age_d = 5
converts = false
source = "tests"
[holidays]
of = "IT-VE"
off = [{day = 2026-07-19, name = "Redentore"}]
works = [2026-06-02]
"""


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def _sent(shop: Shop, order: UUID) -> str:
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", order.hex)])
    return f"/v1/orders/{show('ord', order)}"


async def test_7_working_days(shop: Shop) -> None:
    """On Monday, March 16th 2026, people of this market celebrate. What would end then, or on the weekend before, ends
    on Tuesday; and sellers who are paid every other Monday are paid on that Tuesday, once."""
    async with shop.db.write() as tx:
        holiday = sellers.DayOff(date(2026, 3, 16), "Founders' Day")
        await sellers.set_calendar(tx, MARKET, [6, 7], [holiday], "tests")
    seller, buyer = await shop.seller(), await shop.buyer()
    offer = await shop.offer(seller, 1_000, 10)
    await shop.run()  # Monday, March 2nd: nobody has anything yet
    first, second = (await buyer.buy([(offer, 1)]))[0], (await buyer.buy([(offer, 1)]))[0]
    await buyer.send("POST", f"{await _sent(shop, first)}/confirm")
    path = await _sent(shop, second)

    await shop.run(after=timedelta(days=9))  # Wednesday: three days to answer end on Saturday
    claim = {"kind": "wrong_or_damaged", "text": "Torn.", "lines": [{"line_no": 1, "quantity": 1}]}
    opened = (await buyer.send("POST", f"{path}/disputes", claim)).json()["id"]
    dispute = (await buyer.send("GET", f"{path}/disputes/{opened}")).json()["dispute"]
    assert datetime.fromisoformat(dispute["due_at"]) == datetime(2026, 3, 17, 9, tzinfo=UTC)

    async def payouts() -> list[str]:
        staff = shop.session(Role.SELLER, new_id(shop.clock.now()), seller)
        found = (await shop.http.get("/v1/seller/payouts", headers=staff)).json()["items"]
        return [item["created_at"][:10] for item in found]

    await shop.run(after=timedelta(days=5))
    assert (shop.clock.now().date(), await payouts()) == (date(2026, 3, 16), [])
    for day in (17, 18, 19):
        await shop.run(after=timedelta(days=1))
        assert (shop.clock.now().day, await payouts()) == (day, ["2026-03-17"])
    await shop.audited()


async def test_7_a_market_says_its_holidays_and_its_exchange(shop: Shop) -> None:
    """Those of its country and region, for six years; of which it may add some, and work on others. A place that nobody
    knows the holidays of is refused, naming it."""
    async with shop.db.write() as tx:
        await markets.add(tx, markets.read("ve.toml", VENETIA))
        await markets.add(tx, markets.read("ve.toml", VENETIA))  # again: nothing changes
        days = await tx.conn.fetch("select day, name from sellers.day_off where market = 've' order by day")
        found = {row["day"]: row["name"] for row in days}
        assert (min(found).year, max(found).year, found[date(2026, 7, 19)]) == (2025, 2030, "Redentore")
        assert (found[date(2026, 4, 25)], date(2026, 6, 2) in found) == (
            "Anniversario della Liberazione; San Marco Evangelista",
            False,
        )
        calendar = await sellers.calendar_of(tx, "ve")
        assert [sellers.is_working(calendar, date(2026, 5, day)) for day in (1, 2, 4)] == [False, False, True]
        with pytest.raises(exchange.NotExchanged):
            await exchange.lock(tx, "ve", "EUR", "USD")
    with pytest.raises(markets.MarketsError, match="Atlantis"):
        markets.read("at.toml", VENETIA.replace('of = "IT-VE"', 'of = "Atlantis"'))


async def test_7_a_market_says_how_it_is_paid(shop: Shop) -> None:
    """A market's file names the ways of paying that it offers: no other is shown, or taken; without any, all are."""
    with pytest.raises(markets.MarketsError, match="payments"):
        markets.read("ve.toml", f'payments = ["shells"]\n{VENETIA}')
    plan = markets.read("ve.toml", f'payments = ["stripe", "installments"]\n{VENETIA}')
    assert plan.market.payments == ["stripe", "installments"]
    buyer = await shop.buyer()
    quote = await buyer.quote([(await shop.offer(await shop.seller(), 1_000, 10), 1)])
    page = text(await browser(shop, buyer.headers).get(f"/checkout/{quote['id']}"))
    assert "Wallet" in page
    async with shop.db.write() as tx:  # its file says so from now on
        market = await sellers.market(tx, MARKET)
        await sellers.add_market(tx, replace(market, payments=plan.market.payments))
        with pytest.raises(sellers.MarketExists):
            await sellers.add_market(tx, replace(market, name="Another", payments=[]))
    shop.clock.advance(timedelta(seconds=4))
    before = await shop.state()
    refused = await buyer.place(quote)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/method_not_offered")
    assert await shop.state() == before
    page = text(await browser(shop, buyer.headers).get(f"/checkout/{quote['id']}"))
    assert "Wallet" not in page.split("Payment", 1)[1]
    async with shop.db.write() as tx:
        await sellers.add_market(tx, replace(market, payments=["wallet"]))
    shop.clock.advance(timedelta(seconds=4))
    assert (await buyer.place(quote)).status_code == 201


async def test_7_tax_numbers_addresses_and_phones(shop: Shop) -> None:
    """A seller's and a business buyer's tax numbers, regions, postal codes and phones are what their countries give
    out, or refused."""
    seller, buyer = await shop.seller(), await shop.buyer()
    staff = shop.session(Role.SELLER, new_id(START), seller)
    who = {
        "kind": "company", "name": "Acme", "line1": "1 Street", "postal_code": "10115", "city": "Berlin",
        "country": "DE", "vat_id": "DE 136 695 976",
    }  # fmt: skip
    refused = await shop.http.put("/v1/seller/identity", json=who | {"vat_id": "DE136695975"}, headers=staff)
    assert (refused.json()["type"], refused.json()["field"]) == ("/problems/tax_id_not_valid", "vat_id")
    assert (await shop.http.put("/v1/seller/identity", json=who, headers=staff)).status_code == 204
    identity = (await shop.http.get("/v1/seller/identity", headers=staff)).json()["identity"]
    assert identity["vat_id"] == "DE136695976"
    to = {
        "recipient": "Padaria Ltda", "line1": "Rua Um 1", "city": "São Paulo", "region": "SP",
        "postal_code": "01310-100", "country": "BR", "tax_id": "16.727.230/0001-97",
    }  # fmt: skip
    refused = await buyer.send("POST", "/v1/addresses", to | {"tax_id": "16.727.230/0001-98"})
    assert (refused.json()["type"], refused.json()["field"]) == ("/problems/address_not_valid", "tax_id")
    for change, field in (
        ({"region": "XX"}, "region"), ({"postal_code": "1310"}, "postal_code"), ({"phone": "11 3"}, "phone")
    ):  # fmt: skip
        refused = await buyer.send("POST", "/v1/addresses", to | change)
        assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert (await buyer.send("POST", "/v1/addresses", to | {"phone": "(11) 96123-4567"})).status_code == 201
    kept = (await buyer.send("GET", "/v1/addresses")).json()["items"][0]
    assert (kept["tax_id"], kept["phone"]) == ("16727230000197", "+5511961234567")


@asynccontextmanager
async def translator(answers: list[bytes]) -> AsyncIterator[tuple[str, list[Any]]]:
    """A server that answers these bodies in turn, then each text in capitals; its address, and what it was asked."""
    asked: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        asked.append(msgspec.json.decode(body))
        told = {"texts": [text.upper() for text in asked[-1]["texts"]]}
        answer = answers.pop(0) if answers else msgspec.json.encode(told)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", asked


async def test_7_a_machine_translates_and_a_person_reads_it(shop: Shop) -> None:
    """A translator of one's own is asked for what nobody has said in a language. What it says is marked wherever it is
    shown until its seller has read it, follows the text it is of, and never takes the place of what a person said. What
    is no translation is refused, and nothing is kept of it."""
    seller, other = await shop.seller(), await shop.seller()
    await shop.offer(seller, 1_000, 5)
    await shop.offer(other, 1_000, 5)
    mine, theirs = [shop.session(Role.SELLER, NIL, one) for one in (seller, other)]
    async with shop.db.read() as tx:
        rows = await tx.conn.fetch("select id, slug, title from catalog.product order by id")
    (first, slug, title), (second, _, _) = rows

    async def run(answers: list[bytes]) -> tuple[int, list[Any]]:
        async with translator(answers) as (url, asked), httpx.AsyncClient(trust_env=False) as client:
            return await translate_missing(shop.db, client, url, "de", 10), asked

    async def seen(headers: dict[str, str]) -> list[tuple[int, str]]:
        items = (await shop.http.get("/v1/machine-translations", headers=headers)).json()["items"]
        return [(one["product_id"], one["title"]) for one in items]

    async def read() -> tuple[str, bool, bool]:
        query = {"market": MARKET, "language": "de"}
        shown = (await shop.http.get(f"/v1/products/{slug}", params=query)).json()
        return shown["title"], shown["machine"], shown["stale"]

    before = await shop.state()
    for odd in (b"", b"{}", b'{"texts": []}', b'{"texts": ["A", "B"]}', b'{"texts": [" "]}', b'{"texts": [1]}'):
        with pytest.raises(OutsideError, match="no translation of product"):
            await run([odd, odd])
    assert await shop.state() == before
    with pytest.raises(OutsideError, match=f"no translation of product {first}; of others 1"):
        await run([b'{"texts": ["%s"]}' % (b"x" * 201)])
    done, asked = await run([])
    assert (done, asked) == (1, [{"from": "en", "to": "de", "texts": [title]}])
    assert await read() == (title.upper(), True, False)
    page = await browser(shop, (await shop.buyer(0)).headers).get(f"/p/{slug}?lang=de")
    assert "Von einer Maschine übersetzt" in text(page)
    assert (await seen(mine), len(await seen(shop.operator))) == ([(first, title.upper())], 2)

    at = f"/v1/products/{first}/translations/de"
    assert (await shop.http.post(f"{at}/review", headers=theirs)).status_code == 404
    assert (await shop.http.post(f"{at}/review", headers=mine)).status_code == 204
    assert (await shop.http.post(f"{at}/review", headers=mine)).status_code == 404
    assert (await read(), await seen(mine)) == ((title.upper(), False, False), [])
    said = await shop.http.put(f"/v1/products/{second}/translations/de", json={"title": "Ding"}, headers=theirs)
    assert (said.status_code, await seen(shop.operator), await run([])) == (204, [], (0, []))
    theirs_too = f"/v1/products/{first}/translations/fr"  # the operator's, of what a seller offers
    assert (await shop.http.put(theirs_too, json={"title": "Chose"}, headers=shop.operator)).status_code == 204
    for product in (first, second):  # what they say now no translation says, and a person's stays, stale
        new = {"title": "Thing"}
        assert (await shop.http.put(f"/v1/products/{product}/text", json=new, headers=shop.operator)).status_code == 204
    assert (await run([]), await read()) == ((0, []), (title.upper(), False, True))

    at = "/seller/texts"
    reader, another = browser(shop, mine), browser(shop, theirs)
    page = await reader.get(f"{at}?lang=de")
    assert all(word in text(page) for word in ("Thing Deutsch", "Älter als das Original.", "So stimmt es: speichern"))
    assert page.text.count('name="of"') == 1  # what another or the operator has said is that one's to mend
    assert (await browser(shop, shop.operator).get("/operator/texts")).text.count('name="of"') == 3
    right = fields_of((await reader.get(at)).text, at) | {"title": "Das Ding", "description": "Es steht."}
    token = fields_of((await another.get(at)).text, at)["form_token"]
    before = await shop.state()
    assert (await another.send(at, right | {"form_token": token})).status_code == 404
    older = await reader.send(at, right | {"of": "0" * 32})
    assert (older.status_code, "Das Original hat sich inzwischen geändert" in text(older)) == (409, True)
    assert fields_of(older.text, at)["title"] == "Das Ding"  # as it was typed, to be sent again
    assert await shop.state() == before
    assert (await reader.send(at, right)).status_code == 303
    assert await read() == ("Das Ding", False, False)
    assert "Alle Übersetzungen sind gelesen." in text(await reader.get(at))
