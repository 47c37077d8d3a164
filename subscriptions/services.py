"""What a follower may change of a copy, and what pauses it.

It starts in following.py, and ends in ending.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import User
from compliance.audit import Origin
from rest import codes
from rest.errors import Conflict
from strategies.models import Strategy
from strategies.services import ACCOUNT_INVALID, check_listed, require_kyc
from subscriptions import telling
from subscriptions.allocating import free_at_venue, reallocate
from subscriptions.following import NOT_PUBLISHED
from subscriptions.history import note
from subscriptions.locks import lock_live_of, lock_subscription
from subscriptions.models import History, Opening, Subscription
from subscriptions.telling import Why
from wallets.models import ExchangeAccount

LEVEL_STILL_REACHED = codes.declare(
    "level_still_reached",
    "What you realised is still beyond your stop-loss or take-profit: change or remove it, then resume.",
)
NOT_LIVE = codes.declare("subscription_not_live", "You are leaving, or have left, this strategy.")
PAUSED = codes.declare("subscription_paused", "Copying is paused, so nothing is bought: resume it first.")


def change_subscription(
    *,
    subscription: Subscription,
    changes: Mapping[str, Any],
    status: str | None = None,
    now: datetime,
    origin: Origin | None = None,
) -> Subscription:
    """Set what is given, `allocation` and fields of Terms, and pause or resume; all or nothing."""
    check_blocked([subscription], changes, user_id=subscription.follower_id)
    free = free_for(subscription, changes, origin, now)
    with transaction.atomic(durable=True):
        locked = lock_to_change(subscription.pk)
        apply(locked, changes=changes, status=status, free=free, by_id=locked.follower_id, now=now)
    return locked


def check_blocked(
    rows: Iterable[Subscription], changes: Mapping[str, Any], *, user_id: int, attr: str = "symbols_blocked"
) -> None:
    """Whether what is newly not to be copied is traded at all; asked before any lock, raises the refusal."""
    if "symbols_blocked" in changes:
        kept = {symbol for row in rows for symbol in (*row.symbols_blocked, *row.strategy.symbols)}
        check_listed(user_id=user_id, symbols=changes["symbols_blocked"], kept=kept, attr=attr)


def free_for(
    subscription: Subscription, changes: Mapping[str, Any], origin: Origin | None, now: datetime
) -> Decimal | None:
    """What is free at the venue, asked before any lock; None where nothing more is allocated."""
    if "allocation" not in changes or changes["allocation"] <= subscription.allocation:
        return None
    return free_at_venue(subscription.exchange_account, subscription.strategy.quote, origin, now)


def apply(
    locked: Subscription,
    *,
    changes: Mapping[str, Any],
    status: str | None,
    free: Decimal | None,
    by_id: int,
    now: datetime,
) -> bool:
    """Whether anything was changed. The caller holds the lock by `lock_to_change`."""
    wanted = {name: value for name, value in changes.items() if getattr(locked, name) != value}
    before = locked.allocation
    if "allocation" in changes:
        reallocate(locked, changes["allocation"], free)
    for name, value in wanted.items():
        setattr(locked, name, value)
    locked.save(update_fields=["cash", *wanted])
    if "allocation" in wanted:
        note([locked], History.Act.ALLOCATED, by_id=by_id, now=now, allocation_before=before)
    if wanted.keys() - {"allocation"}:
        note([locked], History.Act.CHANGED, by_id=by_id, now=now)
    if wanted:
        telling.changed(locked, by_master=by_id != locked.follower_id, now=now)
    is_moved = status is not None and status != locked.status
    _set_status(locked, status or locked.status, now, by_id=by_id)
    return bool(wanted) or is_moved


def pause(*, subscription: Subscription, now: datetime) -> Subscription:
    """Nothing more is bought; exits are still copied."""
    return _change_status(subscription, Subscription.Status.PAUSED, now)


def resume(*, subscription: Subscription, now: datetime) -> Subscription:
    return _change_status(subscription, Subscription.Status.ACTIVE, now)


def open_positions(*, subscription: Subscription, now: datetime) -> None:
    """Ask for what the master holds already to be opened. Asked again meanwhile, it is done once."""
    with transaction.atomic(durable=True):
        locked = lock_to_change(subscription.pk)
        if locked.status == Subscription.Status.PAUSED:
            raise Conflict(PAUSED)
        if locked.strategy.status != Strategy.Status.PUBLISHED:
            raise Conflict(NOT_PUBLISHED)
        Opening.objects.get_or_create(subscription=locked, defaults={"asked_at": now})


def pause_all(*, follower: User, now: datetime) -> int:
    """Pause all that is active; return how many that were."""
    with transaction.atomic(durable=True):
        rows = lock_live_of(follower)
        active = [row.pk for row in rows if row.status == Subscription.Status.ACTIVE]
        return _pause(active, Why.YOU, now, by_id=follower.pk)


def pause_for_loss(*, subscription_ids: Sequence[int], numbers: str, now: datetime) -> int:
    """Their owner's limit for a day's loss was reached, by these `numbers` in a sentence.

    The caller holds the rows' locks.
    """
    return _pause(subscription_ids, Why.DAILY_LOSS, now, numbers=numbers)


def pause_unapproved(*, now: datetime) -> int:
    """Pause what buys with real money for people who lost their approval; exits are still copied."""
    if not settings.KYC_REQUIRED:
        return 0
    with transaction.atomic(durable=True):
        rows = Subscription.objects.active_without_approval()
        locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)
        return _pause(list(locked), Why.APPROVAL, now)


def pause_suspended(*, now: datetime) -> int:
    """Pause what people follow who may not log in; exits are still copied."""
    with transaction.atomic(durable=True):
        rows = Subscription.objects.active_of_suspended()
        locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)
        return _pause(list(locked), Why.SUSPENSION, now)


def stop(*, subscription: Subscription, now: datetime) -> None:
    """Its stop-loss or take-profit was reached: paused until a person resumes. The caller holds its lock."""
    subscription.status, subscription.stopped_at = Subscription.Status.PAUSED, now
    subscription.save(update_fields=["status", "stopped_at"])
    note([subscription], History.Act.PAUSED, by_id=None, now=now, reason="level")


def _pause(
    subscription_ids: Sequence[int], why: Why, now: datetime, *, by_id: int | None = None, numbers: str = ""
) -> int:
    """The caller holds the rows' locks."""
    rows = Subscription.objects.filter(pk__in=subscription_ids, status=Subscription.Status.ACTIVE)
    copies = list(rows.select_related("strategy"))
    note(copies, History.Act.PAUSED, by_id=by_id, now=now, reason="" if by_id else why.name.lower())
    telling.paused(copies, why, numbers=numbers, now=now)
    return rows.update(status=Subscription.Status.PAUSED)


