"""How the platform stands now, by the database and the broker: for metrics and for the operators' page."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db.models import Count, Min

from copytrade.celery import QUEUES
from exchanges import limits
from execution.metrics import STAGES
from execution.models import CopyOrder, MasterFeed
from execution.states import Status
from records.bulk import select

BROKER_SECONDS = 2
LATELY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Orders:
    """`waiting` are pending ones whose moment has come; the first of them waits for `wait_seconds`."""

    unknown: int
    waiting: int
    wait_seconds: float


@functools.cache
def broker() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS
    )


def queue_depths() -> dict[str, float]:
    """Messages of each queue that no worker has taken. Raises RedisError."""
    pipeline = broker().pipeline(transaction=False)
    for queue in QUEUES:
        pipeline.llen(queue)
    return {queue: float(depth) for queue, depth in zip(QUEUES, pipeline.execute(), strict=True)}


def feed_ages(now: datetime) -> dict[str, float]:
    """For each venue the seconds since its most silent watched master account was heard."""
    return {
        exchange: max(0.0, (now - heard).total_seconds())
        for exchange, heard in MasterFeed.objects.longest_unheard()
    }


def held_back() -> dict[str, float]:
    """For each venue that was asked something: from how many of our addresses nothing is sent to it now."""
    counts: dict[str, float] = {}
    for state in limits.states():
        counts[state.exchange] = counts.get(state.exchange, 0.0) + (state.blocked_until is not None)
    return counts


def orders(now: datetime) -> Orders:
    unknown = CopyOrder.objects.live().filter(status=Status.UNKNOWN).count()
    due = CopyOrder.objects.due(now=now).aggregate(count=Count("pk"), first=Min("due_at"))
    wait = (now - due["first"]).total_seconds() if due["first"] else 0.0
    return Orders(unknown, due["count"], wait)


_LATENCIES = """
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY detected_at - signal_at),
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY submitted_at - detected_at),
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY acknowledged_at - submitted_at),
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY finished_at - acknowledged_at),
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY finished_at - signal_at)
    FROM (
        SELECT * FROM execution_copyorder
        WHERE created_at > %s AND status = 'filled' AND signal_at IS NOT NULL
        ORDER BY id DESC LIMIT 1000
    ) latest
"""


def latencies(now: datetime) -> list[tuple[str, float, float]]:
    """Stage, median and 99th percentile in seconds, of the last thousand orders filled within an hour."""
    (row,) = select(_LATENCIES, (now - LATELY,))
    return [
        (stage, *(max(0.0, part.total_seconds()) for part in parts))
        for stage, parts in zip(STAGES, row, strict=True)
        if parts and None not in parts
    ]


def watchers(now: datetime) -> list[tuple[str, int]]:
    """Name, and how many masters' accounts it watches."""
    held = MasterFeed.objects.filter(leased_until__gt=now).values_list("leased_by")
    return list(held.annotate(Count("pk")).order_by("leased_by"))
