"""Who is silent in a return."""

from __future__ import annotations

from datetime import timedelta

from entrepot import orders
from entrepot.kit.ids import show
from entrepot.logistics import NewShipment
from tests.shop import open_shop

CLAIM = {"kind": "unwanted", "lines": [{"line_no": 1, "quantity": 1}], "text": "No."}


async def test_what_is_not_sent_stays_sold_and_what_nobody_looks_at_goes_back(own_db_url: str) -> None:
    async with open_shop(own_db_url) as shop:
        seller, buyer = await shop.seller(), await shop.buyer()
        kept, gone = [(await buyer.buy([(await shop.offer(seller, 1_000, 1), 1)]))[0] for _ in range(2)]
        wallet = await shop.balance("wallet", buyer.id)
        async with shop.db.write() as tx:
            await orders.ship_many(tx, 0, [NewShipment(order, "house", order.hex) for order in (kept, gone)])
        for order in (kept, gone):
            path = f"/v1/orders/{show('ord', order)}/disputes"
            opened = (await buyer.send("POST", path, CLAIM)).json()["id"]
            if order == gone:
                assert (await buyer.send("POST", f"{path}/{opened}/steps", {"act": "send_back"})).status_code == 204
        await shop.run(after=timedelta(days=14))
        assert (await shop.balance("seller", seller), await shop.balance("escrow")) == (1_600 - 100 - 24, 1_600)
        await shop.run(after=timedelta(days=7))  # nobody appeals
        assert (await shop.balance("wallet", buyer.id), await shop.balance("escrow")) == (wallet + 1_600, 0)
        await shop.audited()
