"""The verbs of an order's life. Every one of them takes many at once; one is a batch of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from entrepot import bonded, fees, inventory, logistics, payments, pricing, sellers
from entrepot.fees import Fees
from entrepot.inventory import Goods
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import NIL, new_id, show
from entrepot.kit.problem import NotFound
from entrepot.kit.sql import Query
from entrepot.orders import locks, money, papers, screening, settling, store, store_borders, taxes
from entrepot.orders.money import Step
from entrepot.orders.store import GroupRow, LineRow, OrderRow
from entrepot.orders.types import OrderHeld, Place, Purchase, Verdict, WrongStatus

GRACE = timedelta(minutes=5)
"""The hold on stock outlives the payment deadline by this much, so that a payment made in time is not too late."""
BATCH = 500
"""Orders or groups that one timer run takes on."""
PASSED_MAX = 5_000
"""Culprits that one timer run passes over."""


async def quote_many(tx: Tx, cell: int, purchases: Sequence[Purchase]) -> list[UUID]:
    """Prices purchases and stores the quotes; their ids, in order. `cell` is the buyers', offers may be sold in any.
    Raises the Problems of pricing.price and pricing.places, and NotExchanged."""
    terms: dict[str, sellers.Terms] = {}
    services: dict[tuple[str, str], pricing.ShippingService] = {}
    rules: dict[str, Fees] = {}
    rows, ids = [], []
    for purchase in purchases:
        market = purchase.market
        if market not in terms:
            terms[market] = await sellers.terms_at(tx, market, tx.now)
        chosen = (market, purchase.shipping_code)
        if chosen not in services:
            services[chosen] = await pricing.service(tx, *chosen)
        promotion = None
        if purchase.promotion_code is not None:
            promotion = await pricing.promotion(tx, purchase.promotion_code, market, tx.now)
        if market not in rules:
            rules[market] = await _fees(tx, market, [p for p in purchases if p.market == market])
        plan = pricing.price(purchase.lines, services[chosen], terms[market], promotion, rules[market])
        uses, agreed = list(purchase.uses), terms[market]
        taken = await pricing.places(tx, cell, services[chosen], purchase.slot, len(plan.order_sellers))
        if taken is not None:
            slot, use = taken
            uses.append(use)
            purchase, agreed = _by_cutoff(purchase, agreed, slot)
        if promotion is not None:
            taken_off = sum(
                amount
                for kind, amount in zip(plan.discount_kinds, plan.discount_amounts, strict=True)
                if kind == f"promotion:{promotion.code}"
            )
            uses += await pricing.quotas(tx, cell, promotion, purchase.buyer_id, taken_off)
        otherwise = settling.paid_otherwise(purchase.lines)
        mine = purchase.ids or tuple(new_id(tx.now) for _ in range(1 + len(plan.order_sellers)))
        ids.append(mine[0])
        if otherwise:
            await settling.lock_rates(tx, mine, market, plan, otherwise)
        rows += _quote_rows(cell, tx.now, purchase, mine, agreed, plan, uses)
    if len(rows) == 1:
        await tx.run(store.INSERT_QUOTE, **dict(zip(store.QUOTE_COLUMNS, rows[0], strict=True)))
    else:
        await tx.conn.copy_records_to_table(
            "quote", schema_name="orders", records=rows, columns=list(store.QUOTE_COLUMNS)
        )
    return ids


def _by_cutoff(purchase: Purchase, terms: sellers.Terms, slot: pricing.Slot) -> tuple[Purchase, sellers.Terms]:
    """What is delivered in a slot is placed before its cut-off, and paid, however late it was placed, while the window
    lasts."""
    until = min(purchase.until or slot.closes_at, slot.closes_at)
    pay_s = min(terms.payment_ttl_s, int((slot.ends_at - slot.closes_at).total_seconds()))
    return msgspec.structs.replace(purchase, until=until), msgspec.structs.replace(terms, payment_ttl_s=pay_s)


async def _fees(tx: ReadTx, market: str, purchases: Sequence[Purchase]) -> Fees:
    """What of fees these purchases of a market need to know."""
    offers = [line.offer for purchase in purchases for line in purchase.lines if not line.offer.own]
    if not offers:
        return pricing.NO_RULES
    sellers_, categories = {offer.seller_id for offer in offers}, {offer.category_id for offer in offers}
    return await fees.at(tx, market, offers[0].currency, sellers_, categories)


Row = tuple[object, ...]
"""A stored quote, in the order of QUOTE_COLUMNS."""


def _quote_rows(
    home: int,
    now: datetime,
    purchase: Purchase,
    ids: Sequence[UUID],
    terms: sellers.Terms,
    plan: pricing.Priced,
    uses: Sequence[pricing.QuotaUse],
) -> list[Row]:
    """One row in the buyer's cell. When something is sold in other cells, one in each of them for what is sold there;
    the buyer's row then has the sum of all, and says what is elsewhere."""
    others = sorted(set(plan.order_cells) - {home})
    if not others:
        return [_quote_row(home, now, purchase, ids, terms, plan, uses)]
    sold = list(zip(ids[1:], plan.order_cells, plan.order_paid, strict=False))
    rows = []
    for cell in [home, *others]:
        part = pricing.part(plan, cell)
        mine = [ids[0], *(id_ for id_, there, _ in sold if there == cell)]
        if cell == home:
            part.paid_minor = plan.paid_minor
            elsewhere = [(id_, paid) for id_, there, paid in sold if there != home]
            away = (others, [id_ for id_, _ in elsewhere], [paid for _, paid in elsewhere])
            rows.append(_quote_row(home, now, purchase, mine, terms, part, uses, away=away))
        else:
            rows.append(_quote_row(cell, now, purchase, mine, terms, part, (), group_cell=home))
    return rows


