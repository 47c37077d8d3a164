"""Signals of days gone by, for previews."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from strategies.models import Signal, Strategy


def past(strategy: Strategy, side: str, amount: str, price: str = "100000", **changes: Any) -> Signal:
    """The strategy's next signal, of yesterday unless said otherwise. The equity was 10000 USDT."""
    strategy.last_signal_number += 1
    strategy.save(update_fields=["last_signal_number"])
    at = timezone.now() - timedelta(days=changes.pop("days_ago", 1))
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "at": at,
        "detected_at": at,
        "master_equity": Decimal(10000),
        "exit_fraction": Decimal(1) if side == "sell" else None,
        "status": Signal.Status.DONE,
    }
    return Signal.objects.create(
        strategy=strategy,
        number=strategy.last_signal_number,
        side=side,
        amount=Decimal(amount),
        price=Decimal(price),
        **(values | changes),
    )
