"""What runs at its time and reaches over all apps."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from copytrade import erasing, history, self_checks


@shared_task
def erase_leaving() -> None:
    """Each hour."""
    erasing.erase_leaving(now=timezone.now())


@shared_task
def check_itself(check: str) -> None:
    """One of the nightly checks, by name."""
    self_checks.run(check, now=timezone.now())


@shared_task
def take_sample() -> None:
    """Each minute, for the operators' charts."""
    history.take(now=timezone.now())
