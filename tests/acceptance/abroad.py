"""Orders that cross a border, for the tests of borders."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

from entrepot import logistics, pricing
from entrepot.customs import brokers
from entrepot.customs.store_brokers import Kept
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, new_id, parse
from tests.acceptance.eyes import approve, limited
from tests.shop import MARKET, Shop
from tests.web.site import Visitor, text


async def asked(shop: Shop, from_: str, to: str, currency: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the API answers; a refusal is the problem's document."""
    body = {"from": from_, "to": to, "currency": currency, "lines": list(lines)} | more
    response = await shop.http.post("/v1/landed-cost", json=body)
    return dict(response.json())


def goods(code: str, origin: str, value_minor: int, **more: Any) -> dict[str, Any]:
    return {"code": code, "origin": origin, "value_minor": value_minor} | more


SHIRT = {"hs_code": "610910", "country_of_origin": "CN", "customs_description": "Cotton T-shirt", "weight_g": 180}


async def is_shirts(shop: Shop, offer: int, cell: int = 0, **more: Any) -> None:
    """Says at customs that an offer's goods are T-shirts."""
    async with shop.db.read() as tx:
        query = "select variant_id from catalog.offer where cell = $1 and id = $2"
        variant = await tx.conn.fetchval(query, cell, offer)
    done = await shop.http.put(f"/v1/variants/{variant}/customs", json=SHIRT | more, headers=shop.operator)
    assert done.status_code == 200, done.text


MARKUP = 'Shirt #panic("no") *b* $1$ <x> \\'
"""What would be code or markup in Typst, and is a description of goods."""
PARCEL = {"carrier": "post", "tracking_number": "P1"}


async def far_offers(shop: Shop) -> tuple[list[int], list[dict[str, str]], int]:
    """Shirts of 20.00 from Shenzhen, one offer in each of two cells, and who sells them; an offer of 10.00 from here;
    and a service that is DDP."""
    await shop.open_cell(1)
    async with shop.db.write() as tx:
        for cell in (0, 1):
            await logistics.import_locations(tx, cell, [3], ["cn1"], ["Shenzhen"], ["CN"])
            await logistics.set_address(tx, cell, None, 3, logistics.LocationAddress("1 Dock Road", "Shenzhen"))
        ddp = pricing.ShippingService(MARKET, "ddp", "Duties paid", 500, 100, 86_400, 2, "DDP", 250)
        await pricing.add_shipping_service(tx, ddp)
    offers, staff = [], []
    for cell in (0, 1):
        seller = await shop.seller(cell=cell)
        offers.append(await shop.offer(seller, 2_000, 100, location=3, cell=cell))
        await is_shirts(shop, offers[cell], cell)
        staff.append(shop.session(Role.SELLER, NIL, seller, cell))
    local = await shop.offer(await shop.seller(), 1_000, 10)
    return offers, staff, local


class Sold(NamedTuple):
    """Two orders of one purchase from one seller, by their addresses: one that goes abroad, with 3 shirts of 20.00 and
    2 pairs of socks of 4.50, duties paid, and one that does not."""

    abroad: str
    within: str
    staff: dict[str, str]
    offers: list[int]
    variants: list[int]
    titles: list[str]


async def sold_abroad(shop: Shop) -> Sold:
    """From Shenzhen, at a location without an address, to the US; there are exchange rates."""
    async with shop.db.write() as tx:
        await logistics.import_locations(tx, 0, [3], ["cn1"], ["Shenzhen"], ["CN"])
        ddp = pricing.ShippingService(MARKET, "ddp", "Duties paid", 500, 100, 86_400, 2, "DDP", 250)
        await pricing.add_shipping_service(tx, ddp)
        await tx.conn.executemany(
            "insert into trade.euro_rate values ($1, '2026-03-01', $2, 'tests')",
            [("USD", Decimal("1.08")), ("CNY", Decimal("7.8")), ("JPY", Decimal(163)), ("GBP", Decimal("0.85"))],
        )
    seller = await shop.seller()
    offers = [await shop.offer(seller, price, 10, location=3) for price in (2_000, 450)]
    await is_shirts(shop, offers[0], customs_description=MARKUP)
    await is_shirts(shop, offers[1], customs_description="Socks", weight_g=70)
    buyer, local = await shop.buyer(), await shop.offer(seller, 1_000, 10)
    placed = await buyer.place(await buyer.quote([(offers[0], 3), (offers[1], 2), (local, 1)], shipping="ddp"))
    group = (await buyer.send("GET", f"/v1/groups/{placed.json()['id']}")).json()
    abroad, within = (f"/v1/seller/orders/{order['id']}" for order in group["orders"])
    async with shop.db.read() as tx:
        named = await tx.conn.fetch(
            "select v.id, p.title from catalog.offer o join catalog.variant v on v.id = o.variant_id "
            "join catalog.product p on p.id = v.product_id where o.cell = 0 and o.id = any ($1) order by o.id", offers,
        )  # fmt: skip
    await shop.run()
    staff = shop.session(Role.SELLER, NIL, seller)
    return Sold(abroad, within, staff, offers, [row["id"] for row in named], [row["title"] for row in named])


