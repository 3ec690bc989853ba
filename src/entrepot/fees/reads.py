"""Rules and facts as they are at a time, and why a fee is what it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot import sellers
from entrepot.fees import store
from entrepot.fees.rules import Fees, charge, failing, shadows
from entrepot.fees.types import Billing, Entity, Explained, Rule, SellerFacts, Subject
from entrepot.kit.db import ReadTx
from entrepot.kit.money import share_bp

MAX_RULES = 1_000
"""Of all markets together, past ones apart."""


async def at(tx: ReadTx, market: str, currency: str, seller_ids: Collection[UUID], categories: Collection[int]) -> Fees:
    """What a quote of these sellers' offers of these categories needs to know now. Where nobody has set up anything
    that is one statement; three where rules ask for categories."""
    rows = await tx.all(store.AT, market=market, currency=currency, now=tx.now)
    rules = [msgspec.convert(row.rule, Rule) for row in rows if row.rule is not None]
    above = {}
    if any(rule.category_id is not None for rule in rules):
        above = await categories_above(tx, sorted(set(categories)))
    needs_facts = rows[0].charged or any(rule.volume_from_minor is not None for rule in rules)
    return Fees(rules, above, await facts_of(tx, currency, seller_ids) if needs_facts else {})


async def facts_of(tx: ReadTx, currency: str, seller_ids: Collection[UUID]) -> dict[UUID, SellerFacts]:
    """What fees in a currency depend on of sellers; of those of whom nothing is known that matters, nothing."""
    rows = await tx.all(
        store.FACTS, sellers=sorted(set(seller_ids)), currency=currency, month=tx.now.date().replace(day=1),
        now=tx.now, day=tx.now.date(),
    )  # fmt: skip
    return {
        row.seller_id: SellerFacts(row.volume_minor, row.tax_kind, row.tax_bp)
        for row in rows
        if row.volume_minor or row.tax_kind
    }


async def listed(tx: ReadTx) -> list[tuple[Rule, Rule | None]]:
    """All rules that hold now or will, in their order, each with the one before it that leaves nothing to it."""
    rules = await tx.all(store.LISTED, now=tx.now, limit=MAX_RULES)
    above = await categories_above(tx, [rule.category_id for rule in rules if rule.category_id is not None])
    return [
        (
            rule,
            next((r for r in rules[:i] if shadows(r, rule, above.get(rule.category_id or 0, ()))), None),
        )
        for i, rule in enumerate(rules)
    ]


async def categories_above(tx: ReadTx, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Each category's own id and those of all that it lies in."""
    return {row.id: tuple(row.above) for row in await tx.all(store.ABOVE, ids=ids)} if ids else {}


async def why(
    tx: ReadTx, kind: str, market: str, seller_id: UUID, category_id: int, base_minor: int, units: int = 1
) -> Explained:
    """What a seller would pay now for a line that was sold for so much (of a payment fee: an order that was paid), and
    why. Rules for other sellers are nothing that it is told of. Raises NotFound, NoTerms."""
    seller, terms = await sellers.seller(tx, sellers.SellerId(seller_id)), await sellers.terms_at(tx, market, tx.now)
    currency = (await sellers.market(tx, market)).currency
    fees = await at(tx, market, currency, [seller_id], [category_id])
    facts = fees.sellers.get(seller_id, SellerFacts())
    above = await categories_above(tx, [category_id])
    subject = Subject(market, seller_id, above.get(category_id, ()), facts.volume_minor)
    rules = [rule for rule in fees.rules if rule.kind == kind and rule.seller_id in (None, seller_id)]
    applies = None if seller.kind == "own" else next((r for r in rules if failing(r, subject) is None), None)
    passed = [] if seller.kind == "own" else [
        (rule, reason) for rule in rules[: rules.index(applies) if applies else None]
        if (reason := failing(rule, subject)) is not None
    ]  # fmt: skip
    if seller.kind == "own":
        of, rate_bp = "own", 0
    elif kind == "payment_fee":
        of, rate_bp = "market", terms.payment_fee_bp
    elif seller.commission_bp is not None:
        of, rate_bp = "seller", seller.commission_bp
    else:
        of, rate_bp = "market", terms.commission_bp
    amount = charge(applies, base_minor, units) if applies else share_bp(base_minor, rate_bp)
    tax = share_bp(amount, facts.tax_bp or 0)
    return Explained(
        applies, passed, "rule" if applies else of, applies.rates_bp[0] if applies else rate_bp, amount,
        facts.tax_kind, facts.tax_bp, tax,
    )  # fmt: skip


async def entities(tx: ReadTx) -> list[Entity]:
    """Who charges fees, charged them and will, by currency, the latest first; at most MAX_RULES."""
    return await tx.all(store.ENTITIES, limit=MAX_RULES)


async def entity_at(tx: ReadTx, currency: str, now: datetime) -> Entity | None:
    """Who charges fees in a currency at `now`."""
    return await tx.maybe(store.LAST_ENTITY, currency=currency, now=now)


async def billings(tx: ReadTx, seller_ids: Collection[UUID]) -> dict[UUID, Billing]:
    """To whom sellers' fees are invoiced now, of those who have said it."""
    return {row.seller_id: row for row in await tx.all(store.BILLINGS, sellers=seller_ids, now=tx.now)}


async def billing_of(tx: ReadTx, seller_id: UUID) -> Billing | None:
    """To whom a seller's fees are invoiced now."""
    return await tx.maybe(store.BILLING, seller_id=seller_id, now=tx.now)
