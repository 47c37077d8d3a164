"""Previews through the API: read, worked out and told, with nothing stored."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import AccessToken
from exchanges import gateway
from execution import preview as previews
from execution.models import CopyOrder
from ledger.models import Mark, Position
from risk.models import RiskLimits, SubscriptionLimits
from strategies.models import PerformanceSnapshot, Strategy, StrategySymbol
from subscriptions.models import Subscription
from tests import factories
from tests.execution.past_trades import past
from tests.execution.test_api_signals import error_of
from tests.execution.world import build
from wallets.models import ExchangeAccount

URL = "/api/v1/subscriptions/preview/"


@pytest.fixture
def strategy(world):
    return world.strategy


@pytest.fixture
def account(user):
    return factories.ExchangeAccountFactory.create(owner=user, free_quote=Decimal(2000))


@pytest.fixture
def body(strategy, account):
    return {
        "strategy": str(strategy.public_id),
        "exchange_account": str(account.public_id),
        "allocation": "1000",
        "sizing": {"mode": "proportional", "value": "1"},
    }


def everything_stored() -> dict[str, list[dict[str, Any]]]:
    """All rows but those about the request itself: the token's use and the record of it."""
    about_requests = {"accounts", "compliance"}
    kept = [model for model in apps.get_models() if model._meta.app_label not in about_requests]
    return {str(model._meta): list(model._default_manager.order_by("pk").values()) for model in kept}


def test_past_trades_are_told_as_orders_with_their_result(api, strategy, body):
    past(strategy, "buy", "0.01")
    past(strategy, "buy", "0.0001")
    past(strategy, "sell", "0.0101", "110000")
    told = api.post(URL, body)
    assert told.status_code == 200, told.content
    answer = told.json()
    assert (answer["quote"], answer["allocation"], answer["days"]) == ("USDT", "1000", 90)
    assert (answer["trades"], answer["copied"], answer["orders_count"]) == (3, 2, 2)
    (skipped,) = answer["skipped"]
    assert (skipped["reason"], skipped["count"]) == ("below_minimum", 1)
    assert "below the exchange's minimum" in skipped["sentence"]
    buy, sell = answer["orders"]
    assert buy | {"at": None} == {
        "at": None,
        "symbol": "BTC/USDT",
        "side": "buy",
        "amount": "0.00099",
        "price": "100000",
        "notional": "99",
        "fee": "0.099",
        "realised_pnl": "0",
    }
    # The fee of the purchase was taken from the coins: less than a lot step of them stays.
    assert (sell["side"], sell["notional"]) == ("sell", "107.8")
    assert (answer["fees"], answer["pnl"]) == ("0.2068", "9.6833")
    assert answer["largest_order"] == "107.8"
    assert answer["max_drawdown"] == "0.000099"
    assert answer["lowest"]["pnl"] == "-0.099"
    assert answer["trades_cut"] is False


def test_a_strategy_without_trades_is_told_as_such(api, body):
    answer = api.post(URL, body).json()
    assert (answer["trades"], answer["copied"], answer["orders"], answer["skipped"]) == (0, 0, [], [])
    assert (answer["pnl"], answer["max_drawdown"], answer["lowest"]) == ("0", "0", None)


def test_the_same_question_gives_the_same_answer_and_nothing_is_stored(api, strategy, body):
    for number in range(5):
        past(strategy, "sell" if number == 3 else "buy", "0.01", str(100_000 + number))
    api.post(URL, body)
    before = everything_stored()
    first, second = api.post(URL, body), api.post(URL, body)
    assert first.json() == second.json()
    assert len(first.json()["orders"]) == 5
    assert everything_stored() == before


