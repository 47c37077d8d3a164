from __future__ import annotations

from datetime import timedelta

import pytest

from strategies.models import Strategy
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import hold, quote_price, record_equity, text_of


def test_a_visitor_sees_published_public_strategies_only(client, db):
    StrategyFactory.create(name="Shown to all")
    StrategyFactory.create(name="Still a draft", status=Strategy.Status.DRAFT)
    StrategyFactory.create(name="By invitation", visibility=Strategy.Visibility.PRIVATE)
    StrategyFactory.create(name="Given up", status=Strategy.Status.CLOSED)
    shown = text_of(client.get("/strategies/"))
    assert "Shown to all" in shown
    assert not any(name in shown for name in ("Still a draft", "By invitation", "Given up"))


def test_closed_strategies_can_be_looked_up(client, db):
    StrategyFactory.create(name="Given up", status=Strategy.Status.CLOSED)
    assert "Given up" in text_of(client.get("/strategies/?closed=on"))


@pytest.mark.parametrize("words", ["calm", "ETH", "swing", "Ana"])
def test_search_finds_names_masters_coins_and_tags(words, client, db):
    found = StrategyFactory.create(name="Calm days", symbols=["ETH/USDT"], tags=["swing"])
    found.owner.display_name = "Ana"
    found.owner.save()
    StrategyFactory.create(name="Quite another", symbols=["BTC/USDT"])
    shown = text_of(client.get("/strategies/", {"search": words}))
    assert "Calm days" in shown
    assert "Quite another" not in shown


def test_no_match_offers_to_clear_the_filters(client, strategy):
    shown = text_of(client.get("/strategies/?search=nothing-of-the-kind&risk=high"))
    assert "No strategy matches" in shown
    assert "Clear filters" in shown


@pytest.mark.parametrize("number", ["0", "-1", "2", "x", "9" * 30])
def test_a_page_that_does_not_exist_is_404(number, client, strategy):
    assert client.get("/strategies/", {"page": number}).status_code == 404


@pytest.mark.parametrize("query", ["?risk=extreme", "?sort=roi;drop", "?view=3d", "?search=%00&money=%00"])
def test_a_filter_that_means_nothing_is_no_error(query, client, strategy):
    assert client.get(f"/strategies/{query}").status_code == 200


def test_a_card_tells_the_change_since_the_start_and_the_worst_drop(client, strategy):
    record_equity(strategy, [1000, 1100, 990, 1050], every=timedelta(minutes=5))
    shown = text_of(client.get("/strategies/"))
    assert "+5.00 %" in shown
    assert "15 minutes" in shown
    assert "−10.00 %" in shown


def test_a_curve_begins_at_the_publication(client, strategy):
    record_equity(strategy, [500, 1000, 1100], every=timedelta(minutes=5))
    second = strategy.published_at + timedelta(0)
    Strategy.objects.filter(pk=strategy.pk).update(published_at=second - timedelta(minutes=6))
    assert "+10.00 %" in text_of(client.get("/strategies/"))


def test_a_strategy_without_equity_says_so_and_shows_no_number(client, strategy):
    assert "No equity recorded yet" in text_of(client.get("/strategies/"))


def test_the_median_of_few_followers_is_not_told(client, strategy):
    for _n in range(4):
        SubscriptionFactory.create(strategy=strategy)
    assert "too few to tell" in text_of(client.get("/strategies/"))


def test_the_followers_median_counts_open_positions_and_leaves_the_masters_own_copies_out(client, strategy):
    quote_price(64_000)
    for cash in (900, 950, 1000, 1100, 1200):
        SubscriptionFactory.create(strategy=strategy, cash=cash)
    hold(SubscriptionFactory.create(strategy=strategy, cash=0), "0.016", "1000")
    SubscriptionFactory.create(strategy=strategy, cash=5000, own=True, follower=strategy.owner)
    # Worth 900, 950, 1000, 1024, 1100, 1200 of 1,000 each.
    assert "+1.20 %" in text_of(client.get("/strategies/"))
