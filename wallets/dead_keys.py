"""What the owner of an exchange account is told when its key stops working; in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from wallets.models import ExchangeAccount


def keys_refused(account_ids: Collection[int], *, now: datetime) -> None:
    """Of accounts that are still active and are about to become invalid: once for each time they worked."""
    for account in ExchangeAccount.objects.connected().filter(pk__in=account_ids).order_by("pk"):
        if account.status == ExchangeAccount.Status.INVALID:
            continue
        words = {"exchange": account.exchange.capitalize(), "label": account.label}
        notify(
            user_ids=[account.owner_id],
            kind=NotificationKind.KEY_INVALID,
            title=_('The key of your %(exchange)s account "%(label)s" stopped working') % words,
            body=_(
                "The exchange refused the key, or it may withdraw by now. Nothing more is bought or sold "
                "with it: copies on this account stand still, and a strategy that it feeds is not copied.\n\n"
                "Make a new key that may trade and not withdraw, and replace the old one here. Until then "
                "you can sell at the exchange yourself."
            ),
            link=reverse("wallet-rotate", args=[account.public_id]),
            now=now,
            dedupe=f"{account.public_id}:{account.validated_at}",
        )
