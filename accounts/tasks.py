"""What runs at its time."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import audit_upkeep


@shared_task
def purge_audit() -> None:
    """Each day."""
    audit_upkeep.purge_audit(now=timezone.now())


@shared_task
def mail_audit_head() -> None:
    """Each day."""
    audit_upkeep.mail_audit_head(now=timezone.now())
