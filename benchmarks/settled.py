"""Settling fills by the platform's own step, against bare inserts of the same rows into the same tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.extent import Extent
from benchmarks.history import History
from benchmarks.orders import PRICE, SYMBOL
from exchanges.types import FillReport, OrderReport, Side
from execution import orders, settling
from execution.models import CopyOrder, client_order_id
from execution.orders import Order
from execution.placing import Outcome
from ledger.booking import positions_for
from ledger.models import Fill, Position, Posting, Trade
from local.report import Refusal, say
from subscriptions.models import Subscription

# Keys and names of the rows that are inserted again lie beyond all others.
BEYOND = 1_000_000_000
AMOUNT, FEE = Decimal("0.001"), Decimal("0.1")

# The rows that settling wrote, once more: new keys, and a trade id that is not there yet.
FILLS = """
INSERT INTO ledger_fill (id, exchange_account_id, symbol, venue_order_id, trade_id, client_order_id, side,
    price, quantity, fee, fee_asset, at, recorded_at)
SELECT id + %(by)s, exchange_account_id, symbol, venue_order_id, trade_id || '-' || %(by)s, client_order_id,
    side, price, quantity, fee, fee_asset, at, recorded_at
FROM settled_fill
"""
TRADES = """
INSERT INTO ledger_trade (id, public_id, fill_id, strategy_id, subscription_id, exchange_account_id, at,
    symbol, side, price, quantity, cost, fee, fee_asset, fee_in_quote, realised_pnl, signal_at, master_price,
    input_hash, created_at)
SELECT id + %(by)s, gen_random_uuid(), fill_id + %(by)s, strategy_id, subscription_id, exchange_account_id,
    at, symbol, side, price, quantity, cost, fee, fee_asset, fee_in_quote, realised_pnl, signal_at,
    master_price, input_hash, created_at
FROM settled_trade
"""
POSTINGS = """
INSERT INTO ledger_posting (trade_id, source, destination, amount, asset)
SELECT p.trade_id + %(by)s, p.source, p.destination, p.amount, p.asset
FROM settled_posting p
"""
POSITIONS = """
INSERT INTO ledger_position (public_id, strategy_id, subscription_id, symbol, target, held, cost,
    realised_pnl, fees, updated_at)
SELECT gen_random_uuid(), p.strategy_id, p.subscription_id, p.symbol || '-' || %(by)s, p.target, p.held,
    p.cost, p.realised_pnl, p.fees, p.updated_at
FROM settled_position p WHERE p.symbol = 'BTC/USDT'
"""
MONEY = """
UPDATE subscriptions_subscription s SET cash = m.cash, reserved = m.reserved, realised_pnl = m.realised_pnl
FROM settled_subscription m WHERE s.id = m.id
"""
ORDERS = """
UPDATE execution_copyorder o SET status = m.status, filled_amount = m.filled_amount,
    filled_cost = m.filled_cost, venue_order_id = m.venue_order_id, finished_at = m.finished_at
FROM settled_copyorder m WHERE o.id = m.id
"""
BARE = (FILLS, TRADES, POSTINGS, POSITIONS, MONEY, ORDERS)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds a fill."""

    settle_seconds: float
    bare_seconds: float


def measure(books: History, extent: Extent) -> Measured:
    """By turns, each in one transaction: a fill of every copy settled, and its rows inserted once more."""
    settle_times, bare_times = [], []
    for number in range(extent.repetitions(60)):
        outcomes = _orders_at_the_venue(books, books.trades * 1000 + number)
        settle_times.append(_settle(outcomes) / len(outcomes))
        bare_times.append(_insert_again(outcomes) / len(outcomes))
    took = Measured(median(settle_times), median(bare_times))
    say(
        f"  among {books.trades} trades a fill is settled in {took.settle_seconds * 1000:.3f} ms,"
        f" its rows alone are inserted in {took.bare_seconds * 1000:.3f} ms"
    )
    return took


