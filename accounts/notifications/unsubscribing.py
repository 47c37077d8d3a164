"""The signed link in a mail that switches off mails like it, without a log-in."""

from __future__ import annotations

from collections.abc import Iterable

from django.core import signing

from accounts.models import User
from accounts.notifications.kinds import BY_CHOICE, NotificationKind
from accounts.notifications.preferences import preferences_of, switch_off_mail

SALT = "notifications.unsubscribe"


class LinkInvalid(Exception):
    """We never made this link, or its person is gone."""


def token_for(*, user: User, kinds: Iterable[str]) -> str:
    return signing.dumps([str(user.public_id), sorted(kinds)], salt=SALT, compress=True)


def read_token(token: str) -> tuple[User, list[NotificationKind]]:
    """Whose mails of which kinds the link is about. LinkInvalid."""
    try:
        public_id, kinds = signing.loads(token, salt=SALT)
        user = User.objects.get(public_id=public_id)
    except (signing.BadSignature, User.DoesNotExist) as error:
        raise LinkInvalid from error
    return user, [kind for kind in BY_CHOICE if kind.value in kinds]


def unsubscribe(token: str) -> list[NotificationKind]:
    """No mails of these kinds from here on; twice changes nothing. LinkInvalid."""
    user, kinds = read_token(token)
    switch_off_mail(user=user, kinds=kinds)
    return kinds


def is_unsubscribed(token: str) -> bool:
    """Whether the link has done all that it can. LinkInvalid."""
    user, kinds = read_token(token)
    return set(kinds) <= set(preferences_of(user).mail_off)
