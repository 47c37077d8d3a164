"""Removing a person: first what they trade with is closed, then what identifies them goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import consequences
from accounts.consequences import Event
from accounts.kyc import keeping
from accounts.models import (
    AccessToken,
    Consent,
    KnownDevice,
    KycCase,
    KycDocument,
    Notification,
    NotificationChannel,
    NotificationSettings,
    User,
)
from compliance.audit import SYSTEM, Origin
from compliance.models import AuditRecord
from compliance.services import erase_personal
from copytrade.account_use import is_in_use
from execution.exports import services as exports
from execution.leaving import leave_all
from execution.models import CopyOrder
from ledger.models import Posting, Trade, Transfer
from strategies.models import Strategy
from strategies.services import close_strategy
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount, WalletAddress
from wallets.services import disconnect_account


@dataclass(slots=True)
class Erasure:
    """What still stands in the way, a sentence each; nothing: the person is erased.

    `removed`: how many of what. `kept`: how many of what, and why.
    """

    waits_for: list[str] = field(default_factory=list)
    removed: list[tuple[int, str]] = field(default_factory=list)
    kept: list[tuple[int, str, str]] = field(default_factory=list)


def erase(*, user: User, origin: Origin, now: datetime) -> Erasure:
    """Suspend, close and, once nothing is open, erase. Run again, it goes on where it waited."""
    User.objects.filter(pk=user.pk, leaving_since=None).update(is_active=False, leaving_since=now)
    consequences.follow_up(Event.SUSPENSION, user=user, origin=origin, now=now)
    for strategy in Strategy.objects.filter(owner=user, status=Strategy.Status.PUBLISHED):
        close_strategy(strategy_id=strategy.pk, now=now)
    leave_all(follower=user, positions=None, now=now)
    erasure = Erasure(_obstacles(user, now))
    if not erasure.waits_for:
        erasure.removed = _erase(user, origin, now)
        erasure.kept = _kept(user)
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


def _erase(user: User, origin: Origin, now: datetime) -> list[tuple[int, str]]:
    documents = KycDocument.objects.owned_by(user.pk).count()
    keeping.forget(user=user)
    written_exports = exports.forget(user=user)
    accounts = ExchangeAccount.objects.owned_by(user.pk)
    with_keys = accounts.connected().count()
    for account in accounts:
        disconnect_account(account=account, is_in_use=is_in_use, origin=origin, now=now)
    with transaction.atomic():
        tokens = AccessToken.objects.owned_by(user.pk)
        ids = list(tokens.values_list("public_id", flat=True))
        # Also of what was asked for about them, such as a role: its name ends with theirs.
        named = Q(object_repr__iexact=user.email) | Q(object_repr__iendswith=f" {user.email}")
        removed = [
            (1, "e-mail address, display name and password"),
            (documents, "identity documents, with the check and its history"),
            (written_exports, "exports"),
            (with_keys, "keys of exchange accounts"),
            (accounts.update(label="erased"), "labels of exchange accounts"),
            (tokens.update(name="erased", allowed_ips=[]), "names and networks of API tokens"),
            (_delete(WalletAddress.objects.owned_by(user.pk)), "wallet addresses"),
            (_delete(Authenticator.objects.filter(user=user)), "second factors and sets of recovery codes"),
            (_delete(KnownDevice.objects.filter(user=user)), "devices"),
            (_delete(Notification.objects.filter(user=user)), "notifications"),
            (_delete(NotificationChannel.objects.filter(user=user)), "notification channels"),
            (
                erase_personal(user.public_id, origin=origin, also=ids),
                "network addresses and programs in the audit record",
            ),
            (LogEntry.objects.filter(named).update(object_repr="erased"), "names in the admin's own log"),
        ]
        NotificationSettings.objects.filter(user=user).delete()
        EmailAddress.objects.filter(user=user).delete()
        user.email, user.display_name = f"{user.public_id}@erased.invalid", ""
        user.erased_at = now
        user.set_unusable_password()
        user.save(update_fields=["email", "display_name", "erased_at", "password"])
    return removed


def _delete(rows: QuerySet[Any]) -> int:
    count, _of_each_model = rows.delete()
    return count


def _kept(user: User) -> list[tuple[int, str, str]]:
    """What stays under an id that names nobody any more."""
    law = "records of orders and transactions are kept five years by law, and booked rows never change"
    own = {"exchange_account__owner": user}
    days = settings.AUDIT_RETENTION_DAYS
    return [
        (
            AuditRecord.objects.filter(actor=str(user.public_id)).count(),
            "audit records of their acts",
            f"the record is kept {days} days (AUDIT_RETENTION_DAYS), and its chain has to verify",
        ),
        (CopyOrder.objects.filter(**own).count(), "orders", law),
        (Trade.objects.filter(**own).count(), "trades", law),
        (Posting.objects.filter(trade__exchange_account__owner=user).count(), "postings", law),
        (Transfer.objects.filter(**own).count(), "deposits and withdrawals", law),
        (Subscription.objects.owned_by(user.pk).count(), "copies", "orders and trades belong to them"),
        (Strategy.objects.filter(owner=user).count(), "strategies", "their followers' books name them"),
        (
            Consent.objects.filter(user=user).count(),
            "acceptances of terms and risks",
            "proof that they were given",
        ),
    ]
