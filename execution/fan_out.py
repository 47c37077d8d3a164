"""Step 2: a signal becomes one order per follower, slice by slice, nobody left out.

A slice is written and claimed in one transaction, so that its orders leave as soon as it is committed.
"""

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
from execution import claiming, orders, pacing
from execution.claiming import Claimed
from execution.decisions import Facts
from execution.endings import finish_if_settled
from execution.models import CopyOrder, client_order_id
from execution.orders import Order
from execution.pacing import Address
from execution.reasons import Reason
from execution.rules import rules_of
from execution.silence import why_no_entry
from execution.states import Status
from records.bulk import select
from risk.checks import Denial, check_entry, slippage_bound_bps
from strategies.models import Signal, SignalQuerySet, Strategy
from subscriptions.models import Subscription
from subscriptions.relations import Relation, lock_followers
from subscriptions.sizing import FollowerSettings, MasterFill, Sized, Step, price_bound, size_entry

SLICE = 100
# The first followers need not wait for a whole slice to be written.
FIRST_SLICE = 20
# Spreads who goes first over the followers; any large prime does.
ROTATION = 2_147_483_647
# Above what anybody can pay, and within what the database keeps.
LARGEST_AMOUNT = Decimal(10) ** 15
CLOCKS_DIFFER = timedelta(seconds=10)
DEEP_MARKETS = frozenset({"BTC", "ETH"})


@dataclass(frozen=True, slots=True)
class Slice:
    """What one transaction of the fan-out wrote.

    `to_send` is claimed for the caller; `order_ids` are due and wait to be claimed by anybody.
    """

    to_send: list[Claimed]
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


def fan_out_slice(signal_id: int, *, now: datetime, claim_for: str = "") -> Slice:
    """Write the next slice of the signal's orders. Goes on where a fan-out that died has stopped.

    What may leave now is claimed for the worker `claim_for`. Without one, or where a venue takes no more for
    the moment, or where an earlier order is under way, the order is pending.

    While an earlier signal of the same strategy and symbol is not written for everybody, its next slice
    comes first: an exit must find the entries that it closes.
    """
    wanted = Signal.objects.select_related("strategy").get(pk=signal_id)
    venues = _venues_ahead(_to_write(wanted, now).first() or wanted)
    # Both may go over the network, so before any lock.
    rules = rules_of({exchange for exchange, _ in venues})
    grants = pacing.grants(venues, is_exit=wanted.is_exit) if claim_for else {}
    with localcontext(EXACT), transaction.atomic(durable=True):
        signal = _to_write(wanted, now).select_for_update(of=("self",), no_key=True).first()
        if signal is None:
            # Another worker has just written the last one.
            is_written = Signal.objects.filter(pk=signal_id, fanned_out_at__isnull=False).exists()
            return Slice([], [], wanted.is_exit, is_last=is_written)
        overtaken = _start(signal) if signal.fan_out_start is None else set()
        relations = _lock_followers(signal)
        facts = claiming.facts_for(relations, rules)
        if any(access.exchange not in rules for access in facts.accounts.values()):
            # Somebody at a venue whose rules were not read has come into the slice meanwhile: try again.
            transaction.set_rollback(True)
            return Slice([], [], wanted.is_exit, is_last=False)
        stop = None if signal.is_exit else why_no_entry(signal, now=now)
        new = [_order(signal, relation, facts, now, stop) for relation in relations.values()]
        if claim_for:
            _claim(new, facts, grants, claim_for, now)
        orders.insert(new, now=now)
        claiming.write_changes(facts, now=now)
        _move_on(signal, list(relations), now)
    finish_if_settled({*overtaken, signal.pk} if signal.fanned_out_at else overtaken)
    return Slice(
        claiming.claimed(new, facts),
        [order.id for order in new if order.status == Status.PENDING and order.due_at <= now],
        signal.is_exit,
        is_last=signal.fanned_out_at is not None and signal.pk == wanted.pk,
    )


