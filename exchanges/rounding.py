"""Quantities to the lot step, prices to the tick, numbers to plain text: exact and pure.

All arithmetic runs in a context of its own: ccxt changes the rounding and traps of the thread's context.
"""

from __future__ import annotations

from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from exchanges.types import MarketRules

# Twice numeric(36,18), with room for a product of two such numbers.
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


def round_down(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `quantity`; a step of 0 leaves it as it is."""
    _require_amount(quantity, "quantity")
    _require_amount(step, "step")
    if step == 0:
        return quantity
    return EXACT.multiply(EXACT.divide_int(quantity, step), step)


def round_up(quantity: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `quantity`; a step of 0 leaves it as it is."""
    below = round_down(quantity, step)
    return below if below == quantity else EXACT.add(below, step)


def round_price_down(price: Decimal, tick: Decimal) -> Decimal:
    """For a bid: never pay more than `price`."""
    return round_down(price, tick)


def round_price_up(price: Decimal, tick: Decimal) -> Decimal:
    """For an offer: never take less than `price`."""
    return round_up(price, tick)


def meets_minimum(quantity: Decimal, price: Decimal, rules: MarketRules) -> bool:
    """Whether an order of this rounded quantity is large enough for the venue, by amount and by value."""
    if quantity <= 0 or quantity < rules.min_quantity:
        return False
    return EXACT.multiply(quantity, price) >= rules.min_notional


def plain(number: Decimal) -> str:
    """`Decimal("1.500E-7")` as "0.00000015": no exponent, no trailing zeros, no negative zero."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a number that can be sent")
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _require_amount(number: Decimal, name: str) -> None:
    if not number.is_finite() or number < 0:
        raise ValueError(f"{name} must be a finite number of at least 0, not {number}")