def browser(shop: Shop, headers: dict[str, str]) -> Visitor:
    cookies = {"session": headers["authorization"].removeprefix("Bearer ")}
    transport = httpx.ASGITransport(shop.app, raise_app_exceptions=False)
    wants = {"accept": "text/html", "accept-language": "en"}
    return Visitor(httpx.AsyncClient(transport=transport, base_url="http://shop.test", cookies=cookies, headers=wants))


async def handed_on(shop: Shop, canceled: str) -> None:
    """What a carrier has paid at customs for the parcel T1, of whose 12.40 it asks for 12.50; for a canceled order, for
    which nothing is kept; for the same once more, and for one that nobody knows."""
    kept = Kept(NIL, "USD", 1_240, 0)
    asked_for = [(1_240, "USD", kept), (1_264, "USD", kept), (1_265, "USD", kept), (1_240, "EUR", kept)]
    assert [brokers.judge(*one) for one in asked_for] == ["", "", "differs", "currency"]
    lines = [("T1", 1_250), (canceled, 300), ("T1", 40), ("T9", 5)]
    body = {
        "broker": "house", "number": "7", "currency": "USD", "issued_on": "2026-03-02",
        "lines": [{"of": of, "amount_minor": minor} for of, minor in lines],
    }  # fmt: skip

    async def send(path: str, body: dict[str, Any]) -> str:
        done = await shop.http.post(f"/v1/operator/{path}", json=body, headers=shop.operator)
        return "" if done.is_success else str(done.json()["type"].removeprefix("/problems/"))

    async def balances() -> list[int]:
        names = ("duties", "duty_difference", "broker", "payout")
        return [sum([await shop.balance(name, cell=cell) for cell in (0, 1)]) for name in names]

    before = (await balances())[3]
    assert await send("broker-invoices", body) == ""
    assert await send("broker-invoices", body) == "broker_invoice_recorded"
    assert await balances() == [0, -10, 1_250, before]
    (invoice,) = (await shop.http.get("/v1/operator/broker-invoices", headers=shop.operator)).json()["items"]
    assert [(line["status"], line["reason"]) for line in invoice["lines"]] == [
        ("settled", ""), ("open", "nothing_paid"), ("open", "settled_before"), ("open", "unknown"),
    ]  # fmt: skip
    await shop.audited()
    payment = f"broker-invoices/{invoice['id']}/payment"
    assert await send(payment, {"reference": "RF18"}) == "broker_lines_open"
    for number, act in ((1, "accept"), (2, "accept"), (3, "reject")):
        path = f"broker-lines/{invoice['lines'][number]['id']}"
        assert await send(path, {"act": act, "note": "looked"}) == ""
        assert await send(path, {"act": act, "note": "looked"}) == "broker_line_decided"
    assert await balances() == [0, -350, 1_590, before]
    assert await send(payment, {"reference": "RF18"}) == ""
    assert await send(payment, {"reference": "RF18"}) == "broker_invoice_paid"
    assert await balances() == [0, -350, 0, before + 1_590]
    page = text(await browser(shop, shop.operator).get("/operator/borders"))
    assert "house 7 $15.90 paid, RF18" in page
    # customs gives some of it back
    credit = body | {"number": "8", "lines": [{"of": "T1", "amount_minor": -250}]}
    assert await send("broker-invoices", credit) == ""
    async with shop.db.write() as tx:  # a later one that is paid
        await tx.conn.execute(
            """insert into customs.broker_invoice
               values ($1, 'house', '9', 'USD', '2026-03-02', $2, $1, $2, $1, 'RF20')""",
            new_id(tx.now), tx.now + timedelta(days=1),
        )  # fmt: skip
    (back, *_) = (await shop.http.get("/v1/operator/broker-invoices", headers=shop.operator)).json()["items"]
    await limited(shop, "accept_broker_line", 249)  # it differs by 250 from what was paid: two decide
    line, books = f"/v1/operator/broker-lines/{back['lines'][0]['id']}", await balances()
    accepted = {"act": "accept", "note": "credit note"}
    waits = await shop.http.post(line, json=accepted, headers=shop.operator)
    assert (waits.status_code, await balances()) == (202, books)
    await approve(shop, waits.json()["approval_id"])
    assert await send(f"broker-invoices/{back['id']}/payment", {"reference": "RF19"}) == ""
    assert await balances() == [0, -100, 0, before + 1_340]
    await shop.audited()


