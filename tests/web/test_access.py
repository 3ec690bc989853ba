"""Every page as stranger, buyer, seller and operator, and with what belongs to somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot import accounts, campaigns, channels, credit, disputes, ledger, logistics, orders, payments, webhooks
from entrepot.app import build
from entrepot.kit.auth import Keys
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.kit.limits import Limits
from entrepot.web import routes
from tests.web.site import Site, text
from tests.web.stage import failed_message

PUBLIC = (
    "/", "/campaigns/{campaign_id}", "/categories", "/c/{slug}", "/search", "/p/{slug}", "/p/{slug}/reviews",
    "/sign-in", "/register",
    "/unsubscribe/{token}",
)  # fmt: skip
BUYERS = (
    "/cart",
    "/checkout",
    "/checkout/{quote_id}",
    "/orders",
    "/orders/{group_id}",
    "/orders/{order_id}/cancel-lines",
    "/orders/{order_id}/dispute",
    "/orders/{order_id}/reviews",
    "/orders/{order_id}/disputes/{dispute_id}",
    "/orders/{order_id}/disputes/{dispute_id}/files/{step_id}",
    "/account",
    "/account/addresses/new",
    "/account/addresses/{address_id}",
    "/account/installments",
    "/account/installments/{group_id}",
    "/checkout/{quote_id}/installments",
)
SELLERS = (
    "/seller", "/seller/orders", "/seller/orders/{order_id}", "/seller/orders/{order_id}/cancel-lines",
    "/seller/orders/{order_id}/refund-line", "/seller/parts/{part_id}", "/seller/statement", "/seller/tax",
    "/seller/payouts", "/seller/stock", "/seller/customs", "/seller/texts", "/seller/bond",
    "/seller/bundles", "/seller/stock/receive", "/seller/stock/{stock_id}", "/seller/stock/locations",
    "/seller/audit", "/seller/audit.csv", "/seller/fees", "/seller/invoices/{invoice_id}/pdf", "/seller/reviews",
    "/seller/usage", "/seller/channels", "/seller/channels/{channel_id}",
    "/seller/disputes", "/seller/disputes/{dispute_id}", "/seller/disputes/{dispute_id}/files/{step_id}",
    "/seller/chargebacks", "/seller/chargebacks/{chargeback_id}",
    "/seller/chargebacks/{chargeback_id}/files/{evidence_id}",
)  # fmt: skip
OPERATORS = (
    "/operator", "/operator/reports", "/operator/books", "/operator/payouts",
    "/operator/credit", "/operator/credit/{user_id}",
    "/operator/debts", "/operator/discounts", "/operator/sellers/{seller_id}/reserve",
    "/operator/sellers/{seller_id}/statement",
    "/operator/campaigns", "/operator/sellers",
    "/operator/stuck", "/operator/texts",
    "/operator/switches", "/operator/top-up", "/operator/disputes", "/operator/disputes/{dispute_id}",
    "/operator/disputes/{dispute_id}/files/{step_id}", "/operator/bank-files/{file_id}", "/operator/rules",
    "/operator/borders", "/operator/taxes", "/operator/bond", "/operator/fraud", "/operator/reviews",
    "/operator/holds", "/operator/bank", "/operator/approvals", "/operator/audit", "/operator/audit.csv",
    "/operator/messages", "/operator/messages/{message_id}",
    "/operator/fees", "/operator/sellers/{seller_id}/shops", "/operator/invoices", "/operator/invoices/{invoice_id}",
    "/operator/invoices/{invoice_id}/pdf", "/operator/metering", "/operator/slots",
    "/operator/chargebacks", "/operator/chargebacks/{chargeback_id}",
    "/operator/chargebacks/{chargeback_id}/files/{evidence_id}",
)  # fmt: skip


SELLERS_FORMS: dict[str, dict[str, str]] = {
    "/seller/orders/{order_id}/ship": {"carrier": "house", "tracking_number": "2"},
    "/seller/orders/{order_id}/cancel": {},
    "/seller/orders/{order_id}/parcel": {"carrier": "house", "tracking_number": "2", "weight_g": "9"},
    "/seller/orders/{order_id}/refund": {},
    "/seller/orders/{order_id}/cancel-lines": {"line_no": "1", "quantity": "1"},
    "/seller/orders/{order_id}/refund-line": {"line_no": "1", "amount": "1", "reason": "It broke."},
    "/seller/disputes/{dispute_id}": {"act": "answer", "amount": "0"},
    "/seller/chargebacks/{chargeback_id}": {"text": "Signed for."},
    "/seller/reviews/{review_id}/answer": {"text": "Thank you."},
    "/seller/stock/{stock_id}/correct": {"direction": "fewer", "quantity": "1", "reason": "lost", "key": "k"},
    "/seller/bundles/{offer_id}": {"act": "pause"},
    "/seller/fees/shops/{shop_id}/close": {},
    "/seller/stock/locations/address": {"location_id": "{location_id}", "line1": "1 Pier", "city": "Hull"},
    "/seller/stock/receive": {"sku": "sku-0", "location_id": "{location_id}", "quantity": "1", "key": "k"},
    "/seller/channels/{channel_id}": {"buffer": "0", "state": "closed"},
    "/seller/channels/{channel_id}/buffers": {"sku": "sku-0", "units": "5"},
    "/seller/channels/{channel_id}/sales/{sale_id}": {"act": "cancel"},
    "/webhooks/{webhook_id}": {"url": "https://else.example/", "order_paid": "yes"},
    "/webhooks/{webhook_id}/rotate": {},
    "/webhooks/{webhook_id}/on": {},
    "/webhooks/{webhook_id}/off": {},
    "/webhooks/{webhook_id}/test": {},
    "/webhooks/{webhook_id}/remove": {},
    "/webhooks/{webhook_id}/deliveries/{event_id}/resend": {},
    "/seller/customs/say": {
        "variant_id": "{variant_id}", "hs_code": "090121", "country_of_origin": "CO",
        "customs_description": "Roasted coffee", "weight_g": "400",
    },
}  # fmt: skip
BUYERS_FORMS: dict[str, dict[str, str]] = {
    "/checkout": {"address_id": "{address_id}", "shipping": "standard"},
    "/checkout/{quote_id}": {"key": "k", "method": "wallet"},
    "/checkout/{quote_id}/installments": {"key": "k", "months": "3"},
    "/account/addresses/{address_id}": {
        "recipient": "Eve",
        "line1": "1 Street",
        "city": "Berlin",
        "postal_code": "10115",
        "country": "DE",
    },
    "/account/addresses/{address_id}/look": {"country": "DE"},
    "/account/addresses/{address_id}/default": {},
    "/account/addresses/{address_id}/delete": {},
    "/account/installments/{group_id}/pay": {"what": "all", "method": "wallet"},
    "/orders/{group_id}/cancel-unpaid": {},
    "/orders/{group_id}/open": {},
    "/orders/{order_id}/confirm": {},
    "/orders/{order_id}/cancel": {},
    "/orders/{order_id}/cancel-lines": {"line_no": "1", "quantity": "1"},
    "/orders/{order_id}/dispute": {"kind": "not_received", "line_no": "1", "quantity": "1", "text": "Where?"},
    "/orders/{order_id}/disputes/{dispute_id}": {"act": "withdraw"},
    "/orders/{order_id}/lines/{line_no}/review": {"stars": "5"},
}
"""Forms about what somebody owns, and how they may be filled in."""
EVERYBODYS = ("/operator/", "/campaigns/", "/reviews/", "/unsubscribe/", "/prove/")
"""Forms whose things have no such owner."""

# Asks Stripe: test_purchase_page.py; is everybody's: test_message_pages.py; the seller's and the operator's:
# test_webhook_pages.py; guests': acceptance/test_borders_guest.py.
ELSEWHERE = (
    "/orders/{group_id}/pay", "/messages", "/webhooks", "/webhooks/{webhook_id}", "/checkout/guest", "/guest/{token}",
    "/prove/{token}",
)  # fmt: skip


def test_no_page_is_forgotten() -> None:
    pages = {route.path for route in routes if route.name.startswith("page ")}
    assert pages == {*PUBLIC, *BUYERS, *SELLERS, *OPERATORS, *ELSEWHERE}


def test_no_form_is_forgotten() -> None:
    forms = {route.path for route in routes if route.name.startswith("form ") and "{" in route.path}
    owned = {path for path in forms if not path.startswith(EVERYBODYS)}
    assert owned == {path for path in (*SELLERS_FORMS, *BUYERS_FORMS) if "{" in path}


async def open_campaign(site: Site) -> str:
    """A campaign that begins tomorrow and sells five of the milk; its id."""
    async with site.db.write() as tx:
        offer = campaigns.NewOffer(site.stage.offers["White Milk, 1 gal"], 199, 5, 2)
        times = tx.now + timedelta(hours=1), tx.now + timedelta(hours=2)
        return show("cmp", await campaigns.open_campaign(tx, campaigns.NewCampaign("us", "Milk!", *times, [offer])))


async def bank_file(tx: Tx, keys: Keys) -> UUID:
    """A file for the bank, of one payout."""
    seller = await tx.conn.fetchval("select min(id::text)::uuid from sellers.seller")
    for owner in (NIL, seller):
        account = payments.BankAccount("Ada Byron", "DE89370400440532013000")
        await payments.add_account(tx, keys, 0, owner, "USD", account, NIL)
    cash, account_id = await ledger.account_ids(tx, 0, ["cash", "seller"], [NIL, seller], ["USD"] * 2)
    await ledger.post_all(tx, 0, [ledger.Transfer(new_id(tx.now), "top_up", cash, account_id, 100)])
    await tx.conn.execute("delete from payments.payout_run")
    await payments.pay_out(tx, 0)
    made: UUID = await tx.conn.fetchval("select id from payments.bank_file")
    return made


async def lend(tx: Tx, group_id: UUID, buyer: UUID) -> None:
    """A plan of three months for a purchase of 9.00."""
    begun = tx.now - timedelta(days=1)
    await credit.set_terms(tx, credit.Terms("us", begun, 0, 86_400, 0, 0, 86_400, [0], [90_000], "tests"))
    await credit.set_plan_terms(tx, credit.PlanTerms("us", 3, begun, True, 300, "buyer", 3, "tests"))
    await credit.open_plan(tx, 0, group_id, buyer, "us", "USD", 900, 3)


async def fee_invoice(tx: Tx, seller: UUID) -> UUID:
    """An invoice of a seller's, of 10.00 of commission, the tax of its sales rounded one by one."""
    id_ = new_id(tx.now)
    await tx.conn.execute(
        "insert into invoices.invoice values (0, $1, 'invoice', 'TEST', 2026, 1, $2, 'USD', '2026-01-01', 1000, 191, "
        "'{\"name\": \"House\"}', '{\"name\": \"Seller\"}', null, '', null, $3)", id_, seller, tx.now,
    )  # fmt: skip
    await tx.conn.execute(
        "insert into invoices.line values (0, $1, 1, 'commission', 'standard', 1900, 1000, '2026-01-01')", id_
    )
    await tx.conn.execute("insert into invoices.tax values (0, $1, 'standard', 1900, 1000, 191)", id_)
    return id_


