"""Switches of the staff's: after the commit of one nothing new leaves where it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from records.bulk import select
from risk.models import PlatformSwitch
from strategies.models import Strategy

# Claims share this lock of the database's; who sets a switch has it alone, and so waits for all of them.
LOCK = 7_303_014
_SHARE = f"SELECT pg_advisory_xact_lock_shared({LOCK})::text"
_ALONE = f"SELECT pg_advisory_xact_lock({LOCK})"
_IN_FORCE = "SELECT exchange, strategy_id, mode FROM risk_platformswitch WHERE lifted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Stop:
    """A switch in force. An empty exchange and no strategy: everywhere."""

    exchange: str
    strategy_id: int | None
    mode: str

    def holds(self, exchange: str, strategy_id: int) -> bool:
        return self.exchange in ("", exchange) and self.strategy_id in (None, strategy_id)


def stops_in_force() -> list[Stop]:
    """Until the caller's transaction ends none is added or lifted."""
    # Two statements: the second sees what was committed while the first waited.
    select(_SHARE)
    return [Stop(*row) for row in select(_IN_FORCE)]


def mode_at(stops: Iterable[Stop], exchange: str, strategy_id: int) -> str:
    """`off`, or the strictest of the switches that hold there."""
    modes = {stop.mode for stop in stops if stop.holds(exchange, strategy_id)}
    return "freeze" if "freeze" in modes else "close_only" if modes else "off"


def stop_platform(
    *,
    staff: User,
    mode: str,
    reason: str,
    now: datetime,
    exchange: str = "",
    strategy: Strategy | None = None,
    origin: Origin | None = None,
) -> PlatformSwitch:
    """Stop a place, or change how it is stopped. Every claim after the (caller's) commit obeys."""
    with transaction.atomic():
        _lock_alone()
        switch, _created = PlatformSwitch.objects.update_or_create(
            exchange=exchange,
            strategy=strategy,
            lifted_at=None,
            defaults={"mode": mode, "reason": reason, "set_by": staff, "set_at": now},
        )
        _record(switch, mode, origin or Origin(actor=str(staff.public_id)))
    return switch


def lift(*, switch: PlatformSwitch, staff: User, now: datetime, origin: Origin | None = None) -> bool:
    """Let trading go on there; whether it was still stopped."""
    with transaction.atomic():
        _lock_alone()
        is_first = bool(PlatformSwitch.objects.in_force().filter(pk=switch.pk).update(lifted_at=now))
        if is_first:
            _record(switch, "off", origin or Origin(actor=str(staff.public_id)))
    return is_first


def _lock_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ALONE)


def _record(switch: PlatformSwitch, mode: str, origin: Origin) -> None:
    audit.record(
        Action.KILL_SWITCH_CHANGE,
        origin=origin,
        object=f"platform {switch.public_id}",
        detail={
            "kill_switch": mode,
            "exchange": switch.exchange,
            "strategy": str(switch.strategy.public_id) if switch.strategy else "",
            "reason": switch.reason,
        },
    )
