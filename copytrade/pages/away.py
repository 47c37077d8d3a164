"""While you were away: what became of a person's copies since a dashboard of theirs was last on a screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Case, DecimalField, ExpressionWrapper, F, Max, Value, When

from accounts.models import User
from copytrade.pages.outcomes import Tally, tally_of
from execution.models import CopyOrder, CopyOrderQuerySet

WRITTEN_EACH = timedelta(minutes=1)
# Who was gone for less has not been away.
SHORTEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Away:
    """`worst` is the worst slippage, in basis points; None: nothing was filled."""

    since: datetime
    tally: Tally
    worst: Decimal | None


def note_look(user: User, *, now: datetime) -> None:
    if user.looked_at is None or now - user.looked_at >= WRITTEN_EACH:
        User.objects.filter(pk=user.pk).update(looked_at=now)


def away_of(user: User, *, now: datetime) -> Away | None:
    """To be asked before the look is noted; None where there is nothing to tell."""
    since = user.looked_at
    if since is None or now - since < SHORTEST:
        return None
    orders = CopyOrder.objects.of_follower(user.pk).filter(created_at__gte=since)
    tally = tally_of(orders)
    return Away(since, tally, _worst(orders)) if tally.total else None


def _worst(orders: CopyOrderQuerySet) -> Decimal | None:
    average = F("filled_cost") / F("filled_amount")
    worse = Case(When(side="buy", then=average - F("master_price")), default=F("master_price") - average)
    bps = ExpressionWrapper(worse * Value(10_000) / F("master_price"), output_field=DecimalField())
    worst: Decimal | None = orders.filter(filled_amount__gt=0, master_price__gt=0).aggregate(n=Max(bps))["n"]
    return worst