async def review_and_shop(tx: Tx, seller: UUID) -> tuple[UUID, UUID]:
    """A review of the one line that was sold, and a shop of its seller's."""
    review, shop = new_id(tx.now), new_id(tx.now)
    await tx.conn.execute(
        "insert into reviews.review (cell, id, order_id, line_no, buyer_id, seller_id, product_id, market, language, "
        "stars, text, written_at) select 0, $1, o.id, l.line_no, o.buyer_id, o.seller_id, v.product_id, o.market, "
        "'en', 5, '', $2 from orders.order o join orders.order_line l on l.order_id = o.id "
        "join catalog.variant v on v.id = l.variant_id", review, tx.now,
    )  # fmt: skip
    await tx.conn.execute(
        "insert into fees.shop values (0, $1, $2, 'us', 'USD', 0, $3, null, $3::timestamptz::date)",
        shop, seller, tx.now,
    )  # fmt: skip
    return review, shop


async def chargeback(tx: Tx, seller: UUID, order_id: UUID, group_id: UUID) -> tuple[UUID, UUID]:
    """What the buyer's bank has taken of an order, and something that its seller has said."""
    id_, said = new_id(tx.now), new_id(tx.now)
    await tx.conn.execute(
        "insert into payments.chargeback (cell, id, payment_id, method, external_id, status, reason, amount_minor, "
        "withdrawn_minor, fee_minor, evidence_by, heard_at) "
        "values (0, $1, $2, 'sandbox', 'sd_1', 'open', 'product_not_received', 900, 900, 15, $3, $4)",
        id_, group_id, tx.now + timedelta(days=7), tx.now,
    )  # fmt: skip
    await tx.conn.execute(
        "insert into chargebacks.case values (0, $1, $2, 'USD', 900, 0, 15, 0, 'taken')", id_, group_id
    )
    await tx.conn.execute(
        "insert into chargebacks.share (cell, id, case_id, case_cell, order_id, seller_id, currency, amount_minor, "
        "fee_minor, liable, status, at) values (0, $1, $1, 0, $2, $3, 'USD', 900, 15, 'seller', 'taken', $4)",
        id_, order_id, seller, tx.now,
    )  # fmt: skip
    await tx.conn.execute(
        "insert into chargebacks.evidence values (0, $1, $2, 'seller', $3, 'Signed for.', 'a.pdf', 'application/pdf', "
        "'%PDF-', $4)", said, id_, seller, tx.now,
    )  # fmt: skip
    return id_, said


