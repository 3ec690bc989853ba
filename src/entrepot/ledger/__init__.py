"""The ledger: immutable transfers between accounts of one currency, in minor units; balance = credits - debits.

It knows no business but an account's and a transfer's `code`. A transfer is known by (cause_id, code): what caused it
and what it is; nothing is paid or released twice.

Invariants (the auditor re-derives them):
  every balance is the sum of its account's transfers; all balances of a currency sum to zero;
  a limited account never goes below zero; a refused transfer leaves every balance as it was.

House accounts (owner NIL): escrow, promotions, commission, payment_fee, gateway, cash, payout, own_revenue, own_stock,
cost_of_goods, supplier, between_cells (what the cells owe each other, over all of
them nothing). Owned accounts: wallet (buyer, limited), seller (may go below zero after a refund).
"""

from entrepot.ledger.actions import open_accounts, post_all
from entrepot.ledger.reads import Statement, account_ids, balance, statement
from entrepot.ledger.store import StatementLine
from entrepot.ledger.types import InsufficientFunds, StatementTooLong, Transfer, TransferRefused

HOUSE = (
    "escrow", "promotions", "commission", "payment_fee", "gateway", "cash", "payout", "own_revenue", "own_stock",
    "cost_of_goods", "supplier", "between_cells",
)  # fmt: skip

__all__ = [
    "HOUSE", "InsufficientFunds", "Statement", "StatementLine", "StatementTooLong", "Transfer", "TransferRefused",
    "account_ids", "balance", "open_accounts", "post_all", "statement",
]  # fmt: skip
