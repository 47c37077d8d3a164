"""Following a strategy by the API, against a real paper exchange."""

import pytest

from exchanges import gateway, markets
from exchanges.types import Credentials
from strategies.models import Strategy
from subscriptions.models import Opening, Subscription
from tests import factories
from tests.subscriptions.asking import URL, error_of
from wallets.models import ExchangeAccount


def test_following_starts_after_the_last_signal_with_the_allocation_as_cash(api, published, body):
    Strategy.objects.filter(pk=published.pk).update(last_signal_number=7)
    answer = api.post(URL, body)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told["status"] == "active"
    assert told["allocation"] == told["available"] == told["equity"] == "1000"
    assert told["pnl"] == "0"
    assert told["own"] is False
    assert told["missing_symbols"] == []
    assert (told["on_unsubscribe"], told["on_master_lost"]) == ("keep", "hold")
    assert told["sizing"] == {"mode": "proportional", "value": "1"}
    subscription = Subscription.objects.get(public_id=told["id"])
    assert subscription.starts_after_number == 7
    assert subscription.cash == 1000


@pytest.mark.parametrize(("venue", "missing"), [("paper", []), ("binance", None)])
def test_at_the_masters_own_exchange_no_symbol_is_missing_whether_or_not_its_list_is_known(
    api, user, strategy, monkeypatch, venue, missing
):
    monkeypatch.setattr(markets, "rules_now", lambda exchange: None)
    account = factories.ExchangeAccountFactory.create(owner=user, exchange=venue)
    copy = factories.SubscriptionFactory.create(follower=user, strategy=strategy, exchange_account=account)
    assert api.get(f"{URL}{copy.public_id}/").json()["missing_symbols"] == missing


def test_without_an_allocation_all_that_is_free_is_taken(api, user, published, body):
    del body["allocation"]
    assert api.post(URL, body).json()["allocation"] == "1500"


def test_other_allocations_of_the_account_bound_it(api, user, published, body):
    other = factories.StrategyFactory.create()
    account = ExchangeAccount.objects.get(public_id=body["exchange_account"])
    # 900 allocated, of which 500 was spent on coins: those are no free quote any more.
    factories.SubscriptionFactory.create(
        follower=user, strategy=other, exchange_account=account, allocation=900, cash=400
    )
    assert error_of(api.post(URL, body | {"allocation": "1100.01"})) == ("above_free_balance", "allocation")
    del body["allocation"]
    assert api.post(URL, body).json()["allocation"] == "1100"


def test_an_account_follows_a_strategy_once(api, body):
    assert api.post(URL, body).status_code == 201
    assert error_of(api.post(URL, body), 409)[0] == "already_subscribed"


def test_the_strategy_decides_who_fits(api, user, published, body):
    assert error_of(api.post(URL, body | {"allocation": "99.99"})) == ("below_min_capital", "allocation")
    Strategy.objects.filter(pk=published.pk).update(max_followers=1)
    factories.SubscriptionFactory.create(strategy=published)
    assert error_of(api.post(URL, body), 409)[0] == "no_capacity"
    Strategy.objects.filter(pk=published.pk).update(status="closed")
    assert error_of(api.post(URL, body), 409)[0] == "strategy_not_published"


def test_ones_own_strategy_is_followed_with_another_account_only(api_of, stranger, published, open_account):
    Strategy.objects.filter(pk=published.pk).update(max_followers=1)
    factories.SubscriptionFactory.create(strategy=published)
    api = api_of(stranger)
    body = {"strategy": str(published.public_id), "sizing": {"mode": "multiplier", "value": "0.5"}}
    feeding = str(published.exchange_account.public_id)
    assert error_of(api.post(URL, body | {"exchange_account": feeding}), 409)[0] == "account_is_master"
    other = str(open_account(stranger).public_id)
    answer = api.post(URL, body | {"exchange_account": other})
    assert answer.status_code == 201, answer.content
    assert answer.json()["own"] is True


def test_a_key_that_the_venue_does_not_know_cannot_follow(api, user, published, body, paper):
    bad = factories.ExchangeAccountFactory.create(owner=user, keys=Credentials("unknown", "keys"))
    answer = api.post(URL, body | {"exchange_account": str(bad.public_id)})
    assert error_of(answer) == ("invalid_credentials", "exchange_account")
    bad.refresh_from_db()
    assert bad.status == "invalid"
    assert Subscription.objects.count() == 0


def test_a_key_that_may_not_trade_cannot_follow(api, user, body, paper):
    told = paper.open_account(balances={"USDT": "10000"}, is_read_only=True)
    keys = Credentials(told["api_key"], told["secret"])
    reads = factories.ExchangeAccountFactory.create(owner=user, keys=keys)
    answer = api.post(URL, body | {"exchange_account": str(reads.public_id)})
    assert error_of(answer) == ("trading_disabled", "exchange_account")
    assert Subscription.objects.count() == 0


