"""A strategy as lists show it: the row with its figures, fetched for a whole page at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from copytrade.pages.copy_quality import Followers, Quality, followers_of, quality_of
from copytrade.pages.curves import Curve, sample_curves
from strategies.models import Strategy

SPARK_POINTS = 60


@dataclass(frozen=True, slots=True)
class Listed:
    strategy: Strategy
    curve: Curve
    followers: Followers
    quality: Quality


def with_figures(found: Iterable[Strategy]) -> list[Listed]:
    """Three queries, however many strategies."""
    strategies = list(found)
    ids = [strategy.pk for strategy in strategies]
    curves = sample_curves(ids, points=SPARK_POINTS)
    followers = followers_of(ids)
    quality = quality_of(ids)
    return [
        Listed(strategy, curves[strategy.pk], followers[strategy.pk], quality.get(strategy.pk, Quality()))
        for strategy in strategies
    ]
