"""What runs at its time."""

from __future__ import annotations

from celery import shared_task

from subscriptions import services


@shared_task
def pause_unapproved() -> None:
    """Every few seconds: a lost approval stops buying with real money, a suspension all buying."""
    services.pause_unapproved()
    services.pause_suspended()
