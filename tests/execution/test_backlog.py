"""After a stall many orders wait behind each other: getting through them takes nothing from who may go."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exchanges import limits
from execution import claiming, pacing
from execution.models import CopyOrder
from tests.execution.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For how many orders the venue's room was asked; it has room for all."""
    counts: list[int] = []

    def allowance(*_: Any, wanted: int, **__: Any) -> int:
        counts.append(wanted)
        return wanted

    monkeypatch.setattr(limits, "allowance", allowance)
    return counts


def test_an_order_that_ends_releases_only_the_next_in_its_line(world: World, asked: list[int]) -> None:
    lines = [world.fan_out(world.master_trades("buy", "0.01")) for _n in range(4)]
    CopyOrder.objects.filter(pk__in=lines[0]).update(expires_at=timezone.now() - timedelta(seconds=60))
    claim = claiming.claim(lines[0], worker="w", now=timezone.now())
    assert sorted(claim.work.entries) == sorted(lines[1])


def test_what_is_too_late_to_be_sent_takes_no_room_at_its_venue(world: World, asked: list[int]) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    now = timezone.now()
    CopyOrder.objects.filter(pk__in=order_ids[1:]).update(expires_at=now - timedelta(seconds=60))
    assert sorted(pacing.as_many_as_venues_take(order_ids, now=now)) == sorted(order_ids)
    assert asked == [1]
