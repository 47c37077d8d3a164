"""A form whose rules are those of the API: one place says what is valid, and both doors obey it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.serializers import BaseSerializer

from rest.serializers import StrictSerializer


class ApiForm(forms.Form):
    """Its fields only collect texts; `body()` makes of them what a program would send."""

    serializer_class: ClassVar[type[StrictSerializer]]
    # Where a field of the API has another name here.
    field_of: ClassVar[Mapping[str, str]] = {}
    partial = False

    def __init__(self, data: Any = None, *, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.request = request
        # What the API understood, once the form is valid.
        self.given: dict[str, Any] = {}

    def body(self) -> dict[str, Any]:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        serializer: BaseSerializer[Any] = self.serializer_class(
            data=self.body(), partial=self.partial, context={"request": self.request}
        )
        if serializer.is_valid():
            self.given = dict(serializer.validated_data)
        else:
            self._show(dict(serializer.errors))
        return cleaned

    def refuse(self, refusal: APIException) -> None:
        """Put what a service refused beside the field that it named."""
        detail: Any = refusal.detail
        self._show(detail if isinstance(detail, Mapping) else {"": detail})

    def _show(self, errors: Mapping[str, Any]) -> None:
        for attr, detail in errors.items():
            name = self.field_of.get(attr, attr)
            self.add_error(name if name in self.fields else None, list(_sentences(detail)))


def _sentences(detail: Any) -> Iterator[str]:
    """However deep the API's errors are nested."""
    if isinstance(detail, Mapping):
        for part in detail.values():
            yield from _sentences(part)
    elif isinstance(detail, list | tuple):
        for part in detail:
            yield from _sentences(part)
    else:
        yield str(detail)


def whole(text: str) -> int | str | None:
    """A number as JSON has it; what is none stays as it is, for the API to refuse. Empty is null."""
    return int(text) if text.isascii() and text.isdecimal() else text or None


def words(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
