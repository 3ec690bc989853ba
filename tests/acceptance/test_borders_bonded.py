"""Borders, part 5: bonded stock, its account book, and declarations whose three messages agree."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import orders
from entrepot.customs import Office, declarations
from entrepot.customs.jobs import sweep
from entrepot.customs.office import Answer
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, parse
from entrepot.world.customs import Customs, Moods
from tests.acceptance.abroad import browser, is_shirts
from tests.acceptance.test_borders_modes import ID_NUMBER, IOSS, abroad, buyer_in, returned
from tests.notify.post import open_office, post, staff
from tests.shop import MARKET, Buyer, Shop, open_shop

SECRET = b"what customs and we know"
ITEM = {
    "record_no": "A001", "per_unit_milli": 180, "hs_code": "610910", "country_of_origin": "CN",
    "description": "Cotton T-shirts", "unit": "kg", "unit_value_minor": 4_000, "currency": "USD",
}  # fmt: skip


@dataclass
class Port:
    """A bonded warehouse in China, the seller whose goods lie there, and the office that keeps its book."""

    shop: Shop
    customs: Customs
    seller: UUID
    place: int

    async def send(
        self, method: str, path: str, body: Any = None, who: str = "seller", key: str = ""
    ) -> httpx.Response:
        headers = self.shop.operator if who == "operator" else self.shop.session(Role.SELLER, NIL, self.seller)
        return await self.shop.http.request(
            method, path, json=body, headers=headers | ({"idempotency-key": key} if key else {})
        )

    async def ask(self, after: timedelta = timedelta(), **moods: Any) -> None:
        """The worker does what is due, and customs is asked, which is in this mood."""
        self.customs.moods = Moods(**moods)
        await self.shop.run(after=after)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.customs)) as client:
            await sweep(self.shop.db, client, Office("http://customs.test", SECRET), self.shop.keys, 0)
        await self.shop.run()

    async def declared(self, order: str) -> dict[str, Any]:
        found = await self.send("GET", f"/v1/seller/orders/{order}/declarations")
        latest: dict[str, Any] = found.json()["items"][0]
        return latest

    async def pack(self, order: str, **said: Any) -> None:
        """Says with what parcel an order goes: its number is the end of the order's."""
        parcel = {"carrier": "sf", "tracking_number": order[-8:], "weight_g": 500} | said
        done = await self.send("PUT", f"/v1/seller/orders/{order}/parcel", parcel)
        assert done.status_code == 204, done.text

    async def ship(self, order: str, number: str = "") -> str:
        """The problem's name; empty when it was sent."""
        body = {"carrier": "sf", "tracking_number": number or order[-8:]}
        done = await self.send("POST", f"/v1/seller/orders/{order}/ship", body)
        return "" if done.status_code == 204 else str(done.json()["type"].rpartition("/")[2])


@dataclass
class Shelf:
    """Ten shirts of an item of the book, 180 g each."""

    port: Port
    record_no: str
    variant: int
    offer: int
    stock: int

    async def book(self) -> tuple[int, ...]:
        """(in bond, asked, received, released, written off) of the item."""
        items = (await self.port.send("GET", "/v1/seller/bonded")).json()["items"]
        (item,) = [item for item in items if item["record_no"] == self.record_no]
        return tuple(item[f"{name}_milli"] for name in ("quantity", "asked", "received", "released", "written_off"))

    async def bought(self, buyer: Buyer, units: int) -> str:
        quote = await buyer.quote([(self.offer, units)])
        assert quote["borders"][0]["mode"] == "Bonded cross-border retail (1210)"
        placed = await buyer.place(quote)
        assert placed.status_code == 201, placed.text
        order: str = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()["orders"][0]["id"]
        await self.port.shop.run()
        return order


