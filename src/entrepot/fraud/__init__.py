"""Fraud: which paid orders somebody has to look at, by rules that the operator dates, and by a service outside.

After an order is paid, never before, it is judged by what was known of its buyer when it was placed: so the verdict is
the same whenever it is given. What a rule finds odd is held (orders.hold_found): it keeps its goods, is not sent, and
not released if it was sent in the moment before. The operator decides at `/operator/holds`; after the rule's `hold_s`
it is decided by itself, as the rule says.

The service, if there is one, is asked once for each order (rules.Asked, signed), in the background: it allows or holds.
A hook that fails closed holds each order until it is answered, one that fails open lets it go.

Invariants: of each order the service is asked in one row, which is answered once; rules and hooks are never changed,
only ended and followed by others.

Events: those of orders (order_held, order_hold_released, order_hold_rejected), fraud_rules_changed (of nobody; data:
name, user_id).
"""

from entrepot.fraud.actions import add_rule, end_rule
from entrepot.fraud.jobs import CONSUMERS, sweep
from entrepot.fraud.reads import HookView, RuleView, hook_view, rules_view
from entrepot.fraud.types import HookNotValid, Kind, Rule, RuleExists

__all__ = [
    "CONSUMERS", "HookNotValid", "HookView", "Kind", "Rule", "RuleExists", "RuleView", "add_rule", "end_rule",
    "hook_view", "rules_view", "sweep",
]  # fmt: skip
