"""A whole purchase on a phone without JavaScript, from the first look to the seller's money. (In the second language it
is in the floor's acceptance.)"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Shop
from tests.web.stage import PASSWORD

SPACE = "\N{NO-BREAK SPACE}"
SAYS = {
    "en": {
        "home": "Everything the port has in today", "cart": "It is in your cart.", "address": "The address is saved.",
        "code": "This promotion code does not apply to this purchase.", "total": "$13.00",
        "placed": "Thank you! Your order is placed.", "paid": "Paid, being packed", "shipped": "On its way",
        "end": "Thank you! The seller is paid now.",
    },
    "de": {
        "home": "Alles, was heute im Hafen liegt", "cart": "Es liegt in deinem Warenkorb.",
        "address": "Die Adresse ist gespeichert.", "code": "Dieser Aktionscode gilt für diesen Einkauf nicht.",
        "total": f"13,00{SPACE}$", "placed": "Danke! Deine Bestellung ist aufgegeben.", "paid": "Bezahlt, wird gepackt",
        "shipped": "Unterwegs", "end": "Danke! Der Händler wird jetzt bezahlt.",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["en"])
def test_buying_without_javascript_on_a_phone(shop: Shop, language: str) -> None:
    says = SAYS[language]
    with shop.visit(phone=True, language=language, scripts=False) as page:
        fill_the_cart(page, says)
        choose_a_new_address(page, says)
        page.click("aside button")
        # 2 x 3.89 + 5.00 + 1.00 - 10 % of 7.78
        expect(page.locator("aside .sum")).to_contain_text(says["total"])
        page.click("aside form button")
        expect(page.locator(".notice.done")).to_contain_text(says["placed"])
        expect(page.locator(".order .chip")).to_have_text(says["paid"])
        purchase = page.url
        ship(shop, language)
        page.goto(purchase)
        expect(page.locator(".order .chip")).to_have_text(says["shipped"])
        expect(page.locator(".track")).to_contain_text(f"HX {language}")
        page.click(".order .actions button")
        expect(page.locator(".notice.done")).to_contain_text(says["end"])


def fill_the_cart(page: Page, says: dict[str, str]) -> None:
    page.goto("/")
    expect(page.locator("h1")).to_have_text(says["home"])
    page.fill("#q", "milk")
    page.press("#q", "Enter")
    page.click(".card a >> nth=0")
    page.fill("#quantity", "2")
    page.click(".buy button")
    expect(page.locator(".notice.done")).to_contain_text(says["cart"])
    page.click('main a[href="/checkout"]')
    # A stranger has a cart as a guest, and may go on as one; who has an account signs in, and the cart comes along.
    page.click('main a[href^="/sign-in"]')
    page.fill("#email", "ada@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button")


def choose_a_new_address(page: Page, says: dict[str, str]) -> None:
    page.click('main a[href^="/account/addresses/new"]')
    for name, value in {"recipient": "Ada Byron", "line1": "5 Quay Street", "city": "Springfield"}.items():
        page.fill(f"#{name}", value)
    page.fill("#postal_code", "62701")
    page.select_option("#country", "US")
    page.select_option("#region", "IL")
    page.click("main form button.big")
    expect(page.locator(".notice.done")).to_contain_text(says["address"])
    page.check('.choice:has-text("Quay Street") input >> nth=0')
    page.fill("#promotion", "nonsense")
    page.click("aside button")
    expect(page.locator(".notice.refused")).to_contain_text(says["code"])
    expect(page.locator("#promotion")).to_have_value("nonsense")
    page.fill("#promotion", "harbor10")


def ship(shop: Shop, language: str) -> None:
    """The seller's part, on the same kind of phone."""
    with shop.visit("seller", phone=True, language=language, scripts=False) as page:
        page.goto("/seller")
        page.fill("[name=tracking_number]", f"HX {language}")
        page.click(".ship button")
        expect(page.locator(".notice.done")).to_be_visible()
        expect(page.locator(".ship")).to_have_count(0)


def test_the_enhancement_sends_a_form_once(shop: Shop) -> None:
    """With JavaScript a changed quantity needs no button, and nothing on the page breaks its own policy."""
    complaints: list[str] = []
    with shop.visit("eve", language="en") as page:
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"/p/{shop.stage.slugs['Carrots, 2 lb']}")
        page.click(".buy button")
        page.fill(".change input[type=number]", "3")
        page.press(".change input[type=number]", "Tab")
        expect(page.locator(".line-sum")).to_have_text("$5.97")
    assert complaints == []


def test_buying_by_keyboard(shop: Shop) -> None:
    """The first key press offers to skip the header; the way on to the cart needs no mouse."""
    with shop.visit("eve") as page:
        page.goto(f"/p/{shop.stage.slugs['Wheat Bread, 20 oz']}")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.buy button')"):
                break
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{shop.url}/cart")


def test_nothing_is_wider_than_the_phone(shop: Shop) -> None:
    """In the language of longer words; in the first one it is looked at with axe, on every page."""
    with shop.visit(phone=True, language="de") as page:
        for path in ("/", "/search?q=o", "/categories", "/sign-in"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
