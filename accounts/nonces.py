"""A request with a token that changes something happens once: its nonce is spent before it runs."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest import codes
from rest.errors import Conflict, Refusal

NONCE_REQUIRED = codes.declare("nonce_required", "This request needs an X-Nonce header.")
NONCE_INVALID = codes.declare("nonce_invalid", "X-Nonce is 1 to 64 characters of A-Z, a-z, 0-9, _ and -.")
NONCE_REUSED = codes.declare("nonce_reused", "This token has used this nonce before; nothing was done.")
FORM = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class AlreadySpent(Exception):
    """This token has used this nonce before."""


class FreshNonce(BasePermission):
    """Lets a nonce pass once. A session needs none: it has the CSRF check."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None or request.method in SAFE_METHODS:
            return True
        nonce = request.META.get("HTTP_X_NONCE")
        origin = Origin.of(request)
        if nonce is None:
            _record_refusal(origin, NONCE_REQUIRED)
            raise Refusal(NONCE_REQUIRED)
        if not FORM.fullmatch(nonce):
            _record_refusal(origin, NONCE_INVALID)
            raise Refusal(NONCE_INVALID)
        try:
            spend_nonce(nonce=nonce, origin=origin, act=f"{request.method} {request.path}")
        except AlreadySpent as error:
            _record_refusal(origin, NONCE_REUSED, nonce=nonce)
            raise Conflict(NONCE_REUSED) from error
        return True


def spend_nonce(*, nonce: str, origin: Origin, act: str) -> None:
    """Record the nonce as used and commit; AlreadySpent if it was. Of two at once one passes."""
    try:
        with transaction.atomic(durable=True):
            audit.record(Action.NONCE_USE, origin=origin, object=act[:200], nonce=nonce)
    except IntegrityError as error:
        if "a_nonce_is_spent_once_per_token" not in str(error):
            raise
        raise AlreadySpent from error


def _record_refusal(origin: Origin, code: codes.Code, *, nonce: str = "") -> None:
    audit.record(
        Action.NONCE_REFUSED,
        origin=origin,
        outcome=Outcome.REFUSED,
        nonce=nonce,
        detail={"code": code.name},
    )
