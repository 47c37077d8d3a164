"""The API of strategies, against a real paper exchange."""

import pytest
from django.test import Client
from django.utils import timezone

from exchanges import gateway
from exchanges.types import Credentials
from ledger import statistics
from strategies.models import Signal, Strategy, StrategySymbol
from subscriptions.models import Subscription
from tests import factories

URL = "/api/v1/strategies/"


@pytest.fixture
def body(user, open_account):
    return {
        "name": "Calm swing",
        "description": "Slow.\nPatient.",
        "exchange_account": str(open_account(user).public_id),
        "symbols": ["BTC/USDT", "ETH/USDT"],
        "risk_level": "low",
        "min_capital": "100.50",
        "performance_fee_percent": "12.5",
        "tags": ["swing"],
    }


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def test_a_strategy_is_created_as_a_draft_that_only_its_master_sees(api, api_of, stranger, body):
    answer = api.post(URL, body)
    assert answer.status_code == 201, answer.content
    created = answer.json()
    assert created["status"] == "draft"
    assert created["min_capital"] == "100.5"
    assert created["performance_fee_percent"] == "12.5"
    assert created["quote"] == "USDT"
    assert created["exchange"] == "paper"
    assert created["exchange_account"] == body["exchange_account"]
    assert api.get(f"{URL}{created['id']}/").status_code == 200
    assert api_of(stranger).get(f"{URL}{created['id']}/").status_code == 404
    assert Client().get(URL).json()["results"] == []
    (own,) = api.get(f"{URL}?own=true").json()["results"]
    assert own["id"] == created["id"]


def test_a_published_strategy_is_read_without_log_in_but_its_account_is_not_told(api, body):
    created = api.post(URL, body | {"status": "published"}).json()
    assert created["status"] == "published"
    assert created["published_at"]
    page = Client().get(URL).json()
    assert page["count"] == 1
    assert page["next"] is None and page["previous"] is None
    (listed,) = page["results"]
    assert listed["id"] == created["id"]
    assert listed["exchange_account"] is None
    assert listed["followers"] == 0
    assert Client().get(f"{URL}{created['id']}/").json()["name"] == "Calm swing"


def test_publishing_claims_the_symbols_of_the_account(api, body):
    first = api.post(URL, body | {"status": "published"}).json()
    assert StrategySymbol.objects.filter(strategy__public_id=first["id"]).count() == 2
    again = api.post(URL, body | {"status": "published", "symbols": ["ETH/USDT"]})
    assert error_of(again, 409) == ("symbol_taken", None)
    # Both or nothing: no draft is left behind.
    assert Strategy.objects.count() == 1
    draft = api.post(URL, body | {"symbols": ["ETH/USDT"]}).json()
    assert error_of(api.patch(f"{URL}{draft['id']}/", {"status": "published"}), 409)[0] == "symbol_taken"
    closed = api.patch(f"{URL}{first['id']}/", {"status": "closed"})
    assert closed.json()["status"] == "closed"
    assert api.patch(f"{URL}{draft['id']}/", {"status": "published"}).json()["status"] == "published"


def test_publishing_with_real_money_needs_an_approved_identity(settings, user, api, paper):
    settings.KYC_REQUIRED = True
    user.kyc_status = "pending"
    user.save()
    account = factories.ExchangeAccountFactory.create(
        owner=user, exchange="binance", keys=Credentials("a", "b")
    )
    strategy = factories.StrategyFactory.create(
        owner=user, exchange_account=account, status="draft", published_at=None
    )
    # The paper exchange speaks the live venue's protocol and stands in for it.
    gateway.configure(url_overrides={"binance": paper.address}, paper_exchange_url=paper.address)
    url = f"{URL}{strategy.public_id}/"
    assert error_of(api.patch(url, {"status": "published"}), 403)[0] == "kyc_required"
    user.kyc_status = "approved"
    user.save()
    assert api.patch(url, {"status": "published"}).json()["status"] == "published"


