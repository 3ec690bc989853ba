"""Who acts in the simulated world, and what each may do next: buyers, sellers, the operator, carriers, the gateway.

An actor is a function of the World. It draws what it does from `world.chance` and nothing else. A client sends every
write with a key, again and again until it has an answer, whatever breaks (entrepot.world.faults); what it was answered
once it must be answered always. Refusals are part of life, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from entrepot import (
    catalog,
    exchange,
    inventory,
    ledger,
    logistics,
    orders,
    payments,
    pricing,
    sellers,
)
from entrepot.inventory import Goods
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import DatabaseAway, Problem
from entrepot.kit.sql import sql
from entrepot.orders import Place, Purchase, Verdict
from entrepot.world import meeting, slotting
from entrepot.world.faults import KilledError
from entrepot.world.gateway_webhooks import sign
from entrepot.world.scene import LIVE_MAX, LiveOrder, Offer, World, ask, until_answered

# Buyers

Wanted = tuple[UUID, str, list[tuple[int, int]], str, str | None]
"""(buyer, market, (offer, quantity) of each line, shipping, promotion)."""
WAYS = ("standard", "standard", "free", "free", slotting.SERVICE)
BATCHES = (1, 1, 2, 3, 6)
"""Buyers that come at the same time."""
QUOTES_MAX = 20
"""Older ones are forgotten, as most carts are."""


async def ask_price(world: World) -> None:
    """Some buyers get quotes, in one batch. Until they are placed anything may happen."""
    purchases = [purchase(world) for _ in range(world.chance.choice(BATCHES))]
    quotes = await until_answered(lambda: world.db.transact(lambda tx: quote(tx, world, purchases), durable=False))
    for wanted, quoted in zip(purchases, quotes, strict=True):
        if quoted is not None:
            world.quotes.append((wanted[0], quoted))


async def shop(world: World) -> None:
    """Some of the quotes are placed, in one batch; now and then one twice, or somebody else's."""
    chance = world.chance
    quotes = [choose(world) for _ in range(min(chance.choice(BATCHES), len(world.quotes)))]
    commands = [_place(world, *quote) for quote in quotes]
    if commands and chance.random() < 0.2:
        model = chance.choice(commands)
        commands.insert(
            chance.randrange(len(commands) + 1),
            chance.choice(
                (
                    model,
                    msgspec.structs.replace(model, key=world.key()),
                    msgspec.structs.replace(model, quote_id=chance.choice(commands).quote_id),
                    msgspec.structs.replace(model, caller=chance.choice(world.buyers)),
                )
            ),
        )
    await _send(world, commands)


def choose(world: World) -> tuple[UUID, UUID]:
    """A quote that was asked for lately, or one that somebody has kept, and its buyer."""
    kept = world.quotes[-QUOTES_MAX:]
    chosen = kept.pop(-1 if world.chance.random() < 0.8 else world.chance.randrange(len(kept)))
    world.quotes = kept
    return chosen


def purchase(world: World) -> Wanted:
    """What some buyer wants."""
    chance = world.chance
    market = chance.choice(sorted(world.markets))
    offers = [offer.id for offer in world.offers + world.bundles if offer.market == market]
    lines = [
        (offer, chance.choice((1, 1, 1, 2, 3, 8, 40))) for offer in chance.sample(offers, chance.choice((1, 1, 2, 4)))
    ]
    promotion = chance.choice((None, None, None, "ten", "gift", "five"))
    code = promotion and world.promotion(market, promotion)
    return chance.choice(world.buyers), market, lines, chance.choice(WAYS), code


