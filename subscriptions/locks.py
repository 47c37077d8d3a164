"""Locking copies. A strategy is locked before those who follow it, and they before orders and positions."""

from __future__ import annotations

from accounts.models import User
from strategies.services import lock_strategy
from subscriptions.models import Subscription


def lock_subscription(subscription_id: int) -> Subscription:
    """The row, locked. Whoever needs several takes them by id, and orders and positions after them."""
    rows = Subscription.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("follower", "strategy", "exchange_account").get(pk=subscription_id)


def lock_to_end(subscription_id: int) -> Subscription:
    """The row, its strategy locked before it: its end may be the strategy's too."""
    seen = Subscription.objects.only("strategy_id").get(pk=subscription_id)
    lock_strategy(seen.strategy_id)
    return lock_subscription(subscription_id)


def lock_live_of(follower: User) -> list[Subscription]:
    """All that a person follows, locked in order of id: meanwhile no order of theirs is claimed."""
    # NO KEY: a fan-out, whose order of followers rotates, writes orders meanwhile and must not wait.
    rows = Subscription.objects.select_for_update(of=("self",), no_key=True).owned_by(follower.pk).live()
    return list(rows.order_by("pk"))
