"""Copy stop-loss and take-profit: a subscription whose result reaches its level is paused and sold, once.

Watched by the workers' sweep. Whoever is killed after the commit has lost nothing: the orders are rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from execution import notices
from execution.breaches import write_stop
from execution.endings import Work
from execution.leaving import exit_of_all
from execution.models import CopyOrder
from ledger.models import Position
from ledger.valuation import worth_of
from subscriptions.locks import lock_subscription
from subscriptions.models import Subscription
from subscriptions.services import stop

log = structlog.get_logger(__name__)

# The sweep looks each second: of one subscription it is said once a minute.
LOGGED_EVERY = timedelta(minutes=1)
_logged_at: dict[int, datetime] = {}


def watch_levels(*, now: datetime) -> Work:
    """Stop every subscription that is beyond its level at fresh prices; three queries where none is."""
    # What holds nothing cannot move, and what still sells for an earlier stop is not stopped again.
    holds = Position.objects.open().filter(subscription=OuterRef("pk"))
    selling = CopyOrder.objects.live().filter(subscription=OuterRef("pk"), origin=CopyOrder.Origin.STOP)
    watched = Subscription.objects.with_levels().filter(Exists(holds), ~Exists(selling))
    rows = list(watched.select_related("exchange_account").order_by("pk"))
    worth = worth_of(rows, now=now)
    work = Work()
    unknown = []
    for row in rows:
        result = worth[row.pk].pnl
        if result is None:
            unknown.append(row.pk)
        elif row.level_reached(result):
            work.exits += _stop(row.pk, now)
    _log_unwatched(unknown, now)
    return work


def _log_unwatched(subscription_ids: Sequence[int], now: datetime) -> None:
    """A price that is not known is no loss: nothing is triggered, but nobody is protected either."""
    for key in [key for key, at in _logged_at.items() if at <= now - LOGGED_EVERY]:
        del _logged_at[key]
    new = [key for key in subscription_ids if key not in _logged_at]
    if new:
        _logged_at.update(dict.fromkeys(new, now))
        log.error("levels_not_watched", subscriptions=new)


def _stop(subscription_id: int, now: datetime) -> list[int]:
    """Pause and write the orders that sell, together; of two that race, the second finds it done."""
    with transaction.atomic(durable=True):
        row = lock_subscription(subscription_id)
        if not Subscription.objects.with_levels().filter(pk=row.pk).exists():
            return []
        result = worth_of([row], now=now)[row.pk].pnl
        level = None if result is None else row.level_reached(result)
        if result is None or level is None:
            return []
        stop(subscription=row, now=now)
        notices.tell_of_stop(row, level, result, now=now)
        if level == "stop_loss":
            write_stop(row, result, now=now)
        earlier = CopyOrder.objects.filter(subscription=row, origin=CopyOrder.Origin.STOP)
        number = (earlier.aggregate(last=Max("origin_number"))["last"] or 0) + 1
        orders = CopyOrder.objects.bulk_create(
            exit_of_all(row, symbol, origin=CopyOrder.Origin.STOP, number=number, now=now)
            for symbol in _symbols(row)
        )
    log.warning("subscription_stopped", subscription=str(row.public_id), reached=level, result=str(result))
    return [order.pk for order in orders]


def _symbols(subscription: Subscription) -> list[str]:
    """What is held, and what an entry under way may still buy: the exit waits for it."""
    held = Position.objects.open().filter(subscription=subscription).values_list("symbol", flat=True)
    entries = CopyOrder.objects.live().filter(subscription=subscription, kind=CopyOrder.Kind.ENTRY)
    return sorted({*held, *entries.values_list("symbol", flat=True)})
