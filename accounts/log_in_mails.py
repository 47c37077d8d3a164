"""Our words for what allauth mails to an address: those that cannot wait for an inbox, or have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account import app_settings
from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.notifications.letters import Letter, Said, address
from accounts.notifications.words import came_from
from compliance.audit import Origin

Words = str | Promise


@dataclass(frozen=True, slots=True)
class LogInMail:
    """`happened`, `follows` and `if_not_you` are sentences. `link`: what the library calls it, or none."""

    title: Words
    happened: Words
    follows: Words
    button: Words
    link: str
    if_not_you: Words


CONFIRM = LogInMail(
    _("Confirm your e-mail address"),
    _("Somebody, probably you, gave this address for an account on Copytrade."),
    _(
        "It counts once you confirm it, for which the link works %(days_to_confirm)s days. Until then nobody "
        "logs in with it, and no session and no API token changes."
    ),
    _("Confirm the address"),
    "activate_url",
    _("If this was not you, do nothing: an address that nobody confirms opens nothing."),
)
MAILS: Mapping[str, LogInMail] = {
    "account/email/email_confirmation": CONFIRM,
    "account/email/email_confirmation_signup": CONFIRM,
    "account/email/password_reset_key": LogInMail(
        _("Set a new password"),
        _("Somebody, probably you, forgot the password of your account and asked for a new one."),
        _(
            "The link works once, for %(days_to_reset)s days. Your password holds until a new one is set; "
            "then every other session ends and every API token is revoked."
        ),
        _("Set a new password"),
        "password_reset_url",
        _("If this was not you, do nothing: who asked has no link, and your password stays as it is."),
    ),
    "account/email/account_already_exists": LogInMail(
        _("You have an account already"),
        _("Somebody, probably you, wanted to use this address for an account. One has it already."),
        _(
            "Nothing was changed: no session, no API token, no password. Log in as before, or set a new "
            "password if you forgot it."
        ),
        _("Set a new password"),
        "password_reset_url",
        _("If this was not you, do nothing: who tried was told nothing of your account."),
    ),
    "account/email/unknown_account": LogInMail(
        _("There is no account with this address"),
        _("Somebody, probably you, asked for a new password and gave this address."),
        _(
            "No account here has it, so that nothing happened. Perhaps you signed up with another address: "
            "try that one, or sign up."
        ),
        _("Sign up"),
        "signup_url",
        _("If this was not you, do nothing: nobody can log in with your address."),
    ),
    "account/email/email_changed": LogInMail(
        _("The address of your account was changed"),
        _("Your account has the address %(to_email)s now; %(from_email)s opens it no more."),
        _("Your password, sessions and API tokens go on. From now on mails go to the new address alone."),
        _("Look at who uses your account"),
        "",
        _(
            "If this was not you, change your password at once, which ends every other session and revokes "
            "every API token, and write to whoever runs this platform: they know who had which address."
        ),
    ),
    "account/email/email_deleted": LogInMail(
        _("An address was removed from your account"),
        _("%(deleted_email)s, which waited to be confirmed, is no address of your account any more."),
        _("You log in as before; your sessions and API tokens go on."),
        _("Look at who uses your account"),
        "",
        _(
            "If this was not you, change your password: it ends every other session and revokes every API "
            "token."
        ),
    ),
}


def letter(
    prefix: str, *, to: str, person: User | None, origin: Origin, context: Mapping[str, Any], now: datetime
) -> Letter:
    """`prefix`: the library's name of the mail, `person`: whose address it is, if anybody's. KeyError."""
    words = MAILS[prefix]
    facts = {
        **context,
        "days_to_confirm": app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS,
        "days_to_reset": settings.PASSWORD_RESET_TIMEOUT // 86_400,
    }
    happened = f"{words.happened % facts}\n\n{came_from(origin)}\n\n{words.follows % facts}"
    return Letter(
        to=to,
        said=[Said(title=str(words.title), text=happened, after=str(words.if_not_you), at=now)],
        link=facts[words.link] if words.link else address(reverse("security")),
        button=str(words.button),
        zone=person.time_zone if person else "UTC",
    )
