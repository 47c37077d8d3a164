"""The API of subscriptions, against a real paper exchange."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.exceptions import APIException

from exchanges import gateway
from exchanges.types import Credentials
from execution.models import CopyOrder, client_order_id
from ledger.models import Mark, Position
from strategies.models import Strategy, StrategySymbol
from subscriptions import services
from subscriptions.models import Opening, Subscription
from subscriptions.services import Terms
from tests import factories
from wallets.models import ExchangeAccount

URL = "/api/v1/subscriptions/"


@pytest.fixture
def body(user, published, open_account):
    return {
        "strategy": str(published.public_id),
        "exchange_account": str(open_account(user, "1500").public_id),
        "allocation": "1000",
        "sizing": {"mode": "proportional", "value": "1"},
    }


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def order_of(subscription, **changes):
    values = {
        "origin": "signal",
        "origin_number": 1,
        "subscription": subscription,
        "strategy": subscription.strategy,
        "exchange_account": subscription.exchange_account,
        "kind": "entry",
        "symbol": "BTC/USDT",
        "side": "buy",
        "type": "limit_ioc",
        "target_change": Decimal("0.01"),
    } | changes
    name = client_order_id(
        origin=values["origin"],
        origin_number=values["origin_number"],
        owner=subscription.pk,
        symbol=values["symbol"],
        part=1,
    )
    return CopyOrder.objects.create(client_order_id=name, **values)


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


def test_leaving_with_empty_hands_closes_at_once(api, subscription):
    url = f"{URL}{subscription.public_id}/"
    assert api.delete(url).status_code == 204
    assert api.delete(url).status_code == 204
    told = api.get(url).json()
    assert told["status"] == "closed"
    assert told["closed_at"]
    assert error_of(api.patch(url, {"status": "active"}), 409)[0] == "subscription_not_live"


@pytest.mark.parametrize(("positions", "status"), [("keep", 204), ("close", 202)])
def test_what_is_held_is_kept_or_must_be_sold_first(api, subscription, positions, status):
    Position.objects.create(
        strategy=subscription.strategy, subscription=subscription, symbol="BTC/USDT", held="0.01", cost="900"
    )
    url = f"{URL}{subscription.public_id}/"
    answer = api.delete(f"{url}?positions={positions}")
    assert answer.status_code == status
    told = api.get(url).json()
    assert told["status"] == ("closed" if positions == "keep" else "closing")
    assert told["on_unsubscribe"] == positions


def test_an_order_under_way_is_awaited(api, subscription):
    order = order_of(subscription)
    url = f"{URL}{subscription.public_id}/"
    assert api.delete(f"{url}?positions=keep").status_code == 202
    assert api.get(url).json()["status"] == "closing"
    CopyOrder.objects.filter(pk=order.pk).update(
        status="skipped", reason_code="closing", finished_at=timezone.now()
    )
    assert api.delete(f"{url}?positions=keep").status_code == 204


def test_a_wrong_choice_of_positions_is_refused(api, subscription):
    url = f"{URL}{subscription.public_id}/"
    assert api.delete(f"{url}?positions=burn").status_code == 400
    assert api.delete(f"{url}?keep=1").status_code == 400
    assert api.get(url).json()["status"] == "active"


def test_the_last_follower_of_a_closed_strategy_frees_its_symbols(api_of, stranger, published):
    subscription = factories.SubscriptionFactory.create(strategy=published)
    api_of(stranger).patch(f"/api/v1/strategies/{published.public_id}/", {"status": "closed"})
    assert StrategySymbol.objects.filter(strategy=published).exists()
    assert api_of(subscription.follower).delete(f"{URL}{subscription.public_id}/").status_code == 204
    assert not StrategySymbol.objects.filter(strategy=published).exists()


def test_everything_is_paused_and_left_at_once(api, user, stranger):
    mine = [factories.SubscriptionFactory.create(follower=user) for _number in range(3)]
    foreign = factories.SubscriptionFactory.create(follower=stranger)
    Position.objects.create(
        strategy=mine[0].strategy, subscription=mine[0], symbol="BTC/USDT", held="0.01", cost="900"
    )
    assert api.post(f"{URL}pause-all/").json() == {"paused": 3}
    assert api.post(f"{URL}pause-all/").json() == {"paused": 0}
    assert error_of(api.post(f"{URL}close-all/", {"x": 1})) == ("unknown_field", "x")
    answer = api.post(f"{URL}close-all/")
    assert answer.status_code == 202
    assert answer.json() == {"closed": 2, "closing": 1}
    foreign.refresh_from_db()
    assert foreign.status == "active"


def test_others_subscriptions_are_not_found(api_of, stranger, subscription):
    api = api_of(stranger)
    url = f"{URL}{subscription.public_id}/"
    assert api.get(url).status_code == 404
    assert api.patch(url, {"status": "paused"}).status_code == 404
    assert api.delete(url).status_code == 404
    assert api.get(URL).json()["results"] == []


def test_the_list_takes_the_same_queries_however_long(api, user, django_assert_max_num_queries):
    def fill(count):
        for _number in range(count):
            row = factories.SubscriptionFactory.create(follower=user)
            Position.objects.create(strategy=row.strategy, subscription=row, symbol="BTC/USDT", held=1)

    fill(2)
    with django_assert_max_num_queries(8):
        api.get(URL)
    fill(8)
    with django_assert_max_num_queries(8):
        assert len(api.get(URL).json()["results"]) == 10


def follow_or_say_why(person, strategy, account, amount):
    """For threads: closes its own connection."""
    try:
        services.follow(
            follower=person,
            strategy=strategy,
            exchange_account=account,
            allocation=Decimal(amount),
            terms=Terms(sizing_mode="proportional", sizing_value=Decimal(1)),
            now=timezone.now(),
        )
    except APIException as refusal:
        return str(refusal.get_codes())
    else:
        return "joined"
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_the_last_place_is_given_once_when_two_ask_at_the_same_time(user, open_account, published):
    Strategy.objects.filter(pk=published.pk).update(max_followers=1)
    people = [user, factories.UserFactory.create()]
    accounts = [open_account(person) for person in people]
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(follow_or_say_why, people, [published] * 2, accounts, [1000] * 2)
        assert sorted(answers) == ["joined", "no_capacity"]
    assert Subscription.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_money_is_allocated_once_when_two_strategies_are_followed_at_the_same_time(
    user, open_account
):
    account = open_account(user, "1500")
    strategies = [factories.StrategyFactory.create(), factories.StrategyFactory.create()]
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(follow_or_say_why, [user] * 2, strategies, [account] * 2, [1000] * 2)
        assert sorted(answers) == ["joined", "{'allocation': ['above_free_balance']}"]
    assert Subscription.objects.get().allocation == 1000


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_persons_locks_to_write_orders(user):
    """A fan-out names subscriptions in an order of its own; waiting here would be a deadlock."""
    subscription = factories.SubscriptionFactory.create(follower=user)

    def write_order():
        try:
            with transaction.atomic():
                connection.cursor().execute("SET LOCAL lock_timeout = '5s'")
                return order_of(subscription).pk
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        services.lock_live_of(user)
        assert pool.submit(write_order).result()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_the_last_place_at_once_one_finds_none(published, open_account):
    Strategy.objects.filter(pk=published.pk).update(max_followers=1)
    people = factories.UserFactory.create_batch(2)
    accounts = [open_account(person) for person in people]
    both = Barrier(2)

    def join(number):
        try:
            both.wait(timeout=20)
            services.follow(
                follower=people[number],
                strategy=published,
                exchange_account=accounts[number],
                allocation=Decimal(1000),
                terms=Terms(sizing_mode="proportional", sizing_value=Decimal(1)),
                now=timezone.now(),
            )
        except APIException as refusal:
            return refusal.get_codes()
        finally:
            connection.close()
        return "joined"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(join, range(2))) == ["joined", "no_capacity"]
    assert Subscription.objects.following(published.pk).count() == 1
