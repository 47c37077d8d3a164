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
from execution import departures
from execution.metrics import count_signal
from execution.models import CopyOrder
from execution.states import Status
from ledger.booking import Entry, book_fills
from ledger.models import Position
from strategies.models import Signal, Strategy, StrategySymbol
from strategies.signals import MasterFacts, record_signal, unknown_fills
from subscriptions.sizing import exit_fraction

log = structlog.get_logger(__name__)

# Facts about a master's account older than this count as unknown.
SNAPSHOT_IS_GOOD_FOR = timedelta(seconds=60)
ANSWER_MAY_TAKE = timedelta(minutes=2)
CLOCKS_DIFFER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """A master's account as read between two moments of the venue's clock.

    Equity in each quote that its strategies trade in, and what is held of each coin.
    """

    asked_at: datetime
    at: datetime
    equity: dict[str, Decimal]
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
                    strategy_id=strategy.pk,
                    relation=None,
                    signal_at=signal.at,
                    master_price=signal.price,
                )
                for fill in new
            ],
            now=now,
        )
        if signal.exit_fraction == 1:
            departures.begin_anew(strategy=strategy, symbol=signal.symbol)
    count_signal(signal)
    log.info("signal", signal_id=signal.pk, strategy_id=strategy_id, number=signal.number)
    return signal


def may_be_unanswered(*, account_id: int, fill: FillReport, now: datetime) -> bool:
    """Whether a fill that names only the venue's order id may be that of an order of ours.

    Only for a while: an order that stays unknown must not hold up what the master does by hand.
    """
    return CopyOrder.objects.filter(
        exchange_account_id=account_id,
        origin=CopyOrder.Origin.MASTER,
        symbol=fill.symbol,
        side=fill.side.value,
        venue_order_id="",
        status__in=[Status.SUBMITTING, Status.UNKNOWN],
        claimed_at__gte=now - ANSWER_MAY_TAKE,
        claimed_at__lte=fill.at + CLOCKS_DIFFER,
    ).exists()


def sells_more_than_known(*, strategy_id: int, fills: Sequence[FillReport]) -> bool:
    """Whether a sale is above the strategy's position: then a purchase may not have been seen yet."""
    position = Position.objects.of_master(strategy_id).filter(symbol=fills[0].symbol).first()
    return sum((fill.quantity for fill in fills), Decimal(0)) > (position.held if position else Decimal(0))


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
        equity=snapshot.equity.get(strategy.quote) if snapshot and is_good else None,
        exit_fraction=fraction,
        order_amount=next((fill.order_quantity for fill in fills if fill.order_quantity), None),
    )


def _exit_fraction(
    strategy: Strategy, fills: Sequence[FillReport], snapshot: AccountSnapshot | None
) -> Decimal:
    symbol = fills[0].symbol
    position = Position.objects.of_master(strategy.pk).filter(symbol=symbol).first()
    claim = StrategySymbol.objects.filter(strategy=strategy, symbol=symbol).first()
    gone = claim.coins_left if claim else Decimal(0)
    rules = gateway.market_rules_now(strategy.exchange_account.exchange)[symbol]
    holding = None
    if snapshot and position and position.updated_at <= snapshot.asked_at and snapshot.at <= fills[0].at:
        # Read after all that is booked and surely before this sale.
        holding = snapshot.holdings.get(rules.base, Decimal(0))
    return exit_fraction(
        sold=sum((fill.quantity for fill in fills), Decimal(0)),
        book=position.held - gone if position else Decimal(0),
        holding=holding,
        smallest=max(rules.lot_step, rules.min_quantity, rules.min_notional / fills[0].price),
    )
