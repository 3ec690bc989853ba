"""Fees: part 4 of money that ties; the other parts are in test_money.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot import fees, invoices
from entrepot.invoices.actions import issue_due
from entrepot.kit.auth import Role
from entrepot.kit.ids import NIL, show
from tests.acceptance.eyes import approve, limited
from tests.acceptance.test_money import ask, bought, promote, sent
from tests.shop import MARKET, Shop, open_shop

MONTH = timedelta(days=31)


@pytest.fixture
async def shop(own_db_url: str) -> AsyncIterator[Shop]:
    async with open_shop(own_db_url) as opened:
        async with opened.db.write() as tx:
            for country, rate in (("DE", "19"), ("FR", "20"), ("CH", "8.1")):
                facts = [("tax", {"name": "VAT", "rate": rate}), ("union", {"name": "EU"})]
                await tx.conn.executemany(
                    "insert into trade.law (country, kind, valid_from, facts, citation, source) "
                    "values ($1, $2, '2021-01-01', $3, 'tests', 'tests')",
                    [(country, kind, fact) for kind, fact in facts if (country, kind) != ("CH", "union")],
                )
        yield opened


async def _rule(shop: Shop, position: int, tiers: list[tuple[int, int]], **more: Any) -> int:
    body = {
        "kind": "commission", "position": position, "name": f"Rule {position}", "source": "tests",
        "tiers": [{"rate_bp": rate, "over_minor": over} for over, rate in tiers],
    }  # fmt: skip
    status, answer = await ask(shop, "/v1/operator/fee-rules", body | more, shop.operator)
    assert status == 201, answer
    found: int = answer["id"]
    return found


async def _sold(shop: Shop, order: UUID) -> tuple[Any, ...]:
    """(commission, payment fee, tax on them, of what kind, at which rate) of an order."""
    async with shop.db.read() as tx:
        row = await tx.conn.fetchrow(
            "select commission_minor, payment_fee_minor, fee_tax_minor, fee_tax_kind, fee_tax_bp from orders.order "
            "where id = $1", order,
        )  # fmt: skip
    assert row is not None
    return tuple(row)


async def test_4_fees(shop: Shop) -> None:
    """Rules in their order, by seller, category, volume and tier; frozen on the line with their tax, so that a rule
    that ends, another seller's country and another rate change nothing of what was sold; what goes back takes its share
    of commission and tax with it."""
    house = {"currency": "USD", "code": "ACME", "name": "Acme Markets GmbH", "address": "Hafen 1", "country": "DE"}
    assert (await ask(shop, "/v1/operator/fee-entities", house | {"tax_id": "DE1"}, shop.operator))[0] == 204
    german, french, swiss = [await shop.seller() for _ in range(3)]
    for seller, country, tax_id in (
        (german, "DE", "DE 136 695 976"), (french, "FR", "FR23 334175221"), (swiss, "CH", ""),
    ):  # fmt: skip
        staff = shop.session(Role.SELLER, NIL, seller)
        who = {"kind": "company", "name": "A Seller", "line1": "Street 2", "postal_code": "1", "city": "Town",
               "country": country, "vat_id": tax_id}  # fmt: skip
        put = await shop.http.put("/v1/seller/identity", json=who, headers=staff)
        assert put.status_code == 204, put.text
        wrong = await shop.http.put("/v1/seller/identity", json=who | {"vat_id": "XX3"}, headers=staff)
        assert wrong.json()["type"] == "/problems/tax_id_not_valid"
    async with shop.db.read() as tx:
        category = await tx.conn.fetchval("select min(id) from catalog.category")
    await _rule(shop, 10, [(0, 500)], seller_id=show("sel", french))
    tiered = await _rule(
        shop, 20, [(0, 1_500), (10_000, 800)], market=MARKET, category_id=category, fixed_minor=30, max_minor=5_000
    )
    await _rule(shop, 5, [(0, 300)], market=MARKET, kind="payment_fee", fixed_minor=25)
    shadowed = {"kind": "commission", "position": 30, "name": "Late", "source": "tests", "tiers": [{"rate_bp": 1}]}
    status, refusal = await ask(
        shop, "/v1/operator/fee-rules", shadowed | {"seller_id": show("sel", french)}, shop.operator
    )
    assert (status, refusal["type"].rpartition("/")[2]) == (409, "rule_shadowed")

    why = f"/v1/sellers/{show('sel', german)}/fee?market={MARKET}&amount_minor=25000&units=2&category_id={category}"
    told = (await shop.http.get(why, headers=shop.operator)).json()
    assert (told["by"], told["rule"]["id"], told["amount"]["minor"]) == ("rule", tiered, 1_500 + 1_200 + 60)
    assert told["passed"] == [], "what another seller pays is nobody else's business"
    assert (told["tax_kind"], told["tax"]["minor"]) == ("standard", 524)

    ada = await shop.buyer(1_000_000)
    offers = [await shop.offer(seller, 12_500, 20) for seller in (german, french, swiss)]
    orders = await ada.buy([(offer, 2) for offer in offers])
    fee = 25 + 768  # of 250.00 and 6.00 of shipping
    sold = [
        (2_760, fee, 675, "standard", 1_900),
        (1_250, fee, 0, "reverse_charge", 0),
        (2_760, fee, 0, "outside", 0),
    ]
    assert [await _sold(shop, order) for order in orders] == sold
    # Whatever changes now, what was sold keeps its rule and tax.
    assert (await ask(shop, f"/v1/operator/fee-rules/{tiered}/end", {}, shop.operator))[0] == 204
    assert [await _sold(shop, order) for order in orders] == sold
    (later,) = await ada.buy([(offers[0], 2)])
    assert (await _sold(shop, later))[0] == 2_500

    # What goes back takes its share of commission, fee and tax with it, as they were: 50.00 of 256.00.
    await sent(shop, orders[0], "1")
    assert (await ada.send("POST", f"/v1/orders/{show('ord', orders[0])}/confirm")).status_code == 204
    assert [await shop.balance(code) for code in ("commission", "payment_fee", "fee_tax")] == [2_760, fee, 675]
    assert await shop.balance("seller", german) == 25_600 - 2_760 - fee - 675
    back = {"line_no": 1, "amount_minor": 5_000, "reason": "Scratched"}
    staff = shop.session(Role.SELLER, NIL, german)
    status, _ = await ask(shop, f"/v1/seller/orders/{show('ord', orders[0])}/refund-line", back, staff)
    assert status == 204
    left = [2_760 - 539, fee - 154, 675 - 131]
    assert [await shop.balance(code) for code in ("commission", "payment_fee", "fee_tax")] == left
    await shop.audited()


async def test_4_shops(shop: Shop) -> None:
    """Opening fee, the rest of the month and a deposit when a shop opens; then each month once, however often the
    worker looks and however long it was away, none for who sold enough; deductions name their case; what is left of the
    deposit comes back after closing."""
    house = {"currency": "USD", "code": "ACME", "name": "Acme Markets GmbH", "address": "Hafen 1", "country": "DE"}
    assert (await ask(shop, "/v1/operator/fee-entities", house | {"tax_id": "DE1"}, shop.operator))[0] == 204
    seller = await shop.seller()
    staff, path = shop.session(Role.SELLER, NIL, seller), f"/v1/sellers/{show('sel', seller)}/shops"
    terms = {
        "market": MARKET, "source": "tests", "opening_fee_minor": 10_000, "monthly_fee_minor": 3_100,
        "waived_from_minor": 20_000, "deposit_minor": 50_000, "deposit_kept_days": 30,
    }  # fmt: skip
    assert (await ask(shop, "/v1/seller/shops", {"market": MARKET}, staff))[0] == 409
    assert (await ask(shop, "/v1/operator/shop-terms", terms, shop.operator))[0] == 204
    status, opened = await ask(shop, "/v1/seller/shops", {"market": MARKET}, staff)
    assert status == 201
    # 2 March: 30 of 31 days; 19 % on both fees, none on the deposit.
    at_first = -(10_000 + 1_900 + 3_000 + 570 + 50_000)
    assert (await shop.balance("seller", seller), await shop.balance("deposit")) == (at_first, 50_000)
    assert (await ask(shop, "/v1/seller/shops", {"market": MARKET}, staff))[1]["type"].endswith("shop_is_open")

    await shop.run(after=timedelta(days=91))  # 1 June: three months at once, each its own charge
    await shop.run()
    later = at_first - 3 * (3_100 + 589)
    assert await shop.balance("seller", seller) == later
    ada = await shop.buyer()
    await bought(shop, ada, await shop.offer(seller, 20_000, 1), "1")
    sold = await shop.balance("seller", seller)
    shop.clock.advance(timedelta(days=31))
    assert await shop.db.transact(lambda tx: fees.charge_due(tx, 0)) == 0  # June is not counted yet
    await shop.run()  # July is waived: 206.00 were released in June
    assert await shop.balance("seller", seller) == sold
    staff = shop.session(Role.SELLER, NIL, seller)
    charges = (await shop.http.get("/v1/seller/shop-charges", headers=staff)).json()["items"]
    assert [(c["kind"], c["month"], c["net"]["minor"], c["reason"]) for c in charges] == [
        ("monthly_fee", "2026-07-01", 0, "waived"),
        ("monthly_fee", "2026-06-01", 3_100, ""),
        ("monthly_fee", "2026-05-01", 3_100, ""),
        ("monthly_fee", "2026-04-01", 3_100, ""),
        ("deposit", None, 50_000, ""),
        ("monthly_fee", "2026-03-01", 3_000, "30/31"),
        ("opening_fee", None, 10_000, ""),
    ]

    taken = {"amount_minor": 50_001, "reason": "Counterfeit goods", "case_ref": "C-7"}
    before = await shop.state()
    assert (await ask(shop, f"{path}/{opened['id']}/deduct", taken, shop.operator))[0] == 409
    assert await shop.state() == before
    await limited(shop, "deduct_deposit", 7_999)
    less = taken | {"amount_minor": 8_000}
    status, asked = await ask(shop, f"{path}/{opened['id']}/deduct", less, shop.operator)
    assert (status, await shop.balance("penalty")) == (202, 0)
    await approve(shop, asked["approval_id"])
    assert (await ask(shop, f"/v1/seller/shops/{opened['id']}/close", {}, staff))[0] == 204
    await shop.run(after=timedelta(days=29))
    assert (await shop.balance("deposit"), await shop.balance("penalty")) == (42_000, 8_000)
    await shop.run(after=timedelta(days=2))
    await shop.run(after=MONTH)
    assert (await shop.balance("deposit"), await shop.balance("seller", seller)) == (0, sold + 42_000)
    await shop.audited()


async def _moved(shop: Shop, staff: dict[str, str]) -> list[tuple[str, str, int]]:
    """What a seller's statement of April has: group, code and amount."""
    told = (await shop.http.get("/v1/seller/statements/2026-04?currency=USD", headers=staff)).json()
    return [(one["group"], x["code"], x["amount_minor"]) for one in told["groups"] for x in one["kinds"]]


