"""A list costs as many queries with thirty rows as with three."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rest import pagination
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import hold, page_of_signal, quote_price, record_equity, signal_with_copies

MANY = 20


@pytest.fixture
def grow(user, strategy, subscription):
    """`grow(n)`: n more strategies that the user copies, n more followers, signals, orders, positions."""

    def grown(count: int) -> None:
        for _n in range(count):
            other = StrategyFactory.create()
            record_equity(other, [100, 110, 105], every=timedelta(minutes=5))
            mine = SubscriptionFactory.create(follower=user, strategy=other)
            hold(mine, "0.001", "60")
            follower = SubscriptionFactory.create(strategy=strategy)
            signal_with_copies(strategy, [(subscription, "filled"), (follower, "skipped")])
            signal_with_copies(other, [(mine, "denied")])
            hold(follower, "0.001", "60")
        quote_price(64_000)

    return grown


@pytest.mark.parametrize(
    "address",
    ["/", "/strategies/", "/strategies/?view=table", "/dashboard/", "/orders/", "/positions/", "/risk/"],
)
def test_a_page_asks_no_more_for_more_rows(address, page, grow, count_queries):
    grow(3)
    few = count_queries(page, address)
    grow(MANY)
    assert count_queries(page, address) == few


def test_a_strategys_page_asks_no_more_for_more_followers_and_signals(page, grow, strategy, count_queries):
    grow(3)
    few = count_queries(page, f"/strategies/{strategy.slug}/")
    grow(MANY)
    assert count_queries(page, f"/strategies/{strategy.slug}/") == few


def test_a_signals_page_asks_no_more_for_more_copies(page, strategy, subscription, count_queries):
    few_orders = signal_with_copies(strategy, [(subscription, "filled")])
    followers = [SubscriptionFactory.create(strategy=strategy) for _n in range(MANY)]
    many_orders = signal_with_copies(strategy, [(s, "filled") for s in [subscription, *followers]])
    few, many = (count_queries(page, page_of_signal(orders[0])) for orders in (few_orders, many_orders))
    assert few == many


def test_the_follow_page_asks_no_more_for_more_accounts(page, user, strategy, count_queries):
    SubscriptionFactory.create(follower=user)
    few = count_queries(page, f"/strategies/{strategy.slug}/follow/")
    for _n in range(MANY):
        SubscriptionFactory.create(follower=user)
    assert count_queries(page, f"/strategies/{strategy.slug}/follow/") == few


@pytest.mark.parametrize(
    ("address", "words"), [("/strategies/", "5 strategies or more"), ("/orders/", "5 orders or more")]
)
def test_a_list_that_is_not_counted_to_its_end_says_so(address, words, page, grow, monkeypatch):
    grow(4)
    assert "or more" not in page.get(address).content.decode()
    monkeypatch.setattr(pagination, "MOST_COUNTED", 5)
    assert words in page.get(address).content.decode()
