"""Wallets, payouts and statements over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from entrepot import ledger
from entrepot.accounts import cell_of
from entrepot.kit.auth import Caller
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR, SELLER, get, post
from entrepot.kit.ids import END, new_id, parse, ref
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Malformed, NotFound
from entrepot.ledger import StatementTooLong, TransferRefused
from entrepot.payments import actions, reads
from entrepot.payments.reads import PayoutView, SentView, StatementView, StuckView
from entrepot.payments.types import PayoutNotSent, RefundNotFailed
from entrepot.sellers import currencies

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class WalletQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Currency


class Wallet(msgspec.Struct, frozen=True):
    balance_minor: int
    currency: str


class TopUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money that reached us by other ways, for a buyer's wallet."""

    user_id: Annotated[str, ref("usr")]
    currency: Currency
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)]


class TopUpDone(msgspec.Struct, frozen=True):
    id: str


class StatementQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`first` and `last` are days (UTC), both included."""

    currency: Currency
    first: date
    last: date


class PayoutsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[str, ref("pay")] | None = None


class SentQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before."""

    after: Annotated[str, ref("pay")] | None = None


class SentPayouts(msgspec.Struct, frozen=True):
    items: list[SentView]


class Payouts(msgspec.Struct, frozen=True):
    items: list[PayoutView]


class StuckQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before."""

    after: Annotated[str, Meta(pattern=f"^(rfd|pmt)_[0-9a-f]{{32}}{END}")] | None = None


class StuckPayments(msgspec.Struct, frozen=True):
    items: list[StuckView]


async def read_wallet(tx: ReadTx, caller: Caller, query: WalletQuery) -> Wallet:
    """What the caller's wallet holds."""
    if query.currency not in await currencies(tx):
        raise NotFound
    balance = await ledger.balance(tx, caller.cell, "wallet", query.currency, caller.user_id)
    return Wallet(balance, query.currency)


async def top_up_wallet(tx: Tx, body: TopUp) -> TopUpDone:
    """Books money that reached us into a buyer's wallet."""
    buyer, cause = parse("usr", body.user_id), new_id(tx.now)
    try:
        cell = await cell_of(tx, buyer)
        await actions.top_up(tx, cell, buyer, body.currency, body.amount_minor, cause)
    except TransferRefused:
        raise NotFound from None
    return TopUpDone(f"top_{cause.hex}")


async def read_statement(tx: ReadTx, caller: Caller, query: StatementQuery) -> StatementView:
    """The seller's statement of account."""
    start = datetime.combine(query.first, time(), UTC)
    if query.last < query.first or query.last - query.first > timedelta(days=366):
        raise Malformed("last must not be before first, nor more than a year after it")
    if query.last == date.max:
        raise Malformed("the calendar has no day after last")
    stop = datetime.combine(query.last, time(), UTC) + timedelta(days=1)
    return await reads.statement_of(tx, caller.cell, _seller(caller), query.currency, start, stop)


async def list_payouts(tx: ReadTx, caller: Caller, query: PayoutsQuery) -> Payouts:
    """The seller's payouts, the latest first."""
    before = None if query.before is None else parse("pay", query.before)
    return Payouts(await reads.payouts(tx, caller.cell, _seller(caller), before))


async def list_stuck_payments(tx: ReadTx, query: StuckQuery) -> StuckPayments:
    """Refunds and payments that the gateway refuses or does not answer, the oldest first."""
    after = None if query.after is None else parse(query.after[:3], query.after)
    return StuckPayments(await reads.stuck(tx, after, reads.PAGE))


async def list_sent_payouts(tx: ReadTx, query: SentQuery) -> SentPayouts:
    """Payouts that the bank has not answered for, the oldest first."""
    after = None if query.after is None else parse("pay", query.after)
    return SentPayouts(await reads.sent_payouts(tx, after))


async def settle_payout(tx: Tx, payout_id: Annotated[UUID, "pay"]) -> None:
    """The bank has delivered a payout."""
    await actions.settle_payout(tx, payout_id)


async def return_payout(tx: Tx, payout_id: Annotated[UUID, "pay"]) -> None:
    """The bank could not deliver a payout: the money is the seller's again, and the next run sends it."""
    await actions.return_payout(tx, payout_id)


async def retry_refund(tx: Tx, refund_id: Annotated[UUID, "rfd"]) -> None:
    """Asks the gateway again for a refund that it refused."""
    await actions.retry_refund(tx, refund_id)


async def credit_refund(tx: Tx, refund_id: Annotated[UUID, "rfd"]) -> None:
    """Gives a refund that the gateway refused into the buyer's wallet instead."""
    await actions.credit_refund(tx, refund_id)


def _seller(caller: Caller) -> UUID:
    assert caller.seller_id is not None, "a seller's session names its seller"
    return caller.seller_id


routes = [
    get("/v1/wallet", read_wallet, access=BUYER, raises=(NotFound,)),
    post("/v1/top-ups", top_up_wallet, access=OPERATOR, raises=(NotFound,), status=201, key="needed"),
    get(
        "/v1/seller/statement", read_statement, access=SELLER, raises=(NotFound, StatementTooLong), switch="statements"
    ),
    get("/v1/seller/payouts", list_payouts, access=SELLER),
    get("/v1/operator/payouts", list_sent_payouts, access=OPERATOR),
    post(
        "/v1/operator/payouts/{payout_id}/settle", settle_payout, access=OPERATOR, raises=(PayoutNotSent,), key="taken"
    ),
    post(
        "/v1/operator/payouts/{payout_id}/return", return_payout, access=OPERATOR, raises=(PayoutNotSent,), key="taken"
    ),
    get("/v1/operator/stuck-payments", list_stuck_payments, access=OPERATOR),
    post(
        "/v1/operator/refunds/{refund_id}/retry", retry_refund, access=OPERATOR, raises=(RefundNotFailed,), key="taken"
    ),
    post(
        "/v1/operator/refunds/{refund_id}/credit",
        credit_refund,
        access=OPERATOR,
        raises=(RefundNotFailed,),
        key="taken",
    ),
]