def _quote_row(
    cell: int,
    now: datetime,
    purchase: Purchase,
    ids: Sequence[UUID],
    terms: sellers.Terms,
    plan: pricing.Priced,
    uses: Sequence[pricing.QuotaUse],
    *,
    group_cell: int | None = None,
    away: tuple[list[int], list[UUID], list[int]] | None = None,
) -> Row:
    """`away` is what is sold in other cells: these, the orders' ids and what is paid for each of them."""
    good = now + timedelta(seconds=terms.quote_ttl_s)
    return (
        cell, ids[0], purchase.buyer_id, purchase.cart_id, purchase.market, plan.currency, purchase.address_id,
        purchase.shipping_code, plan.paid_minor, now, min(good, purchase.until or good), terms.payment_ttl_s,
        list(ids[1 : 1 + len(plan.order_sellers)]), plan.order_sellers, plan.order_owns, plan.order_locations,
        plan.order_items, plan.order_shipping, plan.order_seller_discounts, plan.order_operator_discounts,
        plan.order_commissions, plan.order_payment_fees, plan.line_orders, plan.line_offers, plan.line_variants,
        plan.line_stocks, plan.line_quantities, plan.line_prices, plan.line_prices_per, plan.line_roundings,
        plan.line_grosses, plan.line_shippings, plan.line_commission_bps, plan.line_commissions, plan.line_bundles,
        plan.bundle_prices, plan.discount_lines, plan.discount_kinds, plan.discount_parties, plan.discount_amounts,
        [use.quota_id for use in uses], [use.amount for use in uses], group_cell,
        *(away or (None, None, None)), plan.line_fee_rules, plan.order_fee_rules, plan.order_fee_taxes,
        plan.order_fee_tax_kinds, plan.order_fee_tax_bps, purchase.slot,
    )  # fmt: skip


