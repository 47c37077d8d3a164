"""The curves that charts draw, as files: what a page shows can be taken along."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from copytrade.pages.compare import chosen_curves
from copytrade.pages.curves import curve_of
from copytrade.pages.strategy import PERIODS, visible_strategy
from ledger import statistics
from rest.csv_cells import neutralised
from strategies.models import Period

# `{quote}` is the strategy's.
CURVE = ("time", "equity_{quote}", "one_became")
COMPARISON = ("strategy", "time", "one_became")


def strategy_curve(request: HttpRequest, slug: str) -> HttpResponse:
    """Equity of the chosen period, and what 1 became without deposits and withdrawals."""
    strategy = visible_strategy(request, slug)
    period = request.GET.get("period", "all")
    period = period if period in PERIODS else "all"
    curve = curve_of(statistics.current(strategy, Period(period), now=timezone.now()))
    rows = ((point.at.isoformat(), f"{point.equity:f}", f"{point.grown:f}") for point in curve.points)
    head = tuple(name.format(quote=strategy.quote) for name in CURVE)
    return _file(f"{slug}-{period}.csv", head, rows)


def compared_curves(request: HttpRequest) -> HttpResponse:
    """The curves of the page of the same query, one below the other."""
    rows = (
        (neutralised(strategy.name), point.at.isoformat(), f"{point.grown:f}")
        for strategy, curve in chosen_curves(request)
        for point in curve.points
    )
    return _file("comparison.csv", COMPARISON, rows)


def _file(name: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(answer)
    writer.writerow(head)
    writer.writerows(rows)
    return answer
