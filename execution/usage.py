"""What is used of limits, gathered for many copies at once, under a lock so that no two claims pass together.

Nothing is asked for people and copies whose limits need no counting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT
from execution.counted import (
    Copies,
    CountedCopy,
    add_open_notional,
    add_open_positions,
    add_orders_today,
    counted_copies,
)
from execution.day_results import add_day_results, write_openings
from ledger.models import Mark
from risk.checks import Allowance, Limits, Usage
from risk.models import DayOpening, RiskLimits, limits_of_copies, limits_of_users
from risk.rates import Rates, symbols_between
from subscriptions.relations import Relation

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Allowances:
    """Limits with what is used of them, by person and by copy, and the rates to judge them by.

    `new_days` is what days began with that nobody has written down yet.
    """

    of_users: Mapping[int, Allowance] = field(default_factory=dict)
    of_copies: Mapping[int, Allowance] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    new_days: Sequence[DayOpening] = ()

    def over(self, *, follower_id: int, subscription_id: int) -> list[Allowance]:
        """Those that hold for a copy: its owner's, and its own."""
        if not self.of_users and not self.of_copies:
            return []
        both = self.of_users.get(follower_id), self.of_copies.get(subscription_id)
        return [allowance for allowance in both if allowance]


def lock_allowances(relations: Mapping[int, Relation], quotes: Iterable[str], *, now: datetime) -> Allowances:
    """For these copies, which the caller has locked, and orders in these quotes.

    The rows of people's limits are locked after the copies: claims of one person come one after the other.
    """
    users = limits_of_users({row.follower_id for row in relations.values()})
    own = limits_of_copies(relations)
    counted = {key for key, limits in users.items() if limits.is_counted}
    if counted:
        list(RiskLimits.objects.select_for_update(no_key=True).filter(user_id__in=counted).order_by("pk"))
    allowances = allowances_of(users, own, quotes, now=now)
    write_openings(allowances.new_days)
    return allowances


def allowances_of(
    users: Mapping[int, Limits], own: Mapping[int, Limits], quotes: Iterable[str] = (), *, now: datetime
) -> Allowances:
    """These limits, by person and by copy, with what is used; `quotes` are those of orders to come.

    Stores nothing.
    """
    limits = [*users.values(), *own.values()]
    if not limits:
        return Allowances()
    copies = counted_copies(
        [key for key, one in users.items() if one.is_counted],
        [key for key, one in own.items() if one.is_counted],
        now=now,
    )
    new_days = _count(copies, limits, now)
    rates = _rates(limits, {copy.quote for copy in copies.values()} | set(quotes), now)
    of_user = defaultdict(list)
    for copy in copies.values():
        of_user[copy.follower_id].append(copy)
    return Allowances(
        {key: Allowance(one, usage_of(of_user[key], one, rates)) for key, one in users.items()},
        {
            key: Allowance(one, usage_of([copies[key]] if key in copies else [], one, rates), key)
            for key, one in own.items()
        },
        rates,
        new_days,
    )


def _count(copies: Copies, limits: Sequence[Limits], now: datetime) -> list[DayOpening]:
    if any(one.max_open_notional is not None for one in limits):
        add_open_notional(copies)
    if any(one.max_open_positions is not None for one in limits):
        add_open_positions(copies)
    if any(one.max_orders_per_day is not None for one in limits):
        add_orders_today(copies, now=now)
    if any(one.max_daily_loss is not None for one in limits):
        return add_day_results(copies, now=now)
    return []


def _rates(limits: Iterable[Limits], quotes: set[str], now: datetime) -> Rates:
    symbols = {
        symbol for one in limits for quote in quotes for symbol in symbols_between(quote, one.currency)
    }
    if not symbols:
        return Rates()
    return Rates(Mark.objects.fresh(now=now).filter(symbol__in=symbols).middles())


def usage_of(copies: Iterable[CountedCopy], limits: Limits, rates: Rates) -> Usage:
    """Summed in the limits' currency; unknown as soon as one part is."""
    usage = Usage()
    with localcontext(EXACT):
        for copy in copies:
            rate = rates.rate(copy.quote, limits.currency)
            usage.open_positions |= copy.open_positions
            usage.orders_today += copy.orders_today
            usage.open_notional = _plus(usage.open_notional, copy.open_notional, rate)
            usage.day_result = _plus(usage.day_result, copy.day_result, rate)
    return usage


def _plus(total: Decimal | None, amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    if amount == 0:
        return total
    return None if total is None or amount is None or rate is None else total + amount * rate
