"""The kill switch in the middle of a fan-out, as the exchange sees it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from execution.api.limits import in_flight
from execution.models import CopyOrder
from execution.tasks import _execute_order
from risk.services import set_kill_switch
from tests.execution.world import World, build, connect, subscribe
from tests.paper_exchange.venue_process import PaperExchange

COPIES = 24
WORKERS = 3
PATIENCE_SECONDS = 30


@pytest.fixture
def crowd(transactional_db: None, venue: PaperExchange) -> World:
    """One person whose many copies have entries waiting; the exchange takes a third of a second for each.

    So a slow machine, too, throws the switch before all have left.
    """
    world = build(venue, followers=1)
    person = world.subscriptions[0].follower
    for _number in range(COPIES - 1):
        opened = venue.open_account(balances={"USDT": "2000"})
        world.keys.append(opened["api_key"])
        world.subscriptions.append(subscribe(world, person, connect(venue, person, opened)))
    venue.fault("latency", endpoint="order", ms=333)
    return world


def accepted(world: World) -> int:
    return sum(len(world.venue.audit(key)) for key in world.keys)


def place_one(order_id: int) -> None:
    try:
        _execute_order(order_id)
    finally:
        connection.close()


def test_after_its_answer_the_exchange_accepts_nothing_that_was_not_told_to_be_under_way(
    crowd: World,
) -> None:
    person = crowd.subscriptions[0].follower
    order_ids = crowd.fan_out(crowd.master_trades("buy", "0.01"))
    with ThreadPoolExecutor(WORKERS) as workers:
        placed = [workers.submit(place_one, order_id) for order_id in order_ids]
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while accepted(crowd) < WORKERS and time.monotonic() < give_up_at:
            time.sleep(0.01)
        set_kill_switch(user=person, mode="close_only", now=timezone.now())
        under_way = in_flight(person.pk)
        before = accepted(crowd)
    for one in placed:
        one.result()

    orders = CopyOrder.objects.filter(pk__in=order_ids)
    denied = orders.filter(status="denied", reason_code="kill_switch").count()
    assert 0 < before < COPIES and under_way <= WORKERS
    assert accepted(crowd) <= before + under_way
    # Each was either accepted or denied: none is lost between the two.
    assert (orders.filter(status="filled").count(), denied) == (accepted(crowd), COPIES - accepted(crowd))
    assert denied > 0
