"""Private strategies: seen by master, followers and holders of an invite, followed by invite only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from strategies.invites import services as invites
from strategies.models import Invite, Strategy
from subscriptions.models import Subscription
from tests import factories

SUBSCRIPTIONS = "/api/v1/subscriptions/"
WRONG = "cti_" + "0" * 24


@pytest.fixture
def private(published):
    Strategy.objects.filter(pk=published.pk).update(visibility="private")
    published.refresh_from_db()
    return published


@pytest.fixture
def url(private):
    return f"/api/v1/strategies/{private.public_id}/invites/"


@pytest.fixture
def master(api_of, private):
    return api_of(private.owner)


@pytest.fixture
def made(private):
    return invites.create_invite(strategy=private, group="friends", origin=SYSTEM, now=timezone.now())


@pytest.fixture
def body(user, private, open_account):
    return {
        "strategy": str(private.public_id),
        "exchange_account": str(open_account(user, "1500").public_id),
        "allocation": "1000",
        "sizing": {"mode": "proportional", "value": "1"},
    }


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def test_a_code_is_told_once_and_kept_by_nobody(master, url, private):
    answer = master.post(url, {"group": "friends", "expires_in_days": 3})
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    told = answer.json()
    row = Invite.objects.get(public_id=told["id"])
    assert told["url"] == f"http://testserver/strategies/{private.slug}/?invite={told['code']}"
    assert row.expires_at - row.created_at == timedelta(days=3)
    assert told["code"] not in repr(vars(row))
    listed = master.get(url).content.decode()
    assert told["code"] not in listed
    assert row.digest not in listed
    (shown,) = master.get(url).json()["results"]
    assert (shown["state"], shown["group"], shown["prefix"]) == ("open", "friends", told["code"][:10])


def test_making_and_revoking_are_on_record_without_the_code(master, url):
    told = master.post(url).json()
    for _ in range(2):
        assert master.delete(f"{url}{told['id']}/").status_code == 204
    rows = AuditRecord.objects.filter(action__startswith="invite.")
    assert [row.action for row in rows.order_by("pk")] == ["invite.create", "invite.revoke"]
    assert told["code"] not in repr([vars(row) for row in rows])


def test_only_a_private_and_open_strategy_takes_invites(master, url, private):
    Strategy.objects.filter(pk=private.pk).update(visibility="public")
    assert error_of(master.post(url), 409)[0] == "strategy_not_private"
    Strategy.objects.filter(pk=private.pk).update(visibility="private", status="closed")
    assert error_of(master.post(url), 409)[0] == "strategy_closed"


def test_there_is_an_end_to_open_invites_but_not_to_used_ones(master, url, monkeypatch):
    monkeypatch.setattr(invites, "MOST_OPEN", 1)
    first = master.post(url).json()
    assert error_of(master.post(url), 409)[0] == "too_many_invites"
    master.delete(f"{url}{first['id']}/")
    assert master.post(url).status_code == 201


@pytest.mark.parametrize(
    ("change", "code", "attr"),
    [
        ({"group": "x" * 81}, "max_length", "group"),
        ({"group": "a\u202eb"}, "invalid_characters", "group"),
        ({"expires_in_days": 0}, "min_value", "expires_in_days"),
        ({"expires_in_days": 366}, "max_value", "expires_in_days"),
        ({"expires_in_days": "3"}, "invalid", "expires_in_days"),
        ({"code": "mine"}, "unknown_field", "code"),
    ],
)
def test_a_wrong_field_is_named_and_no_invite_is_made(master, url, change, code, attr):
    assert error_of(master.post(url, change)) == (code, attr)
    assert not Invite.objects.exists()


def test_a_stranger_finds_a_private_strategy_nowhere(api, private, made):
    address = f"/api/v1/strategies/{private.public_id}/"
    for client in (api, APIClient()):
        for part in ("", f"?invite={WRONG}", "performance/", f"performance/?invite={WRONG}"):
            assert client.get(address + part).status_code == 404, part
        assert client.get("/api/v1/strategies/").json()["count"] == 0
        assert client.get(f"/api/v1/strategies/?search={private.name}").json()["count"] == 0
    for part in ("signals/", "invites/", f"signals/{uuid4()}/", "webhooks/"):
        assert api.get(address + part).status_code == 404, part
    assert api.get(f"{SUBSCRIPTIONS}?strategy={private.public_id}").status_code == 400


def test_an_open_invite_shows_it_and_a_spent_one_does_not(private, made):
    address = f"/api/v1/strategies/{private.public_id}/"
    for part in ("", "performance/"):
        assert APIClient().get(f"{address}{part}?invite={made.code}").status_code == 200
    invites.revoke_invite(invite=made.invite, origin=SYSTEM, now=timezone.now())
    for part in ("", "performance/"):
        assert APIClient().get(f"{address}{part}?invite={made.code}").status_code == 404


def test_an_invite_shows_its_own_strategy_only_and_never_a_draft(private, made):
    other = factories.StrategyFactory.create(visibility="private")
    assert APIClient().get(f"/api/v1/strategies/{other.public_id}/?invite={made.code}").status_code == 404
    Strategy.objects.filter(pk=private.pk).update(status="draft")
    assert APIClient().get(f"/api/v1/strategies/{private.public_id}/?invite={made.code}").status_code == 404


def test_followers_see_it_without_an_invite(api, user, private):
    factories.SubscriptionFactory(follower=user, strategy=private)
    for part in ("", "performance/", "signals/"):
        assert api.get(f"/api/v1/strategies/{private.public_id}/{part}").status_code == 200, part


def test_who_was_invited_follows_and_the_invite_is_spent(api, body, made):
    answer = api.post(SUBSCRIPTIONS, body | {"invite": made.code})
    assert answer.status_code == 201, answer.content
    made.invite.refresh_from_db()
    assert made.invite.used_at is not None
    assert Subscription.objects.get().invite == made.invite


def test_without_an_invite_there_is_nothing_to_follow(api, body, user, private):
    for given in ({}, {"invite": None}, {"invite": ""}):
        assert error_of(api.post(SUBSCRIPTIONS, body | given)) == ("does_not_exist", "strategy")
    factories.SubscriptionFactory(follower=user, strategy=private)
    assert error_of(api.post(SUBSCRIPTIONS, body)) == ("invite_required", "invite")


def test_a_wrong_code_tells_nothing_of_what_exists(api, body):
    answers = [
        api.post(SUBSCRIPTIONS, body | {"strategy": str(strategy), "invite": WRONG})
        for strategy in (body["strategy"], uuid4())
    ]
    assert [error_of(answer) for answer in answers] == [("invite_invalid", "invite")] * 2
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"used_at": timezone.now()}, "invite_used"),
        ({"revoked_at": timezone.now()}, "invite_revoked"),
        (
            {
                "created_at": timezone.now() - timedelta(days=9),
                "expires_at": timezone.now() - timedelta(days=2),
            },
            "invite_expired",
        ),
    ],
)
@pytest.mark.parametrize("address", [SUBSCRIPTIONS, f"{SUBSCRIPTIONS}preview/"])
def test_an_invite_that_is_over_says_why(api, body, made, change, code, address):
    Invite.objects.filter(pk=made.invite.pk).update(**change)
    assert error_of(api.post(address, body | {"invite": made.code})) == (code, "invite")
    assert not Subscription.objects.exists()


def test_the_invite_of_another_strategy_is_none_for_this_one(api, body):
    other = factories.StrategyFactory.create(visibility="private")
    foreign = invites.create_invite(strategy=other, origin=SYSTEM, now=timezone.now())
    assert error_of(api.post(SUBSCRIPTIONS, body | {"invite": foreign.code})) == ("invite_invalid", "invite")
    Strategy.objects.all().update(visibility="public")
    assert error_of(api.post(SUBSCRIPTIONS, body | {"invite": foreign.code})) == ("invite_invalid", "invite")


def test_a_preview_takes_the_invite_and_does_not_spend_it(api, body, made):
    for _ in range(2):
        assert api.post(f"{SUBSCRIPTIONS}preview/", body | {"invite": made.code}).status_code == 200
    assert made.invite.state_at(timezone.now()) == "open"


def test_a_refused_copy_leaves_the_invite_as_it_was(api, body, made):
    refused = api.post(SUBSCRIPTIONS, body | {"invite": made.code, "allocation": "2000"})
    assert error_of(refused)[0] == "above_free_balance"
    assert Invite.objects.get().used_at is None
    assert api.post(SUBSCRIPTIONS, body | {"invite": made.code}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_invite_at_once_one_gets_in(api_of, user, stranger, body, made, open_account):
    def follow(person, account):
        try:
            wanted = body | {"exchange_account": account, "invite": made.code}
            return clients[person].post(SUBSCRIPTIONS, wanted)
        finally:
            connection.close()

    clients = {person: api_of(person) for person in (user, stranger)}
    accounts = [body["exchange_account"], str(open_account(stranger, "1500").public_id)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(follow, (user, stranger), accounts))
    assert sorted(answer.status_code for answer in answers) == [201, 400]
    (refused,) = [answer for answer in answers if answer.status_code == 400]
    assert error_of(refused)[0] == "invite_used"
    assert Subscription.objects.count() == 1


def test_the_database_itself_lets_one_copy_in_by_an_invite(made):
    factories.SubscriptionFactory(invite=made.invite)
    with pytest.raises(IntegrityError, match="an_invite_starts_one_copy"):
        factories.SubscriptionFactory(invite=made.invite)


def test_a_master_needs_no_invite_for_a_copy_of_the_own_strategy(master, private, body, open_account):
    own = body | {"exchange_account": str(open_account(private.owner, "1500").public_id)}
    answer = master.post(SUBSCRIPTIONS, own)
    assert answer.status_code == 201, answer.content
    assert answer.json()["own"] is True