def _orders_at_the_venue(books: History, number: int) -> list[Outcome]:
    """Of each copy an order that the exchange has taken, and what it says of it: filled."""
    now = timezone.now()
    copies = list(Subscription.objects.filter(strategy=books.strategy).order_by("pk"))
    placed = [_order(copy, number, now) for copy in copies]
    orders.insert(placed, now=now)
    positions_for((copy.strategy_id, copy.pk, SYMBOL) for copy in copies)
    return [_outcome(order, now) for order in placed]


def _order(copy: Subscription, number: int, now: datetime) -> Order:
    name = client_order_id(origin="stop", origin_number=number, owner=copy.pk, symbol=SYMBOL, part=1)
    return Order(
        # Of the history's orders none is a stop's.
        origin="stop",
        origin_number=number,
        subscription_id=copy.pk,
        strategy_id=copy.strategy_id,
        signal_id=None,
        exchange_account_id=copy.exchange_account_id,
        client_order_id=name,
        kind=CopyOrder.Kind.ENTRY,
        symbol=SYMBOL,
        side=Side.BUY,
        type="limit_ioc",
        target_change=AMOUNT,
        due_at=now,
        status="submitting",
        target_applied=True,
        requested_amount=AMOUNT,
        price=Decimal(PRICE),
        master_price=Decimal(PRICE),
        signal_at=now,
        attempt=1,
        claimed_at=now,
        # Nobody else is to look it up.
        look_up_at=now + timedelta(days=1),
    )


def _outcome(order: Order, now: datetime) -> Outcome:
    fill = FillReport(
        symbol=SYMBOL,
        venue_order_id=f"v{order.id}",
        trade_id=f"t{order.id}",
        client_order_id=order.client_order_id,
        side=Side.BUY,
        price=Decimal(PRICE),
        quantity=AMOUNT,
        fee=FEE,
        fee_asset="USDT",
        at=now,
    )
    report = OrderReport(
        client_order_id=order.client_order_id,
        venue_order_id=fill.venue_order_id,
        symbol=SYMBOL,
        side=Side.BUY,
        requested=AMOUNT,
        filled=AMOUNT,
        average_price=Decimal(PRICE),
        is_final=True,
        fills=(fill,),
        at=now,
    )
    return Outcome(order.id, order.subscription_id, order.attempt, report, None, now)


def _settle(batch: Sequence[Outcome]) -> float:
    began = time.perf_counter()
    settling.settle(batch, now=timezone.now())
    return time.perf_counter() - began


def _insert_again(batch: Sequence[Outcome]) -> float:
    """What settling this batch wrote, by statements that only copy rows from tables beside."""
    copies = [outcome.subscription_id for outcome in batch]
    told = [outcome.report.venue_order_id for outcome in batch if outcome.report]
    fills = list(Fill.objects.filter(venue_order_id__in=told).values_list("pk", flat=True))
    if len(fills) != len(batch):
        raise Refusal(f"of {len(batch)} fills {len(fills)} were booked.")
    by = BEYOND + fills[0]
    with connection.cursor() as cursor, transaction.atomic():
        for model, name, chosen in _SOURCES:
            table = model._meta.db_table
            values: dict[str, Any] = {
                "fills": fills,
                "copies": copies,
                "orders": [outcome.order_id for outcome in batch],
            }
            copy = f"CREATE TEMPORARY TABLE {name} AS SELECT * FROM {table} WHERE {chosen}"  # noqa: S608
            cursor.execute(copy, values)
            cursor.execute(f"ANALYZE {name}")
    began = time.perf_counter()
    with connection.cursor() as cursor, transaction.atomic(durable=True):
        for statement in BARE:
            cursor.execute(statement, {"by": by})
    took = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE " + ", ".join(name for _, name, _ in _SOURCES))
    return took


_SOURCES = (
    (Fill, "settled_fill", "id = ANY(%(fills)s)"),
    (Trade, "settled_trade", "fill_id = ANY(%(fills)s)"),
    (Posting, "settled_posting", "trade_id IN (SELECT id FROM ledger_trade WHERE fill_id = ANY(%(fills)s))"),
    (Position, "settled_position", "subscription_id = ANY(%(copies)s)"),
    (Subscription, "settled_subscription", "id = ANY(%(copies)s)"),
    (CopyOrder, "settled_copyorder", "id = ANY(%(orders)s)"),
)
