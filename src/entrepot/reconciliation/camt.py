"""Bank statements: ISO 20022 camt.053, of any version. No I/O here.

A file from outside: it has no DTD (so no entity of its own), is of bounded size, and adds up, or is refused whole.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date

from entrepot.kit.money import MAX_MINOR, minor_of
from entrepot.reconciliation.types import FILE_MAX_BYTES, Entry, FileNotRead, Statement

TAGS_MAX = 500_000
REFERENCE_MAX = 140
STATEMENTS_MAX = 100
_ROOT = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2})\}Document")
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,5})?")
_NO_REFERENCE = ("", "NOTPROVIDED")


def read_statements(content: bytes) -> list[Statement]:
    """The statements of a file. Raises FileNotRead, saying what is wrong."""
    if len(content) > FILE_MAX_BYTES:
        raise FileNotRead(f"it has more than {FILE_MAX_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileNotRead("it is not written in UTF-8") from None
    # In UTF-8 a DTD cannot be written otherwise; without one there are no entities, within the file or outside.
    if "<!DOCTYPE" in text or text.count("<") > TAGS_MAX:
        raise FileNotRead("it has a DTD, or too many elements")
    try:
        root = ET.fromstring(text)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise FileNotRead(f"it is not XML: {error}") from None
    version = _ROOT.fullmatch(root.tag)
    if version is None:
        raise FileNotRead("it is not a camt.053 message")
    found = root.findall(f"{{{version[1]}}}BkToCstmrStmt/{{{version[1]}}}Stmt")
    if not 1 <= len(found) <= STATEMENTS_MAX:
        raise FileNotRead(f"it has {len(found)} statements")
    return [_statement(_Node(one, version[1])) for one in found]


class _Node:
    """An element and the namespace that all of its paths are in."""

    def __init__(self, element: ET.Element, namespace: str) -> None:
        self.element, self.namespace = element, namespace

    def all(self, path: str) -> list[_Node]:
        steps = "/".join(f"{{{self.namespace}}}{step}" for step in path.split("/"))
        return [_Node(element, self.namespace) for element in self.element.findall(steps)]

    def first(self, path: str) -> _Node | None:
        return next(iter(self.all(path)), None)

    def text(self, *paths: str) -> str:
        """The text at the first of these paths that has one, or nothing."""
        texts = ((found.element.text or "").strip() for path in paths for found in self.all(path))
        return next((text for text in texts if text), "")

    def needed(self, *paths: str) -> str:
        text = self.text(*paths)
        if not text:
            raise FileNotRead(f"{self.element.tag.rpartition('}')[2]} has no {paths[0]}")
        return text


def _statement(node: _Node) -> Statement:
    name, iban = node.needed("Id")[:REFERENCE_MAX], node.needed("Acct/Id/IBAN")
    balances = {
        balance.text("Tp/CdOrPrtry/Cd"): (balance.needed("Dt/Dt", "Dt/DtTm"), _signed(balance, _amount(balance)))
        for balance in node.all("Bal")
    }
    currency = node.text("Acct/Ccy") or next((_currency(one) for one in (*node.all("Bal"), *node.all("Ntry"))), "")
    entries: list[Entry] = []
    for entry in node.all("Ntry"):
        if entry.needed("Sts/Cd", "Sts") == "BOOK":  # what is only announced is in no balance
            entries += _entries(entry, len(entries), f"{iban[-4:]} {name}")
    opening, closing = balances.get("OPBD", balances.get("PRCD")), balances.get("CLBD")
    days = [entry.day for entry in entries] + [_day(balance[0]) for balance in (opening, closing) if balance]
    if not days or not currency:
        raise FileNotRead(f"statement {name} has neither entries nor balances")
    if any(entry.currency != currency for entry in entries):
        raise FileNotRead(f"statement {name} has entries in another currency than {currency}")
    total = sum(entry.amount_minor for entry in entries)
    if opening and closing and opening[1] + total != closing[1]:
        raise FileNotRead(f"statement {name} does not add up: {opening[1]} and {total} is not {closing[1]}")
    return Statement(
        name, iban, currency, min(days), max(days), opening[1] if opening else None, closing[1] if closing else None,
        entries,
    )  # fmt: skip


def _entries(node: _Node, number: int, name: str) -> list[Entry]:
    """One entry of ours for each payment that the bank booked, also when it booked many at once."""
    day, minor, currency = _day(node.needed("BookgDt/Dt", "BookgDt/DtTm")), _amount(node), _currency(node)
    payments = node.all("NtryDtls/TxDtls") or [node]
    minors = [minor] if len(payments) == 1 else [_amount(one, "Amt", "AmtDtls/TxAmt/Amt") for one in payments]
    if sum(minors) != minor:
        raise FileNotRead(f"statement {name}: an entry of {minor} has payments of {sum(minors)}")
    reversal = node.text("RvslInd") in ("true", "1")
    returned = reversal or node.text("BkTxCd/Domn/Fmly/SubFmlyCd") == "RRTN"
    booked = [(one, one_minor) for one, one_minor in zip(payments, minors, strict=True) if one_minor]
    return [
        Entry(
            f"{currency} {name}/{number + i}", day, currency, _signed(node, one_minor), _reference(one),
            returned or one.first("RtrInf") is not None,
        )
        for i, (one, one_minor) in enumerate(booked, 1)
    ]  # fmt: skip


def _reference(node: _Node) -> str:
    end_to_end = node.text("Refs/EndToEndId")
    told = node.text("RmtInf/Ustrd", "AddtlTxInf", "AddtlNtryInf") if end_to_end in _NO_REFERENCE else end_to_end
    return told[:REFERENCE_MAX]


def _signed(node: _Node, minor: int) -> int:
    side = node.needed("CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        raise FileNotRead(f"neither credit nor debit: {side[:20]}")
    return minor if side == "CRDT" else -minor


def _currency(node: _Node, *paths: str) -> str:
    amount = next((found for path in paths or ("Amt",) for found in node.all(path)), None)
    currency = "" if amount is None else amount.element.get("Ccy", "")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise FileNotRead("an amount without a currency")
    return currency


def _amount(node: _Node, *paths: str) -> int:
    """Minor units; trailing zeros that the currency does not have are nothing."""
    text, currency = node.needed(*paths or ("Amt",)), _currency(node, *paths)
    if not _AMOUNT.fullmatch(text):
        raise FileNotRead(f"no amount: {text[:40]}")
    try:
        minor = minor_of(text.rstrip("0").rstrip(".") if "." in text else text, currency)
    except ValueError:
        raise FileNotRead(f"no amount of {currency}: {text}") from None
    if minor > MAX_MINOR:
        raise FileNotRead(f"too large an amount: {text}")
    return minor


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise FileNotRead(f"no day: {text[:40]}") from None
