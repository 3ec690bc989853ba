"""The simulation: a seeded world with accidents against the real database, audited as it goes.

    entrepot sim --seed 7 --steps 20000

Each step lets one actor act (entrepot.world.actors); accidents happen between any two of their statements
(entrepot.world.faults). After each step the auditor looks at what it has touched, and every FULL_STEPS at everything.
In the end everything is brought to an end by time alone, and then must tie: nothing is held, nothing is in escrow, what
the gateway has is what the books say. The same seed gives the same world, step by step.

Every fourth seed's world has four cells: sellers and buyers are spread over them, and most baskets span some.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import asyncpg
import httpx
import msgspec

from entrepot import (
    accounts,
    catalog,
    disputes,
    exchange,
    inventory,
    ledger,
    logistics,
    orders,
    payments,
    pricing,
    sellers,
    webhooks,
)
from entrepot.kit.auth import Keys
from entrepot.kit.clock import VirtualClock, monotonic
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.sql import sql
from entrepot.world import (
    actors,
    banking,
    bonding,
    campaigning,
    charging,
    crossing,
    judging,
    lending,
    rates,
    slotting,
    working,
)
from entrepot.world.auditor import Finding, examine
from entrepot.world.auditor.touched import Books, changes, judge, open_books
from entrepot.world.customs import Moods
from entrepot.world.disputing import argue, complain, forgive
from entrepot.world.elsewhere import sell_elsewhere
from entrepot.world.faults import URL, Bank, Unlucky
from entrepot.world.ground import Ground, open_ground, own_database
from entrepot.world.scene import CELLS, Offer, World

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MARKETS = {"us": "USD", "jp": "JPY"}
PAYMENT_TTL_S = {"us": 900, "jp": 5 * 86_400}
"""A card pays at once; at a shop's counter one may pay days later, when the quote is long gone."""
ACCIDENT_RATE = 0.03
BUYERS = 8
OFFERS = 12
KEYS = Keys(b"the secret of a simulated shop")
BUNDLES: tuple[dict[int, int], ...] = ({0: 2, 6: 1}, {6: 3}, {1: 1, 7: 2}, {5: 1, 11: 1})
"""Units of offers, by number, in each bundle: the first two share one, the last is of the operator's own."""
FULL_STEPS = 1_000
"""A full audit comes after so many steps; what a step has touched is audited after each."""
VACUUM_STEPS = 4_000
"""Autovacuum is off: it came by chance. After each vacuum all plans are made anew, so there are few."""
SWEEP = 16
"""Balances and rows of stock of a cell that are looked at after a step besides those that it has changed."""
RESERVE_BP, RESERVE_S = 1_250, 5 * 86_400
"""Held back from one of the sellers."""
REST = (timedelta(), timedelta(days=6), timedelta(days=40), timedelta(days=15), timedelta(days=15), timedelta(days=5))
"""Time passes until the longest payment deadline, the last release and verdict, the payout after it, and its end."""


ACTORS: tuple[tuple[int, Callable[[World], Awaitable[None]]], ...] = (
    (18, actors.ask_price), (22, actors.shop), (3, actors.place_again), (4, actors.two_at_once), (4, actors.top_up),
    (30, actors.go_on), (7, actors.receive), (2, actors.correct), (3, actors.change_price), (3, actors.open_or_close),
    (1, actors.change_terms), (8, actors.decide), (8, actors.deliver_webhook), (10, actors.pass_time),
    (14, working.work), (3, complain), (6, argue), (1, forgive), (4, rates.tell), (4, lending.borrow),
    (4, lending.repay), (4, charging.charge), (4, judging.look), (3, judging.review), (4, crossing.ask_price_abroad),
    (3, sell_elsewhere), (2, slotting.change), (5, campaigning.campaign),
    (2, banking.turn_to_bank),
)  # fmt: skip
"""What happens in one step, and how often relative to the rest."""


class SimulationError(Exception):
    """What went wrong, in which step, and how to see it again."""

    def __init__(self, seed: int, step: int, name: str, error: Exception, steps: int) -> None:
        replay = f"./dev sim --seed {seed} --steps {steps}"
        super().__init__(f"seed {seed}, step {step} ({name}): {error!r}; again: {replay}")
        self.step = step


