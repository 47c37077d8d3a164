"""How much of each limit is used: what a meter beside it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils.functional import Promise

from copytrade.pages.limits_form import LABELS
from copytrade.templatetags.ui import money, quantity
from execution.models import CopyOrder
from ledger.models import Position, Trade
from risk.checks import Limits
from subscriptions.models import Subscription

MONEY = frozenset({"max_order_notional", "max_open_notional", "max_daily_loss"})


@dataclass(frozen=True, slots=True)
class Meter:
    """A limit that is set, and what of it is used."""

    label: str | Promise
    used: Decimal
    limit: Decimal
    unit: str

    @property
    def full(self) -> bool:
        return self.used >= self.limit

    @property
    def width(self) -> int:
        """Of a meter that is 100 wide."""
        if not self.limit:
            return 100
        return int(min(Decimal(100), max(Decimal(0), 100 * self.used / self.limit)))

    @property
    def shown(self) -> tuple[str, str]:
        form = money if self.unit else quantity
        return form(self.used), form(self.limit)


def meters_of(limits: Limits, *, user_id: int, since: datetime) -> list[Meter]:
    """For each limit that is set and can be measured; `since` is the beginning of the person's day."""
    used = _used(limits.currency, user_id=user_id, since=since)
    asked = {name: getattr(limits, name, None) for name in used}
    return [
        Meter(LABELS[name], used[name], Decimal(limit), limits.currency if name in MONEY else "")
        for name, limit in asked.items()
        if limit is not None
    ]


def _used(currency: str, *, user_id: int, since: datetime) -> Mapping[str, Decimal]:
    """Four queries. Amounts are of copies in the limits' currency."""
    mine = Subscription.objects.owned_by(user_id).live()
    held = Position.objects.open().filter(subscription__in=mine)
    open_now: dict[str, Any] = held.aggregate(
        n=Count("pk"), cost=Sum("cost", filter=Q(strategy__quote=currency), default=Decimal(0))
    )
    reserved = mine.filter(strategy__quote=currency).aggregate(n=Sum("reserved", default=Decimal(0)))["n"]
    today: dict[str, Any] = (
        CopyOrder.objects.of_follower(user_id)
        .filter(created_at__gte=since, attempt__gt=0)
        .aggregate(n=Count("pk"), largest=Max("filled_cost", filter=Q(strategy__quote=currency)))
    )
    realised = Trade.objects.of_follower(user_id).filter(at__gte=since, strategy__quote=currency)
    result: Decimal = realised.aggregate(n=Sum("realised_pnl", default=Decimal(0)))["n"]
    return {
        "max_order_notional": today["largest"] or Decimal(0),
        "max_open_notional": open_now["cost"] + reserved,
        "max_daily_loss": max(Decimal(0), -result),
        "max_open_positions": Decimal(open_now["n"]),
        "max_orders_per_day": Decimal(today["n"]),
    }
