"""Watching a master: leases between watchers, gathering of fills, gaps found by asking."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from exchanges import gateway, loop
from exchanges.types import Account, FillReport, OrderRequest, OrderType, Side
from execution import claiming, leases, master_feed, services
from execution.leases import lease
from execution.models import CopyOrder, MasterFeed
from execution.services import Request
from execution.watching import Watch
from ledger.models import Trade
from strategies.models import Signal
from tests.execution.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def account_id(world: World) -> int:
    return world.strategy.exchange_account_id


@pytest.fixture
def watch(world: World, account_id: int) -> Watch:
    """A watch whose signals nobody fans out; its stream is what the test says."""
    lease(account_id, watcher="test", now=timezone.now())
    return Watch(
        account_id=account_id,
        exchange="paper",
        strategies={"BTC/USDT": world.strategy.pk},
        started_at=timezone.now(),
        on_signal=lambda signal_id: None,
    )


@pytest.fixture
def master_buys(world: World) -> Callable[[str], None]:
    """Trades at the exchange by hand; nobody is told."""

    def buy(amount: str) -> None:
        account = world.strategy.exchange_account.open()
        request = OrderRequest(
            client_order_id=f"hand{timezone.now().timestamp():.0f}{amount[-3:]}".replace(".", ""),
            symbol="BTC/USDT",
            side=Side.BUY,
            type=OrderType.MARKET,
            quantity=Decimal(amount),
            price=None,
            signed_at=gateway.venue_now("paper"),
        )
        loop.run(gateway.place(account, request), timeout=10)

    return buy


def back_fill(world: World, watch: Watch) -> None:
    master_feed._back_fill(watch, world.strategy.exchange_account.open())


def test_a_new_feed_knows_of_nothing_since_the_publication(world: World, account_id: int) -> None:
    lease(account_id, watcher="first", now=timezone.now())
    assert MasterFeed.objects.get().filled_until == world.strategy.published_at


def test_only_accounts_that_feed_a_published_strategy_are_watched(world: World, account_id: int) -> None:
    assert list(leases.accounts_to_watch()) == [account_id]


def test_trades_that_no_stream_told_of_are_found_once(
    world: World, watch: Watch, master_buys: Callable[[str], None]
) -> None:
    master_buys("0.01")
    master_buys("0.02")
    back_fill(world, watch)
    back_fill(world, watch)

    amounts = Signal.objects.order_by("number").values_list("amount", flat=True)
    assert list(amounts) == [Decimal("0.01"), Decimal("0.02")]
    assert Trade.objects.filter(subscription=None).count() >= 2


def fill(order_id: str, trade_id: str, **changes: object) -> FillReport:
    return replace(
        FillReport(
            symbol="BTC/USDT",
            venue_order_id=order_id,
            trade_id=trade_id,
            client_order_id="",
            side=Side.BUY,
            price=Decimal(100000),
            quantity=Decimal("0.01"),
            fee=Decimal(0),
            fee_asset="USDT",
            at=timezone.now(),
        ),
        **changes,  # type: ignore[arg-type]
    )


def turn(world: World, watch: Watch) -> None:
    watch.next_snapshot = watch.next_back_fill = watch.next_transfers = float("inf")
    master_feed._turn(watch, world.strategy.exchange_account.open())


def test_the_fills_of_one_order_are_one_signal(world: World, watch: Watch) -> None:
    for event in (fill("1", "a"), fill("1", "b"), fill("1", "c", order_is_final=True)):
        watch.events.put(event)
        turn(world, watch)

    (signal,) = Signal.objects.all()
    assert signal.amount == Decimal("0.03")


def test_an_order_without_an_end_is_told_after_a_moment(world: World, watch: Watch) -> None:
    watch.events.put(fill("1", "a"))
    turn(world, watch)
    assert not Signal.objects.exists()
    watch.gathering["1"].until = 0
    watch.events.put(fill("2", "b"))
    turn(world, watch)
    assert Signal.objects.get().venue_order_id == "1"


def test_a_fill_told_by_stream_and_by_asking_is_one_signal(
    world: World, watch: Watch, master_buys: Callable[[str], None]
) -> None:
    master_buys("0.01")
    account = world.strategy.exchange_account.open()
    since = timezone.now() - timedelta(minutes=1)
    told = loop.run(gateway.fetch_fills(account, symbol="BTC/USDT", since=since), timeout=10)
    back_fill(world, watch)
    for event in told:
        watch.events.put(replace(event, order_is_final=True))
        turn(world, watch)

    assert Signal.objects.count() == 1


def test_a_fill_that_may_be_an_unanswered_order_of_ours_waits_for_the_answer(
    world: World, watch: Watch
) -> None:
    wanted = Request("one", "BTC/USDT", "buy", "market", Decimal("0.01"), None)
    signal, order = services.send_signal(
        strategy=world.strategy, request=wanted, source="api", now=timezone.now()
    )
    assert order is not None
    (claimed,) = claiming.claim([order.pk], worker="dies", now=timezone.now()).to_send
    report = loop.run(gateway.place(claimed.account, claimed.request), timeout=10)

    back_fill(world, watch)
    assert not Signal.objects.exclude(number=None).exists()
    CopyOrder.objects.filter(pk=order.pk).update(venue_order_id=report.venue_order_id)
    back_fill(world, watch)
    signal.refresh_from_db()
    assert (signal.number, signal.amount) == (1, Decimal("0.01"))
    assert Signal.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_stream_that_went_mute_is_found_out_by_asking_and_opened_anew(
    world: World, master_buys: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_feed, "STREAM_IS_LATE", timedelta(0))
    account, watch = world.strategy.exchange_account, world.watch()
    key = account.open().credentials.api_key
    thread = threading.Thread(target=master_feed.watch_account, args=(watch,))
    thread.start()
    try:
        assert until(lambda: watch.listening_since is not None)
        world.venue.fault("stream_silence", key=key)
        master_buys("0.01")
        watch.next_back_fill = 0.0
        assert until(lambda: Signal.objects.exists() and MasterFeed.objects.get().mute_at is not None)

        world.venue.ask("DELETE", "/control/faults")
        assert until(lambda: watch.listening_since is not None)
        watch.next_back_fill = float("inf")
        master_buys("0.02")
        assert until(lambda: Signal.objects.count() == 2 and MasterFeed.objects.get().mute_at is None)
    finally:
        watch.stop.set()
        thread.join()


def until(is_so: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def test_a_late_find_while_no_stream_was_open_blames_no_stream(
    world: World, watch: Watch, master_buys: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_feed, "STREAM_IS_LATE", timedelta(0))
    master_buys("0.01")
    back_fill(world, watch)
    assert Signal.objects.count() == 1
    assert MasterFeed.objects.get().mute_at is None


def test_a_gap_of_many_days_is_filled_day_by_day(
    world: World, watch: Watch, master_buys: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    ask = gateway.fetch_fills

    def ask_and_note(account: Account, **question: Any) -> Any:
        asked.append(question)
        return ask(account, **question)

    monkeypatch.setattr(gateway, "fetch_fills", ask_and_note)
    MasterFeed.objects.update(filled_until=timezone.now() - timedelta(days=3))
    master_buys("0.01")
    back_fill(world, watch)
    assert [call["since"] for call in asked[1:]] == [call["until"] for call in asked[:-1]]
    assert len(asked) == 4
    assert Signal.objects.count() == 1
