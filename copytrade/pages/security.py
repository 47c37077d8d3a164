"""/settings/security/: is only me here?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import AccessToken, User
from accounts.person import signed_in
from compliance.models import Action, AuditRecord, Outcome

LOOKED_BACK = timedelta(days=30)
EVENTS_SHOWN = 20
# Of what is tried over and over, such as an expired token, all in a row are told as one.
RECORDS_READ = 200
WORDS: Mapping[str, str | Promise] = {
    Action.LOGIN_SUCCESS: _("Logged in"),
    Action.LOGIN_FAILURE: _("Log-in failed"),
    Action.SESSION_END: _("Session ended"),
    Action.PASSWORD_CHANGE: _("New password"),
    Action.SECOND_FACTOR_ADD: _("Second factor added"),
    Action.SECOND_FACTOR_REMOVE: _("Second factor removed"),
    Action.SECOND_FACTOR_RESET: _("Second factor taken away"),
    Action.TOKEN_ISSUE: _("API token made"),
    Action.TOKEN_REVOKE: _("API token revoked"),
    Action.TOKEN_FAILURE: _("API token not accepted, or not given"),
    Action.ROLE_CHANGE: _("Role changed"),
    Action.EXCHANGE_ACCOUNT_CREATE: _("Exchange connected"),
    Action.EXCHANGE_ACCOUNT_CHANGE: _("Exchange account changed"),
    Action.EXCHANGE_ACCOUNT_DELETE: _("Exchange disconnected"),
    Action.WITHDRAWAL_ADDRESS_CREATE: _("Withdrawal address added"),
    Action.WITHDRAWAL_ADDRESS_CONFIRM: _("Withdrawal address confirmed"),
    Action.WITHDRAWAL_ADDRESS_DELETE: _("Withdrawal address removed"),
    Action.KILL_SWITCH_CHANGE: _("Kill switch changed"),
    Action.WEBHOOK_CREATE: _("Webhook made"),
    Action.WEBHOOK_REVOKE: _("Webhook revoked"),
    Action.CHANNEL_CREATE: _("Notification channel added"),
    Action.CHANNEL_CHANGE: _("Notification channel changed"),
    Action.CHANNEL_DELETE: _("Notification channel removed"),
    Action.EXPORT: _("Data exported"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Records about oneself, for people: the newest of so many alike."""

    record: AuditRecord
    times: int
    is_by_others: bool

    @property
    def words(self) -> str | Promise:
        return WORDS[self.record.action]

    @property
    def is_refused(self) -> bool:
        return self.record.outcome == Outcome.REFUSED


@login_required
def security(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    factors = dict(
        Authenticator.objects.filter(user=user).order_by().values_list("type").annotate(Count("pk"))
    )
    context: dict[str, Any] = {
        "has_app": factors.get(Authenticator.Type.TOTP, 0) > 0,
        "passkeys": factors.get(Authenticator.Type.WEBAUTHN, 0),
        "codes_left": _recovery_codes_left(user),
        "sessions": UserSession.objects.purge_and_list(user),
        "current": request.session.session_key,
        "tokens": AccessToken.objects.owned_by(user.pk).filter(revoked_at=None).count(),
        "events": _events(user),
    }
    return render(request, "account/security.html", context)


def _recovery_codes_left(user: User) -> int:
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(codes.wrap().get_unused_codes()) if codes else 0


def _events(user: User) -> list[Event]:
    """What one did, and what others did or tried: of staff neither who nor from where."""
    person = str(user.public_id)
    tokens = [str(one) for one in AccessToken.objects.owned_by(user.pk).values_list("public_id", flat=True)]
    recent = AuditRecord.objects.security_events(person, tokens=tokens).filter(
        at__gte=timezone.now() - LOOKED_BACK
    )
    events = []
    for _alike, group in groupby(recent.order_by("-at")[:RECORDS_READ], key=_what_and_whence):
        records = list(group)
        is_by_others = records[0].actor not in ("", person)
        events.append(Event(records[0], times=len(records), is_by_others=is_by_others))
    return events[:EVENTS_SHOWN]


def _what_and_whence(record: AuditRecord) -> tuple[str | None, ...]:
    return record.action, record.outcome, record.actor, record.ip, record.user_agent
