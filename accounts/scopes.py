"""A token that is used for more than it was issued for leaves a record."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest.errors import Forbidden
from rest.permissions import HasScope


class RecordedScope(HasScope):
    def has_permission(self, request: Request, view: Any) -> bool:
        try:
            return super().has_permission(request, view)
        except Forbidden:
            audit.record(
                Action.TOKEN_FAILURE,
                origin=Origin.of(request),
                object=str(getattr(request.auth, "public_id", "")),
                outcome=Outcome.REFUSED,
                detail={"reason": "scope"},
            )
            raise
