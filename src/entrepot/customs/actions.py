"""The verbs of returns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from entrepot import approvals, ledger, orders, sellers, trade
from entrepot.approvals import NO_AMOUNT, Asked
from entrepot.customs import rules, store
from entrepot.customs.types import Content, Part, Period, PeriodNotOver, PeriodNotValid, ReturnFiled, ReturnPaid
from entrepot.kit.cells import cells
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.problem import NotFound
from entrepot.ledger import StatementLine, Transfer
from entrepot.orders import TaxEntry
from entrepot.trade import SCHEMES

SETTLED_AFTER = timedelta(hours=1)
"""After a period: until then a transaction of its last second may not have committed."""
BANKS_REST_D = 10


async def file_return(tx: Tx, scheme: str, first_day: date, by: UUID) -> UUID:
    """Makes the return of a scheme for the period that begins on a day, once. Raises NotFound, PeriodNotValid,
    PeriodNotOver, ReturnFiled."""
    if scheme not in SCHEMES:
        raise NotFound
    if first_day.year > tx.now.year:
        raise PeriodNotValid
    period = rules.period_from(scheme, first_day)
    over = datetime.combine(period.last_day + timedelta(days=1), datetime.min.time(), UTC) + SETTLED_AFTER
    if tx.now < over:
        raise PeriodNotOver(over)
    content = await drafted(tx, scheme, period)
    id_ = new_id(tx.now)
    number = (await trade.registered(tx, period.last_day)).get(scheme, "")
    filed = await tx.maybe(
        store.FILE, id=id_, scheme=scheme, number=number, first_day=period.first_day, last_day=period.last_day,
        due_on=period.due_on, content=content, now=tx.now, by=by,
    )  # fmt: skip
    if filed is None:
        raise ReturnFiled
    tx.emit("tax_return_filed", id_, {"scheme": scheme, "first_day": first_day, "user_id": by})
    return id_


async def pay_return(tx: Tx, return_id: UUID, reference: str, by: UUID) -> None:
    """What a return comes to was paid, by this reference of the bank's or the authority's: tax_ioss 97 -> payout 97;
    what the authority owes us comes the other way. Raises NotFound, ReturnPaid."""
    found = await tx.maybe(store.RETURN, id=return_id)
    if found is None:
        raise NotFound
    if await tx.maybe(store.PAY, id=return_id, now=tx.now, by=by, reference=reference) is None:
        raise ReturnPaid
    code = orders.tax_account(found.scheme)
    parts = msgspec.convert(found.content, Content).parts
    for cell in sorted({part.cell for part in parts}):
        mine = [part for part in parts if part.cell == cell]
        sides = [code] * len(mine) + ["payout"] * len(mine)
        ids = await ledger.account_ids(tx, cell, sides, [NIL] * len(sides), [part.currency for part in mine] * 2)
        await ledger.post_all(tx, cell, [
            Transfer(part.id, "tax_paid", tax, payout, part.tax_minor)
            if part.tax_minor > 0
            else Transfer(part.id, "tax_repaid", payout, tax, -part.tax_minor)
            for part, tax, payout in zip(mine, ids[: len(mine)], ids[len(mine) :], strict=True)
        ])  # fmt: skip
    told = {"scheme": found.scheme, "first_day": found.first_day, "user_id": by}
    tx.emit("tax_return_paid", return_id, told)


class Payment(msgspec.Struct, frozen=True):
    """`reference` is the bank's or the authority's name for it."""

    return_id: UUID
    reference: str


async def pay_return_by(tx: Tx, user_id: UUID, return_id: UUID, reference: str) -> Asked | None:
    """The same by an operator, who may need another for it."""
    return await approvals.do(tx, PAY_RETURN, Payment(return_id, reference), user_id)


async def _pay_return(tx: Tx, one: Payment, user_id: UUID) -> None:
    await pay_return(tx, one.return_id, one.reference, user_id)


async def _worth(tx: Tx, one: Payment) -> tuple[str, int]:
    """What is paid, or comes; of several currencies, as of none, one alone pays nothing where there is a limit."""
    found = await tx.maybe(store.RETURN, id=one.return_id)
    if found is None:
        raise NotFound
    sums: dict[str, int] = {}
    for part in msgspec.convert(found.content, Content).parts:
        sums[part.currency] = sums.get(part.currency, 0) + part.tax_minor
    (of, minor), *others = sums.items() or [NO_AMOUNT]
    return NO_AMOUNT if others else (of, abs(minor))


PAY_RETURN = approvals.action("pay_tax_return", Payment, _pay_return, _worth)


async def drafted(tx: ReadTx, scheme: str, period: Period) -> Content:
    """The lines of a period as they are now, and what its accounts moved: both of the same transfers."""
    entries: list[TaxEntry] = []
    moved: dict[tuple[int, str], int] = {}
    account = orders.tax_account(scheme)
    for cell in await cells(tx):
        for currency in await sellers.currencies(tx):
            (id_,) = await ledger.account_ids(tx, cell, [account], [NIL], [currency])
            for lines in [await _moves(tx, cell, id_, *day) for day in _days(period)] if id_ else []:
                causes = {line.cause_id for line in lines if line.code in ("tax", "tax_back")}
                found = await orders.tax_entries(tx, cell, sorted(causes)) if causes else []
                backs = {line.cause_id for line in lines if line.code == "tax_back"}
                sales = {line.cause_id for line in lines if line.code == "tax"}
                mine = [one for one in found if one.cause_id in (backs if one.tax_minor < 0 else sales)]
                sum_ = sum(line.amount_minor for line in lines if line.code in ("tax", "tax_back"))
                assert sum_ == sum(one.tax_minor for one in mine), "a return closes to the ledger"
                moved[cell, currency] = moved.get((cell, currency), 0) + sum_
                entries += mine
    rates = await _rates(tx, rules.DECLARED_IN[scheme], {entry.currency for entry in entries}, period.last_day)
    parts = [Part(new_id(tx.now), cell, currency, minor) for (cell, currency), minor in sorted(moved.items()) if minor]
    return Content(rules.lines_of(scheme, period, entries, rates), parts)


def _days(period: Period) -> list[tuple[datetime, datetime]]:
    first = datetime.combine(period.first_day, datetime.min.time(), UTC)
    days = (period.last_day - period.first_day).days + 1
    return [(first + timedelta(days=n), first + timedelta(days=n + 1)) for n in range(days)]


async def _moves(tx: ReadTx, cell: int, account: int, start: datetime, stop: datetime) -> list[StatementLine]:
    """What an account moved in a time; of one that is too long for a statement, half by half."""
    try:
        return (await ledger.statement(tx, cell, account, start, stop)).lines
    except ledger.StatementTooLong:
        middle = start + (stop - start) / 2
        if middle in (start, stop):
            raise
    return [
        *await _moves(tx, cell, account, start, middle), *await _moves(tx, cell, account, middle, stop)
    ]  # fmt: skip


async def _rates(tx: ReadTx, declared: str, currencies: Collection[str], last_day: date) -> dict[str, Decimal]:
    """What one unit of the declared currency is in the others: the ECB's rates of the period's last day or, if none
    were published then, of the next day on which they were (Directive 2006/112/EC, articles 369h and 369u)."""
    wanted = {*currencies, declared} - {"EUR"}
    rows = await trade.euro_rates(tx, wanted, last_day + timedelta(days=BANKS_REST_D), BANKS_REST_D + 1)
    euro = {"EUR": Decimal(1)} | {row.currency: row.per_euro for row in rows if row.day >= last_day}
    return {one: euro[one] / euro[declared] for one in currencies if one in euro and declared in euro}
