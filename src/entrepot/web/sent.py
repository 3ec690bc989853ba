"""What a browser has sent: the fields of a form, and the files in it."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import parse_qsl

from starlette.requests import Request

from entrepot.kit.problem import Malformed

MAX_FIELDS = 40
HEAD_MAX = 1_000
"""Bytes of what a part of a form says of itself."""
_BOUNDARY = re.compile(r';\s*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?\s*(?:;|$)', re.ASCII)
_PART = re.compile(rb'\r\ncontent-disposition: *form-data; *name="([^"]*)"(?:; *filename="([^"]*)")?', re.IGNORECASE)


def sent(request: Request, raw: bytes) -> dict[str, str]:
    """The fields of a form by name, without blanks around them. Raises Malformed."""
    header = request.headers.get("content-type", "")
    kind = header.partition(";")[0].strip().lower()
    if raw and kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Malformed("a form is sent as application/x-www-form-urlencoded or multipart/form-data")
    try:
        if kind == "multipart/form-data":
            pairs = _parts(header, raw)
        else:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if any("\0" in value for _, value in pairs):
        raise Malformed("text must not contain the character NUL")
    return {name: value if name == "password" else value.strip() for name, value in pairs}


def _parts(header: str, raw: bytes) -> list[tuple[str, str]]:
    """The fields of a form that may have a file: its content in Base64, and beside it `<field>_name`. As browsers send
    it (RFC 7578), and in one pass: the standard library's reader of mail takes minutes for what somebody has made up.
    Raises ValueError."""
    boundary = _BOUNDARY.search(header)
    if boundary is None:
        raise ValueError("a form of several parts has a boundary")
    _, *parts = (b"\r\n" + raw).split(b"\r\n--" + boundary[1].encode(), MAX_FIELDS + 2)
    if not parts or len(parts) > MAX_FIELDS + 1 or not parts[-1].startswith(b"--"):
        raise ValueError("not a form, or too many fields")
    pairs = []
    for part in parts[:-1]:
        head, blank, content = part.partition(b"\r\n\r\n")
        named = _PART.search(head) if blank and len(head) <= HEAD_MAX else None
        if named is None:
            raise ValueError("a field without a name or a content")
        name, file_name = named[1].decode(), named[2]
        if file_name is None:
            pairs.append((name, content.decode()))
        else:
            pairs += [(name, b64encode(content).decode()), (f"{name}_name", file_name.decode(errors="replace"))]
    return pairs
