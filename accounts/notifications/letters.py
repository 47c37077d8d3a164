"""What a mail says: text and the same in HTML, one link, nothing from elsewhere."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.notifications import unsubscribing
from accounts.notifications.kinds import ALWAYS
from accounts.notifications.models import Notification


def letter(*, user: User, told: Sequence[Notification]) -> EmailMultiAlternatives:
    """One mail about all of these."""
    kinds = sorted({row.kind for row in told})
    by_choice = not ALWAYS.intersection(kinds)
    path = told[0].link if len(told) == 1 else ""
    context: dict[str, Any] = {
        "title": told[0].title,
        "told": told,
        "zone": user.time_zone,
        "link": address(path or "/notifications/"),
        "reasons": sorted({row.get_kind_display() for row in told}),
        "by_choice": by_choice,
    }
    with timezone.override(zoneinfo.ZoneInfo(user.time_zone)):
        text = render_to_string("mail/told.txt", context)
        html = render_to_string("mail/told.html", context)
    headers = _unsubscribe_headers(user, kinds) if by_choice else {}
    mail = EmailMultiAlternatives(_subject(told), text, None, [user.email], headers=headers)
    mail.attach_alternative(html, "text/html")
    return mail


def plain_letter(*, to: str, subject: str, text: str) -> EmailMultiAlternatives:
    """One mail to one address, about what no inbox is for."""
    return in_both_forms(EmailMultiAlternatives(subject, text, None, [to]))


def in_both_forms(mail: EmailMultiAlternatives) -> EmailMultiAlternatives:
    """The same words in HTML too, in the look of all our mails."""
    html = render_to_string("mail/plain.html", {"title": mail.subject, "text": mail.body})
    mail.attach_alternative(html, "text/html")
    return mail


def address(path: str) -> str:
    """A path of ours as an address that works in a mail."""
    return settings.PUBLIC_URL + path


def _subject(told: Sequence[Notification]) -> str:
    first = told[0].title
    if len(told) == 1:
        return first
    return _("%(first)s (and %(more)s more)") % {"first": first, "more": len(told) - 1}


def _unsubscribe_headers(user: User, kinds: Sequence[str]) -> dict[str, str]:
    """RFC 8058: mail programs offer a button that needs no log-in."""
    link = address(reverse("unsubscribe", args=[unsubscribing.token_for(user=user, kinds=kinds)]))
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
