"""What a strategy made of its account: worth over time, return, drops, ratios. Pure.

Everything follows from fills, prices, and money that came or went. Amounts in the quote unless said;
ratios are fractions. A day is a day of UTC, and coins trade on all 365 of a year.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import pairwise

from exchanges.rounding import EXACT

Variance = Callable[[Sequence[float], float], float]
ZERO, ONE = Decimal(0), Decimal(1)
DIGITS = 40
PLACES = Decimal(1).scaleb(-18)
RATIO = Decimal(1).scaleb(-8)
DAYS_OF_A_YEAR = 365
# Fewer daily returns than this say nothing about how they scatter.
FEWEST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Deal:
    """A booked fill. A fee in the base coin is in `fee_in_base` (base), any other in `fee_in_cash`."""

    at: datetime
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    notional: Decimal
    fee_in_base: Decimal
    fee_in_cash: Decimal
    realised_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that came (above 0) or went."""

    at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    at: datetime
    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Worth:
    """The account at a moment. `flow` came since the last such moment, `flows` in all; both are in `equity`.

    `equity` = what it was at the opening + flows + the result of the fills; `exposed` is the part in coins.
    """

    at: datetime
    equity: Decimal
    flow: Decimal
    flows: Decimal
    exposed: Decimal


@dataclass(frozen=True, slots=True)
class Drop:
    """The deepest fall, as a positive fraction, from the peak at `from_at` to the low at `at`."""

    fraction: Decimal
    from_at: datetime
    at: datetime


@dataclass(slots=True)
class _Account:
    cash: Decimal
    held: dict[str, Decimal]
    prices: dict[str, Decimal]

    def learn(self, news: Deal | Price) -> None:
        self.prices[news.symbol] = news.price
        if isinstance(news, Deal):
            self._book(news)

    def _book(self, deal: Deal) -> None:
        held = self.held.get(deal.symbol, ZERO)
        if deal.side == "buy":
            self.cash -= deal.notional + deal.fee_in_cash
            self.held[deal.symbol] = held + deal.quantity - deal.fee_in_base
            return
        gone = deal.quantity + deal.fee_in_base
        # Coins that the strategy never bought are not its result.
        part = min(ONE, held / gone) if gone else ZERO
        self.cash += (deal.notional - deal.fee_in_cash) * part
        self.held[deal.symbol] = max(held - gone, ZERO)

    @property
    def exposed(self) -> Decimal:
        return sum((amount * self.prices[symbol] for symbol, amount in self.held.items() if amount), ZERO)


def worth_over_time(
    *,
    opening: Decimal,
    deals: Sequence[Deal],
    flows: Sequence[Flow],
    prices: Sequence[Price],
    moments: Iterable[datetime],
) -> list[Worth]:
    """The account at each of the moments and of the flows. All are given in order of time."""
    deals_left, flows_left, prices_left = list(deals)[::-1], list(flows)[::-1], list(prices)[::-1]
    account = _Account(opening, {}, {})
    worth: list[Worth] = []
    told = flows_so_far = ZERO
    with localcontext(EXACT, prec=DIGITS):
        for moment in sorted({*moments, *(flow.at for flow in flows)}):
            while news := _next(deals_left, prices_left, until=moment):
                account.learn(news)
            while flows_left and flows_left[-1].at <= moment:
                amount = flows_left.pop().amount
                account.cash += amount
                flows_so_far += amount
            exposed = _kept(account.exposed)
            equity = _kept(account.cash + exposed)
            worth.append(Worth(moment, equity, flows_so_far - told, flows_so_far, exposed))
            told = flows_so_far
    return worth


def _next(deals: list[Deal], prices: list[Price], *, until: datetime) -> Deal | Price | None:
    """The earlier of the last ones, taken off its list; None if both are later than `until`."""
    deal = deals[-1] if deals and deals[-1].at <= until else None
    price = prices[-1] if prices and prices[-1].at <= until else None
    if deal and (price is None or deal.at <= price.at):
        return deals.pop()
    return prices.pop() if price else None


def growth(worth: Sequence[Worth]) -> list[Decimal]:
    """What 1 became at each moment: the returns between flows linked, so that flows change nothing."""
    if not worth:
        return []
    index = [ONE]
    with localcontext(EXACT, prec=DIGITS):
        for before, after in pairwise(worth):
            earned = (after.equity - after.flow) / before.equity if before.equity > 0 else ONE
            index.append(_kept(index[-1] * max(earned, ZERO)))
    return index


