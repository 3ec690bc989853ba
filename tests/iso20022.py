"""ISO 20022's own schemas, as two packages carry them; of the packages only the files are read."""

from __future__ import annotations

from functools import cache
from importlib.metadata import distribution

from lxml import etree

_FILES = {
    "pain.001.001.09": ("sepaxml", "sepaxml/schemas/pain.001.001.09.xsd"),
    "camt.053.001.08": ("camt053", "camt053/xsd/camt.053.001.08.xsd"),
}


@cache
def schema(name: str) -> etree.XMLSchema:
    package, path = _FILES[name]
    return etree.XMLSchema(etree.parse(str(distribution(package).locate_file(path))))
