"""Paying out: when, to whom, to which bank account, and what the bank says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import ledger, sellers
from entrepot.kit.auth import Keys
from entrepot.kit.cells import FIRST, cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.log import log
from entrepot.kit.problem import NotFound
from entrepot.ledger import Hold, Settle, Transfer, TransferRefused, Void
from entrepot.payments import rules
from entrepot.payments import store_payouts as store
from entrepot.payments.store_payouts import OwedTo, SealedRow, SentRow
from entrepot.payments.types import (
    BankAccount,
    BankWord,
    PayoutNotSent,
    PayoutTerms,
    PayoutTermsNotLater,
    Schedule,
)
from entrepot.sellers import Calendar

USUAL = Schedule("two_weeks", 1)
"""What holds where nobody has agreed on terms: every other Monday, whatever there is."""
BANK_DAYS, RETURNED_WITHIN = 3, timedelta(days=5)
"""A bank that cannot deliver a SEPA credit transfer returns it within three banking days, which with a weekend between
are five, and with holidays more: after that a payout that nobody has returned is settled."""
RUNS_SEEN = 60
"""Runs before today's among which the last one on a working day is looked for."""
IN_FILE_MAX = 5_000
"""Payouts of one file for the bank; more go into several."""
SETTLED = 500
"""Payouts that one `settle_due` settles."""
PUT_OFF = timedelta(days=1)
"""A payout that the ledger refuses to settle is tried again so much later."""


async def set_terms(tx: Tx, terms: PayoutTerms) -> None:
    """Terms from `terms.valid_from` on. Raises PayoutTermsNotLater when the last ones begin then or later."""
    of = {"currency": terms.currency, "seller_id": terms.seller_id}
    last = await tx.maybe(store.LAST_TERMS_FROM, **of)
    if last is not None and last >= terms.valid_from:
        raise PayoutTermsNotLater(last)
    if await tx.maybe(store.ADD_TERMS, **msgspec.structs.asdict(terms)) is None:
        raise PayoutTermsNotLater(terms.valid_from)


async def add_account(
    tx: Tx, keys: Keys, cell: int, owner: UUID, currency: str, account: BankAccount, by: UUID
) -> None:
    """From now on money of this currency goes to this account of a seller's or, with the owner NIL, leaves the house by
    it. Files that are made stay as they are. Raises BankAccountNotValid."""
    await add_sealed(tx, cell, owner, currency, *sealed(keys, account), by)


def sealed(keys: Keys, account: BankAccount) -> tuple[str, bytes]:
    """What is shown of an account, and all of it for whoever has the secret. Raises BankAccountNotValid."""
    account = BankAccount(rules.holder_of(account.holder), rules.iban_of(account.iban))
    return account.iban[-4:], keys.encrypt(msgspec.json.encode(account))


async def add_sealed(tx: Tx, cell: int, owner: UUID, currency: str, ending: str, account: bytes, by: UUID) -> None:
    """The same with an account that is sealed."""
    before = {row.currency: row.ending for row in await tx.all(store.ACCOUNTS, cell=cell, owner=owner)}
    tx.was(ending=before.get(currency))
    id_ = new_id(tx.now)
    await tx.run(
        store.ADD_ACCOUNT, cell=cell, id=id_, owner=owner, currency=currency, ending=ending, now=tx.now, added_by=by,
        sealed=account,
    )  # fmt: skip
    tx.emit("bank_account_added", owner, {"bank_account_id": id_, "currency": currency, "by": by}, cell)


async def unseal(tx: ReadTx, keys: Keys, cell: int, ids: Sequence[UUID]) -> dict[UUID, BankAccount]:
    """What is behind bank accounts, without those that were sealed with another secret."""
    rows = await tx.all(store.SEALED, cell=cell, ids=ids)
    return await asyncio.to_thread(_unsealed, keys, rows)


def _unsealed(keys: Keys, rows: Sequence[SealedRow]) -> dict[UUID, BankAccount]:
    found = {}
    for row in rows:
        with suppress(ValueError):
            found[row.id] = msgspec.json.decode(keys.decrypt(row.sealed), type=BankAccount)
    return found


