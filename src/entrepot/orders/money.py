"""The money of orders: out of escrow to sellers, and back to buyers and to the operator.

An OrderRow stands for what it says of amounts: of an order that has parts, for what is left beside them, and of a part,
for that part. `cause` names the transfers: the order's id or the part's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import credit, ledger, payments
from entrepot.credit import INSTALLMENTS, Back
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.ledger import Hold, Transfer
from entrepot.orders import shares, store_borders, store_parts
from entrepot.orders.store import OrderRow
from entrepot.orders.store_parts import Amounts

Account = tuple[str, UUID]
"""(code, owner)."""
ESCROW, GATEWAY, BETWEEN = ("escrow", NIL), ("gateway", NIL), ("between_cells", NIL)
DUTIES, FUNDER, FEE_TAX = ("duties", NIL), ("funder", NIL), ("fee_tax", NIL)
ADVANCED_TAX = ("advanced_tax", NIL)


class Step(NamedTuple):
    """`amount` of a currency from one account to another, known by its cause and code. With `until` it is only held,
    and free again at that time."""

    cause: UUID
    code: str
    debit: Account
    credit: Account
    currency: str
    amount: int
    until: datetime | None = None


def earned(cause: UUID, order: OrderRow, prefix: str = "") -> list[Step]:
    """Steps that release an order: escrow 107 -> seller 107, seller 10 -> commission 10, seller 2 -> payment_fee 2; a
    tax that was in the price and that the platform owes, seller 17 -> advanced_tax 17; own: escrow -> own_revenue. The
    codes of a part's have a prefix: a statement tells by it what the cause is."""
    earner = earner_of(order)
    return [
        Step(
            cause, f"{prefix}release", ESCROW, earner, order.currency, order.paid_minor + order.operator_discount_minor
        ),
        Step(cause, f"{prefix}commission", earner, ("commission", NIL), order.currency, order.commission_minor),
        Step(cause, f"{prefix}payment_fee", earner, ("payment_fee", NIL), order.currency, order.payment_fee_minor),
        Step(cause, f"{prefix}fee_tax", earner, FEE_TAX, order.currency, order.fee_tax_minor),
        Step(cause, f"{prefix}withheld", earner, ADVANCED_TAX, order.currency, order.withheld_minor),
    ]


def recalled(cause: UUID, order: OrderRow) -> list[Step]:
    """What was released comes back, and the seller may then owe us: seller 107 -> escrow 107, commission 10 -> seller
    10, payment_fee 2 -> seller 2, fee_tax 2 -> seller 2, advanced_tax 17 -> seller 17."""
    earner = earner_of(order)
    return [
        Step(cause, "recall", earner, ESCROW, order.currency, order.paid_minor + order.operator_discount_minor),
        Step(cause, "commission_back", ("commission", NIL), earner, order.currency, order.commission_minor),
        Step(cause, "payment_fee_back", ("payment_fee", NIL), earner, order.currency, order.payment_fee_minor),
        Step(cause, "fee_tax_back", FEE_TAX, earner, order.currency, order.fee_tax_minor),
        Step(cause, "withheld_back", ADVANCED_TAX, earner, order.currency, order.withheld_minor),
    ]


def earner_of(order: OrderRow) -> Account:
    """Whose an order's money is once it is released."""
    return ("own_revenue", NIL) if order.own else ("seller", order.seller_id)


async def refunded(
    tx: Tx,
    cell: int,
    home: int,
    orders: Sequence[tuple[UUID, OrderRow]],
    reason: str,
    banks_have: Mapping[UUID, int] = {},
) -> dict[int, list[Step]]:
    """Notes refunds of orders, each with its cause, to their buyers of one cell, and says the steps of each cell.

    escrow 100 -> wallet 100 (or what the gateway owes us), escrow 7 -> promotions 7. With 20 that were paid for the
    border: duties 20 -> escrow 20, escrow 120 -> wallet 120; what of them is a tax that the platform collected comes
    from the account of its scheme, and one that was in the price goes back to what was advanced: tax_oss 17 ->
    advanced_tax 17. To a buyer of another cell: escrow 100 -> between_cells 100 here, between_cells 100
    -> wallet 100 there. What a funder paid goes back to it: escrow 100 -> funder 100, and the buyer owes so much
    less. What of that `banks_have`, by cause, the buyer has: it was the operator's loss, escrow 20 -> chargeback_loss
    20."""
    steps: dict[int, list[Step]] = {cell: [], home: []}
    owed = [(cause, o, o.paid_minor + o.duties_minor - banks_have.get(cause, 0)) for cause, o in orders]
    paying = [(cause, o, amount) for cause, o, amount in owed if amount > 0]
    methods = await payments.refund_many(
        tx, home, [o.group_id for _, o, _ in paying], [o.id for _, o, _ in paying], [cause for cause, _, _ in paying],
        [amount for _, _, amount in paying], reason,
    )  # fmt: skip
    for (cause, o, amount), method in zip(paying, methods, strict=True):
        payer = ("wallet", o.buyer_id) if method == "wallet" else FUNDER if method == INSTALLMENTS else GATEWAY
        if home == cell:
            steps[cell].append(Step(cause, "refund", ESCROW, payer, o.currency, amount))
        else:
            steps[cell].append(Step(cause, "refund", ESCROW, BETWEEN, o.currency, amount))
            steps[home].append(Step(cause, "refund", BETWEEN, payer, o.currency, amount))
    lent = [
        Back(o.group_id, o.id, cause, amount)
        for (cause, o, amount), method in zip(paying, methods, strict=True)
        if method == INSTALLMENTS
    ]
    if lent:
        steps[home] += [Step(*move) for move in await credit.take_off(tx, home, lent)]
    collected = await _collected(tx, cell, [cause for cause, o in orders if o.duties_minor or o.withheld_minor])
    for cause, o in orders:
        account, tax = collected.get(cause, (DUTIES, 0))
        steps[cell] += [
            Step(cause, "duties_back", DUTIES, ESCROW, o.currency, o.duties_minor - (0 if o.withheld_minor else tax)),
            Step(cause, "tax_back", account, ADVANCED_TAX if o.withheld_minor else ESCROW, o.currency, tax),
            Step(cause, "border_lost", ESCROW, ("chargeback_loss", NIL), o.currency, banks_have.get(cause, 0)),
            Step(cause, "unfund", ESCROW, ("promotions", NIL), o.currency, o.operator_discount_minor),
        ]
    return steps


