"""Refusals: errors as answers, each with a declared code and a status."""

from __future__ import annotations

from rest_framework.exceptions import APIException, AuthenticationFailed, ErrorDetail, ValidationError

from rest.codes import Code


class Refusal(APIException):
    """A request that is understood and not carried out; subclasses say with which status."""

    status_code = 400

    def __init__(self, code: Code, detail: str = "", *, wait: float | None = None) -> None:
        super().__init__(detail or code.meaning, code.name)
        self.wait = wait


class Forbidden(Refusal):
    status_code = 403


class NotHere(Refusal):
    status_code = 404


class Conflict(Refusal):
    status_code = 409


class TooLarge(Refusal):
    status_code = 413


class TryLater(Refusal):
    """Something outside did not answer; `wait` in seconds becomes Retry-After."""

    status_code = 503


class Unauthorized(AuthenticationFailed):
    """401; the framework adds `WWW-Authenticate`."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(detail or code.meaning, code.name)


def invalid(code: Code, detail: str = "", *, attr: str | None = None) -> ValidationError:
    """What is wrong with one field of the body or of the query (`attr` None: with the whole)."""
    error = ErrorDetail(detail or code.meaning, code.name)
    return ValidationError({attr: [error]} if attr else [error])
