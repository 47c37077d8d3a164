"""How a copy ends. What must be awaited or sold before is execution's to know: execution/leaving.py."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from subscriptions import telling
from subscriptions.history import note
from subscriptions.masters import release_if_unfollowed
from subscriptions.models import History, Subscription

log = structlog.get_logger(__name__)


def start_closing(
    *, subscription: Subscription, positions: str, by_id: int | None, reason: str = "", now: datetime
) -> None:
    """Nothing is bought from here on. `positions` is `keep` or `close`. The caller holds the row's lock."""
    if subscription.status != Subscription.Status.CLOSING:
        note([subscription], History.Act.CLOSING, by_id=by_id, reason=reason, now=now)
    subscription.status = Subscription.Status.CLOSING
    subscription.on_unsubscribe = positions
    subscription.save(update_fields=["status", "on_unsubscribe"])


def end(*, subscription: Subscription, now: datetime) -> None:
    """Closed for good. The caller holds it by `lock_to_end` and knows that nothing is left to do."""
    subscription.status, subscription.closed_at = Subscription.Status.CLOSED, now
    subscription.save(update_fields=["status", "closed_at"])
    note([subscription], History.Act.CLOSED, by_id=None, now=now)
    telling.closed(subscription, now=now)
    release_if_unfollowed(strategy=subscription.strategy)


def reopen(*, subscription_ids: Iterable[int], now: datetime) -> None:
    """Take closed ones, into which a late fill came, back to `closing`. The caller holds the rows' locks."""
    for subscription_id in subscription_ids:
        try:
            with transaction.atomic():
                closed = Subscription.objects.filter(pk=subscription_id, status=Subscription.Status.CLOSED)
                note(closed, History.Act.REOPENED, by_id=None, reason="late_fill", now=now)
                closed.update(
                    status=Subscription.Status.CLOSING,
                    closed_at=None,
                    closing_number=F("closing_number") + 1,
                )
        except IntegrityError:
            # Its account follows the strategy anew, and an account follows it once: a person decides.
            log.error("fill_after_closing_stays", subscription_id=subscription_id)
        else:
            log.warning("reopened_by_a_fill", subscription_id=subscription_id)
