"""How copies go right now: the delay of all of them, and how many of a strategy's are in profit.

Own subscriptions of the master count nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

DELAY = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY lag),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY lag)
FROM (
    SELECT EXTRACT(EPOCH FROM at - signal_at) * 1000 AS lag FROM ledger_trade
    WHERE subscription_id IS NOT NULL AND signal_at IS NOT NULL ORDER BY at DESC, id DESC LIMIT 1000
) latest
"""

FOLLOWERS = """
SELECT strategy_id, count(*), count(result), count(*) FILTER (WHERE result > 0),
       count(*) FILTER (WHERE result < 0), percentile_cont(0.5) WITHIN GROUP (ORDER BY result / allocation)
FROM (
    SELECT sub.strategy_id, sub.allocation,
           CASE WHEN count(p.id) = count(m.price)
                THEN sub.cash - sub.allocation + COALESCE(sum(p.held * m.price), 0) END AS result
    FROM subscriptions_subscription sub
    JOIN wallets_exchangeaccount account ON account.id = sub.exchange_account_id
    LEFT JOIN ledger_position p ON p.subscription_id = sub.id AND p.held > 0
    LEFT JOIN ledger_mark m ON m.exchange = account.exchange AND m.symbol = p.symbol
    WHERE sub.strategy_id = ANY(%(ids)s) AND sub.status <> 'closed' AND NOT sub.own
    GROUP BY sub.id
) copies
GROUP BY strategy_id
"""

ENOUGH_FOLLOWERS = 5


@dataclass(frozen=True, slots=True)
class Quality:
    """Over `fills` fills of copies: slippage in bps (+ is worse), delay from the master's fill in ms."""

    fills: int = 0
    slippage_p50: Decimal | None = None
    lag_p50: Decimal | None = None
    lag_p99: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Followers:
    """`known`: those whose positions all have a price. Ratios are result ÷ allocation."""

    count: int = 0
    known: int = 0
    in_profit: int = 0
    in_loss: int = 0
    median: float | None = None

    @property
    def enough(self) -> bool:
        """Below a handful a median would tell about persons."""
        return self.known >= ENOUGH_FOLLOWERS


def delay_of_all() -> Quality:
    """The delay of the last thousand copied fills of the whole platform."""
    with connection.cursor() as cursor:
        cursor.execute(DELAY)
        fills, median, slow = cursor.fetchone()
    return Quality(fills=fills, lag_p50=median, lag_p99=slow)


def followers_of(strategy_ids: Sequence[int]) -> dict[int, Followers]:
    found = {row[0]: Followers(*row[1:]) for row in _rows(FOLLOWERS, strategy_ids)}
    return {strategy_id: found.get(strategy_id, Followers()) for strategy_id in strategy_ids}


def _rows(query: str, strategy_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    if not strategy_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(query, {"ids": list(strategy_ids)})
        return list(cursor.fetchall())