async def quote(tx: Tx, world: World, purchases: list[Wanted]) -> list[UUID | None]:
    """Quotes, each in its buyer's cell; None for one that a limit refuses."""
    wanted = [offer for _, _, lines, _, _ in purchases for offer, _ in lines]
    of = {fact.offer_id: fact for cell in world.cells for fact in await catalog.offers_for_quote(tx, cell, wanted)}
    asked = []
    for buyer, market, lines, shipping, promotion in purchases:
        goods = [pricing.Line(of[offer], quantity) for offer, quantity in lines]
        code, slot = await slotting.choose(tx, market, shipping)
        asked.append(Purchase(buyer, market, code, goods, promotion_code=promotion, slot=slot))
    return await _quote_asked(tx, world, asked)


async def _quote_asked(tx: Tx, world: World, asked: list[Purchase]) -> list[UUID | None]:
    homes = {world.cell_of[purchase.buyer_id] for purchase in asked}
    try:
        if len(homes) == 1:
            return list(await orders.quote_many(tx, homes.pop(), asked))
    except (
        pricing.LimitReached,
        pricing.PromotionNotValid,
        pricing.SlotFull,
        exchange.NotExchanged,
    ):  # for one: each of two halves, then
        if len(asked) == 1:
            return [None]
    half = len(asked) // 2
    return await _quote_asked(tx, world, asked[:half]) + await _quote_asked(tx, world, asked[half:])


def _place(world: World, buyer: UUID, quote: UUID) -> Place:
    return Place(buyer, world.key(), quote, world.chance.choice(("wallet", "wallet", "sandbox")))


async def _send(world: World, commands: list[Place]) -> list[Verdict]:
    """Places until there is an answer. An acknowledged command that is new adds its orders to the live ones."""
    told = []
    for home in world.cells:
        mine = [command for command in commands if world.cell_of[command.caller] == home]
        if mine:
            verdicts = await until_answered(lambda home=home, mine=mine: orders.place(world.db, home, mine))  # type: ignore[misc]
            await note(world, mine, verdicts)
            told += verdicts
    return told


async def note(world: World, commands: list[Place], verdicts: list[Verdict]) -> None:
    """Keeps what was acknowledged."""
    placed = list[UUID]()
    for command, verdict in zip(commands, verdicts, strict=True):
        world.counts[f"place: {verdict.verdict}"] += 1
        if verdict.group_id is None:
            continue
        assert verdict.group_id == command.quote_id, "a group has the id of its quote"
        if command.quote_id not in world.groups and command.quote_id not in placed:
            world.placed.append(command)
            placed.append(command.quote_id)
    await acknowledge(world, placed)


async def acknowledge(world: World, groups: Sequence[UUID]) -> None:
    """Keeps the orders of those that are new."""
    new = [group for group in dict.fromkeys(groups) if group not in world.groups]
    if new:
        world.groups.update(new)
        async with world.db.read() as tx:
            for cell in world.cells:
                world.live += await tx.all(_ORDERS, cell=cell, groups=new)
    world.live = world.live[-LIVE_MAX:]


_ORDERS = sql(
    """
    select cell, id, seller_id, buyer_id, group_id from orders.order
     where cell = :cell and group_id = any (:groups)
     order by array_position(:groups, group_id), id
    """,
    LiveOrder,
)


async def place_again(world: World) -> None:
    """A buyer who is not sure sends again what was acknowledged long ago: the same answer, and nothing happens."""
    if not world.placed:
        return
    command = world.chance.choice(world.placed)
    (verdict,) = await _send(world, [command])
    assert (verdict.verdict, verdict.replayed, verdict.group_id) == ("placed", True, command.quote_id), verdict


async def top_up(world: World) -> None:
    chance = world.chance
    buyer, currency = chance.choice(world.buyers), chance.choice(sorted(world.markets.values()))
    amount, cause = chance.randrange(1, 30_000), new_id(world.clock.now())
    cell = world.cell_of[buyer]
    if await ask(world, NIL, "top_up", lambda tx: payments.top_up(tx, cell, buyer, currency, amount, cause)):
        world.paid_in[buyer, currency] += amount


# What happens to an order