async def pay_out(tx: Tx, cell: int) -> int:
    """The run of today (UTC), once: sends every seller whose day it is what is available in its account; the number of
    payouts. A day on which a currency's banks do not work is made up for on the next on which they do. It is held there
    until the bank has delivered it: then seller 97 -> payout 97.

    Of a seller whose account at Stripe is connected to ours it goes there, by a transfer (transfers.py). Else, in a
    currency in which the house has a bank account, those of sellers who have one are put into a file, of
    IN_FILE_MAX at most; the others wait until they have. Else the operator pays by other means."""
    today = tx.now.date()
    if await tx.maybe(store.OPEN_RUN, cell=cell, day=today, now=tx.now) is None:
        return 0
    runs = await tx.all(store.LAST_RUNS, cell=cell, day=today, limit=RUNS_SEEN)
    schedules = [USUAL, *await tx.all(store.SCHEDULES)]
    calendars = {
        currency: await sellers.calendar_of_currency(tx, currency) for currency in await sellers.currencies(tx)
    }
    open_ = {currency: one for currency, one in calendars.items() if sellers.is_working(one, today)}
    last = {currency: rules.last_working(runs, calendar) for currency, calendar in open_.items()}
    if not any(rules.is_due(one, day, today) for one in schedules for day in set(last.values())):
        return 0
    owed = [row for row in await tx.all(store.OWED, cell=cell) if row.currency in open_]
    judged = await tx.all(
        store.OF_OWED, cell=cell, now=tx.now, sellers=[row.seller_id for row in owed],
        accounts=[row.account_id for row in owed], currencies=[row.currency for row in owed],
        amounts=[row.amount_minor for row in owed],
    )  # fmt: skip
    house = {row.currency: row.id for row in await tx.all(store.ACCOUNTS, cell=FIRST, owner=NIL)}
    due = await _locked_owed(tx, cell, [
        row for row in judged
        if row.amount_minor >= row.minimum_minor
        and rules.is_due(Schedule(row.every, row.on_day), last[row.currency], today)
        and (row.destination is not None or row.currency not in house or row.bank_account is not None)
    ])  # fmt: skip
    if due:
        await _send(tx, cell, due, await _add_files(tx, cell, due, house), calendars)
    return len(due)


async def _locked_owed(tx: Tx, cell: int, seen: Sequence[OwedTo]) -> list[OwedTo]:
    """Those of `seen` who still have enough, with what is available under the lock. Nobody else's account is locked:
    that some are paid each day stops no release to the others."""
    locked = await tx.all(store.LOCK_OWED, cell=cell, accounts=[row.account_id for row in seen])
    available = {row.account_id: row.amount_minor for row in locked}
    now = [msgspec.structs.replace(row, amount_minor=_sayable(row, available[row.account_id])) for row in seen]
    return [row for row in now if row.amount_minor >= row.minimum_minor]


def _sayable(row: OwedTo, minor: int) -> int:
    """What Stripe has no way to write stays in the account, and waits for more."""
    if row.destination is None:
        return minor
    from entrepot.payments.gateways.stripe import sayable  # large: see lines.connector

    return sayable(row.currency, minor)


async def _add_files(tx: Tx, cell: int, due: Sequence[OwedTo], house: dict[str, UUID]) -> dict[int, UUID]:
    """The files of today's run, by the accounts of those who are paid by them."""
    files = dict[int, UUID]()
    due = [row for row in due if row.destination is None]
    for currency in sorted({row.currency for row in due} & house.keys()):
        rows = [row for row in due if row.currency == currency]
        for some in (rows[first : first + IN_FILE_MAX] for first in range(0, len(rows), IN_FILE_MAX)):
            id_, total = new_id(tx.now), sum(row.amount_minor for row in some)
            facts = {"currency": currency, "payouts": len(some), "total_minor": total}
            await tx.run(
                store.ADD_FILE, cell=cell, id=id_, day=tx.now.date(), account_id=house[currency], now=tx.now, **facts
            )
            tx.emit("bank_file_made", id_, facts, cell)
            files |= dict.fromkeys((row.account_id for row in some), id_)
    return files


async def _send(
    tx: Tx, cell: int, due: Sequence[OwedTo], files: dict[int, UUID], calendars: Mapping[str, Calendar]
) -> None:
    currencies = sorted({row.currency for row in due})
    ids = await ledger.account_ids(tx, cell, ["payout"] * len(currencies), [NIL] * len(currencies), currencies)
    clearing = dict(zip(currencies, ids, strict=True))
    payouts = [new_id(tx.now) for _ in due]
    days = (sellers.after_working_days(calendars[currency], tx.now, BANK_DAYS) for currency in currencies)
    settled_at = max(tx.now + RETURNED_WITHIN, *days)
    await tx.run(
        store.PAYOUTS, cell=cell, now=tx.now, ids=payouts, sellers=[row.seller_id for row in due],
        currencies=[row.currency for row in due], amounts=[row.amount_minor for row in due],
        due_at=settled_at, files=[files.get(row.account_id) for row in due],
        accounts=[row.bank_account if row.account_id in files else None for row in due],
        destinations=[row.destination for row in due],
    )  # fmt: skip
    await ledger.post_all(
        tx, cell,
        [
            Hold(payout, "payout", row.account_id, clearing[row.currency], row.amount_minor)
            for payout, row in zip(payouts, due, strict=True)
        ],
    )  # fmt: skip
    for payout, row in zip(payouts, due, strict=True):
        told = {"payout_id": payout, "currency": row.currency, "amount_minor": row.amount_minor}
        tx.emit("payout_sent", row.seller_id, told, cell)


async def settle_due(tx: Tx, cell: int) -> int:
    """Settles the payouts that no bank has returned in time, a batch of them; how many there were. One that the ledger
    refuses holds up no other: it is logged and put off by a day."""
    rows = await tx.all(store.LOCK_DELIVERED, cell=cell, now=tx.now, limit=SETTLED)
    refused = await _settle(tx, cell, rows)
    if refused:
        await tx.run(store.PUT_OFF, cell=cell, ids=refused, due_at=tx.now + PUT_OFF)
    return len(rows)


