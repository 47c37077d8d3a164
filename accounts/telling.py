"""What people are told about their own account. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AccessToken, KnownDevice, User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from accounts.notifications.words import came_from, moment
from accounts.roles import Role
from compliance.audit import Origin

Words = str | Promise


ENDED: Words = gettext_lazy("Every API token of yours is revoked, and every other session has ended.")
GO_ON: Words = gettext_lazy("Your sessions and API tokens go on.")
# The library's name of each change: kind, title, what happened, what it did to sessions and tokens.
LOG_IN_CHANGES: Mapping[str, tuple[NotificationKind, Words, Words, Words]] = {
    "account/email/password_changed": (
        NotificationKind.PASSWORD_CHANGED,
        gettext_lazy("Your password was changed"),
        gettext_lazy("Somebody who knew your old password chose a new one."),
        ENDED,
    ),
    "account/email/password_reset": (
        NotificationKind.PASSWORD_CHANGED,
        gettext_lazy("Your password was reset"),
        gettext_lazy("Somebody with a link that we mailed to you chose a new one."),
        ENDED,
    ),
    "mfa/email/totp_activated": (
        NotificationKind.FACTOR_CHANGED,
        gettext_lazy("An authenticator app was added"),
        gettext_lazy("From now on a log-in asks for a code of it, after the password."),
        GO_ON,
    ),
    "mfa/email/totp_deactivated": (
        NotificationKind.FACTOR_CHANGED,
        gettext_lazy("The authenticator app was removed"),
        gettext_lazy("Its codes open your account no more."),
        ENDED,
    ),
    "mfa/email/webauthn_added": (
        NotificationKind.FACTOR_CHANGED,
        gettext_lazy("A passkey was added"),
        gettext_lazy("Who has it can log in to your account."),
        GO_ON,
    ),
    "mfa/email/webauthn_removed": (
        NotificationKind.FACTOR_CHANGED,
        gettext_lazy("A passkey was removed"),
        gettext_lazy("It opens your account no more."),
        ENDED,
    ),
    "mfa/email/recovery_codes_generated": (
        NotificationKind.FACTOR_CHANGED,
        gettext_lazy("New recovery codes were made"),
        gettext_lazy("The codes that you had before open your account no more."),
        GO_ON,
    ),
}


def log_in_changed(change: str, user: User, *, origin: Origin, now: datetime) -> bool:
    """`change`: the library's name of it. False if it is none of these."""
    if change not in LOG_IN_CHANGES:
        return False
    kind, title, happened, follows = LOG_IN_CHANGES[change]
    if kind == NotificationKind.PASSWORD_CHANGED:
        todo = _(
            "If this was not you, have a link for a new password mailed to you at once, and write to whoever "
            "runs this platform."
        )
        link = reverse("account_reset_password")
    else:
        todo = _("If this was not you, change your password at once and look at your second factors.")
        link = reverse("security")
    notify(
        user_ids=[user.pk],
        kind=kind,
        title=str(title),
        body=f"{happened} {follows}\n\n{came_from(origin)}\n\n{todo}",
        link=link,
        now=now,
        dedupe=f"{change}:{now.isoformat()}",
    )
    return True


def token_issued(token: AccessToken, *, origin: Origin, now: datetime) -> None:
    sentence = _(
        'The token "%(name)s" (%(prefix)s…) may act for you: %(scopes)s. It works %(until)s.\n\n'
        "%(origin)s\n\n"
        "If this was not you, revoke it on the page of your API tokens and change your password."
    )
    end = moment(token.expires_at, token.user.time_zone) if token.expires_at else ""
    facts = {
        "name": token.name,
        "prefix": token.prefix,
        "scopes": ", ".join(token.scopes),
        "until": _("until %s") % end if end else _("until it is revoked"),
        "origin": came_from(origin),
    }
    notify(
        user_ids=[token.user_id],
        kind=NotificationKind.TOKEN_CREATED,
        title=_("A new API token was made"),
        body=sentence % facts,
        link=reverse("tokens"),
        now=now,
        dedupe=str(token.public_id),
    )


def token_expires(token: AccessToken, *, now: datetime) -> None:
    sentence = _(
        'The token "%(name)s" (%(prefix)s…) expires on %(at)s. What uses it stops then; make a new one.\n\n'
        "If you do not know it, revoke it and change your password."
    )
    at = moment(token.expires_at or now, token.user.time_zone)
    notify(
        user_ids=[token.user_id],
        kind=NotificationKind.TOKEN_EXPIRES,
        title=_("An API token expires soon"),
        body=sentence % {"name": token.name, "prefix": token.prefix, "at": at},
        link=reverse("tokens"),
        now=now,
        dedupe=str(token.public_id),
    )


def new_device(device: KnownDevice, *, origin: Origin, now: datetime) -> None:
    sentence = _(
        "Somebody logged in to your account from a device that was not used before: a new session.\n\n"
        "%(origin)s\n\n"
        "If this was not you, change your password, end the other sessions and revoke your API tokens."
    )
    notify(
        user_ids=[device.user_id],
        kind=NotificationKind.NEW_DEVICE,
        title=_("Log-in from a new device"),
        body=sentence % {"origin": came_from(origin)},
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
