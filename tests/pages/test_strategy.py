from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ledger.models import Position
from strategies.models import Signal, Strategy
from tests.factories import SubscriptionFactory
from tests.pages.market import hold, quote_price, record_equity, signal_with_copies, text_of


@pytest.fixture
def address(strategy) -> str:
    return f"/strategies/{strategy.slug}/"


def test_the_curve_is_told_in_a_sentence_and_a_table(client, strategy, address):
    record_equity(strategy, [1000, 1100, 990, 1050], every=timedelta(minutes=5))
    shown = text_of(client.get(address))
    assert "since start, 15 minutes" in shown
    assert "From 1,000.00 to 1,050.00 USDT (+5.00 % without deposits and withdrawals)" in shown
    assert "worst drop −10.00 %" in shown
    assert "Charts by TradingView" in shown
    assert '<td class="num">990.00</td>' in shown


def test_what_a_thousand_would_have_become_is_told_with_its_fee_and_its_lowest_point(
    client, strategy, address
):
    Strategy.objects.update(performance_fee_percent=10)
    record_equity(strategy, [1000, 930, 1200], every=timedelta(minutes=5))
    shown = text_of(client.get(address))
    assert "1,000.00 USDT would be <strong>+180.00</strong> after 20.00 fee; lowest point −70.00" in shown


def test_each_signal_tells_what_became_of_every_copy(client, strategy, address):
    copies = [SubscriptionFactory.create(strategy=strategy) for _n in range(4)]
    signal_with_copies(strategy, list(zip(copies, ["filled", "filled", "skipped", "rejected"], strict=True)))
    assert "<strong>4</strong>: 2 copied, 1 skipped, 1 rejected" in text_of(client.get(address))


@pytest.mark.parametrize("outcomes", [[], ["filled"]])
def test_a_signal_on_its_way_to_the_followers_says_so(outcomes, client, strategy, address):
    copies = [SubscriptionFactory.create(strategy=strategy) for _outcome in outcomes]
    signal_with_copies(strategy, list(zip(copies, outcomes, strict=True)))
    done = text_of(client.get(address))
    assert "being copied" not in done
    assert ("nobody followed" in done) is (not outcomes)
    Signal.objects.update(fanned_out_at=None)
    under_way = text_of(client.get(address))
    assert "being copied" in under_way
    assert "nobody followed" not in under_way


def test_the_signals_are_asked_again_only_for_news(client, strategy, subscription, address):
    signal_with_copies(strategy, [(subscription, "filled")])
    live = address + "signals/"
    first = client.get(live).content.decode()
    after = first.partition("after=")[2].partition('"')[0]
    assert client.get(live, {"after": after}).status_code == 204
    signal_with_copies(strategy, [(subscription, "skipped")])
    assert client.get(live, {"after": after}).status_code == 200


@pytest.mark.parametrize("changes", [{"visibility": "private"}, {"status": "draft"}])
def test_what_is_not_public_does_not_exist_for_others(changes, page, strategy, address):
    Strategy.objects.filter(pk=strategy.pk).update(**changes)
    assert page.get(address).status_code == 404


def test_a_follower_still_sees_a_strategy_that_became_private(page, subscription, address):
    Strategy.objects.update(visibility=Strategy.Visibility.PRIVATE)
    assert page.get(address).status_code == 200


def test_a_coin_without_a_price_is_said_to_have_none(client, strategy, address):
    Position.objects.create(strategy=strategy, symbol="BTC/USDT", target=1, held=1, cost=40000)
    assert "no price" in text_of(client.get(address))


def test_running_copies_are_in_profit_or_in_loss_by_what_they_are_worth_now(client, strategy, address):
    quote_price(100)
    # 900 in cash, and coins that had cost 100.
    for held in ("1", "1.5", "0.9", "0.999"):
        copy = SubscriptionFactory.create(strategy=strategy, cash=900)
        hold(copy, held, "100")
    without_price = SubscriptionFactory.create(strategy=strategy, cash=900)
    hold(without_price, "1", "100", symbol="ETH/USDT")
    own = SubscriptionFactory.create(strategy=strategy, follower=strategy.owner, own=True, cash=900)
    hold(own, "7", "100")
    SubscriptionFactory.create(strategy=strategy, cash=1500, status="closed", closed_at=timezone.now())
    shown = text_of(client.get(address))
    assert "Of 5 running copies, 1 are in profit and 2 in loss today." in shown
    assert "Copies with a coin without a price are not counted as either." in shown


def test_the_masters_open_positions_are_told_at_the_last_price(client, strategy, address):
    Position.objects.create(strategy=strategy, symbol="BTC/USDT", target=2, held=2, cost=180)
    quote_price(100)
    shown = text_of(client.get(address))
    positions = shown[shown.index("Master's open positions") :]
    for number in (">90.00<", ">100.00<", ">200.00<", ">+20.00<"):
        assert number in positions
