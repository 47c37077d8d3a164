"""What the rows of a position come to, counted anew in the order of booking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.booking import PositionKey
from ledger.models import Adjustment, Fill, Trade
from ledger.pnl import NOTHING, ZERO, Booked, Execution, Holding, book

OTHER_SIDE = {"buy": "sell", "sell": "buy"}


class Oversold(Exception):
    """More leaves a copy than it has."""


def execution_of(told: Trade | Fill, fee_in_quote: Decimal | None) -> Execution:
    """What was traded, anew. A fee in a third coin counts by the worth written down for it, if any was."""
    base, _, quote = told.symbol.partition("/")
    fee, fee_asset = told.fee, told.fee_asset
    if fee_asset not in (base, quote) and fee_in_quote is not None:
        fee, fee_asset = fee_in_quote, quote
    return Execution(
        side=told.side,
        price=told.price,
        quantity=told.quantity,
        fee=fee,
        fee_asset=fee_asset,
        base=base,
        quote=quote,
        fee_price=None,
    )


def recount(
    deals: Iterable[tuple[datetime, Execution]], gone: Iterable[Adjustment], *, strict: bool
) -> Holding:
    """Fills in the order of booking, and between them the coins that left without an order.

    `strict`: nothing may leave that is not there, as from a copy.
    """
    holding, waiting, lowest = NOTHING, list(gone), ZERO
    with localcontext(EXACT):
        for booked_at, execution in deals:
            while waiting and waiting[0].at < booked_at:
                holding = without_what_left(holding, waiting.pop(0))
                lowest = min(lowest, holding.held, holding.cost)
            if execution.side == "sell":
                lowest = min(lowest, holding.held - execution.quantity)
            holding = book(holding, execution).holding
        for adjustment in waiting:
            holding = without_what_left(holding, adjustment)
            lowest = min(lowest, holding.held, holding.cost)
    # Only now: the rows come from a cursor, which is read to its end.
    if strict and lowest < 0:
        raise Oversold
    return holding


def without_what_left(holding: Holding, gone: Adjustment) -> Holding:
    return holding._replace(held=holding.held - gone.amount, cost=holding.cost - gone.cost)


def recounted(
    key: PositionKey, *, taken_back: set[int], strict: bool = False, before: Trade | None = None
) -> Holding:
    """From the rows of a position but those `taken_back`; all, or those booked before a trade."""
    strategy_id, subscription_id, symbol = key
    trades = Trade.objects.filter(
        strategy=strategy_id, subscription=subscription_id, symbol=symbol, reverses=None
    ).exclude(pk__in=taken_back)
    gone = Adjustment.objects.filter(subscription=subscription_id, symbol=symbol)
    if before:
        trades, gone = trades.filter(pk__lt=before.pk), gone.filter(at__lt=before.created_at)
    rows = trades.order_by("pk").iterator()
    deals = ((trade.created_at, execution_of(trade, trade.fee_in_quote)) for trade in rows)
    return recount(deals, gone.order_by("pk"), strict=strict)


def taken_back_of(key: PositionKey) -> set[int]:
    """Keys of the position's trades that are reversed."""
    strategy_id, subscription_id, symbol = key
    reversals = Trade.objects.filter(strategy=strategy_id, subscription=subscription_id, symbol=symbol)
    return set(reversals.exclude(reverses=None).values_list("reverses_id", flat=True))


def taking_back(trade: Trade, *, before: Holding, after: Holding) -> Booked:
    """What the reversal of a trade books: what it did to cash undone, and what results change by."""
    with localcontext(EXACT):
        done = book(NOTHING, execution_of(trade, trade.fee_in_quote))
        return Booked(
            holding=after,
            notional=done.notional,
            cash_change=-done.cash_change,
            realised_pnl=after.realised_pnl - before.realised_pnl,
            fee_in_quote=None if trade.fee_in_quote is None else -trade.fee_in_quote,
        )
