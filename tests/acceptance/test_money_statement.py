"""One statement per seller and month, and what tax offices are told: part 9 of money that ties."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from entrepot import orders
from entrepot.kit.auth import Role
from entrepot.kit.ids import new_id, show
from entrepot.logistics import NewShipment
from tests.acceptance.test_money import ask
from tests.shop import START, Buyer, Shop, open_shop

SELLER = {
    "kind": "person", "name": "Weiß", "first_name": "Anna", "line1": "Hafenstraße 7", "postal_code": "20457",
    "city": "Hamburg", "country": "DE", "tax_id": "36574261809", "tax_country": "DE", "vat_id": "DE136695976",
    "birth_date": "1980-02-29",
}  # fmt: skip
HOUSE = {
    "kind": "company", "name": "=Entrepot SE", "line1": "1 Dock Road", "postal_code": "10001", "city": "New York",
    "country": "US", "register_number": "HRB 1",
}  # fmt: skip


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        yield opened


async def _sold(shop: Shop, buyer: Buyer, seller: UUID, price_minor: int, number: str) -> UUID:
    """An order that was sent."""
    (order,) = await buyer.buy([(await shop.offer(seller, price_minor, 1), 1)])
    async with shop.db.write() as tx:
        await orders.ship_many(tx, 0, [NewShipment(order, "house", number)])
    return order


async def _story(shop: Shop, seller: UUID, staff: Callable[[], dict[str, str]]) -> tuple[UUID, str]:
    """Three sales in March, for 50, 100 and 200 and shipping; the order that was confirmed, and the dispute."""
    buyer = await shop.buyer()
    disputed = await _sold(shop, buyer, seller, 5_000, "0")
    claim = {"kind": "not_received", "lines": [{"line_no": 1, "quantity": 1}], "text": "Where is it?"}
    disputes = f"/v1/orders/{show('ord', disputed)}/disputes"
    part = (await ask(shop, disputes, claim, buyer.headers))[1]["id"]
    first = await _sold(shop, buyer, seller, 10_000, "1")
    second = await _sold(shop, buyer, seller, 20_000, "2")
    assert (await ask(shop, f"{disputes}/{part}/steps", {"act": "withdraw"}, buyer.headers))[0] == 204
    shop.clock.advance(timedelta(days=29, hours=18))  # the first of April at three (UTC), in New York the day before
    assert (await ask(shop, f"/v1/orders/{show('ord', first)}/confirm", {}, buyer.headers))[0] == 204
    await shop.run(after=timedelta(days=1))  # the timer releases the second
    back = {"line_no": 1, "amount_minor": 4_000, "reason": "It has a scratch."}
    assert (await ask(shop, f"/v1/seller/orders/{show('ord', second)}/refund-line", back, staff()))[0] == 204
    return first, part


async def test_9_statement(shop: Shop) -> None:
    """A seller sells three times: one order is confirmed, of one an amount goes back after its release, one was wholly
    in dispute and is released after all. Page by page, as a file of rows and as a PDF the month's statement goes from
    opening to closing by the same lines, which are the ledger's. It has a number once its days are closed, and then
    stays. The tax offices' figures of the year are of the same ledger; what is not known of the seller is listed."""
    seller = await shop.seller()
    theirs = show("sel", seller)
    usd: dict[str, Any] = {"currency": "USD"}

    def staff() -> dict[str, str]:
        return shop.session(Role.SELLER, new_id(START), seller)

    async def read(path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        answer = await shop.http.get(path, params=query, headers=headers or staff())
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.headers["content-type"] == "application/json" else answer.content

    zone = {"currency": "USD", "valid_from": "2026-04-01", "zone": "America/New_York", "source": "tests"}
    zones = "/v1/operator/statement-zones"
    assert (await ask(shop, zones, zone, shop.operator))[0] == 204
    assert (await ask(shop, zones, zone | {"valid_from": "2026-05-01", "zone": "Mars/Base"}, shop.operator))[0] == 409
    assert (await ask(shop, zones, zone | {"valid_from": "2026-03-01"}, shop.operator))[1]["soonest"] == "2026-05-01"
    first, part = await _story(shop, seller, staff)
    march = await read("/v1/seller/statements/2026-03", **usd)
    assert (march["zone"], march["starts_at"], march["ends_at"]) == (
        "UTC", "2026-03-01T00:00:00Z", "2026-04-01T04:00:00Z",
    )  # fmt: skip
    assert (march["number"], march["opening_minor"], march["closing_minor"]) == (None, 0, 5_016 + 9_441)
    assert {one["group"]: one["amount_minor"] for one in march["groups"]} == {
        "sales": 16_200, "commission": -1_500, "payment": -243,
    }  # fmt: skip
    assert [(one["day"], one["closing_minor"]) for one in march["days"]] == [
        ("2026-03-02", 5_016), ("2026-03-31", 14_457),
    ]  # fmt: skip
    april = await read("/v1/seller/statements/2026-04", **usd)
    earned, given_back = 20_600 - 2_000 - 309, 4_000 - 388 - 60
    assert april["opening_minor"] == 14_457
    assert april["closing_minor"] == await shop.balance("seller", seller) == 14_457 + earned - given_back
    kinds = [kind for group in april["groups"] for kind in group["kinds"]]
    assert [(kind["code"], kind["entries"], kind["amount_minor"]) for kind in kinds] == [
        ("release", 1, 20_600), ("recall", 1, -4_000), ("commission", 1, -2_000), ("commission_back", 1, 388),
        ("payment_fee", 1, -309), ("payment_fee_back", 1, 60),
    ]  # fmt: skip

    shop.clock.move_to(START + timedelta(days=61))  # May
    for path, body in ((f"/v1/sellers/{theirs}/identity", SELLER), ("/v1/operator/identity", HOUSE)):
        answer = await shop.http.put(path, json=body, headers=shop.operator)
        assert answer.status_code == 204, answer.text
    closing = {"through": f"{START + timedelta(days=31):%Y-%m-%d}"}
    assert (await ask(shop, "/v1/operator/closed-days", closing, shop.operator))[0] == 200
    number = f"2026-03-USD-{seller.hex[-8:].upper()}"
    again = await read("/v1/seller/statements/2026-03", **usd)
    assert again == march | {"number": number}  # closed: it has a number, and stays
    assert [(one["month"], one["number"]) for one in (await read("/v1/seller/statements"))["items"]] == [
        ("2026-05", None), ("2026-04", None), ("2026-03", number),
    ]  # fmt: skip
    assert await read(f"/v1/sellers/{theirs}/statements/2026-03", shop.operator, **usd) == again

    lines = (await read("/v1/seller/statements/2026-03/lines", **usd))["items"]
    assert [line["amount_minor"] for line in lines] == [5_600, -84, -500, 10_600, -159, -1_000]
    assert [line["cause"] for line in lines[::3]] == [f"prt_{part[4:]}", show("ord", first)]
    after = await read("/v1/seller/statements/2026-03/lines", **usd, after=lines[1]["place"])
    assert after["items"] == lines[2:]
    await _files(read, usd, number, lines)
    await _tax(shop, theirs, read)


async def _files(read: Any, usd: dict[str, Any], number: str, lines: list[dict[str, Any]]) -> None:
    """The file of rows has these lines between the balances; the PDF says who, and for whom."""
    rows = list[list[str]]()
    for language, first_row, last_row in (
        ("en", ["", "", "", "Opening balance", number, "", "0.00", "USD"], "144.57"),
        ("de", ["", "", "", "Anfangssaldo", number, "", "0,00", "USD"], "144,57"),
    ):
        raw = (await read("/v1/seller/statements/2026-03/csv", **usd, lang=language)).decode("utf-8-sig")
        rows = list(csv.reader(StringIO(raw), delimiter=";" if language == "de" else ","))
        assert (rows[1], rows[-1][6]) == (first_row, last_row)
        assert [row[4] for row in rows[2:-1]] == [line["cause"] for line in lines]
        told = [int(row[5].replace(",", "").replace(".", "")) for row in rows[2:-1]]
        assert told == [line["amount_minor"] for line in lines]
    assert rows[5][:4] == ["2026-04-01", "03:00:00", "Verkäufe", "Verkauf, vom Treuhandkonto freigegeben"]
    pdf = await read("/v1/seller/statements/2026-03/pdf", **usd, lang="de")
    printed = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    for text in (number, "März 2026", "Anna Weiß", "DE136695976", "=Entrepot SE", "144,57", "Alle Bewegungen"):
        assert text in printed, text


async def _tax(shop: Shop, theirs: str, read: Any) -> None:
    """Three sales of 350 dollars in all: few for both, told with what is missing. The part of the order in dispute is a
    sale; what was given back reduces DAC7's amount and not the 1099-K's."""
    (told,) = (await read("/v1/operator/reports/dac7/2026", shop.operator))["items"]
    assert (told["seller_id"], told["activities"], told["correct_earlier"]) == (theirs, 3, False)
    # No rate of the dollar is known here, so nobody can say that it is little.
    assert (told["reportable"], told["consideration_eur_minor"], told["missing"]) == (True, None, ["bank_account"])
    (account,) = told["accounts"]
    quarters = [tuple(one.values()) for one in account["quarters"]]
    assert quarters[:2] == [(2, 14_457, 1_743, 0), (1, 20_600 - 4_000 - 2_309 + 448, 2_309 - 448, 0)]
    assert sum(one[1] for one in quarters) == await shop.balance("seller", UUID(theirs[4:]))
    assert await read("/v1/seller/reports/dac7/2026") == await read("/v1/operator/reports/dac7/2026", shop.operator)
    (form,) = (await read("/v1/operator/reports/1099-k/2026", shop.operator))["items"]
    # All three were sold in March, whenever they were released.
    assert (form["transactions"], form["gross_minor"], form["by_month"][2]) == (3, 36_800, 36_800)
    assert (form["reportable"], form["why"], form["missing"]) == (False, "not_in_the_us", ["tax_id"])
    assert (await shop.http.get("/v1/operator/reports/dac7/2022", headers=shop.operator)).status_code == 404

    async def table(report: str) -> list[dict[str, str]]:
        raw = await read(f"/v1/operator/reports/{report}/2026/csv", shop.operator)
        return list(csv.DictReader(StringIO(raw.decode("utf-8-sig"))))

    assert [(row["quarter"], row["consideration"], row["tax_id"]) for row in (await table("dac7"))[:2]] == [
        ("1", "144.57", SELLER["tax_id"]), ("2", "147.39", SELLER["tax_id"]),
    ]  # fmt: skip
    (row,) = await table("1099-k")
    assert (row["gross"], row["month_03"], row["month_04"], row["name"]) == ("368.00", "368.00", "0.00", "Weiß")
