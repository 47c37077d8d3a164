"""Step 2: a signal becomes one order per follower, slice by slice, nobody left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef

from exchanges import gateway
from exchanges.types import MarketRules
from execution.models import CopyOrder, client_order_id
from execution.reasons import Reason
from execution.states import Status
from risk.checks import Denial, Limits, check_entry, slippage_bound_bps
from risk.models import RiskLimits
from strategies.models import Signal, Strategy
from subscriptions.models import Subscription
from subscriptions.sizing import FollowerSettings, MasterFill, Sized, Step, price_bound, size_entry

SLICE = 500
# The first followers need not wait for a whole slice to be written.
FIRST_SLICE = 50
# Spreads who goes first over the followers; any large prime does.
ROTATION = 2_147_483_647
DEEP_MARKETS = frozenset({"BTC", "ETH"})


@dataclass(frozen=True, slots=True)
class Slice:
    """What one transaction of the fan-out wrote: orders to place now, and whether it was the last."""

    order_ids: list[int]
    is_exit: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one follower's order at fan-out."""

    status: Status
    reason: Reason | None
    text: str
    target_change: Decimal
    price: Decimal | None
    steps: tuple[Step, ...]


def fan_out_slice(signal_id: int, *, now: datetime) -> Slice:
    """Write the next slice of the signal's orders. Goes on where a fan-out that died has stopped."""
    with transaction.atomic(durable=True):
        signal = (
            Signal.objects.select_for_update(of=("self",), no_key=True)
            .select_related("strategy")
            .get(pk=signal_id)
        )
        if signal.fanned_out_at is not None:
            return Slice([], signal.is_exit, is_last=True)
        if signal.fan_out_start is None:
            _start(signal)
        followers = _next_followers(signal)
        orders = CopyOrder.objects.bulk_create(_orders(signal, followers, now))
        is_last = not followers
        if is_last:
            signal.fanned_out_at = now
        else:
            signal.fan_out_cursor = _cursor_after(followers[-1], signal)
        signal.save(update_fields=["fan_out_start", "fan_out_cursor", "fanned_out_at"])
        if is_last:
            finish_if_settled([signal.pk])
    pending = [order.pk for order in orders if order.status == Status.PENDING]
    return Slice(pending, signal.is_exit, is_last)


def finish_if_settled(signal_ids: Collection[int]) -> None:
    """Mark signals done whose followers' orders are all final."""
    unsettled = CopyOrder.objects.live().filter(signal_id=OuterRef("pk"))
    Signal.objects.filter(
        ~Exists(unsettled), pk__in=signal_ids, status=Signal.Status.COPYING, fanned_out_at__isnull=False
    ).update(status=Signal.Status.DONE)


def _start(signal: Signal) -> None:
    """Choose who goes first, and let a full exit overtake the entries that have not left yet."""
    ids = Subscription.objects.following(signal.strategy_id).aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ids["low"] or 0, ids["high"] or 0
    signal.fan_out_start = low + ((signal.number or 0) * ROTATION) % (high - low + 1)
    signal.fan_out_cursor = signal.fan_out_start - 1
    if signal.exit_fraction == 1:
        _overtake(signal)


def _overtake(signal: Signal) -> None:
    CopyOrder.objects.filter(
        strategy_id=signal.strategy_id,
        symbol=signal.symbol,
        kind=CopyOrder.Kind.ENTRY,
        status=Status.PENDING,
        attempt=0,
        origin=CopyOrder.Origin.SIGNAL,
    ).update(
        status=Status.SKIPPED,
        reason_code=Reason.OVERTAKEN_BY_EXIT,
        finished_at=signal.detected_at,
        updated_at=signal.detected_at,
    )


def _cursor_after(last: Subscription, signal: Signal) -> int:
    """The id the fan-out has come to, negative once it has gone round."""
    return last.pk if last.pk >= (signal.fan_out_start or 0) else -last.pk


def _next_followers(signal: Signal) -> list[Subscription]:
    """The next slice, going up from the start and then round from the lowest id."""
    start, cursor = signal.fan_out_start or 0, signal.fan_out_cursor or 0
    followers = (
        Subscription.objects.following(signal.strategy_id)
        .filter(starts_after_number__lt=signal.number)
        .select_related("exchange_account")
        .order_by("pk")
    )
    if cursor < 0:
        return list(followers.filter(pk__gt=-cursor, pk__lt=start)[:SLICE])
    limit = FIRST_SLICE if cursor == start - 1 else SLICE
    return list(followers.filter(pk__gt=cursor)[:limit]) or list(followers.filter(pk__lt=start)[:SLICE])


def _orders(signal: Signal, followers: Sequence[Subscription], now: datetime) -> list[CopyOrder]:
    limits = RiskLimits.objects.by_user({follower.follower_id for follower in followers})
    venues = {follower.exchange_account.exchange for follower in followers}
    rules = {venue: gateway.market_rules_now(venue).get(signal.symbol) for venue in venues}
    return [
        _order(signal, follower, limits.get(follower.follower_id, Limits()), rules, now)
        for follower in followers
    ]


