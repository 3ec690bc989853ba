"""Money that ties, part 7: buyers pay in one currency, sellers are paid in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from entrepot import exchange, ledger, orders, sellers
from entrepot.exchange import ExchangeTerms, Rates, providers
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, show
from entrepot.logistics import NewShipment
from tests.shop import MARKET, START, TERMS, Buyer, Shop, open_shop

TABLE = """day,currency,per_euro
2026-02-27,USD,1.1
2026-02-27,JPY,165.37
2026-02-27,KWD,0.33
"""
"""Of a Friday: the shop opens on the Monday after it, before any bank has told that day's."""


@pytest.fixture
async def shop(own_db_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    (tmp_path / "tests.csv").write_text(TABLE)
    async with open_shop(own_db_url) as opened:
        async with opened.db.write() as tx:
            for code, currency in (("de", "EUR"), ("jp", "JPY"), ("kw", "KWD")):
                await sellers.add_market(tx, sellers.Market(code, code, currency, "en"))
            await exchange.set_terms(tx, ExchangeTerms(MARKET, START - timedelta(days=9), 200, 7, True, "tests"))
            await exchange.take_rates(tx, providers.of_file(tmp_path / "tests.csv"))
        yield opened


async def _settles_in(shop: Shop, seller: UUID, currency: str | None) -> None:
    staff = shop.session(Role.SELLER, new_id(START), seller)
    answer = await shop.http.put("/v1/seller/settlement", json={"currency": currency}, headers=staff)
    assert answer.json() == {"currency": currency}


def _staff(shop: Shop, seller: UUID) -> dict[str, str]:
    return shop.session(Role.SELLER, new_id(START), seller)


async def _balances(shop: Shop, seller: UUID, *currencies: str) -> dict[str, tuple[int, int, int]]:
    """What (the seller, exchange, exchange_spread) have of each currency."""
    async with shop.db.read() as tx:
        return {
            currency: (
                await ledger.balance(tx, 0, "seller", currency, seller),
                await ledger.balance(tx, 0, "exchange", currency),
                await ledger.balance(tx, 0, "exchange_spread", currency),
            )
            for currency in currencies
        }


async def _sold(shop: Shop, buyer: Buyer, offer: int, units: int) -> UUID:
    """An order that was sent and confirmed."""
    (order,) = await buyer.buy([(offer, units)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", order.hex)])
    await _post(shop, f"/v1/orders/{show('ord', order)}/confirm", None, buyer.headers)
    return order


async def test_7_currencies(shop: Shop) -> None:
    """A sale of 109.00 USD leaves its seller 97.36 USD, which are 88.51 EUR at Friday's rate, 1.77 of them the
    operator's; a tenth of the rest is held back in euros. What is given back and disputed later comes back at the same
    rate, whatever a euro is by then, and nothing is left of either leg when all of it has come back."""
    seller, buyer = await shop.seller(), await shop.buyer()
    await _settles_in(shop, seller, "EUR")
    await _post(
        shop,
        f"/v1/sellers/{show('sel', seller)}/reserves",
        {"reserve_bp": 1_000, "hold_days": 10, "source": "new"},
        shop.operator,
    )
    await shop.run(after=timedelta(minutes=6))
    offer = await shop.offer(seller, 2_575, 50)
    order = await _sold(shop, buyer, offer, 4)

    net = 10_900 - 1_030 - 164  # 9706 / 1.1 = 8823.6 EUR cents, of which 2 % are 176.5
    assert await _balances(shop, seller, "USD", "EUR") == {"USD": (0, net, 0), "EUR": (8_824 - 176, -8_824, 176)}
    theirs = f"/v1/seller/orders/{show('ord', order)}"
    view = (await shop.http.get(theirs, headers=_staff(shop, seller))).json()
    assert view["exchange"] == {
        "settles_in": "EUR", "rate": "0.909091", "day": "2026-02-27", "source": "tests", "spread_bp": 200,
        "settled": {"minor": 8_648, "currency": "EUR"}, "spread": {"minor": 176, "currency": "EUR"},
    }  # fmt: skip
    told = (await buyer.send("GET", f"/v1/orders/{show('ord', order)}")).json()
    assert (told["order"]["paid"], told["exchange"]) == ({"minor": 10_900, "currency": "USD"}, None)
    period = {"currency": "EUR", "first": "2026-03-01", "last": "2026-03-31"}
    statement = (await shop.http.get("/v1/seller/statement", params=period, headers=_staff(shop, seller))).json()
    assert [(line["code"], line["amount_minor"]) for line in statement["lines"]] == [
        ("exchange_in", 8_824), ("exchange_spread", -176),
    ]  # fmt: skip
    assert (statement["closing_minor"], statement["reserved_minor"]) == (8_648, 865)
    await shop.audited()

    # The euro has become dearer by a tenth. What was locked stays.
    async with shop.db.write() as tx:
        await exchange.take_rates(tx, Rates("rates_tests", "tests", "2", [("USD", date(2026, 3, 2), Decimal("1.21"))]))
    claim = {"kind": "not_as_described", "text": "One is torn.", "lines": [{"line_no": 1, "quantity": 1}]}
    opened = await _post(shop, f"/v1/orders/{show('ord', order)}/disputes", claim, buyer.headers)
    balances = await _balances(shop, seller, "USD", "EUR")
    left = net - (2_725 - 257 - 41)  # 7279 / 1.1 = 6617.3, of which 2 % are 132.3
    assert balances == {"USD": (0, left, 0), "EUR": (6_617 - 132, -6_617, 132)}
    await _post(
        shop,
        f"/v1/seller/disputes/{opened['id']}/steps",
        {"act": "answer", "amount_minor": 1_000, "text": "Keep it."},
        _staff(shop, seller),
    )
    await _post(
        shop, f"/v1/orders/{show('ord', order)}/disputes/{opened['id']}/steps", {"act": "accept"}, buyer.headers
    )
    await shop.audited()
    gift = {"line_no": 1, "amount_minor": 8_175, "reason": "The others, too."}
    await _post(shop, f"{theirs}/refund-line", gift, _staff(shop, seller))
    kept = 1_725 - (257 - 94) - (41 - 15)  # of the disputed 2725, of which 1000 went back; 1536 / 1.1 = 1396.4
    balances = await _balances(shop, seller, "USD", "EUR")
    assert (balances["USD"], balances["EUR"]) == ((0, kept, 0), (1_396 - 28, -1_396, 28))
    await shop.audited()
    await shop.run(after=timedelta(days=15))
    assert [
        (item["amount_minor"], item["currency"])
        for item in (await shop.http.get("/v1/seller/payouts", headers=_staff(shop, seller))).json()["items"]
    ] == [(1_368 - 865, "EUR")]


async def test_7_no_decimals_and_three(shop: Shop) -> None:
    """104.23 USD are left: 15,670 yen, which have no smaller unit, and 31.269 dinars, which have a thousand. What has
    no rate of at most seven days ago is not sold, and the buyer is told what the operator has to do."""
    buyer = await shop.buyer()
    offers = []
    for currency, has, spread in (("JPY", 15_670, 313), ("KWD", 31_269, 625)):
        seller = await shop.seller()
        offers.append(await shop.offer(seller, 11_110, 5))
        await _settles_in(shop, seller, currency)
        await _sold(shop, buyer, offers[-1], 1)  # 117.10 less 11.11 of commission and 1.76 of payment fee
        assert await _balances(shop, seller, currency) == {currency: (has - spread, -has, spread)}
    await shop.audited()

    cart = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": offers[1], "quantity": 1})
    await buyer.send("PUT", f"/v1/carts/{cart}/address", {"address_id": show("adr", buyer.address)})
    await buyer.send("PUT", f"/v1/carts/{cart}/shipping", {"code": "standard"})
    shop.clock.advance(timedelta(days=4))  # Friday the 27th is seven days ago
    assert (await buyer.send("POST", f"/v1/carts/{cart}/quote")).status_code == 201
    shop.clock.advance(timedelta(days=1))
    state = await shop.state()
    assert (await buyer.send("POST", f"/v1/carts/{cart}/quote")).json() | {"title": ""} == {
        "type": "/problems/not_exchanged", "title": "", "status": 409, "currency": "USD", "other": "KWD",
        "reason": "no_rate", "remedy": "import exchange rates of KWD and USD of at most 7 days ago",
    }  # fmt: skip
    assert await shop.state() == state


async def test_7_one_catalog_two_currencies(shop: Shop) -> None:
    """What its seller asks 100.00 EUR for in Germany is 112.24 USD in the United States: at 1.1 dollars, of which the
    operator keeps two percent, so that 100.00 EUR less the fees are left. A new rate is a new price in every list; what
    was quoted before it can still be placed. The seller's own price stays as it is."""
    seller, buyer = await shop.seller(), await shop.buyer()
    staff = _staff(shop, seller)
    async with shop.db.write() as tx:
        await sellers.set_terms(tx, msgspec.structs.replace(TERMS, market="de"))
    home = await shop.offer(seller, 10_000, 50, market="de")

    async def follow() -> httpx.Response:
        return await shop.http.post(f"/v1/seller/offers/{home}/markets", json={"market": MARKET}, headers=staff)

    refused = await follow()
    assert (refused.status_code, refused.json()["reason"]) == (409, "settlement")
    await _settles_in(shop, seller, "EUR")
    (made, again) = (await follow(), await follow())
    assert (made.status_code, made.json()["unit_price_minor"]) == (201, 11_224)  # 10000 / 0.98 * 1.1 = 11224.48
    assert again.json()["type"] == "/problems/offer_exists"
    offer = made.json()["id"]

    async def shown() -> tuple[int, Any]:
        (card,) = [one for one in await _listed(shop) if one["price"]]
        (found,) = (await shop.http.get(f"/v1/products/{card['slug']}", params={"market": MARKET})).json()["offers"]
        assert found["price"] == card["price"]
        page = await shop.http.get(f"/p/{card['slug']}", params={"market": MARKET, "lang": "de"})
        assert ("Umgerechnet aus" in page.text) == (found["converted"] is not None)
        return found["price"]["minor"], found["converted"]

    assert await shown() == (11_224, {"price": {"minor": 10_000, "currency": "EUR"}, "day": "2026-02-27"})
    quote = await buyer.quote([(offer, 2)])
    assert quote["items"] == {"minor": 22_448, "currency": "USD"}
    await _told_today(shop, "1.21")
    dearer = 12_347  # 10000 / 0.98 * 1.21 = 12346.94
    assert await shown() == (dearer, {"price": {"minor": 10_000, "currency": "EUR"}, "day": "2026-03-02"})
    assert (await buyer.place(quote)).status_code == 201  # at the price, and the rate, that were locked with it
    async with shop.db.read() as reading:
        assert await reading.conn.fetchval("select day from orders.exchange") == date(2026, 2, 27)
    cart = (await buyer.send("POST", "/v1/carts", {"market": MARKET})).json()["id"]
    await buyer.send("POST", f"/v1/carts/{cart}/lines", {"offer_id": offer, "quantity": 1})
    (line,) = (await buyer.send("GET", f"/v1/carts/{cart}")).json()["lines"]
    assert (line["unit_price"]["minor"], line["converted"]["price"]) == (dearer, {"minor": 10_000, "currency": "EUR"})

    # The seller asks less at home, and it is less here; what was quoted has changed by its doing, not by a rate.
    quote = await buyer.quote([(offer, 1)])
    told = await shop.http.put(f"/v1/seller/offers/{home}/price", json={"unit_price_minor": 9_000}, headers=staff)
    assert told.status_code == 200, told.text
    await shop.run()
    assert (await shown())[0] == 11_112  # 9000 / 0.98 * 1.21 = 11112.24
    assert (await buyer.place(quote)).json()["type"] == "/problems/price_changed"

    await shop.run(after=timedelta(days=8))  # there is no rate: it is not for sale, and its seller cannot make it so
    assert await _listed(shop) == []
    resumed = await shop.http.post(f"/v1/seller/offers/{offer}/resume", headers=_staff(shop, seller))
    assert resumed.json().get("offer_status") == "waiting", resumed.text
    await _told_today(shop, "1.1")
    assert (await shown())[0] == 10_102  # 9000 / 0.98 * 1.1 = 10102.04
    # What its seller had paused before there was no rate is not for sale when there is one.
    assert (await shop.http.post(f"/v1/seller/offers/{offer}/pause", headers=_staff(shop, seller))).status_code == 200
    await shop.run(after=timedelta(days=8))
    await _told_today(shop, "1.1")
    assert await _listed(shop) == []
    assert (await shop.http.post(f"/v1/seller/offers/{offer}/resume", headers=_staff(shop, seller))).status_code == 200
    await shop.http.put(
        f"/v1/seller/offers/{offer}/price", json={"unit_price_minor": 9_999}, headers=_staff(shop, seller)
    )
    await shop.http.put(f"/v1/seller/offers/{home}/price", json={"unit_price_minor": 1}, headers=_staff(shop, seller))
    await shop.run(after=timedelta(days=1))
    assert await shown() == (9_999, None)
    await shop.audited()


async def _listed(shop: Shop) -> list[Any]:
    found: list[Any] = (await shop.http.get("/v1/products", params={"market": MARKET})).json()["items"]
    return found


async def _told_today(shop: Shop, dollars: str) -> None:
    """So many dollars are a euro today."""
    async with shop.db.write() as tx:
        today = tx.now.date()
        rows = [("USD", today, Decimal(dollars))]
        await exchange.take_rates(tx, Rates("rates_tests", "tests", str(today), rows))
    await shop.run()


async def _post(shop: Shop, path: str, body: Any, headers: dict[str, str]) -> Any:
    answer = await shop.http.post(path, json=body, headers=headers)
    assert answer.status_code in (201, 204), answer.text
    return answer.json() if answer.content else None
