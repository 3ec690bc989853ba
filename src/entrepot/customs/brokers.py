"""What brokers and carriers have paid at customs for us, and ask for. It is settled against what buyers paid for the
border of the order (the account `duties`), and what differs is ours: `duty_difference`.

A broker that asks for 31 where 30 were paid: duties 30 -> broker 30, duty_difference 1 -> broker 1. One that asks for
28: duties 30 -> broker 30, broker 2 -> duty_difference 2. Paid: broker 31 -> payout 31."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from entrepot import approvals, ledger, sellers
from entrepot.approvals import Asked
from entrepot.catalog import Price
from entrepot.customs import store_brokers as store
from entrepot.customs.store_brokers import InvoiceRow, Kept, LineRow
from entrepot.customs.types import (
    BrokerInvoicePaid,
    BrokerInvoiceRecorded,
    BrokerLine,
    BrokerLineDecided,
    BrokerLinesOpen,
    BrokerLineView,
    BrokerView,
)
from entrepot.kit.cells import FIRST, cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id, parse, show
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer

WITHIN_BP = 200
"""Of what was paid: a line that differs by less is settled by itself, and the difference is booked."""
PAGE = 50
LINES_MAX = 500
_Way = tuple[UUID, str, str, str, int]
"""Of a transfer: cause, code, from, to, amount."""


def judge(asked_minor: int, currency: str, kept: Kept | None) -> str:
    """Why a line is not settled by itself; empty: it is."""
    if kept is None:
        return "unknown"
    if kept.currency != currency:
        return "currency"
    if kept.kept_minor == 0:
        return "settled_before" if kept.settled_minor else "nothing_paid"
    if abs(asked_minor - kept.kept_minor) * 10_000 > abs(kept.kept_minor) * WITHIN_BP:
        return "differs"
    return ""


async def record(
    tx: Tx, broker: str, number: str, currency: str, issued_on: date, lines: Sequence[BrokerLine], by: UUID
) -> UUID:
    """Takes an invoice in, once: each line that fits is settled, the others wait; its id. Raises NotFound for a
    currency that no market has, BrokerInvoiceRecorded."""
    if currency not in await sellers.currencies(tx):
        raise NotFound
    id_ = new_id(tx.now)
    of = {"broker": broker, "number": number, "currency": currency, "issued_on": issued_on}
    if await tx.maybe(store.RECORD, id=id_, now=tx.now, by=by, **of) is None:
        raise BrokerInvoiceRecorded
    told = [line.of for line in lines]
    found = await tx.all(store.FIND, told=told, orders=[_order_of(one) for one in told], broker=broker)
    places = {place.told: (place.cell, place.order_id) for place in found}
    numbered = [(no, line, *places.get(line.of, (FIRST, None))) for no, line in enumerate(lines, 1)]
    settled: dict[int, list[_Way]] = {}
    for cell in sorted({cell for _, _, cell, _ in numbered}):
        mine = [(no, line, order_id) for no, line, there, order_id in numbered if there == cell]
        await tx.all(store.LOCK_ORDERS, cell=cell, orders=[order_id for _, _, order_id in mine if order_id])
        settled[cell] = []
        for no, line, order_id in mine:
            kept = order_id and await tx.one(store.KEPT, cell=cell, order_id=order_id)
            reason = judge(line.amount_minor, currency, kept or None)
            row = LineRow(
                cell, new_id(tx.now), id_, no, line.of, order_id, line.amount_minor,
                kept.kept_minor if kept and not reason else 0, "open" if reason else "settled", reason, "",
            )  # fmt: skip
            await tx.run(store.ADD_LINE, **{k: v for k, v in msgspec.structs.asdict(row).items() if k != "note"})
            if row.status == "settled":
                settled[cell] += _moves_of(row)
    for cell, moves in settled.items():  # the house's accounts come last, when everything else is locked
        await _move(tx, cell, currency, moves)
    tx.emit("broker_invoice_recorded", id_, {"user_id": by})
    return id_


async def decide(tx: Tx, line_id: UUID, by: UUID, note: str, *, accepted: bool) -> None:
    """Somebody has looked at a line that does not fit: it is paid as it was asked for, and what no buyer paid for it is
    a difference; or it is not paid. Raises NotFound, BrokerLineDecided."""
    cell = await tx.maybe(store.CELL_OF_LINE, id=line_id)
    if cell is None:
        raise NotFound
    line = await tx.one(store.LINE, cell=cell, id=line_id)
    if line.status != "open":
        raise BrokerLineDecided
    invoice = await tx.one(store.INVOICE, id=line.invoice_id)
    settled = await _settled_by(tx, line, invoice.currency) if accepted else 0
    status = "settled" if accepted else "rejected"
    await tx.run(
        store.DECIDE, cell=cell, id=line_id, status=status, settled_minor=settled, now=tx.now, by=by, note=note
    )  # fmt: skip
    if accepted:
        moves = _moves_of(msgspec.structs.replace(line, settled_minor=settled))
        await _move(tx, cell, invoice.currency, moves)


async def _settled_by(tx: Tx, line: LineRow, currency: str) -> int:
    """What an accepted line takes of what the buyer paid for the order's border."""
    if line.order_id is None:
        return 0
    await tx.all(store.LOCK_ORDERS, cell=line.cell, orders=[line.order_id])
    kept = await tx.one(store.KEPT, cell=line.cell, order_id=line.order_id)
    return kept.kept_minor if kept.currency == currency else 0


class Accepted(msgspec.Struct, frozen=True):
    line_id: UUID
    note: str


