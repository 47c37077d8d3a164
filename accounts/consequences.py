"""What happens to a person's tokens and sessions when something happens to the person.

| event | tokens | sessions | own strategies | copies |
|---|---|---|---|---|
| password changed or reset | all revoked | all others end | go on | go on |
| second factor removed or reset | all revoked | all others end | go on | go on |
| suspension | all revoked | all end | nobody buys with them, exits go on | pause, exits go on |
| identity check lost | go on | go on | take no new followers on live accounts | those with real money pause |

The last two columns are work lists above, which read `is_active` and `kyc_status`; nothing here calls up.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from allauth.usersessions.models import UserSession

from accounts import sessions, token_store
from accounts.models import User
from compliance.audit import Origin


class Event(Enum):
    PASSWORD_CHANGE = "password change"  # noqa: S105 - a name
    MFA_RESET = "second factor reset"
    SUSPENSION = "suspension"
    KYC_LOST = "identity check lost"


ENDS_LOG_INS = {Event.PASSWORD_CHANGE, Event.MFA_RESET, Event.SUSPENSION}


def follow_up(
    event: Event, *, user: User, origin: Origin, now: datetime, keep_session: str | None = None
) -> None:
    """End what the table says, but `keep_session`, in which the person did it. Twice changes nothing."""
    if event not in ENDS_LOG_INS:
        return
    token_store.revoke_all(user=user, origin=origin, now=now)
    for session in UserSession.objects.filter(user=user).exclude(session_key=keep_session or ""):
        sessions.end(session, origin=origin, reason=event.value)
