"""What operators do with money: at once, or, above what one may do alone, when another has approved it (approvals)."""

from __future__ import annotations

from uuid import UUID

import msgspec

from entrepot import approvals
from entrepot.approvals import Asked
from entrepot.kit.auth import Keys
from entrepot.kit.cells import FIRST
from entrepot.kit.db import Tx
from entrepot.kit.ids import NIL
from entrepot.kit.problem import NotFound
from entrepot.payments import actions, owing, paying_out, store, store_payouts, transfers
from entrepot.payments.types import BankAccount, PayoutTerms, ReserveTerms


class TopUp(msgspec.Struct, frozen=True):
    """Money for a buyer's wallet; `cause_id` names it."""

    cell: int
    buyer_id: UUID
    currency: str
    amount_minor: int
    cause_id: UUID


class WriteOff(msgspec.Struct, frozen=True):
    seller_id: UUID
    currency: str
    amount_minor: int
    reason: str


class OfPayout(msgspec.Struct, frozen=True):
    payout_id: UUID


class OfRefund(msgspec.Struct, frozen=True):
    refund_id: UUID


class HouseAccount(msgspec.Struct, frozen=True):
    """A bank account of the house's, sealed; `ending` is what is shown of it."""

    currency: str
    ending: str
    sealed: bytes


class Connect(msgspec.Struct, frozen=True):
    cell: int
    seller_id: UUID
    account: str | None


async def top_up_by(
    tx: Tx, user_id: UUID, cell: int, buyer_id: UUID, currency: str, amount_minor: int, cause_id: UUID
) -> Asked | None:
    """Money that reached us by other ways, for a buyer's wallet."""
    return await approvals.do(tx, TOP_UP, TopUp(cell, buyer_id, currency, amount_minor, cause_id), user_id)


async def write_off_by(
    tx: Tx, user_id: UUID, seller_id: UUID, currency: str, amount_minor: int, reason: str
) -> Asked | None:
    """Gives up what a seller owes. Raises NotFound, DebtIs."""
    return await approvals.do(tx, WRITE_OFF, WriteOff(seller_id, currency, amount_minor, reason), user_id)


async def settle_payout_by(tx: Tx, user_id: UUID, payout_id: UUID) -> Asked | None:
    """The bank has delivered it. Raises NotFound, PayoutNotSent."""
    return await approvals.do(tx, SETTLE_PAYOUT, OfPayout(payout_id), user_id)


async def return_payout_by(tx: Tx, user_id: UUID, payout_id: UUID) -> Asked | None:
    """The bank could not deliver it. Raises NotFound, PayoutNotSent."""
    return await approvals.do(tx, RETURN_PAYOUT, OfPayout(payout_id), user_id)


async def credit_refund_by(tx: Tx, user_id: UUID, refund_id: UUID) -> Asked | None:
    """Into the wallet instead of through the gateway. Raises NotFound, RefundNotFailed."""
    return await approvals.do(tx, CREDIT_REFUND, OfRefund(refund_id), user_id)


async def set_house_account_by(tx: Tx, keys: Keys, user_id: UUID, currency: str, account: BankAccount) -> Asked | None:
    """From which account payouts leave the house. Raises BankAccountNotValid."""
    ending, sealed = paying_out.sealed(keys, account)
    return await approvals.do(tx, HOUSE_ACCOUNT, HouseAccount(currency, ending, sealed), user_id)


async def connect_account_by(tx: Tx, user_id: UUID, cell: int, seller_id: UUID, account: str | None) -> Asked | None:
    """To which account at Stripe a seller is paid; with None to its bank."""
    return await approvals.do(tx, CONNECT_ACCOUNT, Connect(cell, seller_id, account), user_id)


async def set_terms_by(tx: Tx, user_id: UUID, terms: PayoutTerms) -> Asked | None:
    """When sellers are paid out. Raises PayoutTermsNotLater."""
    return await approvals.do(tx, PAYOUT_TERMS, terms, user_id)


async def set_reserve_by(tx: Tx, user_id: UUID, terms: ReserveTerms) -> Asked | None:
    """What is held back of a seller's releases. Raises NotFound, ReserveTermsNotLater."""
    return await approvals.do(tx, RESERVE, terms, user_id)


async def _top_up(tx: Tx, one: TopUp, _: UUID) -> None:
    await actions.top_up(tx, one.cell, one.buyer_id, one.currency, one.amount_minor, one.cause_id)


async def _write_off(tx: Tx, one: WriteOff, user_id: UUID) -> None:
    await owing.write_off(tx, one.seller_id, one.currency, one.amount_minor, one.reason, user_id)


async def _settle_payout(tx: Tx, one: OfPayout, _: UUID) -> None:
    await paying_out.settle_payout(tx, one.payout_id)


async def _return_payout(tx: Tx, one: OfPayout, _: UUID) -> None:
    await paying_out.return_payout(tx, one.payout_id)


async def _credit_refund(tx: Tx, one: OfRefund, _: UUID) -> None:
    await actions.credit_refund(tx, one.refund_id)


async def _house_account(tx: Tx, one: HouseAccount, user_id: UUID) -> None:
    await paying_out.add_sealed(tx, FIRST, NIL, one.currency, one.ending, one.sealed, user_id)


async def _connect_account(tx: Tx, one: Connect, user_id: UUID) -> None:
    await transfers.connect_account(tx, one.cell, one.seller_id, one.account, user_id)


async def _payout_terms(tx: Tx, terms: PayoutTerms, _: UUID) -> None:
    """Whoever approves may take until after they were to begin."""
    await paying_out.set_terms(tx, msgspec.structs.replace(terms, valid_from=max(terms.valid_from, tx.now)))


async def _reserve(tx: Tx, terms: ReserveTerms, _: UUID) -> None:
    """Whoever approves may take until after they were to begin."""
    valid_from = max(terms.valid_from, tx.now + owing.SOONEST)
    await owing.set_reserve(tx, msgspec.structs.replace(terms, valid_from=valid_from))


async def _sum(_: Tx, one: TopUp | WriteOff) -> tuple[str, int]:
    return one.currency, one.amount_minor


async def _of_payout(tx: Tx, one: OfPayout) -> tuple[str, int]:
    cell = await tx.maybe(store_payouts.PAYOUT_CELL, id=one.payout_id)
    if cell is None:
        raise NotFound
    row = await tx.one(store_payouts.LOCK_PAYOUT, cell=cell, id=one.payout_id)
    return row.currency, row.amount_minor


async def _of_refund(tx: Tx, one: OfRefund) -> tuple[str, int]:
    cell = await tx.maybe(store.REFUND_CELL, id=one.refund_id)
    if cell is None:
        raise NotFound
    row = await tx.one(store.LOCK_REFUND, cell=cell, id=one.refund_id)
    return row.currency, row.amount_minor


TOP_UP = approvals.action("top_up", TopUp, _top_up, _sum)
WRITE_OFF = approvals.action("write_off", WriteOff, _write_off, _sum)
SETTLE_PAYOUT = approvals.action("settle_payout", OfPayout, _settle_payout, _of_payout)
RETURN_PAYOUT = approvals.action("return_payout", OfPayout, _return_payout, _of_payout)
CREDIT_REFUND = approvals.action("credit_refund", OfRefund, _credit_refund, _of_refund)
HOUSE_ACCOUNT = approvals.action("house_account", HouseAccount, _house_account)
CONNECT_ACCOUNT = approvals.action("connect_account", Connect, _connect_account)
PAYOUT_TERMS = approvals.action("payout_terms", PayoutTerms, _payout_terms)
RESERVE = approvals.action("reserve", ReserveTerms, _reserve)