_STATUS = sql("select status from orders.order where cell = :cell and id = :id", str)
_LIKELY = {
    "awaiting_payment": ("cancel_unpaid", "cancel"),
    "paid": ("ship", "ship", "ship", "cancel", "cancel_by_seller", "cancel_line", "cancel_line", "refund_amount"),
    "shipped": ("scan", "scan", "scan", "confirm", "refund", "refund_amount"),
    "delivered": ("confirm", "confirm", "scan", "refund", "refund_amount"),
}
_ANYTHING = (
    "ship", "scan", "confirm", "cancel", "cancel_by_seller", "cancel_unpaid", "cancel_line", "refund", "refund_amount",
    "refund_amount",
)  # fmt: skip


async def go_on(world: World) -> None:
    """Somebody does something to an order: usually what fits its status, sometimes anything."""
    if not world.live:
        return
    chance = world.chance
    order = chance.choice(world.live)
    async with world.db.read() as tx:
        status = await tx.one(_STATUS, cell=order.cell, id=order.id)
    likely = _LIKELY.get(status)
    if likely is None and chance.random() < 0.8:
        world.live.remove(order)
        return
    verb = chance.choice(_ANYTHING if likely is None or chance.random() < 0.1 else likely)
    if verb == "scan":
        await _scan(world, order)
    else:
        await ask(world, order.buyer_id, verb, lambda tx: _do(tx, world, verb, order))


class _Scarce(msgspec.Struct, frozen=True):
    offer_id: int
    left: int
    price_minor: int
    price_per: int
    currency: str


# What the first line of an order sells, be it a bundle, and how much of it is left.
_SCARCE = sql(
    """
    select l.offer_id, coalesce(inventory.bundles_left(l.cell, l.offer_id), s.on_hand - s.held - s.allocated),
           f.unit_price_minor, f.price_per, o.currency
      from orders.order o
      join orders.order_line l on l.cell = o.cell and l.order_id = o.id and l.line_no = 1
      join inventory.stock s on s.cell = l.cell and s.id = l.stock_id
      join catalog.offer f on f.cell = l.cell and f.id = l.offer_id
     where o.cell = :cell and o.id = :id
    """,
    _Scarce,
)


async def two_at_once(world: World) -> None:
    """A buyer wants half of what is left, or can be paid for, and one more, of what an order has. At the same time the
    buyer wants as much again, or sends the same twice, or something happens to that order. The two meet between any two
    statements of either."""
    if not world.live:
        return
    chance, order = world.chance, world.chance.choice(world.live)
    async with world.db.read() as tx:
        status = await tx.one(_STATUS, cell=order.cell, id=order.id)
        scarce = await tx.maybe(_SCARCE, cell=order.cell, id=order.id)
    if scarce is None or scarce.offer_id not in world.listed:  # it went with another order, or is of a campaign
        return
    world.luck(good=True, rate=0)
    halves = await _two_halves(world, order, scarce)
    if len(halves) < 2:  # it is not for sale now: there is no rate for its price
        return
    more, as_much = halves
    verb = chance.choice(_LIKELY.get(status, _ANYTHING))
    other = chance.choice((as_much, more, None, None, None))
    works = (
        _placing(world, order, more),
        _placing(world, order, other) if other else lambda tx: _do(tx, world, verb, order),
    )
    turn = chance.choice((1, -1, -1))
    placed, done = (await meeting.meet(world.db, works[::turn], chance.randrange(1, 12)))[::turn]
    for command, answer in ((more, placed), (other, done)):
        if command is not None and not isinstance(answer, BaseException):
            await note(world, [command], answer)
        elif isinstance(answer, Problem):
            world.counts[f"{verb}, two at once: {answer.code()}"] += 1
        elif isinstance(answer, BaseException):
            raise answer
        else:
            world.counts[f"{verb}, two at once"] += 1


