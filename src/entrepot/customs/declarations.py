"""Declarations of goods that leave bond with an order. Each verb locks the order first: its declarations, and what of
the book is promised to them, change under that lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from entrepot import bonded, trade
from entrepot.bonded import BookShort
from entrepot.customs import store_declarations as store
from entrepot.customs.messages import (
    FIELDS,
    DeclaredItem,
    Disagreement,
    Messages,
    OrderMessage,
    ParcelMessage,
    ParcelSaid,
    PaymentMessage,
    PaymentSaid,
    Person,
    disagreements,
)
from entrepot.customs.office import Answer
from entrepot.customs.store_declarations import DeclarationRow, HomeRow, LineRow, OrderRow
from entrepot.customs.types import NotDeclared, ReleasedAlready
from entrepot.inventory import Goods
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.ids import new_id, show
from entrepot.kit.problem import NotFound

OVER = ("released", "ended", "rejected")
KEPT = timedelta(hours=1)
"""Customs that does not take a declaration back is asked again after this."""
SHORT_MAX = 100
"""Declarations that are compared again at once when the book has more of something."""


class Gathered(msgspec.Struct, frozen=True):
    """An order's messages, and what they are of. `sealed` is the buyer's number at customs."""

    order: OrderRow
    goods: list[Goods]
    messages: Messages
    sealed: bytes | None


async def open_many(tx: Tx, cell: int, order_ids: Sequence[UUID]) -> int:
    """Makes the first declaration of those of the orders that are paid and whose goods lie in bond; how many are
    new."""
    made = 0
    for order_id in await tx.all(store.IN_BOND, cell=cell, ids=list(order_ids)):
        status = await tx.one(store.LOCK_ORDER, cell=cell, id=order_id)
        if status == "paid" and await tx.maybe(store.LATEST, cell=cell, order_id=order_id) is None:
            await _make(tx, cell, order_id)
            made += 1
    return made


async def say(
    tx: Tx, cell: int, order_id: UUID, said: ParcelSaid | PaymentSaid, by: UUID, seller_id: UUID | None = None
) -> None:
    """Who packs an order, carries it or took its payment says so; then its messages are compared again. Raises
    NotFound, also for another seller's; NotDeclared, ReleasedAlready."""
    latest = await _lock(tx, cell, order_id, seller_id)
    if latest.status in ("asked", "released", "revoking"):
        raise ReleasedAlready(latest.status)
    kind = "parcel" if isinstance(said, ParcelSaid) else "payment"
    for before in await tx.all(store.MESSAGES, cell=cell, order_id=order_id):
        if before.kind == kind:
            tx.was(**before.content)
    await tx.run(
        store.SAY, cell=cell, order_id=order_id, kind=kind, content=msgspec.to_builtins(said), by=by, now=tx.now
    )  # fmt: skip
    await _again(tx, cell, latest)


async def declare_again(tx: Tx, cell: int, order_id: UUID, seller_id: UUID | None = None) -> None:
    """What customs rejected, or what did not agree, was put right: its messages are compared again, and sent when they
    agree. Raises NotFound, NotDeclared, ReleasedAlready."""
    latest = await _lock(tx, cell, order_id, seller_id)
    if latest.status in ("asked", "released", "revoking"):
        raise ReleasedAlready(latest.status)
    await _again(tx, cell, latest)


async def book_changed(tx: Tx, cell: int) -> None:
    """The book has more of something: declarations that waited for that, and that it would do for now, are compared
    again, at most SHORT_MAX."""
    order_ids = await tx.all(store.SHORT, cell=cell, limit=SHORT_MAX)
    paid = [id_ for id_ in order_ids if await tx.maybe(store.LOCK_ORDER, cell=cell, id=id_) == "paid"]
    for order_id in paid:
        latest = await _latest(tx, cell, order_id)
        if latest.status == "open":
            await _judge(tx, cell, latest)


