"""What counts of copies for limits: money at work, positions, orders of the day. For many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Sum

from execution.models import CopyOrder
from execution.states import AT_THE_VENUE
from ledger.models import Position
from risk.checks import SubPositionKey
from risk.days import day_start
from subscriptions.models import Subscription

ZERO = Decimal(0)
LONGEST_DAY = timedelta(hours=25)


@dataclass(slots=True)
class CountedCopy:
    """A copy, and what counts of it for limits; money in its quote. `day_result` None: a price is missing."""

    id: int
    follower_id: int
    quote: str
    exchange: str
    time_zone: str
    realised_pnl: Decimal
    open_notional: Decimal
    open_positions: set[SubPositionKey] = field(default_factory=set)
    orders_today: int = 0
    day_result: Decimal | None = ZERO


Copies = dict[int, CountedCopy]


def counted_copies(user_ids: Iterable[int], subscription_ids: Iterable[int], *, now: datetime) -> Copies:
    """All that these people copy, or copied yet today, and these; nothing is asked where there is nobody."""
    users, subscriptions = list(user_ids), list(subscription_ids)
    if not users and not subscriptions:
        return {}
    # No day is longer than 25 hours; what ended a little earlier adds nothing.
    ended_today = Q(closed_at__gte=now - LONGEST_DAY)
    rows = Subscription.objects.filter(Q(follower_id__in=users) | Q(pk__in=subscriptions))
    values = rows.exclude(Q(status=Subscription.Status.CLOSED) & ~ended_today).values_list(
        "pk",
        "follower_id",
        "strategy__quote",
        "exchange_account__exchange",
        "follower__time_zone",
        "realised_pnl",
        "reserved",
    )
    return {row[0]: CountedCopy(*row) for row in values}


def add_open_notional(copies: Copies) -> None:
    """Cost of open positions, beside the cash that is reserved for entries."""
    held = Position.objects.open().filter(subscription__in=list(copies))
    for key, cost in held.values_list("subscription").annotate(Sum("cost")):
        copies[key].open_notional += cost


def add_open_positions(copies: Copies) -> None:
    """What is held and meant to be, and what an entry at a venue may open. A sold position's rest is none."""
    held = Position.objects.open().filter(subscription__in=list(copies), target__gt=0)
    entries = CopyOrder.objects.filter(
        subscription__in=list(copies), kind=CopyOrder.Kind.ENTRY, status__in=AT_THE_VENUE
    )
    for rows in (held, entries):
        for key, symbol in rows.values_list("subscription_id", "symbol"):
            copies[key].open_positions.add((key, symbol))


def add_orders_today(copies: Copies, *, now: datetime) -> None:
    """Orders of the day, where its owner lives, that have left."""
    for start, keys in by_day_start(copies, now=now).items():
        sent = CopyOrder.objects.filter(subscription__in=keys, created_at__gte=start, attempt__gt=0)
        for key, count in sent.values_list("subscription").annotate(Count("pk")):
            copies[key].orders_today = count


def by_day_start(copies: Copies, *, now: datetime) -> dict[datetime, list[int]]:
    """Copies by the moment at which their owner's day began: at most one for each time zone."""
    starts = defaultdict(list)
    for key, copy in copies.items():
        starts[day_start(now, copy.time_zone)].append(key)
    return starts
