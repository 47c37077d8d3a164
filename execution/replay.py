"""What a master's signals do to a follower's small account: the very rules of fan-out, claim and books.

Here the account is in memory alone: no venue and no database is asked, nothing is written, and the same
signals and settings give the same result. A copy is taken to fill at the master's price, with the taker fee
in the coin that is received, as most exchanges do. Amounts in base, money in quote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from exchanges.rounding import EXACT
from exchanges.types import FillReport, MarketRules, Side
from execution.counted import CountedCopy
from execution.decisions import Facts, decide
from execution.fan_out import order_of, purchase_of
from execution.models import CopyOrder
from execution.orders import Order
from execution.reasons import Reason
from execution.settling import count_fill, release_cash, take_off_target
from execution.states import Status
from execution.usage import Allowances, usage_of
from ledger.booking import Entry, PositionKey, SubPosition, apply_fill
from risk.checks import Allowance, Limits
from risk.days import day_of
from risk.rates import Rates
from strategies.models import Signal, Strategy
from subscriptions.relations import Relation
from wallets.access import Access

ZERO = Decimal(0)
FRACTION = Decimal("0.00000001")
# A venue's limit for one market order splits an exit; what is left after so many joins the next exit.
MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class Copier:
    """Who would copy, with a copy that nobody keeps: its terms, and the person's limits."""

    relation: Relation
    exchange: str
    time_zone: str = "UTC"
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class ReplayedOrder:
    """`fee` is told in quote, also where it was taken in base."""

    at: datetime
    symbol: str
    side: str
    amount: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    realised_pnl: Decimal


@dataclass(frozen=True, slots=True)
class LowestPoint:
    """The worst result so far at any of the trades, against the allocation."""

    pnl: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """`trades` = `copied` + all of `skipped`, by reason; `cut` of the copied ones were smaller, by cause.

    `max_drawdown` is a fraction of the peak; `pnl` is realised and open result at the last price known, net
    of fees.
    """

    trades: int
    copied: int
    orders: tuple[ReplayedOrder, ...]
    skipped: Mapping[str, int]
    cut: Mapping[str, int]
    fees: Decimal
    realised_pnl: Decimal
    pnl: Decimal
    max_drawdown: Decimal
    lowest: LowestPoint | None
    largest_order: Decimal


def replay(
    signals: Sequence[Signal], strategy: Strategy, copier: Copier, rules: Mapping[str, MarketRules]
) -> Replay:
    """Copy the signals in their order, beginning with the allocation in cash and nothing held."""
    with localcontext(EXACT):
        copy = _Copy(strategy, copier, rules)
        for signal in signals:
            copy.take(signal)
        return copy.result(len(signals))


def cuts_of(order: Order) -> list[str]:
    """What made it smaller than its settings ask for."""
    return [step["cut"] for step in order.sizing if "cut" in step]


@dataclass(slots=True)
class _Day:
    """A day of the person's: the result it began with, and how many orders have left since."""

    date: date
    opening: Decimal
    orders: int = 0


