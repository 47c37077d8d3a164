"""Figures of strategies from the books: what a strategy, its followers and its copies made."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from compliance.audit import SYSTEM
from exchanges.types import FillReport, Side
from ledger import statistics
from ledger.booking import Entry, book_fills
from ledger.models import Mark, PricePoint, Trade, Transfer
from ledger.prices import keep_prices
from ledger.reversals import reverse_trade
from strategies.models import PerformanceSnapshot, Period, Statistics, Strategy
from subscriptions.models import Subscription
from subscriptions.relations import lock_relations
from tests import factories

NOW = timezone.now().replace(hour=12, minute=30, second=0, microsecond=0)
DAY = timedelta(days=1)
NUMBERS = count(1)


@pytest.fixture
def strategy(db) -> Strategy:
    """Published ten days ago with 1,000 USDT."""
    strategy = factories.StrategyFactory.create(published_at=NOW - DAY * 10)
    PerformanceSnapshot.objects.create(strategy=strategy, at=NOW - DAY * 10, equity=Decimal(1000))
    return strategy


def trade(
    strategy: Strategy,
    side: str,
    quantity: str,
    price: str,
    *,
    at: datetime,
    fee: str = "0",
    copy: Subscription | None = None,
    master_price: str = "",
) -> None:
    account = copy.exchange_account if copy else strategy.exchange_account
    fill = FillReport(
        symbol="BTC/USDT",
        venue_order_id=f"order-{next(NUMBERS)}",
        trade_id="1",
        client_order_id="",
        side=Side(side),
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        fee_asset="USDT",
        at=at,
    )
    with transaction.atomic():
        entry = Entry(
            fill=fill,
            account_id=account.pk,
            exchange=account.exchange,
            strategy_id=strategy.pk,
            relation=lock_relations([copy.pk])[copy.pk] if copy else None,
            signal_at=at - timedelta(milliseconds=80),
            master_price=Decimal(master_price or price),
        )
        book_fills([entry], now=at)


def price_was(price: str, *, at: datetime) -> None:
    PricePoint.objects.create(exchange="paper", symbol="BTC/USDT", at=at, price=Decimal(price), read_at=at)


def figures(strategy: Strategy, period: str = "all") -> Statistics:
    statistics.refresh(Strategy.objects.select_related("exchange_account").get(pk=strategy.pk), now=NOW)
    return Statistics.objects.get(strategy=strategy, period=period)


def test_the_database_begins_every_strategys_figures(strategy):
    periods = Statistics.objects.filter(strategy=strategy).values_list("period", flat=True)
    assert set(periods) == {period.value for period in Period}


def test_a_story_of_ten_days(strategy):
    trade(strategy, "buy", "5", "100", at=NOW - DAY * 8, fee="1")
    trade(strategy, "sell", "5", "120", at=NOW - DAY * 6, fee="1")
    trade(strategy, "buy", "5", "100", at=NOW - DAY * 2)
    price_was("90", at=NOW.replace(minute=0))

    row = figures(strategy)
    # +98 on 1,000, then -50 on 1,098.
    assert row.pnl == 48
    assert row.roi == Decimal("0.048")
    assert row.max_drawdown == (Decimal(50) / 1098).quantize(Decimal("0.00000001"))
    low = NOW.replace(minute=0)
    assert (row.drawdown_from, row.drawdown_at) == (low - timedelta(hours=1), low)
    assert (row.trades, row.round_trips, row.win_rate, row.profit_factor) == (3, 1, 1, None)
    assert row.average_holding_seconds == 2 * 86_400
    assert row.trades_per_week == Decimal("2.1")
    assert (row.days, row.days_in_loss) == (11, 2)

    week = figures(strategy, "7d")
    assert (week.pnl, week.trades, week.since) == (49, 2, NOW - DAY * 7)


def test_a_deposit_and_a_withdrawal_are_no_result(strategy):
    trade(strategy, "buy", "5", "100", at=NOW - DAY * 8)
    for number, (kind, amount) in enumerate((("deposit", 9000), ("withdrawal", 9400))):
        Transfer.objects.create(
            exchange_account=strategy.exchange_account,
            kind=kind,
            venue_id=str(number),
            asset="USDT",
            amount=amount,
            at=NOW - DAY * (6 - number),
        )
    row = figures(strategy)
    assert (row.roi, row.pnl, row.max_drawdown) == (0, 0, 0)
    assert row.curve[-1][1:] == ["600", "1"]


def test_a_reading_after_the_first_fill_is_led_back_to_the_publication(db):
    strategy = factories.StrategyFactory.create(published_at=NOW - DAY)
    trade(strategy, "buy", "5", "100", at=NOW - DAY / 2, fee="4")
    PerformanceSnapshot.objects.create(strategy=strategy, at=NOW - DAY / 4, equity=Decimal(996))
    assert figures(strategy).roi == Decimal("-0.004")


def test_without_a_reading_the_return_is_not_known_and_the_result_is(db):
    strategy = factories.StrategyFactory.create(published_at=NOW - DAY)
    trade(strategy, "buy", "1", "100", at=NOW - DAY / 2)
    trade(strategy, "sell", "1", "90", at=NOW - DAY / 4)
    row = figures(strategy)
    assert (row.roi, row.max_drawdown, row.curve) == (None, None, [])
    assert (row.pnl, row.trades, row.win_rate) == (-10, 2, 0)


def copies(strategy: Strategy, number: int) -> list[Subscription]:
    return [factories.SubscriptionFactory.create(strategy=strategy) for _ in range(number)]


def test_the_followers_median_needs_five_who_are_not_the_master(strategy):
    price_was("100", at=NOW - DAY)
    followers = copies(strategy, 4)
    own = factories.SubscriptionFactory.create(strategy=strategy, follower=strategy.owner, own=True)
    for copy in [*followers, own]:
        trade(strategy, "buy", "1", "100", at=NOW - DAY * 9, copy=copy)
    row = figures(strategy)
    assert (row.followers, row.assets_copied, row.followers_median_roi) == (4, 4000, None)
    assert row.copied_fills == 4

    (fifth,) = copies(strategy, 1)
    trade(strategy, "buy", "1", "100", at=NOW - DAY * 9, copy=fifth)
    for copy, sold_at in zip([*followers, fifth], ("90", "110", "120", "130", "140"), strict=True):
        trade(strategy, "sell", "1", sold_at, at=NOW - DAY / 2, copy=copy)
    row = figures(strategy)
    assert row.followers_median_roi == Decimal("0.02")
    assert (row.followers_in_profit, row.followers_in_loss, row.followers_known) == (4, 1, 5)
    # Within the last week the coins rose from 100, bought nine days ago.
    assert figures(strategy, "7d").followers_known == 0
    price_was("105", at=NOW - DAY * 7)
    assert figures(strategy, "7d").followers_median_roi == Decimal("0.015")


def test_slippage_and_delay_are_those_of_copies(strategy):
    (copy,) = copies(strategy, 1)
    trade(strategy, "buy", "1", "100", at=NOW - DAY)
    trade(strategy, "buy", "1", "100.5", at=NOW - DAY, copy=copy, master_price="100")
    trade(strategy, "sell", "1", "100.5", at=NOW - DAY, copy=copy, master_price="100")
    row = figures(strategy)
    assert (row.slippage_bps_p50, row.slippage_bps_p99) == (0, 49)
    assert (row.replication_lag_ms_p50, row.replication_lag_ms_p99) == (80, 80)


def test_a_copy_that_is_taken_back_says_nothing_of_how_well_copies_are_made(strategy):
    (copy,) = copies(strategy, 1)
    trade(strategy, "buy", "1", "100", at=NOW - DAY, copy=copy)
    trade(strategy, "buy", "1", "110", at=NOW - DAY, copy=copy, master_price="100")
    mistaken = Trade.objects.latest("pk")
    reverse_trade(trade_id=mistaken.public_id, reason="not ours", origin=SYSTEM, now=NOW)
    row = figures(strategy)
    assert (row.copied_fills, row.slippage_bps_p50, row.slippage_bps_p99) == (1, 0, 0)


def test_a_purchase_that_never_was_makes_no_followers_result_in_any_period(strategy):
    (copy,) = copies(strategy, 1)
    trade(strategy, "buy", "1", "100", at=NOW - DAY * 9, copy=copy)
    mistaken = Trade.objects.latest("pk")
    price_was("130", at=NOW - DAY * 7)
    reverse_trade(trade_id=mistaken.public_id, reason="not ours", origin=SYSTEM, now=NOW - DAY)
    for period in ("7d", "all"):
        row = figures(strategy, period)
        assert (row.followers_known, row.followers_in_profit, row.followers_in_loss) == (1, 0, 0), period


def test_a_coin_without_a_price_makes_a_followers_result_unknown_and_not_nothing(strategy):
    (copy,) = copies(strategy, 1)
    trade(strategy, "buy", "1", "100", at=NOW - DAY, copy=copy)
    row = figures(strategy)
    assert (row.followers, row.followers_known, row.followers_in_loss) == (1, 0, 0)


def kept(strategy: Strategy) -> list[dict[str, Any]]:
    rows = Statistics.objects.filter(strategy=strategy).order_by("period")
    return [dict(row) for row in rows.values()]


def test_recomputed_from_nothing_the_figures_are_the_same(strategy, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    for copy in copies(strategy, 5):
        trade(strategy, "buy", "1", "100", at=NOW - DAY * 3, copy=copy)
    trade(strategy, "buy", "1", "100", at=NOW - DAY * 3)
    statistics.refresh_due(now=NOW - DAY * 2)
    trade(strategy, "sell", "1", "130", at=NOW - DAY)
    price_was("110", at=NOW - DAY)
    statistics.refresh_due(now=NOW)
    before = kept(strategy)
    Statistics.objects.update(roi=7, pnl=None, curve=[], trades=99, computed_at=None)
    call_command("recompute_statistics")
    assert kept(strategy) == before
    assert before[0]["roi"] == Decimal("0.03")


def test_only_what_is_old_is_worked_out_again(strategy):
    closed = factories.StrategyFactory.create(
        status="closed", published_at=NOW - DAY * 9, closed_at=NOW - DAY * 8
    )
    factories.StrategyFactory.create(status="draft", published_at=None)
    assert statistics.refresh_due(now=NOW) == 2
    assert statistics.refresh_due(now=NOW + timedelta(minutes=2)) == 0
    assert statistics.refresh_due(now=NOW + timedelta(minutes=4)) == 1
    assert Statistics.objects.get(strategy=closed, period="all").computed_at == NOW


def test_a_price_is_kept_once_in_five_minutes_and_stays(db):
    mark = Mark(exchange="paper", symbol="BTC/USDT", price=Decimal(100), at=NOW)
    later = Mark(exchange="paper", symbol="BTC/USDT", price=Decimal(101), at=NOW)
    assert keep_prices([mark], now=NOW + timedelta(seconds=3)) == 1
    assert keep_prices([later], now=NOW + timedelta(minutes=4)) == 0
    assert keep_prices([later], now=NOW + timedelta(minutes=5)) == 1
    rows = PricePoint.objects.order_by("at").values_list("at", "price")
    assert list(rows) == [(NOW, Decimal(100)), (NOW + timedelta(minutes=5), Decimal(101))]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PricePoint.objects.update(price=1)