def _order(
    signal: Signal,
    follower: Subscription,
    limits: Limits,
    rules: Mapping[str, MarketRules | None],
    now: datetime,
) -> CopyOrder:
    market = rules[follower.exchange_account.exchange]
    verdict = _exit(signal, follower, market) if signal.is_exit else _entry(signal, follower, limits, market)
    number = signal.number or 0
    is_final = verdict.status != Status.PENDING
    return CopyOrder(
        origin=CopyOrder.Origin.SIGNAL,
        origin_number=number,
        subscription=follower,
        strategy_id=signal.strategy_id,
        signal=signal,
        exchange_account_id=follower.exchange_account_id,
        client_order_id=client_order_id(
            origin=CopyOrder.Origin.SIGNAL,
            origin_number=number,
            owner=follower.pk,
            symbol=signal.symbol,
            part=1,
        ),
        kind=CopyOrder.Kind.EXIT if signal.is_exit else CopyOrder.Kind.ENTRY,
        symbol=signal.symbol,
        side=signal.side,
        type="market" if signal.is_exit else "limit_ioc",
        status=verdict.status,
        reason_code=verdict.reason or "",
        reason_text=verdict.text,
        target_change=verdict.target_change,
        price=verdict.price,
        sizing=[step.as_json() for step in verdict.steps],
        master_price=signal.price,
        signal_at=signal.at,
        detected_at=signal.detected_at,
        expires_at=None if signal.is_exit else _expires_at(signal, signal.strategy),
        due_at=now,
        created_at=now,
        updated_at=now,
        finished_at=now if is_final else None,
    )


def _expires_at(signal: Signal, strategy: Strategy) -> datetime | None:
    return signal.at and signal.at + timedelta(seconds=strategy.max_signal_age_seconds)


def _exit(signal: Signal, follower: Subscription, market: MarketRules | None) -> Verdict:
    """Exits are always copied: paused, blocked or above a limit."""
    fraction = signal.exit_fraction if signal.exit_fraction is not None else Decimal(1)
    step = Step("Master's exit", "part of the strategy's position that was sold", f"{fraction * 100:.2f} %")
    if market is None:
        return Verdict(Status.SKIPPED, Reason.SYMBOL_NOT_LISTED, "", fraction, None, (step,))
    return Verdict(Status.PENDING, None, "", fraction, None, (step,))


def _entry(signal: Signal, follower: Subscription, limits: Limits, market: MarketRules | None) -> Verdict:
    refusal = _refusal(signal, follower, market)
    if refusal or market is None:
        return _skipped(refusal or Reason.SYMBOL_NOT_LISTED)
    bound = price_bound(
        master_price=signal.price or Decimal(0),
        max_slippage_bps=slippage_bound_bps(limits, chosen=_max_slippage_bps(follower, signal.symbol)),
        tick_size=market.tick_size,
    )
    sized = _size(signal, follower, bound)
    if sized.amount is None:
        return _skipped(Reason.MASTER_EQUITY_UNKNOWN, sized.steps)
    denial = check_entry(
        limits, symbol=signal.symbol, notional=sized.amount * bound, currency=signal.strategy.quote
    )
    if denial:
        return _denied(denial, sized)
    return Verdict(Status.PENDING, None, "", sized.amount, bound, sized.steps)


def _refusal(signal: Signal, follower: Subscription, market: MarketRules | None) -> Reason | None:
    """The rule by which this follower's entry is skipped before any arithmetic, or None."""
    if follower.status == Subscription.Status.PAUSED:
        return Reason.PAUSED
    if follower.status == Subscription.Status.CLOSING:
        return Reason.CLOSING
    if signal.strategy.status == Strategy.Status.CLOSED:
        return Reason.STRATEGY_CLOSED
    if signal.symbol not in signal.strategy.symbols:
        return Reason.SYMBOL_DROPPED
    if signal.symbol in follower.symbols_blocked:
        return Reason.SYMBOL_BLOCKED
    if market is None or not market.active:
        return Reason.SYMBOL_NOT_LISTED
    return None


def _max_slippage_bps(follower: Subscription, symbol: str) -> int:
    if follower.max_slippage_bps is not None:
        return follower.max_slippage_bps
    is_deep = symbol.partition("/")[0] in DEEP_MARKETS
    default: int = settings.MAX_SLIPPAGE_BPS_DEEP if is_deep else settings.MAX_SLIPPAGE_BPS
    return default


def _size(signal: Signal, follower: Subscription, bound: Decimal) -> Sized:
    return size_entry(
        MasterFill(
            amount=signal.amount,
            price=signal.price or Decimal(0),
            equity=signal.master_equity,
            order_amount=signal.order_amount,
        ),
        FollowerSettings(
            mode=follower.sizing_mode,
            value=follower.sizing_value,
            allocation=follower.allocation,
            realised_pnl=follower.realised_pnl,
        ),
        bound=bound,
        quote=signal.strategy.quote,
    )


def _skipped(reason: Reason, steps: tuple[Step, ...] = ()) -> Verdict:
    return Verdict(Status.SKIPPED, reason, "", Decimal(0), None, steps)


def _denied(denial: Denial, sized: Sized) -> Verdict:
    amount = sized.amount or Decimal(0)
    return Verdict(Status.DENIED, Reason(denial.rule), denial.sentence, amount, None, sized.steps)
