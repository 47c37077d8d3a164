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
