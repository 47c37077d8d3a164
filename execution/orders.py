"""Orders as the steps of a trade work on them: plain rows, read and written many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson

from execution.models import CopyOrder
from execution.states import FINAL, Status
from records.bulk import insert_rows, next_ids, select, update_rows
from records.fields import uuid7_texts
from records.timeline import identity

ZERO = Decimal(0)


@dataclass(slots=True)
class Order:
    """A row of CopyOrder, to be changed in memory and written with others; see the model.

    `exchange` is its account's.
    """

    origin: str
    origin_number: int
    subscription_id: int | None
    strategy_id: int
    signal_id: int | None
    exchange_account_id: int
    client_order_id: str
    kind: str
    symbol: str
    side: str
    type: str
    target_change: Decimal
    due_at: datetime
    id: int = 0
    part: int = 1
    status: str = Status.PENDING.value
    reason_code: str = ""
    reason_text: str = ""
    target_applied: bool = False
    requested_amount: Decimal | None = None
    price: Decimal | None = None
    reserved: Decimal = ZERO
    filled_amount: Decimal = ZERO
    filled_cost: Decimal = ZERO
    venue_order_id: str = ""
    master_price: Decimal | None = None
    signal_at: datetime | None = None
    detected_at: datetime | None = None
    expires_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    sell_at_most: Decimal | None = None
    attempt: int = 0
    look_up_at: datetime | None = None
    not_found_count: int = 0
    claimed_at: datetime | None = None
    claimed_by: str = ""
    written_in: int | None = None
    submitted_at: datetime | None = None
    acknowledged_at: datetime | None = None
    finished_at: datetime | None = None
    earlier_attempts: list[dict[str, Any]] | None = None
    exchange: str = ""
    # The trace is large: only the claim reads it.
    sizing: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def refusals(self) -> list[dict[str, Any]]:
        """Of its earlier attempts those that the venue refused for good."""
        return [attempt for attempt in self.earlier_attempts or () if attempt["outcome"] == "refused"]


_NAMES = tuple(column.name for column in fields(Order) if column.name not in ("exchange", "sizing"))
# A new order has no attempts behind it.
_INSERTED = tuple(name for name in _NAMES if name != "earlier_attempts")
_SELECT = "SELECT " + ", ".join(f"o.{name}" for name in _NAMES) + ", a.exchange"
_FROM = (
    " FROM execution_copyorder o JOIN wallets_exchangeaccount a ON a.id = o.exchange_account_id"
    " WHERE o.id = ANY(%s)"
)
_LOCKED = " ORDER BY o.id FOR NO KEY UPDATE OF o"
_DUE = " AND o.status = 'pending' AND o.due_at <= %s"


def lock(order_ids: Iterable[int]) -> dict[int, Order]:
    """By id, without their traces. Subscriptions are locked before, by whoever changes them too."""
    orders = [Order(*row) for row in select(_SELECT + _FROM + _LOCKED, (list(order_ids),))]
    return {order.id: order for order in orders}


def lock_due(order_ids: Iterable[int], *, now: datetime) -> list[Order]:
    """Those that still wait to be claimed, with their traces."""
    query = _SELECT + ", o.sizing" + _FROM + _DUE + _LOCKED
    return [Order(*row) for row in select(query, (list(order_ids), now))]


def insert(orders: Sequence[Order], *, now: datetime) -> None:
    """Each gets its key."""
    if not orders:
        return
    here = identity()
    for order, (key,) in zip(orders, next_ids(len(orders), CopyOrder), strict=True):
        order.id, order.written_in = key, here
    names = (*_INSERTED, "sizing", "public_id", "created_at", "updated_at")
    values = attrgetter(*_INSERTED)
    rows = [
        (*values(order), _json(order.sizing), public_id, now, now)
        for order, public_id in zip(orders, uuid7_texts(len(orders)), strict=True)
    ]
    insert_rows(CopyOrder, names, rows)


def write(orders: Iterable[Order], names: Sequence[str], *, now: datetime) -> None:
    """Write these fields of every order."""
    values = attrgetter("id", *names)
    update_rows(CopyOrder, ("id", *names, "updated_at"), [(*values(order), now) for order in orders])


def write_traces(orders: Iterable[Order]) -> None:
    update_rows(CopyOrder, ("id", "sizing"), [(order.id, _json(order.sizing)) for order in orders])


def write_attempts(orders: Iterable[Order]) -> None:
    """Of those that were sent in vain: when and why, and how they are sent next. Nothing for the others."""
    rows = [
        (order.id, order.type, order.price, _json(order.earlier_attempts))
        for order in orders
        if order.earlier_attempts
    ]
    update_rows(CopyOrder, ("id", "type", "price", "earlier_attempts"), rows)


def _json(told: object) -> str:
    return orjson.dumps(told).decode()