async def order_changed(tx: Tx, cell: int, order_id: UUID) -> None:
    """An order was canceled, or some of it: what was declared is taken back, and what is left of it declared anew."""
    status = await tx.maybe(store.LOCK_ORDER, cell=cell, id=order_id)
    latest = await tx.maybe(store.LATEST, cell=cell, order_id=order_id)
    if status not in ("paid", "canceled") or latest is None or latest.status in ("ended", "revoking"):
        return
    if latest.status == "released" or (latest.status == "asked" and latest.attempts):
        await _change(tx, latest, "revoking")
        return
    if latest.status == "asked":
        await bonded.take_back(tx, cell, latest.id)
        tx.emit("declaration_revoked", order_id, {"declaration_id": latest.id}, cell)
    if latest.status != "rejected":
        await _change(tx, latest, "ended")
    if status == "paid":
        await _make(tx, cell, order_id)


async def answered(tx: Tx, cell: int, order_id: UUID, declaration_id: UUID, asked: str, answer: Answer) -> None:
    """Records what customs answered when it was `asked` or asked for a revocation, once: what comes twice, or after the
    order has changed, is no news."""
    status = await tx.one(store.LOCK_ORDER, cell=cell, id=order_id)
    latest = await tx.maybe(store.LATEST, cell=cell, order_id=order_id)
    if latest is None or latest.id != declaration_id or latest.status != asked:
        return
    if asked == "asked" and answer.status == "released":
        await bonded.let_out(tx, cell, declaration_id)
        await _change(tx, latest, "released", reference=answer.reference)
        tx.emit("declaration_released", order_id, {"declaration_id": declaration_id}, cell)
    elif asked == "asked" and answer.status == "rejected":
        await bonded.take_back(tx, cell, declaration_id)
        await _change(tx, latest, "rejected", reason=answer.reason, reference=answer.reference)
        tx.emit("declaration_rejected", order_id, {"declaration_id": declaration_id}, cell)
    elif asked == "revoking" and answer.status in ("revoked", "rejected"):
        await bonded.take_back(tx, cell, declaration_id)
        await _change(tx, latest, "ended", reference=answer.reference)
        tx.emit("declaration_revoked", order_id, {"declaration_id": declaration_id}, cell)
        if status == "paid":
            await _make(tx, cell, order_id)
    elif asked == "revoking":  # customs does not grant it: it is asked again, and somebody has to ask it why
        await tx.run(
            store.CHANGE, cell=cell, id=declaration_id, status="revoking", problems=latest.problems,
            reason=answer.reason, reference=latest.reference, citation=latest.citation, now=tx.now + KEPT,
        )  # fmt: skip


async def gather(tx: ReadTx, cell: int, order_id: UUID) -> Gathered:
    """The three messages of an order, as they are now."""
    order = await tx.one(store.ORDER, cell=cell, id=order_id)
    lines = await tx.all(store.LINES, cell=cell, id=order_id)
    home = await tx.one(store.HOME, cell=order.group_cell, group_id=order.group_id, country=order.country)
    said = {row.kind: row.content for row in await tx.all(store.MESSAGES, cell=cell, order_id=order_id)}
    message = _order_message(order, lines, home)
    goods = [Goods(line.stock_id, line.quantity, order_id) for line in lines]
    parcel = msgspec.convert(said["parcel"], ParcelSaid) if "parcel" in said else None
    payment = msgspec.convert(said.get("payment", {}), PaymentSaid)
    messages = Messages(message, _payment_message(order, home, message, payment), _parcel_message(message, parcel))
    return Gathered(order, goods, messages, home.sealed)