async def place_many(tx: Tx, cell: int, commands: Sequence[Place]) -> list[Verdict]:
    """Places quotes: one call per batch and cell, a verdict per command in order (migration 0011 lists them). A refused
    command consumes nothing and harms no other. The commands' keys and what they did commit together. A quote of
    several cells gets the verdict `spans`: `orders.place` takes any."""
    return await tx.all(
        store.PLACE_MANY, cell=cell, now=tx.now, callers=[c.caller for c in commands], keys=[c.key for c in commands],
        hashes=[c.body_hash for c in commands], quotes=[c.quote_id for c in commands],
        methods=[c.method for c in commands],
    )  # fmt: skip


async def record_paid(tx: Tx, cell: int, groups: Sequence[UUID], payer: int | None = None) -> list[UUID]:
    """The gateway, or the account `payer`, has paid these groups: held stock is allocated, gateway -> escrow, orders
    paid. The groups that are placed by it; one that had expired or was canceled is not among them and its money must go
    back."""
    waiting = await _lock_waiting(tx, cell, groups)
    cells = _by_cell(cell, waiting)
    for there, mine in cells:
        orders = await tx.all(store.ORDERS_OF_GROUPS, cell=there, groups=[group.id for group in mine])
        ids = [order.id for order in orders]
        await inventory.move(tx, there, "confirm", await _goods(tx, there, ids))
        await tx.run(store.PAID, cell=there, ids=ids)
        _tell_groups(tx, there, "group_paid", mine, orders)
    for there, mine in cells:  # the house's accounts come last, when everything else is locked
        await tx.run(store.ESCROW, cell=there, now=tx.now, groups=[g.id for g in mine], payers=[payer] * len(mine))
    await tx.run(store.GROUP_STATUS, cell=cell, groups=[group.id for group in waiting], status="placed")
    return [group.id for group in waiting]


async def _lock_waiting(tx: Tx, cell: int, groups: Sequence[UUID]) -> list[GroupRow]:
    """Those of the groups of a cell that await their payment, locked. Only who ends or pays a group locks it, and that
    before anything else, in whatever cell: so cells may then be visited in their order, also those below this one."""
    locked = await tx.all(store.LOCK_GROUPS, cell=cell, groups=groups)
    return [group for group in locked if group.status == "awaiting_payment"]


def _by_cell(home: int, groups: Sequence[GroupRow]) -> list[tuple[int, list[GroupRow]]]:
    """The cells in ascending order, each with the groups that have orders there; at home all, with or without."""
    found = {home: list(groups)} if groups else {}
    for group in groups:
        for other in group.other_cells or ():
            found.setdefault(other, []).append(group)
    return sorted(found.items())


async def expire_groups(tx: Tx, cell: int) -> int:
    """Gives back the stock of groups whose payment deadline, and the grace after it, have passed; how many."""
    return await _due(
        tx, cell, "expire", store.DUE_FOR_EXPIRY, tx.now - GRACE, lambda groups: expire_unpaid(tx, cell, groups)
    )  # fmt: skip


async def expire_unpaid(tx: Tx, cell: int, groups: Sequence[UUID]) -> int:
    """Gives back the stock of those of the groups that still await their payment, which failed; how many."""
    return await _end_unpaid(tx, cell, await _lock_waiting(tx, cell, groups), "expired")


async def cancel_unpaid(tx: Tx, cell: int, group_id: UUID, buyer_id: UUID) -> None:
    """The buyer takes back a purchase whose payment is still awaited: its stock is free at once, its payment is
    canceled at the gateway, and what is captured all the same goes back. Raises NotFound and WrongStatus."""
    if await tx.maybe(store.GROUP, cell=cell, id=group_id, buyer_id=buyer_id) is None:
        raise NotFound
    (group,) = await tx.all(store.LOCK_GROUPS, cell=cell, groups=[group_id])
    if group.status != "awaiting_payment":
        raise WrongStatus(group.status)
    await _end_unpaid(tx, cell, [group], "canceled")
    await payments.cancel_many(tx, cell, [group_id])


