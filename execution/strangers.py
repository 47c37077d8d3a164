"""Orders that were written in another database: this one is a restored backup, or took over from a lost one.

What happened to them there is not known here. So they are asked about before anything is sent: as if each had
been claimed and its answer lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import structlog

from execution import orders
from execution.models import CopyOrder
from execution.orders import Order
from execution.states import Status
from ledger.booking import SubPosition, positions_for, write_positions
from records.timeline import identity
from subscriptions.sizing import PLACES, lower_target

log = structlog.get_logger(__name__)

COLUMNS = (
    "status",
    "reason_code",
    "reason_text",
    "requested_amount",
    "target_applied",
    "attempt",
    "claimed_at",
    "look_up_at",
    "not_found_count",
    "written_in",
)


def set_aside(due: Sequence[Order], *, now: datetime) -> list[Order]:
    """Have those of another database looked up, and return the others. The caller holds the locks."""
    here = identity()
    strangers = [order for order in due if order.written_in not in (None, here)]
    others = [order for order in due if order.written_in in (None, here)]
    if not strangers:
        return others
    positions = positions_for(
        (order.strategy_id, order.subscription_id, order.symbol)
        for order in strangers
        if order.subscription_id
    )
    written_at = dict(
        CopyOrder.objects.filter(pk__in=[order.id for order in strangers]).values_list("pk", "created_at")
    )
    for order in strangers:
        position = positions.get((order.strategy_id, order.subscription_id, order.symbol))
        # It may have been sent at any moment since.
        order.claimed_at = order.claimed_at or written_at[order.id]
        _ask_first(order, position, here, now)
    write_positions(positions.values(), now=now)
    orders.write(strangers, COLUMNS, now=now)
    log.warning("orders_of_another_database", order_ids=[order.id for order in strangers])
    return others


def distrust() -> int:
    """Take every order that is still to be sent for one of another database; how many there are."""
    pending = CopyOrder.objects.filter(status=Status.PENDING)
    # Any other number is another database's.
    return pending.update(written_in=~identity())


def _ask_first(order: Order, position: SubPosition | None, here: int, now: datetime) -> None:
    order.status, order.reason_code, order.reason_text = Status.UNKNOWN, "", ""
    if order.requested_amount is None:
        order.requested_amount = _most(order, position)
    order.attempt += 1
    order.not_found_count, order.look_up_at = 0, now
    order.written_in = here


def _most(order: Order, position: SubPosition | None) -> Decimal:
    """What it would have asked for at most; its target is changed as its claim there would have done."""
    if position is None or order.target_applied:
        return max(order.target_change, PLACES)
    order.target_applied = True
    if order.kind == CopyOrder.Kind.ENTRY:
        position.target += order.target_change
        return max(order.target_change, PLACES)
    position.target = lower_target(position.target, order.target_change)
    return max(position.held - position.target, PLACES)
