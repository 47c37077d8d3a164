"""RFC 8785: the one text that a JSON value has. Of numbers only whole ones, which is all that is recorded."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import Any

LARGEST = 2**53 - 1


class NotCanonical(ValueError):
    """A value that has no place in the record."""


def canonical_json(value: Any) -> str:
    """The canonical text of strings, whole numbers, true, false, null, and lists and objects of them."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        names = sorted(value, key=_utf16)
        return "{" + ",".join(f"{encode_basestring(n)}:{canonical_json(value[n])}" for n in names) + "}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical_json, value)) + "]"
    if isinstance(value, (int, float)) and abs(value) <= LARGEST and value == int(value):
        return str(int(value))
    raise NotCanonical(f"{type(value).__name__} cannot be recorded.")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")
