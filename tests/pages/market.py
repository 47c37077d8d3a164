"""Rows that pages show: curves, signals with their copies, positions with a price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape

from django.utils import timezone

from execution.models import CopyOrder, client_order_id
from ledger.models import Mark, Position
from ledger.performance import Worth
from ledger.statistics import of_account
from strategies.models import Signal, Statistics, Strategy
from subscriptions.models import Subscription

PRICE = Decimal(64_000)
REASONS = {"skipped": "below_minimum", "denied": "max_order_notional", "rejected": "insufficient_funds"}
STEPS = [{"label": "Master's share", "detail": "1,284.00 of 21,400.00 USDT equity", "result": "6.00 %"}]


def record_equity(strategy: Strategy, equities: Sequence[int | str], *, every: timedelta) -> None:
    """Figures of an account that was worth these up to now; published at the first of them."""
    now = timezone.now()
    start = now - every * (len(equities) - 1)
    Strategy.objects.filter(pk=strategy.pk).update(published_at=start)
    worth = [
        Worth(start + every * n, Decimal(equity), Decimal(0), Decimal(0), Decimal(0))
        for n, equity in enumerate(equities)
    ]
    Statistics.objects.filter(strategy=strategy).update(computed_at=now, since=start, **of_account(worth))


def signal_with_copies(
    strategy: Strategy, outcomes: Sequence[tuple[Subscription, str]], *, symbol: str = "BTC/USDT"
) -> list[CopyOrder]:
    """The strategy's next signal, one order per subscription, ended as named."""
    now = timezone.now()
    strategy.last_signal_number += 1
    strategy.save(update_fields=["last_signal_number"])
    signal = Signal.objects.create(
        strategy=strategy,
        number=strategy.last_signal_number,
        symbol=symbol,
        side="buy",
        amount=Decimal("0.02"),
        price=PRICE,
        at=now,
        detected_at=now + timedelta(milliseconds=12),
        fanned_out_at=now,
        status=Signal.Status.DONE,
    )
    return [_copy(signal, subscription, status, at=now) for subscription, status in outcomes]


def page_of_signal(order: CopyOrder) -> str:
    assert order.signal is not None
    return f"/signals/{order.signal.public_id}/"


def _copy(signal: Signal, subscription: Subscription, status: str, *, at: datetime) -> CopyOrder:
    written = at + timedelta(milliseconds=15)
    number = signal.strategy.last_signal_number
    filled = Decimal("0.0012") if status == "filled" else Decimal(0)
    placed = status not in ("skipped", "denied", "pending")
    return CopyOrder.objects.create(
        origin=CopyOrder.Origin.SIGNAL,
        origin_number=number,
        subscription=subscription,
        strategy=signal.strategy,
        signal=signal,
        exchange_account=subscription.exchange_account,
        client_order_id=client_order_id(
            origin="signal", origin_number=number, owner=subscription.pk, symbol=signal.symbol, part=1
        ),
        kind=CopyOrder.Kind.ENTRY,
        symbol=signal.symbol,
        side="buy",
        type="limit",
        status=status,
        reason_code=REASONS.get(status, ""),
        target_change=Decimal("0.0012"),
        requested_amount=Decimal("0.0012") if placed else None,
        price=PRICE * Decimal("1.003") if placed else None,
        filled_amount=filled,
        filled_cost=filled * PRICE * Decimal("1.00031"),
        sizing=STEPS,
        master_price=PRICE,
        signal_at=signal.at,
        detected_at=signal.detected_at,
        created_at=written,
        attempt=int(placed),
        claimed_at=written if placed else None,
        submitted_at=written + timedelta(milliseconds=21) if placed else None,
        finished_at=written + timedelta(milliseconds=69) if status != "pending" else None,
    )


def hold(subscription: Subscription, held: str, cost: str, *, symbol: str = "BTC/USDT") -> Position:
    return Position.objects.create(
        strategy=subscription.strategy,
        subscription=subscription,
        symbol=symbol,
        target=Decimal(held),
        held=Decimal(held),
        cost=Decimal(cost),
    )


def quote_price(price: Decimal | int, *, symbol: str = "BTC/USDT", exchange: str = "paper") -> None:
    Mark.objects.update_or_create(
        exchange=exchange, symbol=symbol, defaults={"price": price, "at": timezone.now()}
    )


def text_of(response) -> str:
    """The page as read: entities undone, white space folded."""
    return " ".join(unescape(response.content.decode()).split())