async def _two_halves(world: World, order: LiveOrder, scarce: _Scarce) -> list[Place]:
    """Two purchases that can be made alone, and not both."""
    home = world.cell_of[order.buyer_id]
    async with world.db.read() as tx:
        funds_minor = await ledger.balance(tx, home, "wallet", scarce.currency, order.buyer_id)
    can_pay = funds_minor * scarce.price_per // scarce.price_minor
    wanted = [(scarce.offer_id, min(scarce.left, can_pay) // 2 + 1)]
    market = next(offer.market for offer in world.offers + world.bundles if offer.id == scarce.offer_id)
    purchases: list[Wanted] = [(order.buyer_id, market, wanted, "free", None)] * 2
    quotes = await world.db.transact(lambda tx: quote(tx, world, purchases), durable=False)
    return [Place(order.buyer_id, world.key(), quote, "wallet") for quote in quotes if quote is not None]


def _placing(world: World, order: LiveOrder, command: Place) -> meeting.Work:
    home = world.cell_of[command.caller]
    place = orders.place_many if home == order.cell else orders.place_spanning
    return lambda tx: place(tx, home, [command])


async def _do(tx: Tx, world: World, verb: str, order: LiveOrder) -> None:
    cell, home = order.cell, world.cell_of[order.buyer_id]
    match verb:
        case "ship":
            shipment = logistics.NewShipment(order.id, "house", order.id.hex)
            await orders.ship_many(tx, cell, [shipment], order.seller_id)
        case "confirm":
            await orders.confirm(tx, home, order.id, order.buyer_id)
        case "cancel":
            await orders.cancel_own(tx, home, order.id, order.buyer_id)
        case "cancel_unpaid":
            await orders.cancel_unpaid(tx, home, order.group_id, order.buyer_id)
        case "cancel_by_seller":
            await orders.cancel(tx, cell, [order.id], seller_id=order.seller_id)
        case "cancel_line":
            await orders.cancel_lines(tx, home, order.id, {world.keys % 2 + 1: 1}, buyer_id=order.buyer_id)
        case "refund_amount":
            amount_minor = world.keys % 700 + 1
            await orders.refund_amount(tx, cell, order.id, 1, amount_minor, "A gift.", seller_id=order.seller_id)
        case "refund":
            await orders.refund(tx, cell, [order.id], seller_id=order.seller_id)
        case "scan":
            await logistics.track(tx, cell, [logistics.Scan("house", order.id.hex, "delivered", tx.now)])


async def _scan(world: World, order: LiveOrder) -> None:
    """The carrier tells some stages of a parcel, in any order and some of them twice."""
    chance, now = world.chance, world.clock.now()
    stages = chance.choices(("in_transit", "out_for_delivery", "delivered"), k=chance.choice((1, 2, 4)))
    scans = [logistics.Scan("house", order.id.hex, stage, now) for stage in stages]

    async def track(tx: Tx) -> None:
        await logistics.track(tx, order.cell, scans)

    await ask(world, NIL, "scan", track)


# Sellers and the operator


async def receive(world: World) -> None:
    offer, units = world.chance.choice(world.offers), world.chance.randrange(1, 25)
    await stock_up(world, offer, units, new_id(world.clock.now()))


async def stock_up(world: World, offer: Offer, units: int, receipt: UUID) -> None:
    """Goods come in; the operator's own were bought: own_stock -> supplier."""
    goods = [Goods(offer.stock, units, receipt)]

    async def put(tx: Tx) -> None:
        if offer.own:
            await inventory.buy(tx, offer.cell, goods, [units * 137], offer.currency)
        else:
            await inventory.receive(tx, offer.cell, goods)

    if await ask(world, offer.seller, "receive", put):
        world.received[offer.stock] += units


async def correct(world: World) -> None:
    """Somebody counts a shelf, and finds more or less than there should be; sometimes less than was promised."""
    offer, delta = world.chance.choice(world.offers), world.chance.choice((-12, -2, -1, -1, 1, 3))
    reason: inventory.Reason = "found" if delta > 0 else "lost"

    async def count(tx: Tx) -> None:
        await inventory.adjust(tx, offer.cell, offer.seller, offer.stock, delta, reason, NIL)

    if await ask(world, offer.seller, "adjust", count):
        world.adjusted[offer.stock] += delta


async def change_price(world: World) -> None:
    offer, price = world.chance.choice(world.offers + world.bundles), world.chance.choice((1, 99, 1_000, 2_499, 10_001))
    await ask(
        world, offer.seller, "set_price",
        lambda tx: catalog.set_prices(tx, offer.cell, [offer.id], [price], offer.seller),
    )  # fmt: skip


async def open_or_close(world: World) -> None:
    """An offer is paused or resumed, or a whole seller suspended or reinstated."""
    offer = world.chance.choice(world.offers + world.bundles)
    verb, work = world.chance.choice(
        (
            ("pause", lambda tx: catalog.pause_offer(tx, offer.cell, offer.seller, offer.id)),
            ("resume", lambda tx: catalog.resume_offer(tx, offer.cell, offer.seller, offer.id)),
            ("resume", lambda tx: catalog.resume_offer(tx, offer.cell, offer.seller, offer.id)),
            ("suspend", lambda tx: sellers.suspend(tx, sellers.SellerId(offer.seller))),
            ("reinstate", lambda tx: sellers.reinstate(tx, sellers.SellerId(offer.seller))),
            ("reinstate", lambda tx: sellers.reinstate(tx, sellers.SellerId(offer.seller))),
        )
    )

    async def do(tx: Tx) -> None:
        await work(tx)

    await ask(world, offer.seller, verb, do)


async def change_terms(world: World) -> None:
    """The operator asks for other fees and gives other times, from now on."""
    chance = world.chance
    terms = terms_of(
        chance.choice(sorted(world.markets)), world.clock.now(), chance.choice((0, 300, 1_000, 2_500)),
        chance.choice((60, 900, 5 * 86_400)),
    )  # fmt: skip
    await ask(world, NIL, "set_terms", lambda tx: sellers.set_terms(tx, terms))


def terms_of(market: str, valid_from: Any, commission_bp: int, payment_ttl_s: int) -> sellers.Terms:
    return sellers.Terms(
        market=market, valid_from=valid_from, commission_bp=commission_bp, payment_fee_bp=150, quote_ttl_s=1_800,
        payment_ttl_s=payment_ttl_s, confirm_after_s=7 * 86_400, untracked_after_s=30 * 86_400, source="simulation",
    )  # fmt: skip


# The gateway, time and the worker


async def decide(world: World) -> None:
    """A buyer approves or declines at the gateway, whether we still wait for it or not."""
    if waiting := world.bank.open_payments():
        payment = world.chance.choice(waiting)
        decided = world.bank.book.decide(payment.id, "failed" if world.chance.random() < 0.25 else "captured")
        world.counts[f"decide: {decided.status}"] += 1


async def deliver_webhook(world: World) -> None:
    """One of the gateway's letters arrives: any of them, now and then for the first of several times, or gets lost."""
    letters, chance = world.bank.letters, world.chance
    if not letters:
        return
    number = chance.randrange(len(letters))
    fate = chance.random()
    if fate > 0.1:
        if not await _take(world, letters[number]):
            return
        world.counts["webhook"] += 1
    if fate < 0.8:
        letters.pop(number)


async def _take(world: World, letter: msgspec.Struct) -> bool:
    """Whether the shop took it; if not, the gateway tries again later."""
    body = msgspec.json.encode(letter)
    headers = {"entrepot-signature": sign(world.gateway.secret, world.clock.now(), body)}
    try:
        await payments.take_webhook(world.db, world.gateway, headers, body, orders.settle)
    except (DatabaseAway, KilledError):
        return False
    return True


async def pass_time(world: World) -> None:
    seconds = world.chance.choice((1, 30, 30, 300, 900, 3_600, 6 * 3_600, 86_400, 4 * 86_400))
    world.clock.advance(timedelta(seconds=world.chance.randrange(1, seconds + 1)))
