"""What runs at its time."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from subscriptions import services


@shared_task
def pause_unapproved() -> None:
    """Every few seconds: a lost approval stops buying with real money, a suspension all buying."""
    now = timezone.now()
    services.pause_unapproved(now=now)
    services.pause_suspended(now=now)
