"""Rules, entities and billing data: each is added, none is changed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import sellers, trade
from entrepot.fees import store
from entrepot.fees.reads import MAX_RULES, categories_above
from entrepot.fees.rules import bounds, flaw, shadows
from entrepot.fees.types import Billing, Entity, NewRule, NotLater, RuleEnded, RuleShadowed
from entrepot.kit.auth import Keys
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import Malformed, NotFound
from entrepot.sellers import Identity

LATE = timedelta(hours=1)
"""After a month's end no transaction is dated into it any more that has not committed."""


async def add_rule(tx: Tx, new: NewRule) -> int:
    """Adds a rule; its id. Raises Malformed, NotFound for an unknown market, seller or category, NotLater,
    RuleShadowed."""
    if (wrong := flaw(new)) is not None:
        raise Malformed(wrong)
    if new.market is not None:
        await sellers.market(tx, new.market)
    if new.seller_id is not None:
        await sellers.seller(tx, sellers.SellerId(new.seller_id))
    above = await categories_above(tx, [] if new.category_id is None else [new.category_id])
    if new.category_id is not None and new.category_id not in above:
        raise NotFound
    begin = new.valid_from or tx.now
    if begin < tx.now or (new.valid_to is not None and new.valid_to <= begin):
        raise NotLater
    rule = msgspec.structs.replace(new, valid_from=begin)
    await tx.one(store.HOLD_RULES)
    there = await tx.all(store.LISTED, now=tx.now, limit=MAX_RULES)
    if len(there) >= MAX_RULES:
        raise Malformed(f"there are {MAX_RULES} rules; end some of them")
    for before in there:
        if before.position <= rule.position and shadows(before, rule, above.get(rule.category_id or 0, ())):
            raise RuleShadowed(before.id, before.name)
    id_ = await tx.one(store.ADD_RULE, **msgspec.structs.asdict(rule))
    tx.emit("fee_rule_added", NIL, {"rule_id": id_})
    return id_


async def end_rule(tx: Tx, rule_id: int) -> None:
    """The rule ends now; lines that were sold by it keep what it took. Raises NotFound, RuleEnded."""
    rule = await tx.maybe(store.LOCK_RULE, id=rule_id)
    if rule is None:
        raise NotFound
    if rule.valid_to is not None and rule.valid_to <= tx.now:
        raise RuleEnded
    await tx.run(store.END_RULE, id=rule_id, valid_to=max(tx.now, rule.valid_from))
    tx.emit("fee_rule_ended", NIL, {"rule_id": rule_id})


async def add_entity(tx: Tx, entity: Entity) -> None:
    """Says who charges fees in a currency from a time on, now or later. Raises NotLater."""
    if entity.valid_from < tx.now or await tx.maybe(store.ADD_ENTITY, **msgspec.structs.asdict(entity)) is None:
        raise NotLater


async def say_identity(tx: Tx, keys: Keys, seller_id: UUID, identity: Identity, by: UUID) -> None:
    """Who a seller is from now on: on statements, for tax offices, and to whom its fees are invoiced, with its VAT id.
    What was sold before keeps the tax of that time. Raises CountryNotValid, TaxIdNotValid."""
    one = await sellers.say_identity(tx, keys, seller_id, identity, by)
    lines = (one.line1, one.line2, f"{one.postal_code} {one.city}", one.region)
    address = ", ".join(line for line in lines if line)
    await set_billing(tx, Billing(seller_id, tx.now, one.full_name, address, one.country, one.vat_id))
    await trade.note_established(tx, seller_id, one.country)


async def set_billing(tx: Tx, billing: Billing) -> None:
    """To whom a seller's fees are invoiced from now on."""
    await tx.run(store.SET_BILLING, **msgspec.structs.asdict(billing))


async def count_month(tx: Tx, cell: int) -> int:
    """Adds up what was released to the cell's sellers in the last month that is over, once; how many months."""
    last = (tx.now - LATE).date().replace(day=1) - timedelta(days=1)
    month = last.replace(day=1)
    if await tx.maybe(store.COUNT, cell=cell, month=month) is None:
        return 0
    start, stop = bounds(month)
    await tx.run(store.ADD_VOLUMES, cell=cell, month=month, start=start, stop=stop)
    return 1
