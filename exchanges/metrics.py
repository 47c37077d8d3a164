"""How long the venues take, and how many durations are told at once."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Histogram

from exchanges.durations import BUCKETS

REQUESTS = Histogram(
    "copytrade_exchange_request_seconds",
    "Time from sending a request to an exchange until its answer or failure.",
    ["exchange", "method"],
    buckets=BUCKETS,
)


def observe_all(histogram: Histogram, seconds: Iterable[float]) -> None:
    """Many durations with one write for each bucket; the client's own `observe` makes two for each."""
    values = [max(0.0, value) for value in seconds]
    if not values:
        return
    histogram._sum.inc(sum(values))
    for bucket, count in Tally(bisect_left(BUCKETS, value) for value in values).items():
        histogram._buckets[bucket].inc(count)
