"""The money of plans: the funder's accounts are the house's, in the buyer's cell.

funder is below zero by what is lent and still owed: funder 100 -> escrow 100 when it pays a purchase, wallet 33 ->
funder 33 when an installment is paid, funder_loss 67 -> funder 67 when the rest is given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot import ledger
from entrepot.credit.rules import Charge
from entrepot.credit.types import Plan
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.ledger import Transfer

Account = tuple[str, UUID]
"""(code, owner)."""
FUNDER, LOSS, FEE, LATE_FEE = ("funder", NIL), ("funder_loss", NIL), ("plan_fee", NIL), ("late_fee", NIL)
BANK_LOSS = ("chargeback_loss", NIL)
BEARERS = {"seller": ("payment_fee", NIL), "platform": ("promotions", NIL)}
"""Who pays a fee that the buyer does not: the operator, who has a seller's with its payment fee."""


class Move(NamedTuple):
    """`amount` of a currency from one account to another, known by its cause and code."""

    cause: UUID
    code: str
    debit: Account
    credit: Account
    currency: str
    amount: int


def collected(plan: Plan, payment_id: UUID, payer: Account, found: Sequence[Charge]) -> list[Move]:
    """What a payment pays. Of what was given up the principal makes up for the loss."""
    lender = LOSS if plan.status == "defaulted" else FUNDER
    return [
        Move(payment_id, "principal", payer, lender, plan.currency, sum(charge.principal for charge in found)),
        Move(payment_id, "fee", payer, FEE, plan.currency, sum(charge.fee for charge in found)),
        Move(payment_id, "late_fee", payer, LATE_FEE, plan.currency, sum(charge.late_fee for charge in found)),
    ]


async def post(tx: Tx, cell: int, moves: Sequence[Move]) -> None:
    """Moves of nothing are none. Raises InsufficientFunds."""
    moves = [move for move in moves if move.amount]
    await ledger.post_all(tx, cell, [
        Transfer(m.cause, m.code, await _id(tx, cell, m.debit, m.currency), await _id(tx, cell, m.credit, m.currency),
                 m.amount)
        for m in moves
    ])  # fmt: skip


async def _id(tx: ReadTx, cell: int, account: Account, currency: str) -> int:
    (found,) = await ledger.account_ids(tx, cell, [account[0]], [account[1]], [currency])
    return found
