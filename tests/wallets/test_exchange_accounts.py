"""Exchange accounts: checked at the venue, sealed, rotated, wiped."""

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Notification
from compliance.models import AuditRecord
from strategies.models import Strategy
from subscriptions.models import Subscription
from tests.factories import ExchangeAccountFactory, StrategyFactory, SubscriptionFactory
from wallets import services
from wallets.models import ExchangeAccount
from wallets.serializers import KeysSerializer

ROUTE = "/api/v1/wallets/exchange-accounts/"


def code_of(response):
    return response.json()["errors"][0]["code"]


def address_of(account: Any) -> str:
    return f"{ROUTE}{account.public_id}/"


def keys(account):
    return {"api_key": account["api_key"], "secret": account["secret"]}


def connect(api, account, **body):
    return api.post(ROUTE, {"exchange": "binance", "label": "Main", **keys(account), **body})


@pytest.fixture
def live(venue):
    """An account at the venue, worth 10,000 + 0.5 x 100,000 USDT."""
    return venue.open_account(balances={"USDT": "10000", "BTC": "0.5"})


def test_a_live_account_is_checked_valued_and_its_secret_never_comes_back(api, live):
    response = connect(api, live)
    assert response.status_code == 201
    answer = response.json()
    assert answer["status"] == "active"
    assert answer["equity"] == "60000"
    assert answer["can_withdraw"] is False
    assert answer["validated_at"].endswith("Z")
    assert answer["key_hint"] == "…" + live["api_key"][-4:]
    everything = response.content.decode() + api.get(ROUTE).content.decode()
    everything += str(list(AuditRecord.objects.values())) + str(list(ExchangeAccount.objects.values()))
    assert live["secret"] not in everything
    assert live["api_key"] not in everything
    assert AuditRecord.objects.filter(action="exchange_account.create", object=answer["id"]).count() == 1


def test_what_was_stored_opens_to_the_keys_that_were_sent(api, live):
    connect(api, live)
    credentials = ExchangeAccount.objects.get().open().credentials
    assert (credentials.api_key, credentials.secret) == (live["api_key"], live["secret"])


def test_a_paper_account_needs_no_keys(api, venue):
    answer = api.post(ROUTE, {"exchange": "paper", "label": "Practice"}).json()
    assert (answer["exchange"], answer["equity"], answer["status"]) == ("paper", "10000", "active")
    small = api.post(ROUTE, {"exchange": "paper", "label": "Small", "balance": "250.50"}).json()
    assert small["equity"] == "250.5"


@pytest.mark.parametrize(
    "balance", ["0", "-1", "1e5", "NaN", "Infinity", "1,5", "+5", "", 5, 1.5, None, True, "1e400", "9" * 40]
)
def test_a_balance_that_is_no_positive_decimal_string_is_refused(api, venue, balance):
    response = api.post(ROUTE, {"exchange": "paper", "label": "x", "balance": balance})
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == "balance"
    assert not ExchangeAccount.objects.exists()


def test_wrong_keys_are_refused(api, live):
    response = connect(api, live, secret="wrong")
    assert (response.status_code, code_of(response)) == (400, "invalid_credentials")
    assert not ExchangeAccount.objects.exists()


def test_keys_that_may_withdraw_are_refused(api, venue):
    response = connect(api, venue.open_account(can_withdraw=True))
    assert (response.status_code, code_of(response)) == (400, "withdrawal_enabled")
    assert not ExchangeAccount.objects.exists()


def test_a_key_that_only_reads_is_kept_and_told_to_be_of_no_use_for_copying(api, venue):
    answer = connect(api, venue.open_account(is_read_only=True)).json()
    assert (answer["status"], answer["status_reason"]) == ("active", "trading_disabled")


@pytest.mark.parametrize("exchange", ["kucoin", "no_such_exchange", "../binance", ""])
def test_a_venue_without_a_sound_look_up_is_refused(api, live, exchange):
    response = connect(api, live, exchange=exchange)
    assert response.status_code == 400
    assert code_of(response) in {"venue_not_supported", "blank"}


