"""The verbs of chargebacks. A case is locked first, then its shares, then what they are of: disputes, orders, the
payment, accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import disputes, ledger, orders, payments
from entrepot.chargebacks import rules, store
from entrepot.chargebacks.types import (
    EVIDENCE_MAX,
    Case,
    EvidenceFull,
    NothingToSend,
    Rule,
    RuleTooEarly,
    Share,
    Taken,
)
from entrepot.disputes import File
from entrepot.kit.cells import cells
from entrepot.kit.db import Tx
from entrepot.kit.halves import in_halves
from entrepot.kit.ids import NIL, new_id
from entrepot.kit.money import allocate
from entrepot.kit.problem import NotFound
from entrepot.ledger import Transfer
from entrepot.payments import Chargeback

SENT_BEFORE = timedelta(days=1)
"""What was said is sent to the bank by itself so long before the last moment."""
PASSED_MAX = 100
"""Culprits that one timer run passes over."""


async def take_in(tx: Tx, cell: int, ids: Sequence[UUID]) -> None:
    """Posts what the gateway has told of chargebacks of payments of this cell, and was not posted yet."""
    for told in await payments.chargebacks(tx, cell, sorted(set(ids))):
        await tx.run(store.OPEN_CASE, cell=cell, id=told.id, payment_id=told.payment_id, currency=told.currency)
        case = await tx.one(store.LOCK_CASE, cell=cell, id=told.id)
        if case.status == "heard" and told.withdrawn_minor:
            case = await _take(tx, told)
        if _is_decided(told):
            await _close(tx, told, case)


def _is_decided(told: Chargeback) -> bool:
    """What was taken is lost, or some of it came back; or it was won before anything was taken."""
    if told.withdrawn_minor == 0:
        return told.status == "won"
    return told.status == "lost" or (told.status == "won" and told.returned_minor > 0)


async def _take(tx: Tx, told: Chargeback) -> Case:
    """The bank has taken money: chargebacks 100 -> gateway 100, chargeback_fee 15 -> gateway 15. It falls on the orders
    that the payment paid for; what is over, since a refund crossed it, is the operator's loss at once:
    chargeback_loss 20 -> chargebacks 20."""
    room = await payments.lock_room(tx, told.cell, told.payment_id)
    shared = 0 if room.group_id is None else min(told.withdrawn_minor, room.left_minor)
    over = told.withdrawn_minor - shared
    taken = list[payments.Taken]()
    if shared and room.group_id is not None:
        taken = await _share(tx, told, room.group_id, shared)
    await payments.take(tx, told.cell, told.id, told.payment_id, taken, over)
    await tx.run(
        store.CASE_TAKEN, cell=told.cell, id=told.id, withdrawn_minor=told.withdrawn_minor, over_minor=over,
        fee_minor=told.fee_minor,
    )  # fmt: skip
    await _post(
        tx, told,
        ("chargeback", "chargebacks", "gateway", told.withdrawn_minor),
        ("chargeback_over", "chargeback_loss", "chargebacks", over),
        ("chargeback_fee", "chargeback_fee", "gateway", told.fee_minor),
    )  # fmt: skip
    tx.emit("chargeback_taken", told.id, {"payment_id": told.payment_id}, told.cell)
    return await tx.one(store.LOCK_CASE, cell=told.cell, id=told.id)


async def _share(tx: Tx, told: Chargeback, group_id: UUID, amount_minor: int) -> list[payments.Taken]:
    sold = await orders.sold_by_payment(tx, told.cell, group_id)
    known = await tx.all(store.RULES_AT, at=told.heard_at)
    amounts = rules.split(amount_minor, sold)
    fees = allocate(told.fee_minor, amounts)
    for one, amount, fee in sorted(zip(sold, amounts, fees, strict=True), key=lambda each: each[0].cell):
        if amount:
            await tx.run(
                store.ADD_SHARE, cell=one.cell, id=new_id(tx.now), case_id=told.id, case_cell=told.cell,
                order_id=one.id, seller_id=one.seller_id, currency=told.currency, amount_minor=amount, fee_minor=fee,
                liable=rules.liable_of(known, one.market, one.seller_id, told.reason), now=tx.now,
            )  # fmt: skip
    return [
        payments.Taken(one.id, one.paid_minor, amount)
        for one, amount in zip(sold, amounts, strict=True) if amount
    ]  # fmt: skip


async def _close(tx: Tx, told: Chargeback, case: Case) -> None:
    """The bank has decided. What it gave back is the gateway's again, gateway 100 -> chargebacks 100, and its shares
    end with what is lost of each. More of it may come later."""
    if case.status == "closed":
        await _add_late(tx, told, case)
        return
    shares = []
    for there in await cells(tx):
        shares += await tx.all(store.LOCK_SHARES, cell=there, case_id=told.id)
    shared = sum(share.amount_minor for share in shares)
    lost, over_back = max(0, shared - told.returned_minor), max(0, told.returned_minor - shared)
    fee_back, fee_more = max(0, case.fee_minor - told.fee_minor), max(0, told.fee_minor - case.fee_minor)
    losses = allocate(lost, [share.amount_minor for share in shares]) if shares else []
    backs = allocate(min(fee_back, sum(s.fee_minor for s in shares)), [s.fee_minor for s in shares]) if shares else []
    for share, lost_minor, fee in zip(shares, losses, backs, strict=True):
        await tx.run(
            store.DECIDED, cell=share.cell, id=share.id, lost_minor=lost_minor, fee_back_minor=fee, now=tx.now
        )  # fmt: skip
    await payments.lock_room(tx, told.cell, told.payment_id)
    kept = {share.order_id: lost_minor for share, lost_minor in zip(shares, losses, strict=True)}
    await payments.give_again(tx, told.cell, told.id, told.payment_id, kept, shared - lost, over_back)
    await _set_closed(tx, told, told.fee_minor)
    await _post(
        tx, told,
        ("chargeback_back", "gateway", "chargebacks", told.returned_minor),
        ("chargeback_over_back", "chargebacks", "chargeback_loss", over_back),
        ("chargeback_fee_back", "gateway", "chargeback_fee", fee_back),
        ("chargeback_fee_more", "chargeback_fee", "gateway", fee_more),
    )  # fmt: skip
    tx.emit("chargeback_closed", told.id, {"payment_id": told.payment_id, "status": told.status}, told.cell)


async def _add_late(tx: Tx, told: Chargeback, case: Case) -> None:
    """What comes after the end, once or more often, is no order's any more: it makes the operator's loss smaller,
    gateway 20 -> chargeback_loss 20, gateway 15 -> chargeback_fee 15."""
    more, fee_back = told.returned_minor - case.returned_minor, max(0, case.fee_minor - told.fee_minor)
    if more + fee_back == 0:
        return
    late = new_id(tx.now)
    await tx.run(
        store.ADD_LATE, cell=told.cell, id=late, case_id=told.id, returned_minor=more, fee_back_minor=fee_back,
        now=tx.now,
    )  # fmt: skip
    await _post(
        tx, told,
        ("chargeback_late", "gateway", "chargeback_loss", more),
        ("chargeback_fee_back", "gateway", "chargeback_fee", fee_back),
        cause=late,
    )  # fmt: skip
    await _set_closed(tx, told, case.fee_minor - fee_back)


async def _set_closed(tx: Tx, told: Chargeback, fee_minor: int) -> None:
    await tx.run(
        store.CASE_CLOSED, cell=told.cell, id=told.id, returned_minor=told.returned_minor, fee_minor=fee_minor,
        now=tx.now,
    )  # fmt: skip


async def _post(
    tx: Tx, told: Chargeback, *moves: tuple[str, str, str, int], cause: UUID | None = None
) -> None:  # fmt: skip
    """(code, debit, credit, amount) between accounts of the house, known by the chargeback or another cause."""
    some = [move for move in moves if move[3]]
    codes = [code for move in some for code in move[1:3]]
    ids = await ledger.account_ids(tx, told.cell, codes, [NIL] * len(codes), [told.currency] * len(codes))
    await ledger.post_all(
        tx, told.cell,
        [
            Transfer(cause or told.id, move[0], debit, credit, move[3])
            for move, debit, credit in zip(some, ids[::2], ids[1::2], strict=True)
        ],
    )  # fmt: skip


async def settle_shares(tx: Tx, cell: int) -> int:
    """Freezes what falls on an order, or ends it when the bank has decided; one order, since another has other locks.
    What fails stays due and is passed over. How many, so that it is asked again."""
    passed = list[UUID]()
    while len(passed) < PASSED_MAX:
        share = await tx.maybe(store.LOCK_DUE, cell=cell, now=tx.now, passed=passed)
        if share is None:
            break

        async def settle(_: object, share: Share = share) -> int:
            await (_freeze if share.status == "told" else _end)(tx, share)
            return 1

        done, culprits = await in_halves(tx, "chargeback", [share.id], settle)
        if done:
            return done
        passed += culprits
    return 0


async def _freeze(tx: Tx, share: Share) -> None:
    """What is left of the order is frozen first, then what its buyer disputes here, which the bank decides, too; last
    what was disputed here before and is its seller's."""
    cell = share.cell
    argued = await disputes.lock_open(tx, cell, share.order_id)
    is_own = await _is_own(tx, share)
    recall = is_own or share.liable == "seller"
    order = await orders.charge_back(tx, cell, share.id, share.order_id, share.amount_minor, recall=recall)
    parts = [Taken(share.id, order.taken_minor, False)] if order.taken_minor else []
    rest = share.amount_minor - order.taken_minor
    for dispute in argued if order.status != "paid" else ():
        taken = min(rest, dispute.claimed_minor)
        if taken:
            await disputes.give_to_bank(tx, dispute)
            parts.append(Taken(dispute.id, taken, True))
            rest -= taken
    if recall and rest and order.status != "paid":
        kept = await orders.charge_kept(tx, cell, share.order_id, rest)
        parts += [Taken(part_id, taken, False) for part_id, taken in kept]
    for part in parts:
        await tx.run(store.ADD_PART, cell=cell, share_id=share.id, **msgspec.structs.asdict(part))
    await orders.recall_parts(tx, cell, share.order_id, [part.id for part in parts if not part.is_dispute])
    charged = share.fee_minor if share.liable == "seller" and not is_own and not order.paid_otherwise else 0
    await tx.run(store.SHARE_TAKEN, cell=cell, id=share.id, charged_minor=charged, now=tx.now)
    await _post_fee(tx, share, "chargeback_fee", "seller", "chargeback_fee", charged)
    tx.emit("order_charged_back", share.id, _what(share), cell)


