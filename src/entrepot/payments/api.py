"""Wallets, payouts and statements over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from starlette.requests import Request

from entrepot import ledger
from entrepot.accounts import cell_of
from entrepot.approvals import Asked
from entrepot.kit.auth import Caller
from entrepot.kit.cells import FIRST
from entrepot.kit.clock import require_calendar
from entrepot.kit.db import ReadTx, Tx
from entrepot.kit.http import BUYER, OPERATOR, SELLER, get, post
from entrepot.kit.ids import END, NIL, new_id, parse, ref, show
from entrepot.kit.money import MAX_MINOR
from entrepot.kit.problem import Malformed, NotFound
from entrepot.ledger import StatementTooLong, TransferRefused
from entrepot.payments import actions, api_debts, by_operator, paying_out, reads, transfers
from entrepot.payments.reads import AccountView, FileView, PayoutView, SentView, StatementView, StuckView, TermsView
from entrepot.payments.types import (
    BankAccount,
    BankAccountNotValid,
    Every,
    MethodNotOffered,
    PaymentChargedBack,
    PayoutNotSent,
    PayoutTerms,
    PayoutTermsNotLater,
    RefundCameBack,
    RefundNotFailed,
    SealedOtherwise,
)
from entrepot.sellers import SellerId, currencies, seller

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
    """With `approval_id` it is not booked yet: another operator has to approve it."""

    id: str
    approval_id: str | None = None


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


class NewBankAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For money of this currency. Spaces in the IBAN do not matter."""

    currency: Currency
    holder: Annotated[str, Meta(min_length=1, max_length=140)]
    iban: Annotated[str, Meta(min_length=15, max_length=60, examples=["DE89 3704 0044 0532 0130 00"])]


class BankAccounts(msgspec.Struct, frozen=True):
    items: list[AccountView]


class ConnectedAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account: Annotated[str, Meta(pattern=f"^acct_[A-Za-z0-9]{{1,59}}{END}")] | None


class NewPayoutTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `valid_from` on; without `seller_id` for all sellers that have no terms of their own. `on_day` is of the
    week (1 is Monday) or of the month (up to 28), and 1 for every day. Less than `minimum_minor` waits."""

    currency: Currency
    valid_from: Annotated[datetime, Meta(tz=True)]
    every: Every
    source: Annotated[str, Meta(min_length=1, max_length=200)]
    on_day: Annotated[int, Meta(ge=1, le=28)] = 1
    minimum_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] = 1
    seller_id: Annotated[str, ref("sel")] | None = None

    def __post_init__(self) -> None:
        require_calendar(self.valid_from)


class TermsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: Currency
    seller_id: Annotated[str, ref("sel")] | None = None


class TermsList(msgspec.Struct, frozen=True):
    """The latest first, at most 50."""

    items: list[TermsView]


class FilesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before` is the last id of the page before."""

    before: Annotated[str, ref("bnk")] | None = None


class BankFiles(msgspec.Struct, frozen=True):
    items: list[FileView]


class BankFile(msgspec.Struct, frozen=True):
    """`content` is an ISO 20022 pain.001.001.09 message, in Base64; the same each time."""

    name: str
    content: bytes


class StuckQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is the last id of the page before."""

    after: Annotated[str, Meta(pattern=f"^(rfd|pmt|pay)_[0-9a-f]{{32}}{END}")] | None = None


class StuckPayments(msgspec.Struct, frozen=True):
    items: list[StuckView]


async def read_wallet(tx: ReadTx, caller: Caller, query: WalletQuery) -> Wallet:
    """What the caller's wallet holds."""
    if query.currency not in await currencies(tx):
        raise NotFound
    balance = await ledger.balance(tx, caller.cell, "wallet", query.currency, caller.user_id)
    return Wallet(balance, query.currency)


async def top_up_wallet(tx: Tx, caller: Caller, body: TopUp) -> TopUpDone:
    """Books money that reached us into a buyer's wallet."""
    buyer, cause = parse("usr", body.user_id), new_id(tx.now)
    try:
        cell = await cell_of(tx, buyer)
        asked = await by_operator.top_up_by(
            tx, caller.user_id, cell, buyer, body.currency, body.amount_minor, cause
        )  # fmt: skip
    except TransferRefused:
        raise NotFound from None
    return TopUpDone(f"top_{cause.hex}", asked.approval_id if asked else None)


