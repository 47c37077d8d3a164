"""/strategies/compare/: which of some strategies suits me?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from copytrade.pages.curves import Curve, Example, Point, curve_of, example_of, kept_figures
from strategies.models import Period, Statistics, Strategy

MOST = 4
TABLE_ROWS = 40
WIDTH, HEIGHT, MARGIN = 640, 240, 8
# Of a name at a curve's end.
LINE = 15
AMOUNT = Decimal(1000)
MOST_MONEY = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Compared:
    """`line` are the points of its curve on the common scale, `number` its dash and colour.

    `label_at` is how far from the top its end is named, clear of the others' names.
    """

    number: int
    strategy: Strategy
    figures: Statistics
    line: str
    label_at: int
    table: tuple[Point, ...]
    end: Decimal | None
    example: Example | None


def compare_page(request: HttpRequest) -> HttpResponse:
    period = _period(request)
    amount = _amount(request.GET.get("amount", ""))
    strategies = _chosen(request)
    kept = kept_figures([strategy.pk for strategy in strategies], period=period)
    curves = {strategy.pk: curve_of(kept[strategy.pk]) for strategy in strategies}
    scale = _Scale.over(list(curves.values()))
    labels = _apart({pk: scale.end(curve) for pk, curve in curves.items() if scale and curve.points})
    compared = [
        Compared(
            number,
            strategy,
            kept[strategy.pk],
            scale.line(curves[strategy.pk]) if scale else "",
            labels.get(strategy.pk, 0),
            _some(curves[strategy.pk]),
            curves[strategy.pk].values[-1] * 100 if curves[strategy.pk].points else None,
            example_of(kept[strategy.pk], amount=amount, fee_percent=strategy.performance_fee_percent),
        )
        for number, strategy in enumerate(strategies, start=1)
    ]
    context = {
        "compared": compared,
        "scale": scale,
        "period": period,
        "periods": Period.choices,
        "amount": amount,
        "most": MOST,
        "ids": [strategy.public_id for strategy in strategies],
        "query": request.GET.urlencode(),
    }
    return render(request, "pages/compare.html", context)


def chosen_curves(request: HttpRequest) -> list[tuple[Strategy, Curve]]:
    """Of the strategies and the period that the address names."""
    strategies = _chosen(request)
    kept = kept_figures([strategy.pk for strategy in strategies], period=_period(request))
    return [(strategy, curve_of(kept[strategy.pk])) for strategy in strategies]


@dataclass(frozen=True, slots=True)
class _Scale:
    """One for all curves: from the first moment of any to the last, from the lowest value to the highest."""

    begin: float
    seconds: float
    low: Decimal
    high: Decimal

    @classmethod
    def over(cls, curves: list[Curve]) -> _Scale | None:
        points = [point for curve in curves if len(curve.points) > 1 for point in curve.points]
        if not points:
            return None
        begin, end = min(p.at for p in points), max(p.at for p in points)
        values = [p.grown for p in points]
        return cls(
            begin.timestamp(), max((end - begin).total_seconds(), 1.0), min(values) * 100, max(values) * 100
        )

    def line(self, curve: Curve) -> str:
        return " ".join(
            f"{WIDTH * (point.at.timestamp() - self.begin) / self.seconds:.1f},{self._down(point):.1f}"
            for point in curve.points
        )

    def end(self, curve: Curve) -> float:
        """How far from the top its last point is."""
        return self._down(curve.points[-1])

    def _down(self, point: Point) -> float:
        height = self.high - self.low or Decimal(1)
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * float((point.grown * 100 - self.low) / height)


def _apart(ends: Mapping[int, float]) -> dict[int, int]:
    """Where each end is named: beside it, or as far off as the names above need; none beyond the edge."""
    order = sorted(ends, key=ends.__getitem__)
    places: dict[int, int] = {}
    lowest = LINE
    for key in order:
        lowest = max(lowest, round(ends[key]) + LINE // 3)
        places[key] = lowest
        lowest += LINE
    beyond = max([0, *(place - (HEIGHT - 2) for place in places.values())])
    return {key: max(LINE * (n + 1), place - beyond) for n, (key, place) in enumerate(places.items())}


def _period(request: HttpRequest) -> str:
    period = request.GET.get("period", Period.ALL)
    return period if period in Period.values else Period.ALL


def _some(curve: Curve) -> tuple[Point, ...]:
    """As many points as a table bears, the last one among them."""
    points = curve.points[:: -max(1, len(curve.points) // TABLE_ROWS)]
    return points[::-1]


def _chosen(request: HttpRequest) -> list[Strategy]:
    """In the order asked for; what nobody may see, or is no id, is left out."""
    ids = []
    for text in request.GET.getlist("id"):
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    ids = list(dict.fromkeys(ids))[:MOST]
    seen = Strategy.objects.visible_to(request.user.pk).filter(public_id__in=ids)
    found = {row.public_id: row for row in seen.select_related("owner", "exchange_account")}
    return [found[public_id] for public_id in ids if public_id in found]


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return AMOUNT
    return amount if amount.is_finite() and 0 < amount <= MOST_MONEY else AMOUNT
