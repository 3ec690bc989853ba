"""Borders, parts 4, 5 and 9: by which way goods are let in and who collects the tax, bonded stock, returns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from entrepot import accounts, logistics, pricing
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, parse, show
from tests.acceptance.abroad import asked, browser, goods, is_shirts
from tests.acceptance.eyes import approve, limited
from tests.campaigns.stage import Stage, buy
from tests.shop import MARKET, Buyer, Shop, open_shop
from tests.web.site import text

IOSS = {"number": "IM2760000001", "valid_from": "2026-01-01"}
ID_NUMBER = "11010519491231002X"
"""The example of GB 11643-1999."""


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def abroad(shop: Shop) -> None:
    """Exchange rates, a place in Shenzhen, and services: standard (DAP), ddp, and post."""
    async with shop.db.write() as tx:
        await tx.conn.executemany(
            "insert into trade.euro_rate values ($1, '2026-03-01', $2, 'tests')",
            [("USD", Decimal("1.08")), ("CNY", Decimal("7.8")), ("GBP", Decimal("0.85"))],
        )
        for cell in (0, 1):
            await logistics.import_locations(tx, cell, [3, 4], ["cn1", "gb1"], ["Shenzhen", "London"], ["CN", "GB"])
            for location in (3, 4):
                await logistics.set_address(tx, cell, None, location, logistics.LocationAddress("1 Dock Road", "Port"))
        for service in (
            pricing.ShippingService(MARKET, "ddp", "Duties paid", 500, 100, 86_400, 2, "DDP", 250),
            pricing.ShippingService(MARKET, "post", "Post", 500, 100, 86_400, 3, carried="post"),
        ):
            await pricing.add_shipping_service(tx, service)


async def buyer_in(shop: Shop, country: str, cell: int = 0, wallet_minor: int = 1_000_000) -> Buyer:
    buyer = await shop.buyer(wallet_minor, cell)
    async with shop.db.write() as tx:
        cities = {
            "DE": ("Berlin", "10115", ""),
            "GB": ("London", "SW1A 1AA", ""),
            "CN": ("Guangzhou Shi", "510130", "Guangdong Sheng"),
        }
        city, postal_code, region = cities[country]
        new = accounts.NewAddress(
            recipient="Ada Byron", line1="1 Main Street", city=city, postal_code=postal_code, country=country,
            region=region,
        )  # fmt: skip
        buyer.address = await accounts.add_address(tx, cell, buyer.id, new)
    return buyer


async def tax(shop: Shop, scheme: str, cells: tuple[int, ...] = (0,)) -> int:
    return sum([await shop.balance(f"tax_{scheme}", cell=cell) for cell in cells])


async def test_4_modes(shop: Shop) -> None:
    """The mode follows from value, service, registration and day, each passed over with its reason."""

    async def mode(from_: str, to: str, currency: str, value: int, **more: Any) -> tuple[Any, ...]:
        found = await asked(shop, from_, to, currency, goods("611020", "CN", value), **{"at": "2026-03-02"} | more)
        return found.get("mode") or found.get("type"), found.get("collected", ""), found.get("tax_minor")

    await abroad(shop)
    async with shop.db.write() as tx:
        await tx.conn.executemany(
            "insert into trade.euro_rate values ($1, '2026-03-01', $2, 'tests')",
            [("AUD", Decimal("1.6")), ("SGD", Decimal("1.45")), ("NZD", Decimal("1.8"))],
        )
    carrier = "H7, tax asked for by the carrier"
    assert await mode("CN", "DE", "EUR", 15_000) == (carrier, "", 2_850)
    assert await mode("CN", "DE", "EUR", 15_000, registered=True) == ("H7 with IOSS", "IOSS", 2_850)
    assert (await mode("CN", "DE", "EUR", 15_001, registered=True))[:2] == ("Standard declaration", "")
    assert await mode("CN", "GB", "GBP", 13_500, registered=True) == ("Low value, VAT at the sale", "UK", 2_700)
    assert (await mode("CN", "GB", "GBP", 13_501, registered=True))[:2] == ("Import declaration", "")
    assert await mode("CN", "AU", "AUD", 50_000) == ("Self-assessed clearance", "", 0)
    assert await mode("CN", "AU", "AUD", 50_000, registered=True) == ("Low value, GST at the sale", "AU", 5_000)
    assert (await mode("CN", "NZ", "NZD", 100_000, registered=True))[1:] == ("NZ", 15_000)
    assert (await mode("CN", "SG", "SGD", 40_000, registered=True))[1:] == ("SG", 3_602)  # with 0.20 of duty, the mean
    assert (await mode("CN", "US", "USD", 80_000, at="2025-06-02"))[0] == "Section 321"
    assert (await mode("CN", "US", "USD", 80_000, at="2025-09-01"))[0] == "Informal entry"
    assert (await mode("CN", "US", "USD", 80_000, service="post"))[0] == "Mail entry"
    assert (await mode("CN", "US", "USD", 250_001))[0] == "Formal entry"
    # 13 % of 5,000, of which 70 %; one piece more is at the full duty and tax; then it is general trade
    retail = "Cross-border retail from abroad (9610)"
    assert await mode("JP", "CN", "CNY", 500_000, registered=True) == (retail, "CN", 45_500)
    assert (await mode("JP", "CN", "CNY", 500_001, registered=True))[:2] == (
        f"{retail}, one piece at the full tax",
        "CN",
    )
    assert (await mode("JP", "CN", "CNY", 500_000))[0] == "General trade"
    # small consignments are relieved that come from abroad, not what lies in bond
    assert [(await mode("CN" if far else "DE", "DE", "EUR", 5_000, bonded=not far))[2] for far in (True, False)] == [
        950, 1_064,
    ]  # fmt: skip
    bonded = ("Bonded cross-border retail (1210)", "CN", 45_500)
    assert await mode("CN", "CN", "CNY", 500_000, registered=True, bonded=True) == bonded
    assert await mode("JP", "CN", "CNY", 100_000, service="post") == ("Postal articles", "", 20_000)
    assert await mode("JP", "CN", "CNY", 25_000, service="post") == ("Postal articles", "", 0)
    refused = await asked(shop, "JP", "CN", "CNY", goods("611020", "JP", 100_001), at="2026-03-02", service="post")
    assert refused["type"] == "/problems/not_let_in"
    assert refused["tried"][2:] == [
        "Postal articles: up to 1000.00 CNY",
        "General trade: it is for what is sent by courier",
    ]
    steps = (await asked(shop, "CN", "DE", "EUR", goods("611020", "CN", 15_000), at="2026-03-02"))["steps"]
    assert [(step["step"], step["text"]) for step in steps if step["step"] == "mode"] == [
        ("mode", f"{carrier}: the tax is paid at the border"),
        ("mode", "not by H7 with IOSS: the platform is not registered for IOSS"),
    ]


@pytest.mark.parametrize("home", [0, 1])
async def test_4_the_platform_collects_the_tax(shop: Shop, home: int) -> None:
    """Registered for IOSS, the tax is paid with the order, whatever the service, into an account of its own; with what
    is canceled it goes back."""
    await abroad(shop)
    if home:
        await shop.open_cell(1)
    seller = await shop.seller()
    offer = await shop.offer(seller, 2_000, 100, location=3)
    await is_shirts(shop, offer)
    buyer = await buyer_in(shop, "DE", home)
    before = await buyer.quote([(offer, 3)])
    assert (before["duties"]["minor"], before["borders"][0]["collected"]) == (0, "")
    put = await shop.http.put("/v1/operator/registrations/IOSS", json=IOSS, headers=shop.operator)
    assert put.status_code == 200, put.text
    # 19 % of 60.00 and 6.00 for the transport
    quote = await buyer.quote([(offer, 3)])
    (border,) = quote["borders"]
    assert (quote["duties"]["minor"], quote["total"]["minor"]) == (1_254, 7_854)
    assert (border["mode"], border["collected"], border["incoterm"]) == ("H7 with IOSS", "IOSS", "DAP")
    assert (border["paid"]["minor"], border["at_door"]["minor"], border["fee"]["minor"]) == (1_254, 0, 0)
    group = (await buyer.place(quote)).json()["id"]
    assert (await tax(shop, "ioss"), await shop.balance("duties")) == (1_254, 0)
    order = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]
    staff = shop.session(Role.SELLER, NIL, seller)
    papers = (await shop.http.get(f"/v1/seller/orders/{order}/papers", headers=staff)).json()["papers"]
    assert papers["declaration"]["tax_collected"] == "IOSS IM2760000001"
    assert (papers["declaration"]["prepaid"], papers["invoice"]["incoterm"]) == (None, "DAP")
    one = {"lines": [{"line_no": 1, "quantity": 1}]}
    assert (await buyer.send("POST", f"/v1/orders/{order}/cancel-lines", one)).status_code == 204
    assert await tax(shop, "ioss") == 836
    await shop.audited()
    assert (await buyer.send("POST", f"/v1/orders/{order}/cancel")).status_code == 204
    assert (await tax(shop, "ioss"), await shop.balance("wallet", buyer.id, home)) == (0, 1_000_000)
    # duties paid: above the limit of 150 EUR it is all at the border, as it was
    quote = await buyer.quote([(offer, 10)], shipping="ddp")
    assert (quote["borders"][0]["mode"], quote["borders"][0]["collected"]) == ("Standard declaration", "")
    await buyer.place(quote)
    assert (await tax(shop, "ioss"), await shop.balance("duties") > 0) == (0, True)
    await shop.audited()


async def registered_by_page(shop: Shop) -> None:
    operator = browser(shop, shop.operator)
    fields = await operator.form("/operator/taxes", "/operator/registrations")
    assert (await operator.send("/operator/registrations", fields | {"scheme": "IOSS"} | IOSS)).status_code == 303


async def test_4_returns(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was collected in March and went back in April: a return of each month, as a file, that close to the ledger;
    paid, the account is empty."""
    await abroad(shop)
    async with shop.db.write() as tx:  # nothing was published on March 31: the next day counts
        await tx.conn.execute("insert into trade.source values ('tests', 'Rates', '', now(), 2, '{}')")
        await tx.conn.execute("insert into trade.euro_rate values ('USD', '2026-04-01', 1.25, 'tests')")
        await tx.conn.execute("insert into trade.euro_rate values ('USD', '2026-04-30', 1.2, 'tests')")
    await registered_by_page(shop)
    offer = await shop.offer(await shop.seller(), 2_000, 100, location=3)
    await is_shirts(shop, offer)
    buyer = await buyer_in(shop, "DE")
    orders = []
    for units in (3, 1):
        shop.clock.advance(timedelta(hours=3))
        group = (await buyer.place(await buyer.quote([(offer, units)]))).json()["id"]
        orders.append((await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"])
    assert await tax(shop, "ioss") == 1_254 + 494
    assert (await buyer.send("POST", f"/v1/orders/{orders[1]}/cancel")).status_code == 204
    async with shop.db.write() as tx:  # as one that is placed before the midnight after which it is paid
        query = "update orders.order set placed_at = '2026-02-28T23:59Z' where id = $1"
        await tx.conn.execute(query, parse("ord", orders[0]))

    async def file(first_day: str) -> httpx.Response:
        body = {"scheme": "IOSS", "first_day": first_day}
        return await shop.http.post("/v1/operator/tax-returns", json=body, headers=shop.operator)

    assert (await file("2026-03-01")).json()["type"] == "/problems/period_not_over"
    assert (await file("2026-03-02")).json()["type"] == "/problems/period_not_valid"
    # a day of more lines than a statement can have is read half by half
    monkeypatch.setattr("entrepot.ledger.reads.MAX_LINES", 2)
    shop.clock.advance(timedelta(days=31))
    one = {"lines": [{"line_no": 1, "quantity": 1}]}
    assert (await buyer.send("POST", f"/v1/orders/{orders[0]}/cancel-lines", one)).status_code == 204
    march = (await file("2026-03-01")).json()["id"]
    assert (await file("2026-03-01")).json()["type"] == "/problems/return_filed"
    shop.clock.advance(timedelta(days=30))
    april = (await file("2026-04-01")).json()["id"]
    head = (
        "scheme,number,period_from,period_to,corrects_period_from,member_state_of_consumption,vat_rate_percent,currency,"
        "taxable_amount,vat_amount,collected_in,collected_base,collected_vat,remark"
    )
    files = []
    for id_ in (march, april):
        read = await shop.http.get(f"/v1/operator/tax-returns/{id_}/file", headers=shop.operator)
        files.append(read.text.splitlines())
    assert files == [
        [head, "IOSS,IM2760000001,2026-03-01,2026-03-31,,DE,19.00,EUR,52.80,10.03,USD,66.00,12.54,"],
        [head, "IOSS,IM2760000001,2026-04-01,2026-04-30,2026-03-01,DE,19.00,EUR,-18.33,-3.48,USD,-22.00,-4.18,"],
    ]
    await shop.run()
    await shop.audited()
    for id_, left, clearing in ((march, -418, 1_254), (april, 0, 836)):
        path, body = f"/v1/operator/tax-returns/{id_}/payment", {"reference": "RF18 5390"}
        await limited(shop, "pay_tax_return", 0, "EUR")
        waits = await shop.http.post(path, json=body, headers=shop.operator)
        assert waits.status_code == 202
        await approve(shop, waits.json()["approval_id"])
        again = await shop.http.post(path, json=body, headers=shop.operator | {"idempotency-key": "again"})
        assert again.json()["type"] == "/problems/return_paid"
        assert (await tax(shop, "ioss"), await shop.balance("payout")) == (left, clearing)
    await shop.audited()
    listed = (await shop.http.get("/v1/operator/tax-returns", headers=shop.operator)).json()
    assert [(one["first_day"], one["reference"]) for one in listed["items"]] == [
        ("2026-04-01", "RF18 5390"), ("2026-03-01", "RF18 5390"),
    ]  # fmt: skip
    assert listed["kept"][0]["kept"]["minor"] == 0
    page = text(await browser(shop, shop.operator).get("/operator/taxes"))
    assert "IOSS 2026-04-01 … 2026-04-30 -$4.18 Germany, 19.0 % (corrects 2026-03-01): -$4.18" in page


async def test_4_what_a_person_may_bring_in_a_year(shop: Shop) -> None:
    """26,000 CNY for a person and year, whatever accounts it has: taken when the order is placed, given back with what
    is canceled; what is over it goes another way, or is refused with the remedy."""
    await abroad(shop)
    await shop.http.put("/v1/operator/registrations/CN", json=IOSS | {"number": "CBEC 1100"}, headers=shop.operator)
    seller = await shop.seller()
    offer = await shop.offer(seller, 50_000, 100, location=4)
    await is_shirts(shop, offer, country_of_origin="GB")
    first, second = await buyer_in(shop, "CN"), await buyer_in(shop, "CN")
    refused = await refusal(first, offer)
    assert (refused["type"], refused["country"]) == ("/problems/identity_needed", "CN")
    me = {"country": "CN", "name": "Ada Byron", "number": ID_NUMBER}
    assert (await first.send("PUT", "/v1/identity", me | {"number": "110105194912310021"})).status_code == 422
    said = (await first.send("PUT", "/v1/identity", me)).json()
    assert (said["ending"], said["quotas"]) == ("002X", [{"name": "retail", "left_minor": 2_600_000}])
    await second.send("PUT", "/v1/identity", me)

    async def left() -> int:
        found: int = (await first.send("PUT", "/v1/identity", me)).json()["quotas"][0]["left_minor"]
        return found

    # 506.00 USD are 3,654.44 CNY with the transport; 70 % of 13 % of it is the tax
    quotes = [await buyer.quote([(offer, 1)]) for buyer in (first, second, *[first] * 6)]
    assert quotes[0]["borders"][0]["mode"] == "Cross-border retail from abroad (9610)"
    assert quotes[0]["duties"]["minor"] == 4_605
    assert await left() == 2_600_000
    placed = [await first.place(quotes[0]), await second.place(quotes[1])]
    placed += [await first.place(quote) for quote in quotes[2:7]]
    assert {one.status_code for one in placed} == {201}
    assert (await left(), await tax(shop, "cn")) == (2_600_000 - 7 * 365_444, 7 * 4_605)
    before = await shop.state()
    short = await first.place(quotes[7])  # it was within the limit when it was quoted
    assert (short.status_code, short.json()["type"]) == (409, "/problems/limit_reached")
    assert (short.json()["limit"], short.json()["available"]) == ("customs:CN:retail:2026", 41_892)
    assert await shop.state() == before
    page = text(await browser(shop, shop.operator).get("/operator/taxes?lang=de"))
    assert "China 2026 1 25.581,08 CN¥ 26.000,00 CN¥" in page
    over = (await second.quote([(offer, 1)]))["borders"][0]
    assert (over["mode"], over["collected"]) == ("General trade", "")
    assert "not by Cross-border retail from abroad (9610): of 26000.00 CNY a year 418.92 CNY are left" in [
        step["text"] for step in over["steps"]
    ]
    refused = await refusal(second, offer, "post")
    assert refused["type"] == "/problems/not_let_in"
    assert "of 26000.00 CNY a year 418.92 CNY are left" in refused["remedy"]
    order = (await second.send("GET", f"/v1/groups/{placed[1].json()['id']}")).json()["orders"][0]["id"]
    assert (await second.send("POST", f"/v1/orders/{order}/cancel")).status_code == 204
    assert (await left(), await tax(shop, "cn")) == (2_600_000 - 6 * 365_444, 6 * 4_605)
    assert (await first.place(quotes[7])).status_code == 201
    await shop.audited()


async def refusal(buyer: Buyer, offer: int, shipping: str = "standard") -> dict[str, Any]:
    """Why a cart of one unit has no price."""
    cart = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": offer, "quantity": 1})
    await buyer.send("PUT", f"/v1/carts/{cart}/address", {"address_id": show("adr", buyer.address)})
    await buyer.send("PUT", f"/v1/carts/{cart}/shipping", {"code": shipping})
    return dict((await buyer.send("POST", f"/v1/carts/{cart}/quote")).json())


async def returned(shop: Shop, buyer: Buyer, staff: dict[str, str], order: str, units: int, amount_minor: int) -> None:
    """So many units of an order's first line come back, are seen by the seller, and paid back."""
    body = {"kind": "unwanted", "lines": [{"line_no": 1, "quantity": units}], "text": "Too large."}
    opened = await buyer.send("POST", f"/v1/orders/{order}/disputes", body)
    assert opened.status_code == 201, opened.text
    path = f"disputes/{opened.json()['id']}/steps"
    sent = await buyer.send("POST", f"/v1/orders/{order}/{path}", {"act": "send_back", "text": "R1"})
    assert sent.status_code == 204, sent.text
    seen = {"act": "inspect", "amount_minor": amount_minor}
    done = await shop.http.post(f"/v1/seller/{path}", json=seen, headers=staff)
    assert done.status_code == 204, done.text


async def test_9_return(shop: Shop) -> None:
    """What comes back in time brings back its tax, its duty and what it took of the year, also of an order that was
    released; later, nothing of them."""
    await abroad(shop)
    await shop.http.put("/v1/operator/registrations/CN", json=IOSS | {"number": "CBEC 1100"}, headers=shop.operator)
    seller = await shop.seller()
    staff = shop.session(Role.SELLER, NIL, seller)
    offer = await shop.offer(seller, 20_000, 100, location=4)
    await is_shirts(shop, offer, country_of_origin="GB")
    ada, carl = await buyer_in(shop, "CN"), await buyer_in(shop, "DE")
    me = {"country": "CN", "name": "Ada Byron", "number": ID_NUMBER}
    await ada.send("PUT", "/v1/identity", me)

    async def left() -> int:
        found: int = (await ada.send("PUT", "/v1/identity", me)).json()["quotas"][0]["left_minor"]
        return found

    async def sent(buyer: Buyer, units: int, shipping: str = "standard") -> str:
        quote = await buyer.quote([(offer, units)], shipping=shipping)
        group = (await buyer.place(quote)).json()["id"]
        order: str = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]
        await shop.run()
        parcel = {"carrier": "post", "tracking_number": order[-8:]}
        shipped = await shop.http.post(f"/v1/seller/orders/{order}/ship", json=parcel, headers=staff)
        assert shipped.status_code == 204, shipped.text
        return order

    # 406.00 USD are 2,932.22 CNY; 36.95 USD are 9.1 % of it
    early, late = await sent(ada, 2), await sent(ada, 2)
    assert (await left(), await tax(shop, "cn")) == (2_600_000 - 2 * 293_222, 2 * 3_695)
    before = await shop.balance("wallet", ada.id)
    await returned(shop, ada, staff, early, 1, 20_300)
    assert await shop.balance("wallet", ada.id) - before == 20_300 + 1_847
    assert (await left(), await tax(shop, "cn")) == (2_600_000 - 2 * 293_222 + 146_611, 2 * 3_695 - 1_847)
    # duties paid, more than 150 EUR: 12 % and 19 % of three, of which one comes back; not the clearance
    paid = await sent(carl, 3, "ddp")
    duties = await shop.balance("duties")
    before = await shop.balance("wallet", carl.id)
    await returned(shop, carl, staff, paid, 1, 20_200)
    back = await shop.balance("wallet", carl.id) - before - 20_200
    assert (back, await shop.balance("duties")) == ((duties - 250) // 3, duties - (duties - 250) // 3)
    await shop.run(after=timedelta(days=32))  # released meanwhile
    before = await shop.balance("wallet", ada.id)
    await returned(shop, ada, shop.session(Role.SELLER, NIL, seller), late, 2, 40_600)
    assert await shop.balance("wallet", ada.id) - before == 40_600
    assert await tax(shop, "cn") == 2 * 3_695 - 1_847
    await shop.audited()


async def filed_by_oss(shop: Shop, *first_days: str) -> list[str]:
    """The rows of the files of returns; a dollar is 0.80 EUR."""
    async with shop.db.write() as tx:
        await tx.conn.execute("insert into trade.source values ('tests', 'Rates', '', now(), 2, '{}')")
        for day in ("2026-03-31", "2026-06-30"):
            await tx.conn.execute(f"insert into trade.euro_rate values ('USD', '{day}', 1.25, 'tests')")
    shop.clock.advance(timedelta(days=90))
    files = []
    for first_day in first_days:
        body = {"scheme": "OSS", "first_day": first_day}
        filed = await shop.http.post("/v1/operator/tax-returns", json=body, headers=shop.operator)
        path = f"/v1/operator/tax-returns/{filed.json()['id']}/file"
        files += (await shop.http.get(path, headers=shop.operator)).text.splitlines()[1:]
    return files


async def in_hamburg(shop: Shop) -> UUID:
    """A seller of whom nobody knows where it is established; location 5 is in Germany; prices are with tax."""
    await abroad(shop)
    async with shop.db.write() as tx:
        await logistics.import_locations(tx, 0, [5], ["de1"], ["Hamburg"], ["DE"])
        await tx.conn.execute("update sellers.market set prices_with_tax = true")
    return await shop.seller()


async def told_who_pays(shop: Shop, buyer: Buyer, seller: UUID, order: str) -> None:
    """The seller is told what is kept and why, the buyer nothing."""
    staff = shop.session(Role.SELLER, NIL, seller)
    view = (await shop.http.get(f"/v1/seller/orders/{order}", headers=staff)).json()
    assert (view["order"]["withheld"]["minor"], view["border"]["collected"]) == (1_140, "OSS")
    assert [step["text"] for step in view["border"]["steps"] if step["step"] in ("mode", "tax")] == [
        "Supply within the Union by a seller from outside (OSS): the platform collects the tax (OSS)",
        "VAT 19% within 65.76 USD: 10.50 USD",
        "VAT 7% within 13.71 USD: 0.90 USD",
        "It is in the price, and kept from what the seller is paid.",
        "Where the seller is established is not known: it is taken to be outside.",
    ]
    seen = (await buyer.send("GET", f"/v1/orders/{order}")).json()
    assert (seen["order"]["withheld"], seen["border"]) == (None, None)
    page = browser(shop, staff)
    assert "VAT that the platform pays \N{MINUS SIGN}$11.40" in text(await page.get(f"/seller/orders/{order}"))


async def test_4_deemed_supplier(shop: Shop) -> None:
    """Prices with tax, goods that lie in Germany, a seller from China: the platform owes the VAT in the price from the
    sale on, and keeps it from the seller at the release; what goes back takes its share with it, to the cent."""
    await shop.open_cell(1)
    seller = await in_hamburg(shop)
    shirt, book = [await shop.offer(seller, price, 100, location=5) for price in (1_999, 1_250)]
    await is_shirts(shop, shirt)
    await is_shirts(shop, book, hs_code="490199", customs_description="Book")
    buyer = await buyer_in(shop, "DE", 1)
    before = await buyer.quote([(shirt, 3), (book, 1)])
    await shop.http.put("/v1/operator/registrations/OSS", json=IOSS, headers=shop.operator)
    assert "what you say counts more. A Seller" in text(await browser(shop, shop.operator).get("/operator/taxes"))
    quote = await buyer.quote([(shirt, 3), (book, 1)])
    assert (quote["total"], quote["borders"]) == (before["total"], [])
    assert quote["total"]["minor"] == 7_947
    group = (await buyer.place(quote)).json()["id"]
    order = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]

    async def owed() -> tuple[int, ...]:
        codes = [await shop.balance(code) for code in ("advanced_tax", "escrow")]
        return await tax(shop, "oss"), *codes, await shop.balance("seller", seller)

    async def staff(path: str, body: dict[str, Any] | None = None) -> Any:
        headers = shop.session(Role.SELLER, NIL, seller)
        found = await shop.http.request("POST" if body else "GET", f"/v1/seller/{path}", json=body, headers=headers)
        assert found.is_success, found.text
        return found.json() if found.content else None

    # 65.76 with its transport of 5.79: 19/119 are 10.4995; 13.71 with 1.21: 7/107 are 0.8969
    assert await owed() == (1_050 + 90, -1_140, 7_947, 0)
    await told_who_pays(shop, buyer, seller, order)
    # of three shirts one is canceled: 21.92 with 3.50; of the book the seller gives back 5.00: 0.90 x 500 / 1371
    one = {"lines": [{"line_no": 1, "quantity": 1}]}
    assert (await buyer.send("POST", f"/v1/orders/{order}/cancel-lines", one)).status_code == 204
    assert await owed() == (790, -790, 5_755, 0)
    await staff(f"orders/{order}/refund-line", {"line_no": 2, "amount_minor": 500, "reason": "a scratch"})
    assert await owed() == (758, -758, 5_255, 0)
    await shop.audited()
    await shop.run()
    await staff(f"orders/{order}/ship", {"carrier": "post", "tracking_number": "D1"})
    await shop.run(after=timedelta(days=32))
    # commission on the price with its tax: 6.00 + 1.25, less 2.00 and 0.45; the payment's 1.19, less 0.39
    assert await owed() == (758, 0, 0, 5_255 - 480 - 80 - 758)
    # After the release a shirt comes back and 10.00 of its 21.92: all is recalled, with 3.50; of that 1.59 are owed no
    # more, and 1.91 are kept once more. Of fees 2.00 + 0.33 come back, and 1.09 + 0.18 are taken once more.
    await returned(shop, buyer, shop.session(Role.SELLER, NIL, seller), order, 1, 1_000)
    assert await owed() == (758, -350, 2_192, 3_937 - 2_192 + 200 + 33 + 350)
    await shop.audited()
    dispute = (await staff(f"orders/{order}"))["parts"][-1]["id"].replace("prt_", "dsp_")
    accepted = await buyer.send("POST", f"/v1/orders/{order}/disputes/{dispute}/steps", {"act": "accept"})
    assert accepted.status_code == 204, accepted.text
    assert await owed() == (599, 0, 0, 2_328 + 1_192 - 109 - 18 - 191)
    assert await shop.balance("wallet", buyer.id, 1) == 1_000_000 - 7_947 + 2_192 + 500 + 1_000
    april = await staff("statements/2026-04?currency=USD")
    groups = {group["group"]: group["amount_minor"] for group in april["groups"]}
    assert (groups["withheld_tax"], groups["sales"], april["closing_minor"]) == (-599, 6_447, 3_202)
    told = (await shop.http.get("/v1/operator/reports/dac7/2026", headers=shop.operator)).json()["items"][0]
    assert told["accounts"][0]["quarters"][1] == {
        "activities": 1, "consideration_minor": 3_202, "fees_minor": 389 + 65, "taxes_minor": 599,
    }  # fmt: skip
    files = await filed_by_oss(shop, "2026-01-01", "2026-04-01")
    assert files == [
        "OSS,IM2760000001,2026-01-01,2026-03-31,,DE,7.00,EUR,6.50,0.46,USD,8.13,0.58,",
        "OSS,IM2760000001,2026-01-01,2026-03-31,,DE,19.00,EUR,29.47,5.60,USD,36.84,7.00,",
        "OSS,IM2760000001,2026-04-01,2026-06-30,2026-01-01,DE,19.00,EUR,-6.73,-1.27,USD,-8.41,-1.59,",
    ]
    await shop.audited()


async def test_4_who_is_established_where(shop: Shop) -> None:
    """The seller says it with its identity, the operator's word counts more; of what the seller owes itself nothing is
    kept, nor of what the house sells. Goods in the United Kingdom are the same by its own law."""
    seller, own = await in_hamburg(shop), await shop.seller("own")
    for scheme in ("OSS", "UK"):
        await shop.http.put(f"/v1/operator/registrations/{scheme}", json=IOSS, headers=shop.operator)
    here, there, ours = [
        await shop.offer(one, 1_000, 100, location=at) for one, at in ((seller, 5), (seller, 4), (own, 5))
    ]
    ada, carl = await buyer_in(shop, "DE"), await buyer_in(shop, "GB")

    async def kept(buyer: Buyer, offer: int) -> int:
        group = (await buyer.place(await buyer.quote([(offer, 1)]))).json()["id"]
        order = (await buyer.send("GET", f"/v1/groups/{group}")).json()["orders"][0]["id"]
        async with shop.db.read() as tx:
            query = "select withheld_minor from orders.order where id = $1"
            return int(await tx.conn.fetchval(query, parse("ord", order)))

    # 19/119 and 20/120 of 16.00 with the transport; nobody has said what the goods are
    assert [await kept(ada, here), await kept(carl, there), await kept(ada, ours)] == [255, 267, 0]
    who = {
        "kind": "company",
        "name": "Byron Ltd",
        "line1": "1 Dock Road",
        "postal_code": "20095",
        "city": "Hamburg",
        "country": "FR",
    }
    staff = shop.session(Role.SELLER, NIL, seller)
    said = await shop.http.put("/v1/seller/identity", json=who, headers=staff)
    assert said.is_success, said.text
    assert [await kept(ada, here), await kept(carl, there)] == [0, 267]
    asked_for = await shop.http.get("/v1/operator/registrations", headers=shop.operator)
    assert asked_for.json()["unknown"] == []
    path = f"/v1/sellers/{show('sel', seller)}/establishment"
    assert (await shop.http.put(path, json={"country": "CN"}, headers=shop.operator)).is_success
    await shop.http.put("/v1/seller/identity", json=who | {"line1": "2 Dock Road"}, headers=staff)
    assert await kept(ada, here) == 255
    assert (await tax(shop, "oss"), await tax(shop, "uk")) == (2 * 255, 2 * 267)
    await shop.audited()


async def test_4_deemed_supplier_of_a_campaign(shop: Shop) -> None:
    """What a flash sale sells has its tax in the price, too, and is sold in one step: 19/119 of 13.00 is
    owed from the sale on."""
    seller = await in_hamburg(shop)
    await shop.http.put("/v1/operator/registrations/OSS", json=IOSS, headers=shop.operator)
    path, offer = await Stage(shop, await shop.offer(seller, 1_000, 10, location=5)).running()
    ada = await buyer_in(shop, "DE")
    bought = await buy(ada, path, offer)
    assert bought.status_code == 201, bought.text
    order = (await ada.send("GET", f"/v1/groups/{bought.json()['id']}")).json()["orders"][0]
    async with shop.db.read() as tx:
        kept = await tx.conn.fetchval(
            "select withheld_minor from orders.order where id = $1", parse("ord", order["id"])
        )
    assert (order["paid"]["minor"], kept) == (700 + 600, 208)
    assert (await tax(shop, "oss"), await shop.balance("advanced_tax")) == (208, -208)
    await shop.audited()
