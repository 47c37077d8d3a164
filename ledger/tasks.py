"""What runs at its time."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from ledger import statistics
from ledger.bills import services as bills


@shared_task
def refresh_statistics() -> None:
    """Every minute: the figures that are three minutes old."""
    statistics.refresh_due(now=timezone.now())


@shared_task
def settle_fees() -> None:
    """Every ten minutes: of months that ended and of copies that were left."""
    bills.settle_due(now=timezone.now())
