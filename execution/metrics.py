"""What operators see of the trades: counted once for each batch, after its transaction has committed."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from prometheus_client import Counter, Histogram

from exchanges.durations import BUCKETS
from exchanges.metrics import observe_all
from execution.orders import Order
from execution.states import FINAL, Status
from strategies.models import Signal

LATENCY = Histogram(
    "copytrade_replication_latency_seconds",
    "From a master's fill to the follower's, in all and by stage.",
    ["stage"],
    buckets=BUCKETS,
)
ORDERS = Counter("copytrade_orders", "Orders that came to an end, by how.", ["status", "exchange"])
RISK_BLOCKS = Counter(
    "copytrade_risk_blocks", "Orders denied, by the limit that stood against them.", ["rule"]
)
SIGNALS = Counter("copytrade_signals", "Signals that were numbered, by where they came from.", ["source"])

STAGES = ("detect", "size", "submit", "fill", "total")
# Of an order, between which the stages lie.
_MOMENTS = ("signal_at", "detected_at", "submitted_at", "acknowledged_at", "finished_at")
# What is there from the first scrape on can be told from what never happened.
_LATENCY = {stage: LATENCY.labels(stage) for stage in STAGES}
for _source in Signal.Source.values:
    SIGNALS.labels(_source)


def count_signal(signal: Signal) -> None:
    SIGNALS.labels(signal.source).inc()


def count_ended(orders: Iterable[Order]) -> None:
    """Count those of the orders that are final; the caller passes each order once, when it became so."""
    ended = [order for order in orders if order.status in FINAL]
    if not ended:
        return
    count_statuses(Tally((order.status, order.exchange) for order in ended))
    for rule, count in Tally(order.reason_code for order in ended if order.status == Status.DENIED).items():
        RISK_BLOCKS.labels(rule).inc(count)
    _observe([order for order in ended if order.filled_amount and order.signal_at])


def count_statuses(counts: Mapping[tuple[str, str], int]) -> None:
    """Counts by status and exchange."""
    for (status, exchange), count in counts.items():
        ORDERS.labels(str(status), exchange).inc(count)


def _observe(filled: list[Order]) -> None:
    """The stages of filled orders; one that a stage's moment is missing of has no such stage."""
    if not filled:
        return
    columns = [[getattr(order, name) for order in filled] for name in _MOMENTS]
    steps = [*pairwise(columns), (columns[0], columns[-1])]
    for stage, (starts, ends) in zip(STAGES, steps, strict=True):
        both = zip(starts, ends, strict=True)
        observe_all(_LATENCY[stage], [_seconds(start, end) for start, end in both if start and end])


def _seconds(start: datetime, end: datetime) -> float:
    # The first moment is by the venue's clock, the others are by ours.
    return (end - start).total_seconds()
