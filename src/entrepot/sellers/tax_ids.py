"""Tax numbers: whether one can be what its country gives out, by the check digits of python-stdnum.

A number that is well formed may still be nobody's: whether it is known, only its country's tax office says. A country
of which the library knows none takes what looks like a number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stdnum import get_cc_module
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError

if TYPE_CHECKING:
    from stdnum.util import NumberValidationModule

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./+*-]{0,39}")
_OTHERS = {
    "AU": ("abn", "tfn"), "BR": ("cnpj", "cpf"), "CN": ("uscc", "ric"), "DE": ("idnr", "stnr"), "ES": ("nif",),
    "FR": ("nif", "siren", "siret"), "GB": ("utr",), "ID": ("npwp", "nik"), "IT": ("codicefiscale", "iva"),
    "JP": ("cn", "in_"), "MY": ("nric",), "TH": ("moa", "pin"), "US": ("tin",),
}  # fmt: skip
"""What tax offices know people and companies by, beside what the library itself calls a country's `tin` or `vat`."""


def tax_id_of(country: str, number: str) -> str:
    """A number by which a country (ISO 3166-1) knows who pays taxes, without what people put between its digits. Raises
    ValueError for one that no such number can be."""
    return _first([_module(country, name) for name in ("tin", "vat", *_OTHERS.get(country, ()))], country, number)


def vat_id_of(country: str, number: str) -> str:
    """A number by which a country knows who is registered for VAT or its like: of the EU with the letters of the state
    in front. Raises ValueError for one that no such number can be."""
    state = "EL" if country == "GR" else country
    if country.lower() in eu_vat.MEMBER_STATES:
        text = number.strip().upper()
        return _first([eu_vat], country, text if text.startswith(state) else state + text)
    return _first([_module(country, "vat")], country, number)


def _module(country: str, name: str) -> NumberValidationModule | None:
    return get_cc_module(country.lower(), name)


def _first(modules: Sequence[NumberValidationModule | None], country: str, number: str) -> str:
    known = [module for module in modules if module is not None]
    for module in known:
        try:
            return str(module.validate(number))
        except ValidationError:
            continue
    if known or not _NUMBER.fullmatch(number.strip()):
        raise ValueError(f"no tax number of {country}")
    return number.strip()
