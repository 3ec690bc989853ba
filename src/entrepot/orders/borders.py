"""Orders that cross a border: what it takes, said before paying and kept with the order as it was said. By a shipping
service that is DDP it is paid with the order; by one that is DAP whoever brings the goods asks for it at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from entrepot import accounts, bonded, catalog, logistics, papers, pricing, sellers, trade
from entrepot.accounts import Address
from entrepot.catalog import Price
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import show
from entrepot.kit.money import MAX_MINOR, allocate
from entrepot.kit.problem import NotFound
from entrepot.orders import identities
from entrepot.orders import store_borders as store
from entrepot.orders.imports import Import, imports
from entrepot.orders.selling import judge_offers
from entrepot.orders.store_borders import Crossing, CrossingLine
from entrepot.orders.types import AddressNotLatin

CROSSED_PAGE = 50
LAST = UUID(int=2**128 - 1)


class Border(msgspec.Struct, frozen=True):
    """What the border takes of an order: duty, import tax and the fee of whoever clears it at customs; paid with the
    order (`DDP`) or at the door (`DAP`), but for a tax that is `collected` by the platform (the scheme): `paid` is what
    is paid with the order, `at_door` the rest. A tax `included` in the price is the platform's to pay. `mode` is how
    it is let in. `why` says what of it is only an estimate, `steps` how it is computed and where each figure
    stands."""

    order_id: str
    from_country: str
    to_country: str
    incoterm: str
    duty: Price
    tax: Price
    fee: Price
    total: Price
    mode: str
    collected: str
    paid: Price
    at_door: Price
    included: Price
    why: list[str]
    steps: list[trade.Step]

    @property
    def crosses(self) -> bool:
        return self.from_country != self.to_country or not self.included.minor


class AtDoor(msgspec.Struct, frozen=True):
    """What as much as one price buys of an offer costs at a door in a country, without the transport: price, duty and
    tax. It `crosses` no border when nothing is imported: sent from there, or from within a union."""

    offer_id: int
    country: str
    crosses: bool
    price: Price
    duty: Price
    tax: Price
    total: Price
    estimated: bool


class CartDoor(msgspec.Struct, frozen=True):
    """What a cart's goods cost at a door in a country: items, duty and tax, without transport and discounts. It
    `crosses` no border when nothing of it is imported."""

    country: str
    crosses: bool
    items: Price
    duty: Price
    tax: Price
    total: Price
    estimated: bool


async def assess(
    tx: Tx, home: int, market: str, buyer_id: UUID, quote_id: UUID, cells: Sequence[int], to: Address
) -> None:
    """Keeps with each order of a quote that crosses a border what that takes, and adds to the quote what is paid now
    and what placing it takes of the buyer's yearly quotas. `home` is the buyer's cell. Raises the Problems of
    trade.quote, NotLetIn, and ItemMissing: what nobody can tell the price of at the door is not sold there;
    IdentityNeeded, AddressNotLatin, AmountTooLarge."""
    latin = papers.in_latin(to.recipient, *accounts.address_lines(to, abroad=True))
    paid_now: dict[int, dict[UUID, int]] = {}
    withheld: dict[int, dict[UUID, int]] = {}
    quotas: identities.Quotas | None = None
    for cell in cells:
        orders = await tx.all(store.CROSSING, cell=cell, quote_id=quote_id, to_country=to.country)
        if orders:
            lines = await tx.all(store.CROSSING_LINES, cell=cell, quote_id=quote_id)
            quotas = quotas or await identities.quotas_of(tx, home, buyer_id, to.country)
            for order, one in zip(
                orders, await imports(tx, market, orders, lines, to.country, quotas.left), strict=True
            ):
                if one is None:
                    continue
                if one.landed.lines and not latin:
                    raise AddressNotLatin
                mine = [line for line in lines if line.order_id == order.order_id]
                await _keep(tx, cell, quote_id, order, mine, one, quotas.use(one.chosen))
                if paid := one.paid_now(order.incoterm):
                    paid_now.setdefault(cell, {})[order.order_id] = paid
                if one.withheld_minor:
                    withheld.setdefault(cell, {})[order.order_id] = one.withheld_minor
    if quotas is not None and quotas.used:
        await tx.run(
            store.USE_QUOTAS, cell=home, quote_id=quote_id, ids=list(quotas.used), amounts=list(quotas.used.values())
        )  # fmt: skip
    await _withhold(tx, quote_id, withheld)
    if paid_now:
        paid_now[home] = {order: amount for orders in paid_now.values() for order, amount in orders.items()}
    for cell, amounts in paid_now.items():
        total = sum(amounts.values())
        if total > MAX_MINOR:
            raise pricing.AmountTooLarge(MAX_MINOR)
        await tx.run(
            store.CHARGE, cell=cell, quote_id=quote_id, total_minor=total, orders=list(amounts),
            amounts=list(amounts.values()),
        )  # fmt: skip


async def _withhold(tx: Tx, quote_id: UUID, withheld: Mapping[int, Mapping[UUID, int]]) -> None:
    """Of a quote's orders, by cell, what is kept from what their sellers are paid."""
    for cell, amounts in withheld.items():
        await tx.run(
            store.WITHHOLD, cell=cell, quote_id=quote_id, orders=list(amounts), amounts=list(amounts.values())
        )  # fmt: skip