@pytest.fixture(scope="module")
async def port(db_url: str) -> AsyncIterator[Port]:
    async with open_shop(db_url) as shop:
        await abroad(shop)
        await shop.http.put("/v1/operator/registrations/CN", json=IOSS | {"number": "CBEC 1"}, headers=shop.operator)
        new = {"code": "zone", "name": "Bonded zone", "country": "CN"}
        place = (await shop.http.post("/v1/locations", json=new, headers=shop.operator)).json()["id"]
        dock = {"line1": "1 Dock Road", "city": "Ningbo"}
        await shop.http.put(f"/v1/locations/{place}/address", json=dock, headers=shop.operator)
        book = {"number": "T5141W000001", "office": "Ningbo"}
        opened = await shop.http.put(f"/v1/locations/{place}/book", json=book, headers=shop.operator)
        assert opened.status_code == 204, opened.text
        customs = Customs(SECRET, shop.clock, Random(5))
        yield Port(shop, customs, await shop.seller(), place)


async def shelf(port: Port, record_no: str) -> Shelf:
    """Says what shirts are in the book, and receives them."""
    offer = await port.shop.offer(port.seller, 10_000, 0, location=port.place)
    await is_shirts(port.shop, offer)
    async with port.shop.db.read() as tx:
        query = "select variant_id, stock_id from catalog.offer where id = $1"
        variant, stock = await tx.conn.fetchrow(query, offer)
    item = ITEM | {"variant_id": variant, "record_no": record_no}
    said = await port.send("PUT", f"/v1/seller/bonded/{port.place}/items", item)
    assert said.status_code == 204, said.text
    inbound = {"declaration_no": f"3101{record_no}", "lines": [{"variant_id": variant, "quantity": 10}]}
    done = await port.send("POST", f"/v1/seller/bonded/{port.place}/receipts", inbound, key=f"receive {record_no}")
    assert done.status_code == 201, done.text
    return Shelf(port, record_no, variant, offer, stock)


async def person(port: Port) -> Buyer:
    buyer = await buyer_in(port.shop, "CN")
    said = await buyer.send("PUT", "/v1/identity", {"country": "CN", "name": "Ada Byron", "number": ID_NUMBER})
    assert said.status_code == 200, said.text
    return buyer


async def left(buyer: Buyer) -> int:
    me = {"country": "CN", "name": "Ada Byron", "number": ID_NUMBER}
    found: int = (await buyer.send("PUT", "/v1/identity", me)).json()["quotas"][0]["left_minor"]
    return found


