"""Groups of a master's clients in the studio: formed, changed together after a look, deleted."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.notifications.models import Notification
from compliance.audit import SYSTEM
from strategies.invites import services as invites
from strategies.models import Invite, Strategy
from subscriptions.models import History, Subscription
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import text_of

LIST = "/studio/groups/"
FORM_ID = re.compile(r'name="form_id" value="([0-9a-f-]{36})"')
HALF = {"sizing_mode": "multiplier", "sizing_value": "0.5"}


@pytest.fixture
def mine(user) -> Strategy:
    return StrategyFactory.create(owner=user, visibility="private", slug="mine")


def client_of(strategy: Strategy, group: str = "", *, may: bool = True) -> Subscription:
    """Somebody who follows by an invite of this group."""
    made = invites.create_invite(strategy=strategy, group=group, origin=SYSTEM, now=timezone.now())
    Invite.objects.filter(pk=made.invite.pk).update(used_at=timezone.now())
    copy: Subscription = SubscriptionFactory.create(
        strategy=strategy, invite=made.invite, master_may_change=may, sizing_value=1
    )
    return copy


def address_of(strategy: Strategy, name: str = "", part: str = "") -> str:
    query = f"?name={quote(name)}" if name else ""
    return f"/studio/strategies/{strategy.slug}/group/{part}{query}"


def group_names(*copies: Subscription) -> list[str]:
    named = dict(Subscription.objects.values_list("pk", "invite__group"))
    return [named[copy.pk] for copy in copies]


def unchanged() -> bool:
    sizes = set(Subscription.objects.values_list("sizing_value", flat=True))
    told = Notification.objects.filter(kind="subscription_changed").exists()
    return sizes == {1} and not told and not History.objects.exists()


def preview(page, address: str, **answers: str) -> tuple[str, dict[str, str]]:
    """What is shown, and what its button would send."""
    shown = page.post(address, answers)
    assert shown.status_code == 200, shown.context["form"].errors
    # A script that disables buttons on sending would keep back which of the two was pressed.
    assert "data-once" not in shown.content.decode()
    (form_id,) = FORM_ID.findall(shown.content.decode())
    return text_of(shown), answers | {"form_id": form_id, "confirm": "yes"}


# --- Which there are ----------------------------------------------------------------------------------


def test_without_groups_the_page_says_how_one_comes_about(page, user):
    assert "Make a strategy private, send an invite" in text_of(page.get(LIST))
    StrategyFactory.create(owner=user, visibility="private", slug="mine", name="Quiet")
    shown = page.get(LIST).content.decode()
    assert "Put clients who follow by your invites into a group" in shown
    assert address_of(Strategy.objects.get()) in shown


def test_groups_are_listed_with_their_clients_who_let_the_master_and_open_invites(page, mine):
    client_of(mine, "friends")
    client_of(mine, "friends", may=False)
    invites.create_invite(strategy=mine, group="to come", origin=SYSTEM, now=timezone.now())
    client_of(StrategyFactory.create(visibility="private"), "theirs")
    found = page.get(LIST).context["groups"]
    assert [(row.name, row.clients, row.willing, row.open_invites) for row in found] == [
        ("friends", 2, 1, 0),
        ("to come", 0, 0, 1),
    ]
    assert "/studio/groups/" in page.get("/studio/").content.decode()


@pytest.mark.parametrize("part", ["list", "", "change/"])
def test_a_page_of_groups_costs_the_same_however_many_clients(part, page, mine, count_queries):
    address = LIST if part == "list" else address_of(mine, "friends", part)
    client_of(mine, "friends")
    few = count_queries(page, address)
    for number in range(5):
        client_of(mine, "friends")
        client_of(mine, f"group {number}")
    assert count_queries(page, address) == few


def test_a_preview_costs_the_same_however_many_clients(page, mine, django_assert_num_queries):
    address = address_of(mine, "friends", "change/")
    client_of(mine, "friends")
    page.post(address, HALF)
    with CaptureQueriesContext(connection) as few:
        page.post(address, HALF | {"status": "active"})
    for _number in range(5):
        client_of(mine, "friends")
        client_of(mine, "friends", may=False)
    with django_assert_num_queries(len(few)):
        page.post(address, HALF | {"status": "active"})


@pytest.mark.parametrize("part", ["", "change/", "delete/"])
def test_groups_of_others_and_groups_that_there_are_not_do_not_exist(part, page, mine):
    theirs = StrategyFactory.create(visibility="private")
    client = client_of(theirs, "friends")
    for address in (
        address_of(theirs, "friends", part),
        address_of(mine, "friends", part),
        address_of(mine, "a\x00b", part),
    ):
        answers = HALF | {"name": "stolen", "confirm": "yes"}
        assert {page.get(address).status_code, page.post(address, answers).status_code} <= {404, 405}
    assert group_names(client) == ["friends"]
    assert unchanged()


# --- Who is in one ------------------------------------------------------------------------------------


def test_a_group_is_made_renamed_and_its_clients_are_chosen(page, mine):
    first, second, other = client_of(mine), client_of(mine), client_of(mine, "family")
    made = page.post(address_of(mine), {"name": "friends", "members": [str(first.public_id)]})
    assert made.headers["Location"] == LIST
    assert group_names(first, second, other) == ["friends", "", "family"]
    answers = {"name": "close friends", "members": [str(row.public_id) for row in (second, other)]}
    page.post(address_of(mine, "friends"), answers)
    assert group_names(first, second, other) == ["", "close friends", "close friends"]


def test_what_cannot_be_a_group_is_said_beside_its_field_and_changes_nothing(page, mine):
    client, other = client_of(mine, "family"), client_of(mine)
    strangers = client_of(StrategyFactory.create(visibility="private"))
    for answers, field in (
        ({"name": "family", "members": [str(other.public_id)]}, "name"),
        ({"name": "a\u202eb", "members": [str(other.public_id)]}, "name"),
        ({"name": "", "members": [str(other.public_id)]}, "name"),
        ({"name": "friends"}, "members"),
        ({"name": "friends", "members": [str(strangers.public_id)]}, "members"),
    ):
        refused = page.post(address_of(mine), answers)
        assert refused.status_code == 422
        assert list(refused.context["form"].errors) == [field], answers
    assert group_names(client, other, strangers) == ["family", "", ""]


def test_a_deleted_group_leaves_its_clients_copying(page, mine):
    client, other = client_of(mine, "friends"), client_of(mine, "family")
    assert page.get(address_of(mine, "friends", "delete/")).status_code == 405
    page.post(address_of(mine, "friends", "delete/"))
    assert group_names(client, other) == ["", "family"]
    client.refresh_from_db()
    assert client.status == "active"


# --- One change for all of it -------------------------------------------------------------------------


def test_a_preview_tells_each_copy_now_and_afterwards_and_writes_nothing(page, mine):
    client_of(mine, "friends")
    client_of(mine, "friends", may=False)
    client_of(mine, "family")
    shown, _ = preview(page, address_of(mine, "friends", "change/"), **HALF, stop_loss_percent="7.5")
    outcomes = page.post(address_of(mine, "friends", "change/"), HALF | {"status": "paused"}).context
    lines = [
        [(str(line.label), line.before, line.after) for line in row.differences]
        for row in outcomes["outcomes"]
    ]
    assert lines == [
        [("Copying", "Active", "Paused"), ("Size of each copy", "Proportional 1", "Multiplier 0.5")],
        [],
    ]
    assert "<strong>7.5 %</strong>" in shown
    assert "the client does not let you change it so" in shown
    assert unchanged()


def test_what_was_confirmed_is_made_once_however_often_it_is_sent(page, mine):
    client, left_out = client_of(mine, "friends"), client_of(mine, "friends", may=False)
    address = address_of(mine, "friends", "change/")
    _, confirmed = preview(page, address, **HALF)
    assert page.post(address, confirmed).headers["Location"] == LIST
    assert "1 copy was changed. 1 client does not let you change it so." in text_of(page.get(LIST))
    sizes = {row.pk: row.sizing_value for row in Subscription.objects.all()}
    assert sizes == {client.pk: Decimal("0.5"), left_out.pk: 1}
    # What its follower sets meanwhile stands, though the button is pressed again.
    Subscription.objects.filter(pk=client.pk).update(sizing_value=1)
    page.post(address, confirmed)
    assert Subscription.objects.get(pk=client.pk).sizing_value == 1
    assert History.objects.filter(act="changed").count() == 1


def test_what_is_not_confirmed_by_a_preview_or_says_nothing_changes_nothing(page, mine):
    client_of(mine, "friends")
    address = address_of(mine, "friends", "change/")
    for answers in (HALF | {"confirm": "yes"}, {}, {"allocation": "5000"}, {"sizing_value": "0.5"}):
        assert page.post(address, answers).status_code == 422, answers
    assert page.post(address, HALF | {"back": "yes"}).context["form"]["sizing_value"].value() == "0.5"
    assert unchanged()


def test_where_one_refuses_it_that_is_said_and_the_button_works_again(page, mine, user):
    client = client_of(mine, "friends")
    address = address_of(mine, "friends", "change/")
    _, confirmed = preview(page, address, **HALF)
    Subscription.objects.filter(pk=client.pk).update(master_may_change=False)
    refused = page.post(address, confirmed)
    assert refused.status_code == 422
    assert "Nobody who follows now came in" in text_of(refused)
    Subscription.objects.filter(pk=client.pk).update(master_may_change=True)
    assert page.post(address, confirmed).status_code == 302
    assert Subscription.objects.get().sizing_value == Decimal("0.5")