def result_of(worth: Sequence[Worth]) -> Decimal:
    """What the fills made from the first moment to the last, net of fees, open positions at their price."""
    if not worth:
        return ZERO
    came = worth[-1].flows - worth[0].flows
    return worth[-1].equity - worth[0].equity - came


def worst_drop(moments: Sequence[datetime], index: Sequence[Decimal]) -> Drop | None:
    """Of the growth, so that a withdrawal is no drop; None where it never fell."""
    worst: Drop | None = None
    if not index:
        return None
    peak, peak_at = index[0], moments[0]
    with localcontext(EXACT, prec=DIGITS):
        for at, value in zip(moments, index, strict=True):
            if value >= peak:
                peak, peak_at = value, at
            fraction = (peak - value) / peak if peak > 0 else ZERO
            if fraction > (worst.fraction if worst else ZERO):
                worst = Drop(fraction, peak_at, at)
    return replace(worst, fraction=worst.fraction.quantize(RATIO)) if worst else None


def returns_by(
    moments: Sequence[datetime], index: Sequence[Decimal], *, months: bool = False
) -> list[tuple[date, Decimal]]:
    """The return of each day (or month, by its first day) of UTC; the first and the last may be parts."""
    ends: dict[date, Decimal] = {}
    for at, value in zip(moments, index, strict=True):
        day = at.astimezone(UTC).date()
        ends[day.replace(day=1) if months else day] = value
    found, before = [], index[0] if index else ONE
    with localcontext(EXACT, prec=DIGITS):
        for day, value in ends.items():
            found.append((day, value / before - 1 if before > 0 else ZERO))
            before = value
    return found


def sharpe(returns: Sequence[Decimal]) -> Decimal | None:
    """Mean daily return ÷ standard deviation (n - 1) x √365, no risk-free rate; None: too few, no scatter."""
    return _ratio(returns, lambda values, mean: sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def sortino(returns: Sequence[Decimal]) -> Decimal | None:
    """Mean daily return ÷ root of the mean square of the losses (gains count 0) x √365."""
    return _ratio(returns, lambda values, _: sum(min(v, 0.0) ** 2 for v in values) / len(values))


def trades_per_week(trades: int, length: timedelta) -> Decimal | None:
    """None below a day, from which a week is not to be told."""
    if length < timedelta(days=1):
        return None
    weeks = Decimal(int(length.total_seconds())) / Decimal(7 * 86_400)
    return (Decimal(trades) / weeks).quantize(Decimal("0.01"))


def exposure(worth: Sequence[Worth]) -> Decimal | None:
    """The part of the account that was in coins, on average over time."""
    total = weighted = ZERO
    with localcontext(EXACT, prec=DIGITS):
        for before, after in pairwise(worth):
            seconds = Decimal(str((after.at - before.at).total_seconds()))
            if before.equity > 0:
                total += seconds
                weighted += seconds * before.exposed / before.equity
        return (weighted / total).quantize(RATIO) if total else None


def thin(moments: Sequence[datetime], index: Sequence[Decimal], *, most: int) -> list[int]:
    """Which points to draw: the last of each of `most` equal stretches of time, and the peak and low."""
    if not moments:
        return []
    length = (moments[-1] - moments[0]) / most
    stretches = {
        min(int((at - moments[0]) / length), most - 1) if length else 0: n for n, at in enumerate(moments)
    }
    drop = worst_drop(moments, index)
    extremes = {moments.index(drop.from_at), moments.index(drop.at)} if drop else set()
    return sorted({0, *stretches.values(), *extremes})


def _ratio(returns: Sequence[Decimal], variance: Variance) -> Decimal | None:
    if len(returns) < FEWEST_DAYS:
        return None
    values = [float(value) for value in returns]
    mean = sum(values) / len(values)
    scatter = math.sqrt(variance(values, mean))
    # What floats leave of equal numbers is no scatter.
    if scatter < 1e-12:
        return None
    return Decimal(str(mean / scatter * math.sqrt(DAYS_OF_A_YEAR))).quantize(Decimal("0.0001"))


def _kept(amount: Decimal) -> Decimal:
    return amount.quantize(PLACES, ROUND_HALF_EVEN)
