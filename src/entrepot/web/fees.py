"""Fees: the operator's rules, shops and invoices, and what a seller pays."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.responses import Response

from entrepot import approvals, catalog, fees, invoices, sellers
from entrepot.catalog import Price
from entrepot.fees import Entity, Explained, NewRule, ShopTerms
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import OPERATOR, SELLER
from entrepot.kit.ids import NIL, parse, show
from entrepot.kit.money import minor_of
from entrepot.kit.problem import Malformed
from entrepot.web.account import Nothing
from entrepot.web.visit import Go, Visit, amount_of, form, page, page_of_its_own
from entrepot.web.words import CHARGES, FEE_TAXES, FEES, WHY_NOT

DAY_S = 86_400
LAST = UUID(int=2**128 - 1)
Amount = Annotated[str, Meta(max_length=20)]
Text = Annotated[str, Meta(min_length=1, max_length=200)]


class RuleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two tiers at most: what is over `over` at `percent_over`. The API takes more."""

    kind: Literal["commission", "payment_fee"]
    position: Annotated[int, Meta(ge=1, le=1_000_000)]
    name: Text
    percent: Amount
    source: Text
    market: Annotated[str, Meta(max_length=20)] = ""
    seller_id: Annotated[str, Meta(max_length=40)] = ""
    category: Annotated[str, Meta(max_length=20)] = ""
    over: Amount = ""
    percent_over: Amount = ""
    fixed: Amount = ""
    least: Amount = ""
    most: Amount = ""
    volume: Amount = ""


class EntityForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    code: Annotated[str, Meta(pattern="^[A-Z0-9]{2,12}$")]
    name: Text
    address: Annotated[str, Meta(min_length=1, max_length=500)]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    tax_id: Annotated[str, Meta(max_length=40)] = ""


class TermsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: Annotated[str, Meta(min_length=1, max_length=20)]
    opening: Amount
    monthly: Amount
    deposit: Amount
    kept_days: Annotated[int, Meta(ge=0, le=730)]
    source: Text
    waived_from: Amount = ""


class DeductForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    amount: Amount
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    case_ref: Annotated[str, Meta(min_length=1, max_length=100)]


class CreditForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line_no: Annotated[int, Meta(ge=1, le=32_767)]
    amount: Amount
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class ShopForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market: Annotated[str, Meta(min_length=1, max_length=20)]


async def fees_page(tx: ReadTx, visit: Visit) -> Response:
    """The rules in their order, an example of what a seller would pay, who charges it, and what shops cost."""
    rules = await fees.listed(tx)
    names = await sellers.names(tx, {rule.seller_id for rule, _ in rules if rule.seller_id is not None})
    currencies = {market.code: market.currency for market in await sellers.markets(tx)}
    seller = visit.query_id("sel", "seller")
    why, price = await _why(tx, visit, seller) if seller else (None, None)
    return await visit.show(
        tx, "operator_fees.html", rules=rules, names=names, kinds=FEES, reasons=WHY_NOT, taxes=FEE_TAXES, why=why,
        example=price, categories=await catalog.categories(tx), entities=await fees.entities(tx),
        terms=[one for one in await fees.shop_terms(tx) if one.seller_id == NIL],
        worth=lambda minor, market: Price(minor, currencies[market]),
    )  # fmt: skip


async def _why(tx: ReadTx, visit: Visit, seller_id: UUID) -> tuple[Explained, Price]:
    """What this page's example comes to in the market that is chosen."""
    market = await visit.market(tx)
    base = amount_of(visit.query("amount") or "100", market.currency)
    kind = "payment_fee" if visit.query("kind") == "payment_fee" else "commission"
    units = min(max(1, visit.query_number("units")), 1_000_000)
    found = await fees.why(tx, kind, market.code, seller_id, visit.query_number("category"), base, units)
    return found, Price(base, market.currency)


