"""Copy stop-loss and take-profit: paused and sold once at fresh prices, and nothing on unknown ones."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from execution import stops
from execution.models import CopyOrder
from ledger.models import Mark, Position
from rest.errors import Conflict
from subscriptions import services
from subscriptions.models import Subscription
from tests.execution.world import World, execute

DUST = Decimal("0.0001")

pytestmark = pytest.mark.django_db


@pytest.fixture
def levels(world: World) -> Subscription:
    """The first follower bought for half of the allocation, and stops at 5 % lost or 10 % won of it."""
    world.copy("buy", "0.05")
    first = Subscription.objects.filter(pk=world.subscriptions[0].pk)
    first.update(stop_loss_percent=Decimal(5), take_profit_percent=Decimal(10))
    return first.get()


def priced(price: int, seconds_ago: float = 0) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Mark.objects.update_or_create(exchange="paper", symbol="BTC/USDT", defaults={"price": price, "at": at})


def stop_orders() -> list[CopyOrder]:
    return list(CopyOrder.objects.filter(origin="stop").order_by("pk"))


@pytest.mark.parametrize("price", [85_000, 125_000])
def test_a_level_reached_pauses_and_sells_once(world: World, levels: Subscription, price: int) -> None:
    priced(price)
    execute(stops.watch_levels(now=timezone.now()).exits)
    assert not stops.watch_levels(now=timezone.now()).exits
    levels.refresh_from_db()
    assert (levels.status, levels.stopped_at is not None) == ("paused", True)
    assert [(order.subscription_id, order.status) for order in stop_orders()] == [(levels.pk, "filled")]
    assert world.sent() == ["BUY", "SELL"]
    assert [held > DUST for held in world.held()] == [False, True, True]


@pytest.mark.parametrize("price", [95_000, 115_000])
def test_short_of_a_level_nothing_is_sold(levels: Subscription, price: int) -> None:
    priced(price)
    assert not stops.watch_levels(now=timezone.now()).exits
    levels.refresh_from_db()
    assert levels.status == "active"


@pytest.mark.usefixtures("levels")
def test_an_old_price_or_none_triggers_nothing() -> None:
    priced(1, seconds_ago=61)
    assert not stops.watch_levels(now=timezone.now()).exits
    Mark.objects.all().delete()
    assert not stops.watch_levels(now=timezone.now()).exits


def test_a_level_that_nobody_watches_is_logged_once_a_minute(
    levels: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[list[int]] = []
    monkeypatch.setattr(stops, "_logged_at", {})
    monkeypatch.setattr(stops.log, "error", lambda _event, subscriptions: logged.append(subscriptions))
    now = timezone.now()
    for seconds in (0, 1, 59, 61):
        stops.watch_levels(now=now + timedelta(seconds=seconds))
    assert logged == [[levels.pk], [levels.pk]]


@pytest.mark.django_db(transaction=True)
def test_two_guards_that_race_stop_once(world: World) -> None:
    levels = world.subscriptions[0]
    values = {"target": Decimal("0.005"), "held": Decimal("0.005"), "cost": Decimal(500)}
    Position.objects.create(strategy=world.strategy, subscription=levels, symbol="BTC/USDT", **values)
    Subscription.objects.filter(pk=levels.pk).update(cash=Decimal(500), stop_loss_percent=Decimal(5))
    priced(80_000)

    def guard(_number: int) -> int:
        try:
            return len(stops._stop(levels.pk, timezone.now()))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(guard, range(2))) == [0, 1]


def test_resuming_below_the_level_needs_another_level(levels: Subscription) -> None:
    Subscription.objects.filter(pk=levels.pk).update(
        status="paused", stopped_at=timezone.now(), realised_pnl=Decimal(-60)
    )
    with pytest.raises(Conflict, match="stop-loss"):
        services.resume(subscription=levels, now=timezone.now())
    changes = {"stop_loss_percent": Decimal(20)}
    services.change_subscription(subscription=levels, changes=changes, status="active", now=timezone.now())
    levels.refresh_from_db()
    assert (levels.status, levels.stopped_at) == ("active", None)
