"""JSON in, without the freedoms that JSON leaves: one meaning per body."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from rest import codes
from rest.errors import Refusal, TooLarge

MAX_BYTES = 1_000_000


class StrictJSONParser(BaseParser):
    """UTF-8 JSON of at most 1 MB; no duplicate keys, NaN, infinities or lone surrogates."""

    media_type = "application/json"
    max_bytes = MAX_BYTES
    too_large = codes.BODY_TOO_LARGE.meaning

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(self.max_bytes + 1)
        if len(raw) > self.max_bytes:
            raise TooLarge(codes.BODY_TOO_LARGE, self.too_large)
        return parse(raw)


def parse(raw: bytes) -> Any:
    """The value of a JSON text; 400 if it is not one or could be read in two ways."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
        if "\\u" in text:  # An escape may hide half a character, which no answer could repeat.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ParseError("The body is not valid JSON in UTF-8.", codes.PARSE_ERROR.name) from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Refusal(codes.DUPLICATE_KEY)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("A number is too large.")
    return value