async def proven(shop: Shop, staff: dict[str, str], order: str) -> None:
    """Of the parcel T1, of three shirts of 20.00 from China, it is told that it left, and with what: to the carrier's
    word that it was delivered. What stays within a country, or a union, is not told of."""
    path = "/v1/seller/exports/2026-03"

    async def told() -> list[dict[str, Any]]:
        return list((await shop.http.get(path, headers=staff)).json()["items"])

    (one,) = await told()
    assert [one[name] for name in ("order_id", "from_country", "to_country", "incoterm", "proof", "delivered_at")] == [
        order, "CN", "US", "DDP", "handed_over", None
    ]  # fmt: skip
    assert (one["goods"], one["carrier"], one["tracking_number"]) == (
        {"minor": 6_000, "currency": "USD"},
        "house",
        "T1",
    )
    async with shop.db.write() as tx:
        await logistics.track(tx, 1, [logistics.Scan("house", "T1", "delivered", tx.now, "Springfield")])
        # What the canceled units took is not computed anew; and what is a union since today was abroad when it left.
        took = "update orders.part_line set paid_minor = paid_minor + $1 where cell = 1 and order_id = $2"
        sent = "update orders.order set shipped_at = shipped_at - interval '1 day' where shipped_at is not null"
        await tx.conn.execute(took, -1, parse("ord", order))
        await tx.conn.execute(sent)
        await tx.conn.execute(
            "insert into trade.law select country, 'union', $1, null, jsonb_build_object('name', 'Pacific'), '', '' "
            "from unnest(array['CN', 'US']) as country", tx.now.date(),
        )  # fmt: skip
    assert (await told())[0]["goods"]["minor"] == 6_001
    async with shop.db.write() as tx:
        await tx.conn.execute(took, 1, parse("ord", order))
    await shop.run()
    (one,) = await told()
    rows = (await shop.http.get(f"{path}/csv", headers=staff)).text.splitlines()
    sent, delivered = (f"{one[name][:19]}Z" for name in ("sent_at", "delivered_at"))
    assert rows == [
        "order,sent_at,from,to,incoterm,currency,goods,carrier,tracking_number,delivered_at,proof",
        f"{order},{sent},CN,US,DDP,USD,60.00,house,T1,{delivered},delivered",
    ]
    typed = "update logistics.shipment set carrier = $1, tracking_number = $2 where cell = 1 and tracking_number = $3"
    async with shop.db.write() as tx:
        await tx.conn.execute(typed, "=1+1", "@T1", "T1")
    assert (await shop.http.get(f"{path}/csv", headers=staff)).text.splitlines()[1].split(",")[7:9] == ["'=1+1", "'@T1"]
    async with shop.db.write() as tx:
        await tx.conn.execute(typed, "house", "T1", "@T1")
    other = shop.session(Role.SELLER, NIL, await shop.seller())
    assert (await shop.http.get(path, headers=other)).json() == {"items": [], "next": None}
    assert (await shop.http.get("/v1/seller/exports/2026-04", headers=staff)).json()["items"] == []
    assert (await shop.http.get("/v1/seller/exports/2026-13", headers=staff)).status_code == 404
    page = await browser(shop, staff).get("/seller/tax?lang=de")
    assert ("Ausfuhrnachweise" in page.text, f'href="{path}/csv"' in page.text) == (True, True)
