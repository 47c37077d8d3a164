"""The OpenAPI description: what every operation has in common is said once, here."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from rest import codes
from rest.codes import Code

ERRORS = {
    "400": "The body, a filter or the nonce is wrong.",
    "401": "No, unknown, expired or revoked credentials.",
    "403": "The token lacks the scope, or you the role or a condition.",
    "404": "There is no such object, or it is not yours.",
    "409": "The nonce was used before, or the state does not allow this.",
    "413": "A JSON body above 1 MB.",
    "415": "The body does not have the media type shown.",
    "429": "Too many requests; see Retry-After.",
    "503": "An exchange or a store does not answer now; see Retry-After.",
}
ERROR_EXAMPLES = {
    "400": codes.UNKNOWN_FIELD,
    "401": codes.AUTHENTICATION_FAILED,
    "403": codes.INSUFFICIENT_SCOPE,
    "404": codes.NOT_FOUND,
    "413": codes.BODY_TOO_LARGE,
}
ONLY_WRITES = {"409", "413", "415"}


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="One of GET /api/v1/codes/.")
    detail = serializers.CharField(help_text="For people.")
    attr = serializers.CharField(allow_null=True, help_text="The field at fault.")


class ErrorAnswerSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # the framework has a property of this name


class Schema(AutoSchema):
    def get_description(self) -> str:  # type: ignore[override]
        # Docstrings are for those who read the code.
        return ""

    def get_override_parameters(self) -> list[Any]:
        parameters = super().get_override_parameters()
        if self.method in SAFE_METHODS:
            return parameters
        nonce = OpenApiParameter(
            "X-Nonce",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
            OpenApiParameter.HEADER,
            description="Required with a token, single use; not needed with a session.",
        )
        return [*parameters, nonce]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status, description in ERRORS.items():
            if status in bodies or (status in ONLY_WRITES and self.method in SAFE_METHODS):
                continue
            bodies[status] = self._get_response_for_code(ErrorAnswerSerializer, status)  # type: ignore[no-untyped-call]
            bodies[status]["description"] = description
            if status in ERROR_EXAMPLES:
                for media in bodies[status]["content"].values():
                    media["examples"] = {"Example": {"value": _error(ERROR_EXAMPLES[status], status)}}
        return bodies


def _error(code: Code, status: str) -> dict[str, Any]:
    kind, attr = ("validation_error", "colour") if status == "400" else ("client_error", None)
    return {"type": kind, "errors": [{"code": code.name, "detail": code.meaning, "attr": attr}]}