async def decide_by(tx: Tx, user_id: UUID, line_id: UUID, note: str, *, accepted: bool) -> Asked | None:
    """The same by an operator, who may need another for what is accepted: its worth is what no buyer paid for."""
    if accepted:
        return await approvals.do(tx, ACCEPT_LINE, Accepted(line_id, note), user_id)
    await decide(tx, line_id, user_id, note, accepted=False)
    return None


async def _accept(tx: Tx, one: Accepted, user_id: UUID) -> None:
    await decide(tx, one.line_id, user_id, one.note, accepted=True)


async def _loss(tx: Tx, one: Accepted) -> tuple[str, int]:
    cell = await tx.maybe(store.CELL_OF_LINE, id=one.line_id)
    if cell is None:
        raise NotFound
    line = await tx.one(store.LINE, cell=cell, id=one.line_id)
    currency = (await tx.one(store.INVOICE, id=line.invoice_id)).currency
    return currency, abs(line.asked_minor - await _settled_by(tx, line, currency))


ACCEPT_LINE = approvals.action("accept_broker_line", Accepted, _accept, _loss)


async def pay(tx: Tx, invoice_id: UUID, reference: str, by: UUID) -> None:
    """What is settled of an invoice was paid: broker 31 -> payout 31; what a broker owes us comes the other way. Raises
    NotFound, BrokerInvoicePaid, BrokerLinesOpen as long as somebody has to look at one of its lines."""
    invoice = await tx.maybe(store.LOCK_INVOICE, id=invoice_id)
    if invoice is None:
        raise NotFound
    if invoice.paid_at is not None:
        raise BrokerInvoicePaid
    lines = await _lines(tx, [invoice_id])
    if any(line.status == "open" for line in lines):
        raise BrokerLinesOpen
    await tx.run(store.PAY, id=invoice_id, now=tx.now, by=by, reference=reference)
    for cell in sorted({line.cell for line in lines}):
        total = sum(line.asked_minor for line in lines if line.cell == cell and line.status == "settled")
        await _move(tx, cell, invoice.currency, [(invoice_id, "broker_paid", "broker", "payout", total)])
    tx.emit("broker_invoice_paid", invoice_id, {"user_id": by})


class Payment(msgspec.Struct, frozen=True):
    invoice_id: UUID
    reference: str


async def pay_by(tx: Tx, user_id: UUID, invoice_id: UUID, reference: str) -> Asked | None:
    """The same by an operator, who may need another for it."""
    return await approvals.do(tx, PAY_BROKER, Payment(invoice_id, reference), user_id)


async def _pay(tx: Tx, one: Payment, user_id: UUID) -> None:
    await pay(tx, one.invoice_id, one.reference, user_id)


async def _worth(tx: Tx, one: Payment) -> tuple[str, int]:
    invoice = await tx.maybe(store.INVOICE, id=one.invoice_id)
    if invoice is None:
        raise NotFound
    lines = await _lines(tx, [one.invoice_id])
    return invoice.currency, abs(sum(line.asked_minor for line in lines if line.status == "settled"))


PAY_BROKER = approvals.action("pay_broker_invoice", Payment, _pay, _worth)


async def invoices(tx: ReadTx) -> list[BrokerView]:
    """PAGE of them, each with its lines: those that are to be paid, then the latest."""
    rows = await tx.all(store.INVOICES, limit=PAGE)
    lines = await _lines(tx, [row.id for row in rows])
    return [_view(row, [line for line in lines if line.invoice_id == row.id]) for row in rows]


async def _lines(tx: ReadTx, invoice_ids: Sequence[UUID]) -> list[LineRow]:
    limit = LINES_MAX * max(len(invoice_ids), 1)
    return [
        line
        for cell in await cells(tx)
        for line in await tx.all(store.LINES, cell=cell, invoices=list(invoice_ids), limit=limit)
    ]


def _view(row: InvoiceRow, lines: Sequence[LineRow]) -> BrokerView:
    total = sum(line.asked_minor for line in lines if line.status == "settled")
    shown = [
        BrokerLineView(
            show("brl", line.id), line.no, line.told, None if line.order_id is None else show("ord", line.order_id),
            Price(line.asked_minor, row.currency), Price(line.settled_minor, row.currency), line.status, line.reason,
            line.note,
        )
        for line in sorted(lines, key=lambda line: line.no)
    ]  # fmt: skip
    return BrokerView(
        show("brk", row.id), row.broker, row.number, row.issued_on, Price(total, row.currency), shown, row.recorded_at,
        row.paid_at, row.reference,
    )  # fmt: skip


def _order_of(told: str) -> UUID | None:
    try:
        return parse("ord", told)
    except ValueError:
        return None


def _moves_of(line: LineRow) -> list[_Way]:
    over = line.asked_minor - line.settled_minor
    return [
        (line.id, "duties_settled", "duties", "broker", line.settled_minor),
        (line.id, "duties_difference", "duty_difference", "broker", over),
    ]


async def _move(tx: Tx, cell: int, currency: str, moves: Sequence[_Way]) -> None:
    """An amount below zero goes the other way."""
    names = sorted({name for _, _, debit, credit, _ in moves for name in (debit, credit)})
    found = await ledger.account_ids(tx, cell, names, [NIL] * len(names), [currency] * len(names))
    ids = dict(zip(names, found, strict=True))
    transfers = []
    for cause, code, debit, credit, amount in moves:
        from_, to = (debit, credit) if amount > 0 else (credit, debit)
        if amount:
            transfers.append(Transfer(cause, code, ids[from_], ids[to], abs(amount)))
    await ledger.post_all(tx, cell, transfers)