async def test_4_invoices(shop: Shop) -> None:
    """A month's fees are one invoice, numbered without a gap however many workers issue at once; what is given back
    later is a credit note that says of which month, what was wrong is credited by hand; nothing is ever changed."""
    house = {"currency": "USD", "code": "ACME", "name": "Acme Markets GmbH", "address": "Hafen 1", "country": "DE"}
    assert (await ask(shop, "/v1/operator/fee-entities", house | {"tax_id": "DE1"}, shop.operator))[0] == 204
    first, second = [await shop.seller() for _ in range(2)]
    async with shop.db.write() as tx:
        for seller, country, tax_id in ((first, "DE", ""), (second, "FR", "FR3")):
            await fees.set_billing(
                tx, fees.Billing(seller, tx.now, f"Seller in {country}", "Street 2", country, tax_id)
            )
    ada = await shop.buyer(1_000_000)
    orders = [await bought(shop, ada, await shop.offer(s, 10_000, 9), str(i)) for i, s in enumerate((first, second))]
    async with shop.db.read() as reading:
        assert await invoices.documents(reading, None) == []

    async def issue() -> int:
        return await shop.db.transact(lambda tx: issue_due(tx, 0))

    # From May on another one charges; its numbers begin with what is of May.
    later = house | {"code": "LATER", "valid_from": "2026-05-01T00:00:00Z"}
    assert (await ask(shop, "/v1/operator/fee-entities", later, shop.operator))[0] == 204
    shop.clock.advance(timedelta(days=30))  # 1 April
    assert sorted(await asyncio.gather(issue(), issue(), issue())) == [0, 1, 2]
    staff = {s: shop.session(Role.SELLER, NIL, s) for s in (first, second)}
    numbers, documents = [], []
    for seller in (first, second):
        (head,) = (await shop.http.get("/v1/seller/fee-invoices", headers=staff[seller])).json()["items"]
        path = f"/v1/seller/fee-invoices/{head['id']}"
        documents.append((await shop.http.get(path, headers=staff[seller])).json())
        numbers.append(head["number"])
        printed = await shop.http.get(f"{path}/pdf", headers=staff[seller])
        assert (printed.status_code, printed.content[:5]) == (200, b"%PDF-")
        assert (await shop.http.get(path, headers=staff[second if seller == first else first])).status_code == 404
    assert sorted(numbers) == ["ACME-2026-000001", "ACME-2026-000002"]
    german, french = documents
    # 10 % of 100.00, 1.5 % of 106.00, 19 % of both.
    assert [(x["kind"], x["net"]["minor"]) for x in german["lines"]] == [("commission", 1_000), ("payment_fee", 159)]
    assert [(x["tax_kind"], x["tax"]["minor"]) for x in german["taxes"]] == [("standard", 220)]
    assert german["invoice"]["total"]["minor"] == 1_379
    assert [(x["tax_kind"], x["tax"]["minor"]) for x in french["taxes"]] == [("reverse_charge", 0)]
    assert "196" in french["taxes"][0]["note"]

    back = {"line_no": 1, "amount_minor": 5_300, "reason": "Scratched"}
    assert (await ask(shop, orders[0][1], back, staff[first]))[0] == 204
    credited = {"line_no": 1, "net_minor": 600, "reason": "Agreed by phone"}
    path = f"/v1/operator/fee-invoices/{german['invoice']['id']}"
    earned = await shop.balance("seller", first)
    told = await asyncio.gather(*[ask(shop, f"{path}/credit", credited, shop.operator) for _ in range(2)])
    assert sorted(status for status, _ in told) == [201, 409]  # of 10.00 there are not twice 6.00
    assert await shop.balance("seller", first) == earned + 600 + 114
    assert ("commission", "commission_credit", 600) in await _moved(shop, staff[first])  # where it was charged
    await limited(shop, "credit_invoice", 118)  # 1.00 and its tax, 0.19, are more
    status, asked = await ask(shop, f"{path}/credit", credited | {"net_minor": 100}, shop.operator)
    assert (status, asked["id"], await shop.balance("seller", first)) == (201, None, earned + 600 + 114)
    assert (await shop.http.get(path, headers=shop.operator)).json() == german

    await shop.run(after=MONTH)
    staff = {first: shop.session(Role.SELLER, NIL, first)}
    heads = (await shop.http.get("/v1/seller/fee-invoices", headers=staff[first])).json()["items"]
    assert [(h["number"], h["net"]["minor"], h["tax"]["minor"]) for h in heads] == [
        ("ACME-C2026-000002", 500 + 79, 110), ("ACME-C2026-000001", 600, 114),
        (german["invoice"]["number"], 1_159, 220),
    ]  # fmt: skip
    note = (await shop.http.get(f"/v1/seller/fee-invoices/{heads[0]['id']}", headers=staff[first])).json()
    assert {line["of_month"] for line in note["lines"]} == {"2026-03-01"}
    await shop.run(after=timedelta(days=300))
    await shop.audited()


