"""What came of a strategy's copies in a period: their followers' results, and how well they were made.

One's own copies of one's own strategy count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

# What a copy made since `since`: the cash that its standing fills moved, and what it holds now less what it
# held then, each at that moment's price. Where such a price is not known, neither is the result.
FOLLOWERS = """
WITH live AS (
    SELECT sub.id, sub.allocation, account.exchange
    FROM subscriptions_subscription sub
    JOIN wallets_exchangeaccount account ON account.id = sub.exchange_account_id
    WHERE sub.strategy_id = %(strategy)s AND sub.status <> 'closed' AND NOT sub.own
), moved AS (
    SELECT t.subscription_id, t.symbol,
           sum(CASE t.side WHEN 'buy' THEN -t.cost ELSE t.cost END
               - CASE WHEN t.fee_asset = split_part(t.symbol, '/', 1) THEN 0
                      ELSE COALESCE(t.fee_in_quote, 0) END) AS cash,
           sum(CASE t.side WHEN 'buy' THEN t.quantity ELSE -t.quantity END
               - CASE WHEN t.fee_asset = split_part(t.symbol, '/', 1) THEN t.fee ELSE 0 END) AS amount
    FROM live JOIN ledger_trade t ON t.subscription_id = live.id
    WHERE t.at >= %(since)s AND t.reverses_id IS NULL
      AND NOT EXISTS (SELECT FROM ledger_trade back WHERE back.reverses_id = t.id)
    GROUP BY t.subscription_id, t.symbol
), coins AS (
    SELECT live.id, live.exchange, COALESCE(p.symbol, moved.symbol) AS symbol,
           COALESCE(moved.cash, 0) AS cash, COALESCE(p.held, 0) AS now,
           GREATEST(COALESCE(p.held, 0) - COALESCE(moved.amount, 0), 0) AS before
    FROM (SELECT * FROM ledger_position WHERE subscription_id IN (SELECT id FROM live)) p
    FULL JOIN moved ON moved.subscription_id = p.subscription_id AND moved.symbol = p.symbol
    JOIN live ON live.id = COALESCE(p.subscription_id, moved.subscription_id)
), priced AS (
    SELECT exchange, symbol,
           COALESCE((SELECT price FROM ledger_pricepoint pp WHERE pp.exchange = c.exchange
                     AND pp.symbol = c.symbol AND pp.at <= %(now)s ORDER BY pp.at DESC LIMIT 1),
                    (SELECT price FROM ledger_mark m WHERE m.exchange = c.exchange AND m.symbol = c.symbol)
           ) AS price_now,
           (SELECT price FROM ledger_pricepoint pp WHERE pp.exchange = c.exchange
            AND pp.symbol = c.symbol AND pp.at <= %(since)s ORDER BY pp.at DESC LIMIT 1) AS price_before
    FROM (SELECT DISTINCT exchange, symbol FROM coins) c
), results AS (
    SELECT live.id, live.allocation,
           CASE WHEN count(*) FILTER (WHERE (c.now > 0 AND pr.price_now IS NULL)
                                         OR (c.before > 0 AND pr.price_before IS NULL)) = 0
                THEN COALESCE(sum(c.cash + CASE WHEN c.now > 0 THEN c.now * pr.price_now ELSE 0 END
                                  - CASE WHEN c.before > 0 THEN c.before * pr.price_before ELSE 0 END), 0)
           END AS result
    FROM live
    LEFT JOIN coins c ON c.id = live.id
    LEFT JOIN priced pr ON pr.exchange = c.exchange AND pr.symbol = c.symbol
    GROUP BY live.id, live.allocation
)
SELECT count(*), count(result), count(*) FILTER (WHERE result > 0), count(*) FILTER (WHERE result < 0),
       percentile_cont(ARRAY[0.5]) WITHIN GROUP (ORDER BY result / allocation),
       COALESCE(sum(allocation), 0),
       (SELECT count(*) FROM live JOIN ledger_trade t ON t.subscription_id = live.id
        WHERE t.fee_in_quote IS NULL AND t.at >= %(since)s AND t.reverses_id IS NULL
          AND NOT EXISTS (SELECT FROM ledger_trade back WHERE back.reverses_id = t.id))
FROM results
"""

# The latest fills tell the quality, at a bounded cost.
FILLS_JUDGED = 10_000
QUALITY = """
SELECT count(*),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY slippage),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY lag)
FROM (
    SELECT CASE t.side WHEN 'buy' THEN t.price - t.master_price ELSE t.master_price - t.price END
               / t.master_price * 10000 AS slippage,
           EXTRACT(EPOCH FROM t.at - t.signal_at) * 1000 AS lag
    FROM ledger_trade t
    JOIN subscriptions_subscription sub ON sub.id = t.subscription_id AND NOT sub.own
    WHERE t.strategy_id = %(strategy)s AND t.master_price > 0 AND t.signal_at IS NOT NULL
      AND t.at >= %(since)s AND t.at <= %(now)s
      AND NOT EXISTS (SELECT FROM ledger_trade back WHERE back.reverses_id = t.id)
    ORDER BY t.at DESC, t.id DESC LIMIT %(most)s
) latest
"""
ENOUGH_FOLLOWERS = 5
TENTH, RATIO = Decimal("0.1"), Decimal(1).scaleb(-8)


@dataclass(frozen=True, slots=True)
class Copies:
    """`known` followers: every coin of theirs has a price. Below five a median would tell of persons.

    `fees_uncounted`: fees in coins without a price, which no result has.
    """

    followers: int
    known: int
    in_profit: int
    in_loss: int
    median_roi: Decimal | None
    assets: Decimal
    fees_uncounted: int
    fills: int
    slippage_bps: tuple[Decimal, Decimal] | tuple[None, None]
    lag_ms: tuple[Decimal, Decimal] | tuple[None, None]


def copies_since(since: datetime, *, strategy_id: int, now: datetime) -> Copies:
    question = {"strategy": strategy_id, "since": since, "now": now, "most": FILLS_JUDGED}
    followers, known, in_profit, in_loss, median, assets, fees_uncounted = _row(FOLLOWERS, question)
    fills, slippage, lag = _row(QUALITY, question)
    return Copies(
        followers=followers,
        known=known,
        in_profit=in_profit,
        in_loss=in_loss,
        median_roi=_exact(median[0], RATIO) if known >= ENOUGH_FOLLOWERS else None,
        assets=assets,
        fees_uncounted=fees_uncounted,
        fills=fills,
        slippage_bps=_pair(slippage),
        lag_ms=_pair(lag),
    )


def _pair(values: list[float | None] | None) -> tuple[Decimal, Decimal] | tuple[None, None]:
    if not values or values[0] is None or values[1] is None:
        return (None, None)
    return (_exact(values[0], TENTH), _exact(values[1], TENTH))


def _exact(value: float, places: Decimal) -> Decimal:
    """PostgreSQL interpolates between two values as floats."""
    return Decimal(str(value)).quantize(places)


def _row(query: str, question: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, question)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
