"""Taking in what the bank and the provider tell, matching it, and saying what a difference was."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec

from entrepot import payments
from entrepot.kit.auth import Keys
from entrepot.kit.db import Tx
from entrepot.kit.ids import new_id, parse
from entrepot.kit.problem import NotFound
from entrepot.payments import BankWord
from entrepot.reconciliation import rules, store
from entrepot.reconciliation.camt import read_statements
from entrepot.reconciliation.report import PROVIDER, read_report
from entrepot.reconciliation.types import (
    DiscrepancyEnded,
    Entry,
    FeeNotLater,
    FileNotRead,
    Imported,
    Matching,
    NotOurAccount,
    ProviderFee,
    Report,
    Statement,
    ToldOtherwise,
)

LOOKED_BACK = timedelta(days=35)
"""Before what was just told: what was missing then is judged again."""
MARGIN = timedelta(days=10)
"""So much earlier or later than itself the other half of a pair may be told of."""
SPAN_MAX = timedelta(days=400)
"""From the first to the last day of a file."""
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(9990, 1, 1)
FEES_MAX = 1_000


async def import_file(tx: Tx, keys: Keys, content: bytes, by: UUID) -> Imported:
    """Takes in a file of statements (camt.053) or a provider's report (CSV), all of it or nothing, and matches. What
    was taken in before changes nothing. Raises FileNotRead, NotOurAccount, SealedOtherwise, ToldOtherwise."""
    told = await asyncio.to_thread(_read, content)
    first, last = min(one.first_day for one in told), max(one.last_day for one in told)
    if not FIRST_DAY <= first <= last <= LAST_DAY or last - first > SPAN_MAX:
        raise FileNotRead(f"it tells of {first} to {last}")
    await tx.one(store.LOCK)
    new = [await (_take_statement(tx, keys, one, by) if isinstance(one, Statement) else _take_report(tx, one, by))
           for one in told]  # fmt: skip
    matching = Matching(0, 0, [])
    if any(new):
        matching = await reconcile(tx, first - LOOKED_BACK, last)
        fresh = [one for one, is_new in zip(told, new, strict=True) if is_new]
        await _tell_payouts(tx, [entry for one in fresh if isinstance(one, Statement) for entry in one.entries])
    return Imported(
        "report" if isinstance(told[0], Report) else "statement", [one.name for one in told], any(new),
        matching.judged, matching.matched, await tx.one(store.OPEN),
    )  # fmt: skip


def _read(content: bytes) -> Sequence[Statement | Report]:
    is_xml = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return read_statements(content) if is_xml else [read_report(content)]


async def _take_statement(tx: Tx, keys: Keys, told: Statement, by: UUID) -> bool:
    """Whether it is new."""
    account = await payments.house_account(tx, keys, told.iban, told.currency)
    if account is None:
        raise NotOurAccount(told.iban[-4:])
    of = {"currency": account.currency, "ending": account.ending, "name": told.name}
    known = await tx.maybe(store.STATEMENT_DIGEST, **of)
    if _is_known(known, told):
        return False
    id_, entries = new_id(tx.now), told.entries
    await tx.run(
        store.ADD_STATEMENT, **of, id=id_, first_day=told.first_day, last_day=told.last_day, digest=_digest(told),
        opening_minor=told.opening_minor, closing_minor=told.closing_minor, entries=len(entries), now=tx.now, by=by,
    )  # fmt: skip
    await tx.run(
        store.ADD_ENTRIES, statement_id=id_, currency=told.currency, days=[one.day for one in entries],
        amounts=[one.amount_minor for one in entries], references=[one.reference for one in entries],
        returns=[one.is_return for one in entries],
    )  # fmt: skip
    return True


async def _tell_payouts(tx: Tx, entries: Sequence[Entry]) -> None:
    """What statements say of payouts, settled or returned; of all of them at once and last, for it locks sellers."""
    words = [
        (one, BankWord(payout, one.currency, abs(one.amount_minor)))
        for one in entries if (payout := _payout(one)) is not None
    ]  # fmt: skip
    await payments.take_bank_word(
        tx, [word for one, word in words if one.amount_minor < 0], [word for one, word in words if one.amount_minor > 0]
    )


def _payout(entry: Entry) -> UUID | None:
    """The payout that an entry is for, when it went out or came back."""
    if entry.amount_minor > 0 and not entry.is_return:
        return None
    return _id("pay", f"pay_{entry.reference}")


def _id(prefix: str, shown: str) -> UUID | None:
    try:
        return parse(prefix, shown)
    except ValueError:
        return None


async def _take_report(tx: Tx, told: Report, by: UUID) -> bool:
    """Whether it is new."""
    known = await tx.maybe(store.REPORT_DIGEST, provider=told.provider, name=told.name)
    if _is_known(known, told):
        return False
    id_, lines = new_id(tx.now), told.lines
    await tx.run(
        store.ADD_REPORT, id=id_, provider=told.provider, name=told.name, first_day=told.first_day,
        last_day=told.last_day, lines=len(lines), digest=_digest(told), now=tx.now, by=by,
    )  # fmt: skip
    await tx.run(
        store.ADD_LINES, report_id=id_, kinds=[one.kind for one in lines], ids=[one.id for one in lines],
        references=[one.reference for one in lines], currencies=[one.currency for one in lines],
        amounts=[one.amount_minor for one in lines], fees=[one.fee_minor for one in lines],
        settlements=[one.settlement for one in lines], ats=[one.at for one in lines],
    )  # fmt: skip
    return True


def _digest(told: Statement | Report) -> bytes:
    """Of what it says: the bank may write the same in other words."""
    return hashlib.sha256(msgspec.json.encode(told)).digest()


def _is_known(digest: bytes | None, told: Statement | Report) -> bool:
    if digest is not None and digest != _digest(told):
        raise ToldOtherwise(told.name)
    return digest is not None


async def reconcile(tx: Tx, first: date, last: date) -> Matching:
    """Lays the books, the reports and the statements of some days side by side: what differs is put before a person,
    once; what no longer differs is cleared."""
    begin, end = first - MARGIN, last + MARGIN
    start, stop = (datetime.combine(day, time(), UTC) for day in (begin, end + timedelta(days=1)))
    lines = await tx.all(store.LINES, start=start, stop=stop)
    entries = await tx.all(store.ENTRIES, first=begin, last=end)
    named = [_id(rules.PREFIX[line.kind], line.reference) for line in lines if line.kind != "settlement"]
    disputes = sorted({line.reference for line in lines if line.kind in rules.DISPUTES})
    ids = {id_ for id_ in (*named, *map(_payout, entries)) if id_ is not None}
    covered = {row.currency: (row.first_day, row.last_day) for row in await tx.all(store.COVERED)}
    facts = await payments.facts(tx, PROVIDER, begin, end, sorted(ids), disputes)
    fees = await tx.all(store.FEES, limit=FEES_MAX)
    told = rules.Told(facts, lines, entries, fees, covered.pop("", None), covered)
    found = await asyncio.to_thread(rules.match, told, first, last)
    keys = {
        "kinds": [one.kind for one in found.discrepancies],
        "subjects": [one.subject for one in found.discrepancies],
    }
    raised = await tx.all(
        store.RAISE, **keys, ids=[new_id(tx.now) for _ in found.discrepancies],
        days=[one.day for one in found.discrepancies], currencies=[one.currency for one in found.discrepancies],
        expected=[one.expected_minor for one in found.discrepancies],
        found=[one.found_minor for one in found.discrepancies], now=tx.now,
    )  # fmt: skip
    await tx.run(store.CLEAR, **keys, first=first, last=last, now=tx.now)
    for row in raised:
        tx.emit("discrepancy_found", row.id, {"kind": row.kind, "subject": row.subject})
    return found


async def resolve(tx: Tx, id_: UUID, by: UUID, note: str) -> None:
    """A person says what a discrepancy was. It does not come again. Raises NotFound, DiscrepancyEnded."""
    ended = await tx.maybe(store.RESOLVE, id=id_, by=by, note=note, now=tx.now)
    if ended is None:
        found = await tx.maybe(store.DISCREPANCY, id=id_)
        if found is None:
            raise NotFound
        raise DiscrepancyEnded(found.status)
    tx.emit("discrepancy_resolved", id_, {"kind": ended.kind, "subject": ended.subject, "by": by})


async def set_fee(tx: Tx, fee: ProviderFee) -> None:
    """What a provider may keep from `fee.valid_from` on. Raises FeeNotLater."""
    await tx.one(store.LOCK)
    last = await tx.maybe(store.LAST_FEE_FROM, provider=fee.provider, currency=fee.currency)
    if last is not None and last >= fee.valid_from:
        raise FeeNotLater(last)
    await tx.run(store.ADD_FEE, **msgspec.structs.asdict(fee))
