"""Those who look after the platform: they do not copy, and are led to what they may look at."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role

EVERYTHING = _(
    "In the admin you find people, accounts, strategies, signals, copies, orders and the audit trail, "
    "to look at; people you can change, and with a platform switch you stop trading."
)
FOUND_IN_ADMIN: Mapping[str, str | Promise] = {
    Role.COMPLIANCE: _(
        "Under Reviews you find whose identity waits for a decision, the oldest first; each look at a "
        "document is on record."
    ),
    Role.AUDITOR: _("In the admin you find the audit trail: who did what, when, and whether it was refused."),
    Role.ADMIN: EVERYTHING,
}


def may_trade(user: User | AnonymousUser) -> bool:
    """Also of visitors, who may become traders. One query, of staff only."""
    return not user.is_staff or Role.TRADER in user.roles


def is_reviewer(user: User) -> bool:
    return Role.COMPLIANCE in user.roles


def is_auditor(user: User) -> bool:
    return Role.AUDITOR in user.roles


def is_admin(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and (user.is_superuser or Role.ADMIN in user.roles)


def found_in_admin(user: User) -> list[str | Promise]:
    """What the admin shows, a sentence for each of the person's roles."""
    if user.is_superuser:
        return [EVERYTHING]
    return [sentence for role, sentence in FOUND_IN_ADMIN.items() if role in user.roles]