async def add_rule(tx: Tx, _: Visit, body: RuleForm) -> Go:
    currency = (await sellers.market(tx, body.market)).currency if body.market else "XXX"
    over, rates = [0], [_bp(body.percent, "percent")]
    if body.over or body.percent_over:
        over.append(amount_of(body.over, currency, "over", least=1))
        rates.append(_bp(body.percent_over, "percent_over"))
    try:
        seller_id = parse("sel", body.seller_id) if body.seller_id else None
    except ValueError:
        raise Malformed("no seller - at `$.seller_id`") from None
    if body.category and not body.category.isdecimal():
        raise Malformed("no category - at `$.category`")
    new = NewRule(
        body.kind, body.position, body.name, body.source, over, rates, body.market or None, seller_id,
        int(body.category) if body.category else None,
        amount_of(body.volume, currency, "volume", least=1) if body.volume else None, None, None,
        amount_of(body.fixed or "0", currency, "fixed"), amount_of(body.least or "0", currency, "least"),
        amount_of(body.most, currency, "most") if body.most else None,
    )  # fmt: skip
    await fees.add_rule(tx, new)
    return Go("/operator/fees", done="fee_rule_added")


async def end_rule(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await fees.end_rule(tx, visit.number("rule_id"))
    return Go("/operator/fees", done="fee_rule_ended")


async def add_entity(tx: Tx, _: Visit, body: EntityForm) -> Go:
    entity = Entity(body.currency, tx.now, body.code, body.name, body.address, body.country, body.tax_id)
    await fees.add_entity(tx, entity)
    return Go("/operator/fees", done="fee_entity_added")


async def set_terms(tx: Tx, _: Visit, body: TermsForm) -> Go:
    currency = (await sellers.market(tx, body.market)).currency
    terms = ShopTerms(
        body.market, NIL, tx.now, amount_of(body.opening, currency, "opening"),
        amount_of(body.monthly, currency, "monthly"),
        amount_of(body.waived_from, currency, "waived_from", least=1) if body.waived_from else None,
        amount_of(body.deposit, currency, "deposit"), body.kept_days * DAY_S, body.source,
    )  # fmt: skip
    await fees.set_shop_terms(tx, terms)
    return Go("/operator/fees", done="shop_terms_set")


def _bp(text: str, name: str) -> int:
    """Basis points of a percentage as people write it. Raises Malformed."""
    try:
        rate = minor_of(text, "USD")  # hundredths of a percent are written as cents are
    except ValueError:
        rate = -1
    if not 0 <= rate <= 10_000:
        raise Malformed(f"no percentage - at `$.{name}`")
    return rate


async def shops_page(tx: ReadTx, visit: Visit) -> Response:
    """A seller's shops, for the operator."""
    seller = await sellers.seller(tx, sellers.SellerId(visit.id("sel", "seller_id")))
    return await visit.show(
        tx, "operator_shops.html", seller=seller, seller_id=show("sel", seller.id), **await _shops(tx, seller.id)
    )


async def _shops(tx: ReadTx, seller_id: UUID) -> dict[str, Any]:
    shops = await fees.shops_of(tx, seller_id)
    charges = await fees.charges_of(tx, seller_id, LAST)
    return {
        "shops": [(show("shp", shop.id), shop, Price(shop.deposit_minor, shop.currency)) for shop in shops],
        "charges": [(c, Price(c.net_minor, c.currency), Price(c.tax_minor, c.currency)) for c in charges],
        "kinds": CHARGES,
    }


async def deduct(tx: Tx, visit: Visit, body: DeductForm) -> Go:
    amount_minor = amount_of(body.amount, body.currency, least=1)
    seller_id, shop_id = visit.id("sel", "seller_id"), visit.id("shp", "shop_id")
    deduction = fees.Deduction(seller_id, shop_id, amount_minor, body.reason, body.case_ref)
    asked = await fees.deduct_by(tx, visit.me.user_id, deduction)
    return Go(f"/operator/sellers/{show('sel', seller_id)}/shops", done="asked" if asked else "deposit_deducted")


async def invoices_page(tx: ReadTx, visit: Visit) -> Response:
    found = await invoices.documents(tx, None, visit.query_id("inv", "before"))
    names = await sellers.names(tx, {parse("sel", one.seller_id) for one in found})
    return await visit.show(
        tx, "operator_invoices.html", found=found, names={show("sel", id_): name for id_, name in names.items()}
    )


async def invoice_page(tx: ReadTx, visit: Visit) -> Response:
    """A document with its lines, of which an invoice's can be credited."""
    document = await invoices.read(tx, visit.id("inv", "invoice_id"))
    return await visit.show(tx, "operator_invoice.html", document=document, kinds=FEES | CHARGES, taxes=FEE_TAXES)


async def credit(tx: Tx, visit: Visit, body: CreditForm) -> Go:
    id_ = visit.id("inv", "invoice_id")
    currency = (await invoices.read(tx, id_)).invoice.net.currency
    amount_minor = amount_of(body.amount, currency, least=1)
    asked = await invoices.credit_by(tx, visit.me.user_id, id_, body.line_no, amount_minor, body.reason)
    if isinstance(asked, approvals.Asked):
        return Go(f"/operator/invoices/{show('inv', id_)}", done="asked")
    return Go(f"/operator/invoices/{show('inv', asked)}", done="invoice_credited")


async def seller_page(tx: ReadTx, visit: Visit) -> Response:
    """What a seller pays: an example of its own, its shops, its invoices."""
    market = await visit.market(tx)
    why, price = await _why(tx, visit, visit.seller_id)
    open_in = {shop.market for shop in await fees.shops_of(tx, visit.seller_id) if shop.closed_at is None}
    try:
        terms = None if market.code in open_in else await fees.terms_of(tx, market.code, visit.seller_id)
    except fees.NoShopTerms:
        terms = None
    return await visit.show(
        tx, "seller_fees.html", why=why, example=price, market=market, terms=terms, reasons=WHY_NOT, taxes=FEE_TAXES,
        billing=await fees.billing_of(tx, visit.seller_id), categories=await catalog.categories(tx),
        found=await invoices.documents(tx, visit.seller_id, visit.query_id("inv", "before")),
        **await _shops(tx, visit.seller_id),
    )  # fmt: skip


async def open_shop(tx: Tx, visit: Visit, body: ShopForm) -> Go:
    await fees.open_shop(tx, visit.seller_id, body.market)
    return Go("/seller/fees", done="shop_opened")


async def close_shop(tx: Tx, visit: Visit, _: Nothing) -> Go:
    await fees.close_shop(tx, visit.seller_id, visit.id("shp", "shop_id"))
    return Go("/seller/fees", done="shop_closed")


async def invoice_file(visit: Visit) -> Response:
    return await _file(visit, None)


async def own_invoice_file(visit: Visit) -> Response:
    return await _file(visit, visit.seller_id)


async def _file(visit: Visit, seller_id: UUID | None) -> Response:
    async with visit.db.read() as tx:
        document = await invoices.read(tx, visit.id("inv", "invoice_id"), seller_id)
    body = await asyncio.to_thread(invoices.pdf, document)
    headers = {"content-disposition": f'inline; filename="{document.invoice.number}.pdf"', "cache-control": "private"}
    return Response(body, headers=headers, media_type="application/pdf")


routes = [
    page("/operator/fees", fees_page, OPERATOR),
    form("/operator/fees/rules", add_rule, RuleForm, OPERATOR, again=fees_page),
    form("/operator/fees/entities", add_entity, EntityForm, OPERATOR, again=fees_page),
    form("/operator/fees/shops", set_terms, TermsForm, OPERATOR, again=fees_page),
    form("/operator/fees/{rule_id}/end", end_rule, Nothing, OPERATOR),
    page("/operator/sellers/{seller_id}/shops", shops_page, OPERATOR),
    form("/operator/sellers/{seller_id}/shops/{shop_id}/deduct", deduct, DeductForm, OPERATOR, again=shops_page),
    page("/operator/invoices", invoices_page, OPERATOR),
    page("/operator/invoices/{invoice_id}", invoice_page, OPERATOR),
    page_of_its_own("/operator/invoices/{invoice_id}/pdf", invoice_file, OPERATOR),
    form("/operator/invoices/{invoice_id}/credit", credit, CreditForm, OPERATOR, again=invoice_page),
    page("/seller/fees", seller_page, SELLER),
    form("/seller/fees/shops", open_shop, ShopForm, SELLER, again=seller_page),
    form("/seller/fees/shops/{shop_id}/close", close_shop, Nothing, SELLER),
    page_of_its_own("/seller/invoices/{invoice_id}/pdf", own_invoice_file, SELLER),
]
