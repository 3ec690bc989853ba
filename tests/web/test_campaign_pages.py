"""Campaigns and switches on pages: the line, buying in one step, and what says that it rests."""

from __future__ import annotations

import re
from datetime import timedelta

from markupsafe import escape

from entrepot import campaigns
from entrepot.kit.ids import show
from entrepot.platform import SWITCHES
from tests.campaigns.test_memory import no_database
from tests.shop import rehearsed
from tests.web.site import Site, Visitor, text
from tests.web.stage import HOSTILE

MILK = "White Milk, 1 gal"


async def opened(site: Site, admit_per_s: int | None = None) -> str:
    """The path of a campaign that begins in ten minutes: five milks for 1.99 instead of 3.89, two for each."""
    async with site.db.write() as tx:
        offer = campaigns.NewOffer(site.stage.offers[MILK], 199, 5, 2)
        times = tx.now + timedelta(minutes=10), tx.now + timedelta(minutes=70)
        new = campaigns.NewCampaign("us", "Milk madness", *times, [offer], admit_per_s)
        path = f"/campaigns/{show('cmp', await campaigns.open_campaign(tx, new))}"
    await refresh(site)
    return path


async def refresh(site: Site) -> None:
    await site.app.state.desk.view.refresh()
    await site.app.state.switches._glance.refresh()


async def test_a_campaign_is_announced_and_bought_from(site: Site) -> None:
    path = await opened(site)
    buyer = site.buyer
    assert "Milk madness begins at" in text(await site.anonymous.get("/"))
    shown = await buyer.get(path)
    assert "Begins at Mar 2, 2026, 09:10." in text(shown)
    assert "Buy now" not in shown.text
    site.clock.advance(timedelta(minutes=10))
    page = text(await site.anonymous.get(path))
    for said in ("$1.99", "$3.89", "5 left", "up to 2 for each buyer", "Sign in to buy"):
        assert said in page
    assert "noch 5 da" in text(await site.anonymous.get(f"{path}?lang=de"))
    fields = await buyer.form(path, "/buy")
    address = re.search(r'value="(adr_[0-9a-f]{32})"', (await buyer.get(path)).text)
    assert address is not None
    fields |= {"address_id": address[1], "shipping": "standard", "method": "wallet", "quantity": "2"}
    for _ in range(2):  # the same form twice buys once
        bought = await buyer.send(f"{path}/buy", fields)
        assert bought.headers["location"].startswith("/orders/grp_")
    async with site.db.read() as tx:
        assert await tx.conn.fetchval("select paid_minor from orders.order") == 2 * 199 + 600
    more = await buyer.send(f"{path}/buy", fields | {"key": "another"})
    assert more.headers["location"] == path
    assert "as much of it as one buyer can" in text(await buyer.get(path))


async def wait_page(visitor: Visitor, path: str) -> str:
    shown = await visitor.get(path)
    assert shown.status_code == 200
    return shown.text


async def test_the_line_without_javascript(site: Site) -> None:
    path = await opened(site, admit_per_s=1)
    site.clock.advance(timedelta(minutes=10))
    await refresh(site)
    first, second = site.buyer, site.other
    assert "Join the line" in await wait_page(first, path)
    for visitor in (first, second):
        fields = await visitor.form(path, "/line")
        joined = await visitor.send(f"{path}/line", fields)
        assert (joined.status_code, joined.headers["location"]) == (303, path)
        again = await visitor.send(f"{path}/line", fields)  # keeps the place
        assert "set-cookie" not in again.headers or "line-" not in again.headers["set-cookie"]
    await refresh(site)
    with no_database():
        page = await wait_page(second, path)
    assert "1 person before you" in page
    assert "About 2 seconds to wait." in page
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "1 Person vor dir" in await wait_page(second, f"{path}?lang=de")
    second.http.cookies.delete("lang")
    site.clock.advance(timedelta(seconds=1))
    await refresh(site)
    assert "Buy now" in (await first.get(path)).text
    assert "You are next" in text(await second.get(f"{path}?lang=en"))
    site.clock.advance(timedelta(seconds=1))
    await refresh(site)
    page = (await second.get(path)).text
    assert "Join the line" not in page
    assert "before you" not in page


