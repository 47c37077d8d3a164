"""The operators' charts: how requests, orders, queues and feeds went over the last hour to the last week."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from copytrade import history
from copytrade.history import HELD_BACK, LATENCY, ORDERS, REQUESTS, VENUES, Step
from execution.metrics import STAGES

# By the address's word: its length, and into how many stretches it is cut.
RANGES: dict[str, tuple[Promise, timedelta, int]] = {
    "1h": (_("1 hour"), timedelta(hours=1), 60),
    "6h": (_("6 hours"), timedelta(hours=6), 72),
    "24h": (_("24 hours"), timedelta(hours=24), 72),
    "7d": (_("7 days"), timedelta(days=7), 84),
}
WIDTH, HEIGHT = 120, 32


@dataclass(frozen=True, slots=True)
class Chart:
    """One curve from 0 up to its highest; None where nothing is known."""

    name: str | Promise
    times: Sequence[datetime]
    values: Sequence[float | None]
    decimals: int = 0

    @property
    def last(self) -> float | None:
        return self.values[-1]

    @property
    def highest(self) -> float:
        return max((value for value in self.values if value is not None), default=0.0)

    @property
    def lines(self) -> list[str]:
        """The points of each unbroken line, as SVG wants them."""
        top, lines = self.highest or 1.0, [list[str]()]
        begin, length = self.times[0], (self.times[-1] - self.times[0]) or timedelta(minutes=1)
        for at, value in zip(self.times, self.values, strict=True):
            if value is None:
                lines.append([])
                continue
            x = WIDTH * (at - begin) / length
            lines[-1].append(f"{x:.1f},{HEIGHT - 1 - (HEIGHT - 2) * value / top:.1f}")
        return [" ".join(points) for points in lines if points]


@dataclass(frozen=True, slots=True)
class Group:
    """Charts of one subject; `rows` are the same numbers for a table."""

    key: str
    title: Promise
    charts: Sequence[Chart]

    @property
    def rows(self) -> list[tuple[datetime, list[float | None]]]:
        times = self.charts[0].times
        return [(at, [chart.values[number] for chart in self.charts]) for number, at in enumerate(times)]


class _Drawn:
    """The steps of one range, drawn."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.times = [step.at for step in steps]

    def each(self, name: str | Promise, value: Callable[[Step], float | None], decimals: int = 0) -> Chart:
        return Chart(name, self.times, [value(step) for step in self.steps], decimals)

    def requests(self) -> list[Chart]:
        return [
            self.each(_("answers a minute"), lambda step: _answers(step) / step.minutes),
            self.each(_("half within ms"), lambda step: _ms(step.quantile(REQUESTS, 0.5)), 1),
            self.each(_("99 % within ms"), lambda step: _ms(step.quantile(REQUESTS, 0.99)), 1),
        ]

    def orders(self) -> list[Chart]:
        counts = [step.counted(ORDERS) for step in self.steps]
        statuses = sorted({status for count in counts for status in count})
        return [
            Chart(status, self.times, [count.get(status, 0.0) for count in counts]) for status in statuses
        ]

    def stages(self) -> list[Chart]:
        return [self.each(stage, partial(_slowest_ms, LATENCY, stage), 1) for stage in STAGES]

    def venues(self) -> list[Chart]:
        """How long each answers, and from how many of our addresses nothing is sent to it."""
        names = sorted({name for step in self.steps for name in step.last.of(HELD_BACK)})
        charts = []
        for name in names:
            charts += [
                self.each(
                    _("{exchange}, 99 % within ms").format(exchange=name),
                    partial(_slowest_ms, VENUES, name),
                    1,
                ),
                self.each(_("{exchange}, held back").format(exchange=name), partial(_held_back, name)),
            ]
        return charts

    def stood(self, name: str) -> list[Chart]:
        standings = [step.last.of(name) for step in self.steps]
        labels = sorted({label for standing in standings for label in standing})
        return [Chart(label, self.times, [standing.get(label) for standing in standings]) for label in labels]

    def standing(self) -> list[Chart]:
        return [
            self.each(_("unknown orders"), lambda step: step.last.of("copytrade_orders_unknown").get("")),
            self.each(_("unsealed records"), lambda step: step.last.of("copytrade_audit_unsealed").get("")),
            self.each(_("workers alive"), lambda step: step.last.workers),
        ]


def chosen_range(word: str) -> str:
    return word if word in RANGES else "1h"


def charts(chosen: str, *, now: datetime) -> list[Group]:
    """Empty until two samples are there. Raises RedisError."""
    _name, length, number = RANGES[chosen]
    steps = history.steps(length=length, number=number, now=now)
    if not steps:
        return []
    drawn = _Drawn(steps)
    groups = [
        Group("requests", _("Requests"), drawn.requests()),
        Group("orders", _("Orders that ended, by status"), drawn.orders()),
        Group("stages", _("Replication latency by stage, 99 % within ms"), drawn.stages()),
        Group("venues", _("Exchanges' answers, and addresses held back"), drawn.venues()),
        Group("depths", _("Queue depth"), drawn.stood("copytrade_queue_depth")),
        Group("ages", _("Silence of masters' feeds, s"), drawn.stood("copytrade_master_feed_age_seconds")),
        Group("standing", _("Orders, records and workers"), drawn.standing()),
    ]
    return [group for group in groups if group.charts]


def _answers(step: Step) -> float:
    return step.counted(f"{REQUESTS}_bucket").get("+Inf", 0.0)


def _slowest_ms(name: str, label: str, step: Step) -> float | None:
    return _ms(step.quantile(name, 0.99, of=label))


def _held_back(exchange: str, step: Step) -> float | None:
    return step.last.of(HELD_BACK).get(exchange)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
