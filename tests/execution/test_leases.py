"""Who watches a master's account: the dead and the hung lose it to others within ten seconds."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from exchanges.errors import Unavailable
from execution import leases, watching
from execution.leases import Watcher, lease, release
from execution.models import MasterFeed
from execution.watching import Watch
from tests.execution.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def account_id(world: World) -> int:
    return world.strategy.exchange_account_id


def test_an_account_is_watched_by_one_watcher(account_id: int) -> None:
    now = timezone.now()
    assert lease(account_id, watcher="first", now=now)
    assert not lease(account_id, watcher="second", now=now + timedelta(seconds=9))
    assert lease(account_id, watcher="first", now=now + timedelta(seconds=9))


def test_a_dead_watchers_account_is_taken_over_after_ten_seconds(account_id: int) -> None:
    now = timezone.now()
    lease(account_id, watcher="dead", now=now)
    assert lease(account_id, watcher="second", now=now + timedelta(seconds=10, milliseconds=1))
    assert not lease(account_id, watcher="dead", now=now + timedelta(seconds=11))


def test_a_watcher_that_stops_lets_go_at_once(account_id: int) -> None:
    now = timezone.now()
    lease(account_id, watcher="first", now=now)
    release([account_id], watcher="first")
    assert lease(account_id, watcher="second", now=now)


@pytest.fixture
def until_the_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Account threads that get nowhere, whatever becomes of them."""
    end = threading.Event()
    monkeypatch.setattr(leases, "watch_account", lambda watch: end.wait(30))
    yield
    end.set()


def watcher(name: str) -> Watcher:
    return Watcher(name, on_signal=lambda signal_id: None)


def hang(watcher: Watcher, seconds: float) -> None:
    """The account's thread has got nowhere for so long."""
    ((watch, _thread),) = watcher.watches.values()
    watch.progress_at = time.monotonic() - seconds


def holder() -> str:
    feed = MasterFeed.objects.get()
    return feed.leased_by if feed.leased_until and feed.leased_until > timezone.now() else ""


@pytest.mark.usefixtures("until_the_end", "account_id")
def test_a_hung_account_is_taken_over_ten_seconds_after_its_last_progress() -> None:
    first, second = watcher("first"), watcher("second")
    first.share()
    hang(first, 7)
    first.share()
    second.share()
    left = (MasterFeed.objects.get().leased_until or timezone.now()) - timezone.now()
    assert holder() == "first"
    assert left <= timedelta(seconds=3), "seven of the ten seconds are over"

    hang(first, 10.1)
    MasterFeed.objects.update(leased_until=timezone.now() - timedelta(seconds=0.1))
    first.share()
    second.share()
    assert holder() == "second"
    assert not first.watches


@pytest.mark.usefixtures("until_the_end", "account_id")
def test_what_hung_here_is_left_to_others_first_and_then_tried_again() -> None:
    alone = watcher("alone")
    alone.share()
    hang(alone, 10.1)
    MasterFeed.objects.update(leased_until=timezone.now())
    alone.share()
    alone.share()
    assert not alone.watches

    alone.leave_alone_until = dict.fromkeys(alone.leave_alone_until, time.monotonic() - 1)
    alone.share()
    assert holder() == "alone"


def test_an_answer_and_a_refusal_are_progress_and_silence_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer() -> str:
        return "answer"

    async def refuse() -> str:
        raise Unavailable("away")

    async def hang() -> str:
        await asyncio.sleep(60)
        return "never"

    monkeypatch.setattr(watching, "CALL_LIMIT_SECONDS", 0.05)
    watch = world.watch()
    assert _moves(watch, lambda: watching.ask(watch, answer()))
    assert _moves(watch, lambda: watching.ask(watch, refuse()))
    assert not _moves(watch, lambda: watching.ask(watch, hang()))


def _moves(watch: Watch, question: Callable[[], object]) -> bool:
    watch.progress_at = 0.0
    with contextlib.suppress(Unavailable, TimeoutError):
        question()
    return watch.progress_at > 0
