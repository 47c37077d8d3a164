"""Tokens and oneself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import schema as _schema  # noqa: F401 - registers the ways to authenticate
from accounts import services, token_store
from accounts.authentication import person
from accounts.log_in import log_in
from accounts.models import AccessToken, User
from accounts.serializers import (
    CredentialsSerializer,
    IssuedTokenSerializer,
    MeSerializer,
    PreferencesSerializer,
    RevocationSerializer,
    TokenRequestSerializer,
    TokenSerializer,
)
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest import codes
from rest.errors import Forbidden
from rest.views import ApiView

TOKEN_CANNOT_ISSUE = codes.declare("token_cannot_issue", "A token cannot issue tokens; log in for that.")
DEFAULT_DAYS = 365


class NotWithAToken(BasePermission):
    def has_permission(self, request: Request, view: object) -> bool:
        if request.auth is not None:
            audit.record(
                Action.TOKEN_ISSUE,
                origin=Origin.of(request),
                outcome=Outcome.REFUSED,
                detail={"code": TOKEN_CANNOT_ISSUE.name},
            )
            raise Forbidden(TOKEN_CANNOT_ISSUE)
        return True


class IssueTokenView(ApiView):
    write_scope = None
    permission_classes = (NotWithAToken,)

    @extend_schema(
        summary="Issue an access token",
        tags=["tokens"],
        request=TokenRequestSerializer,
        responses={201: IssuedTokenSerializer},
        auth=[{}, {"session": []}],  # type: ignore[list-item]  # its annotation knows names only
        examples=[
            OpenApiExample(
                "With e-mail and password",
                request_only=True,
                value={
                    "email": "ana@example.org",
                    "password": "correct horse battery staple",
                    "name": "my bot",
                    "scopes": ["read", "trade"],
                    "expires_in_days": 90,
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        user = self._person(request)
        wanted = self.body(TokenRequestSerializer)
        days = timedelta(days=wanted.get("expires_in_days", DEFAULT_DAYS))
        issued = token_store.issue_token(
            user=user,
            name=wanted["name"],
            scopes=wanted["scopes"],
            expires_at=timezone.now() + days,
            allowed_ips=wanted.get("allowed_ips", []),
            origin=Origin.of_person(request, str(user.public_id)),
        )
        answer = IssuedTokenSerializer(issued.token, context={"text": issued.text})
        return Response(answer.data, status=201, headers={"Cache-Control": "no-store"})

    def _person(self, request: Request) -> User:
        """By the session, unless the body brings credentials."""
        data = request.data
        if isinstance(data, dict) and not data.keys() & {"email", "password", "otp"}:
            return person(request)
        given = self.body(CredentialsSerializer)
        return log_in(request, email=given["email"], password=given["password"], otp=given.get("otp"))


class RevokeTokenView(ApiView):
    write_scope = None

    @extend_schema(
        summary="Revoke one of your tokens",
        description="Idempotent; unknown and foreign tokens are answered alike.",
        tags=["tokens"],
        request=RevocationSerializer,
        responses={204: OpenApiResponse(description="The token does not work any more.")},
        examples=[
            OpenApiExample(
                "By its id", value={"id": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11"}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.body(RevocationSerializer)
        token = token_store.find_by_text(given["token"]) if "token" in given else _by_id(given["id"])
        if token is not None:
            token_store.revoke_token(
                user=person(request), token=token, origin=Origin.of(request), now=timezone.now()
            )
        return Response(status=204)


class TokensView(ApiView):
    write_scope = None
    serializer_class = TokenSerializer

    @extend_schema(summary="List your tokens", tags=["tokens"], responses=TokenSerializer(many=True))
    def get(self, request: Request) -> Response:
        self.query()
        return self.page(AccessToken.objects.owned_by(person(request).pk), TokenSerializer)


class MeView(ApiView):
    write_scope = "trade"
    serializer_class = MeSerializer
    pagination_class = None

    @extend_schema(summary="Read your account", tags=["me"], responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(person(request)).data)

    @extend_schema(
        summary="Change your time zone or report currency",
        tags=["me"],
        request=PreferencesSerializer,
        responses=MeSerializer,
        examples=[
            OpenApiExample(
                "Both", value={"time_zone": "Europe/Madrid", "report_currency": "EUR"}, request_only=True
            )
        ],
    )
    def patch(self, request: Request) -> Response:
        user = services.change_preferences(user=person(request), **self.body(PreferencesSerializer))
        return Response(MeSerializer(user).data)


def _by_id(text: str) -> AccessToken | None:
    try:
        return token_store.find_by_id(UUID(text))
    except ValueError:
        return None
