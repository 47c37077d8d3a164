"""Step 1: a master's fills are seen, by stream and by asking, and become signals and bookings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

import structlog
from django.db import transaction

from exchanges import gateway
from exchanges.rounding import EXACT
from exchanges.types import FillReport, Side
from execution.models import CopyOrder
from execution.states import Status
from ledger.booking import Entry, book_fills
from ledger.models import Position
from strategies.models import Signal, Strategy
from strategies.signals import MasterFacts, record_signal, unknown_fills
from subscriptions.sizing import exit_fraction

log = structlog.get_logger(__name__)

# Facts about a master's account older than this count as unknown.
SNAPSHOT_IS_GOOD_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """A master's account as read between two moments of the venue's clock.

    Equity in quote, and what is held of each coin.
    """

    asked_at: datetime
    at: datetime
    equity: Decimal
    holdings: dict[str, Decimal]


def take_fills(
    *, strategy_id: int, fills: Sequence[FillReport], snapshot: AccountSnapshot | None, now: datetime
) -> Signal | None:
    """Record one master order's fills as a signal and book them; None when all were known already."""
    with localcontext(EXACT), transaction.atomic(durable=True):
        strategy = (
            Strategy.objects.select_for_update(of=("self",), no_key=True)
            .select_related("exchange_account")
            .get(pk=strategy_id)
        )
        account = strategy.exchange_account
        after = [fill for fill in fills if strategy.published_at and fill.at >= strategy.published_at]
        new = unknown_fills(account_id=account.pk, fills=after)
        if not new:
            return None
        requested = _requested(account.pk, new[0])
        signal = record_signal(
            strategy=strategy,
            requested=requested,
            fills=new,
            facts=_facts(strategy, new, snapshot),
            detected_at=now,
        )
        book_fills(
            [
                Entry(
                    fill=fill,
                    account_id=account.pk,
                    exchange=account.exchange,
                    strategy=strategy,
                    subscription=None,
                    signal_at=signal.at,
                    master_price=signal.price,
                )
                for fill in new
            ],
            now=now,
        )
    log.info("signal", signal_id=signal.pk, strategy_id=strategy_id, number=signal.number)
    return signal


def awaits_answer(*, account_id: int, symbol: str) -> bool:
    """Whether an order of the master's that went through us has not been answered yet.

    Until then a fill that names only the venue's order id may be that order's.
    """
    own = CopyOrder.objects.filter(
        exchange_account_id=account_id, origin=CopyOrder.Origin.MASTER, symbol=symbol, venue_order_id=""
    )
    return own.filter(status__in=[Status.SUBMITTING, Status.UNKNOWN]).exists()


def _requested(account_id: int, fill: FillReport) -> Signal | None:
    """The signal whose order this is, if the master sent it through us."""
    own = CopyOrder.objects.filter(
        exchange_account_id=account_id, origin=CopyOrder.Origin.MASTER, symbol=fill.symbol
    ).select_related("signal")
    order = own.filter(client_order_id=fill.client_order_id).first() if fill.client_order_id else None
    order = order or own.filter(venue_order_id=fill.venue_order_id).first()
    return order.signal if order else None


def _facts(strategy: Strategy, fills: Sequence[FillReport], snapshot: AccountSnapshot | None) -> MasterFacts:
    first = fills[0]
    is_good = snapshot is not None and first.at - snapshot.at <= SNAPSHOT_IS_GOOD_FOR
    fraction = None
    if first.side == Side.SELL:
        fraction = _exit_fraction(strategy, fills, snapshot if is_good else None)
    return MasterFacts(
        equity=snapshot.equity if snapshot and is_good else None,
        exit_fraction=fraction,
        order_amount=next((fill.order_quantity for fill in fills if fill.order_quantity), None),
    )


def _exit_fraction(
    strategy: Strategy, fills: Sequence[FillReport], snapshot: AccountSnapshot | None
) -> Decimal:
    symbol = fills[0].symbol
    position = Position.objects.of_master(strategy.pk).filter(symbol=symbol).first()
    rules = gateway.market_rules_now(strategy.exchange_account.exchange)[symbol]
    holding = None
    if snapshot and position and position.updated_at <= snapshot.asked_at and snapshot.at <= fills[0].at:
        # Read after all that is booked and surely before this sale.
        holding = snapshot.holdings.get(rules.base, Decimal(0))
    return exit_fraction(
        sold=sum((fill.quantity for fill in fills), Decimal(0)),
        book=position.held if position else Decimal(0),
        holding=holding,
        smallest=max(rules.lot_step, rules.min_quantity, rules.min_notional / fills[0].price),
    )
