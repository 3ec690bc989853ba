"""What a payment stands at, what a seller is owed and was paid."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec

from entrepot import ledger
from entrepot.kit.auth import Keys
from entrepot.kit.cells import FIRST
from entrepot.kit.db import ReadTx
from entrepot.kit.ids import NIL, first_id, show
from entrepot.kit.problem import NotFound
from entrepot.payments import store, store_payouts
from entrepot.payments.actions import CAME_BACK, STUCK_ATTEMPTS
from entrepot.payments.kinds import cause_of
from entrepot.payments.pain import Batch, Order, pain_001
from entrepot.payments.paying_out import unseal
from entrepot.payments.store import PaymentRow
from entrepot.payments.types import BankAccount, Fact, SealedOtherwise

LAST = UUID(int=2**128 - 1)
PAGE = 50
PAID_WITHIN = timedelta(days=10)
"""From the making of a payment, which is in its id, to its capture."""


class PaymentView(msgspec.Struct, frozen=True):
    """`status`: created, pending (the buyer finishes it at `redirect_url`), captured, failed, returning or returned."""

    method: str
    currency: str
    amount_minor: int
    refunded_minor: int
    status: str
    redirect_url: str | None


class PayoutView(msgspec.Struct, frozen=True):
    """`status`: sent (held until the bank has delivered it), settled, or returned (it is the seller's again)."""

    id: str
    currency: str
    amount_minor: int
    status: str
    created_at: datetime


class SentView(msgspec.Struct, frozen=True):
    """A payout on its way; it is settled at `due_at` unless the bank has answered before, or else by a statement. With
    a `destination` it goes to that account at Stripe, which is asked again at `due_at`."""

    id: str
    seller_id: str
    currency: str
    amount_minor: int
    created_at: datetime
    due_at: datetime | None
    destination: str | None


class AccountView(msgspec.Struct, frozen=True):
    """A bank account by the last four characters of its IBAN; more of it is shown to nobody."""

    currency: str
    ending: str
    added_at: datetime


class TermsView(msgspec.Struct, frozen=True):
    """`seller_id` null: for all sellers that have no terms of their own."""

    currency: str
    seller_id: str | None
    valid_from: datetime
    every: str
    on_day: int
    minimum_minor: int
    source: str


class FileView(msgspec.Struct, frozen=True):
    """What a run of a day sends in one currency."""

    id: str
    day: date
    currency: str
    payouts: int
    total_minor: int
    made_at: datetime


class StuckView(msgspec.Struct, frozen=True):
    """Money that needs a person. `kind`: refund_refused (for good, `refusal` is the gateway's word; retry it or credit
    it), refund_unanswered, cancel_unanswered or transfer_unanswered (asked again and again: something is wrong there).
    `id` is the refund's, the payment's or, of a transfer, the payout's; `gateway_id` the gateway's own name of the
    payment, or of the account that is paid; without `order_id` the money came when its group had ended. What the
    buyer's bank has sent back cannot be retried (`is_final`)."""

    kind: str
    id: str
    group_id: str | None
    order_id: str | None
    currency: str
    amount_minor: int
    refusal: str | None
    gateway_id: str | None
    attempts: int
    since: datetime
    next_try_at: datetime | None
    is_final: bool


class Line(msgspec.Struct, frozen=True):
    """A line of a statement; `event` is the order, part of an order or payout that it comes from."""

    at: datetime
    code: str
    event: str
    amount_minor: int


class HeldBack(msgspec.Struct, frozen=True):
    """What of a release is held back as a reserve, `until` when."""

    at: datetime
    event: str
    amount_minor: int
    until: datetime


class StatementView(msgspec.Struct, frozen=True):
    """opening_minor + sum of the lines == closing_minor, of which `reserved_minor`, the sum of `reserves`, were held
    back at `stop`."""

    currency: str
    start: datetime
    stop: datetime
    opening_minor: int
    closing_minor: int
    reserved_minor: int
    lines: list[Line]
    reserves: list[HeldBack]


async def payment_of(tx: ReadTx, cell: int, group_id: UUID) -> PaymentView:
    """The payment of an order group. Raises NotFound."""
    row = await tx.maybe(store.OF_GROUP, cell=cell, group_id=group_id)
    if row is None:
        raise NotFound
    return PaymentView(row.method, row.currency, row.amount_minor, row.refunded_minor, row.status, row.redirect_url)


async def payments_by(tx: ReadTx, cell: int, ids: Sequence[UUID]) -> list[PaymentRow]:
    """How these payments stand, the latest first."""
    return await tx.all(store.BY_IDS, cell=cell, ids=ids)


async def refunded_of(tx: ReadTx, cell: int, payments: Sequence[UUID]) -> dict[UUID, int]:
    """What was given back, or is about to be, of orders that these payments paid for; minor units by order."""
    rows = await tx.all(store.REFUNDED_OF, cell=cell, payments=payments)
    return {row.order_id: row.amount_minor for row in rows}


async def payouts(tx: ReadTx, cell: int, seller_id: UUID, before: UUID | None = None) -> list[PayoutView]:
    """A seller's payouts, the latest first, PAGE at a time."""
    rows = await tx.all(store_payouts.PAYOUTS_OF, cell=cell, seller_id=seller_id, before=before or LAST, limit=PAGE)
    return [PayoutView(show("pay", row.id), row.currency, row.amount_minor, row.status, row.created_at) for row in rows]


async def sent_payouts(tx: ReadTx, after: UUID | None, limit: int = PAGE) -> list[SentView]:
    """Payouts of all cells that the bank has not answered for, the oldest first, those after the id `after`."""
    return [
        SentView(
            show("pay", r.id),
            show("sel", r.seller_id),
            r.currency,
            r.amount_minor,
            r.created_at,
            r.due_at,
            r.destination,
        )
        for r in await tx.all(store_payouts.SENT, after=after or NIL, limit=limit)
    ]


async def bank_accounts(tx: ReadTx, cell: int, owner: UUID) -> list[AccountView]:
    """Where a seller's money goes or, with the owner NIL in cell 0, from where the house sends it, by currency."""
    rows = await tx.all(store_payouts.ACCOUNTS, cell=cell, owner=owner)
    return [AccountView(row.currency, row.ending, row.at) for row in rows]


async def payout_terms(tx: ReadTx, currency: str, seller_id: UUID) -> list[TermsView]:
    """A seller's terms in a currency or, with NIL, everybody's, the latest first; at most PAGE."""
    rows = await tx.all(store_payouts.TERMS, currency=currency, seller_id=seller_id, limit=PAGE)
    return [
        TermsView(
            row.currency, None if row.seller_id == NIL else show("sel", row.seller_id), row.valid_from, row.every,
            row.on_day, row.minimum_minor, row.source,
        )
        for row in rows
    ]  # fmt: skip


async def bank_files(tx: ReadTx, before: UUID | None = None) -> list[FileView]:
    """The files for the bank of all cells, the latest first, PAGE at a time."""
    return [
        FileView(show("bnk", row.id), row.day, row.currency, row.payouts, row.total_minor, row.at)
        for row in await tx.all(store_payouts.FILES, before=before or LAST, limit=PAGE)
    ]


async def house_account(tx: ReadTx, keys: Keys, iban: str, currency: str) -> AccountView | None:
    """The account of the house that has this IBAN in a currency, or had it. Raises SealedOtherwise when it has accounts
    in it and none can be read."""
    rows = await tx.all(store_payouts.HOUSE, cell=FIRST, owner=NIL, currency=currency)
    known = await unseal(tx, keys, FIRST, [row.id for row in rows])
    if rows and not known:
        raise SealedOtherwise
    theirs = [row for row in rows if row.id in known and known[row.id].iban == iban]
    return AccountView(currency, theirs[0].ending, theirs[0].at) if theirs else None


async def payees(tx: ReadTx, keys: Keys, cell: int, owner: UUID) -> dict[str, BankAccount]:
    """A seller's bank accounts as they are, by currency, without those that were sealed with another secret: for whom
    the law tells to whom money went."""
    rows = await tx.all(store_payouts.ACCOUNTS, cell=cell, owner=owner)
    known = await unseal(tx, keys, cell, [row.id for row in rows])
    return {row.currency: known[row.id] for row in rows if row.id in known}


async def facts(
    tx: ReadTx, provider: str, first: date, last: date, ids: Sequence[UUID], names: Sequence[str] = ()
) -> list[Fact]:
    """What a provider (a method of payment) and the bank must know of: of the days from `first` to `last` and some
    more, and by id, or by the provider's name of a dispute."""
    start, stop = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    return await tx.all(
        store_payouts.FACTS, since=first_id(start - PAID_WITHIN), until=first_id(stop), ids=ids, names=names,
        provider=provider,
    )  # fmt: skip


async def bank_file(tx: ReadTx, keys: Keys, file_id: UUID) -> bytes:
    """A file for the bank, the same each time. Raises NotFound, SealedOtherwise."""
    file = await tx.maybe(store_payouts.FILE, id=file_id)
    if file is None:
        raise NotFound
    rows = await tx.all(store_payouts.IN_FILE, cell=file.cell, file_id=file_id)
    source = await unseal(tx, keys, FIRST, [file.account_id])
    to = await unseal(tx, keys, file.cell, [row.account_id for row in rows])
    if not source or any(row.account_id not in to for row in rows):
        raise SealedOtherwise
    orders = [Order(row.id, row.amount_minor, to[row.account_id]) for row in rows]
    batch = Batch(file.id, file.at, file.day, file.currency, source[file.account_id], orders)
    return await asyncio.to_thread(pain_001, batch)


STUCK_IDS = {"cancel_unanswered": "pmt", "transfer_unanswered": "pay"}
"""Of what it is that is stuck, by kind, where that is no refund."""


async def stuck(tx: ReadTx, after: UUID | None, limit: int) -> list[StuckView]:
    """Refunds, payments and transfers of all cells that need a person, the oldest first, those after the id `after`."""
    rows = await tx.all(store.STUCK, attempts=STUCK_ATTEMPTS, after=after or NIL, limit=limit)
    return [
        StuckView(
            row.kind, show(STUCK_IDS.get(row.kind, "rfd"), row.id),
            None if row.group_id is None else show("grp", row.group_id),
            None if row.order_id is None else show("ord", row.order_id), row.currency, row.amount_minor, row.refusal,
            row.external_id, row.attempts, row.since, row.due_at, row.refusal in CAME_BACK,
        )
        for row in rows
    ]  # fmt: skip


async def statement_of(
    tx: ReadTx, cell: int, seller_id: UUID, currency: str, start: datetime, stop: datetime
) -> StatementView:
    """A seller's statement of account. Raises NotFound when it has no account in the currency,
    StatementTooLong."""
    (account,) = await ledger.account_ids(tx, cell, ["seller"], [seller_id], [currency])
    if account == 0:
        raise NotFound
    found = await ledger.statement(tx, cell, account, start, stop)
    lines = [Line(x.at, x.code, cause_of(x.code, x.cause_id), x.amount_minor) for x in found.lines]
    held = await ledger.held(tx, cell, account, ("reserve", "part_reserve"), stop)
    reserves = [HeldBack(x.at, cause_of(x.code, x.cause_id), x.amount_minor, x.until) for x in held]
    reserved_minor = sum(x.amount_minor for x in held)
    return StatementView(
        currency, start, stop, found.opening_minor, found.closing_minor, reserved_minor, lines, reserves
    )  # fmt: skip
