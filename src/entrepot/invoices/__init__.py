"""Invoices of what sellers pay, and credit notes.

When a month is over, each seller to whom something was charged in it gets an invoice, and one to whom something was
given back a credit note, made of the seller's account in the ledger: all transfers of fees and of their tax, by the tax
of the sale. What was wrong in an invoice the operator gives back by a credit note (`credit_by`), with which it is paid
to the seller's account.

Numbers are legal ones: of each issuer, kind and year 1, 2, 3 and so on, none missing and none twice, for a document and
its number commit together under the lock of the number.

Invariants:
  nothing changes or deletes a document; it is shown from its own rows alone, with the names of its day;
  net and tax are the sums of the lines and taxes; the documents of a month are what the ledger says of it;
  of no line more is credited than it has.

Events: fee_invoice_issued (key: the seller's id; data: invoice_id).
"""

from entrepot.invoices.actions import credit_by, issue_due
from entrepot.invoices.printing import pdf
from entrepot.invoices.reads import documents, read
from entrepot.invoices.types import Document, Invoice, LineIs

__all__ = ["Document", "Invoice", "LineIs", "credit_by", "documents", "issue_due", "pdf", "read"]
