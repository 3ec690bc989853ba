"""Fees in the simulated world: the operator changes rules, sellers open and close shops, deposits and invoices are put
right, use is reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import fees, invoices, metering
from entrepot.fees import Billing, Entity, NewRule, ShopTerms
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.kit.sql import sql
from entrepot.world.scene import World, ask

KEPT_S = 2 * 86_400
"""A deposit is given back before the last payout."""

_ADD_LAW = sql("""
    insert into trade.law (country, kind, valid_from, facts, citation, source)
    select c, k.kind, '2000-01-01', k.facts, 'simulation', 'simulation'
      from unnest(array['DE', 'FR']) c
     cross join (values ('tax', '{"name": "VAT", "rate": "19"}'::jsonb),
                        ('union', '{"name": "EU"}'::jsonb)) as k (kind, facts)
    on conflict do nothing
""")


class _Line(msgspec.Struct, frozen=True):
    id: UUID
    no: int
    net_minor: int


_LATEST = sql(
    """
    select i.id, l.no, l.net_minor
      from invoices.invoice i
      join invoices.line l on l.cell = i.cell and l.invoice_id = i.id
     where i.kind = 'invoice' and i.seller_id = :seller_id
     order by i.month desc, i.entity, l.no limit 1
    """,
    _Line,
)
_RULES = sql("select id from fees.rule where valid_to is null or valid_to > :now order by id", int)


async def set_up(tx: Tx, world: World) -> None:
    """A house in Germany charges fees; of the sellers one is there, too, and one accounts for the tax itself."""
    await tx.run(_ADD_LAW)
    for currency in sorted(set(world.markets.values())):
        await fees.add_entity(tx, Entity(currency, tx.now, f"H{currency}", "House", "Street 1", "DE", "DE1"))
    for seller, country, tax_id in zip(world.sellers, ("DE", "FR"), ("", "FR2"), strict=False):
        await fees.set_billing(tx, Billing(seller, tx.now, "Seller", "Street 2", country, tax_id))
    for market in sorted(world.markets):
        await fees.set_shop_terms(tx, ShopTerms(market, NIL, tx.now, 50, 31, 2_000, 100, KEPT_S, "simulation"))
    await metering.add_meter(tx, metering.Meter("messages", "Messages", "messages", "sum", "by", tx.now))
    soon = (tx.now + timedelta(days=3)).date()
    for currency in sorted(set(world.markets.values())):
        await metering.set_rate(tx, "messages", currency, "", None, [0, 5], [0, 700_000], "simulation")
        await metering.set_rate(tx, "messages", currency, "sms", soon, [0], [2_500_000], "simulation")


async def charge(world: World) -> None:
    """One of them, as often as not in vain."""
    chance = world.chance
    seller, market = chance.choice(world.sellers[:2]), chance.choice(sorted(world.markets))
    verb, make = chance.choice(_VERBS)
    await ask(world, NIL, verb, make(world, seller, market))


Work = Callable[[Tx], Awaitable[None]]


def _add_rule(world: World, seller: UUID, market: str) -> Work:
    chance = world.chance
    new = NewRule(
        chance.choice(("commission", "commission", "payment_fee")), chance.randrange(1, 100), "Rule", "simulation",
        *chance.choice((([0], [chance.randrange(3_000)]), ([0, 500], [1_500, 200]))), market,
        seller if chance.random() < 0.5 else None, None, chance.choice((None, None, 1_000)), None, None,
        chance.choice((0, 3)), chance.choice((0, 10)), chance.choice((None, 400)),
    )  # fmt: skip

    async def add(tx: Tx) -> None:
        await fees.add_rule(tx, new)

    return add


def _end_rule(world: World, *_: object) -> Work:
    chosen = world.chance.random()

    async def end(tx: Tx) -> None:
        rules = await tx.all(_RULES, now=tx.now)
        if not rules:
            raise NotFound
        await fees.end_rule(tx, rules[int(chosen * len(rules))])

    return end


def _open_shop(_: World, seller: UUID, market: str) -> Work:
    async def open_(tx: Tx) -> None:
        await fees.open_shop(tx, seller, market)

    return open_


async def _shop(tx: Tx, seller: UUID, market: str) -> UUID:
    found = [shop.id for shop in await fees.shops_of(tx, seller) if shop.market == market]
    if not found:
        raise NotFound
    return found[-1]


def _close_shop(_: World, seller: UUID, market: str) -> Work:
    async def close(tx: Tx) -> None:
        await fees.close_shop(tx, seller, await _shop(tx, seller, market))

    return close


def _deduct(world: World, seller: UUID, market: str) -> Work:
    amount = world.chance.randrange(1, 80)

    async def deduct(tx: Tx) -> None:
        shop = await _shop(tx, seller, market)
        await fees.deduct_by(tx, NIL, fees.Deduction(seller, shop, amount, "Simulated.", "C-1"))

    return deduct


def _credit(world: World, seller: UUID, _: str) -> Work:
    share = world.chance.random()

    async def credit(tx: Tx) -> None:
        line = await tx.maybe(_LATEST, seller_id=seller)
        if line is None:
            raise NotFound
        await invoices.credit_by(tx, NIL, line.id, line.no, 1 + int(share * line.net_minor), "Simulated.")

    return credit


def _report(world: World, seller: UUID, market: str) -> Work:
    """Use of some days ago, as often as not reported before, now and then with something else in it."""
    chance = world.chance
    event, days, quantity = f"e-{chance.randrange(20)}", chance.randrange(20), chance.randrange(1, 9)
    properties = chance.choice(({}, {"by": "mail"}, {"by": "sms"}))

    async def report(tx: Tx) -> None:
        at = tx.now - timedelta(days=days)
        await metering.take(tx, [metering.Report(seller, event, market, "messages", quantity, at, properties)])

    return report


_VERBS: tuple[tuple[str, Callable[[World, UUID, str], Work]], ...] = (
    ("add_fee_rule", _add_rule), ("add_fee_rule", _add_rule), ("end_fee_rule", _end_rule), ("open_shop", _open_shop),
    ("open_shop", _open_shop), ("close_shop", _close_shop), ("deduct", _deduct), ("credit_fees", _credit),
    ("report_use", _report), ("report_use", _report),
)  # fmt: skip