class Outcome(msgspec.Struct, frozen=True):
    """`state` is a hash of everything that a seed decides; `counts` says what happened how often."""

    steps: int
    state: str
    counts: dict[str, int]
    steps_per_s: int


def silent(_: str) -> None:
    pass


async def simulate(url: str, seed: int, steps: int, tell: Callable[[str], None] = silent) -> Outcome:
    """A world in the empty, migrated database at `url`. Raises SimulationError."""
    async with open_ground(url) as ground:
        return await play(ground, seed, steps, tell)


async def play(ground: Ground, seed: int, steps: int, tell: Callable[[str], None] = silent) -> Outcome:
    """A world on a ground that is clear. Raises SimulationError."""
    chance = Random(seed)  # noqa: S311 - a world must be repeatable
    bonded = seed % bonding.EACH == 5
    often = (*ACTORS, (30, bonding.trade_in_bond)) if bonded else ACTORS
    names, weights = [actor for _, actor in often], [weight for weight, _ in often]
    async with _world(ground.db, chance, CELLS if seed % 4 == 3 else 1) as world:
        auditor = await _auditor(ground, world)
        began, step, name = monotonic(), 0, "setting up"
        try:
            await _set_up(world)
            if bonded:
                async with world.db.write() as tx:
                    world.bond = await bonding.set_up(tx, world, Random(seed))  # noqa: S311 - a world must be repeatable
            await auditor.look(step)
            began = monotonic()
            while step < steps:
                (actor,) = chance.choices(names, weights)
                step, name = step + 1, actor.__name__
                world.luck(good=False, rate=ACCIDENT_RATE)
                await actor(world)
                assert not world.db.deadlocks, "two took the same locks in different orders: a deadlock"
                await auditor.look(step)
                if step % FULL_STEPS == 0:
                    name = "audit"
                    await _audited(world, auditor)
                    world.season += 1
                    async with world.db.write() as tx:
                        await _promote(tx, world)
                        await slotting.open_slots(tx, world)
                    tell(f"step {step:,} of {steps:,}")
                if step % VACUUM_STEPS == 0:
                    await ground.looks.execute("vacuum analyze")
            took, name = monotonic() - began, "the end"
            await _come_to_rest(world, auditor)
        except Exception as error:
            raise SimulationError(seed, step, name, error, steps) from error
        state = await _state(world)
        return Outcome(step, state, dict(sorted(world.counts.items())), round(step / max(took, 1e-9)))


@dataclass
class _Auditor:
    """Looks at what a step has touched, on connections of its own, before the next begins."""

    looks: asyncpg.Connection
    whole: asyncpg.Connection
    world: World
    books: list[Books]  # of each cell
    seen: int = -1  # so many of the world's commits; one that may be lost, of carts and quotes, promises nothing

    async def look(self, step: int) -> None:
        """Raises AssertionError for what it finds. Looks at nothing when nothing was committed since the last time."""
        if self.seen == self.world.db.commits:
            return
        self.seen = self.world.db.commits
        tx, findings = ReadTx(self.looks, self.world.clock.now()), list[Finding]()
        for number, new in enumerate(await changes(tx, self.books, lateness=timedelta())):
            happened = new.groups or new.causes
            swept = SWEEP if happened and step % len(self.books) == number else 0  # the cells in turn
            findings += await judge(tx, self.books[number], new, swept)
        assert not findings, findings[:3]

    async def look_at_all(self) -> None:
        """The full audit. Raises AssertionError for what it finds."""
        tx = ReadTx(self.whole, self.world.clock.now())
        for cell in self.world.cells:
            report = await examine(tx, cell)
            assert not report.findings, report.findings[:3]


async def _auditor(ground: Ground, world: World) -> _Auditor:
    tx = ReadTx(ground.looks, world.clock.now())
    return _Auditor(ground.looks, ground.whole, world, [await open_books(tx, cell) for cell in world.cells])


@asynccontextmanager
async def _world(db: Unlucky, chance: Random, cells: int) -> AsyncIterator[World]:
    clock = VirtualClock(START)
    db.clock, db.chance = clock, chance
    db.rate = db.deadlocks = db.commits = 0
    bank = Bank(chance, clock)
    gateway = payments.Gateway(URL, "http://shop.test", b"the secret of a simulated gateway")
    async with httpx.AsyncClient(transport=bank) as client:
        yield World(db, clock, chance, bank, client, gateway, MARKETS, list(range(cells)))


