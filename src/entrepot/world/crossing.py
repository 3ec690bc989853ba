"""Buyers of the simulated world who buy across a border: by way of a cart, to an address in one country or another,
with duty and tax paid with the order or at the door. In one country the platform collects the tax of what is small."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot import accounts, catalog, logistics, orders, pricing, trade
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, parse
from entrepot.kit.problem import DatabaseAway, Problem
from entrepot.kit.sql import sql
from entrepot.orders import QuoteView
from entrepot.world import actors
from entrepot.world.scene import World, until_answered

ADDRESSES = {
    "us": accounts.NewAddress("Ada Byron", "1 Main Street", "US", "Springfield", "62701"),
    "jp": accounts.NewAddress("Ada Byron", "1-1 Chiyoda", "JP", "Chiyoda-ku", "100-0001", region="Tokyo"),
}
LOCATIONS = (1, 2)
"""In these countries, too: what is sold in the market of one is sent from the other."""
CODE = "610910"

_ADD_LAW = sql("""
    with code as (
        insert into trade.code (nomenclature, code, valid_from, leaf, source)
        values ('HS', :code, '2000-01-01', true, 'simulation')
    ), registration as (
        insert into trade.registration (scheme, valid_from, number, said_by, said_at)
        values ('NZ', '2000-01-01', 'N1', :nobody, :now)
    )
    insert into trade.law (country, kind, valid_from, facts, citation, source)
    select l.country, l.kind, '2000-01-01', l.facts, 'simulation', 'simulation'
      from (values ('US', 'customs', '{"currency": "USD", "basis": "FOB"}'::jsonb),
                   ('US', 'tax', '{"name": "Tax", "rate": "0"}'),
                   ('US', 'mean_duty', '{"rate": "7.5", "year": 2020}'),
                   ('US', 'return_window', '{"of": "duty", "days": 20}'),
                   ('JP', 'customs', '{"currency": "JPY", "basis": "CIF", "tax_step": "100"}'),
                   ('JP', 'tax', '{"name": "Tax", "rate": "10"}'),
                   ('JP', 'mean_duty', '{"rate": "4", "year": 2020}'),
                   ('JP', 'mode', '{"name": "Small", "rank": 1, "scheme": "NZ", "up_to": "9000", "currency": "JPY"}'),
                   ('JP', 'mode', '{"name": "Large", "rank": 2}'),
                   ('JP', 'mode', '{"name": "Inside", "rank": 1, "scheme": "NZ", "stock": "union"}'),
                   ('JP', 'return_window', '{"of": "tax", "days": 40}')) as l (country, kind, facts)
""")
_VARIANTS = sql("select id from catalog.variant order by id", int)


async def set_up(tx: Tx, world: World) -> None:
    """Two countries with law, goods that are known at customs, places that papers can name, and addresses in both."""
    await tx.run(_ADD_LAW, code=CODE, nobody=NIL, now=tx.now)
    for market in sorted(world.markets):
        await pricing.add_shipping_service(
            tx, pricing.ShippingService(market, "ddp", "Duties paid", 600, 50, 86_400, 2, "DDP", 250)
        )
    for variant in await tx.all(_VARIANTS):
        item = trade.Item(variant, CODE, {}, "VN", f"Thing {variant}", 100 + variant)
        await trade.set_item(tx, item, 0, None)
    for cell in world.cells:
        for location in LOCATIONS:
            await logistics.set_address(tx, cell, None, location, logistics.LocationAddress("1 Dock Road", "Harbor"))
    for buyer in world.buyers:
        home = world.cell_of[buyer]
        world.addresses[buyer] = {
            country: await accounts.add_address(tx, home, buyer, new) for country, new in ADDRESSES.items()
        }


async def ask_price_abroad(world: World) -> None:
    """A buyer gets a quote for a cart to an address, or is refused: a promotion may be used up."""
    chance = world.chance
    buyer, market, lines, _, code = actors.purchase(world)
    shipping, country = chance.choice(("ddp", "ddp", "standard")), chance.choice((market, market, market, "us", "jp"))
    await ask_price(world, buyer, market, lines, shipping, country, code)


async def ask_price(
    world: World, buyer: UUID, market: str, lines: Sequence[tuple[int, int]], shipping: str, country: str,
    code: str | None,
) -> None:  # fmt: skip
    """The same of these offers and units, to the buyer's address in a country."""

    async def fill(tx: Tx) -> QuoteView:
        home, wanted = world.cell_of[buyer], [offer for offer, _ in lines]
        cart = await orders.create_cart(tx, home, buyer, market)
        facts = [fact for cell in world.cells for fact in await catalog.offers_for_quote(tx, cell, wanted)]
        on_sale = {fact.offer_id for fact in facts if fact.buyable}
        for offer, quantity in lines:
            if offer in on_sale:
                await orders.add_line(tx, home, buyer, cart, offer, quantity)
        await orders.set_address(tx, home, buyer, cart, world.addresses[buyer][country])
        await orders.set_shipping(tx, home, buyer, cart, shipping)
        if code is not None:
            await orders.set_promotion(tx, home, buyer, cart, code)
        return await orders.quote_cart(tx, home, buyer, cart)

    try:
        quote = await until_answered(lambda: world.db.transact(fill, durable=False))
    except DatabaseAway:
        raise
    except Problem as refused:
        world.counts[f"ask price abroad: {refused.code()}"] += 1
        return
    world.counts["ask price abroad"] += bool(quote.borders)
    world.quotes.append((buyer, parse("quo", quote.id)))