async def things(site: Site) -> dict[str, str]:
    """What is there, by what stands for it in a path: the buyer's own, and the first seller's."""
    buyer, seller = site.buyer, site.stage.sellers["Harbor Dairy"]
    purchase = await buyer.buy(site.stage.slugs["White Milk, 1 gal"])
    await buyer.put_in_cart(site.stage.slugs["White Milk, 1 gal"])
    async with site.db.write() as tx:
        order_id, stock = await tx.conn.fetchrow("select order_id, stock_id from orders.order_line")
        await orders.ship_many(tx, 0, [logistics.NewShipment(order_id, "house", "1")])
        claim = disputes.Claim("not_received", {1: 1}, "Where?", disputes.evidence("a.pdf", b"%PDF-"))
        dispute = await disputes.open_dispute(tx, 0, order_id, site.stage.buyer, claim)
        step = await tx.conn.fetchval("select id from disputes.step")
        part = await tx.conn.fetchval("select id from orders.part")
        file = await bank_file(tx, site.keys)
        await lend(tx, parse("grp", purchase.rpartition("/")[2]), site.stage.buyer)
        message = await failed_message(tx, site.stage.buyer, order_id)
        invoice = await fee_invoice(tx, seller)
        location = await logistics.add_location(tx, 0, seller, "dock", "Dock", "US")
        (address,) = await accounts.addresses(tx, 0, site.stage.buyer)
        review, shop = await review_and_shop(tx, seller)
        hook = (await webhooks.add(tx, site.keys, seller, "https://a.example/", ["order.paid"], private=False)).id
        event = await webhooks.test(tx, 0, seller, hook)
        taken, said = await chargeback(tx, seller, order_id, parse("grp", purchase.rpartition("/")[2]))
        channel = await channels.open_channel(tx, 0, seller, "Out there", 1)
        sale = await channels.sell(tx, 0, seller, parse("chn", channel.id), "1", [channels.Sold("sku-0", 1)])
        coffee = site.stage.offers["Dark Roast Coffee, 12 oz"]
        variant = await tx.conn.fetchval("select variant_id from catalog.offer where id = $1", coffee)
    return {
        "{slug}": site.stage.slugs["White Milk, 1 gal"], "{quote_id}": (await buyer.to_quote()).rpartition("/")[2],
        "{group_id}": purchase.rpartition("/")[2], "{order_id}": show("ord", order_id),
        "{dispute_id}": show("dsp", dispute), "{step_id}": show("stp", step),
        "{file_id}": show("bnk", file), "{part_id}": show("prt", part),
        "{seller_id}": show("sel", seller), "{review_id}": show("rvw", review), "{shop_id}": show("shp", shop),
        "{channel_id}": channel.id, "{sale_id}": sale.id,
        "{location_id}": str(location.id), "{address_id}": show("adr", address.id), "{variant_id}": str(variant),
        "{offer_id}": str(site.stage.offers["White Milk, 1 gal"]), "{line_no}": "1",
        "{user_id}": show("usr", site.stage.buyer), "{invoice_id}": show("inv", invoice),
        "{stock_id}": str(stock), "{campaign_id}": await open_campaign(site),
        "{message_id}": show("msg", message), "{webhook_id}": show("whk", hook), "{event_id}": show("evt", event),
        "{chargeback_id}": show("cbk", taken), "{evidence_id}": show("evd", said),
        "{token}": site.keys.sign("unsubscribe", site.stage.buyer.bytes + b"deliveries"),
    }  # fmt: skip


