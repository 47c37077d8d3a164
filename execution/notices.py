"""What followers are to be told of their masters, once for each cause; in the caller's transaction.

It goes to the log until there is an inbox to put it into.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from strategies.models import Strategy
from subscriptions.models import Subscription

log = structlog.get_logger(__name__)


def tell_of_silence(strategies: Iterable[Strategy]) -> None:
    for strategy in strategies:
        _tell_followers(
            strategy,
            "master_lost",
            f"{strategy.name}: nothing is heard from the master's account",
            "For two minutes the master's account has not answered. Nothing more is bought until it is back. "
            "What you hold stays as you chose: kept, or sold once it is sure that the master is lost.",
        )


def tell_of_return(strategies: Iterable[Strategy]) -> None:
    for strategy in strategies:
        _tell_followers(
            strategy,
            "master_back",
            f"{strategy.name}: the master's account is back",
            "Purchases are copied again. What was sold in the meantime stays sold.",
        )


def tell_of_coins_left(strategy: Strategy, symbol: str) -> None:
    _tell_followers(
        strategy,
        "master_moved_coins",
        f"{strategy.name}: the master moved {symbol.partition('/')[0]} off the account",
        f"The master withdrew coins of {symbol}, or traded them in another pair. Nothing more of it is "
        "bought; what the master sells of it is still sold for you.",
    )


def tell_of_coins_back(strategy: Strategy, symbol: str) -> None:
    _tell_followers(
        strategy,
        "master_coins_back",
        f"{strategy.name}: {symbol} is copied again",
        f"The coins of {symbol} that the master had moved are back on the account.",
    )


def _tell_followers(strategy: Strategy, kind: str, title: str, body: str) -> None:
    followers = Subscription.objects.following(strategy.pk).values_list("follower_id", flat=True)
    log.warning(
        "followers_to_tell", kind=kind, strategy_id=strategy.pk, followers=len(followers), title=title
    )
