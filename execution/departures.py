"""Coins of a master that left the account without a sale: withdrawn, or traded away in another pair.

The books say what a strategy has bought and not sold. Where the account holds less, entries of the symbol
stop, as nobody could buy on in proportion. Exits are followed, by their part of what is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import structlog
from django.db import transaction

from execution import notices
from ledger.models import Position
from strategies.models import Strategy, StrategySymbol
from strategies.services import lock_strategy

log = structlog.get_logger(__name__)

ZERO = Decimal(0)
# Fees and dust may take so much of a position away without being called a departure.
TOLERANCE = Decimal("0.01")


def missing_coins(
    *, strategies: Mapping[str, int], holdings: Mapping[str, Decimal], asked_at: datetime
) -> dict[str, Decimal]:
    """By symbol, what the books count and the account does not hold; 0 where nothing is missing.

    `asked_at` is before the account was read: of symbols whose books moved since, nothing is known.
    """
    rows = Position.objects.filter(
        subscription=None, strategy_id__in=set(strategies.values()), symbol__in=strategies
    )
    by_coin: dict[str, list[Position]] = defaultdict(list)
    for row in rows:
        if strategies[row.symbol] == row.strategy_id:
            by_coin[row.symbol.partition("/")[0]].append(row)
    missing: dict[str, Decimal] = {}
    for coin, positions in by_coin.items():
        if any(position.updated_at > asked_at for position in positions):
            continue
        counted = sum((max(ZERO, position.held) for position in positions), ZERO)
        gap = counted - holdings.get(coin, ZERO)
        is_missing = gap > counted * TOLERANCE
        # Strategies that share a coin share the doubt.
        missing |= {row.symbol: min(gap, row.held) if is_missing else ZERO for row in positions}
    return missing


def unexplained(*, account_id: int, missing: Mapping[str, Decimal]) -> set[str]:
    """Those symbols of which more is missing than was known to have left."""
    known = dict(
        StrategySymbol.objects.filter(exchange_account_id=account_id).values_list("symbol", "coins_left")
    )
    return {symbol for symbol, gap in missing.items() if gap > known.get(symbol, ZERO) * (1 + TOLERANCE)}


def settle(*, account_id: int, missing: Mapping[str, Decimal], confirmed: set[str], now: datetime) -> None:
    """Stop the entries of confirmed symbols, let those go on whose coins are back; tell the followers."""
    for row in StrategySymbol.objects.filter(exchange_account_id=account_id, symbol__in=missing):
        gap = missing[row.symbol]
        if row.symbol in confirmed:
            _change(row, gap, now, now)
        elif gap == 0 and row.coins_left:
            _change(row, ZERO, None, now)
        elif row.coins_left_at and gap < row.coins_left:
            StrategySymbol.objects.filter(pk=row.pk).update(coins_left=gap)


def begin_anew(*, strategy: Strategy, symbol: str) -> None:
    """The master has sold all that was left, and every follower with it: from here on entries are whole.

    The caller holds the strategy's lock and has booked the sale.
    """
    rows = StrategySymbol.objects.filter(strategy=strategy, symbol=symbol, coins_left__gt=0)
    position = Position.objects.of_master(strategy.pk).filter(symbol=symbol).first()
    rows.update(coins_left=max(ZERO, position.held if position else ZERO), coins_left_at=None)


def _change(seen: StrategySymbol, gap: Decimal, since: datetime | None, now: datetime) -> None:
    with transaction.atomic(durable=True):
        strategy = lock_strategy(seen.strategy_id)
        row = StrategySymbol.objects.filter(pk=seen.pk).first()
        if row is None:
            return
        was_stopped = row.coins_left_at is not None
        row.coins_left, row.coins_left_at = gap, since and (row.coins_left_at or since)
        row.save(update_fields=["coins_left", "coins_left_at"])
        if since and not was_stopped:
            log.warning("coins_left", strategy_id=strategy.pk, symbol=row.symbol, amount=str(gap))
            notices.tell_of_coins_left(strategy, row.symbol, now=now)
        elif was_stopped and not since:
            notices.tell_of_coins_back(strategy, row.symbol, now=now)
