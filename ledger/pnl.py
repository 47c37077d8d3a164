"""What one fill does to a sub-position: average cost, realised result, fees. Exact and pure.

Amounts in base, everything else in quote unless said.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple

from exchanges.rounding import EXACT

PLACES = Decimal(1).scaleb(-18)
ZERO = Decimal(0)


class Holding(NamedTuple):
    """A sub-position: `held` base for which `cost` quote was paid, fees included."""

    held: Decimal
    cost: Decimal
    realised_pnl: Decimal
    fees: Decimal


NOTHING = Holding(ZERO, ZERO, ZERO, ZERO)


class Execution(NamedTuple):
    """A fill. `fee_price` is the price of the fee's coin in quote, None = unknown."""

    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    base: str
    quote: str
    fee_price: Decimal | None


class Booked(NamedTuple):
    """The holding after a fill, and what the fill did to cash and result."""

    holding: Holding
    notional: Decimal
    cash_change: Decimal
    realised_pnl: Decimal
    fee_in_quote: Decimal | None


def fee_in_quote(execution: Execution) -> Decimal | None:
    """The fee valued in quote; None when its coin has no price."""
    if execution.fee == 0 or execution.fee_asset == execution.quote:
        return execution.fee
    if execution.fee_asset == execution.base:
        return execution.fee * execution.price
    return None if execution.fee_price is None else execution.fee * execution.fee_price


def book(holding: Holding, execution: Execution) -> Booked:
    """Apply one fill at average cost. A fee in the base coin reduces what is held, others the cash."""
    with localcontext(EXACT):
        notional = _kept(execution.price * execution.quantity)
        value = fee_in_quote(execution)
        fee_value = None if value is None else _kept(value)
        in_base = execution.fee if execution.fee_asset == execution.base else ZERO
        in_cash = ZERO if in_base or fee_value is None else fee_value
        if execution.side == "buy":
            return _bought(holding, execution, notional, fee_value, in_base, in_cash)
        return _sold(holding, execution, notional, fee_value, in_base, in_cash)


def _bought(
    holding: Holding,
    execution: Execution,
    notional: Decimal,
    fee_value: Decimal | None,
    in_base: Decimal,
    in_cash: Decimal,
) -> Booked:
    after = Holding(
        held=holding.held + execution.quantity - in_base,
        cost=holding.cost + notional + in_cash,
        realised_pnl=holding.realised_pnl,
        fees=holding.fees + (fee_value or ZERO),
    )
    return Booked(after, notional, -notional - in_cash, ZERO, fee_value)


def _sold(
    holding: Holding,
    execution: Execution,
    notional: Decimal,
    fee_value: Decimal | None,
    in_base: Decimal,
    in_cash: Decimal,
) -> Booked:
    gone = execution.quantity + in_base
    # A master may sell coins that the strategy never bought: only the strategy's part is its result.
    part = min(Decimal(1), holding.held / gone) if gone else ZERO
    cost_gone = holding.cost if gone >= holding.held else _kept(holding.cost * gone / holding.held)
    realised = _kept((notional - in_cash) * part) - cost_gone
    after = Holding(
        held=max(holding.held - gone, ZERO),
        cost=holding.cost - cost_gone,
        realised_pnl=holding.realised_pnl + realised,
        fees=holding.fees + (fee_value or ZERO),
    )
    return Booked(after, notional, notional - in_cash, realised, fee_value)


def _kept(amount: Decimal) -> Decimal:
    """To what the database keeps."""
    return amount.quantize(PLACES, ROUND_HALF_EVEN)