def test_the_preview_says_what_copying_really_did(api, world, body):
    # A second person with the same settings, through the real exchange: it sells at 100005, buys at 99995.
    copies = []
    for side, amount, changes in (
        ("buy", "0.01", {}),
        ("buy", "0.0003", {}),
        ("buy", "0.0007", {}),
        ("sell", "0.004", {}),
        ("buy", "0.5", {"equity": "40000"}),
        ("buy", "0.01", {}),
        ("sell", "0.3", {}),
    ):
        price = "100005" if side == "buy" else "99995"
        copies += world.copy(side, amount, price, **changes)
    mine = [order for order in copies if order.subscription_id == world.subscriptions[0].pk]
    answer = api.post(URL, body | {"max_slippage_bps": None}).json()
    assert answer["trades"] == 7
    done = [order for order in mine if order.filled_amount]
    assert [Decimal(order["amount"]) for order in answer["orders"]] == [row.filled_amount for row in done]
    skipped = sorted(row.reason_code for row in mine if not row.filled_amount)
    assert sorted(row["reason"] for row in answer["skipped"] for _n in range(row["count"])) == skipped
    assert skipped
    subscription = Subscription.objects.get(pk=world.subscriptions[0].pk)
    held = Position.objects.get(subscription=subscription).held
    assert Decimal(answer["pnl"]) == subscription.cash + held * 99_995 - subscription.allocation
    assert Decimal(answer["realised_pnl"]) == subscription.realised_pnl


def test_only_the_days_asked_for_count(api, strategy, body):
    past(strategy, "buy", "0.01", days_ago=40)
    past(strategy, "buy", "0.01", days_ago=3)
    assert api.post(URL, body).json()["trades"] == 2
    assert api.post(f"{URL}?days=30", body).json()["trades"] == 1
    assert api.post(f"{URL}?days=1", body).json()["trades"] == 0


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ("0", "min_value"),
        ("366", "max_value"),
        ("-1", "invalid"),
        ("1.0", "invalid"),
        ("٣", "invalid"),
        ("9" * 5000, "invalid"),
    ],
)
def test_days_are_a_whole_number_within_a_year(api, body, days, code):
    assert error_of(api.post(f"{URL}?days={days}", body)) == (code, "days")
    assert error_of(api.post(f"{URL}?weeks=2", body)) == ("unknown_field", "weeks")


def test_the_last_trades_count_where_there_are_too_many(api, strategy, body, monkeypatch):
    monkeypatch.setattr(previews, "MOST_TRADES", 2)
    for price in ("90000", "100000", "110000"):
        past(strategy, "buy", "0.01", price)
    answer = api.post(URL, body).json()
    assert answer["trades_cut"] is True
    assert [order["price"] for order in answer["orders"]] == ["100000", "110000"]


def test_ones_own_limits_and_settings_count(api, user, strategy, body):
    past(strategy, "buy", "0.01")
    limits = RiskLimits.objects.create(user=user, max_order_notional=50)
    assert api.post(URL, body).json()["skipped"][0]["reason"] == "max_order_notional"
    limits.delete()
    blocked = api.post(URL, body | {"symbols_blocked": ["BTC/USDT"]}).json()
    assert blocked["skipped"][0]["reason"] == "symbol_blocked"
    fixed = api.post(URL, body | {"sizing": {"mode": "fixed_notional", "value": "20"}}).json()
    assert fixed["orders"][0]["amount"] == "0.00019"


def test_an_entry_known_too_late_is_not_counted_as_copied(api, strategy, body):
    at = timezone.now() - timedelta(days=1)
    past(strategy, "buy", "0.01", at=at, detected_at=at + timedelta(seconds=31))
    assert api.post(URL, body).json()["skipped"][0]["reason"] == "signal_too_old"


def test_without_an_allocation_all_that_is_free_is_taken(api, user, account, body):
    del body["allocation"]
    assert api.post(URL, body).json()["allocation"] == "2000"
    factories.SubscriptionFactory.create(follower=user, exchange_account=account, cash=500)
    assert api.post(URL, body).json()["allocation"] == "1500"
    ExchangeAccount.objects.filter(pk=account.pk).update(free_quote=None)
    assert error_of(api.post(URL, body)) == ("required", "allocation")


