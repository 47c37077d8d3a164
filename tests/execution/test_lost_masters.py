"""A master of whom nothing is heard: entries stop, followers are told once, copies are held or closed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from execution import leaving, master_feed
from execution.models import MasterFeed
from execution.silence import note_asked, watch_over
from ledger.models import Mark, Position
from subscriptions.models import Subscription
from tests.execution.world import World, change_account, execute
from wallets.models import ExchangeAccount

pytestmark = pytest.mark.django_db

LONG_UP = timezone.now() - timedelta(days=1)
Told = Callable[[], list[tuple[str, int]]]


@pytest.fixture
def account_id(world: World) -> int:
    """Of a master who has just answered; the first follower chose to close, the others to hold."""
    account_id = world.strategy.exchange_account_id
    world.watch()
    note_asked(account_id=account_id, is_answered=True, now=timezone.now())
    choose(world, 0, "close")
    world.copy("buy", "0.01")
    return account_id


def choose(world: World, number: int, choice: str) -> None:
    Subscription.objects.filter(pk=world.subscriptions[number].pk).update(on_master_lost=choice)


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def priced(seconds_ago: float = 0) -> None:
    """The followers' exchange has answered: a price is known."""
    Mark.objects.update_or_create(
        exchange="paper", symbol="BTC/USDT", defaults={"price": 100000, "at": ago(seconds_ago)}
    )


def heard(account_id: int, *, seconds_ago: float) -> None:
    MasterFeed.objects.filter(exchange_account=account_id).update(alive_at=ago(seconds_ago))


def asked_in_vain(account_id: int, *, since: int = 130, until: float = 0) -> None:
    """A watcher has asked every ten seconds from `since` to `until` seconds ago."""
    moment: float = since
    while moment >= until:
        note_asked(account_id=account_id, is_answered=False, now=ago(moment))
        moment -= 10


def look(*, up_since: datetime = LONG_UP) -> None:
    """What the workers do each second, with all that it leads to."""
    for _time in range(3):
        watch_over(now=timezone.now(), up_since=up_since)
        execute(leaving.advance(now=timezone.now()).exits)


def statuses(world: World) -> list[str]:
    rows = Subscription.objects.filter(strategy=world.strategy).order_by("pk")
    return list(rows.values_list("status", flat=True))


def ends_of_an_entry(world: World) -> set[tuple[str, str]]:
    return {(order.status, order.reason_code) for order in world.copy("buy", "0.01")}


def gone_invalid(world: World) -> None:
    change_account(world.strategy.exchange_account_id, status=ExchangeAccount.Status.INVALID)


def gone_disconnected(world: World) -> None:
    account_id = world.strategy.exchange_account_id
    change_account(account_id, disconnected_at=timezone.now(), sealed_credentials="")


def gone_suspended(world: World) -> None:
    User.objects.filter(pk=world.strategy.owner_id).update(is_active=False)


CLEAR = [gone_invalid, gone_disconnected, gone_suspended]
Go = Callable[[World], None]


# --- Entries ----------------------------------------------------------------------------------------


def test_two_minutes_without_proof_of_life_stop_the_entries(world: World, account_id: int) -> None:
    heard(account_id, seconds_ago=115)
    assert ends_of_an_entry(world) == {("filled", "")}
    heard(account_id, seconds_ago=121)
    assert ends_of_an_entry(world) == {("skipped", "master_lost")}


def test_exits_of_a_silent_master_are_still_followed(world: World, account_id: int) -> None:
    heard(account_id, seconds_ago=600)
    assert {order.status for order in world.copy("sell", "0.01")} == {"filled"}


@pytest.mark.usefixtures("account_id")
@pytest.mark.parametrize("go", CLEAR)
def test_nobody_buys_with_a_master_that_is_clearly_lost(world: World, go: Go) -> None:
    go(world)
    assert ends_of_an_entry(world) == {("skipped", "master_lost")}


def test_entries_go_on_when_the_master_is_back(world: World, account_id: int, told: Told) -> None:
    heard(account_id, seconds_ago=121)
    look()
    master_feed._take_snapshot(world.watch(), world.strategy.exchange_account.open())
    look()
    assert ends_of_an_entry(world) == {("filled", "")}
    assert [kind for kind, _who in told()] == ["master_lost"] * 3 + ["master_back"] * 3


# --- What followers are told ------------------------------------------------------------------------


def test_every_follower_is_told_once(world: World, account_id: int, told: Told) -> None:
    heard(account_id, seconds_ago=115)
    look()
    assert told() == []
    heard(account_id, seconds_ago=121)
    look()
    assert sorted(told()) == sorted(("master_lost", row.follower_id) for row in world.subscriptions)


def test_followers_are_told_where_no_watcher_ever_ran(world: World, told: Told) -> None:
    assert not MasterFeed.objects.exists()
    look()
    assert [kind for kind, _who in told()] == ["master_lost"] * 3


def test_a_platform_that_was_down_itself_tells_nothing_before_it_had_time_to_ask(
    world: World, account_id: int, told: Told
) -> None:
    heard(account_id, seconds_ago=3600)
    look(up_since=ago(115))
    assert told() == []
    look(up_since=ago(121))
    assert {kind for kind, _who in told()} == {"master_lost"}


# --- Copies that close ------------------------------------------------------------------------------


