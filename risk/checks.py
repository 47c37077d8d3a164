"""May this entry go: pure, with an explanation for each rule that says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchanges.rounding import plain


@dataclass(frozen=True, slots=True)
class Limits:
    """A person's limits; None = none. Amounts in the limit currency."""

    currency: str = "USDT"
    kill_switch: str = "off"
    max_order_notional: Decimal | None = None
    max_open_notional: Decimal | None = None
    max_slippage_bps: int | None = None
    symbols_blocked: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Denial:
    """Which rule stopped an entry, with the numbers in a sentence."""

    rule: str
    sentence: str


def check_entry(limits: Limits, *, symbol: str) -> Denial | None:
    """The first rule that forbids an entry of this symbol, whatever its size, or None."""
    if limits.kill_switch != "off":
        return Denial("kill_switch", "Stopped by your kill switch.")
    if symbol in limits.symbols_blocked:
        return Denial("symbols_blocked", f"You do not allow {symbol}.")
    return None


def check_size(
    limits: Limits, *, notional: Decimal, currency: str, open_before: Mapping[str, Decimal]
) -> Denial | None:
    """Whether an entry of this notional is within the limits for one order and for all that is open.

    `open_before` is what is open already, by currency.
    """
    if limits.max_order_notional is None and limits.max_open_notional is None:
        return None
    if {currency, *(name for name, amount in open_before.items() if amount)} - {limits.currency}:
        sentence = f"Your limits are in {limits.currency}; a price in another currency is not known."
        return Denial("price_unknown", sentence)
    most = limits.max_order_notional
    if most is not None and notional > most:
        sentence = f"Stopped by your limit: this order is {notional:.2f} {currency}; you allow {plain(most)}."
        return Denial("max_order_notional", sentence)
    most, together = limits.max_open_notional, open_before.get(currency, Decimal(0)) + notional
    if most is not None and together > most:
        sentence = (
            f"Stopped by your limit: {notional:.2f} more would make {together:.2f} {currency} open; "
            f"you allow {plain(most)}."
        )
        return Denial("max_open_notional", sentence)
    return None


def slippage_bound_bps(limits: Limits, *, chosen: int) -> int:
    """The slippage an entry may take: the subscription's choice, capped by the person's limit."""
    return chosen if limits.max_slippage_bps is None else min(chosen, limits.max_slippage_bps)
