"""The pages of fees: rules are added, explained and ended; a seller opens a shop; an invoice is credited."""

from __future__ import annotations

from entrepot.kit.ids import show
from tests.web.site import Site, text
from tests.web.test_access import fee_invoice


async def test_rules_are_added_explained_and_ended(site: Site) -> None:
    operator, seller = site.operator, show("sel", site.stage.sellers["Harbor Dairy"])
    assert "There are no rules yet" in text(await operator.get("/operator/fees"))
    fields = await operator.form("/operator/fees", "/operator/fees/rules")
    fields |= {
        "kind": "commission", "position": "10", "name": "Dairy", "percent": "12.5", "market": "us", "over": "50.00",
        "percent_over": "5", "fixed": "0.30", "source": "Contract 7",
    }  # fmt: skip
    before = await site.state()
    refused = await operator.send("/operator/fees/rules", fields | {"percent": "101"})
    assert (refused.status_code, await site.state()) == (400, before)
    assert (await operator.send("/operator/fees/rules", fields)).status_code == 303
    page = text(await operator.get(f"/operator/fees?seller={seller}&amount=100&units=2&kind=commission"))
    for said in ("The rule is added", "12.5%; over $50.00: 5% + $0.30", "$9.35 of $100.00: by the rule “Dairy”"):
        assert said in page
    late = await operator.send("/operator/fees/rules", fields | {"position": "11", "name": "Late"})
    assert "the rule “Dairy” comes first" in text(late)
    end = await operator.form("/operator/fees", "/end")
    assert (await operator.send("/operator/fees/1/end", end)).status_code == 303
    assert "There are no rules yet" in text(await operator.get("/operator/fees"))


async def test_a_shop_is_opened_and_an_invoice_credited(site: Site) -> None:
    operator, seller = site.operator, site.stage.sellers["Harbor Dairy"]
    terms = await operator.form("/operator/fees", "/operator/fees/shops")
    terms |= {"market": "us", "opening": "100", "monthly": "31", "deposit": "500", "source": "Price list"}
    assert (await operator.send("/operator/fees/shops", terms)).status_code == 303
    staff = site.staff("Harbor Dairy")
    opening = await staff.form("/seller/fees", "/seller/fees/shops")
    assert (await staff.send("/seller/fees/shops", opening)).status_code == 303
    page = text(await staff.get("/seller/fees"))
    for said in ("The shop is open.", "Opening of the shop", "$500.00"):
        assert said in page
    async with site.db.write() as tx:
        invoice = show("inv", await fee_invoice(tx, seller))
    path = f"/operator/invoices/{invoice}"
    credit = await operator.form(path, "/credit")
    credit |= {"line_no": "1", "amount": "4.00", "reason": "Agreed"}
    assert (await operator.send(f"{path}/credit", credit)).status_code == 303
    again = await operator.send(f"{path}/credit", credit | {"amount": "6.01"})
    assert "Of this line only $6.00 are left." in text(again)
    assert (await operator.send(f"{path}/credit", credit | {"amount": "6.00"})).status_code == 303
    async with site.db.read() as reading:
        back = await reading.conn.fetch("select amount from ledger.transfer where code = 'fee_credit_tax' order by at")
    assert [row[0] for row in back] == [76, 115]  # all of the 1.91 that the sales' tax came to
    page = text(await staff.get("/seller/fees"))
    assert "Credit note" in page
