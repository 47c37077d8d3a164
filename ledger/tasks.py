"""What runs at its time."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from ledger import statistics


@shared_task
def refresh_statistics() -> None:
    """Every minute: the figures that are three minutes old."""
    statistics.refresh_due(now=timezone.now())