async def test_4_who_funds_discounts(shop: Shop) -> None:
    """A seller's own discount makes its price lower, the platform's does not: with a coupon of the platform the seller
    is credited as much as without one. The month's report says what each funder gave, what came back with a unit that
    was canceled, an amount that was given back and a purchase that was canceled, and what remains; of the platform's
    that is what the ledger moved. What was never paid was never given."""
    plain, seller, buyer = await shop.seller(), await shop.seller(), await shop.buyer()
    await promote(shop, "tenth", 1_000, "operator")
    await promote(shop, "own", 2_000, "seller")
    await bought(shop, buyer, await shop.offer(plain, 1_000, 3), "1")
    offer, third = await shop.offer(seller, 1_000, 9), await shop.offer(seller, 333, 3)
    (first,) = await buyer.buy([(offer, 1)], "tenth")
    await sent(shop, first, "2")
    assert (await buyer.send("POST", f"/v1/orders/{show('ord', first)}/confirm")).status_code == 204
    assert await shop.balance("seller", plain) == 1_600 - 100 - 24
    assert await shop.balance("seller", seller) == 1_600 - 100 - 23  # the payment fee is of what the buyer paid

    (second,) = await buyer.buy([(offer, 3)], "tenth")
    one = {"lines": [{"line_no": 1, "quantity": 1}]}
    assert (await ask(shop, f"/v1/orders/{show('ord', second)}/cancel-lines", one, buyer.headers))[0] == 204
    (gone,) = await buyer.buy([(offer, 2)], "own")
    assert (await ask(shop, f"/v1/orders/{show('ord', gone)}/cancel", {}, buyer.headers))[0] == 204
    (cheaper,) = await buyer.buy([(third, 3)], "own")  # 999 less 200 and 600 of shipping
    staff = shop.session(Role.SELLER, NIL, seller)
    amount = {"line_no": 1, "amount_minor": 400, "reason": "It has a scratch."}
    assert (await ask(shop, f"/v1/seller/orders/{show('ord', cheaper)}/refund-line", amount, staff))[0] == 204
    await buyer.place(await buyer.quote([(offer, 1)], "tenth"), method="gateway")  # and it does not pay

    all_, own = "/v1/operator/discounts/2026-03", "/v1/seller/discounts/2026-03"
    found = (await shop.http.get(all_, headers=shop.operator)).json()
    assert [
        (row["kind"], row["funder"], row["orders"], row["given"]["minor"], row["back"]["minor"], row["net"]["minor"])
        for row in found["items"]
    ] == [
        ("promotion:tenth", "operator", 2, 400, 100, 300),
        ("promotion:own", "seller", 2, 600, 400 + 200 * 400 // 1_399, 600 - 457),
    ]
    assert [(row["funder"], row["net"]["minor"], row["posted"]) for row in found["sums"]] == [
        ("operator", 300, {"minor": 300, "currency": "USD"}), ("seller", 143, None),
    ]  # fmt: skip
    assert await shop.balance("promotions") == -300
    assert (await shop.http.get(own, headers=staff)).json() == found
    other = shop.session(Role.SELLER, NIL, plain)
    assert (await shop.http.get(own, headers=other)).json() == {"items": [], "sums": []}
    assert (await shop.http.get("/v1/operator/discounts/2026-04", headers=shop.operator)).json()["items"] == []
    rows = (await shop.http.get(f"{all_}/csv", headers=shop.operator)).text.splitlines()
    assert rows[1:] == [
        "2026-03,us,operator,promotion:tenth,2,USD,4.00,1.00,3.00",
        "2026-03,us,seller,promotion:own,2,USD,6.00,4.57,1.43",
    ]
    await shop.audited()