async def _end(tx: Tx, share: Share) -> None:
    """What the bank keeps is paid by what is frozen if the seller is liable, or has sent nothing; else it is the
    operator's loss, chargeback_loss 100 -> chargebacks 100, and what is frozen is the seller's."""
    assert share.lost_minor is not None, "only what the bank has decided is due"
    cell, lost = share.cell, share.lost_minor
    parts = await tx.all(store.PARTS, cell=cell, share_id=share.id)
    bears = share.liable == "seller" or await _is_own(tx, share)
    drawn = rules.drawn(lost if bears else 0, parts)
    if lost == 0:
        await orders.bank_is_done(tx, cell, share.id, share.order_id, "the bank has given it back")
    for part, back in zip(parts, drawn, strict=True):
        await (disputes.close_by_bank if part.is_dispute else orders.end_charged)(tx, cell, part.id, back)
    paid = sum(drawn)
    if lost and not parts:
        paid = await orders.charge_late(tx, cell, share.id, share.order_id, lost, bears=bears)
        if paid:
            late = Taken(share.id, paid, False)
            await tx.run(store.ADD_PART, cell=cell, share_id=share.id, **msgspec.structs.asdict(late))
    await tx.run(store.SHARE_ENDED, cell=cell, id=share.id, from_parts_minor=paid)
    await _post_fee(
        tx, share, "chargeback_fee_back", "chargeback_fee", "seller", min(share.fee_back_minor, share.charged_minor)
    )  # fmt: skip
    if paid < lost:
        codes, home = ["chargeback_loss", "chargebacks"], share.case_cell
        loss, owed = await ledger.account_ids(tx, home, codes, [NIL] * 2, [share.currency] * 2)
        await ledger.post_all(tx, home, [Transfer(share.id, "chargeback_loss", loss, owed, lost - paid)])
    tx.emit("order_charge_decided", share.id, {**_what(share), "lost_minor": lost, "paid_minor": paid}, cell)


