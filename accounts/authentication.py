"""How a request of the API proves whose it is: a bearer token or the browser's session."""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import token_store
from accounts.models import AccessToken, User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest import codes
from rest.addresses import client_ip, within
from rest.errors import Forbidden, Unauthorized
from rest.throttles import seconds_to_wait

ADDRESS_NOT_ALLOWED = codes.declare(
    "address_not_allowed", "This token may not be used from this network address."
)
# Guessing is hopeless; the limit keeps a flood of guesses out of the audit record.
FAILURES_PER_MINUTE = 60
READING_RECORDED_EVERY = 60  # seconds


def person(request: Request) -> User:
    """Whose request this is, for views that let no strangers in."""
    user = request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    return user


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer ctp_…`; any other scheme is refused, whatever else the request carries."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, text = header.partition(" ")
        token = token_store.find_by_text(text.strip()) if scheme.lower() == "bearer" else None
        now = timezone.now()
        if token is None or not token_store.is_usable(token, now=now):
            self._refuse(request, token)
        if token.allowed_ips and not within(client_ip(request._request) or "", token.allowed_ips):
            self._record_failure(request, token, "address")
            raise Forbidden(ADDRESS_NOT_ALLOWED)
        token_store.note_use(token, now=now)
        if request.method in SAFE_METHODS:
            self._record_reading(request, token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _refuse(self, request: Request, token: AccessToken | None) -> NoReturn:
        wait = seconds_to_wait(f"bad-token:{client_ip(request._request)}", limit=FAILURES_PER_MINUTE)
        if wait is not None:
            raise Throttled(wait=wait)
        self._record_failure(request, token, "unknown" if token is None else "not usable")
        raise Unauthorized(codes.AUTHENTICATION_FAILED)

    def _record_reading(self, request: Request, token: AccessToken) -> None:
        """Once a minute for each address and program. What changes something has its nonce's record."""
        origin = Origin.of_token(request, token)
        program = hashlib.sha256(f"{origin.ip} {origin.user_agent}".encode()).hexdigest()
        try:
            is_first = cache.add(f"token-use:{token.public_id}:{program}", 1, timeout=READING_RECORDED_EVERY)
        except RedisError:
            is_first = True
        if is_first:
            detail = {"request": f"{request.method} {request.path}"[:200]}
            audit.record(Action.TOKEN_USE, origin=origin, object=str(token.public_id), detail=detail)

    def _record_failure(self, request: Request, token: AccessToken | None, reason: str) -> None:
        audit.record(
            Action.TOKEN_FAILURE,
            origin=Origin.of_stranger(request),
            object=str(token.public_id) if token else "",
            outcome=Outcome.REFUSED,
            detail={"reason": reason},
        )


class BrowserSession(SessionAuthentication):
    """The log-in of the pages, with their CSRF check."""

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise Forbidden(codes.CSRF_FAILED) from error
