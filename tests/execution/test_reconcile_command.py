"""`manage.py reconcile`: what the books say against what the exchange says."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from execution import claiming, placing
from execution.models import CopyOrder
from ledger.models import Position
from tests.execution.world import World

pytestmark = pytest.mark.django_db


def reconcile() -> tuple[int, str]:
    """Exit code and output."""
    output, code = StringIO(), 0
    try:
        call_command("reconcile", stdout=output)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, output.getvalue()


def test_books_that_agree_with_the_exchange_have_no_differences(world: World) -> None:
    world.copy("buy", "0.01")
    assert reconcile() == (0, "0 differences\n")


def test_an_order_that_a_dead_worker_left_is_adopted(world: World) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    for _outcomes in placing.send(claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send):
        pass
    assert reconcile() == (0, "0 differences\n")
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {"filled"}


def test_coins_that_are_booked_but_gone_are_named(world: World) -> None:
    world.copy("buy", "0.01")
    held = Position.objects.get(subscription=world.subscriptions[0]).held
    world.venue.post("/control/withdraw", {"key": world.keys[0], "asset": "BTC", "amount": "0.0005"})
    code, output = reconcile()

    assert code == 1
    assert f"{held.normalize():f} BTC are booked" in output
    assert Position.objects.get(subscription=world.subscriptions[0]).held == held


def test_running_it_twice_says_the_same(world: World) -> None:
    world.copy("buy", "0.01")
    Position.objects.filter(subscription=world.subscriptions[0]).update(held=Decimal(1))
    assert reconcile() == reconcile()
