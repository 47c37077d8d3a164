"""The rules of copying for one trade and one follower: what to buy or sell now, or why not.

Pure: what fan-out and claim decide with rows in hand, here by values alone. Amounts in base, money in quote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT, meets_minimum, round_down
from exchanges.types import MarketRules
from risk.checks import (
    Allowance,
    Limits,
    Usage,
    Wish,
    allowed_amount,
    check_entry,
    check_wish,
    slippage_bound_bps,
)
from subscriptions.sizing import (
    FollowerSettings,
    MasterFill,
    lower_target,
    price_bound,
    round_entry,
    round_exit,
    size_entry,
)

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class MasterTrade:
    """A signal. `exit_fraction` None closes all; `refusal` is a rule by which nobody copies this entry.

    `is_late`: it was known only after the age at which an entry may still be copied.
    """

    at: datetime
    symbol: str
    side: str
    amount: Decimal
    price: Decimal
    equity: Decimal | None
    order_amount: Decimal | None
    exit_fraction: Decimal | None
    refusal: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Copier:
    """A follower's settings. `slippage_bps` is the chosen one, by symbol, before the person's limit.

    `refusal` is a rule by which this follower takes no entries now.
    """

    mode: str
    value: Decimal
    allocation: Decimal
    quote: str
    limits: Limits
    slippage_bps: Mapping[str, int]
    symbols_blocked: frozenset[str] = frozenset()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class SubAccount:
    """What counts of a follower's copy before a trade: its position in the symbol and its money.

    `open_before` is what the person's limit for all that is open counts, by currency.
    """

    target: Decimal
    held: Decimal
    cash: Decimal
    realised_pnl: Decimal
    open_before: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to trade now, and the target afterwards. A quantity of 0 has its reason's code."""

    quantity: Decimal
    target: Decimal
    reason: str = ""


def decide_entry(
    trade: MasterTrade, copier: Copier, account: SubAccount, rules: MarketRules | None
) -> Decision:
    """What this follower buys when the master buys: the rules of fan-out and claim in their order."""
    reason = _refusal(trade, copier, rules)
    if reason or rules is None:
        return Decision(ZERO, account.target, reason or "symbol_not_listed")
    chosen = slippage_bound_bps([copier.limits], chosen=copier.slippage_bps[trade.symbol])
    bound = price_bound(master_price=trade.price, max_slippage_bps=chosen, tick_size=rules.tick_size)
    if bound <= 0:
        # A tick coarser than the price: there is no price at which this venue would buy.
        return Decision(ZERO, account.target, "symbol_not_listed")
    amount = _wanted(trade, copier, account, bound)
    if amount is None:
        return Decision(ZERO, account.target, "master_equity_unknown")
    if denial := check_entry(copier.limits, symbol=trade.symbol):
        return Decision(ZERO, account.target, denial.rule)
    if trade.is_late:
        return Decision(ZERO, account.target, "signal_too_old")
    return _buy(trade, copier.limits, account, rules, wanted=amount, bound=bound)


def decide_exit(trade: MasterTrade, account: SubAccount, rules: MarketRules | None) -> Decision:
    """What this follower sells when the master sells: never more than is held of this copy."""
    if rules is None:
        return Decision(ZERO, account.target, "symbol_not_listed")
    fraction = Decimal(1) if trade.exit_fraction is None else trade.exit_fraction
    return sell_down(lower_target(account.target, fraction), account.held, trade.price, rules)


def _refusal(trade: MasterTrade, copier: Copier, rules: MarketRules | None) -> str:
    if copier.refusal:
        return copier.refusal
    if trade.refusal:
        return trade.refusal
    if trade.symbol in copier.symbols_blocked:
        return "symbol_blocked"
    if rules is None or not rules.active:
        return "symbol_not_listed"
    return ""


def _wanted(trade: MasterTrade, copier: Copier, account: SubAccount, bound: Decimal) -> Decimal | None:
    sized = size_entry(
        MasterFill(
            amount=trade.amount, price=trade.price, equity=trade.equity, order_amount=trade.order_amount
        ),
        FollowerSettings(
            mode=copier.mode,
            value=copier.value,
            allocation=copier.allocation,
            realised_pnl=account.realised_pnl,
        ),
        bound=bound,
        quote=copier.quote,
    )
    return sized.amount


def _buy(
    trade: MasterTrade,
    limits: Limits,
    account: SubAccount,
    rules: MarketRules,
    *,
    wanted: Decimal,
    bound: Decimal,
) -> Decision:
    with localcontext(EXACT):
        target = account.target + wanted
        sized = round_entry(target=target, held=account.held, bound=bound, cash=account.cash, rules=rules)
        quantity, is_cut = sized.amount or ZERO, sized.is_cut
        if quantity:
            allowance = _allowance(limits, account)
            wish = _wish(trade, limits, quantity, bound, rules)
            fits = round_down(allowed_amount(allowance, wish), rules.lot_step)
            if fits < quantity and meets_minimum(fits, bound, rules):
                quantity, is_cut = fits, True
            denial = check_wish(allowance, _wish(trade, limits, quantity, bound, rules))
            if denial:
                return Decision(ZERO, account.target, denial.rule)
        if is_cut:
            # What the allocation cannot pay is never chased.
            target = account.held + quantity
        if not quantity:
            return Decision(ZERO, target, "allocation_used" if is_cut else "below_minimum")
        if bound < trade.price:
            # The tick took the bound below the master's price, at which nobody sells so cheaply.
            return Decision(ZERO, max(ZERO, target - quantity), "beyond_slippage")
        return Decision(quantity, target)


def _allowance(limits: Limits, account: SubAccount) -> Allowance:
    """What is used of the size limits; those of the day and of numbers are not known of another time."""
    sizes = replace(limits, max_daily_loss=None, max_open_positions=None, max_orders_per_day=None)
    others = {name for name, amount in account.open_before.items() if amount} - {limits.currency}
    used = None if others else account.open_before.get(limits.currency, ZERO)
    return Allowance(sizes, Usage(open_notional=used))


def _wish(trade: MasterTrade, limits: Limits, amount: Decimal, bound: Decimal, rules: MarketRules) -> Wish:
    # Rates of another time are not known.
    rate = Decimal(1) if rules.quote == limits.currency else None
    return Wish(key=(0, trade.symbol), amount=amount, price=bound, rate=rate)


def sell_down(target: Decimal, held: Decimal, price: Decimal, rules: MarketRules) -> Decision:
    """What to sell of what is held above the target; one order, which may not be all of it."""
    if held <= target:
        return Decision(ZERO, target, "nothing_to_sell")
    quantity = round_exit(target=target, held=held, price=price, rules=rules).amount or ZERO
    return Decision(quantity, target, "" if quantity else "below_minimum")