def _to_write(wanted: Signal, now: datetime) -> SignalQuerySet:
    """The signals whose slices come first, in order. Entries too old to be bought hold up nobody."""
    too_old = now - timedelta(seconds=wanted.strategy.max_signal_age_seconds) - CLOCKS_DIFFER
    holds_up = Q(pk=wanted.pk) | Q(side="sell") | Q(at__gte=too_old)
    return (
        Signal.objects.to_fan_out()
        .filter(holds_up, strategy=wanted.strategy, symbol=wanted.symbol, number__lte=wanted.number)
        .select_related("strategy")
        .order_by("number")
    )


# --- Who is next: up from the signal's start by id, and then round from the lowest --------------------
# The cursor is the id the fan-out has come to; once it has gone round, that id negative (0 before the first).


def _start(signal: Signal) -> set[int]:
    """Choose who goes first, and let a full exit overtake the entries that have not left yet.

    Returns the signals of those entries.
    """
    signal.fan_out_start = _first_follower(signal)
    signal.fan_out_cursor = signal.fan_out_start - 1
    return _overtake(signal) if signal.exit_fraction == 1 else set()


def _first_follower(signal: Signal) -> int:
    ids = Subscription.objects.following(signal.strategy_id).aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ids["low"] or 0, ids["high"] or 0
    first: int = low + ((signal.number or 0) * ROTATION) % (high - low + 1)
    return first


def _ahead(signal: Signal) -> tuple[int, int | None, int]:
    """The next slice: ids above the first of these, below the second if any, so many at most."""
    start, cursor = signal.fan_out_start, signal.fan_out_cursor
    if start is None or cursor is None:
        return _first_follower(signal) - 1, None, FIRST_SLICE
    if cursor < start - 1:
        return -cursor, start, SLICE
    return cursor, None, FIRST_SLICE if cursor == start - 1 else SLICE


def _lock_followers(signal: Signal) -> dict[int, Relation]:
    above, below, most = _ahead(signal)
    return lock_followers(
        signal.strategy_id, before_number=signal.number or 0, above=above, below=below, most=most
    )


_VENUES = """
    SELECT a.exchange, a.proxy_url, count(*) FILTER (WHERE %s OR s.status = 'active')
    FROM (
        SELECT exchange_account_id, status FROM subscriptions_subscription
        WHERE strategy_id = %s AND status <> 'closed' AND starts_after_number < %s
            AND id > %s AND (%s::bigint IS NULL OR id < %s)
        ORDER BY id LIMIT %s
    ) s JOIN wallets_exchangeaccount a ON a.id = s.exchange_account_id
    GROUP BY 1, 2
"""


def _venues_ahead(signal: Signal) -> dict[Address, int]:
    """To each venue and egress address: how many orders of the next slice may want to go there."""
    above, below, most = _ahead(signal)
    asked = (signal.is_exit, signal.strategy_id, signal.number, above, below, below, most)
    return {(exchange, proxy_url): count for exchange, proxy_url, count in select(_VENUES, asked)}


_MORE = """
    SELECT EXISTS (
        SELECT 1 FROM subscriptions_subscription
        WHERE strategy_id = %s AND status <> 'closed' AND starts_after_number < %s
            AND id > %s AND (%s::bigint IS NULL OR id < %s)
    )
"""


def _are_more(signal: Signal, above: int, below: int | None) -> bool:
    [(are_more,)] = select(_MORE, (signal.strategy_id, signal.number, above, below, below))
    return bool(are_more)


def _move_on(signal: Signal, ids: Sequence[int], now: datetime) -> None:
    above, below, _ = _ahead(signal)
    last = ids[-1] if ids else above
    start = signal.fan_out_start or 0
    if below is None and not _are_more(signal, last, None):
        # All above the start are done: round to the lowest.
        below, last = start, 0
    signal.fan_out_cursor = last if below is None else -last
    if below is not None and not _are_more(signal, last, below):
        signal.fanned_out_at = now
    signal.fan_out_moved_at = now
    signal.save(update_fields=["fan_out_start", "fan_out_cursor", "fan_out_moved_at", "fanned_out_at"])


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