async def test_5_bonded_stock_and_its_book(port: Port) -> None:
    """Goods come into bond by a declaration, once; they leave it per order, when customs has let them out, with the
    parcel that was declared; the book is what lies there."""
    shirts = await shelf(port, "A001")
    assert await shirts.book() == (1_800, 0, 1_800, 0, 0)
    line = {"variant_id": shirts.variant, "quantity": 1}
    inbound = {"declaration_no": "3101A001", "lines": [line]}
    before = await port.shop.state()
    for path, body, problem in (
        (f"bonded/{port.place}/receipts", inbound, "declaration_received"),
        ("receipts", {"location_id": port.place, "lines": [line]}, "location_bonded"),
        (f"stock/{shirts.stock}/adjustments", {"direction": "fewer", "units": 1, "reason": "lost"}, "location_bonded"),
        (f"bonded/stock/{shirts.stock}/write-offs", {"units": 11, "reason": "lost"}, "stock_promised"),
        ("bonded/1/receipts", inbound, "no_book"),
    ):
        refused = await port.send("POST", f"/v1/seller/{path}", body, key=f"refused {problem} {path}")
        assert refused.json()["type"] == f"/problems/{problem}", refused.text
    item = ITEM | {"variant_id": shirts.variant, "unit": "g"}
    changed = await port.send("PUT", f"/v1/seller/bonded/{port.place}/items", item)
    assert changed.json()["type"] == "/problems/item_in_use"
    assert await port.shop.state() == before
    door = (await port.shop.http.get(f"/v1/offers/{shirts.offer}/at-door?country=CN")).json()
    assert (door["crosses"], door["tax"]["minor"]) == (True, 910)  # 70 % of 13 % of 100.00
    ada = await person(port)
    order = await shirts.bought(ada, 2)
    assert (await port.declared(order))["problems"] == [{"field": "parcel", "said": {"parcel": ""}}]
    assert await port.ship(order) == "not_released"
    await port.pack(order)
    assert ((await port.declared(order))["status"], await shirts.book()) == ("asked", (1_800, 360, 1_800, 0, 0))
    assert await port.ship(order) == "not_released"
    staff = port.shop.session(Role.SELLER, NIL, port.seller)
    own = f"/seller/orders/{order}"
    assert f'action="{own}/ship"' not in (await browser(port.shop, staff).get(own)).text
    # it comes late, then its answer is lost: asked again, customs answers as it stands
    await port.ask(delay_rate=1)
    await port.ask(timedelta(seconds=31), lost_rate=1)
    assert (await port.declared(order))["status"] == "asked"
    await port.ask(timedelta(seconds=31))
    found = await port.declared(order)
    assert (found["status"], found["reference"], found["attempts"]) == ("released", "CUS00000001", 3)
    assert "GACC Announcement 194 of 2018" in found["law"]
    assert await shirts.book() == (1_440, 0, 1_800, 360, 0)
    assert port.customs.let_out() == {"T5141W000001 A001": 360}
    assert port.customs.declared[found["id"]]["buyer_number"] == ID_NUMBER
    await port.shop.audited()
    fields = await browser(port.shop, staff).form(own, f"{own}/ship")  # with the parcel that was declared
    assert (fields["carrier"], fields["tracking_number"]) == ("sf", order[-8:])
    assert await port.ship(order, "another") == "parcel_declared_is"
    assert await port.ship(order) == ""
    # what is missing is written off, in the count and in the book
    lost = {"units": 3, "reason": "damaged"}
    done = await port.send("POST", f"/v1/seller/bonded/stock/{shirts.stock}/write-offs", lost, key="write off")
    assert done.status_code == 201, done.text
    assert (await shirts.book(), await port.shop.stock(shirts.offer)) == ((900, 0, 1_800, 360, 540), (5, 0, 0))
    # one of the two comes back in time, and is in bond again
    before_quota = await left(ada)
    await returned(port.shop, ada, staff, order, 1, 10_300)
    assert await left(ada) > before_quota
    assert (await shirts.book(), await port.shop.stock(shirts.offer)) == ((1_080, 0, 1_980, 360, 540), (6, 0, 0))
    await port.shop.audited()


