"""A seller says who it is, and sees what is told of it; the operator sees everybody's, and says when months begin."""

from __future__ import annotations

from datetime import timedelta

from entrepot import ledger
from entrepot.kit.ids import NIL, new_id, show
from entrepot.ledger import Transfer
from tests.web.site import Site, text

SELLER = "Harbor Dairy"


async def _sold(site: Site) -> None:
    """Two movements of the seller's: one that is known, one that nobody has described."""
    seller = site.stage.sellers[SELLER]
    async with site.db.write() as tx:
        house, theirs = await ledger.account_ids(tx, 0, ["escrow", "seller"], [NIL, seller], ["USD"] * 2)
        sold = [Transfer(new_id(tx.now), "release", house, theirs, 10_600)]
        await ledger.post_all(tx, 0, [*sold, Transfer(new_id(tx.now), "mystery", theirs, house, 100)])


async def test_a_statement_s_page_has_everything(site: Site) -> None:
    await _sold(site)
    seller = show("sel", site.stage.sellers[SELLER])
    files = {
        "/seller/statement": "/v1/seller/statements",
        f"/operator/sellers/{seller}/statement": f"/v1/sellers/{seller}/statements",
    }
    for path, visitor in zip(files, (site.staff(SELLER), site.operator), strict=True):
        shown = await visitor.get(f"{path}?month=2026-03")
        assert "Other" in text(shown)
        assert "mystery" in text(shown)
        assert "$105.00" in text(shown)
        assert "Preliminary" in text(shown)
        for kind in ("csv", "pdf"):
            address = f"{files[path]}/2026-03/{kind}?currency=USD&amp;lang=en"
            assert address in shown.text
            file = await visitor.get(address.replace("&amp;", "&"))
            assert (file.status_code, file.headers["cache-control"]) == (200, "private, no-store")
        german = text(await visitor.get(f"{path}?month=2026-03&lang=de"))
        assert "Verkauf, vom Treuhandkonto freigegeben" in german
        assert "Vorläufig" in german
    empty = text(await site.staff(SELLER).get("/seller/statement?month=2025-03"))
    assert "Nothing was moved in this month." in empty
    stranger = site.staff("Green Acre Farms")
    assert "mystery" not in text(await stranger.get("/seller/statement?month=2026-03"))
    assert (await stranger.get(f"/operator/sellers/{seller}/statement")).status_code == 404
    assert (await stranger.get(f"/v1/sellers/{seller}/statements/2026-03?currency=USD")).status_code == 403


async def test_who_a_seller_is_and_what_is_told(site: Site) -> None:
    await _sold(site)
    staff, operator = site.staff(SELLER), site.operator
    assert "Missing: who it is, bank account" in text(await staff.get("/seller/tax?year=2026"))
    fields = await staff.form("/seller/tax", "/seller/tax")
    who = fields | {
        "kind": "person", "first_name": "Ada", "name": "Byron & <Co>", "line1": "1 Main Street", "postal_code": "20457",
        "city": "Hamburg", "country": "de", "tax_id": "36 574 261 809", "birth_date": "1980-02-29",
    }  # fmt: skip
    refused = await staff.send("/seller/tax", who)
    assert refused.status_code == 400
    assert "a tax id needs the country that gave it" in text(refused)
    assert 'value="36 574 261 809"' in refused.text  # what was typed is still there
    wrong = await staff.send("/seller/tax", who | {"tax_country": "DE", "tax_id": "=1+1"})
    assert "A number has letters, digits" in text(wrong)
    said = await staff.send("/seller/tax", who | {"tax_country": "de"})
    assert (said.status_code, said.headers["location"]) == (303, "/seller/tax")
    page = await staff.get("/seller/tax?year=2026")
    assert "Missing: bank account" in text(page)
    assert 'value="Byron &amp; &lt;Co&gt;"' in page.text
    async with site.db.read() as tx:
        sealed = await tx.conn.fetch("select sealed from sellers.identity")
    assert all(b"Byron" not in row["sealed"] for row in sealed)
    told = text(await operator.get("/operator/reports?year=2026"))
    assert f"{SELLER} Is told of bank account 1 $106.00 $0.00" in told
    assert "Byron" not in text(await site.staff("Green Acre Farms").get("/seller/tax"))

    zone = await operator.form("/operator/reports", "/operator/reports/zone")
    zone |= {"currency": "USD", "month": "2026-03", "zone": "America/New_York", "source": "tests"}
    early = text(await operator.send("/operator/reports/zone", zone))
    assert "A time zone holds from a month that has not begun" in early
    assert (await operator.send("/operator/reports/zone", zone | {"month": "2026-04"})).status_code == 303
    assert "USD, April 2026: America/New_York" in text(await operator.get("/operator/reports"))
    site.clock.advance(timedelta(days=31))
    shown = text(await site.staff(SELLER).get("/seller/statement?month=2026-04"))
    assert "by the clock of America/New_York" in shown
