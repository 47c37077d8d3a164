"""What masters may do with a strategy, given who follows it and whom its account follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from rest import codes
from rest.errors import Conflict
from strategies import services as strategies
from strategies.models import Strategy, StrategySymbol
from strategies.services import Offer
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

ACCOUNT_FOLLOWS = codes.declare(
    "account_follows", "This account follows a strategy; an account that feeds one cannot follow."
)
HAS_ACTIVE_FOLLOWERS = codes.declare(
    "has_active_followers",
    "It has followers: it can be closed, not deleted, and neither its fee rises nor its risk level changes.",
)


def create_strategy(
    *, owner: User, exchange_account: ExchangeAccount, offer: Offer, status: str, now: datetime
) -> Strategy:
    """A draft, or (status `published`) a strategy that anybody may follow at once; both or nothing."""
    strategies.market_rules(exchange_account.exchange)
    with transaction.atomic(durable=True):
        strategy = strategies.create_strategy(
            owner=owner, exchange_account=exchange_account, offer=offer, now=now
        )
        return _move(strategy, status, now)


def change_strategy(
    *, strategy: Strategy, changes: Mapping[str, Any], status: str | None, now: datetime
) -> Strategy:
    """Set what is given and, where a status is given, publish or close; all or nothing."""
    account = changes.get("exchange_account", strategy.exchange_account)
    # The first reading of a venue's rules goes over the network: not under a lock.
    strategies.market_rules(account.exchange)
    with transaction.atomic(durable=True):
        locked = strategies.lock_strategy(strategy.pk)
        if changes:
            _check_deal(locked, changes)
            locked = strategies.change_strategy(strategy_id=strategy.pk, changes=changes)
        return _move(locked, status or locked.status, now)


def _check_deal(strategy: Strategy, changes: Mapping[str, Any]) -> None:
    """Whoever follows has agreed to this fee and this risk; one's own copies agree to nothing."""
    fee = strategy.performance_fee_percent
    is_dearer = changes.get("performance_fee_percent", fee) > fee
    is_other = changes.get("risk_level", strategy.risk_level) != strategy.risk_level
    if (is_dearer or is_other) and Subscription.objects.following(strategy.pk).filter(own=False).exists():
        raise Conflict(HAS_ACTIVE_FOLLOWERS)


def publish_strategy(*, strategy: Strategy, now: datetime) -> Strategy:
    return change_strategy(strategy=strategy, changes={}, status=Strategy.Status.PUBLISHED, now=now)


def close_strategy(*, strategy: Strategy, now: datetime) -> Strategy:
    return change_strategy(strategy=strategy, changes={}, status=Strategy.Status.CLOSED, now=now)


def _move(strategy: Strategy, status: str, now: datetime) -> Strategy:
    if status == strategy.status:
        return strategy
    if status == Strategy.Status.PUBLISHED:
        return _publish(strategy, now)
    if status == Strategy.Status.CLOSED:
        return _close(strategy, now)
    raise Conflict(strategies.STATUS_NOT_ALLOWED)


def _publish(strategy: Strategy, now: datetime) -> Strategy:
    """Unless the account copies somebody: that would be a loop."""
    # Whoever starts to follow locks the account too.
    ExchangeAccount.objects.select_for_update(no_key=True).get(pk=strategy.exchange_account_id)
    if Subscription.objects.live().filter(exchange_account_id=strategy.exchange_account_id).exists():
        raise Conflict(ACCOUNT_FOLLOWS)
    return strategies.publish(strategy_id=strategy.pk, now=now)


def _close(strategy: Strategy, now: datetime) -> Strategy:
    """The symbols are free at once where nobody's exits must be seen any more."""
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
