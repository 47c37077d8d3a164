"""What a follower is told of their own copies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Notification, User
from subscriptions import ending, services
from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def titles(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("title", flat=True))


@pytest.fixture
def copy(subscription: Subscription) -> Subscription:
    subscription.strategy.name = "Tide 100% {calm}"
    subscription.strategy.save()
    return subscription


def test_pausing_and_resuming_is_told_with_who_did_it(copy, user):
    services.pause(subscription=copy, now=NOW)
    services.pause(subscription=copy, now=NOW + timedelta(seconds=1))
    services.resume(subscription=copy, now=NOW + timedelta(seconds=2))
    assert titles(user) == [
        "Copying Tide 100% {calm} is paused: you asked for it",
        "Copying Tide 100% {calm} goes on",
    ]
    assert Notification.objects.filter(link=f"/subscriptions/{copy.public_id}/").count() == 2


def test_a_pause_of_all_is_told_of_each(user, copy):
    SubscriptionFactory.create(follower=user)
    assert services.pause_all(follower=user, now=NOW) == 2
    assert services.pause_all(follower=user, now=NOW + timedelta(seconds=1)) == 0
    assert len(titles(user)) == 2


def test_a_lost_approval_is_told_as_the_reason(user, copy):
    type(copy.exchange_account).objects.filter(pk=copy.exchange_account_id).update(exchange="binance")
    User.objects.filter(pk=user.pk).update(kyc_status="rejected")
    services.pause_unapproved(now=NOW)
    assert titles(user) == ["Copying Tide 100% {calm} is paused: your identity check was lost"]


@pytest.mark.parametrize(("chosen", "sentence"), [("close", "was sold"), ("keep", "is yours")])
def test_the_end_tells_what_became_of_what_was_held(copy, user, chosen, sentence):
    copy.refresh_from_db()
    copy.on_unsubscribe = chosen
    ending.end(subscription=copy, now=NOW)
    assert titles(user) == ["You no longer copy Tide 100% {calm}"]
    assert sentence in Notification.objects.get().body