def lock_to_change(subscription_id: int) -> Subscription:
    locked = lock_subscription(subscription_id)
    if locked.status in (Subscription.Status.CLOSING, Subscription.Status.CLOSED):
        raise Conflict(NOT_LIVE)
    return locked


def _change_status(subscription: Subscription, status: str, now: datetime) -> Subscription:
    with transaction.atomic(durable=True):
        locked = lock_to_change(subscription.pk)
        _set_status(locked, status, now, by_id=locked.follower_id)
    return locked


def _set_status(subscription: Subscription, status: str, now: datetime, *, by_id: int) -> None:
    if subscription.status == status:
        return
    if status == Subscription.Status.ACTIVE:
        _check_resuming(subscription)
        subscription.stopped_at = None
    subscription.status = status
    subscription.save(update_fields=["status", "stopped_at"])
    is_resumed = status == Subscription.Status.ACTIVE
    act = History.Act.RESUMED if is_resumed else History.Act.PAUSED
    note([subscription], act, by_id=by_id, now=now)
    if is_resumed:
        telling.resumed(subscription, now=now)
    else:
        why = Why.YOU if by_id == subscription.follower_id else Why.MASTER
        telling.paused([subscription], why, now=now)


def _check_resuming(subscription: Subscription) -> None:
    account = subscription.exchange_account
    if account.status == ExchangeAccount.Status.INVALID or account.disconnected_at:
        raise Conflict(ACCOUNT_INVALID)
    require_kyc(user=subscription.follower, account=account)
    # Else it would stop again with the first coin it buys.
    if subscription.level_reached(subscription.realised_pnl):
        raise Conflict(LEVEL_STILL_REACHED)