def test_it_is_refused_as_following_would_be(api, user, strategy, account, body):
    assert error_of(api.post(URL, body | {"allocation": "2000.01"})) == ("above_free_balance", "allocation")
    Strategy.objects.filter(pk=strategy.pk).update(min_capital=1500)
    assert error_of(api.post(URL, body)) == ("below_min_capital", "allocation")
    Strategy.objects.filter(pk=strategy.pk).update(min_capital=0, max_followers=3)
    assert error_of(api.post(URL, body), 409)[0] == "no_capacity"
    Strategy.objects.filter(pk=strategy.pk).update(max_followers=None)
    factories.SubscriptionFactory.create(follower=user, strategy=strategy, exchange_account=account)
    assert error_of(api.post(URL, body), 409)[0] == "already_subscribed"
    Strategy.objects.filter(pk=strategy.pk).update(status="closed")
    assert error_of(api.post(URL, body), 409)[0] == "strategy_not_published"
    foreign = factories.ExchangeAccountFactory.create()
    assert error_of(api.post(URL, body | {"exchange_account": str(foreign.public_id)}))[0] == "does_not_exist"
    assert error_of(api.post(URL, body | {"leverage": "2"})) == ("unknown_field", "leverage")


def test_real_money_needs_an_approved_identity_here_too(api, user, settings, body):
    settings.KYC_REQUIRED = True
    user.kyc_status = "not_submitted"
    user.save()
    live = factories.ExchangeAccountFactory.create(owner=user, exchange="binance")
    assert error_of(api.post(URL, body | {"exchange_account": str(live.public_id)}), 403)[0] == "kyc_required"


def test_a_venue_whose_rules_are_not_known_is_told(api, user, venue, body):
    silent = factories.ExchangeAccountFactory.create(owner=user, exchange="kraken")
    gateway.configure(url_overrides={"kraken": "http://127.0.0.1:9"}, paper_exchange_url=venue.address)
    answer = api.post(URL, body | {"exchange_account": str(silent.public_id)})
    assert error_of(answer, 503)[0] == "exchange_unavailable"


def test_trades_that_the_master_hides_are_not_told_by_a_preview(api, user, strategy, body):
    past(strategy, "buy", "0.01")
    Strategy.objects.filter(pk=strategy.pk).update(positions_visible_to="followers")
    assert error_of(api.post(URL, body), 403)[0] == "signals_not_visible"
    factories.SubscriptionFactory.create(follower=user, strategy=strategy)
    assert api.post(URL, body).status_code == 200
    Strategy.objects.filter(pk=strategy.pk).update(positions_visible_to="nobody")
    assert error_of(api.post(URL, body), 403)[0] == "signals_not_visible"


def test_a_preview_needs_the_scope_of_trading(api_of, user, body):
    assert error_of(api_of(user, "read").post(URL, body), 403)[0] == "insufficient_scope"
    assert api_of(user, AccessToken.Scope.TRADE).post(URL, body).status_code == 200


# --- What a signal would do ---------------------------------------------------------------------------

BUY = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "amount": "0.01"}


@pytest.fixture
def url(strategy):
    return f"/api/v1/strategies/{strategy.public_id}/signals/preview/"


@pytest.fixture
def master(api_of, strategy):
    """The master's program; the account was worth 10000 USDT when it was connected."""
    ExchangeAccount.objects.filter(pk=strategy.exchange_account_id).update(equity=10_000)
    return api_of(strategy.owner)


def test_a_master_sees_who_would_copy_and_why_others_would_not(master, world, url):
    first, second, third = world.subscriptions
    Subscription.objects.filter(pk=first.pk).update(status="paused")
    Subscription.objects.filter(pk=second.pk).update(allocation=10, cash=10)
    before = everything_stored()
    told = master.post(url, BUY)
    assert told.status_code == 200, told.content
    assert everything_stored() == before
    answer = told.json()
    assert (answer["price"], answer["notional"]) == ("100000", "1000")
    assert (answer["followers"], answer["copied"]) == (3, 1)
    assert (answer["copied_amount"], answer["copied_notional"]) == ("0.00099", "99")
    assert {row["reason"]: row["count"] for row in answer["skipped"]} == {"paused": 1, "below_minimum": 1}
    # And so it comes.
    (copied,) = [order for order in world.copy("buy", "0.01") if order.filled_amount]
    assert (copied.subscription_id, copied.filled_amount) == (third.pk, Decimal("0.00099"))


