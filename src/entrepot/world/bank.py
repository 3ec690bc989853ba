"""What a bank sends: camt.053.001.08 statements. It shares no code with whoever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from xml.sax.saxutils import escape

from entrepot.kit.money import Money
from entrepot.reconciliation import Entry

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>{name}</MsgId><CreDtTm>{day}T23:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>{name}</Id><CreDtTm>{day}T23:00:00Z</CreDtTm><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>
"""
_BALANCE = (
    "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount}<CdtDbtInd>{side}</CdtDbtInd>"
    "<Dt><Dt>{day}</Dt></Dt></Bal>\n"
)
_ENTRY = (
    "<Ntry>{amount}<CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
    "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    "<NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{amount}<CdtDbtInd>{side}</CdtDbtInd>"
    "<RmtInf><Ustrd>{reference}</Ustrd></RmtInf>{returned}</TxDtls></NtryDtls></Ntry>\n"
)
_RETURNED = "<RtrInf><Rsn><Cd>AC01</Cd></Rsn></RtrInf>"
END_TO_END_MAX = 35


def statement(
    name: str, iban: str, currency: str, first: date, last: date, opening_minor: int, entries: Sequence[Entry]
) -> bytes:
    """The statement of an account from `first` to `last`, on which these entries were booked."""
    parts = [_HEAD.format(name=escape(name), day=last, iban=iban, currency=currency)]
    closing = opening_minor + sum(entry.amount_minor for entry in entries)
    for code, day, minor in (("OPBD", first, opening_minor), ("CLBD", last, closing)):
        parts.append(_BALANCE.format(code=code, day=day, **_amount(minor, currency)))
    for entry in entries:
        is_short = len(entry.reference) <= END_TO_END_MAX
        parts.append(
            _ENTRY.format(
                day=entry.day,
                end_to_end=escape(entry.reference) if is_short else "NOTPROVIDED",
                reference=escape(entry.reference),
                family="ICDT" if entry.amount_minor < 0 or entry.is_return else "RCDT",
                sub="RRTN" if entry.is_return else "ESCT",
                returned=_RETURNED if entry.is_return else "",
                **_amount(entry.amount_minor, currency),
            )
        )
    return "".join([*parts, "</Stmt></BkToCstmrStmt></Document>\n"]).encode()


def _amount(minor: int, currency: str) -> dict[str, str]:
    text = str(Money(abs(minor), currency)).partition(" ")[0]
    return {"amount": f'<Amt Ccy="{currency}">{text}</Amt>', "side": "DBIT" if minor < 0 else "CRDT"}