def charged_back(cell: int, home: int, cause: UUID, order: OrderRow) -> dict[int, list[Step]]:
    """What the buyer's bank has taken of an order, out of escrow, by cell: escrow 100 -> chargebacks 100, escrow 7 ->
    promotions 7."""
    steps: dict[int, list[Step]] = {cell: [], home: []}
    owed = ("chargebacks", NIL)
    if home == cell:
        steps[cell].append(Step(cause, "charged_back", ESCROW, owed, order.currency, order.paid_minor))
    else:
        steps[cell].append(Step(cause, "charged_back", ESCROW, BETWEEN, order.currency, order.paid_minor))
        steps[home].append(Step(cause, "charged_back", BETWEEN, owed, order.currency, order.paid_minor))
    promotions = ("promotions", NIL)
    steps[cell].append(Step(cause, "unfund", ESCROW, promotions, order.currency, order.operator_discount_minor))
    return steps


async def no_longer_owed(tx: ReadTx, cell: int, cause: UUID, order: OrderRow) -> list[Step]:
    """The tax in what a bank took, as it was noted: tax_oss 17 -> advanced_tax 17."""
    noted = await _collected(tx, cell, [cause])
    return [Step(cause, "tax_back", account, ADVANCED_TAX, order.currency, tax) for account, tax in noted.values()]


async def _collected(tx: ReadTx, cell: int, causes: Sequence[UUID]) -> dict[UUID, tuple[Account, int]]:
    """The tax that goes back with orders or parts, as it was noted (taxes.note), and the account that has it."""
    rows = await tx.all(store_borders.TAXES_BACK, cell=cell, causes=causes) if causes else []
    return {row.cause_id: ((tax_account(row.scheme), NIL), row.tax_minor) for row in rows}


def tax_account(scheme: str) -> str:
    """The code of the account of a scheme's tax."""
    return f"tax_{scheme.lower()}"


async def post(tx: Tx, cell: int, steps: Sequence[Step]) -> None:
    """Steps of nothing are none."""
    steps = [step for step in steps if step.amount]
    ids = await accounts(tx, cell, {(*side, s.currency) for s in steps for side in (s.debit, s.credit)})
    await ledger.post_all(
        tx, cell,
        [
            Transfer(s.cause, s.code, ids[(*s.debit, s.currency)], ids[(*s.credit, s.currency)], s.amount)
            if s.until is None
            else Hold(s.cause, s.code, ids[(*s.debit, s.currency)], ids[(*s.credit, s.currency)], s.amount, s.until)
            for s in steps
        ],
    )  # fmt: skip


async def accounts(tx: ReadTx, cell: int, wanted: Iterable[tuple[str, UUID, str]]) -> dict[tuple[str, UUID, str], int]:
    """The ids of accounts, by code, owner and currency."""
    keys = sorted(wanted)
    ids = await ledger.account_ids(tx, cell, [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys])
    return dict(zip(keys, ids, strict=True))


async def beside_parts(tx: ReadTx, cell: int, orders: Sequence[OrderRow]) -> list[OrderRow]:
    """Orders, which are locked, with what is left of their amounts beside their parts."""
    parted = {row.order_id: row for row in await tx.all(store_parts.PARTED, cell=cell, ids=[o.id for o in orders])}
    return [
        msgspec.structs.replace(
            worth(o, shares.less(amounts(o), parted[o.id])), duties_minor=o.duties_minor - parted[o.id].duties_minor
        )
        if o.id in parted
        else o
        for o in orders
    ]


def amounts(order: OrderRow) -> Amounts:
    return Amounts(
        order.paid_minor, order.operator_discount_minor, order.commission_minor, order.payment_fee_minor,
        order.fee_tax_minor, order.withheld_minor,
    )  # fmt: skip


def worth(order: OrderRow, amounts: Amounts) -> OrderRow:
    """The order with other amounts: those of a part of it, which has nothing of what was paid for the border."""
    return msgspec.structs.replace(
        order, paid_minor=amounts.paid_minor, operator_discount_minor=amounts.operator_discount_minor,
        commission_minor=amounts.commission_minor, payment_fee_minor=amounts.payment_fee_minor,
        fee_tax_minor=amounts.fee_tax_minor, withheld_minor=amounts.withheld_minor, duties_minor=0,
    )  # fmt: skip