async def _end_unpaid(tx: Tx, cell: int, groups: Sequence[GroupRow], status: str) -> int:
    """Ends groups, which are locked and await their payment, as expired or canceled."""
    ended = [group.id for group in groups]
    for there, mine in _by_cell(cell, groups):
        orders = await tx.all(store.ORDERS_OF_GROUPS, cell=there, groups=[group.id for group in mine])
        ids = [order.id for order in orders]
        await inventory.move(tx, there, "expire", await _goods(tx, there, ids))
        await tx.run(store.ENDED, cell=there, now=tx.now, ids=ids, status=status)
        if there == cell:
            await tx.run(store.GIVE_BACK_ALL_QUOTAS, cell=cell, now=tx.now, groups=ended)
        _tell_groups(tx, there, f"group_{status}", mine, orders)
    await tx.run(store.GROUP_STATUS, cell=cell, groups=ended, status=status)
    return len(groups)


async def request_fulfillment(tx: Tx, cell: int, orders: Sequence[UUID]) -> None:
    """Asks the locations of those of the orders that are paid to send their goods; asking again changes nothing."""
    paid = await tx.all(store.TO_REQUEST, cell=cell, ids=orders)
    await tx.run(
        store.REQUEST_FULFILLMENT, cell=cell, now=tx.now, orders=[row.id for row in paid],
        sellers=[row.seller_id for row in paid], locations=[row.location_id for row in paid],
        addresses=[row.address_id for row in paid],
    )  # fmt: skip


async def ship_many(
    tx: Tx, cell: int, shipments: Sequence[logistics.NewShipment], seller_id: UUID | None = None
) -> None:
    """Hands paid orders to their carriers; all of them or, by raising NotFound, WrongStatus, OrderHeld, NotReleased
    (its goods lie in bond), ParcelDeclaredIs or PapersIncomplete (one that goes abroad lacks something), none. With
    `seller_id` only that seller's. The purchase cost of own goods leaves the books: cost_of_goods -> own_stock."""
    orders = await locks.lock(tx, cell, [s.order_id for s in shipments], ("paid",), seller_id=seller_id)
    await screening.require_free(tx, cell, [order.id for order in orders])
    await papers.check(tx, cell, orders)
    rows = await tx.all(store.LINES, cell=cell, ids=[order.id for order in orders])
    lines = _as_goods(rows)
    parcels = {s.order_id: (s.carrier, s.tracking_number) for s in shipments}
    await bonded.require_released(tx, cell, lines, parcels)
    costs = await inventory.ship(tx, cell, lines)
    if any(costs):
        of = {"orders": [row.order_id for row in rows], "lines": [row.line_no for row in rows]}
        await tx.run(store.LINE_COSTS, cell=cell, costs=costs, **of)
    await request_fulfillment(tx, cell, [order.id for order in orders])
    await logistics.ship(tx, cell, shipments)
    dues = await _dues(tx, orders, "untracked_after_s")
    await tx.run(store.SHIPPED, cell=cell, now=tx.now, ids=[o.id for o in orders], due_ats=dues)
    await _post_costs(tx, cell, orders, lines, costs)
    _tell(tx, cell, "order_shipped", orders)


async def _post_costs(
    tx: Tx, cell: int, orders: Sequence[OrderRow], lines: Sequence[Goods], costs: Sequence[int]
) -> None:
    of_order: dict[UUID, int] = {}
    for line, cost in zip(lines, costs, strict=True):
        if cost:
            of_order[line.cause_id] = of_order.get(line.cause_id, 0) + cost
    steps = [
        Step(o.id, "cogs", ("cost_of_goods", NIL), ("own_stock", NIL), o.currency, of_order[o.id])
        for o in orders
        if o.id in of_order
    ]
    await money.post(tx, cell, steps)


