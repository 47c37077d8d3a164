"""What a person allows at most is judged on what is really sent, and counted under a lock."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from execution import claiming
from execution.models import CopyOrder
from execution.states import Status
from risk.models import RiskLimits
from tests.execution.world import World, build, connect, subscribe
from tests.paper_exchange.venue_process import PaperExchange


def limit(world: World, **values: object) -> None:
    RiskLimits.objects.create(user=world.subscriptions[0].follower, **values)


@pytest.mark.django_db
def test_an_order_above_the_limit_is_denied_with_its_numbers_and_leaves_no_target(world: World) -> None:
    limit(world, max_order_notional=Decimal(50))
    denied, *others = world.copy("buy", "0.01")

    assert (denied.status, denied.reason_code) == (Status.DENIED, "max_order_notional")
    assert "you allow 50" in denied.reason_text
    assert {order.status for order in others} == {Status.FILLED}
    assert world.copy("buy", "0.004")[0].filled_amount == Decimal("0.00039")


@pytest.mark.django_db
def test_what_is_open_together_stays_below_the_limit(world: World) -> None:
    limit(world, max_open_notional=Decimal(150))
    first, second = world.copy("buy", "0.01")[0], world.copy("buy", "0.01")[0]

    assert (first.status, second.status, second.reason_code) == ("filled", "denied", "max_open_notional")
    assert "would make" in second.reason_text
    world.copy("sell", "0.02")
    assert world.copy("buy", "0.01")[0].status == Status.FILLED


@pytest.mark.django_db
def test_an_exit_passes_whatever_is_open(world: World) -> None:
    world.copy("buy", "0.01")
    limit(world, max_open_notional=Decimal(1), max_order_notional=Decimal(1))
    assert world.copy("sell", "0.01")[0].status == Status.FILLED


@pytest.mark.django_db(transaction=True)
def test_many_orders_at_once_do_not_pass_a_limit_that_has_room_for_one(venue: PaperExchange) -> None:
    world = build(venue, followers=1)
    person = world.subscriptions[0].follower
    for _number in range(7):
        account = connect(venue, person, venue.open_account(balances={"USDT": "2000"}))
        world.subscriptions.append(subscribe(world, person, account))
    limit(world, max_open_notional=Decimal(150))
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    assert len(order_ids) == 8

    def claim_one(order_id: int) -> int:
        try:
            return len(claiming.claim([order_id], worker="race", now=timezone.now()).to_send)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim_one, order_ids)) == 1
    assert CopyOrder.objects.filter(reason_code="max_open_notional").count() == 7
