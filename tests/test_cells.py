"""`entrepot cells`, and what a new cell means for those that are there."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from entrepot import accounts, cells, pricing
from entrepot.kit.cells import cell_for
from entrepot.kit.citus import CitusError
from entrepot.kit.db import Database
from entrepot.kit.ids import NIL, new_id
from entrepot.world.auditor.watch import Watch
from tests import cluster
from tests.shop import MARKET, START, Shop, open_shop


async def granted(db: Database) -> dict[tuple[int, str], tuple[int, int]]:
    async with db.read() as tx:
        rows = await tx.conn.fetch("select cell, name, granted, used from pricing.quota where owner = $1", NIL)
    return {(row["cell"], row["name"]): (row["granted"], row["used"]) for row in rows}


async def add_promotion(shop: Shop, code: str, days: int, uses: int | None, budget: int | None) -> pricing.Promotion:
    promotion = pricing.Promotion(
        code, MARKET, 1_000, None, 0, "operator", START - timedelta(9), START + timedelta(days), uses, None, budget
    )
    async with shop.db.write() as tx:
        await pricing.add_promotion(tx, promotion)
    return promotion


async def test_a_new_cell_has_the_houses_accounts_and_its_part_of_what_is_left(own_db_url: str) -> None:
    async with open_shop(own_db_url) as shop:
        ten = await add_promotion(shop, "TEN", 30, 10, 1_000)
        await add_promotion(shop, "OVER", -1, 10, None)
        offer = await shop.offer(await shop.seller(), 1_000, 100)
        for _ in range(3):
            buyer = await shop.buyer()
            assert (await buyer.place(await buyer.quote([(offer, 1)], "TEN"))).status_code == 201
        async with shop.db.write() as tx:
            days = [START.date() + timedelta(days=1)]
            new = pricing.NewSlots(MARKET, "standard", days, time(10), time(12), 7, 60)
            (slot,) = await pricing.add_slots(tx, new)
            await pricing.set_slot(tx, slot, 7, closed=True)
        assert await cells.add(own_db_url, shop.clock) == 1
        # 7 of 10 and 700 of 1,000 are left; half of it is the new cell's.
        assert await granted(shop.db) == {
            (0, "promotion:TEN"): (7, 3), (1, "promotion:TEN"): (3, 0),
            (0, "promotion:TEN:budget"): (650, 300), (1, "promotion:TEN:budget"): (350, 0),
            (0, f"slot:{slot}"): (4, 0), (1, f"slot:{slot}"): (3, 0),
        }  # fmt: skip
        async with shop.db.read() as tx:
            assert await tx.conn.fetchval("select count(*) from pricing.quota where closed") == 2
        assert await cells.add(own_db_url, shop.clock) == 2
        uses = {cell: n for (cell, name), n in (await granted(shop.db)).items() if name == "promotion:TEN"}
        assert uses == {0: (6, 3), 1: (2, 0), 2: (2, 0)}
        # Whoever asks for the promotion now changes nothing of that.
        async with shop.db.write() as tx:
            assert len(await pricing.quotas(tx, 2, ten, new_id(START), 100)) == 2
        assert {cell: n for (cell, name), n in (await granted(shop.db)).items() if name == "promotion:TEN"} == uses
        assert [await shop.balance("escrow", cell=cell) for cell in (1, 2)] == [0, 0]
        async with shop.db.read() as tx:
            of = "select cell, count(*) from ledger.account where owner = $1 group by cell"
            assert len({row[1] for row in await tx.conn.fetch(of, NIL)}) == 1
        await shop.audited()


async def test_newcomers_live_in_the_open_cells(own_db_url: str) -> None:
    async with open_shop(own_db_url) as shop:
        await cells.add(own_db_url)
        await cells.add(own_db_url)
        await cells.set_open(own_db_url, 0, False)
        async with shop.db.write() as tx:
            places = [await cell_for(tx, new_id(START)) for _ in range(60)]
            assert set(places) == {1, 2}
            ada = await accounts.register_buyer(tx, "ada@example.org", "Ada", "no hash")
            assert await accounts.cell_of(tx, ada.user_id) == ada.cell != 0
        body = {"slug": "new", "name": "New", "kind": "third_party"}
        opened = await shop.http.post("/v1/sellers", json=body, headers=shop.operator | {"idempotency-key": "k"})
        assert opened.status_code == 201
        async with shop.db.read() as tx:
            assert await tx.conn.fetchval("select cell from sellers.seller where slug = 'new'") in (1, 2)
        await cells.set_open(own_db_url, 1, False)
        with pytest.raises(cells.CellsError, match="cell 2 is the last that is open"):
            await cells.set_open(own_db_url, 2, False)
        with pytest.raises(cells.CellsError, match="there is no cell 9"):
            await cells.set_open(own_db_url, 9, False)
        held = [found for found, _ in (await cells.filled(own_db_url)).values()]
        assert [found.open for found in held] == [False, False, True]
        assert (sum(found.sellers for found in held), sum(found.buyers for found in held)) == (1, 1)
        assert (held[0].sellers, held[0].buyers) == (0, 0)
        with pytest.raises(cells.CellsError, match="lie in this one database"):
            await cells.move(own_db_url, 1, "elsewhere:5432")
        with pytest.raises(CitusError, match="no Citus"):
            await cells.init(own_db_url)


@pytest.mark.cluster
async def test_four_cells_sell_a_basket_spans_them_and_one_moves(db_url: str) -> None:
    """On plain PostgreSQL nothing moves; with ENTREPOT_CITUS_URL every cell is on a node, and one goes to another."""
    async with open_shop(db_url) as shop:
        for cell in range(1, 4):
            await shop.open_cell(cell)
        offers = [await shop.offer(await shop.seller(cell=cell), 1_000, 10, cell=cell) for cell in range(4)]
        buyers = [await shop.buyer(100_000, cell) for cell in range(4)]
        for sold in (2, 4):
            for buyer, offer in zip(buyers, offers, strict=True):
                quote = await buyer.quote([(offer, 1)])
                for _ in range(2):  # told twice, placed once
                    assert (await buyer.place(quote, f"k{sold}")).status_code == 201
                refused = await buyer.place(await buyer.quote([(offer, 11)]))
                assert (refused.status_code, refused.json()["type"]) == (409, "/problems/sold_out")
            await buyers[sold - 1].buy([(offer, 1) for offer in offers])
            assert [await shop.stock(offer) for offer in offers] == [(10, 0, sold)] * 4
            await shop.run()  # the events of each cell are told, before and after it has moved
            async with shop.db.read() as tx:
                assert await tx.conn.fetchval("select count(*) from logistics.fulfillment_order") == 4 * sold
            await shop.audited()
            if cluster.URL is not None and sold == 2:
                with pytest.raises(CitusError, match="--watch"):
                    await Watch(db_url, shop.clock, lambda *_: None).open()
                nodes = {node for _, node in (await cells.filled(db_url)).values()}
                (_, here) = (await cells.filled(db_url))[1]
                await cells.move(db_url, 1, min(nodes - {here}))
                assert (await cells.filled(db_url))[1][1] != here