def _what(share: Share) -> dict[str, object]:
    return {
        "order_id": share.order_id, "seller_id": share.seller_id, "chargeback_id": share.case_id,
        "amount_minor": share.amount_minor, "currency": share.currency, "liable": share.liable,
    }  # fmt: skip


async def _post_fee(tx: Tx, share: Share, code: str, debit: str, credit: str, amount_minor: int) -> None:
    if amount_minor:
        owners = [share.seller_id if account == "seller" else NIL for account in (debit, credit)]
        ids = await ledger.account_ids(tx, share.cell, [debit, credit], owners, [share.currency] * 2)
        await ledger.post_all(tx, share.cell, [Transfer(share.id, code, ids[0], ids[1], amount_minor)])


async def _is_own(tx: Tx, share: Share) -> bool:
    return await orders.is_own(tx, share.cell, share.order_id)


async def add_rule(tx: Tx, rule: Rule) -> None:
    """Who bears chargebacks from a time on. Raises RuleTooEarly."""
    if rule.valid_from < tx.now:
        raise RuleTooEarly
    await tx.run(
        store.ADD_RULE, market=rule.market, seller_id=rule.seller_id, reason=rule.reason, valid_from=rule.valid_from,
        liable=rule.liable, source=rule.source,
    )  # fmt: skip