@pytest.mark.parametrize(
    ("change", "code", "attr"),
    [
        ({"symbols": ["BTC/USDT", "NOPE/USDT"]}, "symbol_not_listed", "symbols"),
        ({"symbols": ["BTC/USDT", "BTC/USDT"]}, "symbol_repeated", "symbols"),
        ({"symbols": []}, "empty", "symbols"),
        ({"symbols": ["btc/usdt"]}, "invalid", "symbols.0"),
        ({"symbols": [1]}, "invalid", "symbols.0"),
        ({"symbols": "BTC/USDT"}, "not_a_list", "symbols"),
        ({"min_capital": "-1"}, "min_value", "min_capital"),
        ({"min_capital": "NaN"}, "invalid", "min_capital"),
        ({"min_capital": "Infinity"}, "invalid", "min_capital"),
        ({"min_capital": "1e400"}, "invalid", "min_capital"),
        ({"min_capital": 5}, "invalid", "min_capital"),
        ({"min_capital": "0.0000000000000000001"}, "max_decimal_places", "min_capital"),
        ({"performance_fee_percent": "50.01"}, "max_value", "performance_fee_percent"),
        ({"performance_fee_percent": "1.001"}, "max_decimal_places", "performance_fee_percent"),
        ({"risk_level": "extreme"}, "invalid_choice", "risk_level"),
        ({"max_followers": 0}, "min_value", "max_followers"),
        ({"max_followers": "5"}, "invalid", "max_followers"),
        ({"name": "a\u202eb"}, "invalid_characters", "name"),
        ({"name": "x" * 81}, "max_length", "name"),
        ({"tags": ["t"] * 11}, "max_length", "tags"),
        ({"tags": ["t" * 31]}, "max_length", "tags.0"),
        ({"status": "closed"}, "status_not_allowed", None),
        ({"roi": "1"}, "unknown_field", "roi"),
        ({"exchange_account": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11"}, "does_not_exist", "exchange_account"),
    ],
)
def test_a_wrong_field_is_named(api, body, change, code, attr):
    answer = api.post(URL, body | change)
    assert answer.status_code in (400, 409), answer.content
    assert error_of(answer, answer.status_code) == (code, attr)
    assert Strategy.objects.count() == 0


def test_another_persons_account_does_not_exist(api, stranger, open_account, body):
    foreign = str(open_account(stranger).public_id)
    assert error_of(api.post(URL, body | {"exchange_account": foreign})) == (
        "does_not_exist",
        "exchange_account",
    )


def test_a_stranger_can_neither_change_nor_delete_what_is_public(api_of, user, published):
    url = f"{URL}{published.public_id}/"
    stranger_api = api_of(user)
    assert stranger_api.get(url).status_code == 200
    assert stranger_api.patch(url, {"name": "Mine"}).status_code == 404
    assert stranger_api.delete(url).status_code == 404


def test_a_strategy_with_followers_is_closed_not_deleted(api_of, stranger, published):
    factories.SubscriptionFactory.create(strategy=published)
    api = api_of(stranger)
    url = f"{URL}{published.public_id}/"
    assert error_of(api.delete(url), 409)[0] == "has_active_followers"
    assert api.get(url).json()["followers"] == 1
    assert api.patch(url, {"status": "closed"}).status_code == 200
    # Somebody still follows its exits: the symbols stay watched.
    assert StrategySymbol.objects.filter(strategy=published).count() == 2
    Subscription.objects.update(status="closed")
    assert error_of(api.delete(url), 409)[0] == "has_history"
    (closed,) = Client().get(f"{URL}?status=closed").json()["results"]
    assert closed["id"] == str(published.public_id)
    assert Client().get(URL).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"performance_fee_percent": "10.01"}, 409),
        ({"risk_level": "high"}, 409),
        ({"name": "Renamed", "risk_level": "low"}, 409),
        ({"performance_fee_percent": "9.99"}, 200),
        ({"performance_fee_percent": "10", "risk_level": "medium"}, 200),
        ({"min_capital": "5000"}, 200),
    ],
)
def test_the_deal_does_not_get_worse_for_those_who_follow(api_of, stranger, published, change, status):
    Strategy.objects.filter(pk=published.pk).update(performance_fee_percent=10, risk_level="medium")
    factories.SubscriptionFactory.create(strategy=published, status="paused")
    api, url = api_of(stranger), f"{URL}{published.public_id}/"
    before = api.get(url).json()
    answer = api.patch(url, change)
    assert answer.status_code == status, answer.content
    if status == 409:
        assert error_of(answer, 409)[0] == "has_active_followers"
        assert api.get(url).json() == before
    Subscription.objects.update(status="closed")
    assert api.patch(url, change).status_code == 200


def test_ones_own_copy_does_not_fix_the_deal(api_of, stranger, published):
    factories.SubscriptionFactory.create(strategy=published, follower=stranger, own=True)
    api, url = api_of(stranger), f"{URL}{published.public_id}/"
    assert api.patch(url, {"performance_fee_percent": "20"}).status_code == 200


def test_a_draft_is_deleted(api, body):
    created = api.post(URL, body).json()
    assert api.delete(f"{URL}{created['id']}/").status_code == 204
    assert api.get(f"{URL}{created['id']}/").status_code == 404


