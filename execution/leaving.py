"""Leaving a strategy: at once where nothing is held or under way, else through `closing`.

A subscription that is `closing` is work: its orders are awaited, what it holds is sold if its owner chose
so, and then `end_if_done` ends it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from execution.models import CopyOrder
from ledger.models import Position
from subscriptions import services as subscriptions
from subscriptions.models import Subscription


def leave(*, subscription: Subscription, positions: str | None, now: datetime) -> Subscription:
    """Unsubscribe; `positions` is `keep` or `close`, None as the subscription says. Twice changes nothing."""
    with transaction.atomic(durable=True):
        locked = subscriptions.lock_subscription(subscription.pk)
        _leave(locked, positions, now)
    return locked


def leave_all(*, follower: User, positions: str | None, now: datetime) -> list[Subscription]:
    """Unsubscribe from everything, in one transaction; those that still have to close are `closing`."""
    with transaction.atomic(durable=True):
        rows = subscriptions.lock_live_of(follower)
        for row in rows:
            _leave(row, positions, now)
    return rows


def end_if_done(*, subscription: Subscription, now: datetime) -> bool:
    """End a `closing` subscription that has no order under way and nothing left to sell.

    The caller holds the row's lock.
    """
    if CopyOrder.objects.live().filter(subscription=subscription).exists():
        return False
    sells = subscription.on_unsubscribe == Subscription.OnUnsubscribe.CLOSE
    if sells and Position.objects.open().filter(subscription=subscription).exists():
        return False
    subscriptions.end(subscription=subscription, now=now)
    return True


def _leave(subscription: Subscription, positions: str | None, now: datetime) -> None:
    if subscription.status == Subscription.Status.CLOSED:
        return
    chosen = positions or subscription.on_unsubscribe
    subscriptions.start_closing(subscription=subscription, positions=chosen)
    end_if_done(subscription=subscription, now=now)
