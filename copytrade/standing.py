"""How the platform stands now, by the database and the broker: for metrics and for the operators' page."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings
from django.db.models import Count, Min

from copytrade.celery import QUEUES
from execution.models import CopyOrder, MasterFeed
from execution.states import Status

BROKER_SECONDS = 2


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


def orders(now: datetime) -> Orders:
    unknown = CopyOrder.objects.live().filter(status=Status.UNKNOWN).count()
    due = CopyOrder.objects.due(now=now).aggregate(count=Count("pk"), first=Min("due_at"))
    wait = (now - due["first"]).total_seconds() if due["first"] else 0.0
    return Orders(unknown, due["count"], wait)
