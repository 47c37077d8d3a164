"""What operators see of the record."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from compliance.models import unsealed


class AuditCollector(Collector):
    """Counted at each scrape: a process that stopped sealing could not tell."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "copytrade_audit_unsealed", "Audit records that wait for their place in the chain."
        )
        try:
            gauge.add_metric([], unsealed())
        except DatabaseError:
            return  # No number is not zero.
        yield gauge

    def describe(self) -> list[Metric]:
        """Nothing is asked when it is registered."""
        return []
