"""Purchases that a funder pays, and their buyers owe (entrepot.credit)."""

from __future__ import annotations

from uuid import UUID

from entrepot import credit, ledger
from entrepot.credit import Offers
from entrepot.kit.db import Database, ReadTx, Tx
from entrepot.kit.ids import NIL
from entrepot.kit.money import allocate
from entrepot.kit.problem import NotFound
from entrepot.orders import store, store_carts, store_lending
from entrepot.orders.actions import place_many, record_paid
from entrepot.orders.spanning import place_spanning
from entrepot.orders.types import Place, Verdict


async def offers_for(tx: ReadTx, cell: int, buyer_id: UUID, quote_id: UUID) -> Offers:
    """How a quote may be paid in installments. Raises NotFound."""
    quote = await tx.maybe(store_lending.QUOTE, cell=cell, id=quote_id, buyer_id=buyer_id)
    if quote is None:
        raise NotFound
    return await credit.offers(tx, cell, buyer_id, quote.market, quote.currency, quote.paid_minor)


async def place_on_credit(db: Database, cell: int, command: Place) -> Verdict:
    """Places a quote to be paid in `command.months` installments: the purchase, what is taken of the buyer's limit and
    the funder's money are one transaction. Not of a batch with others: it holds the buyer's line. Raises
    InstallmentsNotOffered and CreditRefused, which change nothing."""
    return await db.transact(lambda tx: lend(tx, cell, command))


async def lend(tx: Tx, cell: int, command: Place) -> Verdict:
    """The same in a transaction of the caller's."""
    (verdict,) = await place_many(tx, cell, [command])
    if verdict.verdict == "spans":
        (verdict,) = await place_spanning(tx, cell, [command])
    if verdict.group_id is None or verdict.replayed:
        return verdict
    group = await tx.one(store_lending.GROUP, cell=cell, id=verdict.group_id)
    plan = await credit.open_plan(
        tx, cell, verdict.group_id, command.caller, group.market, group.currency, group.paid_minor, command.months
    )
    if plan.bearer == "seller":
        await _charge_sellers(tx, [cell, *(group.other_cells or ())], plan)
    (funder,) = await ledger.account_ids(tx, cell, ["funder"], [NIL], [group.currency])
    await record_paid(tx, cell, [verdict.group_id], payer=funder)
    await tx.run(store_carts.EMPTY_CARTS, cell=cell, quotes=[verdict.group_id])
    return verdict


async def _charge_sellers(tx: Tx, cells: list[int], plan: credit.Plan) -> None:
    """What a plan costs is added to the payment fees of its orders, by what is paid for each. From then on it is one
    with them: taken when they are released, given up with whatever goes back. Own shops pay no fees."""
    orders = [
        (cell, order)
        for cell in sorted(cells)
        for order in await tx.all(store.ORDERS_OF_GROUPS, cell=cell, groups=[plan.id])
    ]
    fees = allocate(plan.fee_minor, [order.paid_minor for _, order in orders])
    for (cell, order), fee in zip(orders, fees, strict=True):
        if not order.own:
            await tx.run(store_lending.ADD_FEE, cell=cell, id=order.id, fee_minor=fee)
