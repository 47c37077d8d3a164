"""Who sees what a master holds and trades: every choice of the master's, for everybody, on page and API."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from compliance.audit import SYSTEM
from ledger.models import Position
from strategies.invites import services as invites
from strategies.models import Signal, Strategy
from tests.factories import StrategyFactory, SubscriptionFactory, UserFactory
from tests.pages.market import signal_with_copies, text_of

CLOSE_ONES = {"owner", "follower"}
EVERYBODY = CLOSE_ONES | {"former follower", "invited", "stranger", "staff", "anonymous"}
SHOWN_TO = {"everyone": EVERYBODY, "followers": CLOSE_ONES, "nobody": {"owner"}}
SEEN_BY = {"public": EVERYBODY, "private": CLOSE_ONES | {"invited"}}


@pytest.fixture
def strategy(db) -> Strategy:
    """With an open position of 0.777 and a signal that one follower copied."""
    strategy = StrategyFactory.create()
    Position.objects.create(strategy=strategy, symbol="BTC/USDT", target="0.777", held="0.777", cost="40000")
    signal_with_copies(strategy, [(SubscriptionFactory.create(strategy=strategy), "filled")])
    return strategy


@pytest.fixture
def people(strategy: Strategy) -> dict[str, User | None]:
    staff = UserFactory.create()
    staff.groups.add(*Group.objects.filter(name__in=["compliance", "admin"]))
    follower = SubscriptionFactory.create(strategy=strategy).follower
    left = SubscriptionFactory.create(strategy=strategy, status="closed").follower
    others = {name: UserFactory.create() for name in ("invited", "stranger")}
    close_ones = {"owner": strategy.owner, "follower": follower, "former follower": left}
    return {**close_ones, **others, "staff": staff, "anonymous": None}


@pytest.mark.parametrize("visible_to", SHOWN_TO)
@pytest.mark.parametrize("visibility", SEEN_BY)
def test_who_sees_positions_and_signals_is_the_masters_choice(
    api_of, strategy, people, visibility, visible_to
):
    Strategy.objects.update(visibility=visibility, positions_visible_to=visible_to)
    code = ""
    if visibility == "private":
        code = invites.create_invite(strategy=strategy, origin=SYSTEM, now=timezone.now()).code
    signal = Signal.objects.get()
    page, route = f"/strategies/{strategy.slug}/", f"/api/v1/strategies/{strategy.public_id}/"
    for name, person in people.items():
        browser, program = Client(), api_of(person) if person else APIClient()
        if person:
            browser.force_login(person)
        query = {"invite": code} if name == "invited" and code else {}
        sees = name in SEEN_BY[visibility]
        is_shown = sees and name in SHOWN_TO[visible_to]

        answer = browser.get(page, query)
        assert answer.status_code == (200 if sees else 404), name
        assert ("0.777" in text_of(answer)) is is_shown, name
        assert browser.get(f"{page}signals/").status_code == (200 if is_shown else 404), name
        for address in ("", "performance/"):
            assert program.get(route + address, query).status_code == (200 if sees else 404), name
        told = 401 if person is None else 200 if is_shown else 403 if sees else 404
        for address in (f"{route}signals/", f"{route}signals/{signal.public_id}/"):
            assert program.get(address, query).status_code == told, name


def test_who_left_a_private_strategy_keeps_its_own_books_and_filters_them_by_it(api_of, strategy, people):
    Strategy.objects.update(visibility="private")
    program = api_of(people["former follower"])
    assert program.get(f"/api/v1/strategies/{strategy.public_id}/").status_code == 404
    for books in ("subscriptions", "orders", "trades", "bills"):
        assert program.get(f"/api/v1/{books}/?strategy={strategy.public_id}").status_code == 200, books
    assert len(program.get(f"/api/v1/subscriptions/?strategy={strategy.public_id}").json()["results"]) == 1


def test_the_books_of_who_left_a_private_strategy_lead_nowhere_that_is_hidden_from_them(strategy):
    left = SubscriptionFactory.create(strategy=strategy, status="closed")
    (order,) = signal_with_copies(strategy, [(left, "filled")])
    browser = Client()
    browser.force_login(left.follower)
    pages = ("/orders/", f"/orders/{order.public_id}/", f"/subscriptions/{left.public_id}/")
    hidden = f'href="/strategies/{strategy.slug}/"'
    assert all(hidden in browser.get(page).text for page in pages)

    Strategy.objects.update(visibility="private")
    assert not any(hidden in browser.get(page).text for page in pages)
    assert f'href="/subscriptions/{left.public_id}/"' in browser.get("/orders/").text
