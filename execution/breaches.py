"""Limits that were reached: written down once for each cause and day, and a day's loss pauses copying."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from exchanges.rounding import plain
from execution.day_results import write_openings
from execution.decisions import Denied
from execution.orders import Order
from execution.usage import allowances_of
from ledger.pnl import PLACES
from risk.checks import Allowance, Denial, daily_loss
from risk.days import day_of
from risk.models import Breach, RiskLimits, SubscriptionLimits
from subscriptions.locks import lock_live_of
from subscriptions.models import Subscription
from subscriptions.services import pause_for_loss

log = structlog.get_logger(__name__)

# As much as the books keep.
LARGEST = Decimal(10) ** 17


def write_denied(denied: Sequence[Denied], *, now: datetime) -> None:
    """In the claim's own transaction: nothing is asked where nothing was denied by a number."""
    numbered = [one for one in denied if one.denial.limit is not None]
    if not numbered:
        return
    zones = dict(
        User.objects.filter(pk__in={one.follower_id for one in numbered}).values_list("pk", "time_zone")
    )
    Breach.objects.bulk_create(
        [
            _breach(one.allowance, one.denial, one.follower_id, zones[one.follower_id], now, one.order)
            for one in numbered
        ],
        ignore_conflicts=True,
    )


def _breach(
    allowance: Allowance,
    denial: Denial,
    user_id: int,
    time_zone: str,
    now: datetime,
    order: Order | None = None,
) -> Breach:
    return Breach(
        user_id=user_id,
        subscription_id=allowance.subscription_id,
        rule=denial.rule,
        copy_id=order.subscription_id if order else None,
        client_order_id=order.client_order_id if order else "",
        limit=_kept(denial.limit),
        value=_kept(denial.value),
        currency=allowance.limits.currency,
        day=day_of(now, time_zone),
        at=now,
    )


def write_stop(subscription: Subscription, result: Decimal, *, now: datetime) -> None:
    """A copy's stop-loss was reached, in the transaction that pauses it."""
    percent = subscription.stop_loss_percent or Decimal(0)
    Breach.objects.bulk_create(
        [
            Breach(
                user_id=subscription.follower_id,
                subscription=subscription,
                rule="stop_loss",
                limit=_kept(percent * subscription.allocation / 100),
                value=_kept(-result),
                currency=subscription.strategy.quote,
                day=day_of(now, subscription.follower.time_zone),
                at=now,
                paused_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def _kept(number: Decimal | None) -> Decimal:
    return min(number or Decimal(0), LARGEST).quantize(PLACES, ROUND_HALF_EVEN)


# --- A day's loss -------------------------------------------------------------------------------------


def watch_losses(*, now: datetime) -> int:
    """Pause what has lost as much as its owner allows for a day; how many limits were reached.

    Two queries where nobody limits it.
    """
    users = RiskLimits.objects.exclude(max_daily_loss=None)
    own = SubscriptionLimits.objects.exclude(max_daily_loss=None).exclude(
        subscription__status=Subscription.Status.CLOSED
    )
    limits_of_users = users.by_user(users.values_list("user_id", flat=True))
    owners = dict(own.values_list("subscription_id", "subscription__follower_id"))
    limits_of_copies = own.by_subscription(owners)
    allowances = allowances_of(limits_of_users, limits_of_copies, now=now)
    write_openings(allowances.new_days)
    return sum(_judge(user_id, allowance, now) for user_id, allowance in allowances.of_users.items()) + sum(
        _judge(owners[key], allowance, now) for key, allowance in allowances.of_copies.items()
    )


def _judge(user_id: int, allowance: Allowance, now: datetime) -> bool:
    result = allowance.usage.day_result
    # A price that is not known is no loss: entries wait for it, nothing is paused.
    denial = None if result is None else daily_loss(allowance.limits, result)
    return denial is not None and _stop_for_the_day(user_id, allowance, denial, now)


def _stop_for_the_day(user_id: int, allowance: Allowance, denial: Denial, now: datetime) -> bool:
    """Once a day: who resumes afterwards is not paused again, but the limit still denies entries."""
    user = User.objects.get(pk=user_id)
    with transaction.atomic(durable=True):
        rows = lock_live_of(user)
        breach = _breach(allowance, denial, user_id, user.time_zone, now)
        identity = ("user_id", "subscription_id", "rule", "day")
        same = {name: getattr(breach, name) for name in identity}
        if Breach.objects.filter(**same).exists():
            # An entry that was denied may have come first: then nothing is paused yet.
            if not Breach.objects.filter(**same, paused_at=None).update(paused_at=now):
                return False
        else:
            breach.paused_at = now
            breach.save(force_insert=True)
        concerned = [row.pk for row in rows if allowance.subscription_id in (None, row.pk)]
        paused = pause_for_loss(subscription_ids=concerned, numbers=_numbers(breach), now=now)
    log.warning("daily_loss_reached", user=str(user.public_id), paused=paused)
    return True


def _numbers(breach: Breach) -> str:
    return _(
        "You lost %(value)s %(currency)s since your day began; your limit is %(limit)s %(currency)s."
    ) % {
        "value": plain(round(breach.value, 2)),
        "limit": plain(breach.limit),
        "currency": breach.currency,
    }
