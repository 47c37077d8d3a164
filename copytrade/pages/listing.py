"""A strategy as lists show it: the row with its figures, fetched for a whole page at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from copytrade.pages.copy_quality import Followers, followers_of
from copytrade.pages.curves import Curve, curve_of, kept_figures
from strategies.models import Period, Statistics, Strategy


@dataclass(frozen=True, slots=True)
class Listed:
    """`followers` as they are now, `figures` as kept."""

    strategy: Strategy
    figures: Statistics
    curve: Curve
    followers: Followers


def with_figures(found: Iterable[Strategy], *, period: str = Period.ALL) -> list[Listed]:
    """Two queries, however many strategies."""
    strategies = list(found)
    ids = [strategy.pk for strategy in strategies]
    kept, followers = kept_figures(ids, period=period), followers_of(ids)
    return [
        Listed(strategy, kept[strategy.pk], curve_of(kept[strategy.pk]), followers[strategy.pk])
        for strategy in strategies
    ]
