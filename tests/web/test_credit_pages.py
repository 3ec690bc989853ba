"""Installments by the pages: told before they are agreed to, paid, and what one may owe explained."""

from __future__ import annotations

from datetime import timedelta

from entrepot import payments
from entrepot.app import build
from entrepot.kit.ids import show
from tests.web.site import Site, text


async def test_a_purchase_on_installments_by_the_pages(site: Site) -> None:
    """4 for 8.99 and 6.00 of shipping in three months, at 3 %: one is late, the others are paid off early."""
    gateway = payments.Gateway("http://gateway.test", "http://shop.test", b"a secret of the tests")
    site = Site(site.db, site.clock, site.keys, build(site.db, site.keys, [gateway]), site.stage)
    buyer = site.buyer
    await buyer.put_in_cart(site.stage.slugs["Dark Roast Coffee, 12 oz"], 4)
    quote = await buyer.to_quote()
    assert "installments" not in (await buyer.get(quote)).text
    operator = site.operator
    terms = {"grace_days": "0", "retry_days": "1", "default_days": "90", "late_fee": "7.00", "late_percent": "10",
             "limits": "0 0\r\n200 50.00", "terms_source": "tests"}  # fmt: skip
    plan_of = {"months": "3", "percent": "3.00", "bearer": "buyer", "minimum": "3.00", "plan_source": "tests"}
    hidden = await operator.form("/operator/credit", "/operator/credit/terms")
    for wrong in ({"limits": "200 50.00\n0 0"}, {"limits": "much"}, {"late_fee": "seven"}, {"default_days": "60"}):
        assert (await operator.send("/operator/credit/terms", hidden | terms | wrong)).status_code == 400
    assert (await operator.send("/operator/credit/terms", hidden | terms)).is_redirect
    hidden = await operator.form("/operator/credit", "/operator/credit/plans")
    assert (await operator.send("/operator/credit/plans", hidden | plan_of | {"percent": "101"})).status_code == 400
    assert (await operator.send("/operator/credit/plans", hidden | plan_of)).is_redirect
    path = f"{quote}/installments"
    assert path in (await buyer.get(quote)).text
    shown = text(await buyer.get(path))
    for said in (
        "3 months $14.41", "Fee $1.26", "Effective yearly rate 19.48%", "You pay in all $43.22",
        "Apr 2, 2026 $14.41 May 2, 2026 $14.41 Jun 2, 2026 $14.40", "Limit $50.00", "everybody begins with it",
    ):  # fmt: skip
        assert said in shown, shown
    assert "Effektiver Jahreszins 19,48" in text(await buyer.get(path, **{"accept-language": "de"}))
    bought = await buyer.send(path, await buyer.form(path, path))
    assert bought.headers["location"].startswith("/orders/grp_")
    await buyer.put_in_cart(site.stage.slugs["Dark Roast Coffee, 12 oz"])
    second = f"{await buyer.to_quote()}/installments"
    refused = text(await buyer.get(second))
    assert ("This is more than you may owe now" in refused, "Owed $41.96 Left $8.04" in refused) == (True, True)

    plan = bought.headers["location"].replace("/orders/", "/account/installments/")
    assert plan in (await buyer.get("/account/installments")).text
    assert plan in (await buyer.get(bought.headers["location"])).text
    await site.run(timedelta(days=32))
    buyer, operator = site.buyer, site.operator  # signed in again
    shown = text(await buyer.get(plan))
    assert ("Due now: $15.85" in shown, "All that is owed: $44.24" in shown, "You save $0.42" in shown) == (True,) * 3
    fields = await buyer.form(plan, "/pay")
    assert fields["what"] == "due"
    paid = await buyer.send(f"{plan}/pay", fields | {"method": "wallet"})
    assert paid.is_redirect
    assert text(await buyer.get(plan)).count("paid on Apr 3, 2026") == 1
    exposure = text(await operator.get("/operator/credit"))
    assert ("$27.97 1 buyer owes it" in exposure, "3 months: 3%, borne by the buyer" in exposure) == (True, True)
    reasons = text(await operator.get(f"/operator/credit/{show('usr', site.stage.buyer)}"))
    assert ("installments paid late: 1" in reasons, "payments in time" in reasons) == (True, False)
    assert (await buyer.send(f"{plan}/pay", fields | {"what": "all", "method": "wallet"})).is_redirect
    assert "Nothing is owed." in text(await buyer.get(plan))
