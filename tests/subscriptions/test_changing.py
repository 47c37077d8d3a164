"""Changing a copy that runs, by the API."""

from django.utils import timezone

from ledger.models import Mark, Position
from subscriptions.models import Subscription
from tests.subscriptions.asking import URL, error_of
from wallets.models import ExchangeAccount


def test_settings_change_and_cash_follows_the_allocation(api, body):
    url = f"{URL}{api.post(URL, body).json()['id']}/"
    changed = api.patch(
        url,
        {
            "allocation": "1400",
            "sizing": {"mode": "fixed_notional", "value": "50"},
            "max_slippage_bps": 10,
            "symbols_blocked": ["ETH/USDT"],
            "on_unsubscribe": "close",
            "on_master_lost": "close",
            "status": "paused",
        },
    ).json()
    assert changed["allocation"] == changed["available"] == "1400"
    assert changed["sizing"] == {"mode": "fixed_notional", "value": "50"}
    assert changed["max_slippage_bps"] == 10
    assert changed["symbols_blocked"] == ["ETH/USDT"]
    assert (changed["on_unsubscribe"], changed["on_master_lost"]) == ("close", "close")
    assert changed["status"] == "paused"
    assert error_of(api.patch(url, {"allocation": "1500.01"})) == ("above_free_balance", "allocation")
    assert error_of(api.patch(url, {"allocation": "50"})) == ("below_min_capital", "allocation")
    assert error_of(api.patch(url, {"strategy": body["strategy"]})) == ("unknown_field", "strategy")
    assert error_of(api.patch(url, {"status": "closed"})) == ("invalid_choice", "status")
    assert api.patch(url, {"status": "active"}).json()["status"] == "active"


def test_what_is_in_use_stays_allocated(api, body):
    told = api.post(URL, body).json()
    Subscription.objects.filter(public_id=told["id"]).update(cash=300, reserved=100)
    answer = api.patch(f"{URL}{told['id']}/", {"allocation": "799"})
    assert error_of(answer, 409)[0] == "below_what_is_used"
    assert api.patch(f"{URL}{told['id']}/", {"allocation": "800"}).json()["available"] == "0"


def test_a_paused_one_resumes_only_with_a_working_key(user, api, subscription):
    url = f"{URL}{subscription.public_id}/"
    assert api.patch(url, {"status": "paused"}).json()["status"] == "paused"
    ExchangeAccount.objects.filter(pk=subscription.exchange_account_id).update(status="invalid")
    assert error_of(api.patch(url, {"status": "active"}), 409)[0] == "account_invalid"


def test_equity_and_pnl_are_unknown_without_a_fresh_price(api, subscription):
    Position.objects.create(
        strategy=subscription.strategy,
        subscription=subscription,
        symbol="BTC/USDT",
        target="0.01",
        held="0.01",
        cost="900",
    )
    Subscription.objects.filter(pk=subscription.pk).update(cash=100)
    url = f"{URL}{subscription.public_id}/"
    told = api.get(url).json()
    assert told["available"] == "100"
    assert told["equity"] is None and told["pnl"] is None
    Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=100_000, at=timezone.now())
    told = api.get(url).json()
    assert told["equity"] == "1100"
    assert told["pnl"] == "100"
