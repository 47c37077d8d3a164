"""What is told of a strategy's performance, and to whom."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from strategies.models import PerformanceSnapshot, Statistics
from tests import factories
from tests.ledger.test_statistics import trade


def url(strategy) -> str:
    return f"/api/v1/strategies/{strategy.public_id}/performance/"


@pytest.fixture
def traded(db):
    """Bought for half of 1,000 and sold a fifth higher, yesterday."""
    now = timezone.now()
    begin = now - timedelta(days=2)
    strategy = factories.StrategyFactory.create(published_at=begin)
    PerformanceSnapshot.objects.create(strategy=strategy, at=begin, equity=Decimal(1000))
    trade(strategy, "buy", "5", "100", at=now - timedelta(days=1), fee="1")
    trade(strategy, "sell", "5", "120", at=now - timedelta(hours=20), fee="1")
    return strategy


@pytest.mark.parametrize("period", ["7d", "30d", "90d", "365d", "all"])
def test_every_period_is_told_without_log_in(traded, period):
    answer = Client().get(f"{url(traded)}?period={period}")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["period"] == period
    assert told["strategy"] == str(traded.public_id)
    assert (told["roi"], told["pnl"], told["max_drawdown"]) == ("0.098", "98", "0.001")
    assert (told["trades"], told["win_rate"], told["profit_factor"]) == (2, "1", None)
    assert (told["followers"], told["followers_median_roi"], told["assets_copied"]) == (0, None, "0")
    assert told["slippage_bps"] == told["replication_lag_ms"] == {"p50": None, "p99": None}
    assert told["sharpe"] is told["sortino"] is None
    first, *_, last = told["equity_curve"]
    assert (first["equity"], last["equity"]) == ("1000", "1098")
    assert first["at"].endswith("Z")
    assert len(told["equity_curve"]) <= 210


def test_all_is_the_period_that_is_not_named(traded):
    assert Client().get(url(traded)).json()["period"] == "all"


def test_what_happened_since_is_told_some_seconds_later(traded):
    Client().get(url(traded))
    trade(traded, "buy", "1", "100", at=timezone.now() - timedelta(hours=1))
    Statistics.objects.update(computed_at=timezone.now() - timedelta(seconds=20))
    assert Client().get(url(traded)).json()["trades"] == 3


def test_within_seconds_nothing_is_worked_out_again(traded, django_assert_num_queries):
    Client().get(url(traded))
    with django_assert_num_queries(2):
        Client().get(url(traded))


@pytest.mark.parametrize(("query", "attr"), [("period=1d", "period"), ("since=1", "since")])
def test_what_cannot_be_understood_is_refused(traded, query, attr):
    answer = Client().get(f"{url(traded)}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == attr


def test_others_drafts_do_not_exist_and_ones_own_has_no_figures(api, user):
    draft = factories.StrategyFactory.create(owner=user, status="draft", published_at=None)
    assert Client().get(url(draft)).status_code == 404
    told = api.get(url(draft)).json()
    assert (told["roi"], told["trades"], told["equity_curve"]) == (None, 0, [])


def test_a_closed_strategy_keeps_its_record(traded):
    traded.status, traded.closed_at = "closed", timezone.now()
    traded.save()
    assert Client().get(url(traded)).json()["roi"] == "0.098"