@dataclass(slots=True)
class _Copy:
    """The follower's account while the trades go by."""

    strategy: Strategy
    copier: Copier
    rules: Mapping[str, MarketRules]
    relation: Relation = field(init=False)
    peak: Decimal = field(init=False)
    day: _Day | None = None
    positions: dict[PositionKey, SubPosition] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    orders: list[ReplayedOrder] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    max_drawdown: Decimal = ZERO
    lowest: LowestPoint | None = None

    def __post_init__(self) -> None:
        self.relation = replace(self.copier.relation)
        self.peak = self.relation.allocation

    def take(self, signal: Signal) -> None:
        assert signal.at is not None and signal.price is not None  # noqa: S101 - a table constraint
        now = signal.detected_at or signal.at
        day = self._begin_day(now)
        self.prices[signal.symbol] = signal.price
        facts = self._facts(signal.symbol, day, now)
        wanted = None if signal.is_exit else purchase_of(signal, None)
        order = order_of(signal, self.relation, facts, now, wanted)
        sent = [self._fill(part, facts, day, signal.at) for part in _decided(order, facts, now)]
        if any(sent):
            self.cut.update(cuts_of(order))
        else:
            self.skipped[Reason.BEYOND_SLIPPAGE if sent else order.reason_code] += 1
        self._measure(signal.at)

    def result(self, trades: int) -> Replay:
        return Replay(
            trades=trades,
            copied=trades - self.skipped.total(),
            orders=tuple(self.orders),
            skipped=by_number(self.skipped),
            cut=by_number(self.cut),
            fees=sum((order.fee for order in self.orders), ZERO),
            realised_pnl=self.relation.realised_pnl,
            pnl=self._pnl(),
            max_drawdown=self.max_drawdown.quantize(FRACTION, ROUND_HALF_EVEN),
            lowest=self.lowest,
            largest_order=max((order.notional for order in self.orders), default=ZERO),
        )

    # --- What the claim would know ---

    def _facts(self, symbol: str, day: _Day, now: datetime) -> Facts:
        account_id, exchange = self.relation.exchange_account_id, self.copier.exchange
        key = (self.strategy.pk, self.relation.id, symbol)
        self.positions.setdefault(key, SubPosition(0, *key, *[ZERO] * 5))
        return Facts(
            relations={self.relation.id: self.relation},
            accounts={account_id: Access(account_id, exchange, "", is_usable=True)},
            rules={exchange: self.rules},
            allowances=self._allowances(day),
            stops=(),
            venue_now={exchange: now},
            positions=self.positions,
        )

    def _allowances(self, day: _Day) -> Allowances:
        """Of this copy alone, and without rates: those of another time are not known."""
        limits, relation = self.copier.limits, self.relation
        counted = CountedCopy(
            id=relation.id,
            follower_id=relation.follower_id,
            quote=self.strategy.quote,
            exchange=self.copier.exchange,
            time_zone=self.copier.time_zone,
            realised_pnl=relation.realised_pnl,
            open_notional=sum((row.cost for row in self.positions.values()), ZERO),
            open_positions={
                (relation.id, row.symbol) for row in self.positions.values() if row.held and row.target
            },
            orders_today=day.orders,
            day_result=self._pnl() - day.opening,
        )
        usage = usage_of([counted], limits, Rates())
        return Allowances({relation.follower_id: Allowance(limits, usage)})

    def _begin_day(self, now: datetime) -> _Day:
        """Worth what it was at the last prices before."""
        today = day_of(now, self.copier.time_zone)
        if self.day is None or self.day.date != today:
            self.day = _Day(today, self._pnl())
        return self.day

    # --- What the venue and the books would do ---

    def _fill(self, order: Order, facts: Facts, day: _Day, at: datetime) -> bool:
        """Whether anybody sells so cheaply."""
        day.orders += 1
        position, price = facts.position_of(order), order.master_price or ZERO
        is_filled = order.price is None or order.price >= price
        if is_filled:
            self._book(order, position, price, at)
        order.status = Status.FILLED if is_filled else Status.CANCELED
        release_cash([order], facts.relations)
        if order.kind == CopyOrder.Kind.ENTRY:
            take_off_target(order, position)
        return is_filled

    def _book(self, order: Order, position: SubPosition, price: Decimal, at: datetime) -> None:
        rules, quantity = self.rules[order.symbol], order.requested_amount or ZERO
        is_buy = order.side == "buy"
        fill = FillReport(
            symbol=order.symbol,
            venue_order_id="",
            trade_id="",
            client_order_id=order.client_order_id,
            side=Side(order.side),
            price=price,
            quantity=quantity,
            fee=(quantity if is_buy else quantity * price) * rules.taker_fee,
            fee_asset=rules.base if is_buy else rules.quote,
            at=at,
        )
        entry = Entry(
            fill, self.relation.exchange_account_id, self.copier.exchange, self.strategy.pk, self.relation
        )
        booked = apply_fill(entry, position, {})
        count_fill(fill, order, position, self.relation)
        self.orders.append(
            ReplayedOrder(
                at=at,
                symbol=order.symbol,
                side=order.side,
                amount=quantity,
                price=price,
                notional=booked.notional,
                fee=booked.fee_in_quote or ZERO,
                realised_pnl=booked.realised_pnl,
            )
        )

    # --- How it goes ---

    def _pnl(self) -> Decimal:
        held = (row.held * self.prices[row.symbol] for row in self.positions.values() if row.held)
        return self.relation.cash + sum(held, ZERO) - self.relation.allocation

    def _measure(self, at: datetime) -> None:
        pnl = self._pnl()
        equity = self.relation.allocation + pnl
        if self.lowest is None or pnl < self.lowest.pnl:
            self.lowest = LowestPoint(pnl, at)
        self.peak = max(self.peak, equity)
        self.max_drawdown = max(self.max_drawdown, (self.peak - equity) / self.peak)


def _decided(order: Order, facts: Facts, now: datetime) -> Iterator[Order]:
    """The order when it may go, and where it is an exit each further part of it, once the last is filled."""
    for _part in range(MOST_PARTS):
        if order.status != Status.PENDING:
            return
        decide(order, facts, now)
        if order.status != Status.SUBMITTING:
            return
        yield order
        if order.kind == CopyOrder.Kind.ENTRY:
            return
        order = replace(order, status=Status.PENDING.value, attempt=0, part=order.part + 1, sizing=[])


def by_number(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
