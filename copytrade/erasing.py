"""Removing a person: first what they trade with is closed, then what identifies them goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q

from accounts import consequences
from accounts.consequences import Event
from accounts.kyc import keeping
from accounts.models import (
    AccessToken,
    KnownDevice,
    KycCase,
    Notification,
    NotificationChannel,
    NotificationSettings,
    User,
)
from compliance.audit import SYSTEM, Origin
from compliance.services import erase_personal
from copytrade.account_use import is_in_use
from execution.leaving import leave_all
from strategies.models import Strategy
from strategies.services import close_strategy
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount, WalletAddress
from wallets.services import disconnect_account


@dataclass(slots=True)
class Erasure:
    """What still stands in the way, a sentence each; nothing: the person is erased."""

    waits_for: list[str] = field(default_factory=list)


def erase(*, user: User, origin: Origin, now: datetime) -> Erasure:
    """Suspend, close and, once nothing is open, erase. Run again, it goes on where it waited."""
    User.objects.filter(pk=user.pk, leaving_since=None).update(is_active=False, leaving_since=now)
    consequences.follow_up(Event.SUSPENSION, user=user, origin=origin, now=now)
    for strategy in Strategy.objects.filter(owner=user, status=Strategy.Status.PUBLISHED):
        close_strategy(strategy_id=strategy.pk, now=now)
    leave_all(follower=user, positions=None, now=now)
    erasure = Erasure(_obstacles(user, now))
    if not erasure.waits_for:
        _erase(user, origin, now)
    return erasure


def erase_leaving(*, now: datetime) -> int:
    """Go on with everybody who waits to be erased; how many are."""
    return sum(not erase(user=user, origin=SYSTEM, now=now).waits_for for user in User.objects.leaving())


def _obstacles(user: User, now: datetime) -> list[str]:
    waits_for = []
    copies = Subscription.objects.owned_by(user.pk).live().count()
    if copies:
        waits_for.append(f"{copies} copies are still closing")
    followers = Subscription.objects.live().filter(strategy__owner=user).count()
    if followers:
        waits_for.append(f"{followers} followers still hold what their strategies bought")
    case = KycCase.objects.filter(user=user).first()
    if case is not None:
        until = keeping.kept_until(case)
        if until > now:
            waits_for.append(f"the law keeps the identity check until {until:%Y-%m-%d}")
    return waits_for


def _erase(user: User, origin: Origin, now: datetime) -> None:
    keeping.forget(user=user)
    for account in ExchangeAccount.objects.owned_by(user.pk):
        disconnect_account(account=account, is_in_use=is_in_use, origin=origin, now=now)
    with transaction.atomic():
        tokens = AccessToken.objects.owned_by(user.pk)
        erase_personal(user.public_id, origin=origin, also=list(tokens.values_list("public_id", flat=True)))
        tokens.update(name="erased", allowed_ips=[])
        ExchangeAccount.objects.owned_by(user.pk).update(label="erased")
        WalletAddress.objects.owned_by(user.pk).delete()
        KnownDevice.objects.filter(user=user).delete()
        Notification.objects.filter(user=user).delete()
        NotificationSettings.objects.filter(user=user).delete()
        NotificationChannel.objects.filter(user=user).delete()
        EmailAddress.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        # Also of what was asked for about them, such as a role: its name ends with theirs.
        named = Q(object_repr__iexact=user.email) | Q(object_repr__iendswith=f" {user.email}")
        LogEntry.objects.filter(named).update(object_repr="erased")
        user.email, user.display_name = f"{user.public_id}@erased.invalid", ""
        user.erased_at = now
        user.set_unusable_password()
        user.save(update_fields=["email", "display_name", "erased_at", "password"])
