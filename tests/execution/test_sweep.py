"""The workers' own sweep: what a lost message, a dead worker or a pause has left."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from execution import claiming, placing, tasks
from execution.fan_out import write_slice
from execution.models import CopyOrder, FanOutSlice, SweepTurn
from execution.states import Status
from strategies.models import Signal
from tests.execution.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message is lost."""
    monkeypatch.setattr(tasks, "_send", lambda task, arguments, queue: None)


def age(rows: Any, *columns: str) -> None:
    """Let ten seconds pass."""
    for row in rows:
        for column in columns:
            if value := getattr(row, column):
                type(row).objects.filter(pk=row.pk).update(**{column: value - timedelta(seconds=10)})


def statuses() -> set[str]:
    return set(CopyOrder.objects.values_list("status", flat=True))


def test_a_signal_whose_message_was_lost_is_fanned_out_and_its_orders_placed(world: World) -> None:
    signal = world.master_trades("buy", "0.01")
    age([signal], "detected_at")
    tasks.sweep()
    age(CopyOrder.objects.all(), "due_at")
    tasks.sweep()

    assert statuses() == {Status.FILLED}
    assert Signal.objects.get().status == Signal.Status.DONE


def test_what_was_enqueued_a_moment_ago_is_left_to_its_message(world: World) -> None:
    world.fan_out(world.master_trades("buy", "0.01"))
    tasks.sweep()
    assert statuses() == {Status.PENDING}


def test_a_retry_due_in_two_hours_is_one_attempt_however_often_it_is_swept(world: World) -> None:
    world.copy("buy", "0.01")
    order_ids = world.fan_out(world.master_trades("sell", "0.01"))
    in_two_hours = timezone.now() + timedelta(hours=2)
    CopyOrder.objects.filter(pk__in=order_ids).update(due_at=in_two_hours)
    for _second in range(5):
        tasks.sweep()
    waiting = CopyOrder.objects.filter(pk__in=order_ids)
    assert set(waiting.values_list("status", "attempt")) == {(Status.PENDING, 0)}

    waiting.update(due_at=timezone.now() - timedelta(seconds=10))
    for _second in range(5):
        tasks.sweep()
    assert set(waiting.values_list("status", "attempt")) == {(Status.FILLED, 1)}


def test_orders_of_a_dead_worker_are_looked_up(world: World) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    for _outcomes in placing.send(claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send):
        pass
    age(CopyOrder.objects.all(), "look_up_at")
    tasks.sweep()
    assert statuses() == {Status.FILLED}


def test_one_signal_that_cannot_be_fanned_out_does_not_keep_the_others_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.master_trades("buy", "0.01")
    second = world.master_trades("buy", "0.1", "4000", symbol="ETH/USDT")
    age([first, second], "detected_at")

    def fails_for_the_first(slice_id: int, **arguments: Any) -> Any:
        if FanOutSlice.objects.get(pk=slice_id).signal_id == first.pk:
            raise RuntimeError("the venue of somebody is away")
        return write_slice(slice_id, **arguments)

    monkeypatch.setattr(tasks, "write_slice", fails_for_the_first)
    tasks.sweep()
    assert set(CopyOrder.objects.values_list("signal_id", flat=True)) == {second.pk}


def test_a_broker_that_is_away_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    # The pause that follows belongs to this test alone.
    monkeypatch.setattr(tasks, "_broker_away_until", 0.0)
    monkeypatch.setattr(tasks.fan_out.app.conf, "broker_url", "redis://127.0.0.1:1/0")
    tasks.enqueue_fan_out(world.master_trades("buy", "0.01").pk)
    assert Signal.objects.to_fan_out().count() == 1


def test_many_workers_have_one_sweep_a_second_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[bool] = []
    monkeypatch.setattr(tasks, "sweep", lambda: swept.append(True))
    for _ in range(3):
        tasks._sweep_in_turn()
    assert len(swept) == 1

    # Whoever had the turn may have died with it.
    SweepTurn.objects.update(begun_at=F("begun_at") - timedelta(seconds=tasks.SWEEP_SECONDS))
    tasks._sweep_in_turn()
    assert len(swept) == 2
