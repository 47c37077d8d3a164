"""Several people, or a person and the platform, at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.exceptions import APIException

from execution import leaving
from strategies.models import Strategy
from strategies.services import lock_strategy
from subscriptions import following
from subscriptions.following import Terms
from subscriptions.locks import lock_live_of, lock_subscription
from subscriptions.models import Subscription
from tests import factories
from tests.subscriptions.asking import order_of

pytestmark = pytest.mark.django_db(transaction=True)


def follow_at_once(people, strategies, accounts):
    """What each is told, who all ask in the same moment."""
    all_ready = Barrier(len(people))

    def ask(person, strategy, account):
        try:
            all_ready.wait(timeout=20)
            following.follow(
                follower=person,
                strategy=strategy,
                exchange_account=account,
                allocation=Decimal(1000),
                terms=Terms(sizing_mode="proportional", sizing_value=Decimal(1)),
                now=timezone.now(),
            )
        except APIException as refusal:
            return str(refusal.get_codes())
        finally:
            connection.close()
        return "joined"

    with ThreadPoolExecutor(len(people)) as pool:
        return sorted(pool.map(ask, people, strategies, accounts))


def test_the_last_place_is_given_once_when_two_ask_at_the_same_time(user, open_account, published):
    Strategy.objects.filter(pk=published.pk).update(max_followers=1)
    people = [user, factories.UserFactory.create()]
    accounts = [open_account(person) for person in people]
    assert follow_at_once(people, [published] * 2, accounts) == ["joined", "no_capacity"]
    assert Subscription.objects.following(published.pk).count() == 1


def test_the_same_money_is_allocated_once_when_two_strategies_are_followed_at_the_same_time(
    user, open_account
):
    account = open_account(user, "1500")
    strategies = factories.StrategyFactory.create_batch(2)
    told = follow_at_once([user] * 2, strategies, [account] * 2)
    assert told == ["joined", "{'allocation': ['above_free_balance']}"]
    assert Subscription.objects.get().allocation == 1000


def test_who_leaves_waits_for_the_strategy_before_the_copy(user):
    """Whoever numbers signals or opens positions holds the strategy and takes its copies next."""
    subscription = factories.SubscriptionFactory.create(follower=user)

    def leave():
        try:
            leaving.leave(subscription=subscription, positions="keep", now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_strategy(subscription.strategy_id)
            left = pool.submit(leave)
            wait_until_somebody_waits()
            assert lock_subscription(subscription.pk).status == "active"
        left.result(timeout=20)
    subscription.refresh_from_db()
    assert subscription.status == "closed"


def wait_until_somebody_waits():
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
            if cursor.fetchone():
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


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
        lock_live_of(user)
        assert pool.submit(write_order).result()