def test_a_master_who_moved_coins_sees_that_nobody_would_buy(master, world, url):
    StrategySymbol.objects.filter(symbol="BTC/USDT").update(coins_left="0.1", coins_left_at=timezone.now())
    told = master.post(url, BUY).json()
    assert (told["copied"], told["followers"]) == (0, 3)
    assert {row["reason"]: row["count"] for row in told["skipped"]} == {"master_moved_coins": 3}


def test_a_sale_is_told_by_what_the_followers_hold(master, world, url):
    world.copy("buy", "0.01")
    RiskLimits.objects.create(user=world.subscriptions[0].follower, kill_switch="freeze")
    ExchangeAccount.objects.filter(pk=world.subscriptions[1].exchange_account_id).update(status="invalid")
    answer = master.post(url, BUY | {"side": "sell"}).json()
    # The fee of the purchase was taken from the coins, so 0.00098901 is held.
    assert (answer["copied"], answer["copied_amount"]) == (1, "0.00098")
    assert {row["reason"] for row in answer["skipped"]} == {"kill_switch", "account_invalid"}
    half = master.post(url, BUY | {"side": "sell", "amount": "0.005"}).json()
    assert half["copied_amount"] == "0.00049"


def test_what_a_follower_has_open_already_counts(master, world, url):
    world.copy("buy", "0.01")
    for subscription, most in zip(world.subscriptions[:2], (150, 250), strict=True):
        RiskLimits.objects.create(user=subscription.follower, max_open_notional=most)
    answer = master.post(url, BUY).json()
    assert answer["copied"] == 2
    assert answer["skipped"][0]["reason"] == "max_open_notional"


def test_a_follower_at_a_silent_exchange_holds_up_nobody(master, world, venue, url):
    silent = factories.ExchangeAccountFactory.create(exchange="kraken")
    factories.SubscriptionFactory.create(strategy=world.strategy, exchange_account=silent)
    gateway.configure(url_overrides={"kraken": "http://127.0.0.1:9"}, paper_exchange_url=venue.address)
    answer = master.post(url, BUY).json()
    assert (answer["followers"], answer["copied"]) == (4, 3)
    assert answer["skipped"][0]["reason"] == "venue_unavailable"


def test_the_masters_equity_is_the_one_that_was_read_last(master, strategy, url):
    for days, equity in ((2, 5_000), (1, 20_000)):
        PerformanceSnapshot.objects.create(
            strategy=strategy, at=timezone.now() - timedelta(days=days), equity=equity
        )
    assert master.post(url, BUY).json()["copied_amount"] == "0.00147"


def test_the_price_is_the_limit_or_the_last_known(master, strategy, url):
    limit = BUY | {"type": "limit", "price": "90000", "client_signal_id": "x"}
    assert master.post(url, limit).json()["price"] == "90000"
    Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=95_000, at=timezone.now())
    assert master.post(url, BUY).json()["price"] == "95000"


@pytest.mark.parametrize(
    ("change", "code", "attr"),
    [
        ({"symbol": "DOGE/USDT"}, "symbol_not_in_strategy", "symbol"),
        ({"amount": "0"}, "min_value", "amount"),
        ({"amount": "0.010000001"}, "not_on_lot_step", "amount"),
        ({"type": "limit"}, "required", "price"),
        ({"side": "hold"}, "invalid_choice", "side"),
        ({"leverage": "2"}, "unknown_field", "leverage"),
    ],
)
def test_a_signal_that_would_be_refused_is_refused_here(master, url, change, code, attr):
    assert error_of(master.post(url, BUY | change)) == (code, attr)


def test_only_the_master_asks_what_a_signal_would_do(api_of, stranger, strategy, url):
    assert api_of(stranger).post(url, BUY).status_code == 404
    assert error_of(api_of(strategy.owner, "read").post(url, BUY), 403)[0] == "insufficient_scope"
    Strategy.objects.filter(pk=strategy.pk).update(status="closed")
    assert error_of(api_of(strategy.owner).post(url, BUY), 409)[0] == "strategy_not_published"


