"""What a person is told by mail about their own account. Never a secret."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from accounts.models import AccessToken, User

logger = logging.getLogger(__name__)


def token_issued(token: AccessToken) -> None:
    _send(
        token.user,
        _("A new API token was made"),
        _(
            'The token "%(name)s" (%(prefix)s…) may act for you: %(scopes)s.\n\n'
            "If this was not you, revoke it on the page of your API tokens and change your password."
        )
        % {"name": token.name, "prefix": token.prefix, "scopes": ", ".join(token.scopes)},
    )


def token_expires(token: AccessToken) -> None:
    _send(
        token.user,
        _("An API token expires soon"),
        _('The token "%(name)s" (%(prefix)s…) expires on %(at)s. What uses it stops then; make a new one.')
        % {"name": token.name, "prefix": token.prefix, "at": f"{token.expires_at:%Y-%m-%d %H:%M} UTC"},
    )


def new_device(user: User, *, ip: str, user_agent: str) -> None:
    _send(
        user,
        _("Log-in from a new device"),
        _(
            "Somebody logged in to your account from a device that was not used before.\n\n"
            "Address: %(ip)s\nProgram: %(program)s\n\n"
            "If this was not you, change your password, end the other sessions and revoke your API tokens."
        )
        % {"ip": ip or _("unknown"), "program": user_agent or _("unknown")},
    )


def _send(user: User, subject: str, body: str) -> None:
    """A mail server that is away stops nobody's work."""
    try:
        send_mail(subject, body, None, [user.email])
    except (OSError, SMTPException) as error:
        logger.warning("A mail was not sent: %s", type(error).__name__)
