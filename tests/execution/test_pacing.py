"""No more orders are claimed than the venue takes now; the others wait and exits go first."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from exchanges import limits
from execution import pacing, tasks
from execution.models import CopyOrder
from execution.states import Status
from tests.execution.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> dict[bool, int]:
    """How many exits (True) and entries (False) the venue takes now."""
    left = {True: 100, False: 100}

    def allowance(exchange: str, proxy_url: str = "", *, wanted: int, is_exit: bool, **_: Any) -> int:
        granted = min(wanted, left[is_exit])
        left[is_exit] -= granted
        return granted

    monkeypatch.setattr(limits, "allowance", allowance)
    return left


def test_what_the_venue_does_not_take_now_stays_pending_and_is_due_soon(
    world: World, room: dict[bool, int]
) -> None:
    room[False] = 1
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    now = timezone.now()
    chosen = pacing.as_many_as_venues_take(order_ids, now=now)

    assert len(chosen) == 1
    waiting = CopyOrder.objects.exclude(pk__in=chosen)
    assert {order.status for order in waiting} == {Status.PENDING}
    assert {order.reason_code for order in waiting} == {"waiting_for_venue"}
    assert {order.due_at for order in waiting} == {now + pacing.ASK_AGAIN}


def test_exits_have_room_of_their_own(world: World, room: dict[bool, int]) -> None:
    world.copy("buy", "0.01")
    room[False] = 0
    exits = world.fan_out(world.master_trades("sell", "0.01"))
    assert sorted(pacing.as_many_as_venues_take(exits, now=timezone.now())) == sorted(exits)


def test_while_the_address_is_blocked_nothing_is_sent_until_the_venue_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = timezone.now() + timedelta(seconds=30)
    monkeypatch.setattr(limits, "allowance", lambda *_, **__: 0)
    monkeypatch.setattr(limits, "blocked_until", lambda *_: until)
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    tasks._execute_orders(order_ids)

    due: set[datetime] = set(CopyOrder.objects.values_list("due_at", flat=True))
    assert due == {until}
    assert [world.venue.audit(key) for key in world.keys] == [[], [], []]
