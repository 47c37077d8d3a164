"""How much of each limit is used: what a meter beside it shows. Counted as the claims count it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Max
from django.utils import timezone
from django.utils.functional import Promise

from copytrade.pages.limits_form import LABELS
from copytrade.templatetags.ui import DASH, money, quantity
from execution.models import CopyOrder, CopyOrderQuerySet
from execution.usage import allowances_of
from risk.checks import Limits, Usage
from subscriptions.models import Subscription

MONEY = frozenset({"max_order_notional", "max_open_notional", "max_daily_loss"})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Meter:
    """A limit that is set, and what of it is used; `used` None: a price that it takes is not known."""

    rule: str
    used: Decimal | None
    limit: Decimal
    unit: str

    @property
    def label(self) -> str | Promise:
        return LABELS[self.rule]

    @property
    def full(self) -> bool:
        return self.used is not None and self.used >= self.limit

    @property
    def width(self) -> int:
        """Of a meter that is 100 wide."""
        if self.used is None:
            return 0
        if not self.limit:
            return 100
        return int(min(Decimal(100), max(ZERO, 100 * self.used / self.limit)))

    @property
    def shown(self) -> tuple[str, str]:
        form = money if self.unit else quantity
        return DASH if self.used is None else form(self.used), form(self.limit)


def meters_of(limits: Limits, *, user_id: int, now: datetime) -> list[Meter]:
    """For each limit of a person that is set and can be measured."""
    usage = allowances_of({user_id: limits}, {}, now=now).of_users[user_id].usage
    return _meters(limits, usage, CopyOrder.objects.of_follower(user_id))


def meters_of_copy(limits: Limits, *, subscription: Subscription, now: datetime) -> list[Meter]:
    """The same of one copy's own limits."""
    usage = allowances_of({}, {subscription.pk: limits}, now=now).of_copies[subscription.pk].usage
    return _meters(limits, usage, CopyOrder.objects.filter(subscription=subscription))


def _meters(limits: Limits, usage: Usage, orders: CopyOrderQuerySet) -> list[Meter]:
    used = _used(limits, usage, orders)
    asked = {name: getattr(limits, name) for name in LABELS if name in used}
    return [
        Meter(name, used[name], Decimal(limit), limits.currency if name in MONEY else "")
        for name, limit in asked.items()
        if limit is not None
    ]


def _used(limits: Limits, usage: Usage, orders: CopyOrderQuerySet) -> Mapping[str, Decimal | None]:
    return {
        "max_order_notional": _largest_today(limits, orders),
        "max_open_notional": usage.open_notional,
        "max_daily_loss": None if usage.day_result is None else max(ZERO, -usage.day_result),
        "max_open_positions": Decimal(len(usage.open_positions)),
        "max_orders_per_day": Decimal(usage.orders_today),
    }


def _largest_today(limits: Limits, orders: CopyOrderQuerySet) -> Decimal:
    """Of the entries, which alone are limited, in the limits' currency; asked where there is a limit."""
    if limits.max_order_notional is None:
        return ZERO
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    today = orders.filter(created_at__gte=midnight, attempt__gt=0, kind=CopyOrder.Kind.ENTRY)
    largest: Decimal | None = today.filter(strategy__quote=limits.currency).aggregate(n=Max("filled_cost"))[
        "n"
    ]
    return largest or ZERO
