"""Buyers of the simulated world who turn to their banks, and banks that decide; what that leaves to the operator."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from uuid import UUID

from entrepot import chargebacks, payments
from entrepot.chargebacks import Rule
from entrepot.kit.db import Tx
from entrepot.kit.sql import sql
from entrepot.world.gateway_book import DisputeEnd, DisputeOrder
from entrepot.world.scene import World

LOOKED_AGAIN = timedelta(hours=7)
"""After so long the shop has looked again at all that is disputed."""
_FAILED = sql("select id from payments.refund where cell = :cell and status = 'failed' order by id", UUID)


async def set_up(tx: Tx, world: World) -> None:
    """One of the sellers bears what banks take back; what the other sold is the operator's loss."""
    rule = Rule(None, world.sellers[0], None, world.clock.now(), "seller", "simulation")
    await chargebacks.add_rule(tx, rule)


async def turn_to_bank(world: World) -> None:
    """A bank takes a payment, or some of it, or only asks; or it decides. The shop hears of it by letters, if at all:
    it costs no statement."""
    book, chance = world.bank.book, world.chance
    waiting = [dispute for dispute in book.disputes.values() if dispute.status not in ("won", "lost")]
    if waiting and chance.random() < 0.5:
        dispute = chance.choice(waiting)
        ways: tuple[Literal["won", "lost"], ...] = ("won", "lost", "lost") if dispute.withdrawn_minor else ("won",)
        some = chance.choice((None, None, (dispute.withdrawn_minor + 2) // 3))
        end = DisputeEnd(chance.choice(ways), some, fee_back=chance.random() < 0.3)
        ended = book.close_dispute(dispute.id, end)
        world.counts[f"bank: {ended.status}"] += 1
        return
    paid = [
        (payment.id, payment.order.amount_minor - payment.disputed_minor)
        for payment in book.payments.values()
        if payment.status == "captured" and payment.disputed_minor < payment.order.amount_minor
    ]
    if paid:
        payment, left = chance.choice(paid)
        order = DisputeOrder(max(1, left // chance.choice((1, 1, 2, 7))), fee_minor=7, inquiry=chance.random() < 0.1)
        book.dispute(payment, order)
        world.counts["bank: asked" if order.inquiry else "bank: taken"] += 1


async def decide_all(world: World) -> None:
    """Banks leave nothing undecided, and the shop asks for what no letter has told of."""
    for dispute in list(world.bank.book.disputes.values()):
        if dispute.status not in ("won", "lost"):
            world.bank.book.close_dispute(dispute.id, DisputeEnd("won"))
    world.clock.advance(LOOKED_AGAIN)
    await payments.list_disputes(world.db, world.client, world.gateway)


async def credit_failed(world: World) -> None:
    """What the gateway would not give back, since a bank has it or some of it, the operator gives into the wallet."""
    for cell in world.cells:
        async with world.db.write() as tx:
            for refund in await tx.all(_FAILED, cell=cell):
                await payments.credit_refund(tx, refund)
