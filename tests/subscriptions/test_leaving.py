"""Leaving a strategy by the API, and whose subscriptions one sees."""

import pytest
from django.utils import timezone

from execution.models import CopyOrder
from ledger.models import Position
from strategies.models import StrategySymbol
from tests import factories
from tests.subscriptions.asking import URL, error_of, order_of


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
