"""What an order that has ended leaves: those who waited behind it, and its signal."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from execution import notices
from execution.models import CopyOrder
from execution.orders import Order
from execution.states import LIVE, Status
from records.bulk import select
from strategies.models import Signal


@dataclass(slots=True)
class Work:
    """What must follow a transaction: orders that became free to go, and what the venues must be asked.

    `refused` are exits, by venue, that its rules did not allow; `short` those for which coins were missing.
    """

    exits: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    refused: dict[str, list[int]] = field(default_factory=dict)
    short: list[int] = field(default_factory=list)

    def __add__(self, other: Work) -> Work:
        return Work(
            self.exits + other.exits,
            self.entries + other.entries,
            {
                exchange: self.refused.get(exchange, []) + other.refused.get(exchange, [])
                for exchange in self.refused | other.refused
            },
            self.short + other.short,
        )


def released(ended: Collection[Order], *, now: datetime) -> Work:
    """The next in line behind each ended one, new parts included. Who is behind that must wait anyway."""
    keys = {(order.subscription_id, order.symbol) for order in ended if order.subscription_id}
    work = Work()
    if not keys:
        return work
    waiting = select(
        "SELECT DISTINCT ON (subscription_id, symbol) id, kind, subscription_id, symbol, due_at <= %s"
        " FROM execution_copyorder WHERE subscription_id = ANY(%s) AND status = 'pending'"
        " ORDER BY subscription_id, symbol, id",
        (now, [subscription_id for subscription_id, _ in keys]),
    )
    for pk, kind, subscription_id, symbol, is_due in waiting:
        if is_due and (subscription_id, symbol) in keys:
            (work.exits if kind == CopyOrder.Kind.EXIT else work.entries).append(pk)
    return work


def end_signals(orders: Iterable[Order]) -> None:
    """Tell the signals of these orders; in statements of their own, so that no two batches wait here."""
    orders = list(orders)
    _tell_requested(orders)
    finish_if_settled({order.signal_id for order in orders if order.signal_id and order.is_final})


def finish_if_settled(signal_ids: Collection[int]) -> None:
    """Mark signals done whose followers' orders are all final."""
    if not signal_ids:
        return
    settled = select(
        "SELECT id FROM strategies_signal s"
        " WHERE id = ANY(%s) AND status = 'copying' AND fanned_out_at IS NOT NULL AND NOT EXISTS ("
        "  SELECT 1 FROM execution_copyorder o"
        "  WHERE o.signal_id = s.id AND o.subscription_id IS NOT NULL AND o.status = ANY(%s))",
        (list(signal_ids), sorted(LIVE)),
    )
    if settled:
        ended = [key for (key,) in settled]
        with transaction.atomic():
            Signal.objects.filter(pk__in=ended, status=Signal.Status.COPYING).update(
                status=Signal.Status.DONE
            )
            notices.tell_of_refused(ended)


_REQUESTED = {
    Status.OPEN: Signal.Status.OPEN,
    Status.CANCELED: Signal.Status.CANCELED,
    Status.REJECTED: Signal.Status.REJECTED,
    Status.SKIPPED: Signal.Status.REJECTED,
    Status.DENIED: Signal.Status.REJECTED,
    Status.EXPIRED: Signal.Status.REJECTED,
}


def _tell_requested(orders: Iterable[Order]) -> None:
    """A master's own order that rests, or came to nothing, says so on its signal until it is filled."""
    for order in orders:
        if order.subscription_id or not order.signal_id or order.filled_amount:
            continue
        if word := _REQUESTED.get(Status(order.status)):
            Signal.objects.filter(pk=order.signal_id, number=None).update(
                status=word, reason_code=order.reason_code, reason_text=order.reason_text
            )