async def assess_inside(tx: Tx, market: str, quotes: Sequence[UUID], cell: int) -> None:
    """The same of quotes that cross no border: they are told nothing, but the tax in their prices may be the platform's
    to pay. In a market whose prices are without tax, which would have to be told, it is their sellers'."""
    if not await trade.registered(tx, tx.now.date()) or not (await sellers.market(tx, market)).prices_with_tax:
        return
    for quote_id in quotes:
        orders = await tx.all(store.CROSSING, cell=cell, quote_id=quote_id, to_country=None)
        lines = await tx.all(store.CROSSING_LINES, cell=cell, quote_id=quote_id) if orders else []
        found = await imports(tx, market, orders, lines, orders[0].to_country) if orders else []
        for order, one in zip(orders, found, strict=True):
            if one is not None and one.withheld_minor:
                await _keep(tx, cell, quote_id, order, lines, one, None)
                await _withhold(tx, quote_id, {cell: {order.order_id: one.withheld_minor}})


async def at_door(tx: ReadTx, offer_id: int, country: str) -> AtDoor:
    """Raises NotFound, also for what cannot be bought, NotSoldThere, and the Problems of plan_at_door."""
    cell = await catalog.cell_of_offer(tx, offer_id)
    facts = [] if cell is None else await catalog.offers_for_quote(tx, cell, [offer_id])
    if not facts or not facts[0].buyable:
        raise NotFound
    judged = await judge_offers(tx, country, facts)
    if (rule := judged[offer_id].blocked) is not None:
        raise trade.NotSoldThere(offer_id, country, rule)
    terms = await sellers.terms_at(tx, facts[0].market, tx.now)
    plan = pricing.price([pricing.Line(facts[0], facts[0].price_per)], unsent(facts[0].market), terms)
    door = await plan_at_door(tx, facts[0].market, plan, country)
    return AtDoor(offer_id, country, door.crosses, door.items, door.duty, door.tax, door.total, door.estimated)


def unsent(market: str) -> pricing.ShippingService:
    """A service by which goods are priced without their transport."""
    return pricing.ShippingService(market, "", "", 0, 0, 1, 1)


