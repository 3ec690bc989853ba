"""Words of addresses: what countries call their parts."""

from __future__ import annotations

from entrepot.kit.i18n import N

KINDS = {
    "country": N("Country"),
    "recipient": N("Full name"),
    "line1": N("Street and number"),
    "line2": N("Further details"),
    "phone": N("Phone"),
    "tax_id": N("Tax number"),
    "area": N("Area"),
    "county": N("County"),
    "department": N("Department"),
    "district": N("District"),
    "do_si": N("Province or metropolitan city"),
    "emirate": N("Emirate"),
    "island": N("Island"),
    "oblast": N("Oblast"),
    "parish": N("Parish"),
    "prefecture": N("Prefecture"),
    "province": N("Province"),
    "state": N("State"),
    "city": N("Town"),
    "post_town": N("Post town"),
    "suburb": N("Suburb"),
    "neighborhood": N("Neighborhood"),
    "townland": N("Townland"),
    "village_township": N("Village or township"),
    "postal": N("Postal code"),
    "zip": N("ZIP code"),
    "pin": N("PIN code"),
    "eircode": N("Eircode"),
}
"""By the kind that a country's data say (accounts.AddressField)."""
AUTOCOMPLETES = {
    "recipient": "name", "line1": "address-line1", "line2": "address-line2", "region": "address-level1",
    "city": "address-level2", "district": "address-level3", "postal_code": "postal-code",
}  # fmt: skip
MISSING = N("%(field)s: please fill this in.")
MISSING_AS = N("%(field)s: please fill this in, such as %(example)s.")
UNKNOWN = N("%(field)s: this country has no such one. Please check it.")
UNKNOWN_AS = N("%(field)s: this country has no such one. Please check it; this is one: %(example)s.")
REFUSALS = {("missing", False): MISSING, ("missing", True): MISSING_AS, ("unknown", False): UNKNOWN,
            ("unknown", True): UNKNOWN_AS}  # fmt: skip
"""Of AddressNotValid, by its reason and whether it has an example."""
