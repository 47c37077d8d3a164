"""Bodies and queries in which every field is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from rest import codes

# A name that does not exist is repeated in the answer, but not a megabyte of it.
NAME_SHOWN = 80


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, and those that only an answer has."""

    def to_internal_value(self, data: Any) -> Any:
        errors = self._unknown(data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise ValidationError({**error.detail, **errors}) from error
        if errors:
            raise ValidationError(errors)
        return value

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        known = {name for name, field in self.fields.items() if not field.read_only}
        error = ErrorDetail(codes.UNKNOWN_FIELD.meaning, codes.UNKNOWN_FIELD.name)
        return {str(name)[:NAME_SHOWN]: [error] for name in data if name not in known}


class NoFieldsSerializer(StrictSerializer):
    """A body without fields."""


class QuerySerializer(StrictSerializer):
    """The filters of a list: unknown, repeated and empty ones are refused, never ignored."""

    def to_internal_value(self, data: Any) -> Any:
        wrong = {
            str(name)[:NAME_SHOWN]: [ErrorDetail(fault, codes.INVALID.name)]
            for name in data
            if (fault := self._fault(name, data.getlist(name)))
        }
        if wrong:
            raise ValidationError(wrong)
        return super().to_internal_value(data)

    def _fault(self, name: str, given: list[str]) -> str:
        if len(given) > 1 and not self._takes_many(name):
            return "Given more than once."
        # The framework takes an empty one for one left out.
        return "Empty; leave it out." if "" in given and name in self.fields else ""

    def _takes_many(self, name: str) -> bool:
        return isinstance(self.fields.get(name), (serializers.ListField, serializers.MultipleChoiceField))

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        paginator = getattr(self.context.get("view"), "paginator", None)
        understood = paginator.parameters if paginator else ()
        return {name: errors for name, errors in super()._unknown(data).items() if name not in understood}


class NoFilters(QuerySerializer):
    """For a list that has none."""


def validated_query(serializer: type[QuerySerializer], query: QueryDict, **context: Any) -> dict[str, Any]:
    """The filters of a request as Python values; 400 for what cannot be understood."""
    bound = serializer(data=query, context=context)
    bound.is_valid(raise_exception=True)
    values: dict[str, Any] = bound.validated_data
    return values
