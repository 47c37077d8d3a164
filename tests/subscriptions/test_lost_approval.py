"""Who loses the approval of their identity buys nothing more with real money."""

from __future__ import annotations

import pytest
from django.utils import timezone
from rest_framework.exceptions import APIException

from accounts.models import User
from subscriptions import following, services, tasks
from subscriptions.models import Subscription
from tests.factories import ExchangeAccountFactory, StrategyFactory, SubscriptionFactory

NOW = timezone.now()


def copying(user: User, exchange: str) -> Subscription:
    account = ExchangeAccountFactory.create(owner=user, exchange=exchange)
    return SubscriptionFactory.create(follower=user, exchange_account=account)


def status_of(subscription: Subscription) -> str:
    return Subscription.objects.get(pk=subscription.pk).status


def test_live_copies_pause_and_paper_and_other_people_go_on(user, stranger):
    live, paper, other = copying(user, "binance"), copying(user, "paper"), copying(stranger, "binance")
    tasks.pause_unapproved()
    assert status_of(live) == "active"
    User.objects.filter(pk=user.pk).update(kyc_status="rejected")
    assert [services.pause_unapproved(now=NOW), services.pause_unapproved(now=NOW)] == [1, 0]
    assert [status_of(row) for row in (live, paper, other)] == ["paused", "active", "active"]


def test_a_paused_one_is_not_resumed_without_approval(user):
    live = copying(user, "binance")
    User.objects.filter(pk=user.pk).update(kyc_status="rejected")
    services.pause_unapproved(now=NOW)
    live.refresh_from_db()
    with pytest.raises(APIException, match="approved identity check"):
        services.resume(subscription=live, now=NOW)


def test_a_copy_that_is_leaving_goes_on_leaving(user):
    live = copying(user, "binance")
    Subscription.objects.update(status="closing")
    User.objects.filter(pk=user.pk).update(kyc_status="rejected")
    assert services.pause_unapproved(now=NOW) == 0
    assert status_of(live) == "closing"


def test_where_no_check_is_required_nothing_pauses(user, settings):
    settings.KYC_REQUIRED = False
    live = copying(user, "binance")
    User.objects.filter(pk=user.pk).update(kyc_status="rejected")
    assert services.pause_unapproved(now=NOW) == 0
    assert status_of(live) == "active"


def test_a_master_without_approval_gets_no_new_followers(user):
    strategy = StrategyFactory.create()
    strategy.exchange_account.exchange = "binance"
    strategy.exchange_account.save()
    account = ExchangeAccountFactory.create(owner=user)
    with pytest.raises(APIException, match="master's identity"):
        following.check_joining(user, strategy, account)
    User.objects.filter(pk=strategy.owner_id).update(kyc_status="approved")
    strategy.refresh_from_db()
    following.check_joining(user, strategy, account)
