"""The form of every error: `{"type", "errors": [{"code", "detail", "attr"}]}`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import JsonResponse, UnreadablePostError
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import Error
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.settings import api_settings

from rest import codes
from rest.codes import Code
from rest.errors import Refusal, TooLarge

# Other words of libraries for what has one name here.
ONE_NAME = {
    "surrogate_characters_not_allowed": codes.INVALID_CHARACTERS.name,
    "null_characters_not_allowed": codes.INVALID_CHARACTERS.name,
    "make_aware": codes.INVALID.name,
    "overflow": codes.INVALID.name,
    "date": codes.INVALID.name,
}


class Formatter(ExceptionFormatter):
    def get_errors(self) -> list[Error]:
        return [
            Error(ONE_NAME.get(error.code, error.code), error.detail, _attr(error.attr))
            for error in super().get_errors()
        ]


class Handler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Any:
        if isinstance(exc, RequestDataTooBig):
            return TooLarge(codes.BODY_TOO_LARGE)
        if isinstance(exc, (SuspiciousOperation, BadRequest, UnreadablePostError)):
            return Refusal(codes.PARSE_ERROR)
        return super().convert_known_exceptions(exc)

    def report_exception(self, exc: APIException, response: Response) -> None:
        # A 503 on purpose (a venue is away) is an answer, not a failure of ours.
        if not isinstance(exc, Refusal):
            super().report_exception(exc, response)


def forbidden(code: Code) -> JsonResponse:
    """403 of what comes before any view."""
    error = {"code": code.name, "detail": code.meaning, "attr": None}
    return JsonResponse({"type": "client_error", "errors": [error]}, status=403)


def _attr(attr: str | None) -> str | None:
    return None if attr == api_settings.NON_FIELD_ERRORS_KEY else attr
