"""Deposits and withdrawals into the books, so that a result can be told from money that came or went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from exchanges.types import TransferReport
from ledger.models import Transfer


def book_transfers(*, account_id: int, reports: Sequence[TransferReport], now: datetime) -> int:
    """Book those that are not in the books yet; return how many those were. Twice changes nothing."""
    known = set(
        Transfer.objects.filter(
            exchange_account_id=account_id, venue_id__in=[report.venue_id for report in reports]
        ).values_list("kind", "venue_id")
    )
    new = [
        Transfer(
            exchange_account_id=account_id,
            kind=report.kind,
            venue_id=report.venue_id,
            asset=report.asset,
            amount=report.amount,
            fee=report.fee,
            at=report.at,
            recorded_at=now,
        )
        for report in reports
        if (report.kind, report.venue_id) not in known
    ]
    # Another watcher may book the same at the same moment.
    Transfer.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
