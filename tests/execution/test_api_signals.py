"""Signals through the API: sent, placed on the master's own account, read with every follower's outcome."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from execution import claiming, placing, reconcile, services, tasks
from execution.models import CopyOrder, client_order_id
from execution.outcomes import OUTCOMES
from execution.settling import settle
from ledger.models import Mark
from strategies.models import Signal, Strategy
from subscriptions.models import Subscription
from tests import factories
from tests.execution.world import execute

BODY = {
    "client_signal_id": "entry-1",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "market",
    "amount": "0.01",
}


@pytest.fixture
def strategy(world):
    return world.strategy


@pytest.fixture
def url(strategy):
    return f"/api/v1/strategies/{strategy.public_id}/signals/"


@pytest.fixture
def master(api_of, strategy):
    return api_of(strategy.owner)


@pytest.fixture
def enqueued(monkeypatch):
    """What would go to the workers: here no worker listens, the tests do its work themselves."""
    calls: list[Any] = []
    monkeypatch.setattr(tasks, "enqueue_orders", lambda ids, queue="orders": calls.append((list(ids), queue)))
    monkeypatch.setattr(tasks, "enqueue_look_ups", lambda: calls.append("look up"))
    return calls


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def order_of(signal, subscription, status, **changes):
    part = changes.pop("part", 1)
    now = timezone.now()
    values = {
        "origin": "signal",
        "origin_number": signal.number,
        "signal": signal,
        "strategy": signal.strategy,
        "subscription": subscription,
        "exchange_account": subscription.exchange_account,
        "kind": "entry",
        "symbol": signal.symbol,
        "side": signal.side,
        "type": "limit_ioc",
        "part": part,
        "target_change": Decimal("0.001"),
        "requested_amount": Decimal("0.001"),
        "claimed_at": now,
        "status": status,
    }
    name = client_order_id(
        origin="signal", origin_number=signal.number, owner=subscription.pk, symbol=signal.symbol, part=part
    )
    return CopyOrder.objects.create(client_order_id=name, **(values | changes))


def numbered(strategy, number=1, **changes):
    now = timezone.now()
    values = {"symbol": "BTC/USDT", "side": "buy", "amount": Decimal("0.01"), "price": 100_000, "at": now}
    return Signal.objects.create(strategy=strategy, number=number, detected_at=now, **(values | changes))


def test_a_sent_signal_is_placed_on_the_masters_own_account(master, url, enqueued, world):
    answer = master.post(url, BODY)
    assert answer.status_code == 202, answer.content
    assert answer.json()["status"] == "placing"
    signal = Signal.objects.get(public_id=answer.json()["id"])
    assert signal.number is None
    order = CopyOrder.objects.get(signal=signal)
    assert order.subscription is None and order.origin == "master"
    assert order.exchange_account == world.strategy.exchange_account
    assert enqueued == [([order.pk], "signals")]
    execute([order.pk])
    order.refresh_from_db()
    assert order.status == "filled"
    assert order.filled_amount == Decimal("0.01")


def test_the_same_request_again_is_the_same_signal(master, url, enqueued):
    first = master.post(url, BODY)
    again = master.post(url, BODY | {"amount": "0.0100"})
    assert again.status_code == 200
    assert again.json()["id"] == first.json()["id"]
    assert len(enqueued) == 1
    assert error_of(master.post(url, BODY | {"amount": "0.02"}), 409)[0] == "idempotency_conflict"
    assert error_of(master.post(url, BODY | {"side": "sell"}), 409)[0] == "idempotency_conflict"
    assert CopyOrder.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_the_same_time_make_one_signal(world):
    request = services.Request("twice", "BTC/USDT", "buy", "market", Decimal("0.01"), None)

    def send(_number):
        try:
            signal, order = services.send_signal(
                strategy=world.strategy, request=request, source="api", now=timezone.now()
            )
        finally:
            connection.close()
        return signal.pk, order is not None

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert len({signal for signal, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert CopyOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "code", "attr"),
    [
        ({"symbol": "DOGE/USDT"}, "symbol_not_in_strategy", "symbol"),
        ({"symbol": "btcusdt"}, "invalid", "symbol"),
        ({"amount": "0"}, "min_value", "amount"),
        ({"amount": "-0.01"}, "min_value", "amount"),
        ({"amount": "NaN"}, "invalid", "amount"),
        ({"amount": "Infinity"}, "invalid", "amount"),
        ({"amount": 0.01}, "invalid", "amount"),
        ({"amount": "0.010000001"}, "not_on_lot_step", "amount"),
        ({"amount": "0.010000000000000001"}, "not_on_lot_step", "amount"),
        ({"amount": "0.01000000000000000001"}, "max_decimal_places", "amount"),
        ({"type": "limit"}, "required", "price"),
        ({"type": "limit", "price": None}, "required", "price"),
        ({"type": "limit", "price": "0"}, "min_value", "price"),
        ({"type": "limit", "price": "100000.001"}, "not_on_tick_size", "price"),
        ({"type": "limit", "price": "1", "amount": "0.01"}, "below_minimum", "amount"),
        ({"price": "100000"}, "price_only_for_limit", "price"),
        ({"type": "stop"}, "invalid_choice", "type"),
        ({"side": "hold"}, "invalid_choice", "side"),
        ({"client_signal_id": ""}, "blank", "client_signal_id"),
        ({"client_signal_id": "x" * 65}, "max_length", "client_signal_id"),
        ({"client_signal_id": 5}, "invalid", "client_signal_id"),
        ({"client_signal_id": "a b"}, "invalid", "client_signal_id"),
        ({"leverage": 10}, "unknown_field", "leverage"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_placed(master, url, enqueued, change, code, attr):
    answer = master.post(url, BODY | change)
    assert answer.status_code == 400, answer.content
    assert (code, attr) in [(error["code"], error["attr"]) for error in answer.json()["errors"]]
    assert Signal.objects.count() == 0
    assert enqueued == []


def test_a_market_order_is_judged_at_a_fresh_price(master, url, enqueued):
    # 0.00001 BTC is 1 USDT; the exchange takes 5.
    small = BODY | {"amount": "0.00001"}
    Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=100_000, at=timezone.now())
    assert error_of(master.post(url, small)) == ("below_minimum", "amount")
    Mark.objects.update(at=timezone.now() - timedelta(minutes=2))
    # An old price judges nothing: the exchange will.
    assert master.post(url, small).status_code == 202


def test_only_the_master_of_a_published_strategy_sends(api_of, stranger, master, url, strategy, enqueued):
    assert api_of(stranger).post(url, BODY).status_code == 404
    assert error_of(api_of(strategy.owner, "read").post(url, BODY), 403)[0] == "insufficient_scope"
    Strategy.objects.filter(pk=strategy.pk).update(status="closed")
    assert error_of(master.post(url, BODY), 409)[0] == "strategy_not_published"


def test_what_has_not_left_is_canceled_at_once_and_never_leaves(master, url, enqueued):
    told = master.post(url, BODY).json()
    assert master.delete(f"{url}{told['id']}/").status_code == 204
    order = CopyOrder.objects.get()
    assert order.status == "canceled"
    execute([order.pk])
    order.refresh_from_db()
    assert order.attempt == 0
    answer = master.get(f"{url}{told['id']}/").json()
    assert answer["status"] == "canceled"
    assert answer["reason"]["code"] == "canceled_by_master"
    assert master.delete(f"{url}{told['id']}/").status_code == 204


def test_what_rests_is_canceled_at_the_venue(master, url, enqueued):
    told = master.post(url, BODY | {"type": "limit", "price": "90000"}).json()
    order = CopyOrder.objects.get()
    execute([order.pk])
    order.refresh_from_db()
    assert order.status == "open"
    assert master.delete(f"{url}{told['id']}/").status_code == 202
    assert enqueued[-1] == "look up"
    reconcile.look_up_due(now=timezone.now())
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("canceled", "canceled_by_master")
    assert master.get(f"{url}{told['id']}/").json()["status"] == "canceled"
    assert master.delete(f"{url}{told['id']}/").status_code == 204


def test_a_cancel_that_comes_while_the_order_is_on_its_way_is_done_as_soon_as_it_rests(master, url, enqueued):
    told = master.post(url, BODY | {"type": "limit", "price": "90000"}).json()
    order = CopyOrder.objects.get()
    for outcomes in placing.send(claiming.claim([order.pk], worker="w", now=timezone.now()).to_send):
        assert master.delete(f"{url}{told['id']}/").status_code == 202
        settle(outcomes, now=timezone.now())
    order.refresh_from_db()
    assert order.status == "open"
    reconcile.look_up_due(now=timezone.now() + timedelta(seconds=1))
    assert master.get(f"{url}{told['id']}/").json()["status"] == "canceled"


def test_outcomes_add_up_to_the_followers_of_that_moment(master, url, strategy):
    signal = numbered(strategy)
    ends: dict[str, dict[str, Any]] = {
        "filled": {"filled_amount": Decimal("0.001"), "filled_cost": 100},
        "skipped": {"reason_code": "paused"},
        "denied": {"reason_code": "kill_switch"},
        "rejected": {"reason_code": "venue_rejected"},
        "expired": {"reason_code": "not_placed_in_time"},
        "pending": {},
        "canceled": {"reason_code": "beyond_slippage"},
    }
    for status, changes in ends.items():
        order_of(signal, factories.SubscriptionFactory.create(strategy=strategy), status, **changes)
    # An exit in two parts is one follower's.
    twice = factories.SubscriptionFactory.create(strategy=strategy)
    order_of(signal, twice, "canceled", filled_amount=Decimal("0.0004"), filled_cost=40)
    order_of(signal, twice, "filled", part=2, filled_amount=Decimal("0.0006"), filled_cost=60)
    numbered(strategy, number=2)
    second, first = master.get(url).json()["results"]
    assert [second["number"], first["number"]] == [2, 1]
    counts = {name: first[name] for name in OUTCOMES}
    assert counts == {"copied": 2, "skipped": 2, "denied": 1, "rejected": 1, "expired": 1, "open": 1}
    assert sum(counts.values()) == len(ends) + 1
    assert sum(second[name] for name in OUTCOMES) == 0
    assert first["amount"] == "0.01" and first["price"] == "100000"


def test_a_follower_is_named_to_nobody_but_oneself(api_of, user, url, strategy):
    signal = numbered(strategy)
    stranger = factories.SubscriptionFactory.create(strategy=strategy)
    own = factories.SubscriptionFactory.create(strategy=strategy, follower=user)
    order_of(signal, stranger, "filled", filled_amount=Decimal("0.001"), filled_cost=100)
    order_of(signal, own, "skipped", reason_code="below_minimum")
    told = api_of(user).get(f"{url}{signal.public_id}/").json()
    assert told["copied"] == 1 and told["skipped"] == 1
    assert told["followers"] == [
        {"subscription": str(own.public_id), "own": True, "outcome": "skipped", "reason": "below_minimum"},
        {"subscription": None, "own": False, "outcome": "copied", "reason": None},
    ]


def test_who_sees_the_signals_is_the_masters_choice(api_of, user, stranger, url, strategy):
    factories.SubscriptionFactory.create(strategy=strategy, follower=user)
    follower, other = api_of(user), api_of(stranger)
    assert other.get(url).status_code == 200
    Strategy.objects.filter(pk=strategy.pk).update(positions_visible_to="followers")
    assert follower.get(url).status_code == 200
    assert error_of(other.get(url), 403)[0] == "signals_not_visible"
    Strategy.objects.filter(pk=strategy.pk).update(positions_visible_to="nobody")
    assert error_of(follower.get(url), 403)[0] == "signals_not_visible"
    assert api_of(strategy.owner).get(url).status_code == 200
    Strategy.objects.filter(pk=strategy.pk).update(visibility="private", positions_visible_to="everyone")
    assert other.get(url).status_code == 404
    assert follower.get(url).status_code == 200


@pytest.mark.parametrize("status", ["placing", "open", "rejected", "canceled"])
def test_what_a_master_has_not_traded_yet_is_the_masters_alone(
    api_of, user, stranger, master, url, strategy, status
):
    factories.SubscriptionFactory.create(strategy=strategy, follower=user)
    traded = numbered(strategy)
    resting = Signal.objects.create(
        strategy=strategy,
        symbol="BTC/USDT",
        side="buy",
        amount=0,
        source="api",
        status=status,
        client_signal_id="secret-plan",
        requested_type="limit",
        requested_amount=1,
        requested_price=90_000,
    )
    assert [row["status"] for row in master.get(url).json()["results"]] == [status, "copying"]
    assert master.get(f"{url}{resting.public_id}/").status_code == 200
    for client in (api_of(user), api_of(stranger)):
        assert [row["id"] for row in client.get(url).json()["results"]] == [str(traded.public_id)]
        assert client.get(f"{url}{traded.public_id}/").status_code == 200
        assert client.get(f"{url}{resting.public_id}/").status_code == 404


def test_who_has_left_is_no_follower_any_more(api_of, user, url, strategy):
    left = factories.SubscriptionFactory.create(strategy=strategy, follower=user, status="closing")
    Strategy.objects.filter(pk=strategy.pk).update(positions_visible_to="followers")
    assert api_of(user).get(url).status_code == 200
    Subscription.objects.filter(pk=left.pk).update(status="closed")
    assert error_of(api_of(user).get(url), 403)[0] == "signals_not_visible"


def test_a_page_of_signals_takes_the_same_queries_however_long(
    master, url, strategy, django_assert_num_queries
):
    numbered(strategy, number=1)
    # The first request with a token also notes its use.
    master.get(url)
    with django_assert_num_queries(4) as captured:
        master.get(url)
    for number in range(2, 30):
        numbered(strategy, number=number)
    with django_assert_num_queries(len(captured)):
        assert len(master.get(url).json()["results"]) == 29
