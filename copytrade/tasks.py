"""What runs at its time and reaches over all apps."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from copytrade import erasing


@shared_task
def erase_leaving() -> None:
    """Each hour."""
    erasing.erase_leaving(now=timezone.now())