async def _set_up(world: World) -> None:
    """Two markets, three sellers of which one is the operator, offers with little stock, buyers with little money."""
    clock, chance = world.clock, world.chance
    async with world.db.write() as tx:
        for cell in world.cells[1:]:
            await tx.conn.execute("insert into kit.cell values ($1)", cell)
        for market, currency in MARKETS.items():
            await sellers.add_market(tx, sellers.Market(market, market.upper(), currency, "en"))
            await sellers.set_terms(tx, actors.terms_of(market, START, 1_000, PAYMENT_TTL_S[market]))
            await exchange.set_terms(tx, exchange.ExchangeTerms(market, START, 150, 7, False, "simulation"))
            for position, (code, base, item) in enumerate((("standard", 500, 100), ("free", 0, 0))):
                service = pricing.ShippingService(market, code, code.title(), base, item, 86_400, position)
                await pricing.add_shipping_service(tx, service)
            await lending.agree(tx, market, START)
        await _promote(tx, world)
        await slotting.open_slots(tx, world)
        for cell in world.cells:
            names = ["Warehouse 1", "Warehouse 2"]
            await logistics.import_locations(tx, cell, [1, 2], ["w1", "w2"], names, ["US", "JP"])
        await catalog.add_category(tx, "things", "Things")
        for number, kind in enumerate(("third_party", "third_party", "own")):
            seller = sellers.SellerId(new_id(tx.now))
            world.sellers.append(seller)
            cell = world.cell_of[seller] = world.cells[number % len(world.cells)]
            currencies = sorted(MARKETS.values())
            await sellers.open_seller(
                tx, seller, f"s{number}", f"Seller {number}", kind, currencies=currencies, cell=cell
            )
        for id_, currency in zip(world.sellers, sorted(MARKETS.values()), strict=False):  # not the operator
            await sellers.settle_in(tx, sellers.SellerId(id_), currency)
        await rates.tell_rates(tx, world)
        await charging.set_up(tx, world)
        await judging.set_up(tx, world)
        await banking.set_up(tx, world)
        await _listen(tx, world)
        reserve = payments.ReserveTerms(world.sellers[0], START, RESERVE_BP, RESERVE_S, "simulation")
        await payments.set_reserve(tx, reserve)
        world.buyers = [new_id(tx.now) for _ in range(BUYERS)]
        for number, buyer in enumerate(world.buyers):
            world.cell_of[buyer] = world.cells[number % len(world.cells)]
            await accounts.import_buyers(tx, [buyer], world.cell_of[buyer])
        for number in range(OFFERS):
            world.offers.append(await _open_offer(tx, world, number))
        for number, units in enumerate(BUNDLES):
            world.bundles.append(await _open_bundle(tx, world, number, units))
        await crossing.set_up(tx, world)
    await payments.list_disputes(world.db, world.client, world.gateway)  # from now on it knows since when to ask
    for offer in world.offers:
        await actors.stock_up(world, offer, chance.randrange(1, 60), new_id(clock.now()))
    for _ in range(4 * BUYERS):
        await actors.top_up(world)


async def _listen(tx: Tx, world: World) -> None:
    """The house and a seller want to be told everything: it is noted, and not sent."""
    for owner in (NIL, world.sellers[0]):
        await webhooks.add(tx, KEYS, owner, "https://receiver.example/", webhooks.NAMES, private=False)


async def _promote(tx: Tx, world: World) -> None:
    """The promotions of the world's season, in each market; after so many steps they are used up."""
    end = START + timedelta(days=36_500)
    for market in world.markets:
        for name, percent_bp, amount, party, limits in (
            ("ten", 1_000, None, "operator", {"budget_minor": 100_000}),
            ("gift", 10_000, None, "operator", {"max_per_buyer": 3}),
            ("five", None, 5, "seller", {"max_uses": 20, "max_per_buyer": 8}),
        ):
            code = world.promotion(market, name)
            await pricing.add_promotion(
                tx, pricing.Promotion(code, market, percent_bp, amount, 100, party, START, end, **limits)
            )