def filled(path: str, known: dict[str, str]) -> str:
    path = path.replace("/c/{slug}", "/c/pantry")
    for name, value in known.items():
        path = path.replace(name, value)
    return path


async def paths(site: Site) -> dict[str, str]:
    """Every page's path with ids of things that are there."""
    known = await things(site)
    return {path: filled(path, known) for path in (*PUBLIC, *BUYERS, *SELLERS, *OPERATORS)}


async def test_who_sees_which_page(site: Site) -> None:
    at = await paths(site)
    staff = site.staff("Harbor Dairy")
    for path in PUBLIC:
        for visitor in (site.anonymous, site.buyer, staff, site.operator):
            assert (await visitor.get(at[path])).status_code == 200, path
    for theirs, insider in ((BUYERS, site.buyer), (SELLERS, staff), (OPERATORS, site.operator)):
        for path in theirs:
            asked = await site.anonymous.get(at[path])
            assert asked.status_code == 303, path
            assert asked.headers["location"].startswith("/sign-in?next=%2F")
            assert (await insider.get(at[path])).status_code == 200, path
            outsiders = [v for v in (site.buyer, staff, site.operator) if v.http.cookies != insider.http.cookies]
            assert [(await outsider.get(at[path])).status_code for outsider in outsiders] == [404, 404], path


