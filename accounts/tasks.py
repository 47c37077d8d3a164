"""What runs at its time."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import audit_upkeep, token_store
from accounts.kyc import keeping, telling
from accounts.kyc import services as kyc
from accounts.notifications import delivering, mailing
from accounts.notifications.gate import Gate


@shared_task
def purge_audit() -> None:
    """Each day."""
    audit_upkeep.purge_audit(now=timezone.now())


@shared_task
def mail_audit_head() -> None:
    """Each day."""
    audit_upkeep.tell_audit_head(now=timezone.now())


@shared_task
def tell_applicants() -> None:
    """Every few seconds: what was decided about their identity."""
    telling.tell_applicants(now=timezone.now())


@shared_task
def expire_identities() -> None:
    """Each day."""
    now = timezone.now()
    kyc.expire(today=now.date(), now=now)


@shared_task
def screen_identities() -> None:
    """Each day, as the list of sanctioned people changes."""
    now = timezone.now()
    hits = kyc.screen_all(now=now)
    if hits:
        telling.tell_reviewers(hits=hits, now=now)


@shared_task
def scan_documents() -> None:
    """Every few minutes: what came in while the virus scanner was away."""
    kyc.scan_again()


@shared_task
def remove_orphaned_files() -> None:
    """Each day."""
    kyc.remove_orphans(now=timezone.now())


@shared_task
def forget_old_documents() -> None:
    """Each day: files that a decision was based on long ago."""
    keeping.forget_old_documents(now=timezone.now())


@shared_task
def tell_of_expiring_tokens() -> None:
    """Each day."""
    token_store.tell_of_expiry(now=timezone.now())


@shared_task
def mail_notifications() -> None:
    """Every few seconds: what people were told and nobody has mailed yet."""
    mailing.send_due(now=timezone.now())


@shared_task
def deliver_notifications() -> None:
    """Every few seconds: what channels still have to deliver."""
    delivering.deliver_due(now=timezone.now(), way=Gate())