def test_real_money_needs_an_approved_identity(settings, user, api, published, body):
    settings.KYC_REQUIRED = True
    user.kyc_status = "not_submitted"
    user.save()
    live = factories.ExchangeAccountFactory.create(owner=user, exchange="binance")
    answer = api.post(URL, body | {"exchange_account": str(live.public_id)})
    assert error_of(answer, 403)[0] == "kyc_required"
    # Paper money never does.
    assert api.post(URL, body).status_code == 201


def test_a_venue_that_does_not_answer_is_told_and_nothing_is_stored(api, user, paper, body):
    unreachable = factories.ExchangeAccountFactory.create(owner=user, exchange="kraken")
    gateway.configure(url_overrides={"kraken": "http://127.0.0.1:9"}, paper_exchange_url=paper.address)
    answer = api.post(URL, body | {"exchange_account": str(unreachable.public_id)})
    assert error_of(answer, 503)[0] == "exchange_unavailable"
    assert answer["Retry-After"]
    assert Subscription.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "code", "attr"),
    [
        ({"allocation": "0"}, "min_value", "allocation"),
        ({"allocation": "-5"}, "min_value", "allocation"),
        ({"allocation": "NaN"}, "invalid", "allocation"),
        ({"allocation": 1000}, "invalid", "allocation"),
        ({"allocation": "1e3"}, "invalid", "allocation"),
        ({"allocation": "1500.000001"}, "above_free_balance", "allocation"),
        ({"sizing": {"mode": "proportional", "value": "0"}}, "min_value", "sizing.value"),
        ({"sizing": {"mode": "all_in", "value": "1"}}, "invalid_choice", "sizing.mode"),
        ({"sizing": {"mode": "multiplier"}}, "required", "sizing.value"),
        ({"sizing": {"mode": "multiplier", "value": "1", "x": 1}}, "unknown_field", "sizing.x"),
        ({"sizing": None}, "null", "sizing"),
        ({"max_slippage_bps": -1}, "min_value", "max_slippage_bps"),
        ({"max_slippage_bps": "30"}, "invalid", "max_slippage_bps"),
        ({"max_slippage_bps": 10001}, "max_value", "max_slippage_bps"),
        ({"symbols_blocked": ["nope"]}, "invalid", "symbols_blocked.0"),
        ({"on_unsubscribe": "burn"}, "invalid_choice", "on_unsubscribe"),
        ({"on_master_lost": "panic"}, "invalid_choice", "on_master_lost"),
        ({"strategy": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11"}, "does_not_exist", "strategy"),
        ({"strategy": 5}, "does_not_exist", "strategy"),
        ({"exchange_account": "x"}, "does_not_exist", "exchange_account"),
        ({"stop_loss_percent": "100.01"}, "max_value", "stop_loss_percent"),
        ({"copy_open_positions": "true"}, "invalid", "copy_open_positions"),
        ({"status": "active"}, "unknown_field", "status"),
        ({"leverage": "10"}, "unknown_field", "leverage"),
    ],
)
def test_a_wrong_field_is_named(api, body, change, code, attr):
    assert error_of(api.post(URL, body | change)) == (code, attr)
    assert Subscription.objects.count() == 0


def test_drafts_private_ones_and_foreign_accounts_do_not_exist(api, stranger, published, open_account, body):
    Strategy.objects.filter(pk=published.pk).update(status="draft")
    assert error_of(api.post(URL, body)) == ("does_not_exist", "strategy")
    Strategy.objects.filter(pk=published.pk).update(status="published", visibility="private")
    assert error_of(api.post(URL, body)) == ("does_not_exist", "strategy")
    Strategy.objects.filter(pk=published.pk).update(visibility="public")
    foreign = str(open_account(stranger).public_id)
    answer = api.post(URL, body | {"exchange_account": foreign})
    assert error_of(answer) == ("does_not_exist", "exchange_account")


@pytest.mark.parametrize("choice", ["hold", "close"])
def test_what_happens_when_the_master_is_lost_is_the_followers_choice(api, body, choice):
    answer = api.post(URL, body | {"on_master_lost": choice})
    assert answer.status_code == 201, answer.content
    assert answer.json()["on_master_lost"] == choice
    assert Subscription.objects.get().on_master_lost == choice


def test_what_the_master_holds_is_asked_for_on_following_or_later(api, api_of, stranger, body):
    told = api.post(URL, body | {"copy_open_positions": True}).json()
    url = f"{URL}{told['id']}/open-positions/"
    assert Subscription.objects.get().copy_open_positions is True
    answer = api.post(url)
    assert (answer.status_code, answer.json()["id"]) == (202, told["id"])
    assert Opening.objects.count() == 1
    assert error_of(api.post(url, {"x": 1})) == ("unknown_field", "x")
    assert api_of(stranger).post(url).status_code == 404
    api.patch(f"{URL}{told['id']}/", {"status": "paused"})
    assert error_of(api.post(url), 409)[0] == "subscription_paused"
    Subscription.objects.update(status="closed")
    assert error_of(api.post(url), 409)[0] == "subscription_not_live"


def test_without_the_choice_nothing_is_asked_for(api, body):
    api.post(URL, body)
    api.post(URL, body | {"copy_open_positions": False})
    assert not Opening.objects.exists()
