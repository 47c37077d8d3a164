"""/settings/security/: is only me here?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
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
WORDS: Mapping[str, str | Promise] = {
    Action.LOGIN_SUCCESS: _("Logged in"),
    Action.LOGIN_FAILURE: _("Log-in failed"),
    Action.TOKEN_ISSUE: _("API token made"),
    Action.TOKEN_REVOKE: _("API token revoked"),
    Action.TOKEN_FAILURE: _("API token asked for, and refused"),
    Action.ROLE_CHANGE: _("Role changed"),
    Action.EXCHANGE_ACCOUNT_CREATE: _("Exchange connected"),
    Action.EXCHANGE_ACCOUNT_CHANGE: _("Exchange account changed"),
    Action.EXCHANGE_ACCOUNT_DELETE: _("Exchange disconnected"),
    Action.WITHDRAWAL_ADDRESS_CREATE: _("Withdrawal address added"),
    Action.WITHDRAWAL_ADDRESS_CONFIRM: _("Withdrawal address confirmed"),
    Action.KILL_SWITCH_CHANGE: _("Kill switch changed"),
    Action.WEBHOOK_CREATE: _("Webhook made"),
    Action.WEBHOOK_REVOKE: _("Webhook revoked"),
    Action.EXPORT: _("Data exported"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """A record about oneself, for people."""

    record: AuditRecord

    @property
    def words(self) -> str | Promise:
        return WORDS.get(self.record.action, self.record.action)

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
    """What one did, and what somebody tried in one's name."""
    recent = AuditRecord.objects.security_events().filter(at__gte=timezone.now() - LOOKED_BACK)
    return [Event(record) for record in recent.about([str(user.public_id)]).order_by("-at")[:EVENTS_SHOWN]]
