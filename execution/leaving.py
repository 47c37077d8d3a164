"""Leaving a strategy: at once where nothing is held or under way, else through `closing`.

A subscription that is `closing` is work: its orders are awaited, what it holds is sold if its owner chose
so, and then it ends.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import User
from execution.endings import Work
from execution.models import CopyOrder, client_order_id
from ledger.models import Position
from records.timeline import identity
from subscriptions.ending import end, start_closing
from subscriptions.locks import lock_to_end
from subscriptions.models import Subscription


def leave(*, subscription: Subscription, positions: str | None, now: datetime) -> Subscription:
    """Unsubscribe; `positions` is `keep` or `close`, None as the subscription says. Twice changes nothing."""
    with transaction.atomic(durable=True):
        locked = lock_to_end(subscription.pk)
        _leave(locked, positions, locked.follower_id, now)
    return locked


def leave_all(*, follower: User, positions: str | None, now: datetime) -> list[Subscription]:
    """Unsubscribe from everything, one after the other; those that still have to close are `closing`."""
    live = Subscription.objects.owned_by(follower.pk).live().order_by("pk")
    return [leave(subscription=row, positions=positions, now=now) for row in live]


def leave_lost_master(*, subscription_id: int, now: datetime) -> None:
    """Sell what is held and leave, if that is still what its owner wants when the master is lost."""
    with transaction.atomic(durable=True):
        locked = lock_to_end(subscription_id)
        may_leave = locked.status in (Subscription.Status.ACTIVE, Subscription.Status.PAUSED)
        if may_leave and locked.on_master_lost == Subscription.OnMasterLost.CLOSE:
            _leave(locked, Subscription.OnUnsubscribe.CLOSE, None, now)


def advance(*, now: datetime) -> Work:
    """Take every `closing` subscription one step on: wait, sell what it holds, or end it."""
    work = Work()
    waiting = CopyOrder.objects.live().filter(subscription=OuterRef("pk"))
    closing = Subscription.objects.filter(~Exists(waiting), status=Subscription.Status.CLOSING)
    for subscription_id in list(closing.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic(durable=True):
            subscription = lock_to_end(subscription_id)
            if subscription.status == Subscription.Status.CLOSING:
                work.exits += _advance(subscription, now)
    return work


def _advance(subscription: Subscription, now: datetime) -> list[int]:
    """The caller holds the row's lock. Returns the orders that sell what is held."""
    if CopyOrder.objects.live().filter(subscription=subscription).exists():
        return []
    orders = CopyOrder.objects.bulk_create(
        [
            exit_of_all(
                subscription,
                position.symbol,
                origin=CopyOrder.Origin.CLOSING,
                number=subscription.closing_number,
                now=now,
            )
            for position in _to_sell(subscription)
        ]
    )
    if not orders:
        end(subscription=subscription, now=now)
    return [order.pk for order in orders]


def _to_sell(subscription: Subscription) -> list[Position]:
    """What is held and this closing has not tried to sell yet: what remains after that is dust."""
    if subscription.on_unsubscribe != Subscription.OnUnsubscribe.CLOSE:
        return []
    tried = CopyOrder.objects.filter(
        subscription=subscription,
        origin=CopyOrder.Origin.CLOSING,
        origin_number=subscription.closing_number,
    )
    held = Position.objects.open().filter(subscription=subscription)
    return list(held.exclude(symbol__in=tried.values("symbol")))


def exit_of_all(
    subscription: Subscription, symbol: str, *, origin: CopyOrder.Origin, number: int, now: datetime
) -> CopyOrder:
    """An order, not yet stored, that sells all that the subscription holds of a symbol."""
    return CopyOrder(
        origin=origin,
        origin_number=number,
        subscription=subscription,
        strategy_id=subscription.strategy_id,
        exchange_account_id=subscription.exchange_account_id,
        written_in=identity(),
        client_order_id=client_order_id(
            origin=origin, origin_number=number, owner=subscription.pk, symbol=symbol, part=1
        ),
        kind=CopyOrder.Kind.EXIT,
        symbol=symbol,
        side="sell",
        type="market",
        target_change=1,
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def _leave(subscription: Subscription, positions: str | None, by_id: int | None, now: datetime) -> None:
    """`by_id` None: its master is lost."""
    if subscription.status == Subscription.Status.CLOSED:
        return
    chosen = positions or subscription.on_unsubscribe
    reason = "" if by_id else "master_lost"
    start_closing(subscription=subscription, positions=chosen, by_id=by_id, reason=reason, now=now)
    holds = Position.objects.open().filter(subscription=subscription).exists()
    sells = holds and chosen == Subscription.OnUnsubscribe.CLOSE
    if not sells and not CopyOrder.objects.live().filter(subscription=subscription).exists():
        end(subscription=subscription, now=now)
