"""Step 4: what the venue said becomes the order's state and the books, whole in one transaction.

Whatever brings the news (the answer, a look-up, the stream) comes through here; applied twice, it
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from django.db import transaction

from exchanges.errors import BadCredentials, FilterRefused, InsufficientFunds
from exchanges.rounding import EXACT, meets_minimum
from execution.answers import SHORTEST_BACKOFF, apply
from execution.endings import Work, end_signals, released
from execution.models import CopyOrder, client_order_id
from execution.placing import Outcome
from execution.rules import rules_of
from execution.states import AT_THE_VENUE, Status
from ledger.booking import Entry, PositionKey, book_fills, positions_for
from ledger.models import Position
from records.bulk import insert_rows, update_rows
from strategies.models import Strategy
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

ZERO = Decimal(0)


def settle(outcomes: Sequence[Outcome], *, now: datetime) -> Work:
    """Apply outcomes to their orders, targets, cash and books; return the orders that they release."""
    with localcontext(EXACT), transaction.atomic(durable=True):
        # Subscriptions first, by id: everybody locks in this order.
        subscriptions = _lock_subscriptions(outcomes)
        orders = _lock_orders(outcomes)
        accounts = ExchangeAccount.objects.in_bulk({row.exchange_account_id for row in orders.values()})
        was_final = {pk for pk, order in orders.items() if order.is_final}
        base_fees = _book(outcomes, orders, accounts, subscriptions, now)
        for outcome in outcomes:
            apply(outcome, orders[outcome.order_id], now)
        finished = [order for pk, order in orders.items() if order.is_final and pk not in was_final]
        _release_cash(orders.values(), subscriptions)
        parts = _settle_targets(finished, accounts, base_fees, now)
        _write(orders.values(), subscriptions, now)
        insert_rows(parts)
        _mark_invalid(outcomes, orders)
        work = released(finished, now=now) + _to_ask(outcomes, orders, accounts)
    end_signals(orders.values())
    return work


def _lock_subscriptions(outcomes: Sequence[Outcome]) -> dict[int, Subscription]:
    ids = {outcome.subscription_id for outcome in outcomes if outcome.subscription_id}
    rows = Subscription.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def _lock_orders(outcomes: Sequence[Outcome]) -> dict[int, CopyOrder]:
    ids = {outcome.order_id for outcome in outcomes}
    return {
        row.pk: row
        for row in CopyOrder.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    }


# --- Books ------------------------------------------------------------------------------------------


def _book(
    outcomes: Sequence[Outcome],
    orders: Mapping[int, CopyOrder],
    accounts: Mapping[int, ExchangeAccount],
    subscriptions: Mapping[int, Subscription],
    now: datetime,
) -> dict[PositionKey, Decimal]:
    """Book the followers' new fills; return the fees that were taken in the bought coin itself.

    A master's own fills come through the watcher, however they arose.
    """
    strategies = Strategy.objects.in_bulk({order.strategy_id for order in orders.values()})
    entries = [
        Entry(
            fill=fill,
            account_id=order.exchange_account_id,
            exchange=accounts[order.exchange_account_id].exchange,
            strategy=strategies[order.strategy_id],
            subscription=subscriptions[order.subscription_id],
            client_order_id=order.client_order_id,
            signal_at=order.signal_at,
            master_price=order.master_price,
        )
        for outcome in outcomes
        if outcome.report
        for order in [orders[outcome.order_id]]
        if order.subscription_id
        for fill in outcome.report.fills
    ]
    by_client_id = {(order.exchange_account_id, order.client_order_id): order for order in orders.values()}
    base_fees: dict[PositionKey, Decimal] = {}
    for entry in book_fills(entries, now=now):
        fill, order = entry.fill, by_client_id[entry.account_id, entry.client_order_id]
        order.filled_amount += fill.quantity
        order.filled_cost += fill.quantity * fill.price
        if fill.fee_asset == fill.symbol.partition("/")[0]:
            base_fees[entry.position_key] = base_fees.get(entry.position_key, ZERO) + fill.fee
    return base_fees


# --- What a finished order leaves -------------------------------------------------------------------


def _release_cash(orders: Iterable[CopyOrder], subscriptions: Mapping[int, Subscription]) -> None:
    """Cash is reserved only while an order may still spend it."""
    for order in orders:
        if order.subscription_id and order.status not in AT_THE_VENUE:
            subscriptions[order.subscription_id].reserved -= order.reserved
            order.reserved = ZERO


def _settle_targets(
    finished: Sequence[CopyOrder],
    accounts: Mapping[int, ExchangeAccount],
    base_fees: Mapping[PositionKey, Decimal],
    now: datetime,
) -> list[CopyOrder]:
    """What an entry could not get, and what fees took of it, comes off the target and is never chased.

    What an exit could not sell becomes a further part of it, which is returned.
    """
    followers = [order for order in finished if order.subscription_id]
    positions = positions_for([*map(_position_key, followers), *base_fees])
    for key, fee in base_fees.items():
        positions[key].target = max(ZERO, positions[key].target - fee)
    parts = []
    for order in followers:
        position = positions[_position_key(order)]
        if order.kind == CopyOrder.Kind.ENTRY:
            _take_off_target(order, position)
        elif _can_sell_more(order, position, accounts[order.exchange_account_id].exchange):
            parts.append(_next_part(order, now))
    update_rows(Position, [{"id": row.pk, "target": row.target} for row in positions.values()])
    return parts


def _position_key(order: CopyOrder) -> PositionKey:
    return (order.strategy_id, order.subscription_id, order.symbol)


def _take_off_target(order: CopyOrder, position: Position) -> None:
    if order.target_applied:
        unfilled = (order.requested_amount or ZERO) - order.filled_amount
        position.target = max(ZERO, position.target - max(unfilled, ZERO))


def _can_sell_more(order: CopyOrder, position: Position, exchange: str) -> bool:
    if order.status not in (Status.FILLED, Status.CANCELED):
        return False
    rules = (rules_of([exchange])[exchange] or {}).get(order.symbol)
    rest: Decimal = position.held - position.target
    if not order.filled_amount or rules is None:
        # Nothing tells its price: the claim of the further part judges what can be sold.
        return rest > 0
    return meets_minimum(rest, order.filled_cost / order.filled_amount, rules)


def _next_part(order: CopyOrder, now: datetime) -> CopyOrder:
    part = order.part + 1
    waits = SHORTEST_BACKOFF * 2 ** min(part, 7) if not order.filled_amount else timedelta()
    return CopyOrder(
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
        type=order.type,
        target_change=order.target_change,
        target_applied=True,
        master_price=order.master_price,
        signal_at=order.signal_at,
        detected_at=order.detected_at,
        due_at=now + waits,
        created_at=now,
        updated_at=now,
    )


def _to_ask(
    outcomes: Sequence[Outcome], orders: Mapping[int, CopyOrder], accounts: Mapping[int, ExchangeAccount]
) -> Work:
    """What the venue must be asked before a refused exit is tried again."""
    work = Work()
    for outcome in outcomes:
        order = orders[outcome.order_id]
        if order.kind != CopyOrder.Kind.EXIT or order.status != Status.PENDING:
            continue
        if isinstance(outcome.error, InsufficientFunds):
            work.short.append(order.pk)
        elif isinstance(outcome.error, FilterRefused):
            work.stale_rules.add(accounts[order.exchange_account_id].exchange)
    return work


# --- Write ------------------------------------------------------------------------------------------

ORDER_COLUMNS = (
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


def _write(orders: Iterable[CopyOrder], subscriptions: Mapping[int, Subscription], now: datetime) -> None:
    update_rows(
        CopyOrder,
        [
            {"id": order.pk, "updated_at": now} | {name: getattr(order, name) for name in ORDER_COLUMNS}
            for order in orders
        ],
    )
    update_rows(Subscription, [{"id": row.pk, "reserved": row.reserved} for row in subscriptions.values()])


def _mark_invalid(outcomes: Sequence[Outcome], orders: Mapping[int, CopyOrder]) -> None:
    """A refused key stops the whole account at once: nothing more is sent with it."""
    refused = {
        orders[outcome.order_id].exchange_account_id
        for outcome in outcomes
        if isinstance(outcome.error, BadCredentials)
    }
    ExchangeAccount.objects.filter(pk__in=refused, status=ExchangeAccount.Status.ACTIVE).update(
        status=ExchangeAccount.Status.INVALID,
        status_reason="The exchange refused this key. Make a new one and replace it here.",
    )
