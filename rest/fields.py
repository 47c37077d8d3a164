"""Fields that take exactly what the contract says, and nothing that merely resembles it."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rest import codes

# Control, format (zero-width, bidirectional), surrogates, line and paragraph separators.
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
PLAIN_DECIMAL = re.compile(r"(-?)([0-9]{1,60})(?:\.([0-9]{1,60}))?", re.ASCII)
DECIMAL_PATTERN = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"


def plain(value: Decimal) -> str:
    """A decimal in plain notation, trailing zeros cut: `Decimal("1E-3")` → `"0.001"`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


class Word(serializers.CharField):
    """A text for machines, such as an id or a password: a number is not one."""

    default_error_messages = {"invalid": "Not a text."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """Text for people: trimmed, NFC, no invisible characters; a number is not a text."""

    default_error_messages = {
        "invalid": "Not a text.",
        "invalid_characters": codes.INVALID_CHARACTERS.meaning,
    }

    def __init__(self, *, multiline: bool = False, max_length: int = 80, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.allowed_controls = "\n\t" if multiline else ""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = unicodedata.normalize("NFC", data.replace("\r\n", "\n") if self.allowed_controls else data)
        if any(unicodedata.category(c) in INVISIBLE and c not in self.allowed_controls for c in text):
            self.fail("invalid_characters")
        return text.strip()


@extend_schema_field({"type": "string", "pattern": DECIMAL_PATTERN, "examples": ["0.001"]})
class DecimalString(serializers.Field[Decimal, Any, str, Any]):
    """An exact number as text in plain notation, at most 18 digits before and after the point."""

    default_error_messages = {
        "invalid": 'A decimal number as a string in plain notation, like "0.001".',
        "max_digits": "At most 18 digits before the point.",
        "max_decimal_places": "At most {places} digits after the point.",
        "min_value": "Must be at least {limit}.",
        "above": "Must be above {limit}.",
        "max_value": "Must be at most {limit}.",
    }

    def __init__(
        self,
        *,
        above: Decimal | int | None = None,
        minimum: Decimal | int | None = None,
        maximum: Decimal | int | None = None,
        places: int = 18,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.above, self.minimum, self.maximum, self.places = above, minimum, maximum, places

    def to_internal_value(self, data: Any) -> Decimal:
        match = PLAIN_DECIMAL.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.fail("invalid")
        _, whole, fraction = match.groups(default="")
        if len(whole.lstrip("0")) > 18:
            self.fail("max_digits")
        if len(fraction.rstrip("0")) > self.places:
            self.fail("max_decimal_places", places=self.places)
        value = Decimal(plain(Decimal(data)))
        self._check_range(value)
        return value

    def _check_range(self, value: Decimal) -> None:
        if self.above is not None and value <= self.above:
            raise serializers.ValidationError(f"Must be above {self.above}.", "min_value")
        if self.minimum is not None and value < self.minimum:
            self.fail("min_value", limit=self.minimum)
        if self.maximum is not None and value > self.maximum:
            self.fail("max_value", limit=self.maximum)

    def to_representation(self, value: Decimal | int | str) -> str:
        return plain(Decimal(value))


@extend_schema_field({"type": "string", "format": "date-time", "examples": ["2025-10-04T12:00:00Z"]})
class Moment(serializers.Field[datetime, Any, str, Any]):
    """A time of RFC 3339 with its zone; out in UTC, whatever zone the reader has chosen."""

    default_error_messages = {"invalid": "A time of RFC 3339 with its zone, like 2025-10-04T12:00:00Z."}

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or len(data) > 40 or "T" not in data.upper():
            self.fail("invalid")
        try:
            value = parse_datetime(data.upper())
            if value is None or value.tzinfo is None:
                self.fail("invalid")
            return value.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction that fits an integer column; neither text nor true."""

    def __init__(self, *, min_value: int = 0, max_value: int = 2_147_483_647, **kwargs: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false, and no word for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:40])
        return data


@extend_schema_field({"type": "string", "format": "uuid"})
class Reference(serializers.Field[Any, Any, str, Any]):
    """Another object by its id, looked for among what `choices(user id)` returns.

    What belongs to somebody else does not exist.
    """

    default_error_messages = {"does_not_exist": codes.DOES_NOT_EXIST.meaning}

    def __init__(self, choices: Callable[[int], QuerySet[Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def to_internal_value(self, data: Any) -> Model:
        try:
            public_id = uuid.UUID(data)
        except (ValueError, TypeError, AttributeError):
            self.fail("does_not_exist")
        user = self.context["request"].user
        found: Model | None = self.choices(user.pk).filter(public_id=public_id).first()
        if found is None:
            self.fail("does_not_exist")
        return found

    def to_representation(self, value: Any) -> str:
        return str(value.public_id)
