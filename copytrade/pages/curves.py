"""Equity curves of masters, sampled in the database: as many points as a picture needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

# Index look-ups only: the cost depends on the number of points asked for, not of snapshots kept.
SAMPLE = """
WITH span AS (
    SELECT s.id, first.at AS first_at, last.at AS last_at
    FROM strategies_strategy s
    CROSS JOIN LATERAL (
        SELECT p.at FROM strategies_performancesnapshot p
        WHERE p.strategy_id = s.id AND p.at >= GREATEST(s.published_at, %(since)s) ORDER BY p.at LIMIT 1
    ) first
    CROSS JOIN LATERAL (
        SELECT p.at FROM strategies_performancesnapshot p
        WHERE p.strategy_id = s.id AND p.at >= first.at ORDER BY p.at DESC LIMIT 1
    ) last
    WHERE s.id = ANY(%(ids)s)
)
SELECT DISTINCT span.id, point.at, point.equity
FROM span
CROSS JOIN generate_series(0, %(steps)s) AS step
CROSS JOIN LATERAL (
    SELECT p.at, p.equity FROM strategies_performancesnapshot p
    WHERE p.strategy_id = span.id
      AND p.at BETWEEN span.first_at
                   AND span.first_at + (span.last_at - span.first_at) * (step / %(steps)s::float8)
    ORDER BY p.at DESC LIMIT 1
) point
ORDER BY span.id, point.at
"""


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    equity: Decimal


@dataclass(frozen=True, slots=True)
class Drop:
    """The deepest fall from a peak, as a negative fraction, and when its lowest point was."""

    fraction: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Curve:
    points: tuple[Point, ...] = ()

    @property
    def values(self) -> list[Decimal]:
        return [point.equity for point in self.points]

    @property
    def first(self) -> Point | None:
        return self.points[0] if self.points else None

    @property
    def last(self) -> Point | None:
        return self.points[-1] if self.points else None

    @property
    def length(self) -> timedelta | None:
        return self.points[-1].at - self.points[0].at if len(self.points) > 1 else None

    @property
    def change(self) -> Decimal | None:
        """From the first point to the last, as a fraction; None where there is nothing to compare."""
        if len(self.points) < 2 or self.points[0].equity <= 0:
            return None
        return self.points[-1].equity / self.points[0].equity - 1

    @property
    def worst_drop(self) -> Drop | None:
        if len(self.points) < 2:
            return None
        deepest = Drop(Decimal(0), self.points[0].at)
        for point, drop in zip(self.points, self.drawdown(), strict=True):
            if drop < deepest.fraction:
                deepest = Drop(drop, point.at)
        return deepest

    def drawdown(self) -> list[Decimal]:
        """For each point how far below the highest so far, as a negative fraction."""
        peak = Decimal(0)
        drops = []
        for point in self.points:
            peak = max(peak, point.equity)
            drops.append(point.equity / peak - 1 if peak > 0 else Decimal(0))
        return drops


def sample_curves(
    strategy_ids: Sequence[int], *, points: int, since: datetime | None = None
) -> dict[int, Curve]:
    """A curve of at most `points` + 1 moments for each strategy, from its publication or `since`."""
    found: dict[int, list[Point]] = {strategy_id: [] for strategy_id in strategy_ids}
    if strategy_ids:
        with connection.cursor() as cursor:
            # GREATEST passes over a NULL.
            cursor.execute(SAMPLE, {"ids": list(strategy_ids), "steps": points, "since": since})
            for strategy_id, at, equity in cursor.fetchall():
                found[strategy_id].append(Point(at, equity))
    return {strategy_id: Curve(tuple(rows)) for strategy_id, rows in found.items()}
