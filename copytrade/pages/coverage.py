"""What copies had to account for, counted twice: by signals' numbers and by orders."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Sum

from copytrade.pages.outcomes import Tally, tally_of
from execution.models import CopyOrder
from subscriptions.models import Subscription, SubscriptionQuerySet


@dataclass(frozen=True, slots=True)
class Coverage:
    """Signals go on after a copy has ended, so an ended one counts by its orders alone."""

    signals: int
    tally: Tally

    @property
    def missing(self) -> int:
        return max(0, self.signals - self.tally.total)


def coverage_of(copies: SubscriptionQuerySet) -> Coverage:
    """Three queries, however many copies."""
    numbers = F("strategy__last_signal_number") - F("starts_after_number")
    signals = copies.live().aggregate(n=Sum(numbers))["n"] or 0
    orders = CopyOrder.objects.filter(subscription__in=copies, origin=CopyOrder.Origin.SIGNAL, part=1)
    of_ended = orders.filter(subscription__status=Subscription.Status.CLOSED).count()
    return Coverage(signals=signals + of_ended, tally=tally_of(orders))
