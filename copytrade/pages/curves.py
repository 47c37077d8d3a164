"""A strategy's kept figures as pages draw them: curve, drops, months, an amount put through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from strategies.models import Period, Statistics


@dataclass(frozen=True, slots=True)
class Point:
    """`grown` is what 1 became: money that came or went does not change it."""

    at: datetime
    equity: Decimal
    grown: Decimal

    @property
    def hundred(self) -> Decimal:
        return 100 * self.grown


@dataclass(frozen=True, slots=True)
class Curve:
    points: tuple[Point, ...] = ()

    @property
    def values(self) -> list[Decimal]:
        return [point.grown for point in self.points]

    @property
    def first(self) -> Point | None:
        return self.points[0] if self.points else None

    @property
    def last(self) -> Point | None:
        return self.points[-1] if self.points else None

    @property
    def length(self) -> timedelta | None:
        return self.points[-1].at - self.points[0].at if len(self.points) > 1 else None

    def drawdown(self) -> list[Decimal]:
        """For each point how far below the highest so far, as a negative fraction."""
        peak = Decimal(0)
        drops = []
        for value in self.values:
            peak = max(peak, value)
            drops.append(value / peak - 1 if peak > 0 else Decimal(0))
        return drops


@dataclass(frozen=True, slots=True)
class Month:
    """`heat` is the step of its colour, -5 to 5."""

    name: str
    change: Decimal
    heat: int


@dataclass(frozen=True, slots=True)
class Example:
    """An amount put through the past: what came of it, the master's fee on profit, its lowest point."""

    amount: Decimal
    of_followers: bool
    result: Decimal
    fee: Decimal
    lowest: Decimal

    @property
    def kept(self) -> Decimal:
        return self.result - self.fee


def curve_of(row: Statistics) -> Curve:
    return Curve(
        tuple(
            Point(datetime.fromtimestamp(seconds, UTC), Decimal(equity), Decimal(grown))
            for seconds, equity, grown in row.curve
        )
    )


def months_of(row: Statistics) -> list[Month]:
    return [_month(name, Decimal(change)) for name, change in row.months]


def example_of(row: Statistics, *, amount: Decimal, fee_percent: Decimal) -> Example | None:
    """By the followers' median where it is told, else by the master's return; None where neither is known."""
    change = row.followers_median_roi if row.followers_median_roi is not None else row.roi
    if change is None or row.max_drawdown is None:
        return None
    result = amount * change
    fee = max(result, Decimal(0)) * fee_percent / 100
    # The end is a point of the way too.
    lowest = min(-amount * row.max_drawdown, result - fee)
    return Example(amount, row.followers_median_roi is not None, result, fee, lowest)


def kept_figures(strategy_ids: Sequence[int], *, period: str) -> dict[int, Statistics]:
    """One query, however many; the database has a row for each."""
    rows = Statistics.objects.filter(strategy__in=strategy_ids, period=Period(period))
    return {row.strategy_id: row for row in rows}


def _month(name: str, change: Decimal) -> Month:
    """A step for each 2 % begun, at most five."""
    steps = min(int(abs(change) * 50) + 1, 5) if change else 0
    return Month(name, change, steps if change > 0 else -steps)