async def test_5_what_has_been_in_bond_stays_what_it_was_and_is_in_no_campaign(port: Port) -> None:
    """Also when all of it is gone: some may come back."""
    gone = await shelf(port, "A000")
    lost = {"units": 10, "reason": "lost"}
    done = await port.send("POST", f"/v1/seller/bonded/stock/{gone.stock}/write-offs", lost, key="write off A000")
    assert (done.status_code, await gone.book()) == (201, (0, 0, 1_800, 0, 1_800))
    item = ITEM | {"variant_id": gone.variant, "record_no": "A000", "per_unit_milli": 200}
    changed = await port.send("PUT", f"/v1/seller/bonded/{port.place}/items", item)
    assert changed.json()["type"] == "/problems/item_in_use"

    sale = {"offer_id": gone.offer, "units": 1, "unit_price_minor": 1, "max_per_buyer": 1}
    times = {"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}
    campaign = {"market": MARKET, "name": "In bond", "offers": [sale]} | times
    refused = await port.send("POST", "/v1/campaigns", campaign, "operator")
    assert (refused.status_code, "in bond" in refused.json()["detail"]) == (400, True)


async def test_5_pages_show_all_of_a_book(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    for record_no in ("P001", "P002"):
        await shelf(port, record_no)
    items = (await port.send("GET", "/v1/seller/bonded")).json()["items"]
    for module in ("entrepot.bonded", "entrepot.bonded.reads"):
        monkeypatch.setattr(f"{module}.PAGE", len(items) - 1)
    for path, headers in (
        ("/seller/bond", port.shop.session(Role.SELLER, NIL, port.seller)), ("/operator/bond", port.shop.operator),
    ):  # fmt: skip
        page = (await browser(port.shop, headers).get(path)).text
        assert ("P001" in page, "P002" in page) == (True, False)
        following = re.findall(r'href="([^"]+)" rel="next"', page)[0]
        page = (await browser(port.shop, headers).get(following)).text
        assert ("P001" in page, "P002" in page, 'rel="next"' in page) == (False, True, False)


SAYS = (
    ("payment", {"payer": "Carl Gauss"}, ["buyer"]),
    ("payment", {"amount_minor": 1}, ["amount"]),
    ("payment", {"currency": "CNY"}, ["amount", "currency"]),  # in another currency it is another amount
    ("payment", {"payment_id": "another"}, ["payment"]),
    ("parcel", {"recipient": "Carl Gauss, 1 Main Street"}, ["recipient"]),
    ("parcel", {"freight_minor": 1}, ["freight"]),
    ("parcel", {"units": 3}, ["units"]),
    ("parcel", {"weight_g": 100}, ["weight"]),
)
"""What one of the messages says otherwise, and the fields that are named."""


async def test_5_three_messages_agree(port: Port) -> None:
    """Where one of them says something else nothing is sent to customs, and the field is named; put right, it is."""
    shirts = await shelf(port, "A002")
    order = await shirts.bought(await person(port), 1)
    told, asked = f"/v1/operator/orders/{order}/payment-message", port.customs.asked
    for message, said, fields in SAYS:
        if message == "payment":
            assert (await port.send("PUT", told, said, "operator")).status_code == 204
        await port.pack(order, **(said if message == "parcel" else {}))
        found = await port.declared(order)
        assert (found["status"], [one["field"] for one in found["problems"]]) == ("open", fields)
        if message == "payment":
            await port.pack(order, units=2)
            await port.send("PUT", told, {}, "operator")
    await port.ask()
    assert port.customs.asked == asked
    assert await port.ship(order) == "not_released"
    await is_shirts(port.shop, shirts.offer, country_of_origin="VN")
    await port.pack(order)
    (problem,) = (await port.declared(order))["problems"]
    assert problem == {"field": "item", "said": {"order": "610910 VN", "book": "610910 CN"}}
    await is_shirts(port.shop, shirts.offer)
    await port.pack(order)
    await port.ask()
    assert (await port.declared(order))["status"] == "released"
    await port.shop.audited()


async def test_5_rejected_and_canceled(port: Port) -> None:
    """What customs rejects is put right and declared anew; what is canceled is taken back, and book, quota and money go
    back once, whatever had been answered; what is left of it is declared anew."""
    shirts, ada = await shelf(port, "A003"), await person(port)
    await staff(port.shop, port.seller, "sam@example.org")
    full = await left(ada)
    first, second, third = bought = [await shirts.bought(ada, 2) for _ in range(3)]
    for order in bought:
        await port.pack(order)
    await port.ask(reject_rate=1)
    async with open_office() as office:  # its seller is told, once of each
        await post(port.shop, office.channels(port.shop))
    told = [text for text in office.texts("sam@example.org") if "Customs has not let out" in text]
    assert [[order in text for text in told].count(True) for order in bought] == [1, 1, 1]
    rejected = await port.declared(first)
    assert (rejected["status"], rejected["reason"] != "") == ("rejected", True)
    assert await shirts.book() == (1_800, 0, 1_800, 0, 0)
    for order, who in ((first, "seller"), (second, "operator")):
        assert (await port.send("POST", f"/v1/{who}/orders/{order}/declarations", who=who)).status_code == 204
    again = await port.send("POST", f"/v1/seller/orders/{first}/declarations")
    assert again.json()["type"] == "/problems/released_already"
    await port.ask()
    assert ((await port.declared(first))["no"], await shirts.book()) == (2, (1_080, 0, 1_800, 720, 0))
    # one that was released is canceled, and one that was rejected; of one some is
    for order in (first, third):
        assert (await ada.send("POST", f"/v1/orders/{order}/cancel")).status_code == 204
    one = {"lines": [{"line_no": 1, "quantity": 1}]}
    assert (await ada.send("POST", f"/v1/orders/{second}/cancel-lines", one)).status_code == 204
    assert await port.ship(second) == "not_released"
    await port.ask(keeps=True)
    kept = await port.declared(first)
    assert (kept["status"], kept["reason"]) == ("revoking", "the goods are to be inspected")
    await port.ask(timedelta(hours=1, seconds=1), lost_rate=1)
    await port.ask(timedelta(seconds=31))
    await port.ask()
    assert [(await port.declared(order))["status"] for order in bought] == ["ended", "released", "rejected"]
    assert (await port.declared(second))["no"] == 3
    assert await shirts.book() == (1_620, 0, 1_800, 180, 0)
    assert await port.ship(second) == ""
    assert full - await left(ada) == 74_389  # one of 100.00 and half of the transport of 6.00, in CNY
    assert port.customs.let_out()["T5141W000001 A003"] == 180
    await port.shop.audited()
    waiting = (await port.send("GET", "/v1/operator/declarations", who="operator")).json()["items"]
    assert [one for one in waiting if one["order_id"] in bought] == []
    listed = (await port.send("GET", "/v1/operator/declarations?waiting=false", who="operator")).json()["items"]
    assert sorted(one["declaration"]["no"] for one in listed if one["order_id"] in bought) == [1, 2, 3]


async def test_5_what_waits_for_the_book(port: Port) -> None:
    """Goods of a canceled order lie there and are sold again, and are not in the book until customs has taken its
    release back: then the next is declared, whatever became of others that wait. Who is erased is named no more."""
    shirts, ada = await shelf(port, "A004"), await person(port)
    first = await shirts.bought(ada, 2)
    await port.pack(first)
    await port.ask()
    lost = {"units": 8, "reason": "lost"}
    done = await port.send("POST", f"/v1/seller/bonded/stock/{shirts.stock}/write-offs", lost, key="write off A004")
    assert done.status_code == 201, done.text
    assert (await ada.send("POST", f"/v1/orders/{first}/cancel")).status_code == 204
    await port.shop.run()
    bob = await person(port)
    gone, left = [await shirts.bought(bob, 1) for _ in range(2)]
    for order in (gone, left):
        await port.pack(order)
        assert [one["field"] for one in (await port.declared(order))["problems"]] == ["book"]
    revoked = parse("dec", (await port.declared(first))["id"])
    async with port.shop.db.write() as tx:
        await declarations.answered(tx, 0, parse("ord", first), revoked, "revoking", Answer("revoked"))
        await orders.cancel(tx, 0, [parse("ord", gone)])  # its declaration has not heard of it
        await declarations.book_changed(tx, 0)
    assert [(await port.declared(order))["status"] for order in (first, gone, left)] == ["ended", "open", "asked"]
    await port.ask(reject_rate=1)
    await port.pack(left, recipient="Carl Gauss, 1 Main Street")
    assert "Carl Gauss" in str((await port.declared(left))["problems"])
    assert (await bob.send("DELETE", "/v1/accounts/me")).status_code == 204
    await port.shop.run()
    assert (await port.declared(left))["problems"] == [{"field": "recipient", "said": {}}]
    await port.shop.audited()
