"""Orders that were written in another database are asked about before anything is sent."""

from decimal import Decimal
from io import StringIO
from weakref import WeakKeyDictionary

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from execution import claiming
from execution.models import CopyOrder
from execution.reconcile import look_up_due
from ledger.models import Position
from records import timeline
from subscriptions.models import Subscription
from tests.execution.world import World, die_after_sending, execute, later, look_up_twice

pytestmark = pytest.mark.django_db


def fail_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on this is another timeline."""
    here = timeline.identity()
    monkeypatch.setattr("execution.strangers.identity", lambda: here + 1)


def test_each_order_remembers_the_database_that_it_was_written_in(world: World) -> None:
    orders = world.copy("buy", "0.05")
    _signal, own = world.master_asks()
    assert {order.written_in for order in orders} == {timeline.identity()} == {own.written_in}


def test_a_dump_restored_over_its_own_database_makes_another_one_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = timeline.identity()
    with connection.cursor() as cursor:
        # As `pg_restore --clean` does with each table.
        cursor.execute("CREATE TABLE kept AS TABLE django_migrations")
        cursor.execute("DROP TABLE django_migrations")
        cursor.execute("ALTER TABLE kept RENAME TO django_migrations")
    # As a new connection does.
    monkeypatch.setattr(timeline, "_known", WeakKeyDictionary())
    assert timeline.identity() != here


def test_after_a_snapshot_was_put_back_nothing_is_sent_before_it_was_asked_about(world: World) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.05"))
    out = StringIO()
    call_command("was_restored", stdout=out)
    assert out.getvalue() == "3 orders are asked about before they are sent.\n"
    claim = claiming.claim(order_ids, worker="w", now=timezone.now())
    assert (claim.to_send, world.sent()) == ([], [])
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {"unknown"}
    look_up_twice()
    execute(order_ids)
    assert world.sent() == ["BUY"]
    # Once only: now they are of this database.
    assert set(CopyOrder.objects.values_list("written_in", flat=True)) == {timeline.identity()}


def test_orders_of_this_database_are_sent_at_once(world: World) -> None:
    execute(world.fan_out(world.master_trades("buy", "0.05")))
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {"filled"}


def test_an_order_of_another_database_is_asked_about_and_then_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.05"))
    fail_over(monkeypatch)
    claim = claiming.claim(order_ids, worker="w", now=timezone.now())
    assert (claim.to_send, world.sent()) == ([], [])
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {"unknown"}

    look_up_twice()
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {"pending"}
    execute(order_ids)
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {"filled"}
    assert world.sent() == ["BUY"]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_what_the_lost_database_had_sent_is_adopted_and_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    if side == "sell":
        world.copy("buy", "0.05")
    order_ids = world.fan_out(world.master_trades(side, "0.02"))
    targets = dict(Position.objects.values_list("pk", "target"))
    die_after_sending(order_ids)
    sent = world.sent()
    # The backup is from before the claim.
    CopyOrder.objects.filter(pk__in=order_ids).update(
        status="pending", attempt=0, requested_amount=None, claimed_at=None, submitted_at=None,
        target_applied=False, reserved=0, look_up_at=None,
    )  # fmt: skip
    Subscription.objects.update(reserved=0)
    for pk, target in targets.items():
        Position.objects.filter(pk=pk).update(target=target)
    Position.objects.filter(subscription__isnull=False).exclude(pk__in=targets).delete()

    fail_over(monkeypatch)
    assert claiming.claim(order_ids, worker="w", now=timezone.now()).to_send == []
    look_up_due(now=later(1))

    assert world.sent() == sent
    orders = CopyOrder.objects.filter(pk__in=order_ids)
    assert {order.status for order in orders} <= {"filled", "canceled"}
    assert all(order.filled_amount > 0 for order in orders)
    for position in Position.objects.filter(subscription__isnull=False):
        assert position.held > 0
        # What differs is less than a lot step and the fee.
        assert abs(position.target - position.held) < Decimal("0.00002")


@pytest.mark.django_db(transaction=True)
def test_a_dump_restored_beside_the_old_database_is_another_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS restored_beside")
        cursor.execute("CREATE DATABASE restored_beside")
        cursor.execute(timeline.WHICH)
        here = cursor.fetchone()
    parameters = {**connection.get_connection_params(), "dbname": "restored_beside"}
    known = {
        name: parameters[name]
        for name in ("dbname", "user", "password", "host", "port")
        if parameters.get(name)
    }
    with psycopg.connect(**known) as other:
        there = other.execute(timeline.WHICH).fetchone()
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE restored_beside")
    assert there is not None
    assert here[:1] == there[:1]
    assert here != there
