"""Disputes: what a buyer says is wrong with some units of an order, or sends back unwanted, and how that is settled.

Opening one freezes exactly what was paid for these units: it stays in escrow when the order is released, and of an
order that was released it comes back there from its seller. Then the parties speak in turn, each within the market's
time, with pictures and papers; who is silent has lost the turn. What they do not settle the operator decides, in
whole or in part, with one appeal. What is unwanted is sent back first: the seller looks at it, puts it back on stock
or writes it off, and offers what it is worth, or sends what was wanted instead and held for it; for that no money
moves but the difference. The last word moves the money: what is granted goes back to the buyer, with its shares of
discount, commission and fee at the rates of the sale, and the rest to the seller.

Invariants (the auditor re-derives them):
  a dispute has the part of its order that bears its id, of what it claims: frozen until it is closed, then ended with
  what was granted; a unit is disputed or returned at most once; what came back has its movements of stock.

Events: dispute_opened, dispute_sent_back, dispute_replaced, dispute_answered, dispute_escalated, dispute_decided,
dispute_appealed, dispute_at_bank, dispute_closed (key: the dispute; data: order_id, buyer_id, seller_id, status,
due_at, when whoever is to speak has lost the turn, and but for opened granted_minor; the last two may be null).
"""

from entrepot.disputes.actions import (
    act,
    close_by_bank,
    decide_by,
    end_turns,
    give_to_bank,
    lock_open,
    open_dispute,
)
from entrepot.disputes.reads import (
    DisputeBrief,
    DisputeView,
    cell_of,
    dispute_view,
    disputes_of_orders,
    disputes_of_seller,
    file_of,
    to_decide,
)
from entrepot.disputes.rules import acts, evidence
from entrepot.disputes.types import FILE_MAX_BYTES, TEXT_MAX, Act, Claim, File, FileNotTaken, Kind, Party, Word

__all__ = [
    "FILE_MAX_BYTES", "TEXT_MAX", "Act", "Claim", "DisputeBrief", "DisputeView", "File", "FileNotTaken", "Kind",
    "Party", "Word", "act", "acts", "cell_of", "close_by_bank", "decide_by", "dispute_view", "disputes_of_orders",
    "disputes_of_seller", "end_turns", "evidence", "file_of", "give_to_bank", "lock_open", "open_dispute", "to_decide",
]  # fmt: skip