# --- What becomes of each ---------------------------------------------------------------------------


def _claim(
    new: Sequence[Order], facts: Facts, grants: dict[Address, int], worker: str, now: datetime
) -> None:
    """Decide those that may leave now: nothing is before them, and their venue takes more."""
    pending = [order for order in new if order.status == Status.PENDING]
    waiting = claiming.sub_positions_with_live_orders(
        order.subscription_id for order in pending if order.subscription_id
    )
    claimable = []
    for order in pending:
        if (order.subscription_id, order.symbol) in waiting:
            continue
        access = facts.accounts[order.exchange_account_id]
        address = (access.exchange, access.proxy_url)
        if grants.get(address, 0) > 0:
            grants[address] -= 1
            claimable.append(order)
        else:
            order.reason_code, order.due_at = Reason.WAITING_FOR_VENUE, pacing.room_at(address, now)
    claiming.decide_all(claimable, facts, worker=worker, now=now)


def _order(signal: Signal, relation: Relation, facts: Facts, now: datetime, stop: Reason | None) -> Order:
    """`stop` is why nobody buys with this master now."""
    exchange = facts.accounts[relation.exchange_account_id].exchange
    if signal.is_exit:
        verdict = _exit(signal)
    else:
        verdict = _skipped(stop) if stop else _entry(signal, relation, facts, exchange)
    number = signal.number or 0
    return Order(
        origin=CopyOrder.Origin.SIGNAL.value,
        origin_number=number,
        subscription_id=relation.id,
        strategy_id=signal.strategy_id,
        signal_id=signal.pk,
        exchange_account_id=relation.exchange_account_id,
        client_order_id=client_order_id(
            origin=CopyOrder.Origin.SIGNAL.value,
            origin_number=number,
            owner=relation.id,
            symbol=signal.symbol,
            part=1,
        ),
        kind=CopyOrder.Kind.EXIT.value if signal.is_exit else CopyOrder.Kind.ENTRY.value,
        symbol=signal.symbol,
        side=signal.side,
        type="market" if signal.is_exit else "limit_ioc",
        status=verdict.status.value,
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
        finished_at=None if verdict.status == Status.PENDING else now,
        exchange=exchange,
    )


def _expires_at(signal: Signal, strategy: Strategy) -> datetime | None:
    return signal.at and signal.at + timedelta(seconds=strategy.max_signal_age_seconds)


def _exit(signal: Signal) -> Verdict:
    """Exits are always copied: paused, blocked, above a limit, or at a venue that is silent now."""
    fraction = signal.exit_fraction if signal.exit_fraction is not None else Decimal(1)
    step = Step("Master's exit", "part of the strategy's position that was sold", f"{fraction * 100:.2f} %")
    return Verdict(Status.PENDING, None, "", fraction, None, (step,))


def _entry(signal: Signal, follower: Relation, facts: Facts, exchange: str) -> Verdict:
    limits, markets = facts.limits_of(follower), facts.rules.get(exchange)
    refusal = _refusal(signal, follower, markets)
    if refusal or not markets:
        return _skipped(refusal or Reason.VENUE_UNAVAILABLE)
    bound = price_bound(
        master_price=signal.price or Decimal(0),
        max_slippage_bps=slippage_bound_bps(
            limits, chosen=max_slippage_bps(follower.max_slippage_bps, signal.symbol)
        ),
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


def _refusal(signal: Signal, follower: Relation, markets: Mapping[str, MarketRules] | None) -> Reason | None:
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


def max_slippage_bps(chosen: int | None, symbol: str) -> int:
    """What the follower chose, or the default for this symbol."""
    if chosen is not None:
        return chosen
    is_deep = symbol.partition("/")[0] in DEEP_MARKETS
    default: int = settings.MAX_SLIPPAGE_BPS_DEEP if is_deep else settings.MAX_SLIPPAGE_BPS
    return default


def _size(signal: Signal, follower: Relation, bound: Decimal) -> Sized:
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
