"""Customs: what the platform answers for at borders after a sale: returns of the taxes that it collected.

A return is of a scheme and a period that is over: what was collected in it, by country and rate, and what went back
in it of earlier periods, as their corrections. It is the transfers of the scheme's accounts, each once, so that it
closes to the ledger in every cell and currency; filed it never changes. Paying it moves what it comes to from the
accounts to the clearing of payouts.

Invariants (the auditor re-derives them): a return has exactly the transfers of its period, and was paid at most once.

rules: periods, lines and the file, pure.

Events: tax_return_filed, tax_return_paid (key: the return; data: scheme, first_day, user_id).
"""

from entrepot.customs.actions import file_return, pay_return_by
from entrepot.customs.reads import ReturnView, collected_now, returns

__all__ = ["ReturnView", "collected_now", "file_return", "pay_return_by", "returns"]
