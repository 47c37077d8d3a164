"""Round trips: from the first purchase of a coin until it was sold. Pure; a deal is in performance.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.performance import DIGITS, RATIO, ZERO, Deal

# A round trip is over when at most this part of the most that was held is left: lot steps leave dust.
REST_OF_A_TRIP = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Trip:
    """From the first purchase of a coin until it was sold; `result` is net of fees."""

    symbol: str
    opened_at: datetime
    closed_at: datetime
    result: Decimal


def round_trips(deals: Sequence[Deal]) -> list[Trip]:
    """Those that are over, in the order of their ends."""
    opened: dict[str, datetime] = {}
    held: dict[str, Decimal] = defaultdict(Decimal)
    most: dict[str, Decimal] = defaultdict(Decimal)
    result: dict[str, Decimal] = defaultdict(Decimal)
    trips = []
    for deal in deals:
        symbol = deal.symbol
        if deal.side == "buy":
            opened.setdefault(symbol, deal.at)
            held[symbol] += deal.quantity - deal.fee_in_base
            most[symbol] = max(most[symbol], held[symbol])
            continue
        held[symbol] = max(held[symbol] - deal.quantity - deal.fee_in_base, ZERO)
        if symbol not in opened:
            continue
        result[symbol] += deal.realised_pnl
        if held[symbol] <= most[symbol] * REST_OF_A_TRIP:
            trips.append(Trip(symbol, opened.pop(symbol), deal.at, result.pop(symbol)))
            most[symbol] = ZERO
    return trips


def win_rate(trips: Sequence[Trip]) -> Decimal | None:
    """The part of the round trips that made money."""
    won = sum(trip.result > 0 for trip in trips)
    return (Decimal(won) / len(trips)).quantize(RATIO) if trips else None


def profit_factor(trips: Sequence[Trip]) -> Decimal | None:
    """What the winners made ÷ what the losers lost; None while nothing was lost."""
    gains = sum((trip.result for trip in trips if trip.result > 0), ZERO)
    losses = -sum((trip.result for trip in trips if trip.result < 0), ZERO)
    with localcontext(EXACT, prec=DIGITS):
        return (gains / losses).quantize(RATIO) if losses else None


def average_holding(trips: Sequence[Trip]) -> timedelta | None:
    total = sum((trip.closed_at - trip.opened_at for trip in trips), timedelta())
    return total / len(trips) if trips else None