# One follower for each: what is theirs, what their copy has, and how the order then ends.
EVERY_RULE: tuple[tuple[dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}, {}),
    ({}, {}, {"status": "paused"}),
    ({}, {}, {"symbols_blocked": ["BTC/USDT"]}),
    ({}, {}, {"allocation": 10, "cash": 10}),
    ({}, {}, {"cash": 50}),
    ({}, {}, {"cash": 0}),
    ({"kill_switch": "close_only"}, {}, {}),
    ({"symbols_blocked": ["BTC/USDT"]}, {}, {}),
    ({"symbols_allowed": ["ETH/USDT"]}, {}, {}),
    ({"max_order_notional": 50}, {}, {}),
    ({"max_order_notional": 50, "oversize": "cut"}, {}, {}),
    ({"max_open_notional": 120}, {}, {}),
    ({"max_open_notional": 150, "oversize": "cut"}, {}, {}),
    ({"max_open_positions": 1}, {}, {}),
    ({"max_orders_per_day": 1}, {}, {}),
    ({"max_daily_loss": 1}, {}, {}),
    ({"currency": "EUR", "max_order_notional": 50}, {}, {}),
    ({"max_slippage_bps": 0}, {}, {}),
    ({}, {"kill_switch": "freeze"}, {}),
    ({}, {"max_order_notional": 50}, {}),
    ({}, {"max_orders_per_day": 1}, {}),
    ({}, {"max_daily_loss": 1}, {}),
)


def test_the_preview_of_a_signal_and_the_signal_give_everybody_the_same_amount_and_reason(api_of, venue, db):
    world = build(venue, followers=len(EVERY_RULE))
    master = api_of(world.strategy.owner)
    ExchangeAccount.objects.filter(pk=world.strategy.exchange_account_id).update(equity=10_000)
    Mark.objects.create(exchange="paper", symbol="ETH/USDT", price=4000, at=timezone.now())
    # All hold some ETH, bought at 4000 and worth 3900 now.
    world.copy("buy", "0.25", "4000", symbol="ETH/USDT")
    Mark.objects.update(price=3900)
    for subscription, (limits, own, changes) in zip(world.subscriptions, EVERY_RULE, strict=True):
        if limits:
            RiskLimits.objects.create(user=subscription.follower, **limits)
        if own:
            SubscriptionLimits.objects.create(subscription=subscription, **own)
        if changes:
            Subscription.objects.filter(pk=subscription.pk).update(**changes)
    for side in ("buy", "sell"):
        before = everything_stored()
        url = f"/api/v1/strategies/{world.strategy.public_id}/signals/preview/"
        told = master.post(url, BUY | {"side": side}).json()
        assert everything_stored() == before
        orders = world.copy(side, "0.01")
        sent = [order for order in orders if order.attempt]
        assert (told["followers"], told["copied"]) == (len(EVERY_RULE), len(sent))
        assert Decimal(told["copied_amount"]) == sum(order.requested_amount or 0 for order in sent)
        reasons = Counter(order.reason_code for order in orders if not order.attempt)
        assert {row["reason"]: row["count"] for row in told["skipped"]} == reasons
        cuts = Counter(step["cut"] for order in sent for step in order.sizing if "cut" in step)
        assert {row["reason"]: row["count"] for row in told["cut"]} == cuts
        assert len(reasons) > (10 if side == "buy" else 1)
        assert len(cuts) == (3 if side == "buy" else 0)


def test_many_followers_take_as_many_queries_as_few(master, world, url, django_assert_num_queries):
    master.post(url, BUY)
    with django_assert_num_queries(11) as captured:
        master.post(url, BUY)
    for _n in range(20):
        factories.SubscriptionFactory.create(strategy=world.strategy)
    with django_assert_num_queries(len(captured)):
        assert master.post(url, BUY).json()["followers"] == 23
    assert not CopyOrder.objects.exists()
