"""What runs at its time."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from wallets import checking


@shared_task
def check_exchange_accounts() -> None:
    """Each minute, those whose day is over."""
    checking.check_due_accounts(now=timezone.now())
