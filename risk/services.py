"""What a person allows at most, and the switches that stop everything."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from risk import telling
from risk.models import Breach, KillSwitch, Oversize, RiskLimits, SubscriptionLimits
from strategies.services import check_listed
from subscriptions.locks import lock_live_of, lock_subscription
from subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Wanted:
    """All limits; None or empty = no limit. Amounts in `currency`."""

    currency: str = "USDT"
    max_order_notional: Decimal | None = None
    max_open_notional: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_slippage_bps: int | None = None
    max_open_positions: int | None = None
    max_orders_per_day: int | None = None
    symbols_allowed: list[str] = field(default_factory=list)
    symbols_blocked: list[str] = field(default_factory=list)
    oversize: str = Oversize.DENY
    kill_switch: str = KillSwitch.OFF


def limits_of(user: User) -> RiskLimits:
    """The row, or an unsaved one without limits."""
    return RiskLimits.objects.filter(user=user).first() or RiskLimits(user=user)


def limits_of_copy(subscription: Subscription) -> SubscriptionLimits:
    """The row, or an unsaved one without limits."""
    found = SubscriptionLimits.objects.filter(subscription=subscription).first()
    return found or SubscriptionLimits(subscription=subscription)


def replace_limits(*, user: User, wanted: Wanted, now: datetime, origin: Origin | None = None) -> RiskLimits:
    """Set all limits anew. Every claim after the commit obeys them."""
    _check_symbols(wanted, kept=limits_of(user), user_id=user.pk)
    with transaction.atomic(durable=True):
        # A claim holds its subscriptions' locks while it reads the limits: whoever has all of a
        # person's locks knows that no claim of theirs is still at work on older ones.
        lock_live_of(user)
        before = RiskLimits.objects.filter(user=user).values_list("kill_switch", flat=True).first()
        limits, _created = RiskLimits.objects.update_or_create(
            user=user, defaults={**asdict(wanted), "updated_at": now}
        )
        if (before or KillSwitch.OFF) != wanted.kill_switch:
            _changed(user, wanted.kill_switch, origin, now)
    return limits


def replace_limits_of_copy(
    *, subscription: Subscription, wanted: Wanted, now: datetime, origin: Origin | None = None
) -> SubscriptionLimits:
    """The same for one copy."""
    _check_symbols(wanted, kept=limits_of_copy(subscription), user_id=subscription.follower_id)
    with transaction.atomic(durable=True):
        locked = lock_subscription(subscription.pk)
        rows = SubscriptionLimits.objects.filter(subscription=locked)
        before = rows.values_list("kill_switch", flat=True).first()
        limits, _created = SubscriptionLimits.objects.update_or_create(
            subscription=locked, defaults={**asdict(wanted), "updated_at": now}
        )
        if (before or KillSwitch.OFF) != wanted.kill_switch:
            by = origin or Origin(actor=str(locked.follower.public_id))
            _record(str(locked.public_id), wanted.kill_switch, by)
            telling.kill_switch_of_copy_set(locked, wanted.kill_switch, origin=by, now=now)
    return limits


def set_kill_switch(*, user: User, mode: str, now: datetime, origin: Origin | None = None) -> RiskLimits:
    """After the commit nothing new is claimed: no entry (`close_only`), or nothing at all (`freeze`)."""
    mode = KillSwitch(mode)
    with transaction.atomic(durable=True):
        lock_live_of(user)
        limits, _created = RiskLimits.objects.select_for_update().get_or_create(user=user)
        if limits.kill_switch != mode:
            limits.kill_switch, limits.updated_at = mode, now
            limits.save(update_fields=["kill_switch", "updated_at"])
            _changed(user, mode, origin, now)
    return limits


def acknowledge(*, breach: Breach, now: datetime) -> Breach:
    """A person has seen it; the first time counts."""
    Breach.objects.filter(pk=breach.pk, acknowledged_at=None).update(acknowledged_at=now)
    breach.refresh_from_db(fields=["acknowledged_at"])
    return breach


def _check_symbols(wanted: Wanted, *, kept: RiskLimits | SubscriptionLimits, user_id: int) -> None:
    """Before any lock: an exchange may be asked."""
    known = [*kept.symbols_allowed, *kept.symbols_blocked]
    for attr in ("symbols_allowed", "symbols_blocked"):
        check_listed(user_id=user_id, symbols=getattr(wanted, attr), kept=known, attr=attr)


def _changed(user: User, mode: str, origin: Origin | None, now: datetime) -> None:
    by = origin or Origin(actor=str(user.public_id))
    _record(str(user.public_id), mode, by)
    telling.kill_switch_set(user, mode, origin=by, now=now)


def _record(object: str, mode: str, origin: Origin) -> None:
    audit.record(
        Action.KILL_SWITCH_CHANGE,
        origin=origin,
        object=object,
        detail={"kill_switch": str(mode)},
    )
