"""Issuing documents: of a month that is over, and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import approvals, fees, ledger, metering, sellers
from entrepot.approvals import Asked
from entrepot.fees import Entity
from entrepot.invoices import store
from entrepot.invoices.store import HeadRow, LineRow, Moved, Payer
from entrepot.invoices.types import LineIs, NotAnInvoice, Party
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer

LATE = timedelta(hours=1)
"""After a month's end no transaction is dated into it any more that has not committed."""
INSTANT = timedelta(microseconds=1)
BATCH = 100
"""Sellers that one timer run issues documents to."""
KINDS = ("credit_note", "invoice")
"""In the order in which their series are locked."""
HOUSE = {
    "commission": ("commission_credit", "commission"),
    "payment_fee": ("payment_fee_credit", "payment_fee"),
    "usage_fee": ("usage_fee_credit", "cloud_fees"),
}
"""By which code a line's kind is given back, so that a statement has it where it has the fee, and from which account;
others are the shop's."""


class Drafted(NamedTuple):
    """A line of a document that is to be issued."""

    kind: str
    tax_kind: str
    tax_bp: int
    net_minor: int
    of_month: date
    of_line: int | None = None
    name: str = ""
    unit: str = ""
    quantity: int | None = None
    unit_price: str = ""


class Draft(NamedTuple):
    """A document that only lacks its number; `taxes` by kind and rate. By hand it corrects an invoice."""

    kind: str
    seller_id: UUID
    currency: str
    month: date
    lines: Sequence[Drafted]
    taxes: dict[tuple[str, int], int]
    issuer: Party
    recipient: Party
    corrects_id: UUID | None = None
    reason: str = ""
    user_id: UUID | None = None


async def issue_due(tx: Tx, cell: int) -> int:
    """Issues documents of the oldest month that is over and lacks some, to a batch of sellers; how many, and 1 more
    when the month is done."""
    for due in await tx.all(store.NEXT, cell=cell):
        start, stop = fees.bounds(due.month)
        entity = await fees.entity_at(tx, due.currency, stop - INSTANT)
        if stop + LATE > tx.now or entity is None:
            continue
        last = await _lock_numbers(tx, entity.code)
        among = {"cell": cell, "start": start, "stop": stop, "month": due.month}
        payers = await tx.all(store.PAYERS, currency=due.currency, limit=BATCH, **among)
        if not payers:
            done = await tx.maybe(store.ISSUED, cell=cell, currency=due.currency, month=due.month, now=tx.now)
            return 0 if done is None else 1  # another worker was faster
        moved = await tx.all(store.MOVED, accounts=[payer.account for payer in payers], **among)
        recipients = await _recipients(tx, [payer.seller_id for payer in payers])
        drafts = [
            draft
            for payer in payers
            for draft in _drafts(
                payer, due.month, due.currency, [m for m in moved if m.account == payer.account], entity,
                recipients[payer.seller_id],
            )
        ]  # fmt: skip
        for draft in drafts:
            await _issue(tx, cell, entity.code, last, draft)
        await _keep_numbers(tx, entity.code, last)
        return len(drafts)
    return 0


class Credit(msgspec.Struct, frozen=True):
    """So much of a line of an invoice is given back, with its tax, by the credit note `note_id`."""

    note_id: UUID
    invoice_id: UUID
    line_no: int
    net_minor: int
    reason: str


async def credit_by(tx: Tx, user_id: UUID, invoice_id: UUID, line_no: int, net_minor: int, reason: str) -> UUID | Asked:
    """Credits an invoice: the note's id, or, where the operator needs another for it, what was asked. Raises as
    `credit`."""
    one = Credit(new_id(tx.now), invoice_id, line_no, net_minor, reason)
    return await approvals.do(tx, CREDIT, one, user_id) or one.note_id


async def credit(tx: Tx, one: Credit, user_id: UUID) -> None:
    """The operator gives back some of a line of an invoice: commission 10 -> seller 10, fee_tax 2 -> seller 2. Raises
    NotFound, NotAnInvoice, LineIs."""
    invoice_id, net_minor = one.invoice_id, one.net_minor
    cell, head = await _head(tx, invoice_id)
    if head.kind != "invoice":
        raise NotAnInvoice
    last = await _lock_numbers(tx, head.entity)
    line, tax_minor = await _part(tx, cell, one)
    key = (line.tax_kind, line.tax_bp)
    drafted = Drafted(line.kind, *key, net_minor, head.month, one.line_no, line.name)
    draft = Draft(
        "credit_note", head.seller_id, head.currency, head.month, [drafted], {key: tax_minor}, head.party("issuer"),
        head.party("recipient"), invoice_id, one.reason, user_id,
    )  # fmt: skip
    note = await _issue(tx, cell, head.entity, last, draft, one.note_id)
    await _keep_numbers(tx, head.entity, last)
    code, house_code = HOUSE.get(line.kind, ("fee_credit", "shop_fees"))
    house, tax, account = await ledger.account_ids(
        tx, cell, [house_code, "fee_tax", "seller"], [NIL, NIL, head.seller_id],
        [head.currency] * 3,
    )  # fmt: skip
    steps = [Transfer(note, code, house, account, net_minor)]
    if tax_minor:
        steps.append(Transfer(note, "fee_credit_tax", tax, account, tax_minor))
    await ledger.post_all(tx, cell, steps)


async def _head(tx: Tx, invoice_id: UUID) -> tuple[int, HeadRow]:
    cell = await tx.maybe(store.CELL_OF, id=invoice_id)
    if cell is None:
        raise NotFound
    return cell, await tx.one(store.HEAD, cell=cell, id=invoice_id)