def _order_message(order: OrderRow, lines: Sequence[LineRow], home: HomeRow) -> OrderMessage:
    items = [
        DeclaredItem(
            line.record_no, line.book, line.hs_code, line.country_of_origin, line.unit,
            line.quantity * line.per_unit_milli, line.value_minor, line.sold_as,
        )
        for line in lines
    ]  # fmt: skip
    rest = order.paid_minor - order.tax_minor - order.freight_minor + order.discount_minor
    goods = rest if order.parted else order.items_minor
    return OrderMessage(
        show("ord", order.id), Person(home.name, str(home.person_id or "")), f"{home.recipient}, {home.address}", items,
        sum(line.quantity for line in lines), sum(line.quantity * line.weight_g for line in lines), goods,
        order.freight_minor, order.discount_minor, order.tax_minor, order.paid_minor, order.currency,
        home.external_id or show("pmt", home.payment_id),
    )  # fmt: skip


def _payment_message(order: OrderRow, home: HomeRow, message: OrderMessage, said: PaymentSaid) -> PaymentMessage:
    """What of it no payment firm has told is as our books know it: what came into escrow for the order."""
    payer = message.buyer if said.payer in (None, message.buyer.name) else Person(said.payer or "")
    amount = order.told_minor if said.amount_minor is None else said.amount_minor
    return PaymentMessage(
        message.order_id, home.method, said.payment_id or message.payment_id, payer, amount,
        said.currency or order.currency,
    )  # fmt: skip


def _parcel_message(message: OrderMessage, said: ParcelSaid | None) -> ParcelMessage | None:
    if said is None:
        return None
    return ParcelMessage(
        message.order_id, said.carrier, said.tracking_number, said.recipient or message.recipient,
        said.units or message.units, said.weight_g,
        message.freight_minor if said.freight_minor is None else said.freight_minor, message.currency,
    )  # fmt: skip


async def _lock(tx: Tx, cell: int, order_id: UUID, seller_id: UUID | None) -> DeclarationRow:
    status = await tx.maybe(store.LOCK_ORDER, cell=cell, id=order_id)
    if status is None:
        raise NotFound
    if seller_id is not None and (await tx.one(store.ORDER, cell=cell, id=order_id)).seller_id != seller_id:
        raise NotFound
    latest = await tx.maybe(store.LATEST, cell=cell, order_id=order_id)
    if latest is None or status != "paid":
        raise NotDeclared
    return latest


async def _make(tx: Tx, cell: int, order_id: UUID) -> None:
    await tx.run(store.MAKE, cell=cell, order_id=order_id, id=new_id(tx.now), now=tx.now)
    await _judge(tx, cell, await _latest(tx, cell, order_id))


async def _again(tx: Tx, cell: int, latest: DeclarationRow) -> None:
    if latest.status in OVER:
        await _make(tx, cell, latest.order_id)
    else:
        await _judge(tx, cell, latest)


async def _judge(tx: Tx, cell: int, declaration: DeclarationRow) -> None:
    """Compares the messages by the law of the country; when they agree the book promises what it takes, and customs is
    asked."""
    found = await gather(tx, cell, declaration.order_id)
    law = await trade.declared_fields(tx, found.order.country, found.order.mode, tx.now.date())
    fields, citation = law or (tuple(FIELDS), "")
    problems = disagreements(found.messages, fields)
    parcel = found.messages.parcel
    if not problems and parcel is not None:
        way = (parcel.carrier, parcel.tracking_number)
        try:
            await bonded.ask(tx, cell, declaration.id, declaration.order_id, found.goods, *way)
        except BookShort as short:
            problems = [Disagreement("book", {"book": f"{short.record_no}: {short.left_milli} / 1000"})]
    told = {problem.field: problem.said for problem in problems}
    await _change(tx, declaration, "open" if problems else "asked", problems=told, citation=citation)


async def _latest(tx: Tx, cell: int, order_id: UUID) -> DeclarationRow:
    return await tx.one(store.LATEST, cell=cell, order_id=order_id)


async def _change(tx: Tx, was: DeclarationRow, status: str, **new: object) -> None:
    kept = {"problems": was.problems, "reason": was.reason, "reference": was.reference, "citation": was.citation}
    await tx.run(store.CHANGE, cell=was.cell, id=was.id, status=status, now=tx.now, **{**kept, **new})
