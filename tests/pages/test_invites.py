"""The pages of private strategies and of the invites to them."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from compliance.audit import SYSTEM
from strategies.invites import services as invites
from strategies.models import Invite, Signal, Strategy
from subscriptions.models import Subscription
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.pages.market import signal_with_copies, text_of

LINK = re.compile(r"http://testserver(/strategies/[a-z0-9-]+/\?invite=cti_[0-9A-Za-z]{24})")


@pytest.fixture
def private(db) -> Strategy:
    return StrategyFactory.create(visibility="private")


@pytest.fixture
def mine(user) -> Strategy:
    return StrategyFactory.create(owner=user, visibility="private", slug="mine")


def invite_to(strategy: Strategy, group: str = "") -> invites.Created:
    return invites.create_invite(strategy=strategy, group=group, origin=SYSTEM, now=timezone.now())


def test_a_master_makes_an_invite_whose_link_is_shown_once(page, mine):
    address = "/studio/strategies/mine/invites/"
    made = page.post(address, {"group": "friends", "days": "7"})
    assert LINK.search(made.content.decode())
    listed = page.get(address).content.decode()
    assert not LINK.search(listed)
    assert "friends" in listed
    page.post(f"{address}{Invite.objects.get().public_id}/revoke/")
    assert "Revoked" in text_of(page.get(address))


@pytest.mark.parametrize(
    "answers", [{"days": "0"}, {"days": ""}, {"days": "x"}, {"days": "7", "group": "a\u202eb"}]
)
def test_a_wrong_answer_makes_no_invite(page, mine, answers):
    assert page.post("/studio/strategies/mine/invites/", answers).status_code == 422
    assert not Invite.objects.exists()


def test_what_became_of_each_invite_is_told_and_how_many_of_a_group_follow(page, mine):
    used, _open = invite_to(mine, "friends"), invite_to(mine)
    SubscriptionFactory(strategy=mine, invite=used.invite)
    Invite.objects.filter(pk=used.invite.pk).update(used_at=timezone.now())
    text = text_of(page.get("/studio/strategies/mine/invites/"))
    assert "Used" in text
    assert "Open" in text
    assert "1 follower" in text


def test_a_public_strategy_takes_no_invites_and_says_so(page, mine):
    Strategy.objects.filter(pk=mine.pk).update(visibility="public")
    answer = page.post("/studio/strategies/mine/invites/", {"days": "7"})
    assert "only a private one takes invites" in text_of(answer)
    assert not Invite.objects.exists()


def test_the_list_of_invites_costs_the_same_whatever_its_length(page, mine, count_queries):
    invite_to(mine)
    few = count_queries(page, "/studio/strategies/mine/invites/")
    for _number in range(5):
        invite_to(mine)
    assert count_queries(page, "/studio/strategies/mine/invites/") == few


def test_others_do_not_get_at_a_masters_invites(client, stranger, mine):
    made = invite_to(mine)
    client.force_login(stranger)
    address = "/studio/strategies/mine/invites/"
    assert client.get(address).status_code == client.post(address, {"days": "7"}).status_code == 404
    assert client.post(f"{address}{made.invite.public_id}/revoke/").status_code == 404
    made.invite.refresh_from_db()
    assert made.invite.revoked_at is None


def test_strangers_find_a_private_strategy_on_no_page(page, private):
    signal_with_copies(private, [(SubscriptionFactory.create(strategy=private), "filled")])
    signal = Signal.objects.get()
    for visitor in (page, Client()):
        for part in ("", "signals/", "?invite=wrong", "follow/?invite=wrong"):
            wanted = 302 if visitor is not page and part.startswith("follow") else 404
            assert visitor.get(f"/strategies/{private.slug}/{part}").status_code == wanted, part
        for shown in ("/", "/strategies/", f"/strategies/compare/?id={private.public_id}"):
            assert private.name not in text_of(visitor.get(shown)), shown
    assert page.get(f"/signals/{signal.public_id}/").status_code == 404


def test_an_invite_opens_the_page_and_what_hangs_on_it(client, user, private):
    signal_with_copies(private, [(SubscriptionFactory.create(strategy=private), "filled")])
    signal = Signal.objects.get()
    made = invite_to(private)
    assert client.get(f"/strategies/{private.slug}/?invite={made.code}").status_code == 200
    assert client.get(f"/strategies/{private.slug}/").status_code == 200
    assert made.code not in repr(dict(client.session))
    client.force_login(user)
    shown = client.get(f"/strategies/{private.slug}/?invite={made.code}").content.decode()
    assert f'/strategies/{private.slug}/follow/?invite={made.code}"' in shown
    assert client.get(f"/signals/{signal.public_id}/").status_code == 200
    invites.revoke_invite(invite=made.invite, origin=SYSTEM, now=timezone.now())
    assert client.get(f"/strategies/{private.slug}/").status_code == 404


def test_an_invite_to_one_strategy_opens_no_other(page, private):
    other = StrategyFactory.create(visibility="private")
    assert page.get(f"/strategies/{private.slug}/?invite={invite_to(other).code}").status_code == 404


def test_the_follow_form_carries_the_invite_and_spends_it(page, user, published):
    Strategy.objects.filter(pk=published.pk).update(visibility="private")
    made = invite_to(Strategy.objects.get(pk=published.pk))
    address = f"/strategies/{published.slug}/follow/?invite={made.code}"
    assert f'value="{made.code}"' in page.get(address).content.decode()
    answers = {
        "form_id": str(uuid4()),
        "account": "new-paper",
        "allocation": "1000",
        "sizing_mode": "proportional",
        "sizing_value": "1",
        "confirm": "on",
    }
    address = f"/strategies/{published.slug}/follow/limits/"
    refused = page.post(address, answers)
    assert refused.status_code == 422
    assert "takes an invite" in text_of(refused)
    assert page.post(address, answers | {"invite": made.code}).status_code == 302
    assert Subscription.objects.get(follower=user).invite == made.invite
    assert page.get(f"/strategies/{published.slug}/").status_code == 200
