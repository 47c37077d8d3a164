"""What a visitor may see by an invite: noted in the session, so that it holds from page to page."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest

from strategies.invites import services as invites
from strategies.models import Invite, Strategy, StrategyQuerySet

KEY = "invites"
MOST_KEPT = 20


def note_invite(request: HttpRequest, *, now: datetime) -> str:
    """The code in the address if it lets somebody in, else nothing. Only the invite's id is kept."""
    code = request.GET.get("invite", "")
    invite = invites.find_open(code, now=now) if code else None
    if invite is None:
        return ""
    kept = request.session.get(KEY, [])
    if str(invite.public_id) not in kept:
        request.session[KEY] = [*kept, str(invite.public_id)][-MOST_KEPT:]
    return code


def invited_to(request: HttpRequest, *, now: datetime) -> StrategyQuerySet:
    """Strategies to which the visitor holds an invite that is open still; never a draft."""
    kept = request.session.get(KEY, [])
    held = Invite.objects.filter(public_id__in=kept).open_at(now) if kept else Invite.objects.none()
    return Strategy.objects.filter(pk__in=held.values("strategy")).exclude(status=Strategy.Status.DRAFT)
