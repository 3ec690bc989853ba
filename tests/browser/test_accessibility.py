"""axe finds nothing on any page, on phone and desktop, light and dark; and every page is as small as promised."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

from entrepot.kit.clock import RealClock
from tests.browser.conftest import DESKTOP, PHONE, Shop
from tests.web.site import fields_of

PAGE_MAX_BYTES = 60_000
SHEET_MAX_BYTES = 40_000
STRANGER = (
    "/",
    "/categories",
    "/c/pantry",
    "/search?q=o",
    "/search",
    "/sign-in",
    "/register",
    "/nothing-here",
)
BUYER = ("/cart", "/checkout", "/orders", "/account", "/account/addresses/new", "/prove/x")
SELLER = (
    "/seller", "/seller/orders", "/seller/statement", "/seller/tax", "/seller/payouts", "/seller/stock",
    "/seller/stock?sku=none", "/seller/stock/receive", "/seller/stock/locations", "/seller/bundles", "/seller/customs",
    "/seller/fees", "/seller/usage", "/seller/bond", "/seller/channels", "/seller/chargebacks", "/webhooks",
    "/seller/texts",
)  # fmt: skip
OPERATOR = (
    "/operator", "/operator/sellers", "/operator/stuck", "/operator/top-up", "/operator/campaigns",
    "/operator/switches", "/operator/books", "/operator/reports", "/operator/payouts", "/operator/bank",
    "/operator/rules?country=DE", "/operator/holds", "/operator/borders", "/operator/taxes", "/operator/fees",
    "/operator/metering", "/operator/bond", "/operator/credit", "/operator/approvals", "/operator/fraud",
    "/operator/invoices", "/operator/messages?status=due", "/messages", "/operator/slots",
    "/operator/chargebacks", "/operator/discounts", "/operator/texts",
)  # fmt: skip


@pytest.fixture(scope="module")
def bought(shop: Shop) -> dict[str, str]:
    """Two purchases, so that there is something on every page: the paths of a purchase and of an open quote."""
    with shop.visit("ada") as page:
        placed = [order(page, shop, place=True), order(page, shop, place=True)]
        return {"purchase": placed[1], "quote": order(page, shop, place=False)}


def order(page: Page, shop: Shop, *, place: bool) -> str:
    """Sends the forms that a visitor would send, and draws no page."""
    for title in ("White Milk, 1 gal", "Dark Roast Coffee, 12 oz"):
        assert send(page, f"/p/{shop.stage.slugs[title]}", "/cart/add").endswith("/cart")
    quote = send(page, "/checkout", "/checkout")
    return send(page, quote, quote) if place else quote


def send(page: Page, path: str, action: str) -> str:
    """Sends the form of the page at `path` that goes to `action`; the path of the page that follows."""
    fields = fields_of(page.request.get(path).text(), action)
    answer = page.request.post(action, form={**fields})
    assert answer.ok, answer.text()
    return urlsplit(answer.url).path


def webhook(page: Page) -> str:
    """The page of a webhook to which a test was sent."""
    told = {"url": "https://seller.example/hook", "order_paid": "yes"}
    made = page.request.post("/webhooks", form={**fields_of(page.request.get("/webhooks").text(), "/webhooks"), **told})
    (path,) = set(re.findall(r"/webhooks/whk_\w{32}", made.text()))
    return send(page, path, f"{path}/test")


@pytest.fixture(scope="module")
def line(shop: Shop) -> str:
    """The page of a campaign that begins in a while, with a line before it."""
    now = RealClock().now()
    offer = shop.stage.offers["Sharp Cheddar Cheese, 8 oz"]
    asked = {
        "name": "An hour of cheese", "offer_id": str(offer), "amount": "1.99", "units": "2", "max_per_buyer": "1",
        "starts_at": f"{now + timedelta(minutes=30):%Y-%m-%dT%H:%M}", "admit_per_s": "1",
        "ends_at": f"{now + timedelta(minutes=90):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    with shop.visit("operator") as page:
        form = f"/operator/campaigns?product={shop.stage.slugs['Sharp Cheddar Cheese, 8 oz']}"
        fields = fields_of(page.request.get(form).text(), "product=")
        assert page.request.post("/operator/campaigns", form={**fields, **asked}).ok
        while not (found := re.search(r"/campaigns/cmp_[0-9a-f]{32}", page.request.get("/operator/campaigns").text())):
            page.wait_for_timeout(200)  # what is shown is up to a second old
        return found[0]


def test_axe_finds_nothing(shop: Shop, bought: dict[str, str], line: str) -> None:
    product = f"/p/{shop.stage.slugs['White Milk, 1 gal']}"
    visits = {
        None: (*STRANGER, product, line), "ada": (*BUYER, bought["purchase"], bought["quote"], product, line),
        "seller": SELLER, "operator": OPERATOR,
    }  # fmt: skip
    found = []
    for who, paths in visits.items():
        with shop.visit(who) as page:
            if who == "ada":
                found += looked_at(page, line)
                send(page, line, f"{line}/line")
            if who == "seller":
                page.goto("/seller")
                paths = (*paths, page.locator("article h2 a").first.get_attribute("href") or "")
                page.goto("/seller/stock")
                paths = (*paths, page.locator("tbody a").first.get_attribute("href") or "", webhook(page))
            for path in paths:
                found += looked_at(page, path)
    # Without a script a line moves only when its page is read again: WCAG 2.2.1 allows what is essential.
    assert [one for one in found if not (one.startswith(line) and ": meta-refresh " in one)] == []


SEEN = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size", "css-orientation-lock"]
"""Rules about where things are and how they are colored."""


def looked_at(page: Page, path: str) -> list[str]:
    """What is wrong with a page on a desktop, and on a phone in the dark, where only how it looks differs."""
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    assert show(page, path) < PAGE_MAX_BYTES, path
    found = violations(page, path)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    found += violations(page, f"{path}: phone in the dark", runOnly=SEEN)
    if page.locator("meta[http-equiv=refresh]").count():  # which would replace whatever is written in its place
        page.goto("about:blank")
    return found


def show(page: Page, path: str) -> int:
    """Shows what is at `path`; its bytes. The next page is written in place of the last, which leaves axe as it is: to
    read half a megabyte of it anew, and have it compiled, takes longer than the look."""
    if page.evaluate("typeof axe") != "undefined":
        return int(page.evaluate(WRITE, path))
    answer = page.goto(path)
    assert answer is not None
    return len(answer.body())


WRITE = """async path => {
    const answer = await fetch(path, {headers: {accept: "text/html"}});
    const body = await answer.arrayBuffer();
    history.replaceState(null, "", answer.url);
    document.open();
    document.write(new TextDecoder().decode(body));
    const loaded = new Promise(done => addEventListener("load", done, {once: true}));
    document.close();
    await loaded;
    return body.byteLength;
}"""


def violations(page: Page, where: str, **options: list[str]) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Axe().axe_script)
    options["resultTypes"] = ["violations"]  # what is right is not told, which saves most of the time
    found = page.evaluate("async options => (await axe.run(options)).violations", options)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [f"{where}: {one['id']} {[node['target'] for node in one['nodes']]}" for one in found] + [
        f"{where}: too wide"
    ] * wide


def test_the_style_sheet_is_small_and_nothing_comes_from_elsewhere(shop: Shop) -> None:
    asked: list[str] = []
    with shop.visit(phone=True) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/")
        sheet = page.locator("link[rel=stylesheet]").get_attribute("href")
        assert len(page.request.get(f"{shop.url}{sheet}").body()) < SHEET_MAX_BYTES
    assert [url for url in asked if not url.startswith(f"{shop.url}/")] == []
    assert PHONE["width"] == 360
