"""Step 4: what the venue said becomes the order's state and the books, whole in one transaction.

Whatever brings the news (the answer, a look-up, the stream) comes through here; applied twice, it
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext

from django.db import transaction

from exchanges.errors import BadCredentials, InsufficientFunds, Rejected
from exchanges.rounding import EXACT, meets_minimum
from exchanges.types import FillReport, OrderType
from execution import orders
from execution.answers import SHORTEST_BACKOFF, apply
from execution.endings import Work, end_signals, released
from execution.metrics import count_ended
from execution.models import CopyOrder, client_order_id
from execution.orders import Order
from execution.placing import Outcome
from execution.rules import rules_of
from execution.states import AT_THE_VENUE, Status
from ledger.booking import (
    Entry,
    PositionKey,
    Positions,
    SubPosition,
    apply_fills,
    positions_for,
    write_positions,
)
from ledger.pnl import PLACES
from subscriptions.ending import reopen
from subscriptions.models import Subscription
from subscriptions.relations import Relation, lock_relations, write_money
from wallets import dead_keys
from wallets.models import ExchangeAccount

ZERO = Decimal(0)


def settle(outcomes: Sequence[Outcome], *, now: datetime) -> Work:
    """Apply outcomes to their orders, targets, cash and books; return the orders that they release."""
    with localcontext(EXACT), transaction.atomic(durable=True):
        # Subscriptions first, by id: everybody locks in this order.
        relations = lock_relations(
            {outcome.subscription_id for outcome in outcomes if outcome.subscription_id}
        )
        locked = orders.lock(outcome.order_id for outcome in outcomes)
        positions = positions_for(_position_key(order) for order in locked.values() if order.subscription_id)
        was_final = {order.id for order in locked.values() if order.is_final}
        booked = _book(outcomes, locked, relations, positions, now)
        sizes = {order.id: order.requested_amount for order in locked.values()}
        for outcome in outcomes:
            apply(outcome, locked[outcome.order_id], now)
        resized = [order for order in locked.values() if order.requested_amount != sizes[order.id]]
        finished = [order for order in locked.values() if order.is_final and order.id not in was_final]
        release_cash(locked.values(), relations)
        parts = _settle_targets(finished, positions, now)
        # First, as an order at the venue has a size.
        orders.write(resized, ("requested_amount", "claimed_at"), now=now)
        orders.write(locked.values(), COLUMNS, now=now)
        orders.write_attempts(locked.values())
        write_positions(positions.values(), now=now)
        write_money(relations.values())
        late = sorted(key for key in booked if relations[key].status == Subscription.Status.CLOSED)
        reopen(subscription_ids=late, now=now)
        orders.insert(parts, now=now)
        _mark_invalid(outcomes, locked, now)
        work = released(finished, now=now) + _to_ask(outcomes, locked)
    end_signals(locked.values())
    count_ended(finished)
    return work


# --- Books ------------------------------------------------------------------------------------------


def _book(
    outcomes: Sequence[Outcome],
    locked: Mapping[int, Order],
    relations: Mapping[int, Relation],
    positions: Positions,
    now: datetime,
) -> set[int]:
    """Book the followers' new fills; returned: whose. A master's own come through the watcher."""
    entries = [
        Entry(
            fill=fill,
            account_id=order.exchange_account_id,
            exchange=order.exchange,
            strategy_id=order.strategy_id,
            relation=relations[order.subscription_id],
            client_order_id=order.client_order_id,
            signal_at=order.signal_at,
            master_price=order.master_price,
        )
        for outcome in outcomes
        if outcome.report
        for order in [locked[outcome.order_id]]
        if order.subscription_id
        for fill in outcome.report.fills
    ]
    by_client_id = {(order.exchange_account_id, order.client_order_id): order for order in locked.values()}
    booked = set()
    for entry in apply_fills(entries, positions, now=now):
        order = by_client_id[entry.account_id, entry.client_order_id]
        count_fill(entry.fill, order, positions[entry.position_key], entry.relation)
        booked.add(order.subscription_id or 0)
    return booked


def count_fill(fill: FillReport, order: Order, position: SubPosition, relation: Relation | None) -> None:
    """A fill that was booked counts for its order."""
    if relation and order.reserved:
        _release_part(fill, order, relation)
    order.filled_amount += fill.quantity
    order.filled_cost += fill.quantity * fill.price
    if fill.fee_asset == fill.symbol.partition("/")[0]:
        # What a fee took of the bought coin itself comes off the target: it is never bought again.
        position.target = max(ZERO, position.target - fill.fee)


def _release_part(fill: FillReport, order: Order, relation: Relation) -> None:
    """What a fill has cost is taken off the cash: it is not reserved any more."""
    rest = (order.requested_amount or ZERO) - order.filled_amount
    part = min(fill.quantity / rest, Decimal(1)) if rest > 0 else Decimal(1)
    spent = (order.reserved * part).quantize(PLACES, ROUND_DOWN)
    order.reserved -= spent
    relation.reserved -= spent


# --- What a finished order leaves -------------------------------------------------------------------


def release_cash(settled: Iterable[Order], relations: Mapping[int, Relation]) -> None:
    """Cash is reserved only while an order may still spend it."""
    for order in settled:
        if order.subscription_id and order.status not in AT_THE_VENUE:
            relations[order.subscription_id].reserved -= order.reserved
            order.reserved = ZERO


def _settle_targets(finished: Iterable[Order], positions: Positions, now: datetime) -> list[Order]:
    """What an entry could not get comes off the target and is never chased.

    What an exit could not sell becomes a further part of it, which is returned.
    """
    parts = []
    for order in finished:
        if order.subscription_id is None:
            continue
        position = positions[_position_key(order)]
        if order.kind == CopyOrder.Kind.ENTRY:
            take_off_target(order, position)
        elif _can_sell_more(order, position):
            parts.append(_next_part(order, now))
    return parts


def _position_key(order: Order) -> PositionKey:
    return (order.strategy_id, order.subscription_id, order.symbol)


def take_off_target(order: Order, position: SubPosition) -> None:
    if order.target_applied:
        unfilled = (order.requested_amount or ZERO) - order.filled_amount
        position.target = max(ZERO, position.target - max(unfilled, ZERO))


def _can_sell_more(order: Order, position: SubPosition) -> bool:
    if order.status not in (Status.FILLED, Status.CANCELED):
        return False
    rules = (rules_of([order.exchange])[order.exchange] or {}).get(order.symbol)
    rest: Decimal = position.held - position.target
    if not order.filled_amount or rules is None:
        # Nothing tells its price: the claim of the further part judges what can be sold.
        return rest > 0
    return meets_minimum(rest, order.filled_cost / order.filled_amount, rules)


def _next_part(order: Order, now: datetime) -> Order:
    part = order.part + 1
    waits = SHORTEST_BACKOFF * 2 ** min(part, 7) if not order.filled_amount else timedelta()
    return Order(
        origin=order.origin,
        origin_number=order.origin_number,
        subscription_id=order.subscription_id,
        strategy_id=order.strategy_id,
        signal_id=order.signal_id,
        exchange_account_id=order.exchange_account_id,
        part=part,
        client_order_id=client_order_id(
            origin=order.origin,
            origin_number=order.origin_number,
            owner=order.subscription_id or 0,
            symbol=order.symbol,
            part=part,
        ),
        kind=order.kind,
        symbol=order.symbol,
        side=order.side,
        type=OrderType.MARKET,
        target_change=order.target_change,
        target_applied=True,
        master_price=order.master_price,
        signal_at=order.signal_at,
        detected_at=order.detected_at,
        due_at=now + waits,
    )


def _to_ask(outcomes: Sequence[Outcome], locked: Mapping[int, Order]) -> Work:
    """What the venue must be asked before a refused exit is tried again."""
    work = Work()
    for outcome in outcomes:
        order = locked[outcome.order_id]
        if order.kind != CopyOrder.Kind.EXIT or order.status != Status.PENDING:
            continue
        if isinstance(outcome.error, InsufficientFunds):
            work.short.append(order.id)
        elif isinstance(outcome.error, Rejected) and len(order.refusals) == 1:
            work.refused.setdefault(order.exchange, []).append(order.id)
    return work


# What the outcome of an order may change of it.
COLUMNS = (
    "status",
    "reason_code",
    "reason_text",
    "reserved",
    "filled_amount",
    "filled_cost",
    "venue_order_id",
    "due_at",
    "look_up_at",
    "not_found_count",
    "acknowledged_at",
    "finished_at",
)


def _mark_invalid(outcomes: Sequence[Outcome], locked: Mapping[int, Order], now: datetime) -> None:
    """A refused key stops the whole account at once: nothing more is sent with it."""
    refused = {
        locked[outcome.order_id].exchange_account_id
        for outcome in outcomes
        if isinstance(outcome.error, BadCredentials)
    }
    if refused:
        dead_keys.keys_refused(refused, now=now)
        ExchangeAccount.objects.filter(pk__in=refused, status=ExchangeAccount.Status.ACTIVE).update(
            status=ExchangeAccount.Status.INVALID,
            status_reason="invalid_credentials",
        )
