"""Meters and prices are added, use is taken, and months are billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot import fees, ledger, sellers
from entrepot.fees import SellerFacts
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.money import share_bp
from entrepot.kit.problem import Malformed, NotFound
from entrepot.ledger import Transfer
from entrepot.metering import rules, store
from entrepot.metering.rules import Rates, following, month_of
from entrepot.metering.types import (
    Bill,
    Event,
    Line,
    Meter,
    MeterExists,
    PriceNotLater,
    Rate,
    Report,
    Said,
    Used,
    Verdict,
)

GRACE = timedelta(days=1)
"""A month is billed so long after its end: until then nothing of it is late."""
OLDEST = timedelta(days=62)
"""What was used before that is not taken any more."""
LAST_DAY = date(2999, 12, 31)
BATCH = 200
"""Sellers that are billed together."""
PASSED_MAX = 5_000


class Known(NamedTuple):
    """What reports are judged by: sellers' cells, markets' currencies, meters and prices."""

    cells: dict[UUID, int]
    currencies: dict[str, str]
    meters: dict[str, Meter]
    rates: Rates


async def add_meter(tx: Tx, meter: Meter) -> None:
    """Raises MeterExists."""
    if await tx.maybe(store.ADD_METER, **msgspec.structs.asdict(meter)) is None:
        raise MeterExists
    tx.emit("meter_added", NIL, {"meter": meter.code})


async def set_rate(
    tx: Tx, meter: str, currency: str, filter_: str, valid_from: date | None, over: list[int], rates_micro: list[int],
    source: str,
) -> None:  # fmt: skip
    """Says what a meter costs from a day on: the first price from today at the earliest, each other one from a day that
    has not begun; without `valid_from` from the earliest. Raises Malformed, NotFound, PriceNotLater."""
    if (wrong := rules.flaw(over)) is not None:
        raise Malformed(wrong)
    if valid_from is not None and valid_from > LAST_DAY:
        raise Malformed("a day after the year 2999 - at `$.valid_from`")
    known = {one.code: one for one in await tx.all(store.METERS)}
    if meter not in known or currency not in await sellers.currencies(tx):
        raise NotFound
    if filter_ and not known[meter].filter_by:
        raise Malformed("this meter has no filter - at `$.filter`")
    there = await tx.all(store.RATES)
    begun = Rates(there).at(meter, currency, filter_, tx.now.date()) is not None
    soonest = tx.now.date() + timedelta(days=begun)
    rate = Rate(meter, currency, filter_, valid_from or soonest, over, rates_micro, source)
    if rate.valid_from < soonest or await tx.maybe(store.ADD_RATE, **msgspec.structs.asdict(rate)) is None:
        same = [r.valid_from for r in there if (r.meter, r.currency, r.filter) == (meter, currency, filter_)]
        raise PriceNotLater(max(soonest, *(day + timedelta(days=1) for day in same)) if same else soonest)
    tx.emit("meter_priced", NIL, {"meter": meter})


async def take(tx: Tx, reports: Sequence[Report]) -> list[Verdict]:
    """Takes reports of use, each id of a seller once and for all; a verdict for each, in their order. What is reported
    of a month that is billed already goes on the next bill, at the price of its day."""
    known = await _known(tx, reports)
    flaws = {i: said for i, report in enumerate(reports) if (said := _flaw(tx, report, known)) is not None}
    first: dict[tuple[UUID, str], int] = {}
    for i, report in enumerate(reports):
        if i not in flaws:
            first.setdefault((report.seller_id, report.event_id), i)
    added, stored = dict[int, date](), dict[tuple[UUID, str], Event]()
    for cell in sorted(set(known.cells.values())):
        mine = [i for _, i in sorted(first.items()) if known.cells[reports[i].seller_id] == cell]
        added |= await _add(tx, cell, known, {i: reports[i] for i in mine})
        named = [r for i, r in enumerate(reports) if i not in added and known.cells.get(r.seller_id) == cell]
        rows = await tx.all(
            store.NAMED, cell=cell, sellers=[r.seller_id for r in named], ids=[r.event_id for r in named]
        )
        stored |= {(row.seller_id, row.event_id): row for row in rows}
    return [
        Verdict("accepted", added[i]) if i in added
        else _again(report, stored.get((report.seller_id, report.event_id)), flaws.get(i))
        for i, report in enumerate(reports)
    ]  # fmt: skip


def _again(report: Report, event: Event | None, flaw: Said | None) -> Verdict:
    """What a report is told that was not taken: what it repeats, or why it was refused."""
    if event is None:
        assert flaw is not None, "what has no flaw is stored"
        return Verdict(flaw)
    same = all(getattr(report, name) == getattr(event, name) for name in ("market", "meter", "quantity", "at"))
    return Verdict("duplicate" if same and report.properties == event.properties else "conflict", event.month)


async def _known(tx: ReadTx, reports: Sequence[Report]) -> Known:
    return Known(
        {row.seller_id: row.cell for row in await tx.all(store.HOMES, ids=sorted({r.seller_id for r in reports}))},
        {market.code: market.currency for market in await sellers.markets(tx)},
        {meter.code: meter for meter in await tx.all(store.METERS)},
        Rates(await tx.all(store.RATES)),
    )


def _flaw(tx: ReadTx, report: Report, known: Known) -> Said | None:
    """Why a report cannot be taken."""
    if report.seller_id not in known.cells:
        return "unknown_seller"
    if report.market not in known.currencies:
        return "unknown_market"
    if report.meter not in known.meters:
        return "unknown_meter"
    if report.at > tx.now:
        return "in_future"
    if report.at < tx.now - OLDEST:
        return "too_old"
    filter_ = _filter(report, known)
    priced = known.rates.at(report.meter, known.currencies[report.market], filter_, report.at.date())
    return None if priced is not None else "no_price"


def _filter(report: Report, known: Known) -> str:
    return report.properties.get(known.meters[report.meter].filter_by, "")


async def _add(tx: Tx, cell: int, known: Known, reports: dict[int, Report]) -> dict[int, date]:
    """Stores those of a cell's reports, in the order of their names, that nobody has stored; on whose bill each is.
    Their sellers' months cannot be billed meanwhile."""
    if not reports:
        return {}
    owners = sorted({report.seller_id for report in reports.values()})
    await tx.run(store.OPEN_ACCOUNTS, cell=cell, sellers=owners, month=month_of((tx.now - GRACE).date()))
    accounts = await tx.all(store.SHARE_ACCOUNTS, cell=cell, sellers=owners)
    open_month = {account.seller_id: account.open_month for account in accounts}
    months = {i: max(month_of(r.at.date()), open_month[r.seller_id]) for i, r in reports.items()}
    all_ = list(reports.values())
    rows = await tx.all(
        store.ADD_EVENTS, cell=cell, now=tx.now, sellers=[r.seller_id for r in all_], ids=[r.event_id for r in all_],
        meters=[r.meter for r in all_], filters=[_filter(r, known) for r in all_], markets=[r.market for r in all_],
        currencies=[known.currencies[r.market] for r in all_], quantities=[r.quantity for r in all_],
        times=[r.at for r in all_], properties=[r.properties for r in all_], months=list(months.values()),
    )  # fmt: skip
    new = {(row.seller_id, row.event_id) for row in rows}
    return {i: months[i] for i, r in reports.items() if (r.seller_id, r.event_id) in new}