async def test_the_operator_opens_sets_the_rate_and_ends(site: Site) -> None:
    operator, coffee = site.operator, "Dark Roast Coffee, 12 oz"
    form = f"/operator/campaigns?market=us&product={site.stage.slugs[coffee]}"
    assert form.replace("&", "&amp;") in (await operator.get("/operator/campaigns?q=coffee")).text
    assert form.replace("&", "&amp;") in (await operator.get(f"/p/{site.stage.slugs[coffee]}")).text
    assert form.replace("&", "&amp;") not in (await site.buyer.get(f"/p/{site.stage.slugs[coffee]}")).text
    assert "Nothing fits." in text(await operator.get("/operator/campaigns?q=submarine"))
    shown = await operator.get(form)
    offers = re.findall(r'<option value="(\d+)">([^·]*) · ([^·]*) · ([^·]*)·', shown.text)
    assert [(seller, place, price.strip()) for _, seller, place, price in offers] == [
        ("Northside Roasters", "Pier 1", "$8.99"), (escape(HOSTILE), "Pier 2", "$9.19"),
    ]  # fmt: skip
    assert offers[0][0] == str(site.stage.offers[coffee])
    fields = await operator.form(form, "product=")
    asked = {
        "name": "Coffee hour", "offer_id": offers[0][0], "amount": "5.00",
        "units": "10", "max_per_buyer": "1", "starts_at": "2026-03-02T10:00", "ends_at": "2026-03-02T11:00",
        "admit_per_s": "",
    }  # fmt: skip
    for wrong, says in (
        ({"units": "41"}, "Of these only 40 can be taken away"),
        ({"amount": "free"}, "Please give an amount such as 25.00."),
        ({"starts_at": "2026-03-02T12:00"}, "Something in the form is missing or not valid."),
    ):
        refused = await operator.send(form, fields | asked | wrong | {"offer_id": offers[1][0]})
        assert refused.status_code in (400, 409)
        assert says in text(refused)
        assert f'<option value="{offers[1][0]}" selected>' in refused.text
    done = await operator.send(form, fields | asked)
    assert done.headers["location"] == "/operator/campaigns"
    page = await operator.get("/operator/campaigns")
    assert "10 of 10 left" in text(page)
    id_ = re.search(r"cmp_[0-9a-f]{32}", page.text)
    assert id_ is not None
    token = {"form_token": fields["form_token"]}
    await operator.send(f"/operator/campaigns/{id_[0]}/admission", token | {"admit_per_s": "50"})
    page = await operator.get("/operator/campaigns")
    assert 'value="50"' in page.text
    assert "rehears" not in page.text
    await rehearsed(site.db)
    page = await operator.get("/operator/campaigns")
    assert "The rehearsal of Mar 2, 2026, 09:00 held 45 orders per second." in text(page)
    assert "Let 36 per second in, as rehearsed" in text(page)
    fields = await operator.form("/operator/campaigns", "/admission/rehearsed")
    done = await operator.send(f"/operator/campaigns/{id_[0]}/admission/rehearsed", fields)
    assert done.headers["location"] == "/operator/campaigns"
    page = await operator.get("/operator/campaigns")
    assert 'value="36"' in page.text
    assert "as rehearsed" not in page.text
    await operator.send(f"/operator/campaigns/{id_[0]}/end", token)
    assert "End now" not in text(await operator.get("/operator/campaigns"))
    await site.run()
    async with site.db.read() as tx:
        assert await tx.conn.fetchval("select sum(on_hand)::int from inventory.stock where aside_id = $1",
                                      await tx.conn.fetchval("select id from campaigns.campaign")) == 0  # fmt: skip


async def test_switches_on_the_page_and_what_rests_says_so(site: Site) -> None:
    operator = site.operator
    await site.buyer.buy(site.stage.slugs[MILK])
    assert "Bought a lot right now" in text(await site.anonymous.get("/"))
    for name in SWITCHES:
        fields = await operator.form("/operator/switches", f"{name}/off")
        sent = await operator.send(f"/operator/switches/{name}/off", fields | {"minutes": "30", "why": "Double 11"})
        assert sent.headers["location"] == "/operator/switches"
    await refresh(site)
    page = text(await operator.get("/operator/switches"))
    assert "Off until Mar 2, 2026, 09:30: Double 11" in page
    assert show("usr", site.stage.operator) in page
    home = text(await site.anonymous.get("/"))
    assert "Bought a lot right now" not in home
    assert "what others bought is shown again in a while" in home
    product = text(await site.anonymous.get(f"/p/{site.stage.slugs[MILK]}"))
    assert "More from" not in product
    assert "for a while there are no categories here" in text(await site.anonymous.get("/search?q=milk"))
    statement = await site.staff("Harbor Dairy").get("/seller/statement")
    assert statement.status_code == 503
    assert "Resting for a while" in text(statement)
    assert "It is back at Mar 2, 2026, 09:30 at the latest." in text(statement)
    assert "Figures by day are switched off until" in text(await operator.get("/operator"))
    assert (await site.buyer.buy(site.stage.slugs[MILK])).startswith("/orders/")
    fields = await operator.form("/operator/switches", "statements/on")
    await operator.send("/operator/switches/statements/on", fields)
    await refresh(site)
    assert (await site.staff("Harbor Dairy").get("/seller/statement")).status_code == 200
    site.clock.advance(timedelta(minutes=30))
    await refresh(site)
    assert "Bought a lot right now" in text(await site.anonymous.get("/"))


async def test_a_switch_that_is_none_is_not_there(site: Site) -> None:
    operator = site.operator
    fields = await operator.form("/operator/switches", "facets/off")
    refused = await operator.send("/operator/switches/checkout/off", fields | {"minutes": "5", "why": "x"})
    assert refused.status_code == 404
