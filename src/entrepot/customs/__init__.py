"""Customs: what the platform answers for at borders after a sale: returns of the taxes that it collected, and
declarations of what leaves bond.

A return is of a scheme and a period that is over: what was collected in it, by country and rate, and what went back
in it of earlier periods, as their corrections. It is the transfers of the scheme's accounts, each once, so that it
closes to the ledger in every cell and currency; filed it never changes. Paying it moves what it comes to from the
accounts to the clearing of payouts.

A declaration asks customs to let the goods of an order out of bond. It is sent when the three messages (order,
payment, parcel) agree about what the law names, and is an intent row: asked until it is answered, once per id. What is
canceled is taken back; what was rejected is put right and declared anew.

Invariants (the auditor re-derives them): a return has exactly the transfers of its period, and was paid at most once.

What a broker has paid at customs for us is settled against what buyers had paid, order by order; what differs is ours.

An order has one declaration at a time; what is asked is promised by the book, what is released has left it.

rules: periods, lines and the file; messages: the comparison; both pure.

Events: tax_return_filed, tax_return_paid (key: the return; data: scheme, first_day, user_id); declaration_released,
declaration_rejected, declaration_revoked (key: the order; data: declaration_id); broker_invoice_recorded,
broker_invoice_paid (key: the invoice; data: user_id).
"""

from entrepot.customs.actions import file_return, pay_return_by
from entrepot.customs.brokers import LINES_MAX as BROKER_LINES_MAX
from entrepot.customs.brokers import decide_by as decide_line_by
from entrepot.customs.brokers import invoices as broker_invoices
from entrepot.customs.brokers import pay_by as pay_invoice_by
from entrepot.customs.brokers import record as record_invoice
from entrepot.customs.declarations import declare_again, say
from entrepot.customs.jobs import CONSUMERS, sweep
from entrepot.customs.messages import Disagreement, ParcelSaid, PaymentSaid
from entrepot.customs.office import Office, office_of
from entrepot.customs.reads import ReturnView, collected_now, returns
from entrepot.customs.reads_declarations import DeclarationView, ListedView, cell_of, listed, of_order, parcel_of
from entrepot.customs.types import BrokerLine

__all__ = [
    "BROKER_LINES_MAX", "CONSUMERS", "BrokerLine", "DeclarationView", "Disagreement", "ListedView", "Office",
    "ParcelSaid", "PaymentSaid", "ReturnView", "broker_invoices", "cell_of", "collected_now", "decide_line_by",
    "declare_again", "file_return", "listed", "of_order", "office_of", "parcel_of", "pay_invoice_by", "pay_return_by",
    "record_invoice", "returns", "say", "sweep",
]  # fmt: skip
