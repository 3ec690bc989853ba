"""A seller's channels on the pages: opened, told of fewer, and what was sold too much is tried again or called off."""

from __future__ import annotations

from entrepot import channels, inventory
from entrepot.channels import Sold
from entrepot.kit.ids import new_id, parse
from tests.web.site import Site, text


async def test_a_channel_is_opened_and_what_it_oversold_is_mended(site: Site) -> None:
    staff, seller = site.staff("Harbor Dairy"), site.stage.sellers["Harbor Dairy"]
    form = await staff.form("/seller/channels", "/seller/channels")
    state = await site.state()
    refused = await staff.send("/seller/channels", form | {"channel": "North", "buffer": "-1"})
    assert (refused.status_code, "Please give a number of units, such as 0 or 2." in text(refused)) == (400, True)
    assert await site.state() == state
    path = (await staff.send("/seller/channels", form | {"channel": "North", "buffer": "2"})).headers["location"]
    id_ = parse("chn", path.rpartition("/")[2])
    buffers = await staff.form(path, f"{path}/buffers")
    assert (await staff.send(f"{path}/buffers", buffers | {"sku": "sku-0", "units": "39"})).status_code == 303
    async with site.db.write() as tx:
        (level,) = [one for one in await channels.levels(tx, 0, seller, id_) if one.sku == "sku-0"]
        assert (level.quantity, level.buffer) == (level.available - 39, 39)
        sale = await channels.sell(tx, 0, seller, id_, "N-1", [Sold("sku-0", level.available + 1)])
        stock = await tx.conn.fetchval(
            "select s.id from inventory.stock s join catalog.variant v on v.id = s.variant_id "
            "where s.seller_id = $1 and v.sku = 'sku-0'", seller,
        )  # fmt: skip
    shown = text(await staff.get(path))
    assert f"only {level.available} were left" in shown
    assert "Sold elsewhere, and not there" in shown
    acts = await staff.form(path, f"{path}/sales/{sale.id}")
    await staff.send(f"{path}/sales/{sale.id}", acts | {"act": "again"})
    async with site.db.write() as tx:
        (still,) = await channels.oversold(tx, 0, seller, id_)
        assert still.number == "N-1"
        await inventory.receive(tx, 0, [inventory.Goods(stock, 1, new_id(tx.now))])
    await staff.send(f"{path}/sales/{sale.id}", acts | {"act": "again"})
    async with site.db.read() as tx:
        assert (await inventory.available(tx, 0, [stock]))[stock] == 0
    await staff.send(f"{path}/sales/{sale.id}", acts | {"act": "cancel"})
    async with site.db.read() as tx:
        assert (await inventory.available(tx, 0, [stock]))[stock] == level.available + 1
    assert "Canceled" in text(await staff.get(path))
    change = await staff.form(path, path)
    await staff.send(path, change | {"buffer": "1", "state": "closed"})
    assert "closed" in text(await staff.get("/seller/channels"))
    assert (await site.staff("Green Acre Farms").get(path)).status_code == 404
