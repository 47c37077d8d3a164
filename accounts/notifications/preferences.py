"""What a person wants to be told by mail and by their channels. The inbox takes everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction

from accounts.models import User
from accounts.notifications.kinds import BY_CHOICE, NotificationKind
from accounts.notifications.models import NotificationSettings


def preferences_of(user: User) -> NotificationSettings:
    """The row, or an unsaved one with which everything is told."""
    return NotificationSettings.objects.filter(user=user).first() or NotificationSettings(user=user)


def replace_preferences(
    *, user: User, mail_off: Collection[NotificationKind], channels_off: Collection[NotificationKind]
) -> NotificationSettings:
    """Set both lists anew; what cannot be switched off is left out of them."""
    row, _created = NotificationSettings.objects.update_or_create(
        user=user,
        defaults={
            "mail_off": [kind.value for kind in BY_CHOICE if kind in mail_off],
            "channels_off": [kind.value for kind in BY_CHOICE if kind in channels_off],
        },
    )
    return row


def switch_off_mail(*, user: User, kinds: Iterable[NotificationKind]) -> None:
    """Also no mail of these kinds any more; twice changes nothing."""
    with transaction.atomic():
        NotificationSettings.objects.get_or_create(user=user)
        row = NotificationSettings.objects.select_for_update().get(user=user)
        off = {*row.mail_off, *kinds}
        row.mail_off = [kind.value for kind in BY_CHOICE if kind in off]
        row.save(update_fields=["mail_off"])