async def add_evidence(
    tx: Tx, case_id: UUID, text: str, file: File | None, *, seller: tuple[int, UUID] | None = None
) -> None:
    """Something to show the bank. With `seller`, its cell and id, only about what falls on an order of its own. Raises
    NotFound, EvidenceFull, payments.EvidenceTooLate."""
    cell = await payments.chargeback_cell(tx, case_id)
    if seller is not None and not await _falls_on(tx, case_id, seller):
        raise NotFound
    await tx.run(store.OPEN_CASE, **await _named(tx, cell, case_id))
    await tx.one(store.LOCK_CASE, cell=cell, id=case_id)
    await _require_open(tx, cell, case_id)
    by = None if seller is None else seller[1]
    said = await tx.all(store.EVIDENCE, cell=cell, case_id=case_id)
    if sum(one.seller_id == by for one in said) >= EVIDENCE_MAX:
        raise EvidenceFull(EVIDENCE_MAX)
    await tx.run(
        store.ADD_EVIDENCE, cell=cell, id=new_id(tx.now), case_id=case_id,
        party="operator" if seller is None else "seller", seller_id=by, text=text,
        file_name=file.name if file else "", file_type=file.type if file else "", file=file.content if file else None,
        now=tx.now,
    )  # fmt: skip


async def _named(tx: Tx, cell: int, case_id: UUID) -> dict[str, object]:
    (told,) = await payments.chargebacks(tx, cell, [case_id])
    return {"cell": cell, "id": case_id, "payment_id": told.payment_id, "currency": told.currency}


async def _falls_on(tx: Tx, case_id: UUID, seller: tuple[int, UUID]) -> bool:
    cell, seller_id = seller
    found = await tx.all(store.SHARES, cases=[case_id])
    return any(share.cell == cell and share.seller_id == seller_id for share in found)


async def _require_open(tx: Tx, cell: int, case_id: UUID) -> None:
    """Raises EvidenceTooLate once it was sent, or its time is over."""
    (told,) = await payments.chargebacks(tx, cell, [case_id])
    is_open = told.evidence is None and told.status in ("inquiry", "open")
    if not is_open or told.evidence_by is None or told.evidence_by <= tx.now:
        raise payments.EvidenceTooLate


async def send_evidence(tx: Tx, case_id: UUID) -> None:
    """All that was said goes to the bank, once and for good. Raises NotFound, NothingToSend,
    payments.EvidenceTooLate."""
    cell = await payments.chargeback_cell(tx, case_id)
    await tx.maybe(store.LOCK_CASE, cell=cell, id=case_id)
    said = await tx.all(store.EVIDENCE, cell=cell, case_id=case_id)
    if not said:
        raise NothingToSend
    await payments.answer(tx, cell, case_id, rules.letter([(one.party, one.text, one.file_name) for one in said]))


async def send_due(tx: Tx, cell: int) -> int:
    """Sends what was said before it is too late, if nobody has; how many."""
    waiting = await tx.all(store.TO_SEND, cell=cell)
    found = [
        told
        for told in (await payments.chargebacks(tx, cell, waiting) if waiting else ())
        if told.evidence is None and told.status in ("inquiry", "open") and told.evidence_by is not None
        and told.evidence_by - SENT_BEFORE <= tx.now < told.evidence_by
    ]  # fmt: skip
    for told in found:
        await send_evidence(tx, told.id)
    return len(found)
