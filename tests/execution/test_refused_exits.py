"""An exit that the exchange refuses by a rule: fresh rules, another type, then a person is asked."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from exchanges import gateway, loop
from execution import tasks
from execution.endings import Work
from execution.models import CopyOrder
from execution.reasons import Reason
from execution.states import Status
from ledger.models import Mark
from tests.execution.world import World, come_due, execute

pytestmark = pytest.mark.django_db

STEP = {"code": -1013, "msg": "Filter failure: LOT_SIZE"}
BAND = {"code": -1013, "msg": "Filter failure: PERCENT_PRICE_BY_SIDE"}


@pytest.fixture
def sale(world: World) -> CopyOrder:
    """An exit of one follower that is to be sent."""
    world.copy("buy", "0.01")
    Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=Decimal(100000), at=timezone.now())
    world.fan_out(world.master_trades("sell", "0.01"))
    return CopyOrder.objects.get(subscription=world.subscriptions[0], kind="exit")


def send(order: CopyOrder) -> Work:
    come_due()
    work = execute([order.pk])
    order.refresh_from_db()
    return work


def refused(order: CopyOrder, world: World, times: int, **rule: Any) -> CopyOrder:
    world.venue.fault("reject", endpoint="order", count=times, **rule)
    for _ in range(times):
        send(order)
    return order


def test_an_exit_by_the_steps_of_yesterday_is_sent_again_once_by_those_of_today(
    world: World, sale: CopyOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_send", lambda task, arguments, queue: task.run(*arguments))
    btc = {"symbol": "BTCUSDT", "stepSize": "0.0001"}
    earlier = gateway.market_rules_now("paper")["BTC/USDT"].lot_step
    world.venue.post("/control/filters", btc)
    try:
        tasks._execute_order(sale.pk)
    finally:
        world.venue.post("/control/filters", btc | {"stepSize": str(earlier)})
        loop.run(gateway.reload_market_rules("paper"), 10)

    sale.refresh_from_db()
    assert (sale.status, sale.attempt, sale.reason_code) == (Status.FILLED, 2, "")
    assert sale.requested_amount == Decimal("0.0009")
    assert world.sent() == ["BUY", "SELL"]


def test_where_market_orders_are_refused_the_exit_goes_out_at_the_edge_of_the_price_band(
    world: World, sale: CopyOrder
) -> None:
    refused(sale, world, 2, **BAND)
    assert (sale.status, sale.type) == (Status.PENDING, "limit_ioc")

    send(sale)

    assert (sale.status, sale.attempt) == (Status.FILLED, 3)
    # The venue's band ends at a fifth of the price.
    assert sale.price == Decimal("20200")
    assert [entry["outcome"] for entry in sale.earlier_attempts or []] == ["refused", "refused"]


def test_an_exit_that_stays_refused_asks_a_person_and_is_told_to_the_operator_once(
    world: World, sale: CopyOrder
) -> None:
    with capture_logs() as logs:
        refused(sale, world, 4, **STEP)

    assert (sale.status, sale.reason_code) == (Status.PENDING, Reason.EXIT_REFUSED)
    assert sale.due_at > timezone.now() + timedelta(minutes=9)
    assert len([entry for entry in logs if entry["event"] == "exit_refused"]) == 1
    send(sale)
    assert (sale.status, sale.reason_code) == (Status.FILLED, "")


def test_a_refused_exit_asks_for_the_rules_once(world: World, sale: CopyOrder) -> None:
    world.venue.fault("reject", endpoint="order", count=3, **STEP)
    assert [bool(send(sale).refused) for _ in range(3)] == [True, False, False]
