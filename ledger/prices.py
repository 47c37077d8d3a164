"""Public prices that stay: one of each symbol in every five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ledger.models import Mark, PricePoint


def keep_prices(marks: Sequence[Mark], *, now: datetime) -> int:
    """Keep the first reading of a stretch; return how many were kept. Twice changes nothing."""
    begins = stretch_of(now)
    venues = {mark.exchange for mark in marks}
    known = set(PricePoint.objects.filter(exchange__in=venues, at=begins).values_list("exchange", "symbol"))
    new = [
        PricePoint(exchange=mark.exchange, symbol=mark.symbol, at=begins, price=mark.price, read_at=now)
        for mark in marks
        if (mark.exchange, mark.symbol) not in known
    ]
    # Another worker may keep the same at the same moment.
    PricePoint.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def stretch_of(moment: datetime) -> datetime:
    """When its five minutes began, by the clock of UTC."""
    length = PricePoint.STRETCH
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    return beginning + (moment - beginning) // length * length