async def plan_at_door(tx: ReadTx, market: str, plan: pricing.Priced, country: str) -> CartDoor:
    """What the goods of a purchase cost at a door in a country. Raises the Problems of trade.quote, and ItemMissing."""
    places = {
        (cell, id_): from_country
        for cell in set(plan.order_cells)
        for id_, from_country in (
            await logistics.location_countries(tx, cell, sorted(set(plan.order_locations)))
        ).items()
    }
    in_bond = {
        (cell, id_)
        for cell in set(plan.order_cells)
        for id_ in await bonded.warehouses(tx, cell, sorted(set(plan.order_locations)))
    }
    lie = list(zip(plan.order_cells, plan.order_locations, strict=True))
    sent_from = [places[place] for place in lie]
    crosses = [place in in_bond or from_ != country for place, from_ in zip(lie, sent_from, strict=True)]
    ids = [UUID(int=number) for number in range(len(sent_from))]
    crossing = [
        Crossing(id_, seller, from_, country, plan.currency, 0, "DAP", 0, "courier", bonded=place in in_bond)
        for id_, seller, from_, place, goes in zip(ids, plan.order_sellers, sent_from, lie, crosses, strict=True)
        if goes
    ]
    lines = [
        CrossingLine(ids[order - 1], number, variant, quantity, gross, gross)
        for number, (order, variant, quantity, gross) in enumerate(
            zip(plan.line_orders, plan.line_variants, plan.line_quantities, plan.line_grosses, strict=True), 1
        )
        if crosses[order - 1]
    ]
    found = await imports(tx, market, crossing, lines, country) if crossing else []
    landed = [one.landed for one in found if one is not None]
    items, duty, tax = sum(plan.order_items), sum(x.duty_minor for x in landed), sum(x.tax_minor for x in landed)

    def price(minor: int) -> Price:
        return Price(minor, plan.currency)

    return CartDoor(
        country, any(one.lines for one in landed), price(items), price(duty), price(tax), price(items + duty + tax),
        any(one.estimated for one in landed),
    )  # fmt: skip


async def crossed_orders(tx: ReadTx, before: UUID | None = None) -> list[store.CrossedRow]:
    """Orders that cross a border, of all cells, the latest first; at most CROSSED_PAGE."""
    return await tx.all(store.CROSSED_ORDERS, before=before or LAST, limit=CROSSED_PAGE)


async def _keep(
    tx: Tx,
    cell: int,
    quote_id: UUID,
    order: Crossing,
    lines: Sequence[CrossingLine],
    one: Import,
    quota: identities.Use | None,
) -> None:
    landed, taxed = one.landed, bool(one.scheme)
    await tx.run(
        store.ADD_BORDER, cell=cell, order_id=order.order_id, quote_id=quote_id, from_country=order.from_country,
        to_country=order.to_country, currency=order.currency, duty_minor=landed.duty_minor,
        tax_minor=landed.tax_minor, fee_minor=landed.fee_minor, incoterm=order.incoterm,
        line_nos=[line.line_no for line in lines], line_charges=[duty + tax for duty, tax in landed.charges],
        why=one.why, trace={"steps": one.steps}, mode=one.chosen.mode.name if one.chosen else "", scheme=one.scheme,
        line_taxes=one.taxes() if taxed else [], line_bases=one.bases() if taxed else [],
        line_rates_bp=one.rates_bp() if taxed else [], withheld_minor=one.withheld_minor,
        quota_id=quota.id if quota else None,
        line_quotas=allocate(quota.amount, [line.value_minor for line in lines]) if quota else [],
    )  # fmt: skip


async def of_quote(tx: ReadTx, cells: Sequence[int], quote_id: UUID) -> list[Border]:
    """What the borders take of a quote's orders, one for each that crosses one."""
    rows = [row for cell in cells for row in await tx.all(store.OF_QUOTE, cell=cell, quote_id=quote_id)]
    return [border for border in map(_view, rows) if border.crosses]


async def of_orders(tx: ReadTx, cell: int, order_ids: Sequence[UUID]) -> dict[UUID, Border]:
    """What the borders take of those of the orders that cross one, as their buyers were told; and of those whose tax
    the platform owes, whether they do or not."""
    return {row.order_id: _view(row) for row in await tx.all(store.OF_ORDERS, cell=cell, order_ids=order_ids)}


def _view(row: store.BorderRow) -> Border:
    def price(minor: int) -> Price:
        return Price(minor, row.currency)

    total = row.duty_minor + row.tax_minor + row.fee_minor
    return Border(
        show("ord", row.order_id), row.from_country, row.to_country, row.incoterm, price(row.duty_minor),
        price(row.tax_minor), price(row.fee_minor), price(total), row.mode, row.scheme, price(row.paid_minor),
        price(total - row.paid_minor), price(row.withheld_minor), row.why,
        msgspec.convert(row.trace["steps"], list[trade.Step]),
    )  # fmt: skip
