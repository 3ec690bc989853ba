"""A file for the bank: ISO 20022 pain.001.001.09, one message of one payment each to many accounts.

The same facts give the same bytes. The bank repeats `EndToEndId`, the payout's id, in its statements.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from entrepot.kit.money import Money
from entrepot.payments.types import BankAccount

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


class Order(msgspec.Struct, frozen=True):
    """One payment of the file."""

    id: UUID
    amount_minor: int
    to: BankAccount


class Batch(msgspec.Struct, frozen=True):
    """What the bank is asked: to send from `source`, on `day`, each of `orders`."""

    id: UUID
    made_at: datetime
    day: date
    currency: str
    source: BankAccount
    orders: Sequence[Order]


def pain_001(batch: Batch) -> bytes:
    """The message. In euro it asks for a SEPA credit transfer, whose charges are shared by its rules."""
    document = ET.Element("Document", xmlns=NAMESPACE)
    root = ET.SubElement(document, "CstmrCdtTrfInitn")
    sums = {"NbOfTxs": str(len(batch.orders)), "CtrlSum": _sum(batch)}
    head = _with(root, "GrpHdr", {"MsgId": batch.id.hex, "CreDtTm": _time(batch.made_at), **sums})
    _with(head, "InitgPty", {"Nm": batch.source.holder})
    # Booked one by one, so that a statement names each.
    info = _with(root, "PmtInf", {"PmtInfId": batch.id.hex, "PmtMtd": "TRF", "BtchBookg": "false", **sums})
    in_euro = batch.currency == "EUR"
    if in_euro:
        _with(_with(info, "PmtTpInf"), "SvcLvl", {"Cd": "SEPA"})
    _with(info, "ReqdExctnDt", {"Dt": batch.day.isoformat()})
    _with(info, "Dbtr", {"Nm": batch.source.holder})
    account = _with(info, "DbtrAcct")
    _with(account, "Id", {"IBAN": batch.source.iban})
    _with(account, "Ccy").text = batch.currency
    # The bank knows by the IBAN which one it is.
    _with(_with(_with(info, "DbtrAgt"), "FinInstnId"), "Othr", {"Id": "NOTPROVIDED"})
    _with(info, "ChrgBr").text = "SLEV" if in_euro else "SHAR"
    for order in batch.orders:
        _add(info, order, batch.currency)
    written: bytes = ET.tostring(document, encoding="UTF-8", xml_declaration=True)
    return written


def _add(info: ET.Element, order: Order, currency: str) -> None:
    one = _with(info, "CdtTrfTxInf")
    _with(one, "PmtId", {"InstrId": order.id.hex, "EndToEndId": order.id.hex})
    amount = _with(_with(one, "Amt"), "InstdAmt")
    amount.set("Ccy", currency)
    amount.text = _amount(order.amount_minor, currency)
    _with(one, "Cdtr", {"Nm": order.to.holder})
    _with(_with(one, "CdtrAcct"), "Id", {"IBAN": order.to.iban})
    _with(one, "RmtInf", {"Ustrd": f"Payout {order.id.hex}"})


def _with(parent: ET.Element, tag: str, texts: dict[str, str] | None = None) -> ET.Element:
    """A new element in `parent`, with children of these texts."""
    element = ET.SubElement(parent, tag)
    for name, text in (texts or {}).items():
        ET.SubElement(element, name).text = text
    return element


def _sum(batch: Batch) -> str:
    return _amount(sum(order.amount_minor for order in batch.orders), batch.currency)


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)).partition(" ")[0]


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