async def test_what_is_somebody_elses_is_not_there(site: Site) -> None:
    at = await paths(site)
    nobodys = show("grp", NIL)
    for path in ("/orders/{group_id}", "/checkout/{quote_id}", "/account/installments/{group_id}"):
        theirs = await site.other.get(at[path])
        absent = await site.other.get(f"{path.rpartition('/')[0]}/{nobodys}")
        assert (theirs.status_code, absent.status_code) == (404, 404)
        assert theirs.text.replace(at[path], "") == absent.text.replace(absent.request.url.path, "")
    for pages, stranger in ((BUYERS, site.other), (SELLERS, site.staff("Green Acre Farms"))):
        for path in pages:
            if "{" in path:
                assert (await stranger.get(at[path])).status_code == 404, path


async def test_forms_on_somebody_elses_things_change_nothing(site: Site) -> None:
    gateway = payments.Gateway("http://gateway.test", "http://shop.test", b"a secret of the tests")
    site = replace(site, app=build(site.db, site.keys, [gateway]))  # without one nothing is sold in installments
    known = await things(site)
    stranger, rival = site.other, site.staff("Green Acre Farms")
    await stranger.put_in_cart(site.stage.slugs["White Milk, 1 gal"])
    before = await site.state()
    token = await stranger.form("/account", "/sign-out")
    rivals = await rival.form("/seller", "/sign-out")
    sent = [(stranger, path, fields | token) for path, fields in (BUYERS_FORMS | SELLERS_FORMS).items()]
    sent += [(rival, path, fields | rivals) for path, fields in SELLERS_FORMS.items()]
    sent.append((stranger, "/operator/top-up", {"user_id": "usr_x", "amount": "1", "key": "k"} | token))
    for visitor, path, fields in sent:
        fields = {name: filled(value, known) for name, value in fields.items()}
        refused = await visitor.send(filled(path, known), fields)
        if visitor is rival and path == "/seller/stock/receive":  # says so beside the field
            assert (refused.status_code, "Choose a location." in text(refused)) == (400, True)
        else:
            assert refused.status_code == 404, (path, refused.text)
    assert await site.state() == before


@pytest.mark.parametrize("path", ["/p/no-such-thing", "/c/no-such-thing", "/orders/grp_1", "/p/a%00b", "/nothing/here"])
async def test_a_page_that_is_not_there_says_so_in_the_design(site: Site, path: str) -> None:
    shown = await site.buyer.get(path)
    assert shown.status_code == 404
    assert "This berth is empty" in shown.text
    assert shown.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_api_keeps_its_own_answers(site: Site) -> None:
    assert (await site.buyer.get("/v1/nothing")).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("month", ["0001-01", "9999-12"])
async def test_the_calendar_has_ends(site: Site, month: str) -> None:
    assert (await site.operator.get(f"/operator?month={month}")).status_code == 200
    assert (await site.staff("Harbor Dairy").get(f"/seller/statement?month={month}")).status_code == 200


async def test_pages_and_forms_are_rationed_as_the_api_is(site: Site) -> None:
    site.app.state.limits = Limits(1, lambda: 0.0)
    buyer = site.buyer
    statuses = [(await buyer.get("/categories")).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    refused = await buyer.send("/cart/add", {})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert (await site.other.get("/categories")).status_code == 200
