"""`/metrics`: what all processes counted, and what the database and the broker know now."""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterator
from pathlib import Path

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis import RedisError

from compliance.metrics import AuditCollector
from copytrade import self_checks, shared_counts, standing
from rest.addresses import client_ip, within

log = structlog.get_logger(__name__)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG and not _may_read(request):
        raise PermissionDenied
    return HttpResponse(scrape(), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    """By the token, or from one of the networks: this machine's own unless others are named."""
    given = request.headers.get("Authorization", "")
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and hmac.compare_digest(given.encode(), expected.encode()):
        return True
    address = client_ip(request)
    # What a proxy passes on comes from elsewhere, also where nobody has named that proxy.
    is_passed_on = "X-Forwarded-For" in request.headers and not settings.TRUSTED_PROXIES
    return address is not None and not is_passed_on and within(address, settings.METRICS_NETWORKS)


def scrape() -> bytes:
    registry = CollectorRegistry()
    registry.register(StandingCollector())
    registry.register(AuditCollector())
    if shared_counts.VARIABLE not in os.environ:
        return generate_latest(registry) + generate_latest(REGISTRY)
    folder = Path(os.environ[shared_counts.VARIABLE])
    MultiProcessCollector(registry, str(folder))
    with shared_counts.locked(folder, fcntl.LOCK_SH):
        return generate_latest(registry)


class StandingCollector(Collector):
    """Asked at each scrape: a process that stopped could not tell."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        try:
            yield _gauge(
                "copytrade_queue_depth",
                "Messages that wait for a worker.",
                "queue",
                standing.queue_depths(),
            )
            checks = self_checks.last_results()
            yield _gauge(
                "copytrade_self_check_differences",
                "What the last nightly check of audit chain, books, or books against exchanges found.",
                "check",
                {check: float(last.differences) for check, last in checks.items()},
            )
            yield _gauge(
                "copytrade_self_check_age_seconds",
                "Since when that check has not run.",
                "check",
                {check: (now - last.at).total_seconds() for check, last in checks.items()},
            )
        except RedisError as error:
            log.warning("queues_not_counted", error=type(error).__name__)
        yield _gauge(
            "copytrade_exchange_held_back",
            "Addresses of ours from which nothing is sent to the exchange: it asked for a pause or is away.",
            "exchange",
            standing.held_back(),
        )
        try:
            yield _gauge(
                "copytrade_master_feed_age_seconds",
                "Since when nothing was heard of the master account that is silent the longest.",
                "exchange",
                standing.feed_ages(now),
            )
            orders = standing.orders(now)
        except DatabaseError as error:
            # No number is not zero.
            log.warning("standing_not_read", error=type(error).__name__)
            return
        yield _plain("copytrade_orders_unknown", "Orders whose fate only the venue knows.", orders.unknown)
        yield _plain("copytrade_orders_waiting", "Orders that should be on their way by now.", orders.waiting)
        yield _plain("copytrade_order_wait_seconds", "How long the first of them waits.", orders.wait_seconds)

    def describe(self) -> list[Metric]:
        """Nothing is asked when it is registered."""
        return []


def _gauge(name: str, text: str, label: str, numbers: dict[str, float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value, number in numbers.items():
        gauge.add_metric([value], number)
    return gauge


def _plain(name: str, text: str, number: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=number)