async def _settle(tx: Tx, cell: int, rows: Sequence[SentRow]) -> list[UUID]:
    """Settles those that the ledger takes; those that it refuses."""
    verdicts = await ledger.apply(tx, cell, [Settle(row.id, "payout") for row in rows])
    refused = [row.id for row, verdict in zip(rows, verdicts, strict=True) if verdict not in ledger.DONE]
    if refused:
        log("payouts_refused", payouts=refused, verdicts=sorted(set(verdicts) - ledger.DONE))
    await _end(tx, cell, [row for row in rows if row.id not in refused], "settled")
    return refused


async def take_bank_word(tx: Tx, sent: Sequence[BankWord], returned: Sequence[BankWord]) -> None:
    """Settles payouts that the bank says it has sent, and gives back what it says came back; both only for the amount
    that it was told, once, and of files for the bank. What does not fit is for whoever matches."""
    ids = sorted({word.payout_id for word in (*sent, *returned)})
    for cell in await cells(tx) if ids else []:
        rows = {row.id: row for row in await tx.all(store.LOCK_TOLD, cell=cell, ids=ids)}
        await _lock_sellers(tx, cell, rows.values())
        await _settle(tx, cell, [row for row in _fitting(rows, sent) if row.status == "sent"])
        rows = {row.id: row for row in await tx.all(store.LOCK_TOLD, cell=cell, ids=ids)}
        for row in _fitting(rows, returned):
            if row.status != "returned":
                await give_back(tx, row)


async def _lock_sellers(tx: Tx, cell: int, rows: Iterable[SentRow]) -> None:
    """All at once, as whoever releases to them does."""
    of = sorted({(row.seller_id, row.currency) for row in rows})
    owners, currencies = [owner for owner, _ in of], [currency for _, currency in of]
    await ledger.lock(tx, cell, await ledger.account_ids(tx, cell, ["seller"] * len(of), owners, currencies))


def _fitting(rows: Mapping[UUID, SentRow], words: Sequence[BankWord]) -> list[SentRow]:
    told = {(word.payout_id, word.currency, word.amount_minor) for word in words}
    return [row for row in rows.values() if (row.id, row.currency, row.amount_minor) in told]


async def settle_payout(tx: Tx, payout_id: UUID) -> None:
    """The bank has delivered a payout: seller 97 -> payout 97. Raises NotFound, PayoutNotSent."""
    row = await _locked(tx, payout_id)
    if row.status != "sent" or row.destination is not None:  # what goes through Stripe ends by Stripe's answer
        raise PayoutNotSent(row.status)
    await ledger.post_all(tx, row.cell, [Settle(row.id, "payout")])
    await _end(tx, row.cell, [row], "settled")


async def return_payout(tx: Tx, payout_id: UUID) -> None:
    """The bank could not deliver a payout: it is the seller's again, and the next run sends it. One that was settled
    comes back by an entry of its own: payout 97 -> seller 97. Raises NotFound, PayoutNotSent."""
    row = await _locked(tx, payout_id)
    if row.status == "returned" or (row.status == "sent" and row.destination is not None):
        raise PayoutNotSent(row.status)
    verdict = await give_back(tx, row)
    if verdict not in ledger.DONE:
        raise TransferRefused(verdict)


async def give_back(tx: Tx, row: SentRow) -> str:
    """The ledger's verdict on it; what it refuses stays as it is."""
    back: Void | Transfer = Void(row.id, "payout")
    if row.status == "settled":
        codes, owners = ["payout", "seller"], [NIL, row.seller_id]
        clearing, seller = await ledger.account_ids(tx, row.cell, codes, owners, [row.currency] * 2)
        back = Transfer(row.id, "payout_return", clearing, seller, row.amount_minor)
    (verdict,) = await ledger.apply(tx, row.cell, [back])
    if verdict in ledger.DONE:
        await _end(tx, row.cell, [row], "returned")
    else:
        log("payouts_refused", payouts=[row.id], verdicts=[verdict])
    return verdict


async def _locked(tx: Tx, payout_id: UUID) -> SentRow:
    cell = await tx.maybe(store.PAYOUT_CELL, id=payout_id)
    if cell is None:
        raise NotFound
    return await tx.one(store.LOCK_PAYOUT, cell=cell, id=payout_id)


async def _end(tx: Tx, cell: int, rows: Sequence[SentRow], status: str) -> None:
    if not rows:
        return
    await tx.run(store.END_PAYOUTS, cell=cell, ids=[row.id for row in rows], status=status)
    for row in rows:
        tell(tx, cell, row, status)


def tell(tx: Tx, cell: int, row: SentRow, status: str) -> None:
    told = {"payout_id": row.id, "currency": row.currency, "amount_minor": row.amount_minor}
    tx.emit(f"payout_{status}", row.seller_id, told, cell)
