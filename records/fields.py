"""Columns that every app uses."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any

from django.db import models


def uuid7() -> uuid.UUID:
    """A random id that sorts by time (RFC 9562, version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def uuid7_texts(count: int) -> list[str]:
    """So many of them as text, for rows that are written without an instance each."""
    moment = f"{time.time_ns() // 1_000_000:012x}"
    head = f"{moment[:8]}-{moment[8:]}-7"
    noise = secrets.token_hex(10 * count)
    each = [noise[at : at + 20] for at in range(0, 20 * count, 20)]
    return [f"{head}{one[:3]}-{_VARIANT[one[3]]}{one[4:7]}-{one[7:19]}" for one in each]


# A digit of noise, and the one that keeps its last two bits behind the two of the variant.
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """An amount of one asset, exact: numeric(36,18). The asset stands in a column beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 36
        kwargs["decimal_places"] = 18
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


class PublicIdModel(models.Model):
    """A row that outsiders know by an opaque id."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)

    class Meta:
        abstract = True