async def deliver_many(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> int:
    """Notes that orders were delivered and starts the buyer's time to object; the number that this is news for."""
    orders = [o for o in await tx.all(store.LOCK_ORDERS, cell=cell, ids=order_ids) if o.status == "shipped"]
    if orders:
        dues = await _dues(tx, orders, "confirm_after_s")
        await tx.run(store.DELIVERED, cell=cell, now=tx.now, ids=[o.id for o in orders], due_ats=dues)
        _tell(tx, cell, "order_delivered", orders)
    return len(orders)


async def release_many(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> int:
    """Releases what is left of shipped or delivered orders beside their parts (parts.freeze) from escrow, but for those
    that are held; the number of orders that this is news for."""
    orders = [
        o for o in await tx.all(store.LOCK_ORDERS, cell=cell, ids=order_ids) if o.status in ("shipped", "delivered")
    ]
    held = await screening.held(tx, cell, [o.id for o in orders])
    orders = [o for o in orders if o.id not in held]
    if not orders:
        return 0
    left = await money.beside_parts(tx, cell, orders)
    await money.post(tx, cell, await settling.released(tx, cell, [(o.id, o) for o in left]))
    await tx.run(store.ENDED, cell=cell, now=tx.now, ids=[o.id for o in orders], status="completed")
    _tell(tx, cell, "order_completed", orders)
    return len(orders)


async def release_due(tx: Tx, cell: int) -> int:
    """Confirms in the place of buyers who said nothing in time; how many."""
    return await _due(tx, cell, "release", store.DUE_FOR_RELEASE, tx.now, lambda orders: release_many(tx, cell, orders))


async def _due(
    tx: Tx, cell: int, job: str, query: Query[UUID], now: datetime, work: Callable[[Sequence[UUID]], Awaitable[int]]
) -> int:
    """A batch of what is due at `now`; how much was done. What fails stays due and is passed over: another batch then
    follows in the same round, so that those behind many culprits get their turn as well."""
    done, passed = 0, list[UUID]()
    while len(passed) < PASSED_MAX:
        ids = await tx.all(query, cell=cell, now=now, passed=passed, limit=BATCH)
        did, culprits = await in_halves(tx, job, ids, work)
        done, passed = done + did, passed + culprits
        if not culprits:
            break
    return done


async def confirm(tx: Tx, cell: int, order_id: UUID, buyer_id: UUID) -> None:
    """The buyer, whose cell it is, has what was ordered. Raises NotFound, WrongStatus and OrderHeld."""
    cell = await tx.one(store.CELL_OF_ORDER, cell=cell, id=order_id)
    await locks.lock(tx, cell, [order_id], ("shipped", "delivered"), buyer_id=buyer_id)
    if not await release_many(tx, cell, [order_id]):
        raise OrderHeld(show("ord", order_id))


async def cancel_own(tx: Tx, cell: int, order_id: UUID, buyer_id: UUID) -> None:
    """The buyer, whose cell it is, cancels an order that is not shipped. Raises NotFound and WrongStatus."""
    sold_in = await tx.one(store.CELL_OF_ORDER, cell=cell, id=order_id)
    await cancel(tx, sold_in, [order_id], buyer_id=buyer_id)


async def cancel(
    tx: Tx, cell: int, order_ids: Sequence[UUID], *, buyer_id: UUID | None = None, seller_id: UUID | None = None
) -> None:
    """Cancels paid orders of a cell that are not shipped: stock and money go back. All, or by raising NotFound or
    WrongStatus none. With `buyer_id` or `seller_id` only theirs."""
    await locks.lock_buyers_below(tx, cell, order_ids)
    orders = await locks.lock(tx, cell, order_ids, ("paid",), buyer_id=buyer_id, seller_id=seller_id)
    ids = [order.id for order in orders]
    await inventory.move(tx, cell, "give_back", await _goods(tx, cell, ids))
    await logistics.cancel_requests(tx, cell, ids)
    await _give_back(tx, cell, orders, "canceled")


async def refund(tx: Tx, cell: int, order_ids: Sequence[UUID], *, seller_id: UUID | None = None) -> None:
    """Refunds shipped or delivered orders in full before they are released, but for their parts, which end by
    themselves. All or, by raising NotFound or WrongStatus, none. The goods stay where they are: a return is a movement
    of its own. So does what was paid for the border: it is customs' now."""
    await locks.lock_buyers_below(tx, cell, order_ids)
    orders = await locks.lock(tx, cell, order_ids, ("shipped", "delivered"), seller_id=seller_id)
    await _give_back(tx, cell, orders, "refunded")


async def _give_back(tx: Tx, cell: int, orders: Sequence[OrderRow], status: str) -> None:
    """Ends orders; what is left of them beside their parts goes back to where it came from (money.refunded)."""
    await tx.run(store.ENDED, cell=cell, now=tx.now, ids=[o.id for o in orders], status=status)
    left = await money.beside_parts(tx, cell, orders)
    if status == "refunded":
        left = [msgspec.structs.replace(order, duties_minor=0) for order in left]
    canceled = [o.id for o in left if status == "canceled"]
    borders = await tx.all(store_borders.CANCELED_BORDERS, cell=cell, order_ids=canceled)
    crossed = {border.order_id: border.charged_back_minor for border in borders}
    homes = sorted({o.group_cell for o in orders})
    steps: dict[int, list[Step]] = {there: [] for there in sorted({cell, *homes})}
    for home in homes:
        mine = [o for o in left if o.group_cell == home]
        if home >= cell and homes != [cell]:  # below it they are locked; in one cell what follows locks them
            await locks.lock_buyers(tx, home, mine)
        await _give_back_quotas(tx, home, list({o.group_id for o in mine}))
        for order in mine:
            if order.slot_id is not None and status == "canceled":
                await pricing.give_back(tx, home, order.group_id, order.slot_id)
        for order in mine:
            if order.withheld_minor:
                await taxes.note(tx, cell, order.id, order, await taxes.withheld_left(tx, cell, order.id))
            elif order.id in crossed:
                await taxes.note(tx, cell, order.id, order, await taxes.of_units(tx, cell, order.id, None))
        refunded = await money.refunded(tx, cell, home, [(o.id, o) for o in mine], status, crossed)
        for there, some in refunded.items():
            steps[there] += some
    for there, some in steps.items():  # the house's accounts come last, when everything else is locked
        await money.post(tx, there, some)
    _tell(tx, cell, f"order_{status}", orders)


async def _give_back_quotas(tx: Tx, home: int, groups: Sequence[UUID]) -> None:
    for gone in await tx.all(store.GIVE_BACK_QUOTAS, cell=home, now=tx.now, groups=groups):
        left = [await tx.one(store.IS_ONE_LEFT, cell=c, group_id=gone.group_id) for c in gone.other_cells]
        if not any(left):
            await tx.run(store.GIVE_BACK_ALL_QUOTAS, cell=home, now=tx.now, groups=[gone.group_id])


async def _goods(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> list[Goods]:
    return _as_goods(await tx.all(store.LINES, cell=cell, ids=order_ids))


def _as_goods(rows: Sequence[LineRow]) -> list[Goods]:
    return [Goods(row.stock_id, row.quantity, row.order_id) for row in rows]


async def _dues(tx: Tx, orders: Sequence[OrderRow], after: str) -> list[datetime]:
    """When each order's timer rings, by its market's terms of today."""
    terms = {market: await sellers.terms_at(tx, market, tx.now) for market in {o.market for o in orders}}
    return [tx.now + timedelta(seconds=getattr(terms[o.market], after)) for o in orders]


def _tell(tx: Tx, cell: int, kind: str, orders: Sequence[OrderRow]) -> None:
    for order in orders:
        tx.emit(kind, order.id, {"seller_id": order.seller_id, "buyer_id": order.buyer_id}, cell)


def _tell_groups(tx: Tx, cell: int, kind: str, groups: Sequence[GroupRow], orders: Sequence[OrderRow]) -> None:
    """Each cell tells of its own orders."""
    for group in groups:
        mine = [order.id for order in orders if order.group_id == group.id]
        tx.emit(kind, group.id, {"buyer_id": group.buyer_id, "orders": mine}, cell)
