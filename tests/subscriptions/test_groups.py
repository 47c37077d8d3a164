"""One change for several copies: all or none, and each refusal told."""

import pytest
from django.utils import timezone

from accounts.notifications.models import Notification
from compliance.audit import SYSTEM
from strategies.invites import services as invites
from strategies.models import Strategy
from subscriptions import services
from subscriptions.models import History, Subscription
from tests import factories
from tests.subscriptions.asking import URL, error_of

HALF = {"mode": "multiplier", "value": "0.5"}


@pytest.fixture
def copies(user):
    return [factories.SubscriptionFactory.create(follower=user) for _ in range(3)]


def ids_of(copies):
    return [str(copy.public_id) for copy in copies]


def test_one_change_reaches_all_of_ones_copies(api, copies):
    wanted = {"subscriptions": ids_of(copies), "changes": {"allocation": "600", "sizing": HALF}}
    answer = api.post(f"{URL}changes/", wanted | {"changes": wanted["changes"] | {"status": "paused"}})
    assert answer.status_code == 200, answer.content
    assert [row["changed"] for row in answer.json()["results"]] == [True] * 3
    rows = Subscription.objects.values_list("allocation", "cash", "sizing_value", "status")
    assert {tuple(map(str, row)) for row in rows} == {
        ("600.000000000000000000", "600.000000000000000000", "0.500000000000000000", "paused")
    }
    assert [row["changed"] for row in api.post(f"{URL}changes/", wanted).json()["results"]] == [False] * 3
    acts = History.objects.filter(subscription=copies[0]).order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["allocated", "changed", "paused"]


def test_where_some_refuse_each_says_why_and_nothing_is_changed(api, copies):
    Subscription.objects.filter(pk=copies[0].pk).update(cash=100)
    Subscription.objects.filter(pk=copies[2].pk).update(status="closed")
    answer = api.post(f"{URL}changes/", {"subscriptions": ids_of(copies), "changes": {"allocation": "500"}})
    assert answer.status_code == 400, answer.content
    told = {error["attr"]: error["code"] for error in answer.json()["errors"]}
    assert told == {
        "subscriptions.0": "below_what_is_used",
        "subscriptions.2": "subscription_not_live",
    }
    assert set(Subscription.objects.values_list("allocation", flat=True)) == {1000}
    assert (
        not History.objects.exists() and not Notification.objects.filter(kind="subscription_changed").exists()
    )


def test_others_copies_and_an_empty_list_are_refused(api, copies):
    foreign = factories.SubscriptionFactory.create()
    body = {"subscriptions": ids_of([copies[0], foreign]), "changes": {"status": "paused"}}
    assert error_of(api.post(f"{URL}changes/", body)) == ("does_not_exist", "subscriptions.1")
    empty = api.post(f"{URL}changes/", {"subscriptions": [], "changes": {}})
    assert error_of(empty)[1] == "subscriptions"
    assert set(Subscription.objects.values_list("status", flat=True)) == {"active"}


def test_a_master_changes_the_clients_of_a_group_who_allow_it(api, api_of, published):
    Strategy.objects.filter(pk=published.pk).update(visibility="private")
    published.refresh_from_db()
    clients = []
    for group, may in (("friends", True), ("friends", True), ("friends", False), ("family", True)):
        made = invites.create_invite(strategy=published, group=group, origin=SYSTEM, now=timezone.now())
        clients.append(
            factories.SubscriptionFactory.create(
                strategy=published, invite=made.invite, master_may_change=may
            )
        )
    url = f"/api/v1/strategies/{published.public_id}/groups/changes/"
    master = api_of(published.owner)
    wanted = {"group": "friends", "changes": {"sizing": HALF, "status": "paused"}}
    assert api.post(url, wanted).status_code == 404
    answer = master.post(url, wanted)
    assert answer.json() == {"changed": 2, "unchanged": 0, "not_allowed": 1}, answer.content
    paused = Subscription.objects.filter(status="paused").order_by("pk")
    assert list(paused) == clients[:2]
    assert {line.by_whom for line in History.objects.select_related("subscription")} == {"master"}
    titles = Notification.objects.filter(user=clients[0].follower).values_list("title", flat=True)
    assert f"The master of {published.name} changed how you copy" in titles
    money = master.post(url, {"group": "friends", "changes": {"allocation": "5000"}})
    assert error_of(money) == ("unknown_field", "changes.allocation")
    assert error_of(master.post(url, wanted | {"group": "nobody"})) == ("nobody_in_group", "group")
    Subscription.objects.filter(pk=clients[1].pk).update(status="closed")
    assert master.post(url, wanted).json() == {"changed": 0, "unchanged": 1, "not_allowed": 1}


def test_a_master_resumes_only_what_the_master_paused(api_of, published):
    Strategy.objects.filter(pk=published.pk).update(visibility="private")
    for _ in range(2):
        made = invites.create_invite(strategy=published, group="friends", origin=SYSTEM, now=timezone.now())
        factories.SubscriptionFactory.create(strategy=published, invite=made.invite, master_may_change=True)
    master, url = api_of(published.owner), f"/api/v1/strategies/{published.public_id}/groups/changes/"
    services.pause(subscription=Subscription.objects.latest("pk"), now=timezone.now())
    for status, told in (("paused", [1, 1, 0]), ("active", [1, 0, 1])):
        answer = master.post(url, {"group": "friends", "changes": {"status": status}}).json()
        assert [answer[name] for name in ("changed", "unchanged", "not_allowed")] == told
    assert list(Subscription.objects.order_by("pk").values_list("status", flat=True)) == ["active", "paused"]
