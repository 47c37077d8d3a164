"""Each connected key is looked at again each day, a few at a time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.notifications.models import Notification
from compliance.models import AuditRecord
from exchanges.types import Credentials
from tests.factories import ExchangeAccountFactory
from wallets import checking, tasks
from wallets.models import ExchangeAccount

ROUTE = "/api/v1/wallets/exchange-accounts/"


@pytest.fixture
def live(api, venue):
    """A connected account, and its keys; its next check is a day away."""
    keys = venue.open_account(balances={"USDT": "10000", "BTC": "0.5"})
    body = {"exchange": "binance", "label": "Main", "api_key": keys["api_key"], "secret": keys["secret"]}
    assert api.post(ROUTE, body).status_code == 201
    return keys


def tomorrow():
    return timezone.now() + timedelta(hours=27)


def test_an_account_is_checked_once_a_day_and_valued_anew(live, venue):
    assert checking.check_due_accounts(now=timezone.now()) == 0
    venue.set_price("BTCUSDT", "90000")
    now = tomorrow()
    assert checking.check_due_accounts(now=now) == 1
    account = ExchangeAccount.objects.get()
    assert (account.equity, account.validated_at) == (55_000, now)
    assert timedelta(hours=22) <= account.check_due_at - now < timedelta(hours=26)
    assert checking.check_due_accounts(now=now) == 0


def test_a_key_that_died_is_told_once_and_asked_about_no_more_that_day(live, venue):
    venue.fault("revoke", key=live["api_key"])
    now = tomorrow()
    for _ in range(2):
        checking.check_due_accounts(now=now)
    account = ExchangeAccount.objects.get()
    assert (account.status, account.status_reason) == ("invalid", "invalid_credentials")
    assert account.check_due_at - now >= timedelta(hours=22)
    assert Notification.objects.filter(kind="key_invalid").count() == 1
    record = AuditRecord.objects.get(action="exchange_account.change")
    assert (record.actor, record.detail["status"]) == ("system", "invalid")


def test_a_key_that_may_withdraw_by_now_is_used_no_more(user, venue):
    keys = venue.open_account(can_withdraw=True)
    account = ExchangeAccountFactory.create(
        owner=user, exchange="binance", keys=Credentials(keys["api_key"], keys["secret"])
    )
    checking.check_due_accounts(now=timezone.now())
    account.refresh_from_db()
    assert (account.status, account.status_reason) == ("invalid", "withdrawal_enabled")


def test_a_venue_that_is_away_is_asked_again_within_the_hour(user, venue):
    account = ExchangeAccountFactory.create(owner=user, exchange="okx")
    now = timezone.now()
    checking.check_due_accounts(now=now)
    account.refresh_from_db()
    assert account.status == "unreachable"
    assert account.check_due_at - now == timedelta(hours=1)


def test_keys_that_do_not_open_make_the_account_invalid(api, user, venue):
    one, other = (ExchangeAccountFactory.create(owner=user, exchange="binance") for _ in range(2))
    ExchangeAccount.objects.filter(pk=one.pk).update(sealed_credentials=other.sealed_credentials)
    answer = api.post(f"{ROUTE}{one.public_id}/validate/").json()
    assert (answer["status"], answer["status_reason"]) == ("invalid", "keys_not_opened")


def test_a_batch_is_small_and_leaves_alone_what_is_disconnected(user, venue, monkeypatch):
    monkeypatch.setattr(checking, "BATCH", 2)
    for _ in range(3):
        ExchangeAccountFactory.create(owner=user, exchange="okx")
    gone = ExchangeAccountFactory.create(owner=user, exchange="okx")
    ExchangeAccount.objects.filter(pk=gone.pk).update(
        sealed_credentials="", disconnected_at=timezone.now() - timedelta(days=1)
    )
    now = timezone.now()
    assert [checking.check_due_accounts(now=now) for _ in range(3)] == [2, 1, 0]


def test_the_task_may_run_twice(live):
    tasks.check_exchange_accounts()
    tasks.check_exchange_accounts()
    assert ExchangeAccount.objects.get().status == "active"
