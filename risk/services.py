"""What a person allows at most, and the switch that stops everything."""

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
from risk.models import KillSwitch, RiskLimits
from subscriptions.services import lock_live_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of a person's limits; None = no limit. Amounts in `currency`."""

    currency: str = "USDT"
    max_order_notional: Decimal | None = None
    max_open_notional: Decimal | None = None
    max_slippage_bps: int | None = None
    symbols_blocked: list[str] = field(default_factory=list)
    kill_switch: str = KillSwitch.OFF


def limits_of(user: User) -> RiskLimits:
    """The row, or an unsaved one without limits."""
    return RiskLimits.objects.filter(user=user).first() or RiskLimits(user=user)


def replace_limits(*, user: User, wanted: Wanted, now: datetime, origin: Origin | None = None) -> RiskLimits:
    """Set all limits anew. Every claim after the commit obeys them."""
    with transaction.atomic(durable=True):
        # A claim holds its subscriptions' locks while it reads the limits: whoever has all of a
        # person's locks knows that no claim of theirs is still at work on older ones.
        lock_live_of(user)
        before = RiskLimits.objects.filter(user=user).values_list("kill_switch", flat=True).first()
        limits, _created = RiskLimits.objects.update_or_create(
            user=user, defaults={**asdict(wanted), "updated_at": now}
        )
        if (before or KillSwitch.OFF) != wanted.kill_switch:
            _record(user, wanted.kill_switch, origin)
            telling.kill_switch_set(user, wanted.kill_switch, now=now)
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
            _record(user, mode, origin)
            telling.kill_switch_set(user, mode, now=now)
    return limits


def _record(user: User, mode: str, origin: Origin | None) -> None:
    audit.record(
        Action.KILL_SWITCH_CHANGE,
        origin=origin or Origin(actor=str(user.public_id)),
        object=str(user.public_id),
        detail={"kill_switch": str(mode)},
    )