async def _part(tx: Tx, cell: int, one: Credit) -> tuple[LineRow, int]:
    """The line of which some is given back, and the tax of that. Raises NotFound, LineIs."""
    lines = await tx.all(store.LINES, cell=cell, id=one.invoice_id)
    line = next((line for line in lines if line.no == one.line_no), None)
    if line is None:
        raise NotFound
    left = line.net_minor - await tx.one(store.CREDITED, cell=cell, id=one.invoice_id, no=one.line_no)
    if one.net_minor > left:
        raise LineIs(left)
    of = {"cell": cell, "id": one.invoice_id}
    (taxed,) = [
        tax for tax in await tx.all(store.TAXES, **of) if (tax.tax_kind, tax.tax_bp) == (line.tax_kind, line.tax_bp)
    ]
    credited = await tx.one(store.TAX_CREDITED, tax_kind=line.tax_kind, tax_bp=line.tax_bp, **of)
    # Each sale's tax was rounded: of the whole net all of it goes back, of a part its share, whatever the steps.
    due = (2 * taxed.tax_minor * (credited.net_minor + one.net_minor) + taxed.net_minor) // (2 * taxed.net_minor)
    return line, due - credited.tax_minor


async def _worth(tx: Tx, one: Credit) -> tuple[str, int]:
    cell, head = await _head(tx, one.invoice_id)
    return head.currency, one.net_minor + (await _part(tx, cell, one))[1]


CREDIT = approvals.action("credit_invoice", Credit, credit, _worth)


def _drafts(
    payer: Payer, month: date, currency: str, moved: Sequence[Moved], entity: Entity, recipient: Party
) -> list[Draft]:
    """An invoice of what was charged, and a credit note of what was given back; of nothing none."""
    issuer, drafts = Party(entity.name, entity.address, entity.country, entity.tax_id), []
    for kind in ("invoice", "credit_note"):
        mine = [m for m in moved if m.back == (kind == "credit_note")]
        lines = [_line(m, currency) for m in mine if m.kind != "tax"]
        taxes = {(line.tax_kind, line.tax_bp): 0 for line in lines}
        for m in mine:
            if m.kind == "tax":
                key = (m.tax_kind, m.tax_bp)
                taxes[key] = taxes.get(key, 0) + m.amount_minor
        if mine:
            drafts.append(Draft(kind, payer.seller_id, currency, month, lines, taxes, issuer, recipient))
    return drafts


def _line(m: Moved, currency: str) -> Drafted:
    unit_price = "" if m.quantity is None else metering.written(m.rate_micro, currency)
    return Drafted(
        m.kind, m.tax_kind, m.tax_bp, m.amount_minor, m.of_month, None, m.name, m.unit, m.quantity, unit_price
    )


async def _issue(tx: Tx, cell: int, entity: str, last: dict[str, int], draft: Draft, id_: UUID | None = None) -> UUID:
    """Writes a document with the next number of its series, which is locked; its id."""
    id_ = id_ or new_id(tx.now)
    last[draft.kind] += 1
    nets = dict.fromkeys(draft.taxes, 0)
    for line in draft.lines:
        nets[line.tax_kind, line.tax_bp] += line.net_minor
    await tx.run(
        store.ADD, cell=cell, id=id_, kind=draft.kind, entity=entity, year=tx.now.year, serial=last[draft.kind],
        seller_id=draft.seller_id, currency=draft.currency, month=draft.month, net_minor=sum(nets.values()),
        tax_minor=sum(draft.taxes.values()), issuer=msgspec.to_builtins(draft.issuer),
        recipient=msgspec.to_builtins(draft.recipient), corrects_id=draft.corrects_id, reason=draft.reason,
        user_id=draft.user_id, issued_at=tx.now,
    )  # fmt: skip
    await tx.run(
        store.ADD_LINES, cell=cell, id=id_, nos=list(range(1, len(draft.lines) + 1)),
        kinds=[line.kind for line in draft.lines], tax_kinds=[line.tax_kind for line in draft.lines],
        bps=[line.tax_bp for line in draft.lines], nets=[line.net_minor for line in draft.lines],
        months=[line.of_month for line in draft.lines], of_lines=[line.of_line for line in draft.lines],
        names=[line.name for line in draft.lines], units=[line.unit for line in draft.lines],
        quantities=[line.quantity for line in draft.lines], unit_prices=[line.unit_price for line in draft.lines],
    )  # fmt: skip
    await tx.run(
        store.ADD_TAXES, cell=cell, id=id_, kinds=[kind for kind, _ in nets], bps=[bp for _, bp in nets],
        nets=list(nets.values()), taxes=[draft.taxes[key] for key in nets],
    )  # fmt: skip
    tx.emit("fee_invoice_issued", draft.seller_id, {"invoice_id": id_}, cell)
    return id_


async def _lock_numbers(tx: Tx, entity: str) -> dict[str, int]:
    """The last numbers that an issuer gave this year, by kind. Whoever else wants some waits."""
    await tx.run(store.OPEN_SERIES, entity=entity, year=tx.now.year)
    return dict(zip(KINDS, await tx.all(store.LOCK_SERIES, entity=entity, year=tx.now.year), strict=True))


async def _keep_numbers(tx: Tx, entity: str, last: dict[str, int]) -> None:
    for kind, number in last.items():
        await tx.run(store.SET_LAST, entity=entity, kind=kind, year=tx.now.year, last=number)


async def _recipients(tx: ReadTx, seller_ids: Sequence[UUID]) -> dict[UUID, Party]:
    """To whom sellers' documents go: as they say, else by their names."""
    names, said = await sellers.names(tx, seller_ids), await fees.billings(tx, seller_ids)
    return {id_: Party(name) for id_, name in names.items()} | {
        id_: Party(one.name, one.address, one.country, one.tax_id) for id_, one in said.items()
    }
