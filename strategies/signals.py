"""A master's fills become a signal, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from exchanges.rounding import EXACT
from exchanges.types import FillReport
from strategies.models import Signal, SignalFill, Strategy

PLACES = Decimal(1).scaleb(-18)


@dataclass(frozen=True, slots=True)
class MasterFacts:
    """What was known of the master when the order came: None = unknown. In quote and base."""

    equity: Decimal | None
    exit_fraction: Decimal | None
    order_amount: Decimal | None


def unknown_fills(*, account_id: int, fills: Sequence[FillReport]) -> list[FillReport]:
    """Those of the fills that no signal has taken yet, each once, oldest first."""
    keys = {(fill.symbol, fill.venue_order_id, fill.trade_id): fill for fill in fills}
    known = SignalFill.objects.filter(
        exchange_account_id=account_id, venue_order_id__in={key[1] for key in keys}
    ).values_list("symbol", "venue_order_id", "trade_id")
    for key in known:
        keys.pop(key, None)
    return sorted(keys.values(), key=lambda fill: (fill.at, fill.trade_id))


def record_signal(
    *,
    strategy: Strategy,
    requested: Signal | None,
    fills: Sequence[FillReport],
    facts: MasterFacts,
    detected_at: datetime,
) -> Signal:
    """Turn new fills of one master order into the strategy's next signal.

    The caller holds the strategy's row lock and passes only fills that `unknown_fills` gave back.
    `requested` is the signal the master sent through the API: the order's first fills become that one.
    """
    strategy.last_signal_number += 1
    strategy.save(update_fields=["last_signal_number"])
    with localcontext(EXACT):
        amount = sum((fill.quantity for fill in fills), Decimal(0))
        notional = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
        price = (notional / amount).quantize(PLACES, ROUND_HALF_EVEN)
    signal = requested if requested and requested.number is None else _increment(strategy, requested, fills)
    signal.number = strategy.last_signal_number
    signal.amount, signal.price = amount, price
    signal.venue_order_id = fills[0].venue_order_id
    signal.master_equity, signal.exit_fraction = facts.equity, facts.exit_fraction
    signal.order_amount = facts.order_amount
    signal.at, signal.detected_at = fills[-1].at, detected_at
    signal.status = Signal.Status.COPYING
    signal.save()
    SignalFill.objects.bulk_create([_row(signal, fill) for fill in fills])
    return signal


def _increment(strategy: Strategy, requested: Signal | None, fills: Sequence[FillReport]) -> Signal:
    source = requested.source if requested else Signal.Source.WATCHED
    return Signal(strategy=strategy, symbol=fills[0].symbol, side=fills[0].side.value, source=source)


def _row(signal: Signal, fill: FillReport) -> SignalFill:
    return SignalFill(
        signal=signal,
        exchange_account_id=signal.strategy.exchange_account_id,
        symbol=fill.symbol,
        venue_order_id=fill.venue_order_id,
        trade_id=fill.trade_id,
        price=fill.price,
        quantity=fill.quantity,
        at=fill.at,
    )
