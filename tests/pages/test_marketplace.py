from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from strategies.models import Statistics, Strategy
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import record_equity, text_of


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


def test_a_strategy_without_equity_says_so_and_shows_no_number(client, strategy):
    assert "No equity recorded yet" in text_of(client.get("/strategies/"))


def test_the_median_of_few_followers_is_not_told(client, strategy):
    for _n in range(4):
        SubscriptionFactory.create(strategy=strategy)
    assert "too few to tell" in text_of(client.get("/strategies/"))


def test_a_median_that_is_not_worked_out_yet_is_not_said_to_be_of_too_few(client, strategy):
    for _n in range(5):
        SubscriptionFactory.create(strategy=strategy)
    for view in ("", "?view=table"):
        shown = text_of(client.get(f"/strategies/{view}"))
        assert "not known yet" in shown
        assert "too few" not in shown


def test_the_followers_median_is_shown_beside_the_masters_return_of_the_period(client, strategy):
    Statistics.objects.filter(strategy=strategy, period="90d").update(
        roi=Decimal("0.182"), followers_median_roi=Decimal("0.1491")
    )
    shown = text_of(client.get("/strategies/"))
    assert "+18.20 %" in shown
    assert "+14.91 %" in shown
    assert "+14.91 %" not in text_of(client.get("/strategies/?period=7d"))


def test_the_best_for_followers_comes_first_and_the_unknown_last(client, db):
    for name, median in (("Fair", "0.01"), ("Good", "0.2"), ("New", None)):
        strategy = StrategyFactory.create(name=name)
        Statistics.objects.filter(strategy=strategy).update(followers_median_roi=median)
    shown = text_of(client.get("/strategies/"))
    assert shown.index(">Good<") < shown.index(">Fair<") < shown.index(">New<")


def test_figures_filter_in_percent(client, strategy):
    Statistics.objects.filter(strategy=strategy).update(roi=Decimal("0.05"), max_drawdown=Decimal("0.2"))
    for query, is_found in (
        ("min_roi=5&max_drawdown=20", True),
        ("min_roi=5.01", False),
        ("max_drawdown=19", False),
    ):
        assert (strategy.name in text_of(client.get(f"/strategies/?{query}"))) is is_found


def test_strategies_are_compared_on_ones_own_amount(client, strategy, db):
    other = StrategyFactory.create(name="Another", performance_fee_percent=10)
    record_equity(strategy, [100, 90], every=timedelta(days=1))
    record_equity(other, [500, 600], every=timedelta(days=1))
    ids = f"id={strategy.public_id}&id={other.public_id}"
    shown = text_of(client.get(f"/strategies/compare/?{ids}&amount=2000"))
    assert "100 became 90.00" in shown and "100 became 120.00" in shown
    assert "−200.00" in shown
    assert "+360.00" in shown and "after 40.00 fee" in shown


def test_each_compared_curve_is_named_at_its_end_and_no_name_covers_another(client, db):
    strategies = [StrategyFactory.create(name=f"Number {n}") for n in range(4)]
    for strategy in strategies:
        record_equity(strategy, [100, 110], every=timedelta(days=1))
    ids = "&".join(f"id={strategy.public_id}" for strategy in strategies)
    shown = text_of(client.get(f"/strategies/compare/?{ids}"))
    places = [int(y) for y in re.findall(r'<text class="curve-end [^"]+" x="100%" y="(\d+)">', shown)]
    assert len(places) == 4
    assert all(low - high >= 15 for high, low in pairwise(sorted(places)))
    assert min(places) > 0 and max(places) <= 240
    assert "Number 3 </tspan>110.00" in shown


@pytest.mark.parametrize(
    "query", ["", "id=x", "id=x&amount=NaN&period=ever", "id=0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11"]
)
def test_comparing_nothing_leads_to_the_list(query, client, db):
    assert "Nothing to compare yet" in text_of(client.get(f"/strategies/compare/?{query}"))


def test_what_one_may_not_see_is_not_compared(client, strategy):
    Strategy.objects.update(status="draft")
    assert "Nothing to compare" in text_of(client.get(f"/strategies/compare/?id={strategy.public_id}"))


def test_what_a_chart_draws_can_be_read_and_taken_along(client, strategy, db):
    record_equity(strategy, [100, 90], every=timedelta(days=1))
    query = f"id={strategy.public_id}"
    page = client.get(f"/strategies/compare/?{query}")
    assert "90.00</td>" in text_of(page)
    assert f"/strategies/compare/curves.csv?{query}" in text_of(page)
    compared = client.get(f"/strategies/compare/curves.csv?{query}").content.decode().splitlines()
    assert [line.split(",")[0::2] for line in compared] == [
        ["strategy", "one_became"],
        [strategy.name, "1"],
        [strategy.name, "0.9"],
    ]
    own = client.get(f"/strategies/{strategy.slug}/curve.csv").content.decode().splitlines()
    assert [line.split(",")[1] for line in own] == ["equity_USDT", "100", "90"]


def test_a_curve_that_one_may_not_see_is_no_file(client, strategy):
    Strategy.objects.update(status="draft")
    assert client.get(f"/strategies/{strategy.slug}/curve.csv").status_code == 404
    only_head = client.get(f"/strategies/compare/curves.csv?id={strategy.public_id}").content
    assert only_head.splitlines() == [b"strategy,time,one_became"]
