"""What a master does by hand and through the platform, told in pieces, late, out of order or never."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from exchanges import gateway, loop, stream
from exchanges.types import Account, FillReport, Side
from execution import claiming, master_feed, placing, services
from execution.models import CopyOrder
from execution.settling import settle
from execution.states import Status
from execution.watching import Watch
from strategies.models import PerformanceSnapshot, Signal
from tests import factories
from tests.execution.world import (
    NOBODY_LISTENS,
    World,
    change_account,
    connect,
    execute,
    look_up_twice,
    status_of,
)
from wallets.models import ExchangeAccount

DUST = Decimal("0.00001")
NEWS_OF_NOTHING = stream.OrderFinished("BTC/USDT", "none", "", datetime(2026, 1, 1, tzinfo=UTC))


def fill(order_id: str, side: str, **changes: Any) -> FillReport:
    """0.01 BTC at 100000, told while its order goes on."""
    told = FillReport(
        symbol="BTC/USDT",
        venue_order_id=order_id,
        trade_id=order_id,
        client_order_id="",
        side=Side(side),
        price=Decimal(100000),
        quantity=Decimal("0.01"),
        fee=Decimal(0),
        fee_asset="",
        at=timezone.now(),
    )
    return replace(told, **changes)


def turn(world: World, watch: Watch, *events: Any) -> None:
    """Tell the watch of these, and of nothing that it would ask for by itself."""
    watch.next_snapshot = watch.next_back_fill = watch.next_transfers = float("inf")
    for event in events:
        watch.events.put(event)
        master_feed._turn(watch, world.strategy.exchange_account.open())


def sides() -> list[str]:
    return list(Signal.objects.exclude(number=None).order_by("number").values_list("side", flat=True))


@pytest.mark.django_db
def test_a_sale_told_while_a_purchase_is_gathered_comes_after_it(world: World) -> None:
    turn(world, world.watch(), fill("1", "buy"), fill("2", "sell", order_is_final=True))

    assert sides() == ["buy", "sell"]
    for signal in Signal.objects.order_by("number"):
        execute(world.fan_out(signal))
    assert max(world.held(), default=Decimal(0)) < DUST


@pytest.mark.django_db
def test_a_sale_of_more_than_is_known_looks_for_the_purchase_first(world: World) -> None:
    since = timezone.now()
    world.master_trades_by_hand("buy", "0.02")
    world.master_trades_by_hand("sell", "0.01")
    account = world.strategy.exchange_account.open()
    told = loop.run(gateway.fetch_fills(account, symbol="BTC/USDT", since=since), timeout=10)
    sale = [replace(event, order_is_final=True) for event in told if event.side == Side.SELL]
    turn(world, world.watch(), *sale)

    assert sides() == ["buy", "sell"]
    sold = Signal.objects.get(side="sell")
    assert Decimal("0.49") < (sold.exit_fraction or 0) < Decimal("0.51")


@pytest.mark.django_db
def test_a_masters_equity_is_read_in_the_quote_of_each_strategy(world: World) -> None:
    other = factories.StrategyFactory.create(
        exchange_account=world.strategy.exchange_account, symbols=["ETH/BTC"], quote="BTC"
    )
    world.master_trades_by_hand("buy", "0.01")
    watch = world.watch(other)
    master_feed._take_snapshot(watch, world.strategy.exchange_account.open())
    assert watch.snapshot is not None

    equity = dict(PerformanceSnapshot.objects.values_list("strategy_id", "equity"))
    assert Decimal("0.0099") < equity[other.pk] <= Decimal("0.01")
    assert Decimal(9900) < equity[world.strategy.pk] < Decimal(10100)
    turn(world, watch, fill("1", "buy", order_is_final=True))
    assert Signal.objects.get().master_equity == equity[world.strategy.pk]


@pytest.mark.django_db
def test_an_order_that_is_never_answered_does_not_hide_what_the_master_does_by_hand(world: World) -> None:
    _signal, order = world.master_asks("90000")
    claiming.claim([order.pk], worker="dies", now=timezone.now())
    long_ago = timezone.now() - timedelta(hours=5)
    CopyOrder.objects.filter(pk=order.pk).update(status=Status.UNKNOWN, claimed_at=long_ago)
    world.master_trades_by_hand("buy", "0.01")
    master_feed._back_fill(world.watch(), world.strategy.exchange_account.open())

    assert sides() == ["buy"]


@pytest.mark.django_db
def test_a_masters_order_that_cannot_be_sent_is_told_as_refused(world: World) -> None:
    signal, order = world.master_asks()
    change_account(order.exchange_account_id, status=ExchangeAccount.Status.INVALID)
    execute([order.pk])
    assert (status_of(signal), signal.reason_code) == (Signal.Status.REJECTED, "account_invalid")


@pytest.mark.django_db
def test_a_masters_market_order_that_comes_hours_late_is_not_sent(world: World) -> None:
    signal, order = world.master_asks(at=timezone.now() - timedelta(hours=5))
    execute([order.pk])
    order.refresh_from_db()
    assert (order.status, status_of(signal)) == (Status.EXPIRED, Signal.Status.REJECTED)


@pytest.mark.django_db
def test_a_cancel_is_obeyed_when_the_order_has_never_arrived(world: World) -> None:
    world.venue.fault("reset_before", endpoint="order")
    signal, order = world.master_asks("90000")
    execute([order.pk])
    world.works_again()
    services.cancel_signal(signal=signal, now=timezone.now())
    look_up_twice()
    execute([order.pk])

    order.refresh_from_db()
    assert (order.status, order.reason_code) == (Status.CANCELED, "canceled_by_master")
    assert status_of(signal) == Signal.Status.CANCELED


@pytest.mark.django_db
def test_a_cancel_is_obeyed_when_the_order_could_not_be_sent(world: World) -> None:
    signal, order = world.master_asks("90000")
    change_account(order.exchange_account_id, proxy_url=NOBODY_LISTENS)
    claimed = claiming.claim([order.pk], worker="w", now=timezone.now()).to_send
    services.cancel_signal(signal=signal, now=timezone.now())
    for outcomes in placing.send(claimed):
        settle(outcomes, now=timezone.now())

    order.refresh_from_db()
    assert (order.status, status_of(signal)) == (Status.CANCELED, Signal.Status.CANCELED)


def quiet_watch(world: World) -> Watch:
    """Over an account of its own, of which nobody tells anything."""
    account = connect(world.venue, world.strategy.owner, world.venue.open_account())
    watch = Watch(
        account_id=account.pk,
        exchange="paper",
        strategies={},
        started_at=timezone.now(),
        on_signal=lambda signal_id: None,
        next_back_fill=float("inf"),
        next_transfers=float("inf"),
    )
    watch.events.put(NEWS_OF_NOTHING)
    return watch


@pytest.fixture
def few_connections() -> Iterator[int]:
    """How many connections this process may use: one for the test, two for all others."""
    pool = connections["default"].pool  # type: ignore[attr-defined]
    before = (pool.min_size, pool.max_size, pool.timeout)
    pool.resize(1, 3)
    pool.timeout = 2
    yield 3
    pool.resize(*before[:2])
    pool.timeout = before[2]


@pytest.mark.django_db(transaction=True)
def test_more_masters_are_watched_than_there_are_connections(
    world: World, few_connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    watches = [quiet_watch(world) for _number in range(few_connections + 1)]
    unseen = {watch.account_id for watch in watches}
    all_seen, take_a_turn = threading.Event(), master_feed._turn

    def turn_and_tell(watch: Watch, account: Account) -> None:
        take_a_turn(watch, account)
        unseen.discard(watch.account_id)
        if not unseen:
            all_seen.set()

    monkeypatch.setattr(master_feed, "_turn", turn_and_tell)
    monkeypatch.setattr(stream, "follow", lambda account, sink: asyncio.sleep(60))
    threads = [threading.Thread(target=master_feed.watch_account, args=[watch]) for watch in watches]
    for thread in threads:
        thread.start()
    all_seen.wait(timeout=10)
    for watch in watches:
        watch.stop.set()
        watch.events.put(NEWS_OF_NOTHING)
    for thread in threads:
        thread.join()
    assert not unseen
