"""Whether and how much a follower buys, before the claim: by the rules of copying, then by the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from exchanges.types import MarketRules
from execution import thin
from execution.decisions import Facts
from execution.reasons import Reason
from execution.states import Status
from risk.checks import Denial, check_entry, slippage_bound_bps
from strategies.models import Strategy
from subscriptions.models import Subscription
from subscriptions.relations import Relation
from subscriptions.sizing import FollowerSettings, MasterFill, Sized, Step, price_bound, size_entry

# Above what anybody can pay, and within what the database keeps.
LARGEST_AMOUNT = Decimal(10) ** 15
DEEP_MARKETS = frozenset({"BTC", "ETH"})


@dataclass(frozen=True, slots=True)
class Purchase:
    """What followers of a strategy are to buy because of the master.

    The bound is set against `price`; `stop` is why nobody buys with this master now; `thin_shares` is by
    venue the part of each wish that may be bought.
    """

    strategy: Strategy
    symbol: str
    fill: MasterFill
    price: Decimal
    stop: Reason | None = None
    thin_shares: Mapping[str, str] = field(default_factory=dict)


class Verdict(NamedTuple):
    """What becomes of one follower's order when it is written."""

    status: Status
    reason: Reason | None
    text: str
    target_change: Decimal
    price: Decimal | None
    steps: tuple[Step, ...]


def judge(wanted: Purchase, follower: Relation, facts: Facts) -> Verdict:
    """Pending with its amount and the most it may pay, or why not."""
    exchange = facts.accounts[follower.exchange_account_id].exchange
    markets = facts.rules.get(exchange)
    refusal = _refusal(wanted, follower, markets) or wanted.stop
    if refusal or not markets:
        return skipped(refusal or Reason.VENUE_UNAVAILABLE)
    limits = facts.limits_of(follower)
    bound = price_bound(
        master_price=wanted.price,
        max_slippage_bps=slippage_bound_bps(
            limits, chosen=max_slippage_bps(follower.max_slippage_bps, wanted.symbol)
        ),
        tick_size=markets[wanted.symbol].tick_size,
    )
    if bound <= 0:
        # A tick coarser than the price: there is no price at which this venue would buy.
        return skipped(Reason.SYMBOL_NOT_LISTED)
    sized = thin.cut(_size(wanted, follower, bound), wanted.thin_shares, exchange)
    if sized.amount is None:
        return skipped(Reason.MASTER_EQUITY_UNKNOWN, sized.steps)
    for one in limits:
        if denial := check_entry(one, symbol=wanted.symbol):
            return _denied(denial, sized)
    return Verdict(Status.PENDING, None, "", min(sized.amount, LARGEST_AMOUNT), bound, sized.steps)


def skipped(reason: Reason, steps: tuple[Step, ...] = ()) -> Verdict:
    return Verdict(Status.SKIPPED, reason, "", Decimal(0), None, steps)


def max_slippage_bps(chosen: int | None, symbol: str) -> int:
    """What the follower chose, or the default for this symbol."""
    if chosen is not None:
        return chosen
    is_deep = symbol.partition("/")[0] in DEEP_MARKETS
    default: int = settings.MAX_SLIPPAGE_BPS_DEEP if is_deep else settings.MAX_SLIPPAGE_BPS
    return default


def _refusal(
    wanted: Purchase, follower: Relation, markets: Mapping[str, MarketRules] | None
) -> Reason | None:
    """The rule by which this follower's entry is skipped before any arithmetic, or None."""
    if follower.status == Subscription.Status.PAUSED:
        return Reason.PAUSED
    if follower.status == Subscription.Status.CLOSING:
        return Reason.CLOSING
    if wanted.strategy.status == Strategy.Status.CLOSED:
        return Reason.STRATEGY_CLOSED
    if wanted.symbol not in wanted.strategy.symbols:
        return Reason.SYMBOL_DROPPED
    if wanted.symbol in follower.symbols_blocked:
        return Reason.SYMBOL_BLOCKED
    if markets is None:
        return Reason.VENUE_UNAVAILABLE
    if wanted.symbol not in markets or not markets[wanted.symbol].active:
        return Reason.SYMBOL_NOT_LISTED
    return None


def _size(wanted: Purchase, follower: Relation, bound: Decimal) -> Sized:
    return size_entry(
        wanted.fill,
        FollowerSettings(
            mode=follower.sizing_mode,
            value=follower.sizing_value,
            allocation=follower.allocation,
            realised_pnl=follower.realised_pnl,
        ),
        bound=bound,
        quote=wanted.strategy.quote,
    )


def _denied(denial: Denial, sized: Sized) -> Verdict:
    amount = min(sized.amount or Decimal(0), LARGEST_AMOUNT)
    return Verdict(Status.DENIED, Reason(denial.rule), denial.sentence, amount, None, sized.steps)
