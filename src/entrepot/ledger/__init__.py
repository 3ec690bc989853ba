"""The ledger: immutable transfers between accounts of one currency, in minor units; balance = credits - debits.

It knows no business but an account's and a transfer's `code`. A transfer is known by (cause_id, code): what caused it
and what it is; nothing is paid or released twice. It is made at once, or in two phases: a Hold takes money from what is
available (balance - held) and moves none, and ends once, by Settle, Void or its time.

Invariants (the auditor re-derives them):
  every balance is the sum of its account's transfers, and held that of its open holds; all balances of a currency sum
  to zero; in a limited account never less than nothing is available; what is refused leaves everything as it was;
  a closed day stays as it is: its trial balance is kept, and nothing is dated into it any more.

Events: hold_expired (key: what caused the hold; data: code).

House accounts (owner NIL): escrow, promotions, commission, payment_fee, shop_fees, cloud_fees (of metered use), fee_tax
(on what sellers pay, to be handed on), deposit (of sellers), penalty (taken from deposits), gateway, cash, payout,
own_revenue, own_stock, cost_of_goods, supplier, duties (paid by buyers for borders, to be handed on), broker (owed to
who paid that at customs), duty_difference (by how much that was more), bad_debt (written off), chargebacks (below zero
by what buyers' banks have taken and not decided yet), chargeback_loss, chargeback_fee (what that cost the house),
exchange (what the house has of each currency by paying sellers in another), exchange_spread (its share of that),
between_cells (what the cells owe each other, over all of them nothing), tax_ioss ... tax_cn (collected by these
schemes, to be paid with their returns), funder (below zero by what it has lent to buyers), plan_fee, late_fee (what it
earns by that), funder_loss (what it lost). Owned accounts: wallet (buyer, limited), seller (may go below zero after a
refund).
"""

from entrepot.ledger.actions import DONE, apply, close_days, expire_holds, lock, open_accounts, post_all
from entrepot.ledger.reads import (
    Flows,
    Position,
    Statement,
    account_ids,
    balance,
    balances,
    below_zero,
    closed_days,
    closed_through,
    credited,
    flows,
    gross,
    held,
    lines_after,
    moved_accounts,
    moved_up_to,
    named,
    statement,
    totals,
    trial_balance,
)
from entrepot.ledger.store import (
    BelowZero,
    ClosedDay,
    Flow,
    Gross,
    HeldLine,
    Line,
    Moved,
    StatementLine,
    Total,
    TrialLine,
)
from entrepot.ledger.types import (
    DayNotOver,
    Hold,
    InsufficientFunds,
    Settle,
    StatementTooLong,
    Transfer,
    TransferRefused,
    Void,
)

HOUSE = (
    "escrow", "promotions", "commission", "payment_fee", "gateway", "cash", "payout", "own_revenue", "own_stock",
    "cost_of_goods", "supplier", "between_cells", "duties", "broker", "duty_difference", "bad_debt", "exchange",
    "chargebacks", "chargeback_loss", "chargeback_fee",
    "exchange_spread", "tax_ioss",
    "advanced_tax", "tax_oss", "tax_uk", "tax_au", "tax_nz", "tax_sg", "tax_cn",
    "funder", "plan_fee", "late_fee", "funder_loss",
    "fee_tax", "shop_fees", "cloud_fees", "deposit", "penalty",
)  # fmt: skip

__all__ = [
    "DONE", "HOUSE", "BelowZero", "ClosedDay", "DayNotOver", "Flow", "Flows", "Gross", "HeldLine", "Hold",
    "InsufficientFunds", "Line", "Moved", "Position", "Settle", "Statement", "StatementLine", "StatementTooLong",
    "Total", "Transfer", "TransferRefused", "TrialLine", "Void", "account_ids", "apply", "balance", "balances",
    "below_zero", "close_days", "closed_days", "closed_through", "credited", "expire_holds", "flows", "gross", "held",
    "lines_after", "lock", "moved_accounts", "moved_up_to", "named", "open_accounts", "post_all", "statement", "totals",
    "trial_balance",
]  # fmt: skip