async def read_statement(tx: ReadTx, caller: Caller, query: StatementQuery) -> StatementView:
    """The seller's statement of account."""
    start = datetime.combine(query.first, time(), UTC)
    if query.last < query.first or query.last - query.first > timedelta(days=366):
        raise Malformed("last must not be before first, nor more than a year after it")
    if query.last == date.max:
        raise Malformed("the calendar has no day after last")
    stop = datetime.combine(query.last, time(), UTC) + timedelta(days=1)
    return await reads.statement_of(tx, caller.cell, caller.seller, query.currency, start, stop)


async def list_payouts(tx: ReadTx, caller: Caller, query: PayoutsQuery) -> Payouts:
    """The seller's payouts, the latest first."""
    before = None if query.before is None else parse("pay", query.before)
    return Payouts(await reads.payouts(tx, caller.cell, caller.seller, before))


async def list_stuck_payments(tx: ReadTx, query: StuckQuery) -> StuckPayments:
    """Refunds, payments and transfers that the gateway refuses or does not answer, the oldest first."""
    after = None if query.after is None else parse(query.after[:3], query.after)
    return StuckPayments(await reads.stuck(tx, after, reads.PAGE))


async def list_sent_payouts(tx: ReadTx, query: SentQuery) -> SentPayouts:
    """Payouts that the bank has not answered for, the oldest first."""
    after = None if query.after is None else parse("pay", query.after)
    return SentPayouts(await reads.sent_payouts(tx, after))


async def settle_payout(tx: Tx, caller: Caller, payout_id: Annotated[UUID, "pay"]) -> Asked | None:
    """The bank has delivered a payout."""
    return await by_operator.settle_payout_by(tx, caller.user_id, payout_id)


async def return_payout(tx: Tx, caller: Caller, payout_id: Annotated[UUID, "pay"]) -> Asked | None:
    """The bank could not deliver a payout: the money is the seller's again, also when it was settled."""
    return await by_operator.return_payout_by(tx, caller.user_id, payout_id)


async def list_bank_accounts(tx: ReadTx, caller: Caller) -> BankAccounts:
    """Where the seller's payouts go, by currency."""
    return BankAccounts(await reads.bank_accounts(tx, caller.cell, caller.seller))


async def set_bank_account(tx: Tx, caller: Caller, request: Request, body: NewBankAccount) -> None:
    """Where the seller's payouts go from now on."""
    keys, account = request.app.state.keys, await _account(tx, body)
    await paying_out.add_account(tx, keys, caller.cell, caller.seller, body.currency, account, caller.user_id)


async def list_house_accounts(tx: ReadTx) -> BankAccounts:
    """The house's bank accounts, from which payouts are sent, by currency."""
    return BankAccounts(await reads.bank_accounts(tx, FIRST, NIL))


async def set_house_account(tx: Tx, caller: Caller, request: Request, body: NewBankAccount) -> Asked | None:
    """From which account payouts of a currency are sent, from now on: by files for the bank."""
    keys, account = request.app.state.keys, await _account(tx, body)
    return await by_operator.set_house_account_by(tx, keys, caller.user_id, body.currency, account)


async def read_connected_account(tx: ReadTx, seller_id: Annotated[UUID, "sel"]) -> ConnectedAccount:
    """The account at Stripe to which a seller's payouts go, if they do."""
    one = await seller(tx, SellerId(seller_id))
    return ConnectedAccount(await transfers.connected_account(tx, one.cell, one.id))


async def connect_account(
    tx: Tx, caller: Caller, request: Request, seller_id: Annotated[UUID, "sel"], body: ConnectedAccount
) -> Asked | None:
    """Pays a seller out to an account at Stripe that is connected to ours, from the next run on; null: by the bank."""
    one = await seller(tx, SellerId(seller_id))
    if "stripe" not in request.app.state.gateways:
        raise MethodNotOffered("stripe")
    return await by_operator.connect_account_by(tx, caller.user_id, one.cell, one.id, body.account)


async def _account(tx: Tx, body: NewBankAccount) -> BankAccount:
    if body.currency not in await currencies(tx):
        raise NotFound
    return BankAccount(body.holder, body.iban)


async def list_payout_terms(tx: ReadTx, query: TermsQuery) -> TermsList:
    """When sellers, or one of them, are paid out in a currency. Where there are no terms: every other Monday."""
    seller_id = NIL if query.seller_id is None else parse("sel", query.seller_id)
    return TermsList(await reads.payout_terms(tx, query.currency, seller_id))


