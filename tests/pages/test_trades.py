from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.factories import StrategyFactory, SubscriptionFactory
from tests.ledger.test_api_books import book
from tests.pages.market import text_of


@pytest.fixture
def traded(subscription):
    """A purchase on the first of March and half of it sold, dearer, on the third."""
    book(subscription, trade_id="1", at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    book(
        subscription,
        trade_id="2",
        side="sell",
        price=Decimal("110000"),
        quantity=Decimal("0.005"),
        at=datetime(2026, 3, 3, 12, tzinfo=UTC),
    )
    return subscription


def numbers(answer) -> list[str]:
    return [trade.side for trade in answer.context["page"].object_list]


def test_totals_are_of_what_the_filters_leave(page, traded):
    everything = page.get("/trades/").context["totals"][0]
    # 0.005 of 0.010 at 100,000 with a fee of 1 cost 500.50; it brought 550 less a fee of 1.
    assert (everything.trades, everything.bought, everything.sold) == (2, 1000, 550)
    assert (everything.realised, everything.fees) == (Decimal("48.5"), 2)
    sales = page.get("/trades/", {"side": "sell"}).context["totals"][0]
    assert (sales.trades, sales.bought, sales.sold) == (1, 0, 550)


def test_days_are_the_persons_and_the_last_one_counts(page, user, traded):
    assert numbers(page.get("/trades/", {"from": "2026-03-01", "to": "2026-03-01"})) == ["buy"]
    user.time_zone = "Europe/Madrid"
    user.save()
    assert numbers(page.get("/trades/", {"from": "2026-03-01", "to": "2026-03-01"})) == []
    assert numbers(page.get("/trades/", {"from": "2026-03-02", "to": "2026-03-03"})) == ["sell", "buy"]


def test_an_export_keeps_the_filter(page, traded):
    exports = page.get("/trades/", {"side": "sell", "to": "2026-03-03"}).context["exports"]
    rows = list(csv.DictReader(io.StringIO(page.get(exports["csv"]).getvalue().decode())))
    assert [row["side"] for row in rows] == ["sell"]
    assert page.get(exports["json"]).getvalue().count(b'"side"') == 1


@pytest.mark.parametrize(
    "query",
    ["side=hold", "symbol=DOGE/USDT", "from=yesterday", "from=2026-03-03&to=2026-03-01", "strategy=1"],
)
def test_a_filter_that_cannot_be_understood_is_told_and_shows_nothing(query, page, traded):
    answer = page.get(f"/trades/?{query}")
    assert answer.context["form"].errors
    assert answer.context["page"].paginator.count == 0
    assert answer.context["totals"] == []


def test_others_trades_and_copies_do_not_exist(page, user):
    other = SubscriptionFactory.create()
    book(other)
    assert numbers(page.get("/trades/")) == []
    for name, value in (("subscription", other.public_id), ("strategy", other.strategy.public_id)):
        assert page.get("/trades/", {name: str(value)}).context["form"].errors


def test_a_masters_own_trades_are_marked(page, user):
    strategy = StrategyFactory.create(owner=user)
    book(None, strategy=strategy)
    assert "as master" in text_of(page.get("/trades/"))


def test_more_trades_take_no_more_queries(page, traded, count_queries):
    few = count_queries(page, "/trades/")
    for number in range(3, 20):
        book(traded, trade_id=str(number))
    assert count_queries(page, "/trades/") == few


@pytest.mark.parametrize(("number", "status"), [("0", 404), ("2", 404), ("x", 404), ("1", 200)])
def test_a_page_that_does_not_exist_is_404(number, status, page, traded):
    assert page.get("/trades/", {"page": number}).status_code == status