def test_what_has_signals_stays(api_of, stranger, published):
    Signal.objects.create(strategy=published, symbol="BTC/USDT", side="buy", amount=0, status="placing")
    assert error_of(api_of(stranger).delete(f"{URL}{published.public_id}/"), 409)[0] == "has_history"


def test_a_published_strategy_keeps_its_account_and_its_quote(api_of, stranger, published, open_account):
    api = api_of(stranger)
    url = f"{URL}{published.public_id}/"
    other = str(open_account(stranger).public_id)
    assert error_of(api.patch(url, {"exchange_account": other}), 409)[0] == "fixed_when_published"
    assert error_of(api.patch(url, {"status": "draft"}), 409)[0] == "status_not_allowed"
    changed = api.patch(url, {"symbols": ["BTC/USDT", "BNB/USDT"], "name": "Calmer"}).json()
    assert changed["symbols"] == ["BTC/USDT", "BNB/USDT"]
    # The dropped one is still seen, for its exits.
    claimed = set(StrategySymbol.objects.filter(strategy=published).values_list("symbol", flat=True))
    assert claimed == {"BTC/USDT", "ETH/USDT", "BNB/USDT"}


def test_a_change_that_cannot_be_published_changes_nothing(api, body):
    first = api.post(URL, body | {"status": "published"}).json()
    draft = api.post(URL, body | {"name": "Second"}).json()
    answer = api.patch(f"{URL}{draft['id']}/", {"name": "Renamed", "status": "published"})
    assert error_of(answer, 409)[0] == "symbol_taken"
    assert api.get(f"{URL}{draft['id']}/").json()["name"] == "Second"
    assert first["status"] == "published"


def test_an_account_that_follows_cannot_feed_a_strategy(api, user, body, open_account, published):
    account = open_account(user)
    factories.SubscriptionFactory.create(follower=user, strategy=published, exchange_account=account)
    answer = api.post(URL, body | {"exchange_account": str(account.public_id), "status": "published"})
    assert error_of(answer, 409)[0] == "account_follows"


def test_the_filters_of_the_list(db):
    calm = factories.StrategyFactory.create(
        name="Calm", risk_level="low", tags=["swing"], symbols=["BTC/USDT"]
    )
    wild = factories.StrategyFactory.create(
        name="Wild", risk_level="high", tags=["scalp"], symbols=["ETH/USDT"]
    )
    factories.StrategyFactory.create(name="Hidden", visibility="private")
    factories.SubscriptionFactory.create(strategy=wild)
    statistics.refresh_due(now=timezone.now())

    def names(query):
        answer = Client().get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()["results"]]

    assert names("") == ["Wild", "Calm"]
    assert names("search=cal") == ["Calm"]
    assert names("symbol=ETH/USDT") == ["Wild"]
    assert names("risk=low") == ["Calm"]
    assert names("tag=scalp") == ["Wild"]
    assert names("exchange=paper&market=spot") == ["Wild", "Calm"]
    assert names("exchange=binance") == []
    assert names("ordering=name") == ["Calm", "Wild"]
    assert names("ordering=-followers") == ["Wild", "Calm"]
    assert names("ordering=followers") == ["Calm", "Wild"]
    assert names("page_size=1&page=2") == [calm.name]
    assert Client().get(f"{URL}?page=2").status_code == 404
    assert Client().get(f"{URL}?page={'9' * 5000}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "risk=wild",
        "min_roi=much",
        "min_roi=1e3",
        "max_drawdown=-0.1",
        "ordering=fee",
        "period=1y",
        "status=draft",
        "page_size=0",
        "own=1",
        "market=perp",
        "page=abc",
        "page=0",
        "page=-1",
        "page=1.5",
        "page=last",
        "page=",
        "page=%C2%B2",
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(db, query):
    assert Client().get(f"{URL}?{query}").status_code == 400


def test_ones_own_list_needs_a_log_in(db):
    assert Client().get(f"{URL}?own=true").status_code == 401


def test_the_list_takes_the_same_queries_however_long(db, django_assert_num_queries):
    for _number in range(3):
        factories.StrategyFactory.create()
    with django_assert_num_queries(2):
        Client().get(URL)
    for _number in range(7):
        factories.StrategyFactory.create()
    with django_assert_num_queries(2):
        assert len(Client().get(URL).json()["results"]) == 10


def test_writing_needs_the_scope(api_of, user, body):
    assert error_of(api_of(user, "read", "trade").post(URL, body), 403)[0] == "insufficient_scope"
