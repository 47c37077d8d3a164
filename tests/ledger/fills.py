"""Fills as a venue tells them, and the door by which they come into the books."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from exchanges.types import FillReport, Side
from ledger.booking import Entry, book_fills
from ledger.models import Trade
from strategies.models import Strategy
from subscriptions.models import Subscription
from subscriptions.relations import lock_relations

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def fill(
    side: str, quantity: str, price: str, fee: str = "0", fee_asset: str = "USDT", **changes: Any
) -> FillReport:
    """Each a minute after the one before, with a number of its own."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "venue_order_id": f"v{number}",
        "trade_id": str(number),
        "client_order_id": "",
        "side": Side(side),
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "fee": Decimal(fee),
        "fee_asset": fee_asset,
        "at": START + timedelta(minutes=number),
    }
    return FillReport(**(values | changes))


def book(owner: Subscription | Strategy, fills: Sequence[FillReport]) -> list[Trade]:
    """The trades that are new, in the order of booking."""
    copy = owner if isinstance(owner, Subscription) else None
    strategy = owner.strategy if isinstance(owner, Subscription) else owner
    account = owner.exchange_account
    relation = lock_relations([copy.pk])[copy.pk] if copy else None
    entries = [
        Entry(
            fill=one,
            account_id=account.pk,
            exchange=account.exchange,
            strategy_id=strategy.pk,
            relation=relation,
        )
        for one in fills
    ]
    last = Trade.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    book_fills(entries, now=timezone.now())
    return list(Trade.objects.filter(pk__gt=last).order_by("pk"))
