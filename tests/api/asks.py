"""For every route a request that is granted. A test fails for a route that has none here."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from entrepot import ledger
from entrepot.kit.auth import Role
from entrepot.kit.http import Route
from entrepot.kit.ids import NIL, new_id, show
from entrepot.payments.gateways.sandbox import SIGNATURE_HEADER
from entrepot.world import gateway_report
from entrepot.world.gateway_webhooks import sign
from tests.api.stage import WEBHOOK_SECRET, Ask, Stage, absent, number
from tests.shop import MARKET, START, rehearsed

ADDRESS = {
    "recipient": "Ada Byron",
    "line1": "1 Main Street",
    "city": "Springfield",
    "postal_code": "62701",
    "country": "US",
}
CLAIM = {"kind": "not_received", "lines": [{"line_no": 1, "quantity": 1}], "text": "Where is it?"}
PERIOD = {"currency": "USD", "first": "2026-03-01", "last": "2026-03-31"}
PASSWORD = "correct horse battery"

Make = Callable[[Stage], Awaitable[Ask]]
ASKS: dict[str, Make] = {}


def ask(name: str) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        ASKS[name] = make
        return make

    return keep


async def shared(stage: Stage, route: Route) -> Ask:
    """What the route can be asked for, made once for all who are refused it, or who read it: making it takes longer
    than asking. Sessions end, so there is another when the clock was moved. Whoever is granted it has `used` it."""
    key = route.name, stage.shop.clock.now()
    if key not in stage.asks:
        stage.asks[key] = await ASKS[route.name](stage)
    return stage.asks[key]


def used(stage: Stage, route: Route) -> None:
    del stage.asks[route.name, stage.shop.clock.now()]


def plain(name: str, **query: object) -> None:
    """A GET without anything to make first."""
    path = name.split()[1]

    async def make(_: Stage) -> Ask:
        return Ask(path, query=query)

    ASKS[name] = make


plain("GET /v1/addresses")
plain("GET /v1/markets")
plain("GET /v1/sellers", limit=1)
plain("GET /v1/categories")
plain("GET /v1/products", market=MARKET, limit=1)
plain("GET /v1/seller/offers", limit=1)
plain("GET /v1/seller/locations", limit=1)
plain("GET /v1/locations", limit=1)
plain("GET /v1/seller/stock", limit=1)
plain("GET /v1/wallet", currency="USD")
plain("GET /v1/seller/statement", **PERIOD)
plain("GET /v1/seller/payouts")
plain("GET /v1/operator/stuck-payments")
plain("GET /v1/operator/debts")
plain("GET /v1/seller/debts")
plain("GET /v1/seller/reserves")
plain("GET /v1/tariff-sources")
plain("GET /v1/operator/closed-days")
plain("GET /v1/groups")
plain("GET /v1/seller/orders", status="paid")
plain("GET /v1/operator/days", market=MARKET)
plain("DELETE /v1/sessions")


@ask("POST /v1/operator/closed-days")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/operator/closed-days", {"through": f"{stage.shop.clock.now() - timedelta(days=1):%Y-%m-%d}"})


@ask("GET /v1/operator/trial-balance")
async def _(stage: Stage) -> Ask:
    if stage.shop.clock.now().date() == START.date():  # the day of the first transfers is the first to be closed
        stage.shop.clock.advance(timedelta(days=1))
    day = f"{START:%Y-%m-%d}"
    await stage.shop.http.post("/v1/operator/closed-days", json={"through": day}, headers=stage.shop.operator)
    return Ask("/v1/operator/trial-balance", query={"day": day})


@ask("POST /v1/accounts")
async def _(_: Stage) -> Ask:
    return Ask("/v1/accounts", {"email": f"p{number()}@example.org", "name": "Ada", "password": PASSWORD})


@ask("POST /v1/sessions")
async def _(stage: Stage) -> Ask:
    who = {"email": f"p{number()}@example.org", "password": PASSWORD}
    registered = await stage.shop.http.post("/v1/accounts", json=who | {"name": "Ada"})
    assert registered.status_code == 201, registered.text
    return Ask("/v1/sessions", who)


async def _own_account(stage: Stage) -> Ask:
    return Ask("/v1/accounts/me", who=(await stage.shop.buyer()).headers)


ASKS["GET /v1/accounts/me"] = ASKS["DELETE /v1/accounts/me"] = _own_account


@ask("POST /v1/sellers")
async def _(_: Stage) -> Ask:
    return Ask("/v1/sellers", {"slug": f"shop-{number()}", "name": "A Shop", "commission_bp": 900})


@ask("POST /v1/sellers/{seller_id}/suspend")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', await stage.shop.seller())}/suspend")


@ask("POST /v1/sellers/{seller_id}/reinstate")
async def _(stage: Stage) -> Ask:
    seller = show("sel", await stage.shop.seller())
    await stage.shop.http.post(f"/v1/sellers/{seller}/suspend", headers=stage.shop.operator)
    return Ask(f"/v1/sellers/{seller}/reinstate")


@ask("POST /v1/sellers/{seller_id}/staff")
async def _(stage: Stage) -> Ask:
    seller = show("sel", await stage.shop.seller())
    body = {"email": f"p{number()}@example.org", "name": "Sam", "password": PASSWORD}
    return Ask(f"/v1/sellers/{seller}/staff", body)


async def _new_location(path: str) -> Ask:
    return Ask(path, {"code": f"l-{number()}", "name": "Pier", "country": "NL"})


@ask("POST /v1/seller/locations")
async def _(_: Stage) -> Ask:
    return await _new_location("/v1/seller/locations")


@ask("POST /v1/locations")
async def _(_: Stage) -> Ask:
    return await _new_location("/v1/locations")


@ask("GET /v1/seller/stock/{stock_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/stock/{await stage.stock()}")


@ask("POST /v1/seller/stock/{stock_id}/adjustments")
async def _(stage: Stage) -> Ask:
    body = {"direction": "fewer", "units": 1, "reason": "damaged"}
    return Ask(f"/v1/seller/stock/{await stage.stock()}/adjustments", body)


@ask("POST /v1/seller/receipts")
async def _(stage: Stage) -> Ask:
    return Ask(
        "/v1/seller/receipts", {"location_id": 1, "lines": [{"variant_id": await stage.variant(), "quantity": 5}]}
    )


@ask("POST /v1/categories")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/categories", {"slug": f"c-{number()}", "name": "C", "parent_id": await stage.category()})


@ask("POST /v1/seller/products")
async def _(stage: Stage) -> Ask:
    variant = {"sku": f"new-{number()}", "title": "small", "gtin": "4006381333931", "unit": "ml", "price_per": 1000}
    body = {"title": "A Thing", "category_id": await stage.category(), "variants": [variant], "brand": "B"}
    return Ask("/v1/seller/products", body | {"description": "D"})


@ask("GET /v1/seller/offers/{offer_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/offers/{stage.offer}")


@ask("PUT /v1/seller/offers/{offer_id}/price")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/offers/{await stage.shop.offer(stage.seller, 100, 1)}/price", {"unit_price_minor": 99})


@ask("POST /v1/seller/offers/{offer_id}/pause")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/offers/{await stage.shop.offer(stage.seller, 100, 1)}/pause")


@ask("POST /v1/seller/offers/{offer_id}/resume")
async def _(stage: Stage) -> Ask:
    offer = await stage.shop.offer(stage.seller, 100, 1)
    async with stage.shop.db.write() as tx:
        await tx.conn.execute("update catalog.offer set status = 'paused' where id = $1", offer)
    return Ask(f"/v1/seller/offers/{offer}/resume")


@ask("POST /v1/seller/offers")
async def _(stage: Stage) -> Ask:
    body = {"variant_id": await stage.variant(), "market": MARKET, "location_id": 1, "unit_price_minor": 250}
    return Ask("/v1/seller/offers", body)


@ask("POST /v1/seller/bundles")
async def _(stage: Stage) -> Ask:
    components = [{"offer_id": await stage.shop.offer(stage.seller, 100, 1), "quantity": 2}]
    body = {"variant_id": await stage.variant(), "unit_price_minor": 250, "components": components}
    return Ask("/v1/seller/bundles", body)


@ask("GET /v1/products/{slug}")
async def _(stage: Stage) -> Ask:
    found = await stage.shop.http.get("/v1/products", params={"market": MARKET, "limit": 1})
    return Ask(f"/v1/products/{found.json()['items'][0]['slug']}", query={"market": MARKET})


@ask("GET /v1/markets/{market}/shipping")
async def _(_: Stage) -> Ask:
    return Ask(f"/v1/markets/{MARKET}/shipping")


@ask("POST /v1/promotions")
async def _(_: Stage) -> Ask:
    body = {"code": f"P{number()}", "market": MARKET, "funding_party": "operator", "percent_bp": 500}
    return Ask("/v1/promotions", body | {"valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z"})


@ask("POST /v1/tracking")
async def _(stage: Stage) -> Ask:
    tracking_number = await stage.shipped()
    scan = {"carrier": "house", "tracking_number": tracking_number, "status": "in_transit", "place": "Hub"}
    return Ask("/v1/tracking", {"scans": [scan | {"at": stage.shop.clock.now().isoformat()}]})


@ask("POST /v1/top-ups")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/top-ups", {"user_id": show("usr", stage.buyer.id), "currency": "USD", "amount_minor": 100})


@ask("POST /v1/carts")
async def _(_: Stage) -> Ask:
    return Ask("/v1/carts", {"market": MARKET})


def of_cart(name: str, body: object = None) -> None:
    """A request about a cart that can be priced."""

    async def make(stage: Stage) -> Ask:
        cart = await stage.cart()
        return Ask(name.split()[1].format(cart_id=cart, offer_id=stage.offer), body)

    ASKS[name] = make


of_cart("GET /v1/carts/{cart_id}")
of_cart("PUT /v1/carts/{cart_id}/lines/{offer_id}", {"quantity": 3})
of_cart("DELETE /v1/carts/{cart_id}/lines/{offer_id}")
of_cart("PUT /v1/carts/{cart_id}/shipping", {"code": "standard"})
of_cart("PUT /v1/carts/{cart_id}/promotion", {"code": None})
of_cart("POST /v1/carts/{cart_id}/quote")


@ask("POST /v1/carts/{cart_id}/lines")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/carts/{await stage.cart()}/lines", {"offer_id": stage.offer, "quantity": 1})


@ask("PUT /v1/carts/{cart_id}/address")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/carts/{await stage.cart()}/address", {"address_id": show("adr", stage.buyer.address)})


@ask("POST /v1/orders")
async def _(stage: Stage) -> Ask:
    quote = await stage.buyer.quote([(stage.offer, 1)])
    return Ask("/v1/orders", {"quote_id": quote["id"], "method": "wallet"})


def of_order(name: str, *, shipped: bool = False, body: object = None) -> None:
    async def make(stage: Stage) -> Ask:
        return Ask(name.split()[1].format(order_id=await stage.order(shipped=shipped)), body)

    ASKS[name] = make


of_order("GET /v1/orders/{order_id}", shipped=True)
of_order("POST /v1/orders/{order_id}/confirm", shipped=True)
of_order("POST /v1/orders/{order_id}/cancel")
of_order("GET /v1/seller/orders/{order_id}")
of_order("GET /v1/seller/orders/{order_id}/ship-to")
of_order("POST /v1/seller/orders/{order_id}/cancel")
of_order("POST /v1/seller/orders/{order_id}/refund", shipped=True)


@ask("POST /v1/orders/{order_id}/cancel-lines")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/orders/{await stage.order()}/cancel-lines", {"lines": [{"line_no": 1, "quantity": 1}]})


@ask("POST /v1/seller/orders/{order_id}/cancel-lines")
async def _(stage: Stage) -> Ask:
    body = {"lines": [{"line_no": 1, "quantity": 1}], "reason": "It broke."}
    return Ask(f"/v1/seller/orders/{await stage.order()}/cancel-lines", body)


@ask("GET /v1/sellers/{seller_id}/reserves")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/sellers/{show('sel', await stage.shop.seller())}/reserves")


@ask("POST /v1/sellers/{seller_id}/reserves")
async def _(stage: Stage) -> Ask:
    body = {"reserve_bp": 1_000, "hold_days": 90, "source": "new"}
    return Ask(f"/v1/sellers/{show('sel', await stage.shop.seller())}/reserves", body)


@ask("POST /v1/operator/debts/{seller_id}/write-off")
async def _(stage: Stage) -> Ask:
    seller = await stage.shop.seller()
    async with stage.shop.db.write() as tx:
        ids = await ledger.account_ids(tx, 0, ["seller", "payout"], [seller, NIL], ["USD"] * 2)
        await ledger.post_all(tx, 0, [ledger.Transfer(new_id(tx.now), "payout", ids[0], ids[1], 100)])
    body = {"currency": "USD", "amount_minor": 60, "reason": "It is gone."}
    return Ask(f"/v1/operator/debts/{show('sel', seller)}/write-off", body)


REFUND = {"line_no": 1, "amount_minor": 7, "reason": "It came late."}


@ask("POST /v1/seller/orders/{order_id}/refund-line")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/seller/orders/{await stage.order()}/refund-line", REFUND)


@ask("GET /v1/seller/parts/{part_id}")
async def _(stage: Stage) -> Ask:
    order = await stage.order()
    seller = stage.headers(Role.SELLER)
    await stage.shop.http.post(f"/v1/seller/orders/{order}/refund-line", json=REFUND, headers=seller)
    view = (await stage.shop.http.get(f"/v1/seller/orders/{order}", headers=seller)).json()
    return Ask(f"/v1/seller/parts/{view['parts'][0]['id']}")


@ask("POST /v1/seller/orders/{order_id}/ship")
async def _(stage: Stage) -> Ask:
    body = {"carrier": "house", "tracking_number": f"own-{number()}"}
    return Ask(f"/v1/seller/orders/{await stage.order()}/ship", body)


def of_group(name: str) -> None:
    async def make(stage: Stage) -> Ask:
        return Ask(name.split()[1].format(group_id=await stage.group()))

    ASKS[name] = make


of_group("GET /v1/groups/{group_id}")
of_group("GET /v1/groups/{group_id}/payment")


@ask("POST /v1/groups/{group_id}/cancel")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/groups/{await stage.group(method='sandbox')}/cancel")


def of_refund(name: str) -> None:
    async def make(stage: Stage) -> Ask:
        return Ask(name.split()[1].format(refund_id=await stage.refund()))

    ASKS[name] = make


of_refund("POST /v1/operator/refunds/{refund_id}/retry")
of_refund("POST /v1/operator/refunds/{refund_id}/credit")


def of_payout(name: str) -> None:
    async def make(stage: Stage) -> Ask:
        return Ask(name.split()[1].format(payout_id=await stage.payout()))

    ASKS[name] = make


of_payout("POST /v1/operator/payouts/{payout_id}/settle")
of_payout("POST /v1/operator/payouts/{payout_id}/return")
plain("GET /v1/operator/payouts")
plain("GET /v1/seller/bank-accounts")
plain("GET /v1/operator/bank-accounts")
plain("GET /v1/operator/payout-terms", currency="USD")
plain("GET /v1/operator/bank-files")


async def _bank_account(path: str) -> Ask:
    return Ask(path, {"currency": "USD", "holder": "Ada Byron", "iban": "DE89 3704 0044 0532 0130 00"})


@ask("POST /v1/seller/bank-accounts")
async def _(_: Stage) -> Ask:
    return await _bank_account("/v1/seller/bank-accounts")


@ask("POST /v1/operator/bank-accounts")
async def _(_: Stage) -> Ask:
    return await _bank_account("/v1/operator/bank-accounts")


plain("GET /v1/operator/bank-imports")
plain("GET /v1/operator/discrepancies", status="open")
plain("GET /v1/operator/provider-fees")


async def _import_body() -> dict[str, str]:
    """A report with a payment that nobody knows."""
    day, name = date(2026, 3, 1), f"r{number()}"
    line = gateway_report.line("payment", f"s_{name}", absent("pmt"), "USD", 1_000, datetime(2026, 3, 1, 9, tzinfo=UTC))
    return {"content": b64encode(gateway_report.report(name, day, day, [line])).decode()}


@ask("POST /v1/operator/bank-imports")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/bank-imports", await _import_body())


@ask("POST /v1/operator/discrepancies/{discrepancy_id}/resolve")
async def _(stage: Stage) -> Ask:
    path, headers = "/v1/operator/bank-imports", stage.shop.operator
    assert (await stage.shop.http.post(path, json=await _import_body(), headers=headers)).status_code == 201
    found = (await stage.shop.http.get("/v1/operator/discrepancies", headers=headers)).json()["items"]
    return Ask(f"/v1/operator/discrepancies/{found[-1]['id']}/resolve", {"note": "A test."})


@ask("POST /v1/operator/provider-fees")
async def _(stage: Stage) -> Ask:
    at = f"{stage.shop.clock.now() + timedelta(days=number()):%Y-%m-%dT%H:%M:%SZ}"
    body = {"provider": "sandbox", "currency": "USD", "fee_bp": 150, "fixed_minor": 0, "source": "tests"}
    return Ask("/v1/operator/provider-fees", body | {"valid_from": at})


@ask("POST /v1/operator/payout-terms")
async def _(stage: Stage) -> Ask:
    at = f"{stage.shop.clock.now() + timedelta(days=number()):%Y-%m-%dT%H:%M:%SZ}"
    return Ask("/v1/operator/payout-terms", {"currency": "USD", "valid_from": at, "every": "week", "source": "tests"})


@ask("GET /v1/operator/bank-files/{file_id}")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/operator/bank-files/{await stage.bank_file()}")


@ask("POST /v1/webhooks/sandbox")
async def _(stage: Stage) -> Ask:
    at = stage.shop.clock.now()
    payment = {
        "id": f"gw_{number()}", "status": "captured", "amount_minor": 1, "currency": "USD", "reference": absent("pmt"),
        "refunded_minor": 0,
    }  # fmt: skip
    event = {"id": f"evt_{number()}", "type": "payment.captured", "created_at": int(at.timestamp()), "data": payment}
    raw = msgspec.json.encode(event)
    return Ask("/v1/webhooks/sandbox", headers={SIGNATURE_HEADER: sign(WEBHOOK_SECRET, at, raw)}, raw=raw)


CAMPAIGN_TIMES = {"starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}


async def _campaign_body(stage: Stage) -> dict[str, Any]:
    offer = await stage.shop.offer(stage.seller, 1_000, 10)
    offers = [{"offer_id": offer, "unit_price_minor": 700, "units": 5, "max_per_buyer": 5}]
    return {"market": MARKET, "name": "Rush", "offers": offers} | CAMPAIGN_TIMES


async def _campaign(stage: Stage, *, line: bool = True) -> str:
    """The path of a campaign that runs."""
    body = await _campaign_body(stage) | ({"admit_per_s": 1_000} if line else {})
    opened = await stage.shop.http.post("/v1/campaigns", json=body, headers=stage.shop.operator)
    assert opened.status_code == 201, opened.text
    return f"/v1/campaigns/{opened.json()['id']}"


@ask("POST /v1/campaigns")
async def _(stage: Stage) -> Ask:
    return Ask("/v1/campaigns", await _campaign_body(stage))


plain("GET /v1/campaigns", market=MARKET)
plain("GET /v1/operator/switches")
plain("GET /v1/operator/rehearsals")


@ask("POST /v1/operator/switches/{name}/off")
async def _(_: Stage) -> Ask:
    # One that no other test of the module needs.
    return Ask("/v1/operator/switches/recommendations/off", {"for_s": 60, "why": f"peak {number()}"})


@ask("POST /v1/operator/switches/{name}/on")
async def _(_: Stage) -> Ask:
    return Ask("/v1/operator/switches/recommendations/on")


def of_campaign(name: str, body: object = None) -> None:
    async def make(stage: Stage) -> Ask:
        return Ask(name.split()[1].format(campaign_id=(await _campaign(stage)).rpartition("/")[2]), body)

    ASKS[name] = make


of_campaign("GET /v1/campaigns/{campaign_id}")
of_campaign("POST /v1/campaigns/{campaign_id}/end")
of_campaign("PUT /v1/campaigns/{campaign_id}/admission", {"admit_per_s": 7})
of_campaign("POST /v1/campaigns/{campaign_id}/line")


@ask("POST /v1/campaigns/{campaign_id}/admission/rehearsed")
async def _(stage: Stage) -> Ask:
    return Ask(f"{await _campaign(stage)}/admission/rehearsed", {"rehearsal_id": await rehearsed(stage.shop.db)})


@ask("GET /v1/campaigns/{campaign_id}/line")
async def _(stage: Stage) -> Ask:
    campaign = await _campaign(stage)
    ticket = (await stage.buyer.send("POST", f"{campaign}/line")).json()["ticket"]
    return Ask(f"{campaign}/line", query={"ticket": ticket})


@ask("POST /v1/campaigns/{campaign_id}/orders")
async def _(stage: Stage) -> Ask:
    campaign = await _campaign(stage, line=False)
    offer = (await stage.shop.http.get(campaign)).json()["offers"][0]["id"]
    body = {"offer_id": offer, "address_id": show("adr", stage.buyer.address), "shipping": "standard"}
    return Ask(f"{campaign}/orders", body)


plain("GET /v1/seller/disputes")
plain("GET /v1/operator/disputes")


@ask("POST /v1/orders/{order_id}/disputes")
async def _(stage: Stage) -> Ask:
    return Ask(f"/v1/orders/{await stage.order(shipped=True)}/disputes", CLAIM)


def of_dispute(name: str, body: dict[str, Any] | None = None, *, escalated: bool = False) -> None:
    async def make(stage: Stage) -> Ask:
        order, dispute, step = await stage.dispute(escalated=escalated)
        return Ask(name.split()[1].format(order_id=order, dispute_id=dispute, step_id=step), body)

    ASKS[name] = make


of_dispute("GET /v1/orders/{order_id}/disputes")
of_dispute("GET /v1/orders/{order_id}/disputes/{dispute_id}")
of_dispute("GET /v1/orders/{order_id}/disputes/{dispute_id}/files/{step_id}")
of_dispute("POST /v1/orders/{order_id}/disputes/{dispute_id}/steps", {"act": "withdraw", "text": "It came."})
of_dispute("GET /v1/seller/disputes/{dispute_id}")
of_dispute("GET /v1/seller/disputes/{dispute_id}/files/{step_id}")
of_dispute("POST /v1/seller/disputes/{dispute_id}/steps", {"act": "answer", "amount_minor": 500})
of_dispute("GET /v1/operator/disputes/{dispute_id}")
of_dispute("GET /v1/operator/disputes/{dispute_id}/files/{step_id}")
of_dispute("POST /v1/operator/disputes/{dispute_id}/verdict", {"amount_minor": 500, "text": "Half."}, escalated=True)
