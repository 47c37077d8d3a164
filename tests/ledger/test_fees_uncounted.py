"""A fee in a coin without a price is in no sum, and wherever such a sum is told stands how many it lacks."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from compliance.audit import SYSTEM
from execution import breaches, usage
from ledger.bills.services import settle
from ledger.models import Mark, Trade
from ledger.reversals import reverse_trade
from risk.checks import Limits
from risk.models import RiskLimits
from strategies.models import PerformanceSnapshot, Strategy
from subscriptions.models import Subscription
from tests import factories
from tests.ledger.fills import book, fill

XYZ = {"fee": "0.01", "fee_asset": "XYZ"}


def mark(symbol: str, price: int, **ago: int) -> None:
    Mark.objects.create(exchange="paper", symbol=symbol, price=price, at=timezone.now() - timedelta(**ago))


@pytest.fixture
def copy(subscription):
    """Bought twice today at 100, once with a fee of 0.01 XYZ and once with one of 0.1 USDT."""
    now = timezone.now()
    mark("BTC/USDT", 100)
    book(subscription, [fill("buy", "1", "100", **XYZ, at=now), fill("buy", "1", "100", "0.1", at=now)])
    return subscription


def test_positions_copies_and_pages_say_how_many_fees_they_lack(client, api, user, copy):
    (position,) = api.get("/api/v1/positions/").json()["results"]
    (told,) = api.get("/api/v1/subscriptions/").json()["results"]
    assert (position["fees"], position["fees_uncounted"]) == ("0.1", 1)
    assert (told["pnl"], told["fees_uncounted"]) == ("-0.1", 1)
    client.force_login(user)
    for address in (f"/subscriptions/{copy.public_id}/", "/dashboard/"):
        page = client.get(address).content.decode()
        assert "1 fee was taken in a coin without a price then" in page
        assert "/definitions/#fees-uncounted" in page


def test_a_trade_that_was_taken_back_lacks_no_fee(client, api, user, copy):
    trade = Trade.objects.get(fee_in_quote=None)
    reverse_trade(trade_id=trade.public_id, reason="never ours", origin=SYSTEM, now=timezone.now())
    for address in ("positions", "subscriptions"):
        (told,) = api.get(f"/api/v1/{address}/").json()["results"]
        assert told["fees_uncounted"] == 0
    client.force_login(user)
    assert "#fees-uncounted" not in client.get(f"/subscriptions/{copy.public_id}/").content.decode()


def test_positions_and_copies_cost_the_same_however_many(api, user, copy, django_assert_num_queries):
    for address in ("/api/v1/positions/", "/api/v1/subscriptions/"):
        api.get(address)
        with django_assert_num_queries(5):
            assert len(api.get(address).json()["results"]) == 1
    other = factories.SubscriptionFactory.create(follower=user)
    book(other, [fill("buy", "1", "100", **XYZ, at=timezone.now())])
    for address in ("/api/v1/positions/", "/api/v1/subscriptions/"):
        with django_assert_num_queries(5):
            assert [row["fees_uncounted"] for row in api.get(address).json()["results"]] == [1, 1]


def test_a_strategy_says_how_many_fees_of_its_master_and_of_its_copies_its_figures_lack(copy):
    now, strategy = timezone.now(), copy.strategy
    Strategy.objects.filter(pk=strategy.pk).update(published_at=now - timedelta(days=20))
    for days in (20, 0):
        PerformanceSnapshot.objects.create(
            strategy=strategy, at=now - timedelta(days=days), equity=Decimal(1000)
        )
    for days in (10, 1, 1):
        book(strategy, [fill("buy", "1", "100", **XYZ, at=now - timedelta(days=days))])
    address = f"/api/v1/strategies/{strategy.public_id}/performance/?period="
    counts = {period: Client().get(f"{address}{period}").json()["fees_uncounted"] for period in ("7d", "all")}
    assert counts == {"7d": 3, "all": 4}
    page = Client().get(f"/strategies/{strategy.slug}/?period=7d").content.decode()
    assert "3 fees were taken in coins without a price then" in page


# --- A day's loss -------------------------------------------------------------------------------------


def day_result(copy: Subscription) -> Decimal | None:
    own = {copy.pk: Limits(max_daily_loss=Decimal(5))}
    allowance = usage.allowances_of({}, own, now=timezone.now()).of_copies[copy.pk]
    result: Decimal | None = allowance.usage.day_result
    return result


def test_a_days_loss_has_what_the_books_could_not_value_at_the_coins_last_price(copy):
    mark("XYZ/USDT", 500, hours=3)
    assert day_result(copy) == Decimal("-5.1")
    RiskLimits.objects.create(user=copy.follower, max_daily_loss=5)
    assert breaches.watch_losses(now=timezone.now()) == 1
    copy.refresh_from_db()
    assert copy.status == "paused"


def test_a_fee_in_a_coin_that_never_had_a_price_leaves_the_days_loss_unknown_and_pauses_nothing(copy):
    assert day_result(copy) is None
    RiskLimits.objects.create(user=copy.follower, max_daily_loss=5)
    assert breaches.watch_losses(now=timezone.now()) == 0
    copy.refresh_from_db()
    assert copy.status == "active"


def test_fees_of_an_earlier_day_are_not_of_this_days_loss(subscription):
    mark("BTC/USDT", 100)
    book(subscription, [fill("buy", "1", "100", **XYZ, at=timezone.now() - timedelta(days=2))])
    assert day_result(subscription) == 0


# --- What is asked for, and what goes to the tax office ------------------------------------------------


@pytest.fixture
def sold_copy(user):
    """Bought at 100 and sold at 200, the purchase with a fee in XYZ; the master's share is 10 %."""
    now = timezone.now()
    copy = factories.SubscriptionFactory.create(
        follower=user,
        strategy=factories.StrategyFactory.create(performance_fee_percent=10),
        agreed_fee_percent=10,
        created_at=now - timedelta(days=70),
        cash=1000,
        allocation=1000,
    )
    book(copy, [fill("buy", "1", "100", **XYZ, at=now), fill("sell", "1", "200", at=now)])
    return copy


def test_a_bill_says_how_many_fees_its_gain_lacks(client, api, user, sold_copy):
    settle(subscription_id=sold_copy.pk, now=timezone.now())
    (told,) = api.get("/api/v1/bills/").json()["results"]
    assert (told["gain"], told["amount"], told["fees_uncounted"]) == ("100", "10", 1)
    client.force_login(user)
    assert "1 fee was taken in a coin without a price then" in client.get("/bills/").content.decode()


def test_a_lot_says_how_many_of_its_two_fees_it_lacks(api, sold_copy):
    later = timezone.now()
    book(sold_copy, [fill("buy", "1", "100", "0.1", at=later), fill("sell", "1", "100", **XYZ, at=later)])
    book(sold_copy, [fill("buy", "1", "100", **XYZ, at=later), fill("sell", "1", "100", **XYZ, at=later)])
    lines = b"".join(api.get("/api/v1/trades/cost-basis").streaming_content).decode().splitlines()
    rows = list(csv.DictReader(lines))
    assert [(row["gain"], row["fees_uncounted"]) for row in rows] == [("100", "1"), ("-0.1", "1"), ("0", "2")]