async def bill_due(tx: Tx, cell: int) -> int:
    """Bills each seller the month that is over, once; how many there were. A worker that was away bills one month after
    the other. Whose bill cannot be made stays due and is passed over."""
    month = month_of((tx.now - GRACE).date())
    done, passed = 0, list[UUID]()
    while len(passed) < PASSED_MAX:
        found = await tx.all(store.DUE, cell=cell, month=month, passed=passed, limit=BATCH)
        due = {one.seller_id: one.open_month for one in found}

        async def bill(owners: Sequence[UUID], due: Mapping[UUID, date] = due) -> int:
            return await _bill(tx, cell, {owner: due[owner] for owner in owners})

        did, culprits = await in_halves(tx, "usage", list(due), bill)
        done, passed = done + did, passed + culprits
        if not culprits:
            break
    return done


async def _bill(tx: Tx, cell: int, month_for: Mapping[UUID, date]) -> int:
    """Bills sellers, whose accounts are locked, a month each: seller 100 -> cloud_fees 100, seller 19 -> fee_tax 19."""
    used = await tx.all(store.USED, cell=cell, sellers=list(month_for), months=list(month_for.values()))
    drafts = await drafted(tx, cell, used)
    facts_in = {
        currency: await fees.facts_of(tx, currency, [seller for seller, other in drafts if other == currency])
        for currency in sorted({currency for _, currency in drafts})
    }
    bills = list[tuple[Bill, list[Line]]]()
    for (seller, currency), lines in drafts.items():
        facts = facts_in[currency].get(seller, SellerFacts())
        net = sum(line.net_minor for line in lines)
        bill = Bill(
            new_id(tx.now), seller, month_for[seller], currency, net, share_bp(net, facts.tax_bp or 0), facts.tax_bp,
            facts.tax_kind, tx.now,
        )  # fmt: skip
        bills.append((bill, lines))
        tx.emit("usage_billed", seller, {"bill_id": bill.id, "month": bill.month.isoformat()}, cell)
    await _write(tx, cell, bills)
    await tx.run(
        store.MOVE_ON, cell=cell, sellers=list(month_for), months=[following(month) for month in month_for.values()]
    )
    await _post(tx, cell, [bill for bill, _ in bills])
    return len(month_for)