async def _open_offer(tx: Tx, world: World, number: int) -> Offer:
    market, seller = sorted(MARKETS)[number % 2], world.sellers[number // 2 % 3]
    cell = world.cell_of[seller]
    price_per = 1_000 if number % 5 == 0 else 1
    variant = catalog.NewVariant(sku=f"sku-{number}", price_per=price_per, unit="ml" if price_per > 1 else "each")
    category = (await catalog.categories(tx))[0].id
    product = await catalog.add_product(tx, catalog.NewProduct(f"Thing {number}", category, [variant]))
    (stock,) = await inventory.open_stock(tx, cell, [seller], product.variant_ids, [number % 2 + 1])
    made = await catalog.add_offer(
        tx, cell, catalog.NewOffer(seller, product.variant_ids[0], market, number % 2 + 1, stock, 1_999)
    )
    return Offer(made.id, seller, seller == world.sellers[2], market, MARKETS[market], stock, cell)


async def _open_bundle(tx: Tx, world: World, number: int, units: dict[int, int]) -> Offer:
    """A bundle of so many units of each of these offers."""
    one = world.offers[min(units)]
    new = catalog.NewProduct(
        f"Bundle {number}", (await catalog.categories(tx))[0].id, [catalog.NewVariant(f"set-{number}")]
    )
    variant = (await catalog.add_product(tx, new)).variant_ids[0]
    parts = [catalog.InBundle(world.offers[offer].id, n) for offer, n in units.items()]
    made = await catalog.add_bundle(tx, one.cell, one.seller, catalog.NewBundle(variant, 2_999, parts))
    return Offer(made.id, one.seller, one.own, one.market, one.currency, 0, one.cell)


async def _audited(world: World, auditor: _Auditor) -> None:
    """The worker catches up, for what is late is no mistake of the books; then the auditor finds nothing."""
    world.luck(good=True, rate=0)
    await _work(world)
    await auditor.look_at_all()


async def _work(world: World) -> None:
    while await working.round_(world):
        pass


_OPEN = sql("select id from orders.order where cell = :cell and status = 'paid' order by id", UUID)
_TO_DECIDE = sql(
    "select id from disputes.dispute where cell = :cell and status in ('escalated', 'appealed') order by id", UUID
)
_ENDS = {
    "orders that have not ended": "select count(*) from orders.order where ended_at is null",
    "stock that is held": "select sum(held + allocated) - coalesce((select sum(t.quantity) from channels.taken t "
    "join channels.sale s on s.cell = t.cell and s.id = t.sale_id where s.status = 'taken'), 0) from inventory.stock",
    "units set aside by campaigns that are over": "select sum(on_hand) from inventory.stock "
    "where aside_id <> '00000000-0000-0000-0000-000000000000'",
    "payments without an end": "select count(*) from payments.payment where status not in "
    "('captured', 'failed', 'returned')",
    "refunds without an end": "select count(*) from payments.refund where status not in "
    "('done', 'credited', 'charged_back')",
    "chargebacks without an end": "select "
    "(select count(*) from payments.chargeback where status not in ('won', 'lost')) "
    "+ (select count(*) from chargebacks.case where status <> 'closed') "
    "+ (select count(*) from chargebacks.share where status <> 'ended')",
    "disputes that are not closed": "select count(*) from disputes.dispute where status <> 'closed'",
    "plans that are open": "select count(*) from credit.plan where status = 'open'",
    # A seller may owe us what went back after its payout.
    "in escrow or owed to sellers": "select sum(abs(b.owed)) from (select account_id, sum(credits - debits) as owed "
    "from ledger.balance group by account_id) b join ledger.account a on a.id = b.account_id "
    "where a.code = 'escrow' or a.code = 'seller' and b.owed > 0",
}
"""What must be nothing once all deadlines have passed."""


async def _come_to_rest(world: World, auditor: _Auditor) -> None:
    """Good luck from now on: letters arrive, nobody does anything new, sellers cancel what they never sent."""
    world.luck(good=True, rate=0)
    await banking.decide_all(world)
    if world.bond is not None:
        world.bond.office.moods = Moods()
    for rest in REST:
        world.clock.advance(rest)
        while world.bank.letters:
            await actors.deliver_webhook(world)
        await _work(world)
        for cell in world.cells:
            async with world.db.write() as tx:
                await orders.cancel(tx, cell, await tx.all(_OPEN, cell=cell))
            await _decide(world, cell)
        await banking.credit_failed(world)
    await _work(world)
    async with world.db.read() as tx:
        for what, query in _ENDS.items():
            left = await tx.conn.fetchval(query)
            assert not left, f"{left} {what}"
        groups = await tx.conn.fetchval("select count(*) from orders.order_group")
        assert groups == len(world.groups), f"{groups} groups, and buyers know of {len(world.groups)}"
    await _gateway_ties(world)
    await _inputs_tie(world)
    await bonding.tie(world)
    await _audited(world, auditor)


async def _decide(world: World, cell: int) -> None:
    """The operator leaves nothing undecided: nobody gets anything."""
    async with world.db.read() as tx:
        waiting = await tx.all(_TO_DECIDE, cell=cell)
    for dispute in waiting:
        async with world.db.write() as tx:
            await disputes.act(tx, cell, dispute, "operator", disputes.Word("decide", "No.", 0))


async def _gateway_ties(world: World) -> None:
    kept: Counter[str] = Counter()
    for payment in world.bank.book.payments.values():
        if payment.status == "captured":
            back_minor = payment.refunded_minor + payment.disputed_minor
            kept[payment.order.currency] += payment.order.amount_minor - back_minor
    for dispute in world.bank.book.disputes.values():
        kept[dispute.currency] -= dispute.fee_minor
    async with world.db.read() as tx:
        for currency in sorted(MARKETS.values()):
            owed = -sum([await ledger.balance(tx, cell, "gateway", currency) for cell in world.cells])
            assert owed == kept[currency], f"the gateway has {kept[currency]} {currency}, the books say {owed}"


async def _inputs_tie(world: World) -> None:
    """What was sent once, however often it was tried, counts once."""
    async with world.db.read() as tx:
        for currency in sorted(MARKETS.values()):
            cash = -sum([await ledger.balance(tx, cell, "cash", currency) for cell in world.cells])
            told = sum(amount for (_, of), amount in world.paid_in.items() if of == currency)
            assert cash == told, f"{told} {currency} were paid in, the books say {cash}"
        for kind, told_units in (("receive", world.received), ("adjust", world.adjusted)):
            rows = await tx.conn.fetch("select stock_id, sum(on_hand_delta)::bigint from inventory.movement "
                                       "where kind = $1 group by stock_id", kind)  # fmt: skip
            assert {row[0]: row[1] for row in rows} == dict(told_units), f"{kind}: done twice, or never"


_STATE = {
    "orders": "select status, paid_minor, operator_discount_minor, placed_at, shipped_at, delivered_at, ended_at "
    "from orders.order",
    "payments": "select status, method, amount_minor, refunded_minor, attempts, captured_at from payments.payment",
    "refunds": "select status, amount_minor, attempts, reason from payments.refund",
    "stock": "select id, on_hand, cost_minor from inventory.stock",
    "movements": "select stock_id, kind, on_hand_delta, held_delta, allocated_delta, at from inventory.movement",
    "transfers": "select debit, credit, code, amount, at from ledger.transfer",
    "events": "select kind, at from kit.event",
    "disputes": "select kind, status, claimed_minor, offered_minor, granted_minor, opened_at from disputes.dispute",
    "chargebacks": "select k.status, k.withdrawn_minor, k.over_minor, k.returned_minor, s.amount_minor, s.lost_minor, "
    "s.from_parts_minor from chargebacks.case k left join chargebacks.share s on s.case_id = k.id",
    "plans": "select status, months, principal_minor, back_principal_minor, ended_at from credit.plan",
    "installments": "select no, due_at, principal_minor, fee_minor, status, paid_at, late_at from credit.installment",
    "payouts": "select currency, amount_minor, status, created_at from payments.payout",
}
"""Everything but ids, which are made by chance of another kind."""


async def _state(world: World) -> str:
    digest = hashlib.sha256(repr(sorted(world.counts.items())).encode())
    async with world.db.read() as tx:
        for name, query in _STATE.items():
            rows = sorted(repr(tuple(row)) for row in await tx.conn.fetch(query))
            digest.update(f"{name} {rows}".encode())
    return digest.hexdigest()[:16]


async def in_own_database(
    url: str, seed: int, steps: int, tell: Callable[[str], None] = silent, template: str = ""
) -> Outcome:
    """A world in a new database of the server at `url`, a copy of `template`, which is dropped afterwards."""
    async with own_database(url, f"entrepot_sim_{os.getpid()}", template) as own:
        return await simulate(own, seed, steps, tell)
