"""Writing a copy's history, in the transaction of what is done to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from subscriptions.models import History, Subscription


def note(
    copies: Iterable[Subscription],
    act: History.Act,
    *,
    by_id: int | None,
    now: datetime,
    reason: str = "",
    allocation_before: Decimal | None = None,
) -> None:
    """`by_id`: the person who did it, None for the platform."""
    History.objects.bulk_create(
        History(
            subscription=copy,
            at=now,
            act=act,
            by_id=by_id,
            reason=reason,
            allocation_before=allocation_before,
            allocation=copy.allocation,
        )
        for copy in copies
    )
