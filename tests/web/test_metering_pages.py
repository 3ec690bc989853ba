"""The pages of metered use: a meter is added and priced, and a seller sees what it has used and what that costs."""

from __future__ import annotations

from datetime import timedelta

from entrepot import metering
from entrepot.metering import Report
from tests.web.site import Site, text


async def test_a_meter_is_added_priced_and_used(site: Site) -> None:
    operator, page = site.operator, "/operator/metering"
    assert "Nothing was used." in text(await operator.get(page))
    fields = await operator.form(page, f"{page}/meters")
    fields |= {"code": "api_calls", "name": "API calls", "unit": "calls", "combine": "sum", "filter_by": "region"}
    assert (await operator.send(f"{page}/meters", fields)).status_code == 303
    assert "There is a meter of this code already." in text(await operator.send(f"{page}/meters", fields))
    price = await operator.form(page, f"{page}/prices")
    price |= {"meter": "api_calls", "currency": "USD", "free": "1000", "unit_price": "0.0004", "source": "List"}
    before = await site.state()
    for wrong in ({"unit_price": "a"}, {"unit_price": "0.000000001"}, {"free": "-1"}, {"valid_from": "x"}):
        assert (await operator.send(f"{page}/prices", price | wrong)).status_code == 400
    assert await site.state() == before
    assert (await operator.send(f"{page}/prices", price)).status_code == 303
    assert "free; over 1,000: $0.0004" in text(await operator.get(page))
    again = await operator.send(f"{page}/prices", price | {"valid_from": f"{site.clock.now():%Y-%m-%d}"})
    assert "2026-03-03 at the soonest" in text(again)

    seller = site.stage.sellers["Harbor Dairy"]
    async with site.db.write() as tx:
        told = await metering.take(tx, [Report(seller, "e", "us", "api_calls", 51_000, tx.now, {"region": "eu"})])
    assert [one.said for one in told] == ["accepted"]
    month = f"{told[0].month:%Y-%m}"
    staff = site.staff("Harbor Dairy")
    shown = text(await staff.get("/seller/usage"))
    for said in (
        "By now it costs $20.00 without tax",
        "1,000 calls free $0.00",
        "50,000 calls \N{MULTIPLICATION SIGN} $0.0004 $20.00",
    ):
        assert said in shown
    german = text(await staff.get(f"/seller/usage?month={month}&lang=de"))
    assert "Bis jetzt kostet es 20,00 $ ohne Steuer" in german
    assert "51,000 calls $0.00" in text(await operator.get(f"{page}?month={month}"))

    await site.run(timedelta(days=33))
    assert "and $0.00 tax" in text(await site.staff("Harbor Dairy").get(f"/seller/usage?month={month}"))
