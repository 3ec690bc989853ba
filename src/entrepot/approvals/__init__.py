"""Approvals: what one operator may not do alone. Four eyes see it before it happens.

An `Action` is something with money that an operator does: its arguments, how it is done, how much it is worth. A room
declares its own (`action`), and does them by `do`: at once, or, above what one may do alone in a day (a limit that the
operator sets for an action and a currency), by keeping a request that another operator approves. What would be refused
is not asked for: it is tried first, and undone.

Invariants (the auditor re-derives the first two):
  nobody approves what they asked for (the table refuses it, too);
  what was done alone by one operator in a day stays within the limit;
  a request is done once, by the transaction that approves it, or never: it is over after EXPIRES, and when refused.

Until a limit is set for an action, nothing of it needs a second person. Whoever loosens a limit needs one.

Events: approval_asked, approval_given, approval_refused (key: the request; data: action, user_id).
"""

from entrepot.approvals.actions import NewLimit, action, approve, do, refuse, set_limit
from entrepot.approvals.reads import PAGE, LimitView, RequestView, limits, over, waiting
from entrepot.approvals.types import NO_AMOUNT, Action, ApprovalOver, Asked, NotByYourself

__all__ = [
    "NO_AMOUNT", "PAGE", "Action", "ApprovalOver", "Asked", "LimitView", "NewLimit", "NotByYourself", "RequestView",
    "action", "approve", "do", "limits", "over", "refuse", "set_limit", "waiting",
]  # fmt: skip
