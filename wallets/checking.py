"""Looking again, each day, at what every connected key may do and what its account is worth."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from compliance.audit import SYSTEM
from wallets.models import ExchangeAccount
from wallets.services import next_check, validate_account

# So few at a time that orders keep nearly all of what a venue takes from our address.
BATCH = 20
# After this a check counts as not made: the worker died, or the venue did not answer.
AGAIN_AFTER = timedelta(hours=1)


def check_due_accounts(*, now: datetime) -> int:
    """Check a batch of those that are due; how many. Several may run at once, and none asks twice."""
    claimed = _claim(now)
    for account in ExchangeAccount.objects.connected().filter(pk__in=claimed).order_by("pk"):
        checked = validate_account(account=account, origin=SYSTEM, now=now)
        if checked.status == ExchangeAccount.Status.INVALID:
            # Its owner has been told; asking each hour with a dead key only annoys the venue.
            ExchangeAccount.objects.filter(pk=account.pk).update(check_due_at=next_check(now))
    return len(claimed)


def _claim(now: datetime) -> list[int]:
    due = ExchangeAccount.objects.due_for_a_check(now=now).order_by("check_due_at")
    with transaction.atomic():
        claimed = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
        ExchangeAccount.objects.filter(pk__in=claimed).update(check_due_at=now + AGAIN_AFTER)
    return claimed
