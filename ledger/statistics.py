"""The figures of strategies, worked out from the books and kept for lists. Twice gives the same."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q

from ledger import performance, round_trips
from ledger.account_history import History, begin_of, history_of
from ledger.copies import copies_since
from ledger.performance import RATIO, Worth
from rest.fields import plain
from strategies.models import Period, Statistics, Strategy

log = structlog.get_logger(__name__)

CURVE_POINTS = 200
FRESH_FOR = timedelta(minutes=3)
# Somebody who asks for one strategy's is told of what happened just now.
ASKED_FOR = timedelta(seconds=15)
# One run of the task does as much as it can in this time, the oldest first.
BUDGET_SECONDS = 40.0
BATCH = 50
A_DAY = timedelta(days=1)


def refresh_due(*, now: datetime) -> int:
    """Work out again what is older than three minutes, oldest first; return how many strategies that was."""
    until = time.monotonic() + BUDGET_SECONDS
    count = 0
    while time.monotonic() < until:
        due = _due(now)
        for strategy in due:
            if time.monotonic() >= until:
                return count
            refresh(strategy, now=now)
            count += 1
        if len(due) < BATCH:
            break
    return count


def recompute_all(*, now: datetime) -> int:
    """Every published or closed strategy, from nothing; return how many."""
    count = 0
    for strategy in _with_a_record().order_by("pk").iterator(chunk_size=BATCH):
        refresh(strategy, now=now)
        count += 1
    return count


def refresh(strategy: Strategy, *, now: datetime) -> None:
    """Work out the figures of all periods and keep them. `exchange_account` must be at hand."""
    history = history_of(strategy, now=now)
    figures = {period: figures_of(strategy, history, period, now=now) for period in Period}
    with transaction.atomic():
        for period, values in figures.items():
            Statistics.objects.filter(strategy=strategy, period=period).update(**values)


def current(strategy: Strategy, period: Period, *, now: datetime) -> Statistics:
    """The figures as kept; those older than some seconds are worked out first. `exchange_account` at hand."""
    row = Statistics.objects.select_related("strategy").get(strategy=strategy, period=period)
    is_recent = row.computed_at and row.computed_at > now - ASKED_FOR
    is_over = strategy.closed_at and row.computed_at and row.computed_at > strategy.closed_at + A_DAY
    if strategy.published_at is None or is_recent or is_over:
        return row
    refresh(strategy, now=now)
    row.refresh_from_db()
    return row


def figures_of(
    strategy: Strategy, history: History | None, period: Period, *, now: datetime
) -> dict[str, Any]:
    """The columns of one row."""
    since = begin_of(strategy, period, now=now)
    copies = copies_since(since, strategy_id=strategy.pk, now=now)
    values: dict[str, Any] = {
        "computed_at": now,
        "since": since,
        "followers": copies.followers,
        "followers_known": copies.known,
        "followers_in_profit": copies.in_profit,
        "followers_in_loss": copies.in_loss,
        "followers_median_roi": copies.median_roi,
        "assets_copied": copies.assets,
        "copied_fills": copies.fills,
        "slippage_bps_p50": copies.slippage_bps[0],
        "slippage_bps_p99": copies.slippage_bps[1],
        "replication_lag_ms_p50": copies.lag_ms[0],
        "replication_lag_ms_p99": copies.lag_ms[1],
        "fees_uncounted": copies.fees_uncounted,
    }
    if history:
        values["flows_uncounted"] = sum(at >= since for at in history.flows_uncounted)
        values["fees_uncounted"] += sum(at >= since for at in history.fees_uncounted)
        values |= _of_trades(history, since, now) | of_account(_since(history.worth, since))
    return values


def _of_trades(history: History, since: datetime, now: datetime) -> dict[str, Any]:
    deals = [deal for deal in history.deals if deal.at >= since]
    trips = [trip for trip in round_trips.round_trips(history.deals) if trip.closed_at >= since]
    holding = round_trips.average_holding(trips)
    return {
        "pnl": performance.result_of(_since(history.earned, since)),
        "trades": len(deals),
        "trades_per_week": performance.trades_per_week(len(deals), now - since),
        "round_trips": len(trips),
        "win_rate": round_trips.win_rate(trips),
        "profit_factor": round_trips.profit_factor(trips),
        "average_holding_seconds": None if holding is None else int(holding.total_seconds()),
    }


def of_account(worth: list[Worth]) -> dict[str, Any]:
    """Nothing of it is known where the account's equity was never read, or was nothing."""
    if not worth or worth[0].equity <= 0:
        return {
            "roi": None, "max_drawdown": None, "drawdown_from": None, "drawdown_at": None, "days": 0,
            "days_in_loss": 0, "sharpe": None, "sortino": None, "exposure": None, "curve": [], "months": [],
        }  # fmt: skip
    moments, index = [row.at for row in worth], performance.growth(worth)
    drop = performance.worst_drop(moments, index)
    days = [value for _, value in performance.returns_by(moments, index)]
    months = performance.returns_by(moments, index, months=True)
    return {
        "roi": (index[-1] - 1).quantize(RATIO),
        "max_drawdown": drop.fraction if drop else Decimal(0),
        "drawdown_from": drop.from_at if drop else None,
        "drawdown_at": drop.at if drop else None,
        "days": len(days),
        "days_in_loss": sum(value < 0 for value in days),
        "sharpe": performance.sharpe(days),
        "sortino": performance.sortino(days),
        "exposure": performance.exposure(worth),
        "curve": [
            [
                int(moments[n].timestamp()),
                plain(worth[n].equity.quantize(RATIO)),
                plain(index[n].quantize(RATIO)),
            ]
            for n in performance.thin(moments, index, most=CURVE_POINTS)
        ],
        "months": [[f"{day:%Y-%m}", plain(value.quantize(RATIO))] for day, value in months],
    }


def _since(worth: Iterable[Worth], since: datetime) -> list[Worth]:
    return [row for row in worth if row.at >= since]


def _with_a_record() -> Any:
    return Strategy.objects.filter(published_at__isnull=False).select_related("exchange_account")


def _due(now: datetime) -> list[Strategy]:
    """Those whose figures are the oldest; a day after its closing a strategy's do not change any more."""
    stale = Statistics.objects.filter(period=Period.ALL).exclude(computed_at__gt=now - FRESH_FOR)
    over = Q(strategy__closed_at__isnull=False, computed_at__gt=F("strategy__closed_at") + A_DAY)
    living = stale.exclude(strategy__published_at=None).exclude(over)
    oldest = living.order_by(F("computed_at").asc(nulls_first=True))
    ids = list(oldest.values_list("strategy_id", flat=True)[:BATCH])
    return list(_with_a_record().filter(pk__in=ids).order_by("pk"))
