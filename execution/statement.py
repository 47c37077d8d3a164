"""A copy's account over a stretch of time: opening, what happened, closing. From the books only.

The opening is the closing of whatever ended at that moment: both are counted from the same trades.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from heapq import merge
from operator import attrgetter

from django.db.models import QuerySet

from exchanges.rounding import EXACT
from execution.reported import kept, prices_at, rate_by
from ledger.models import Adjustment, Bill, BillCorrection, Trade, TradeQuerySet, Transfer
from ledger.pnl import NOTHING, ZERO, Holding, book
from ledger.recounting import execution_of, without_what_left
from risk.rates import symbols_between
from subscriptions.models import History, Subscription

CHUNK = 2000


Entry = Trade | Adjustment | History


@dataclass(frozen=True, slots=True)
class Held:
    """A position at a moment, in the strategy's quote; None = no price of that time is known."""

    symbol: str
    amount: Decimal
    cost: Decimal
    price: Decimal | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Balance:
    """A copy at a moment. `equity` is None where a price is missing, `reported` where a rate is."""

    at: datetime
    cash: Decimal
    realised_pnl: Decimal
    positions: list[Held]
    equity: Decimal | None
    rate: Decimal | None
    rate_source: str
    reported: Decimal | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything is in the order of time; sums are in the strategy's quote."""

    subscription: Subscription
    opening: Balance
    closing: Balance
    trades: TradeQuerySet
    transfers: Sequence[Transfer]
    allocations: Sequence[History]
    fees: Decimal
    fees_unknown: int
    performance_fee: Decimal


@dataclass(slots=True)
class _Count:
    """What trades come to, so far."""

    cash: Decimal
    holdings: dict[str, Holding]
    realised_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    fees_unknown: int = 0

    def add(self, entries: Iterable[Entry]) -> None:
        with localcontext(EXACT):
            for entry in entries:
                if isinstance(entry, History):
                    self.cash += entry.change
                    continue
                before = self.holdings.get(entry.symbol, NOTHING)
                if isinstance(entry, Adjustment):
                    # What the coins had cost is the copy's cash again: its result is not touched.
                    self.holdings[entry.symbol] = without_what_left(before, entry)
                    self.cash += entry.cost
                else:
                    self._add_trade(entry, before)

    def _add_trade(self, trade: Trade, before: Holding) -> None:
        execution = execution_of(trade, trade.fee_in_quote)
        if trade.reverses_id is None:
            booked = book(before, execution)
            after, realised_pnl = booked.holding, booked.realised_pnl
        else:
            # What is realised by taking a trade back was worked out when that was done.
            booked, realised_pnl = book(NOTHING, execution), trade.realised_pnl
            quantity = execution.quantity if execution.side == "buy" else -execution.quantity
            in_base = execution.fee if execution.fee_asset == execution.base else ZERO
            after = before._replace(
                held=before.held + quantity - in_base,
                cost=before.cost + realised_pnl - booked.cash_change,
            )
        self.holdings[trade.symbol] = after
        self.cash += booked.cash_change
        self.realised_pnl += realised_pnl
        self.fees += trade.fee_in_quote or ZERO
        self.fees_unknown += trade.fee_in_quote is None


def _in_order(
    trades: QuerySet[Trade], gone: QuerySet[Adjustment], allocations: Sequence[History]
) -> Iterator[Entry]:
    """By time, what may be many streamed."""
    rows: list[Iterable[Entry]] = [
        trades.iterator(chunk_size=CHUNK),
        gone.iterator(chunk_size=CHUNK),
        allocations,
    ]
    return merge(*rows, key=attrgetter("at"))


def statement_of(subscription: Subscription, *, since: datetime, until: datetime, now: datetime) -> Statement:
    """From `since` on, up to and without `until`. `strategy`, `follower` and account must be at hand.

    What is yet to come stands as it does `now`.
    """
    trades = Trade.objects.filter(subscription=subscription).order_by("at", "pk")
    within = trades.filter(at__gte=since, at__lt=until)
    gone = Adjustment.objects.filter(subscription=subscription).order_by("at", "pk")
    changes = list(History.objects.of_allocations().filter(subscription=subscription).select_related("by"))
    earlier = [change for change in changes if change.at < since]
    count = _Count(_first_allocation(subscription, changes), {})
    count.add(_in_order(trades.filter(at__lt=since), gone.filter(at__lt=since), earlier))
    opening = _balance(subscription, count, min(since, now))
    fees, fees_unknown = count.fees, count.fees_unknown
    during = [change for change in changes if since <= change.at < until]
    count.add(_in_order(within, gone.filter(at__gte=since, at__lt=until), during))
    transfers = Transfer.objects.filter(
        exchange_account=subscription.exchange_account_id, at__gte=since, at__lt=until
    )
    return Statement(
        subscription=subscription,
        opening=opening,
        closing=_balance(subscription, count, min(until, now)),
        trades=within,
        transfers=list(transfers.order_by("at", "pk")),
        allocations=during,
        fees=count.fees - fees,
        fees_unknown=count.fees_unknown - fees_unknown,
        # Bills are between two people and move no money of the copy's.
        performance_fee=Bill.objects.filter(
            subscription=subscription, settled_at__gte=since, settled_at__lt=until
        ).charged()
        - BillCorrection.objects.filter(
            bill__subscription=subscription, at__gte=since, at__lt=until
        ).credited(),
    )


def _first_allocation(subscription: Subscription, changes: Sequence[History]) -> Decimal:
    with localcontext(EXACT):
        return sum((-change.change for change in changes), subscription.allocation)


def _balance(subscription: Subscription, count: _Count, at: datetime) -> Balance:
    exchange, quote = subscription.exchange_account.exchange, subscription.strategy.quote
    currency = subscription.follower.report_currency
    held = {symbol: row for symbol, row in count.holdings.items() if row.held}
    prices = prices_at(exchange, {*held, *symbols_between(quote, currency)}, at)
    with localcontext(EXACT):
        positions = [_held(symbol, holding, prices.get(symbol)) for symbol, holding in sorted(held.items())]
        values = [row.value for row in positions]
        equity = None if None in values else count.cash + sum((v for v in values if v is not None), ZERO)
    rate = rate_by(prices, exchange=exchange, quote=quote, currency=currency)
    return Balance(
        at=at,
        cash=count.cash,
        realised_pnl=count.realised_pnl,
        positions=positions,
        equity=equity,
        rate=rate.shown,
        rate_source=rate.source,
        reported=None if equity is None else rate.of(equity),
    )


def _held(symbol: str, holding: Holding, price: Decimal | None) -> Held:
    value = None if price is None else kept(holding.held * price)
    return Held(symbol, holding.held, holding.cost, price, value)
