"""How the platform stood in the last week: a sample each minute, kept in the broker, for charts.

It is what Prometheus would scrape at that moment, cut down to what the page draws. A lost broker loses the
curves and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from copytrade import alive, metrics
from copytrade.standing import broker

KEY = "copytrade:history"
KEPT = 7 * 24 * 60
REQUESTS = "django_http_requests_latency_seconds_by_view_method"
LATENCY = "copytrade_replication_latency_seconds"
VENUES = "copytrade_exchange_request_seconds"
HELD_BACK = "copytrade_exchange_held_back"
ORDERS = "copytrade_orders_total"
# What each sample holds, and by which label its numbers are told apart; the rest of the labels is added up.
BY_LABEL = {
    f"{REQUESTS}_bucket": ("le",),
    f"{LATENCY}_bucket": ("stage", "le"),
    f"{VENUES}_bucket": ("exchange", "le"),
    HELD_BACK: ("exchange",),
    ORDERS: ("status",),
    "copytrade_queue_depth": ("queue",),
    "copytrade_master_feed_age_seconds": ("exchange",),
    "copytrade_orders_unknown": (),
    "copytrade_audit_unsealed": (),
}

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """By name of the series and by its labels' values, joined by a comma."""

    at: datetime
    series: Mapping[str, Numbers]
    workers: int

    def of(self, name: str) -> Numbers:
        return self.series.get(name, {})


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of a chart: what was counted in it, and how things stood at its end."""

    at: datetime
    first: Sample
    last: Sample

    @property
    def minutes(self) -> float:
        return (self.last.at - self.first.at) / timedelta(minutes=1)

    def counted(self, name: str) -> dict[str, float]:
        """A count that fell began anew, as its processes did."""
        before = self.first.of(name)
        return {
            label: value - (before.get(label, 0.0) if value >= before.get(label, 0.0) else 0.0)
            for label, value in self.last.of(name).items()
        }

    def quantile(self, name: str, part: float, *, of: str = "") -> float | None:
        """As Prometheus works it out of a histogram, of one label's value; None where nothing was counted."""
        start = f"{of}," if of else ""
        found = self.counted(f"{name}_bucket").items()
        buckets = {_bound(key[len(start) :]): value for key, value in found if key.startswith(start)}
        return quantile(sorted(buckets.items()), part)


def take(*, now: datetime) -> None:
    """Each minute. Raises RedisError."""
    pipeline = broker().pipeline(transaction=False)
    pipeline.rpush(KEY, json.dumps([now.timestamp(), _series(), len(alive.workers(now))]))
    pipeline.ltrim(KEY, -KEPT, -1)
    pipeline.execute()


def steps(*, length: timedelta, number: int, now: datetime) -> list[Step]:
    """The last `length` in so many stretches, without those of which nothing is known. Raises RedisError."""
    samples = _samples(since=now - length, now=now)
    width = length / number
    ends = {math.floor((sample.at - now) / width): sample for sample in samples}
    # The first stretch begins with the first sample.
    moments = [*samples[:1], *(end for end in ends.values() if end is not samples[0])]
    return [Step(last.at, first, last) for first, last in pairwise(moments)]


def quantile(buckets: Sequence[tuple[float, float]], part: float) -> float | None:
    total = buckets[-1][1] if buckets else 0.0
    if total <= 0:
        return None
    wanted, below, lower = part * total, 0.0, 0.0
    for bound, value in buckets:
        if value >= wanted:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (wanted - below) / ((value - below) or 1)
        lower, below = bound, value
    return lower


def _samples(*, since: datetime, now: datetime) -> list[Sample]:
    # A few more than the minutes: two workers may have taken the same one.
    count = min(2 * math.ceil((now - since) / timedelta(minutes=1)) + 2, KEPT)
    lines: Any = broker().lrange(KEY, -count, -1)
    found = (json.loads(line) for line in lines)
    samples = (Sample(datetime.fromtimestamp(at, UTC), series, workers) for at, series, workers in found)
    return [sample for sample in samples if sample.at >= since]


def _series() -> dict[str, dict[str, float]]:
    series: dict[str, dict[str, float]] = {name: {} for name in BY_LABEL}
    for family in text_string_to_metric_families(metrics.scrape().decode()):
        for sample in family.samples:
            if sample.name in series:
                numbers = series[sample.name]
                key = ",".join(sample.labels[label] for label in BY_LABEL[sample.name])
                numbers[key] = numbers.get(key, 0.0) + sample.value
    return series


def _bound(text: str) -> float:
    return math.inf if text == "+Inf" else float(text)
