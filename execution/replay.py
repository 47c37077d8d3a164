"""What a master's trades do to a follower's small account, without venue or database.

Pure: the same trades and settings give the same result. A copy is taken to fill at the master's price,
with the taker fee in the coin that is received, as most exchanges do. Amounts in base, money in quote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from exchanges.rounding import EXACT
from exchanges.types import MarketRules
from execution.copy_rules import Copier, MasterTrade, SubAccount, decide_entry, decide_exit, sell_down
from ledger.pnl import Execution, Holding, book

ZERO = Decimal(0)
FRACTION = Decimal("0.00000001")
NOTHING_HELD = Holding(ZERO, ZERO, ZERO, ZERO)
# A venue's limit for one market order splits an exit; what is left after so many joins the next exit.
MOST_PARTS = 50


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
    """`trades` = `copied` + all of `skipped`, by reason. `max_drawdown` is a fraction of the peak.

    `pnl` is realised and open result at the last price known, net of fees.
    """

    trades: int
    copied: int
    orders: tuple[ReplayedOrder, ...]
    skipped: Mapping[str, int]
    fees: Decimal
    realised_pnl: Decimal
    pnl: Decimal
    max_drawdown: Decimal
    lowest: LowestPoint | None
    largest_order: Decimal


def replay(trades: Sequence[MasterTrade], copier: Copier, rules: Mapping[str, MarketRules]) -> Replay:
    """Copy the trades in their order, beginning with the allocation in cash and nothing held."""
    with localcontext(EXACT):
        copy = _Copy(copier)
        for trade in trades:
            copy.take(trade, rules.get(trade.symbol))
        return copy.result(len(trades))


@dataclass(slots=True)
class _SubPosition:
    target: Decimal = ZERO
    holding: Holding = NOTHING_HELD


@dataclass(slots=True)
class _Copy:
    """The follower's account while the trades go by."""

    copier: Copier
    cash: Decimal = field(init=False)
    peak: Decimal = field(init=False)
    positions: dict[str, _SubPosition] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    orders: list[ReplayedOrder] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    max_drawdown: Decimal = ZERO
    lowest: LowestPoint | None = None

    def __post_init__(self) -> None:
        self.cash = self.peak = self.copier.allocation

    def take(self, trade: MasterTrade, rules: MarketRules | None) -> None:
        self.prices[trade.symbol] = trade.price
        position = self.positions.setdefault(trade.symbol, _SubPosition())
        reason = (
            self._exit(trade, position, rules)
            if trade.side == "sell"
            else self._enter(trade, position, rules)
        )
        if reason:
            self.skipped[reason] += 1
        self._measure(trade.at)

    def result(self, trades: int) -> Replay:
        return Replay(
            trades=trades,
            copied=trades - self.skipped.total(),
            orders=tuple(self.orders),
            skipped=dict(sorted(self.skipped.items(), key=lambda item: (-item[1], item[0]))),
            fees=sum((order.fee for order in self.orders), ZERO),
            realised_pnl=self._realised(),
            pnl=self._equity() - self.copier.allocation,
            max_drawdown=self.max_drawdown.quantize(FRACTION, ROUND_HALF_EVEN),
            lowest=self.lowest,
            largest_order=max((order.notional for order in self.orders), default=ZERO),
        )

    def _enter(self, trade: MasterTrade, position: _SubPosition, rules: MarketRules | None) -> str:
        decision = decide_entry(trade, self.copier, self._account(position), rules)
        position.target = decision.target
        if decision.quantity and rules:
            self._book(trade, position, decision.quantity, rules)
        return decision.reason

    def _exit(self, trade: MasterTrade, position: _SubPosition, rules: MarketRules | None) -> str:
        decision = decide_exit(trade, self._account(position), rules)
        position.target = decision.target
        reason = decision.reason
        for _part in range(MOST_PARTS):
            if not decision.quantity or rules is None:
                break
            self._book(trade, position, decision.quantity, rules)
            decision = sell_down(position.target, position.holding.held, trade.price, rules)
        return reason

    def _book(
        self, trade: MasterTrade, position: _SubPosition, quantity: Decimal, rules: MarketRules
    ) -> None:
        is_buy = trade.side == "buy"
        fee = (quantity if is_buy else quantity * trade.price) * rules.taker_fee
        execution = Execution(
            side=trade.side,
            price=trade.price,
            quantity=quantity,
            fee=fee,
            fee_asset=rules.base if is_buy else rules.quote,
            base=rules.base,
            quote=rules.quote,
            fee_price=None,
        )
        booked = book(position.holding, execution)
        position.holding = booked.holding
        if is_buy:
            # What the fee took is not chased either.
            position.target = max(ZERO, position.target - fee)
        self.cash += booked.cash_change
        self.orders.append(
            ReplayedOrder(
                at=trade.at,
                symbol=trade.symbol,
                side=trade.side,
                amount=quantity,
                price=trade.price,
                notional=booked.notional,
                fee=booked.fee_in_quote or ZERO,
                realised_pnl=booked.realised_pnl,
            )
        )

    def _account(self, position: _SubPosition) -> SubAccount:
        return SubAccount(
            target=position.target,
            held=position.holding.held,
            cash=self.cash,
            realised_pnl=self._realised(),
            open_before={self.copier.quote: self._open()},
        )

    def _open(self) -> Decimal:
        return sum((position.holding.cost for position in self.positions.values()), ZERO)

    def _realised(self) -> Decimal:
        return sum((position.holding.realised_pnl for position in self.positions.values()), ZERO)

    def _equity(self) -> Decimal:
        held = (row.holding.held * self.prices[symbol] for symbol, row in self.positions.items())
        return self.cash + sum(held, ZERO)

    def _measure(self, at: datetime) -> None:
        equity = self._equity()
        pnl = equity - self.copier.allocation
        if self.lowest is None or pnl < self.lowest.pnl:
            self.lowest = LowestPoint(pnl, at)
        self.peak = max(self.peak, equity)
        self.max_drawdown = max(self.max_drawdown, (self.peak - equity) / self.peak)
