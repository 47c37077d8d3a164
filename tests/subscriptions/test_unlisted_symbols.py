"""A coin that no exchange of the person's trades can be neither blocked nor allowed, by whatever door."""

from __future__ import annotations

import pytest
from django.utils import timezone

from compliance.audit import SYSTEM
from exchanges import gateway
from risk.models import RiskLimits, SubscriptionLimits
from strategies.invites import services as invites
from strategies.models import Strategy
from subscriptions.models import Subscription
from tests import factories
from tests.subscriptions.asking import URL, error_of

LIMITS = "/api/v1/risk/limits/"
UNLISTED, GONE = "NOPE/USDT", "GONE/USDT"
REFUSED = ("symbol_not_listed", "symbols_blocked")


@pytest.fixture
def copy(user, published):
    """Of a strategy on BTC/USDT; GONE/USDT was blocked when an exchange still traded it."""
    return factories.SubscriptionFactory.create(
        follower=user, strategy=published, symbols_blocked=[GONE], cash=1000
    )


@pytest.mark.parametrize("field", ["symbols_allowed", "symbols_blocked"])
@pytest.mark.parametrize("of_a_copy", [False, True])
def test_a_limit_on_an_unlisted_symbol_is_refused_by_its_name(field, of_a_copy, api, copy):
    url = f"{URL}{copy.public_id}/limits/" if of_a_copy else LIMITS
    before = api.put(url, {field: ["BTC/USDT"]}).json()
    answer = api.put(url, {field: ["BTC/USDT", UNLISTED], "kill_switch": "freeze"})
    assert error_of(answer) == ("symbol_not_listed", field)
    assert UNLISTED in answer.json()["errors"][0]["detail"]
    assert "BTC/USDT" not in answer.json()["errors"][0]["detail"]
    assert before.items() >= api.get(url).json().items()


def test_limits_on_symbols_that_were_delisted_since_can_still_be_saved(api, user, copy):
    kept = {"symbols_allowed": ["BTC/USDT", GONE], "symbols_blocked": []}
    RiskLimits.objects.create(user=user, **kept)
    SubscriptionLimits.objects.create(subscription=copy, **kept)
    for url in (LIMITS, f"{URL}{copy.public_id}/limits/"):
        assert api.put(url, kept | {"kill_switch": "close_only"}).json()["symbols_allowed"] == [
            "BTC/USDT",
            GONE,
        ]
        assert error_of(api.put(url, kept | {"symbols_blocked": [UNLISTED]})) == REFUSED


def test_an_unlisted_symbol_is_refused_when_following_and_in_the_preview_of_it(api, body):
    for url in (URL, f"{URL}preview/"):
        assert error_of(api.post(url, body | {"symbols_blocked": ["DOGE/USDT", UNLISTED]})) == REFUSED
    assert not Subscription.objects.exists()
    assert api.post(URL, body | {"symbols_blocked": ["DOGE/USDT"]}).status_code == 201


def test_only_what_is_newly_blocked_of_a_copy_is_checked(api, copy):
    url = f"{URL}{copy.public_id}/"
    assert error_of(api.patch(url, {"symbols_blocked": [GONE, UNLISTED]})) == REFUSED
    changed = api.patch(url, {"symbols_blocked": [GONE, "DOGE/USDT"]}).json()
    assert changed["symbols_blocked"] == [GONE, "DOGE/USDT"]


def test_several_copies_and_a_masters_clients_are_checked_alike(api, api_of, published, copy):
    Strategy.objects.filter(pk=published.pk).update(visibility="private")
    published.refresh_from_db()
    made = invites.create_invite(strategy=published, group="friends", origin=SYSTEM, now=timezone.now())
    Subscription.objects.filter(pk=copy.pk).update(invite=made.invite, master_may_change=True)
    master, clients = (
        api_of(published.owner),
        f"/api/v1/strategies/{published.public_id}/groups/changes/",
    )
    of_clients, of_own = {"group": "friends"}, {"subscriptions": [str(copy.public_id)]}
    for program, url, whose in ((api, f"{URL}changes/", of_own), (master, clients, of_clients)):
        refused = program.post(url, whose | {"changes": {"symbols_blocked": [GONE, UNLISTED]}})
        assert error_of(refused) == ("symbol_not_listed", "changes.symbols_blocked")
        assert program.post(url, whose | {"changes": {"symbols_blocked": [GONE]}}).status_code == 200


def test_the_pages_tell_it_beside_the_field_and_save_what_was_stored(client, user, copy):
    client.force_login(user)
    RiskLimits.objects.create(user=user, symbols_blocked=[GONE])
    SubscriptionLimits.objects.create(subscription=copy, symbols_blocked=[GONE])
    page = f"/subscriptions/{copy.public_id}/"
    for shown, url, name in (
        ("/risk/", "/risk/", "form"),
        (page, page, "form"),
        (page, f"{page}limits/", "limits"),
    ):
        form = client.get(shown).context[name]
        answers = {field.html_name: str(field.value() or "") for field in form}
        blocked = form["symbols_blocked"].html_name
        refused = client.post(url, answers | {blocked: f"{GONE}, {UNLISTED}"})
        assert refused.status_code == 422
        (told,) = refused.context[name].errors["symbols_blocked"]
        assert UNLISTED in told and GONE not in told
        assert client.post(url, answers).status_code == 302
        assert client.post(url, answers | {blocked: f"{GONE}, doge/usdt"}).status_code == 302
    assert RiskLimits.objects.get().symbols_blocked == [GONE, "DOGE/USDT"]


def test_where_an_exchange_is_silent_no_symbol_is_refused(api, user, paper):
    factories.ExchangeAccountFactory.create(owner=user, exchange="binance")
    gateway.configure(url_overrides={"binance": "http://127.0.0.1:9"}, paper_exchange_url=paper.address)
    assert api.put(LIMITS, {"symbols_blocked": [UNLISTED]}).status_code == 200
    assert api.put(LIMITS, {"symbols_blocked": [UNLISTED, "DOGE/USDT"]}).status_code == 200
