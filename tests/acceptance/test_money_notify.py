"""Issue 4: what a buyer and a seller would expect to be told, in their language, once, by a real mail server."""

from __future__ import annotations

from datetime import timedelta

from entrepot.kit.auth import Role
from entrepot.kit.ids import show
from tests.notify.post import open_office, post, staff, written_to
from tests.shop import MARKET, open_shop


async def test_notifications(own_db_url: str) -> None:
    """A German buyer and an American seller, from the order to the payout, over HTTP; the log is handed over twice, and
    each was told each thing once."""
    async with open_shop(own_db_url) as shop, open_office() as office:
        seller, channels = await shop.seller(), office.channels(shop)
        sam = await staff(shop, seller, "sam@example.org")
        ada = await written_to(shop, await shop.buyer(), "ada@example.org")
        assert (await ada.send("PUT", "/v1/message-preferences", {"language": "de"})).status_code == 204
        house = {"currency": "USD", "code": "ACME", "name": "Acme", "address": "Pier 1", "country": "US", "tax_id": ""}
        entity = await shop.http.post("/v1/operator/fee-entities", json=house, headers=shop.operator)
        assert entity.is_success, entity.text
        terms = {"market": MARKET, "source": "tests", "opening_fee_minor": 0, "monthly_fee_minor": 0,
                 "waived_from_minor": None, "deposit_minor": 500, "deposit_kept_days": 30}  # fmt: skip
        assert (await shop.http.post("/v1/operator/shop-terms", json=terms, headers=shop.operator)).is_success
        (order,) = await ada.buy([(await shop.offer(seller, 2_000, 5), 3)])
        headers = shop.session(Role.SELLER, sam, seller)
        path = f"/v1/seller/orders/{show('ord', order)}"
        canceled = {"lines": [{"line_no": 1, "quantity": 1}], "reason": "one is broken"}
        await post(shop, channels)
        assert (await shop.http.post(f"{path}/cancel-lines", json=canceled, headers=headers)).is_success
        await post(shop, channels)
        sent = {"carrier": "house", "tracking_number": "T-1"}
        assert (await shop.http.post(f"{path}/ship", json=sent, headers=headers)).is_success
        await post(shop, channels)
        async with shop.db.write() as tx:
            await tx.conn.execute("update kit.cursor set xid = '0', id = 0 where consumer = 'notify'")
        account = {"currency": "USD", "holder": "Sam", "iban": "DE89 3704 0044 0532 0130 00"}
        assert (await shop.http.post("/v1/seller/bank-accounts", json=account, headers=headers)).is_success
        await post(shop, channels)
        shop.clock.advance(timedelta(days=44))  # the timer releases, and it is paid out
        await post(shop, channels)
        headers = shop.session(Role.SELLER, sam, seller)
        opened = await shop.http.post("/v1/seller/shops", json={"market": MARKET}, headers=headers)
        taken = {"amount_minor": 123, "reason": "Fake", "case_ref": "C-1"}
        path = f"/v1/sellers/{show('sel', seller)}/shops/{opened.json()['id']}/deduct"
        assert (await shop.http.post(path, json=taken, headers=shop.operator)).is_success
        await post(shop, channels)
        shop.clock.advance(timedelta(days=31))  # the month is invoiced
        await post(shop, channels)
        assert office.subjects("ada@example.org") == [
            "Danke für deine Bestellung",
            "Ein Teil deines Geldes kommt zurück",
            "Deine Bestellung ist unterwegs",
        ]
        assert office.subjects("sam@example.org") == [
            "A new order",
            "An order has changed",
            "Your bank account was changed",
            "Your money is on its way",
            "Something was deducted from your deposit",
            "Your invoice of fees",
        ]
        assert "$1.23" in office.texts("sam@example.org")[4]
        assert "ACME-2026-000001" in office.texts("sam@example.org")[5]
        assert "22,00" in office.texts("ada@example.org")[1]
        assert "house T-1" in office.texts("ada@example.org")[2]
        await shop.audited()