async def drafted(tx: ReadTx, cell: int, used: Sequence[Used]) -> dict[tuple[UUID, str], list[Line]]:
    """The lines that this use comes to, by seller and currency; of nothing none."""
    meters = {meter.code: meter for meter in await tx.all(store.METERS)}
    rates = Rates(await tx.all(store.RATES))
    together: dict[tuple[UUID, str], list[Used]] = {}
    for one in used:
        together.setdefault((one.seller_id, one.currency), []).append(one)
    billed: dict[tuple[UUID, str], dict[tuple[str, str, date], int]] = {}
    for row in await tx.all(
        store.BILLED, cell=cell, sellers=sorted({one.seller_id for one in used}),
        months=sorted({month_of(one.day) for one in used}),
    ):  # fmt: skip
        of = billed.setdefault((row.seller_id, row.currency), {})
        of[row.meter, row.filter, row.use_month] = row.quantity
    found = {key: rules.lines(mine, meters, rates, billed.get(key, {})) for key, mine in together.items()}
    return {key: lines for key, lines in found.items() if lines}


async def _write(tx: Tx, cell: int, bills: Sequence[tuple[Bill, list[Line]]]) -> None:
    heads = [bill for bill, _ in bills]
    await tx.run(
        store.ADD_BILLS, cell=cell, now=tx.now, ids=[b.id for b in heads], sellers=[b.seller_id for b in heads],
        months=[b.month for b in heads], currencies=[b.currency for b in heads], nets=[b.net_minor for b in heads],
        taxes=[b.tax_minor for b in heads], bps=[b.tax_bp for b in heads], tax_kinds=[b.tax_kind for b in heads],
    )  # fmt: skip
    rows = [(bill.id, no, line) for bill, lines in bills for no, line in enumerate(lines, 1)]
    lines = [line for _, _, line in rows]
    await tx.run(
        store.ADD_LINES, cell=cell, bills=[id_ for id_, _, _ in rows], nos=[no for _, no, _ in rows],
        meters=[x.meter for x in lines], filters=[x.filter for x in lines], months=[x.use_month for x in lines],
        rate_filters=[x.rate_filter for x in lines], valid_from=[x.valid_from for x in lines],
        over=[x.over for x in lines], quantities=[x.quantity for x in lines], rates=[x.rate_micro for x in lines],
        nets=[x.net_minor for x in lines],
    )  # fmt: skip


async def _post(tx: Tx, cell: int, bills: Sequence[Bill]) -> None:
    """Takes what the bills come to from the sellers' accounts, which may then be below zero, as by any fee."""
    steps = [(b, "usage_fee", "cloud_fees", b.net_minor) for b in bills if b.net_minor]
    steps += [(b, "usage_fee_tax", "fee_tax", b.tax_minor) for b in bills if b.tax_minor]
    owners = {("seller", bill.seller_id, bill.currency) for bill, *_ in steps}
    keys = sorted(owners | {(house, NIL, bill.currency) for bill, _, house, _ in steps})
    found = await ledger.account_ids(tx, cell, [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys])
    ids = dict(zip(keys, found, strict=True))
    await ledger.post_all(
        tx, cell,
        [
            Transfer(b.id, code, ids["seller", b.seller_id, b.currency], ids[house, NIL, b.currency], amount)
            for b, code, house, amount in steps
        ],
    )  # fmt: skip
