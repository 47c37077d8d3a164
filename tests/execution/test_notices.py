"""What followers are told of their orders, where it happens; nothing is told twice."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Notification
from execution import stops
from ledger.models import Mark
from risk import services as risk
from risk.models import RiskLimits
from subscriptions.models import Subscription
from tests.execution.world import World

pytestmark = pytest.mark.django_db


def titles(kind: str) -> list[tuple[int, str]]:
    rows = Notification.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("user_id", "title"))


def test_denied_copies_are_told_once_a_day_for_each_reason(world: World) -> None:
    first = world.subscriptions[0]
    RiskLimits.objects.create(user=first.follower, max_order_notional=Decimal(50))
    world.copy("buy", "0.01")
    world.copy("buy", "0.01")
    assert titles("copies_refused") == [
        (first.follower_id, f"Copies of {world.strategy.name} are denied"),
    ]
    body = Notification.objects.get(kind="copies_refused").body
    assert "Stopped by your limit: this order is 99.30 USDT; you allow 50." in body
    assert "The order was to buy 0.00099 BTC at 100,300 USDT at most." in body
    assert "change your limits" in body


def test_each_follower_is_told_the_numbers_of_their_own_limit(world: World) -> None:
    for row, most in zip(world.subscriptions, (50, 60, 70), strict=True):
        RiskLimits.objects.create(user=row.follower, max_order_notional=Decimal(most))
    world.copy("buy", "0.01")
    told = dict(Notification.objects.filter(kind="copies_refused").values_list("user_id", "body"))
    for row, most in zip(world.subscriptions, (50, 60, 70), strict=True):
        assert f"you allow {most}." in told[row.follower_id]


def test_what_was_filled_or_skipped_is_told_to_nobody(world: World) -> None:
    world.copy("buy", "0.01")
    world.copy("sell", "0.01")
    assert titles("copies_refused") == []


def test_a_level_reached_is_told_once_with_the_result(world: World) -> None:
    world.copy("buy", "0.05")
    Subscription.objects.filter(pk=world.subscriptions[0].pk).update(stop_loss_percent=Decimal(5))
    now = timezone.now()
    Mark.objects.update_or_create(exchange="paper", symbol="BTC/USDT", defaults={"price": 85_000, "at": now})
    for _ in range(2):
        stops.watch_levels(now=now)
    follower = world.subscriptions[0].follower_id
    assert titles("stop_reached") == [(follower, f"Stop-loss of {world.strategy.name} reached")]
    assert (
        "your level is 5 % of the allocation (50 USDT)" in Notification.objects.get(kind="stop_reached").body
    )


@pytest.mark.parametrize(
    ("mode", "title"),
    [
        ("close_only", "Your kill switch is on: nothing more is bought"),
        ("freeze", "Your kill switch is on: nothing is bought or sold"),
    ],
)
def test_a_kill_switch_is_told_when_it_changes(world: World, mode: str, title: str) -> None:
    follower = world.subscriptions[0].follower
    for _ in range(2):
        risk.set_kill_switch(user=follower, mode=mode, now=timezone.now())
    risk.set_kill_switch(user=follower, mode="off", now=timezone.now())
    assert [told for _user, told in titles("kill_switch")] == [
        title,
        "Your kill switch is off: copying goes on",
    ]