def test_a_venue_that_does_not_answer_is_503_and_nothing_is_stored(api, live):
    response = connect(api, live, exchange="okx", password="x")
    assert (response.status_code, code_of(response)) == (503, "exchange_unavailable")
    assert response["Retry-After"]
    assert not ExchangeAccount.objects.exists()


def test_a_venue_account_is_connected_once_whoever_connects_it(api, api_of, stranger, live):
    connect(api, live)
    response = connect(api_of(stranger), live)
    assert (response.status_code, code_of(response)) == (409, "account_already_connected")


@pytest.mark.parametrize(
    "bad",
    [
        {"api_key": "é"},
        {"secret": "a\x00b"},
        {"api_key": ""},
        {"secret": 5},
        {"label": "a\u200bb"},
        {"label": "x" * 81},
    ],
)
def test_keys_and_labels_that_cannot_be_are_refused_before_the_venue_is_asked(api, live, bad):
    response = connect(api, live, **bad)
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == next(iter(bad))


@pytest.mark.parametrize("field", ["api_key", "secret"])
@pytest.mark.parametrize("inner", [" ", "\n", "\r\n", "\t", "\x00", "\x1c", "\x7f"])
def test_a_key_with_a_blank_or_a_control_character_inside_is_told_so(api, live, field, inner):
    response = connect(api, live, **{field: live[field][:4] + inner + live[field][4:]})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["code"], error["attr"]) == ("invalid_characters", field)


def test_blanks_around_a_pasted_key_do_no_harm(api, live):
    response = connect(api, live, api_key=f" {live['api_key']}\n", secret=f"{live['secret']}\r\n")
    assert response.status_code == 201


def test_a_secret_in_pem_form_keeps_its_lines():
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\r\nBCIEIA==\n-----END PRIVATE KEY-----"
    bound = KeysSerializer(data={"api_key": "key", "secret": pem + "\n"})
    assert bound.is_valid(), bound.errors
    assert bound.validated_data["secret"] == pem
    assert KeysSerializer(data={"api_key": pem, "secret": "secret"}).is_valid() is False
    assert KeysSerializer(data={"api_key": "key", "secret": pem + "\nX: y"}).is_valid() is False


def test_only_the_label_is_changed(api, live):
    account_id = connect(api, live).json()["id"]
    assert api.patch(f"{ROUTE}{account_id}/", {"label": "Savings"}).json()["label"] == "Savings"
    for change in ({"api_key": "other"}, {"label": "x", "api_key": "other"}):
        assert code_of(api.patch(f"{ROUTE}{account_id}/", change)) == "unknown_field"
    assert ExchangeAccount.objects.get().label == "Savings"


def test_validating_notices_a_key_that_died_and_one_that_came_back(api, live, venue):
    account_id = connect(api, live).json()["id"]
    venue.fault("revoke", key=live["api_key"])
    answer = api.post(f"{ROUTE}{account_id}/validate/").json()
    assert (answer["status"], answer["status_reason"]) == ("invalid", "invalid_credentials")
    venue.ask("DELETE", "/control/faults")
    assert api.post(f"{ROUTE}{account_id}/validate/").json()["status"] == "active"
    changes = AuditRecord.objects.filter(action="exchange_account.change").order_by("id")
    assert [row.detail["status"] for row in changes] == ["invalid", "active"]


def test_its_owner_is_told_each_time_that_a_key_dies_and_once(api, live, venue, user):
    account_id = connect(api, live).json()["id"]
    for deaths in (1, 2):
        venue.fault("revoke", key=live["api_key"])
        for _ in range(2):
            api.post(f"{ROUTE}{account_id}/validate/")
        assert Notification.objects.filter(user=user, kind="key_invalid").count() == deaths
        venue.ask("DELETE", "/control/faults")
        api.post(f"{ROUTE}{account_id}/validate/")