def test_a_master_asked_in_vain_for_two_minutes_closes_the_copies_that_chose_it(
    world: World, account_id: int
) -> None:
    heard(account_id, seconds_ago=130)
    priced(seconds_ago=5)
    asked_in_vain(account_id)
    look()

    assert statuses(world) == ["closed", "active", "active"]
    assert world.sent(0) == ["BUY", "SELL"]
    assert [world.sent(number) for number in (1, 2)] == [["BUY"], ["BUY"]]


@pytest.mark.parametrize("go", CLEAR)
def test_a_master_that_is_clearly_lost_closes_them_with_or_without_a_watcher(
    world: World, account_id: int, go: Go
) -> None:
    go(world)
    priced()
    heard(account_id, seconds_ago=115)
    look()
    assert statuses(world) == ["active"] * 3, "a key may be replaced within two minutes"
    heard(account_id, seconds_ago=121)
    look(up_since=timezone.now())
    assert statuses(world) == ["closed", "active", "active"]


def test_a_paused_copy_is_closed_too(world: World, account_id: int) -> None:
    Subscription.objects.filter(pk=world.subscriptions[0].pk).update(status="paused")
    gone_invalid(world)
    heard(account_id, seconds_ago=121)
    priced()
    look()
    assert statuses(world) == ["closed", "active", "active"]


def test_a_copy_that_holds_nothing_is_not_ended(world: World, account_id: int) -> None:
    Position.objects.filter(subscription__isnull=False).update(held=0)
    gone_invalid(world)
    heard(account_id, seconds_ago=121)
    priced()
    look()
    assert statuses(world) == ["active"] * 3


def test_a_copy_closed_by_this_rule_stays_closed_when_the_master_is_back(
    world: World, account_id: int
) -> None:
    heard(account_id, seconds_ago=130)
    priced(seconds_ago=5)
    asked_in_vain(account_id)
    look()
    note_asked(account_id=account_id, is_answered=True, now=timezone.now())
    look()
    orders = world.copy("buy", "0.01")
    assert statuses(world) == ["closed", "active", "active"]
    assert [order.subscription_id for order in orders] == [row.pk for row in world.subscriptions[1:]]


def test_nothing_is_closed_because_our_watchers_were_away(world: World, account_id: int) -> None:
    heard(account_id, seconds_ago=3600)
    asked_in_vain(account_id, since=3600, until=40)
    priced(seconds_ago=50)
    look()
    assert statuses(world) == ["active"] * 3


@pytest.mark.parametrize(("asked_since", "first"), [(100, "active"), (130, "closed")])
def test_a_watcher_that_comes_back_asks_for_two_minutes_before_anything_is_closed(
    world: World, account_id: int, asked_since: int, first: str
) -> None:
    heard(account_id, seconds_ago=3600)
    asked_in_vain(account_id, since=3600, until=3000)
    asked_in_vain(account_id, since=asked_since)
    priced(seconds_ago=15)
    look()
    assert statuses(world) == [first, "active", "active"]


def test_nothing_is_closed_while_the_followers_exchange_does_not_answer_either(
    world: World, account_id: int
) -> None:
    heard(account_id, seconds_ago=300)
    asked_in_vain(account_id, since=200)
    priced(seconds_ago=61)
    look()
    assert statuses(world) == ["active"] * 3
    gone_invalid(world)
    look()
    assert statuses(world) == ["active"] * 3
    priced()
    look()
    assert statuses(world) == ["closed", "active", "active"]


def test_a_price_of_after_the_last_question_says_only_that_the_venue_is_back(
    world: World, account_id: int
) -> None:
    heard(account_id, seconds_ago=300)
    asked_in_vain(account_id, since=200, until=2)
    priced()
    look()
    assert statuses(world) == ["active"] * 3


def test_who_chooses_to_hold_at_the_last_moment_holds(world: World, account_id: int) -> None:
    choose(world, 0, "hold")
    leaving.leave_lost_master(subscription_id=world.subscriptions[0].pk, now=timezone.now())
    assert statuses(world) == ["active"] * 3


# --- What the watcher notes -------------------------------------------------------------------------


def test_the_watcher_notes_answers_and_questions_in_vain(world: World, account_id: int) -> None:
    account, watch = world.strategy.exchange_account.open(), world.watch()
    heard(account_id, seconds_ago=50)
    world.venue.fault("maintenance", endpoint="account", key=account.credentials.api_key)
    for _time in range(2):
        master_feed._take_snapshot(watch, account)
    feed = MasterFeed.objects.get()
    assert feed.unanswered_since and feed.asked_at and feed.alive_at
    assert feed.alive_at < feed.unanswered_since < feed.asked_at

    world.venue.ask("DELETE", "/control/faults")
    master_feed._take_snapshot(watch, account)
    answered = MasterFeed.objects.get()
    assert answered.unanswered_since is None
    assert answered.alive_at and answered.alive_at > ago(5)


def test_the_account_of_somebody_suspended_proves_no_life(world: World, account_id: int) -> None:
    gone_suspended(world)
    heard(account_id, seconds_ago=50)
    master_feed._take_snapshot(world.watch(), world.strategy.exchange_account.open())
    feed = MasterFeed.objects.get()
    assert feed.alive_at and feed.alive_at < ago(49)


@pytest.mark.usefixtures("account_id")
def test_a_pause_that_a_venue_asked_of_us_says_nothing_of_the_master(world: World) -> None:
    world.venue.fault("status", endpoint="account", status=429, retry_after=30, count=1)
    account, watch = world.strategy.exchange_account.open(), world.watch()
    master_feed._take_snapshot(watch, account)
    before = MasterFeed.objects.get().asked_at
    master_feed._take_snapshot(watch, account)
    assert MasterFeed.objects.get().asked_at == before
