"""The list of strategies by words and by figures."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from rest import pagination
from strategies.models import Statistics, Strategy
from tests import factories

URL = "/api/v1/strategies/"


def names(query: str) -> list[str]:
    answer = Client().get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


def with_figures(name: str, *, period: str = "all", **figures: object) -> Strategy:
    strategy = factories.StrategyFactory.create(name=name)
    Statistics.objects.filter(strategy=strategy, period=period).update(**figures)
    return strategy


@pytest.fixture
def three(db) -> None:
    with_figures("Best", roi=Decimal("0.3"), max_drawdown=Decimal("0.25"), sharpe=2, pnl=5)
    with_figures("Worst", roi=Decimal("-0.1"), max_drawdown=Decimal("0.5"), sharpe=-1, pnl=-5)
    with_figures("Middle", roi=Decimal("0.1"), max_drawdown=Decimal("0.05"), win_rate=1, pnl=9)
    factories.StrategyFactory.create(name="Unknown")


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("-roi", ["Best", "Middle", "Worst", "Unknown"]),
        ("roi", ["Worst", "Middle", "Best", "Unknown"]),
        ("max_drawdown", ["Middle", "Best", "Worst", "Unknown"]),
        ("-max_drawdown", ["Worst", "Best", "Middle", "Unknown"]),
        ("-pnl", ["Middle", "Best", "Worst", "Unknown"]),
        # Ties, the unknown among them, by id.
        ("-sharpe", ["Best", "Worst", "Unknown", "Middle"]),
        ("-win_rate", ["Middle", "Unknown", "Worst", "Best"]),
        ("-followers_median_roi", ["Unknown", "Middle", "Worst", "Best"]),
    ],
)
def test_a_figure_orders_the_list_and_what_is_not_known_comes_last(three, ordering, expected):
    assert names(f"ordering={ordering}") == expected


def test_figures_are_filters(three):
    assert names("min_roi=0.1&ordering=name") == ["Best", "Middle"]
    assert names("min_roi=-0.1&max_drawdown=0.25&ordering=name") == ["Best", "Middle"]
    assert names("max_drawdown=0.05") == ["Middle"]
    assert names("min_roi=0.31") == []


def test_a_period_has_its_own_figures(three):
    with_figures("Lately", period="7d", roi=1)
    assert names("min_roi=0.5") == []
    assert names("min_roi=0.5&period=7d") == ["Lately"]
    (row,) = Client().get(f"{URL}?min_roi=0.5&period=7d").json()["results"]
    assert (row["roi"], row["pnl"]) == ("1", None)


def test_words_are_found_in_names_descriptions_coins_tags_and_masters(db):
    master = factories.UserFactory.create(display_name="Fay Weather")
    factories.StrategyFactory.create(name="Momentum", owner=master, symbols=["SOL/USDT"], tags=["swing"])
    factories.StrategyFactory.create(name="Calm", description="Buys the dips of large coins, slowly.")
    assert names("search=mom") == ["Momentum"]
    assert names("search=sol") == names("search=SOL/USDT") == ["Momentum"]
    assert names("search=swing") == names("search=fay") == ["Momentum"]
    assert names("search=buying dip") == ["Calm"]
    assert names("search=nothing") == []


@pytest.mark.parametrize("text", ["momentm", "Mommentum", "momentun swin"])
def test_a_typo_is_forgiven(db, text):
    factories.StrategyFactory.create(name="Momentum swing")
    factories.StrategyFactory.create(name="Calm")
    assert names(f"search={text}") == ["Momentum swing"]


@pytest.mark.parametrize("text", ["%25", "_", "'", "a:*%26!", "\\", "((", "%F0%9F%98%80"])
def test_signs_are_no_patterns(db, text):
    factories.StrategyFactory.create(name="Calm")
    assert names(f"search={text}") == []


def test_closed_ones_stay_in_their_list(db):
    factories.StrategyFactory.create(name="Over", status="closed")
    factories.StrategyFactory.create(name="Going on")
    assert names("status=closed") == ["Over"]
    assert names("") == ["Going on"]


def test_pages_end_where_counting_ends(db, monkeypatch):
    for _number in range(5):
        factories.StrategyFactory.create()
    monkeypatch.setattr(pagination, "MOST_COUNTED", 4)
    page = Client().get(f"{URL}?page_size=2&page=2").json()
    assert (page["count"], page["next"], len(page["results"])) == (4, None, 2)
    assert Client().get(f"{URL}?page_size=2&page=3").status_code == 404