def test_validating_tells_what_the_account_is_worth_now(api, live, venue):
    before = connect(api, live).json()
    venue.set_price("BTCUSDT", "90000")
    assert api.get(f"{ROUTE}{before['id']}/").json() == before
    answer = api.post(f"{ROUTE}{before['id']}/validate/").json()
    assert (answer["equity"], answer["free_quote"]) == ("55000", "10000")
    assert answer["validated_at"] > before["validated_at"]
    assert api.get(f"{ROUTE}{before['id']}/").json() == answer


def test_a_venue_that_is_away_leaves_the_account_unreachable_not_invalid(api, user, venue):
    account = ExchangeAccountFactory(owner=user, exchange="okx")
    answer = api.post(address_of(account) + "validate/").json()
    assert answer["status"] == "unreachable"


def test_new_keys_must_belong_to_the_same_venue_account(api, live, venue):
    account_id = connect(api, live).json()["id"]
    other = venue.open_account()
    response = api.post(f"{ROUTE}{account_id}/rotate/", keys(other))
    assert (response.status_code, code_of(response)) == (400, "other_venue_account")
    assert api.post(f"{ROUTE}{account_id}/rotate/", keys(live)).status_code == 200


def test_disconnecting_wipes_the_keys_and_keeps_the_row(api, live):
    account_id = connect(api, live).json()["id"]
    assert api.delete(f"{ROUTE}{account_id}/").status_code == 204
    row = ExchangeAccount.objects.get()
    assert (row.sealed_credentials, row.key_hint) == ("", "")
    assert row.disconnected_at is not None
    assert api.get(f"{ROUTE}{account_id}/").status_code == 404
    assert api.get(ROUTE).json()["results"] == []
    assert AuditRecord.objects.filter(action="exchange_account.delete").count() == 1
    assert connect(api, live).status_code == 201


def test_an_account_under_a_live_subscription_stays(api, user):
    account = ExchangeAccountFactory(owner=user)
    SubscriptionFactory(follower=user, exchange_account=account)
    address = address_of(account)
    assert code_of(api.delete(address)) == "in_use"
    Subscription.objects.update(status="closed")
    assert api.delete(address).status_code == 204


def test_an_account_under_a_strategy_stays_while_it_is_published_or_followed(api, user):
    account = ExchangeAccountFactory(owner=user)
    SubscriptionFactory(strategy=StrategyFactory(owner=user, exchange_account=account))
    address = address_of(account)
    assert code_of(api.delete(address)) == "in_use"
    Strategy.objects.update(status="closed")
    assert code_of(api.delete(address)) == "in_use"
    Subscription.objects.update(status="closed")
    assert api.delete(address).status_code == 204


@pytest.mark.parametrize("method", ["get", "patch", "delete", "post:validate/", "post:rotate/"])
def test_anothers_account_does_not_exist(api, api_of, stranger, exchange_account, method):
    verb, _, tail = method.partition(":")
    client = api_of(stranger)
    for account_id in (exchange_account.public_id, uuid4()):
        assert getattr(client, verb)(f"{ROUTE}{account_id}/{tail}").status_code == 404
    assert ExchangeAccount.objects.connected().count() == 1


def test_the_list_holds_ones_own_accounts_only(api, exchange_account, strategy):
    assert [row["id"] for row in api.get(ROUTE).json()["results"]] == [str(exchange_account.public_id)]


def test_wallets_are_changed_with_the_scope_wallets_only(api_of, user):
    response = api_of(user, "read", "trade").post(ROUTE, {"exchange": "paper", "label": "x"})
    assert (response.status_code, code_of(response)) == (403, "insufficient_scope")


def test_there_is_an_end_to_a_persons_accounts_and_disconnecting_makes_room(api, live, monkeypatch):
    monkeypatch.setattr(services, "MOST_ACCOUNTS", 1)
    account_id = connect(api, live).json()["id"]
    refused = api.post(ROUTE, {"exchange": "paper", "label": "Practice"})
    assert (refused.status_code, code_of(refused)) == (409, "too_many_accounts")
    api.delete(f"{ROUTE}{account_id}/")
    assert connect(api, live).status_code == 201
