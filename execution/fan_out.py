"""Step 2: a signal becomes one order per follower, slice by slice, nobody left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min, Q

from exchanges.rounding import EXACT
from exchanges.types import MarketRules
from execution.endings import finish_if_settled
from execution.models import CopyOrder, client_order_id
from execution.reasons import Reason
from execution.rules import rules_of
from execution.states import Status
from records.bulk import insert_rows
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
# Above what anybody can pay, and within what the database keeps.
LARGEST_AMOUNT = Decimal(10) ** 15
CLOCKS_DIFFER = timedelta(seconds=10)
DEEP_MARKETS = frozenset({"BTC", "ETH"})


VenueRules = Mapping[str, Mapping[str, MarketRules] | None]


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
    """Write the next slice of the signal's orders. Goes on where a fan-out that died has stopped.

    While an earlier signal of the same strategy and symbol is not written for everybody, its next slice
    comes first: an exit must find the entries that it closes.
    """
    wanted = Signal.objects.select_related("strategy").get(pk=signal_id)
    venues = Subscription.objects.following(wanted.strategy_id).values_list(
        "exchange_account__exchange", flat=True
    )
    # May go over the network, so before any lock.
    rules = rules_of(venues.distinct())
    with localcontext(EXACT), transaction.atomic(durable=True):
        signal = _next_to_write(wanted, now)
        if signal is None:
            is_written = Signal.objects.filter(pk=signal_id, fanned_out_at__isnull=False).exists()
            return Slice([], wanted.is_exit, is_last=is_written)
        overtaken = _start(signal) if signal.fan_out_start is None else set()
        followers = _next_followers(signal)
        orders = _orders(signal, followers, rules, now)
        insert_rows(orders)
        if followers:
            signal.fan_out_cursor = _cursor_after(followers[-1], signal)
        else:
            signal.fanned_out_at = now
        signal.save(update_fields=["fan_out_start", "fan_out_cursor", "fanned_out_at"])
    finish_if_settled(overtaken if followers else overtaken | {signal.pk})
    pending = [order.pk for order in orders if order.status == Status.PENDING]
    return Slice(pending, signal.is_exit, is_last=not followers and signal.pk == wanted.pk)


def _next_to_write(wanted: Signal, now: datetime) -> Signal | None:
    """The signal whose slice comes first, locked; None when another worker has just written the last one.

    Entries that are too old to be bought hold up nobody.
    """
    too_old = now - timedelta(seconds=wanted.strategy.max_signal_age_seconds) - CLOCKS_DIFFER
    holds_up = Q(pk=wanted.pk) | Q(side="sell") | Q(at__gte=too_old)
    return (
        Signal.objects.to_fan_out()
        .filter(holds_up, strategy=wanted.strategy, symbol=wanted.symbol, number__lte=wanted.number)
        .select_for_update(of=("self",), no_key=True)
        .select_related("strategy")
        .order_by("number")
        .first()
    )


def _start(signal: Signal) -> set[int]:
    """Choose who goes first, and let a full exit overtake the entries that have not left yet.

    Returns the signals of those entries.
    """
    ids = Subscription.objects.following(signal.strategy_id).aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ids["low"] or 0, ids["high"] or 0
    signal.fan_out_start = low + ((signal.number or 0) * ROTATION) % (high - low + 1)
    signal.fan_out_cursor = signal.fan_out_start - 1
    return _overtake(signal) if signal.exit_fraction == 1 else set()


def _overtake(signal: Signal) -> set[int]:
    entries = CopyOrder.objects.filter(
        strategy_id=signal.strategy_id,
        symbol=signal.symbol,
        kind=CopyOrder.Kind.ENTRY,
        status=Status.PENDING,
        attempt=0,
        origin=CopyOrder.Origin.SIGNAL,
    )
    signal_ids = {pk for pk in entries.values_list("signal_id", flat=True).distinct() if pk}
    entries.update(
        status=Status.SKIPPED,
        reason_code=Reason.OVERTAKEN_BY_EXIT,
        finished_at=signal.detected_at,
        updated_at=signal.detected_at,
    )
    return signal_ids


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


def _orders(
    signal: Signal, followers: Sequence[Subscription], rules: VenueRules, now: datetime
) -> list[CopyOrder]:
    limits = RiskLimits.objects.by_user({follower.follower_id for follower in followers})
    return [
        _order(signal, follower, limits.get(follower.follower_id, Limits()), rules, now)
        for follower in followers
    ]


def _order(
    signal: Signal,
    follower: Subscription,
    limits: Limits,
    rules: VenueRules,
    now: datetime,
) -> CopyOrder:
    markets = rules.get(follower.exchange_account.exchange)
    verdict = _exit(signal) if signal.is_exit else _entry(signal, follower, limits, markets)
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


def _exit(signal: Signal) -> Verdict:
    """Exits are always copied: paused, blocked, above a limit, or at a venue that is silent now."""
    fraction = signal.exit_fraction if signal.exit_fraction is not None else Decimal(1)
    step = Step("Master's exit", "part of the strategy's position that was sold", f"{fraction * 100:.2f} %")
    return Verdict(Status.PENDING, None, "", fraction, None, (step,))


def _entry(
    signal: Signal, follower: Subscription, limits: Limits, markets: Mapping[str, MarketRules] | None
) -> Verdict:
    refusal = _refusal(signal, follower, markets)
    if refusal or not markets:
        return _skipped(refusal or Reason.VENUE_UNAVAILABLE)
    bound = price_bound(
        master_price=signal.price or Decimal(0),
        max_slippage_bps=slippage_bound_bps(limits, chosen=_max_slippage_bps(follower, signal.symbol)),
        tick_size=markets[signal.symbol].tick_size,
    )
    if bound <= 0:
        # A tick coarser than the price: there is no price at which this venue would buy.
        return _skipped(Reason.SYMBOL_NOT_LISTED)
    sized = _size(signal, follower, bound)
    if sized.amount is None:
        return _skipped(Reason.MASTER_EQUITY_UNKNOWN, sized.steps)
    if denial := check_entry(limits, symbol=signal.symbol):
        return _denied(denial, sized)
    return Verdict(Status.PENDING, None, "", min(sized.amount, LARGEST_AMOUNT), bound, sized.steps)


def _refusal(
    signal: Signal, follower: Subscription, markets: Mapping[str, MarketRules] | None
) -> Reason | None:
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
    if markets is None:
        return Reason.VENUE_UNAVAILABLE
    if signal.symbol not in markets or not markets[signal.symbol].active:
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
    amount = min(sized.amount or Decimal(0), LARGEST_AMOUNT)
    return Verdict(Status.DENIED, Reason(denial.rule), denial.sentence, amount, None, sized.steps)
