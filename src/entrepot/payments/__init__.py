"""Payments: money that comes in and goes out. The ledger says what it did to the books.

A payment by wallet is captured in the transaction that places its order group. A payment through a gateway is an intent
first (a committed row), then a call, then a record of the answer; a sweeper asks again for what has no answer yet.
A payout sends each seller what is available in its account, on the days that dated terms say (else every other
Monday). It is held there until the bank has delivered it, or it is returned. Where the house has a bank account, the
payouts of a day are a file for the bank (ISO 20022 pain.001), written from their rows whenever it is asked for.

Invariants: a payment is captured at most once; a refund is paid at most once and never exceeds its payment; a payout
row and its hold come together, and their ends do.

What the gateway refuses, or does not answer for an hour, is put before the operator (`stuck`).

Events: payment_failed (key: the payment; data: group_id), refund_failed, refund_retried, refund_credited (key: the
order, or the group when the money came after its end; data: refund_id, payment_id; of what was credited buyer_id,
currency, amount_minor, too), debt_written_off (key: the seller's id; data: write_off_id, currency, amount_minor),
chargeback_told (key: the chargeback; data: status), payout_sent, payout_settled, payout_returned (key: the seller's id;
data: payout_id, currency, amount_minor), account_connected (key: the seller's id; data: account, by),
bank_account_added (key: the seller's id, or nil for the house; data: bank_account_id, currency, by), bank_file_made
(key: the file's id; data: currency, payouts, total_minor).
"""

from entrepot.payments.actions import (
    ask,
    cancel_many,
    cover,
    credit_refund,
    forget_webhooks,
    lock_many,
    mark_captured,
    refund_many,
    retry_refund,
    return_late,
    taken_over,
    top_up,
    top_up_many,
)
from entrepot.payments.by_operator import (
    credit_refund_by,
    return_payout_by,
    set_reserve_by,
    settle_payout_by,
    top_up_by,
    write_off_by,
)
from entrepot.payments.charging_back import (
    LISTED_EVERY,
    LOOKED_EVERY,
    Taken,
    answer,
    chargeback_cell,
    chargebacks,
    give_again,
    latest_chargebacks,
    left_of,
    lock_room,
    take,
    taken_of,
)
from entrepot.payments.gateways.lines import LANES, Gateway, find_gateways, open_client
from entrepot.payments.jobs import list_disputes, sweep, take_webhook
from entrepot.payments.kinds import FEES, GROUPS, KINDS, SOLD, Kind, cause_of, kind_of
from entrepot.payments.owing import SOONEST, Debt, debts, held_back, reserve_terms, reserves_at, set_reserve, write_off
from entrepot.payments.paying_out import add_account, pay_out, settle_due, take_bank_word
from entrepot.payments.reads import (
    AccountView,
    FileView,
    PaymentView,
    PayoutView,
    SentView,
    StuckView,
    bank_accounts,
    bank_file,
    bank_files,
    facts,
    house_account,
    payees,
    payment_of,
    payments_by,
    payouts,
    refunded_of,
    sent_payouts,
    stuck,
)
from entrepot.payments.steps import GatewayAway, PaymentStep, step_of
from entrepot.payments.store_chargebacks import Chargeback
from entrepot.payments.types import (
    BankAccount,
    BankAccountNotValid,
    BankWord,
    DebtIs,
    Due,
    EvidenceTooLate,
    Fact,
    Method,
    MethodNotOffered,
    PaymentChargedBack,
    PaymentNotThere,
    PayoutNotSent,
    RefundDue,
    RefundNotFailed,
    ReserveTerms,
    SealedOtherwise,
    WebhookRefused,
)

__all__ = [
    "FEES", "GROUPS", "KINDS", "LANES", "LISTED_EVERY", "LOOKED_EVERY", "SOLD", "SOONEST", "AccountView",
    "BankAccount", "BankAccountNotValid", "BankWord", "Chargeback", "Debt", "DebtIs", "Due", "EvidenceTooLate", "Fact",
    "FileView", "Gateway", "GatewayAway", "Kind", "Method", "MethodNotOffered", "PaymentChargedBack",
    "PaymentNotThere", "PaymentStep", "PaymentView", "PayoutNotSent", "PayoutView", "RefundDue", "RefundNotFailed",
    "ReserveTerms", "SealedOtherwise", "SentView", "StuckView", "Taken", "WebhookRefused", "add_account", "answer",
    "ask", "bank_accounts", "bank_file", "bank_files", "cancel_many", "cause_of", "chargeback_cell", "chargebacks",
    "cover", "credit_refund", "credit_refund_by", "debts", "facts", "find_gateways", "forget_webhooks", "give_again",
    "held_back", "house_account", "kind_of", "latest_chargebacks", "left_of", "list_disputes", "lock_many",
    "lock_room", "mark_captured", "open_client", "pay_out", "payees", "payment_of", "payments_by", "payouts",
    "refund_many", "refunded_of", "reserve_terms", "reserves_at", "retry_refund", "return_late", "return_payout_by",
    "sent_payouts", "set_reserve", "set_reserve_by", "settle_due", "settle_payout_by", "step_of", "stuck", "sweep",
    "take", "take_bank_word", "take_webhook", "taken_of", "taken_over", "top_up", "top_up_by", "top_up_many",
    "write_off", "write_off_by",
]  # fmt: skip
