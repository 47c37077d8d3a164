"""What a mail says: text and the same in HTML, one link, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.notifications import unsubscribing
from accounts.notifications.kinds import ALWAYS, STAFF_WORK, NotificationKind
from accounts.notifications.models import Notification
from accounts.notifications.words import moment, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that a mail tells: what happened and when, a code to be typed, what to do (`after`)."""

    title: str
    text: str
    at: datetime
    code: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """To one address: what is said, its one link, and why the reader gets it."""

    to: str
    said: Sequence[Said]
    link: str
    button: str
    why: str = ""
    zone: str = "UTC"

    def mail(self, subject: str = "", headers: dict[str, str] | None = None) -> EmailMultiAlternatives:
        """The subject is the fact, if none is given."""
        parts = [
            {
                "title": visible(one.title),
                "when": moment(one.at, self.zone),
                "text": visible(one.text),
                "code": one.code,
                "after": visible(one.after),
            }
            for one in self.said
        ]
        context: dict[str, Any] = {
            "parts": parts,
            "link": self.link,
            "button": self.button,
            "host": urlsplit(settings.PUBLIC_URL).netloc,
            "why": visible(self.why)
            or _("You get this mail because your address was given on this platform."),
        }
        line = " ".join(visible(subject or self.said[0].title).split())
        text = render_to_string("mail/letter.txt", context)
        mail = EmailMultiAlternatives(line, text, None, [self.to], headers=headers)
        mail.attach_alternative(render_to_string("mail/letter.html", context), "text/html")
        return mail


def letter(*, user: User, told: Sequence[Notification]) -> EmailMultiAlternatives:
    """One mail about all of these."""
    kinds = sorted({row.kind for row in told})
    by_choice = not ALWAYS.intersection(kinds)
    path = told[0].link if len(told) == 1 else ""
    composed = Letter(
        to=user.email,
        said=[Said(title=row.title, text=row.body, at=row.created_at) for row in told],
        link=address(path or "/notifications/"),
        button=_button(told),
        why=_why(kinds),
        zone=user.time_zone,
    )
    return composed.mail(_subject(told), _unsubscribe_headers(user, kinds) if by_choice else {})


def address(path: str) -> str:
    """A path of ours as an address that works in a mail."""
    return settings.PUBLIC_URL + path


def _why(kinds: Sequence[str]) -> str:
    reasons = ", ".join(sorted(str(NotificationKind(kind).label) for kind in kinds))
    because = _("You get this mail because you have an account here, about: %(reasons)s.")
    if STAFF_WORK.issuperset(kinds):
        because = _("You get this mail because it is part of your work here: %(reasons)s.")
        choice = _("It cannot be turned off.")
    elif ALWAYS.isdisjoint(kinds):
        choice = _(
            "To get no more of these, use your mail program's Unsubscribe button, or choose under "
            "Notifications what you are mailed about."
        )
    else:
        choice = _("It cannot be turned off: it is about who may act for you.")
    return because % {"reasons": reasons} + " " + choice


def _button(told: Sequence[Notification]) -> str:
    if [row.kind for row in told] == [NotificationKind.PASSWORD_CHANGED]:
        return _("It was not me: set a new password")
    return _("See it on Copytrade")


def _subject(told: Sequence[Notification]) -> str:
    first = told[0].title
    if len(told) == 1:
        return first
    return _("%(first)s (and %(more)s more)") % {"first": first, "more": len(told) - 1}


def _unsubscribe_headers(user: User, kinds: Sequence[str]) -> dict[str, str]:
    """RFC 8058: mail programs offer a button that needs no log-in."""
    link = address(reverse("unsubscribe", args=[unsubscribing.token_for(user=user, kinds=kinds)]))
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
