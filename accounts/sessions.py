"""Ending sessions: each end is on record."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.core import context
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.db import transaction

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """The page on which people end their own sessions."""

    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        for session in sessions:
            if session.is_current():
                session.end()  # What follows is a log-out, which is recorded as that.
            else:
                end(session, origin=Origin.of(context.request), reason="ended by its owner")


def end(session: UserSession, *, origin: Origin, reason: str) -> None:
    with transaction.atomic():
        audit.record(
            Action.SESSION_END,
            origin=origin,
            object=str(session.user.public_id),
            detail={"reason": reason},
        )
        session.end()