async def set_payout_terms(tx: Tx, caller: Caller, body: NewPayoutTerms) -> Asked | None:
    """Says when sellers, or one of them, are paid out in a currency."""
    if body.on_day > {"day": 1, "month": 28}.get(body.every, 7):
        raise Malformed("there is no such day - at `$.on_day`")
    if body.currency not in await currencies(tx):
        raise NotFound
    seller_id = NIL if body.seller_id is None else (await seller(tx, SellerId(parse("sel", body.seller_id)))).id
    terms = PayoutTerms(
        body.currency, seller_id, body.valid_from, body.every, body.on_day, body.minimum_minor, body.source
    )  # fmt: skip
    return await by_operator.set_terms_by(tx, caller.user_id, terms)


async def list_bank_files(tx: ReadTx, query: FilesQuery) -> BankFiles:
    """The files for the bank, the latest first."""
    return BankFiles(await reads.bank_files(tx, None if query.before is None else parse("bnk", query.before)))


async def read_bank_file(tx: ReadTx, request: Request, file_id: Annotated[UUID, "bnk"]) -> BankFile:
    """A file for the bank."""
    content = await reads.bank_file(tx, request.app.state.keys, file_id)
    return BankFile(f"{show('bnk', file_id)}.xml", content)


async def retry_refund(tx: Tx, refund_id: Annotated[UUID, "rfd"]) -> None:
    """Asks the gateway again for a refund that it refused."""
    await actions.retry_refund(tx, refund_id)


async def credit_refund(tx: Tx, caller: Caller, refund_id: Annotated[UUID, "rfd"]) -> Asked | None:
    """Gives a refund that the gateway refused into the buyer's wallet instead."""
    return await by_operator.credit_refund_by(tx, caller.user_id, refund_id)


routes = [
    get("/v1/wallet", read_wallet, access=BUYER, raises=(NotFound,)),
    post("/v1/top-ups", top_up_wallet, access=OPERATOR, raises=(NotFound,), status=201, key="needed"),
    get(
        "/v1/seller/statement", read_statement, access=SELLER, raises=(NotFound, StatementTooLong), switch="statements"
    ),
    get("/v1/seller/payouts", list_payouts, access=SELLER),
    get("/v1/operator/payouts", list_sent_payouts, access=OPERATOR),
    post(
        "/v1/operator/payouts/{payout_id}/settle",
        settle_payout,
        access=OPERATOR,
        raises=(PayoutNotSent,),
        key="taken",
        status=202,
    ),
    post(
        "/v1/operator/payouts/{payout_id}/return",
        return_payout,
        access=OPERATOR,
        raises=(PayoutNotSent,),
        key="taken",
        status=202,
    ),
    get("/v1/seller/bank-accounts", list_bank_accounts, access=SELLER),
    post(
        "/v1/seller/bank-accounts",
        set_bank_account,
        access=SELLER,
        raises=(BankAccountNotValid, NotFound),
        key="taken",
    ),
    get("/v1/operator/bank-accounts", list_house_accounts, access=OPERATOR),
    post(
        "/v1/operator/bank-accounts",
        set_house_account,
        access=OPERATOR,
        raises=(BankAccountNotValid, NotFound),
        key="taken",
        status=202,
    ),
    get("/v1/sellers/{seller_id}/connected-account", read_connected_account, access=OPERATOR),
    post(
        "/v1/sellers/{seller_id}/connected-account",
        connect_account,
        access=OPERATOR,
        raises=(MethodNotOffered,),
        key="taken",
        status=202,
    ),
    get("/v1/operator/payout-terms", list_payout_terms, access=OPERATOR),
    post(
        "/v1/operator/payout-terms",
        set_payout_terms,
        access=OPERATOR,
        raises=(Malformed, NotFound, PayoutTermsNotLater),
        key="taken",
        status=202,
    ),
    get("/v1/operator/bank-files", list_bank_files, access=OPERATOR),
    get("/v1/operator/bank-files/{file_id}", read_bank_file, access=OPERATOR, raises=(SealedOtherwise,)),
    get("/v1/operator/stuck-payments", list_stuck_payments, access=OPERATOR),
    post(
        "/v1/operator/refunds/{refund_id}/retry",
        retry_refund,
        access=OPERATOR,
        raises=(RefundNotFailed, RefundCameBack, PaymentChargedBack),
        key="taken",
    ),
    post(
        "/v1/operator/refunds/{refund_id}/credit",
        credit_refund,
        access=OPERATOR,
        raises=(RefundNotFailed, PaymentChargedBack),
        key="taken",
        status=202,
    ),
    *api_debts.routes,
]
