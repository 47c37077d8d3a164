"""What people are told about their own account. Never a secret."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import AccessToken, KnownDevice, User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from accounts.roles import Role


def token_issued(token: AccessToken, *, now: datetime) -> None:
    sentence = _(
        'The token "%(name)s" (%(prefix)s…) may act for you: %(scopes)s.\n\n'
        "If this was not you, revoke it on the page of your API tokens and change your password."
    )
    notify(
        user_ids=[token.user_id],
        kind=NotificationKind.TOKEN_CREATED,
        title=_("A new API token was made"),
        body=sentence % {"name": token.name, "prefix": token.prefix, "scopes": ", ".join(token.scopes)},
        link=reverse("tokens"),
        now=now,
        dedupe=str(token.public_id),
    )


def token_expires(token: AccessToken, *, now: datetime) -> None:
    sentence = _(
        'The token "%(name)s" (%(prefix)s…) expires on %(at)s. What uses it stops then; make a new one.'
    )
    at = f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
    notify(
        user_ids=[token.user_id],
        kind=NotificationKind.TOKEN_EXPIRES,
        title=_("An API token expires soon"),
        body=sentence % {"name": token.name, "prefix": token.prefix, "at": at},
        link=reverse("tokens"),
        now=now,
        dedupe=str(token.public_id),
    )


def new_device(device: KnownDevice, *, ip: str, user_agent: str, now: datetime) -> None:
    sentence = _(
        "Somebody logged in to your account from a device that was not used before.\n\n"
        "Address: %(ip)s\nProgram: %(program)s\n\n"
        "If this was not you, change your password, end the other sessions and revoke your API tokens."
    )
    notify(
        user_ids=[device.user_id],
        kind=NotificationKind.NEW_DEVICE,
        title=_("Log-in from a new device"),
        body=sentence % {"ip": ip or _("unknown"), "program": user_agent or _("unknown")},
        link=reverse("usersessions_list"),
        now=now,
        dedupe=device.digest,
    )


def role_given(user: User, role: Role, *, cause: str, now: datetime) -> None:
    _role_changed(
        user,
        _("You have the role %s now") % role.label,
        _(
            "Two administrators agreed on it. Staff pages ask for a second factor.\n\n"
            "If you did not expect this, tell an administrator."
        ),
        cause,
        now,
    )


def role_taken(user: User, role: Role, *, cause: str, now: datetime) -> None:
    _role_changed(
        user,
        _("You do not have the role %s any more") % role.label,
        _(
            "Two administrators agreed on it. Its pages do not open for you from now on.\n\n"
            "If you did not expect this, tell an administrator."
        ),
        cause,
        now,
    )


def factor_reset(user: User, *, cause: str, now: datetime) -> None:
    notify(
        user_ids=[user.pk],
        kind=NotificationKind.FACTOR_RESET,
        title=_("Your second factor was removed"),
        body=_(
            "Two administrators removed it, as somebody told us that it was lost: authenticator app, "
            "passkeys and recovery codes. All sessions have ended, and none of your API tokens works any "
            "more.\n\n"
            "Log in with your password and set up another one.\n\n"
            "If you did not ask for this, change your password at once and tell us."
        ),
        link=reverse("mfa_index"),
        now=now,
        dedupe=cause,
    )


def _role_changed(user: User, title: str, body: str, cause: str, now: datetime) -> None:
    notify(
        user_ids=[user.pk],
        kind=NotificationKind.ROLE_CHANGED,
        title=title,
        body=body,
        link=reverse("dashboard"),
        now=now,
        dedupe=cause,
    )
