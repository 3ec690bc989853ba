"""How a transfer of each code appears in a seller's statement.

Whoever posts a new code to sellers' accounts adds a line here: a test compares it with what the auditor lets reach
them. What has none is shown all the same, by its code, among `other`: nothing is missing from a statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from entrepot.kit.ids import show

Words = Mapping[str, str]
"""What it is called, by language."""


class Kind(NamedTuple):
    """`cause` is the prefix of the id of what caused it, as ids.show has it."""

    group: str
    cause: str
    words: Words


def _kind(group: str, cause: str, en: str, de: str) -> Kind:
    return Kind(group, cause, {"en": en, "de": de})


GROUPS: dict[str, Words] = {
    "sales": {"en": "Sales", "de": "Verkäufe"},
    "refunds": {"en": "Refunds and disputes", "de": "Erstattungen und Streitfälle"},
    "commission": {"en": "Commission", "de": "Provision"},
    "payment": {"en": "Payment fees", "de": "Zahlungsgebühren"},
    "shipping": {"en": "Shipping", "de": "Versand"},
    "advertising": {"en": "Advertising", "de": "Werbung"},
    "cloud": {"en": "Cloud", "de": "Cloud"},
    "subscription": {"en": "Shop fees", "de": "Shopgebühren"},
    "fee_tax": {"en": "Tax on fees", "de": "Steuer auf Gebühren"},
    "withheld_tax": {"en": "Tax withheld", "de": "Einbehaltene Steuer"},
    "financing": {"en": "Installments and credit", "de": "Raten und Kredit"},
    "exchange": {"en": "Currency exchange", "de": "Währungstausch"},
    "exchange_cost": {"en": "Cost of currency exchange", "de": "Kosten des Währungstauschs"},
    "deposits": {"en": "Deposits", "de": "Kautionen"},
    "debts": {"en": "Debts", "de": "Schulden"},
    "payouts": {"en": "Payouts", "de": "Auszahlungen"},
    "other": {"en": "Other", "de": "Sonstiges"},
}
"""In the order in which a statement has them."""
FEES = (
    "commission", "payment", "shipping", "advertising", "cloud", "subscription", "fee_tax", "withheld_tax", "financing",
    "exchange_cost",
)  # fmt: skip
"""Groups of what the operator keeps or asks of a seller."""

KINDS: dict[str, Kind] = {
    "release": _kind("sales", "ord", "Sale released from escrow", "Verkauf, vom Treuhandkonto freigegeben"),
    "part_release": _kind("sales", "prt", "Released after all", "Doch noch freigegeben"),
    "recall": _kind("refunds", "prt", "Taken back to be given back", "Zurückgeholt, um erstattet zu werden"),
    "commission": _kind("commission", "ord", "Commission", "Provision"),
    "part_commission": _kind("commission", "prt", "Commission", "Provision"),
    "commission_back": _kind("commission", "prt", "Commission given back", "Provision zurückgegeben"),
    "payment_fee": _kind("payment", "ord", "Payment fee", "Zahlungsgebühr"),
    "part_payment_fee": _kind("payment", "prt", "Payment fee", "Zahlungsgebühr"),
    "payment_fee_back": _kind("payment", "prt", "Payment fee given back", "Zahlungsgebühr zurückgegeben"),
    "chargeback_fee": _kind("payment", "cbs", "Fee of a chargeback", "Gebühr einer Rückbelastung"),
    "chargeback_fee_back": _kind("payment", "cbs", "Fee of a chargeback given back", "Rückbelastungsgebühr zurück"),
    "fee_tax": _kind("fee_tax", "ord", "Tax on fees", "Steuer auf Gebühren"),
    "part_fee_tax": _kind("fee_tax", "prt", "Tax on fees", "Steuer auf Gebühren"),
    "fee_tax_back": _kind("fee_tax", "prt", "Tax on fees given back", "Steuer auf Gebühren zurückgegeben"),
    "withheld": _kind("withheld_tax", "ord", "VAT that the platform pays", "Mehrwertsteuer, die die Plattform zahlt"),
    "part_withheld": _kind(
        "withheld_tax", "prt", "VAT that the platform pays", "Mehrwertsteuer, die die Plattform zahlt"
    ),
    "withheld_back": _kind("withheld_tax", "prt", "VAT given back", "Mehrwertsteuer zurückgegeben"),
    "opening_fee": _kind("subscription", "fee", "Opening of the shop", "Eröffnung des Ladens"),
    "opening_fee_tax": _kind("fee_tax", "fee", "Tax on fees", "Steuer auf Gebühren"),
    "monthly_fee": _kind("subscription", "fee", "Monthly fee", "Monatsgebühr"),
    "monthly_fee_tax": _kind("fee_tax", "fee", "Tax on fees", "Steuer auf Gebühren"),
    "usage_fee": _kind("cloud", "ubl", "Use of services", "Genutzte Dienste"),
    "usage_fee_tax": _kind("fee_tax", "ubl", "Tax on fees", "Steuer auf Gebühren"),
    "commission_credit": _kind("commission", "inv", "Commission credited", "Provision gutgeschrieben"),
    "payment_fee_credit": _kind("payment", "inv", "Payment fee credited", "Zahlungsgebühr gutgeschrieben"),
    "usage_fee_credit": _kind("cloud", "inv", "Use of services credited", "Genutzte Dienste gutgeschrieben"),
    "fee_credit": _kind("subscription", "inv", "Fee credited", "Gebühr gutgeschrieben"),
    "fee_credit_tax": _kind("fee_tax", "inv", "Tax on fees given back", "Steuer auf Gebühren zurückgegeben"),
    "deposit": _kind("deposits", "fee", "Deposit", "Kaution"),
    "deposit_back": _kind("deposits", "fee", "Deposit given back", "Kaution zurückgegeben"),
    "write_off": _kind("debts", "wof", "Debt written off", "Schuld erlassen"),
    "payout": _kind("payouts", "pay", "Payout", "Auszahlung"),
    "payout_return": _kind("payouts", "pay", "Payout returned by the bank", "Auszahlung von der Bank zurück"),
    # Of a sale in another currency: out of the account in the one, into that in the other.
    "exchange": _kind("exchange", "ord", "Exchanged into your currency", "In deine Währung getauscht"),
    "exchange_in": _kind("exchange", "ord", "From a sale in another currency", "Aus Verkauf in anderer Währung"),
    "exchange_spread": _kind("exchange_cost", "ord", "Cost of the exchange", "Kosten des Tauschs"),
    "exchange_back": _kind("exchange", "prt", "Exchange taken back", "Tausch zurückgenommen"),
    "exchange_in_back": _kind("exchange", "prt", "Exchange taken back", "Tausch zurückgenommen"),
    "exchange_spread_back": _kind("exchange_cost", "prt", "Cost of the exchange given back", "Kosten erstattet"),
    "part_exchange": _kind("exchange", "prt", "Exchanged into your currency", "In deine Währung getauscht"),
    "part_exchange_in": _kind("exchange", "prt", "From a sale in another currency", "Aus Verkauf in anderer Währung"),
    "part_exchange_spread": _kind("exchange_cost", "prt", "Cost of the exchange", "Kosten des Tauschs"),
    "part_exchange_back": _kind("exchange", "prt", "Exchange taken back", "Tausch zurückgenommen"),
    "part_exchange_in_back": _kind("exchange", "prt", "Exchange taken back", "Tausch zurückgenommen"),
    "part_exchange_spread_back": _kind("exchange_cost", "prt", "Cost of the exchange given back", "Kosten erstattet"),
    # Holds: they are listed as reserves, and move nothing.
    "reserve": _kind("sales", "ord", "Held back", "Zurückbehalten"),
    "part_reserve": _kind("sales", "prt", "Held back", "Zurückbehalten"),
}
SOLD = ("release", "part_release")
"""The codes by which a seller is credited what was paid for an order, or a part of one."""


def kind_of(code: str) -> Kind:
    """A code that nobody has described is of `other`, and is called what it is."""
    return KINDS.get(code) or Kind("other", "", {"en": code})


def cause_of(code: str, cause_id: UUID) -> str:
    """What caused a transfer, as it is shown: `ord_0192...`; only the number where it is not known what it is of."""
    prefix = kind_of(code).cause
    return show(prefix, cause_id) if prefix else cause_id.hex
