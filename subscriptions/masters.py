"""What masters may do with a strategy, given who follows it and whom its account follows."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from rest import codes
from rest.errors import Conflict
from strategies import services as strategies
from strategies.models import Strategy, StrategySymbol
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

ACCOUNT_FOLLOWS = codes.declare(
    "account_follows", "This account follows a strategy; an account that feeds one cannot follow."
)
HAS_ACTIVE_FOLLOWERS = codes.declare(
    "has_active_followers", "It has followers: it can be closed, not deleted."
)


def publish_strategy(*, strategy: Strategy, now: datetime) -> Strategy:
    """Publish, unless the account copies somebody: that would be a loop."""
    # The first reading of a venue's rules goes over the network: not under a lock.
    strategies.market_rules(strategy.exchange_account.exchange)
    with transaction.atomic(durable=True):
        strategies.lock_strategy(strategy.pk)
        # Whoever starts to follow locks the account too.
        ExchangeAccount.objects.select_for_update().get(pk=strategy.exchange_account_id)
        if Subscription.objects.live().filter(exchange_account_id=strategy.exchange_account_id).exists():
            raise Conflict(ACCOUNT_FOLLOWS)
        return strategies.publish(strategy_id=strategy.pk, now=now)


def close_strategy(*, strategy: Strategy, now: datetime) -> Strategy:
    """Close; the symbols are free at once where nobody's exits must be seen any more."""
    with transaction.atomic(durable=True):
        closed = strategies.close_strategy(strategy_id=strategy.pk, now=now)
        release_if_unfollowed(strategy=closed)
        return closed


def delete_strategy(*, strategy: Strategy) -> None:
    with transaction.atomic(durable=True):
        locked = strategies.lock_strategy(strategy.pk)
        if Subscription.objects.following(locked.pk).exists():
            raise Conflict(HAS_ACTIVE_FOLLOWERS)
        strategies.delete_strategy(strategy_id=locked.pk)


def release_if_unfollowed(*, strategy: Strategy) -> None:
    """A closed strategy whose last follower has left is watched no more. The caller holds its lock."""
    is_over = strategy.status == Strategy.Status.CLOSED
    if is_over and not Subscription.objects.following(strategy.pk).exists():
        strategies.release_symbols(strategy=strategy)


def feeds_a_strategy(account_id: int) -> bool:
    return StrategySymbol.objects.filter(exchange_account_id=account_id).exists()
