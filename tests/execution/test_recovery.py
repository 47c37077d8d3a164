"""Lost answers and dead workers: the venue is asked, never guessed, and nothing is sent twice."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from exchanges import binance, gateway, loop
from execution import claiming, placing
from execution.models import CopyOrder
from execution.placing import Outcome
from execution.reconcile import look_up_due
from execution.settling import settle
from execution.states import Status
from ledger.models import Position, Trade
from subscriptions.models import Subscription
from tests.execution.world import World, execute, look_up_twice

pytestmark = pytest.mark.django_db


def later(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def audits(world: World) -> list[int]:
    return [len(world.venue.audit(key)) for key in world.keys]


@pytest.mark.parametrize("kind", ["drop_after", "reset_after", "cut_short"])
def test_an_answer_lost_after_acceptance_is_adopted_and_never_sent_again(world: World, kind: str) -> None:
    world.venue.fault(kind, endpoint="order")
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    execute(order_ids)
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.UNKNOWN}

    world.venue.ask("DELETE", "/control/faults")
    look_up_due(now=later(2))

    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.FILLED}
    assert audits(world) == [1, 1, 1]
    assert Trade.objects.filter(subscription__isnull=False).count() == 3


def test_an_order_that_the_venue_calls_a_duplicate_is_adopted(world: World) -> None:
    world.venue.fault("drop_after", endpoint="order")
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    execute(order_ids)
    world.venue.ask("DELETE", "/control/faults")
    # As after a restored backup: nothing here knows that they were sent.
    CopyOrder.objects.update(
        status=Status.PENDING, due_at=timezone.now(), look_up_at=None, claimed_at=None, claimed_by=""
    )
    world.venue.fault("reject", endpoint="order", code=-2010, msg="Duplicate order sent.")
    execute(order_ids)
    look_up_due(now=later(2))

    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.FILLED}
    assert audits(world) == [1, 1, 1]
    assert Trade.objects.filter(subscription__isnull=False).count() == 3


def test_a_request_reset_before_acceptance_is_sent_again_only_after_it_was_not_found_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.venue.fault("reset_before", endpoint="order")
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    execute(order_ids)
    world.venue.ask("DELETE", "/control/faults")

    def statuses() -> set[str]:
        return set(CopyOrder.objects.values_list("status", flat=True))

    look_up_due(now=later(2))
    assert statuses() == {Status.UNKNOWN}, "the request could still be accepted"
    CopyOrder.objects.update(claimed_at=timezone.now() - timedelta(seconds=6))
    look_up_due(now=later(10))
    assert statuses() == {Status.UNKNOWN}, "once is not enough"
    look_up_due(now=later(20))
    assert statuses() == {Status.PENDING}
    reserved = Subscription.objects.values_list("reserved", flat=True)
    assert set(reserved) == {0}, "cash is reserved only while an order may spend it"
    CopyOrder.objects.update(due_at=timezone.now())
    ids = {order.pk: order.client_order_id for order in CopyOrder.objects.all()}
    execute(order_ids)

    assert statuses() == {Status.FILLED}
    assert audits(world) == [1, 1, 1]
    assert {world.venue.audit(key)[0]["clientOrderId"] for key in world.keys} == set(ids.values())


def test_an_order_filled_by_a_worker_that_died_is_adopted(world: World) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    claimed = claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send
    for _outcomes in placing.send(claimed):
        pass  # killed before anything was written back

    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.SUBMITTING}
    look_up_due(now=later(7))
    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.FILLED}
    assert audits(world) == [1, 1, 1]


def test_an_outcome_settled_twice_is_booked_once(world: World) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    outcomes: list[Any] = []
    for batch in placing.send(claiming.claim(order_ids, worker="w", now=timezone.now()).to_send):
        outcomes += batch
    settle(outcomes, now=timezone.now())
    cash = list(CopyOrder.objects.values_list("filled_amount", "subscription__cash"))
    settle(outcomes, now=timezone.now())

    assert list(CopyOrder.objects.values_list("filled_amount", "subscription__cash")) == cash
    assert Trade.objects.filter(subscription__isnull=False).count() == 3


def test_a_look_up_that_lags_does_not_make_a_second_order(world: World) -> None:
    world.venue.fault("drop_after", endpoint="order")
    world.venue.fault("lagging_look_up", endpoint="look_up", count=3)
    execute(world.fan_out(world.master_trades("buy", "0.01")))
    CopyOrder.objects.update(claimed_at=timezone.now() - timedelta(seconds=6))
    look_up_due(now=later(2))
    world.venue.ask("DELETE", "/control/faults")
    look_up_due(now=later(10))

    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.FILLED}
    assert audits(world) == [1, 1, 1]


def test_a_retry_that_the_news_of_a_fill_has_overtaken_sends_nothing(world: World) -> None:
    world.venue.fault("drop_after", endpoint="order")
    world.venue.fault("lagging_look_up", endpoint="look_up", seconds=60)
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    execute(order_ids)
    look_up_twice()
    orders = list(CopyOrder.objects.all())
    assert {order.status for order in orders} == {Status.PENDING}, "the exchange denied it: a retry is due"
    world.works_again()
    for order in orders:
        known = gateway.look_up(
            order.exchange_account.open(),
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            since=timezone.now() - timedelta(minutes=1),
        )
        news = Outcome(order.pk, order.subscription_id, order.attempt, loop.run(known, 10), None, later(0))
        settle([news], now=timezone.now())

    assert claiming.claim(order_ids, worker="retry", now=timezone.now()).to_send == []
    assert set(CopyOrder.objects.values_list("status", "attempt")) == {(Status.FILLED, 1)}
    assert audits(world) == [1, 1, 1]


@pytest.mark.parametrize("word", ["FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"])
def test_a_part_filled_is_booked_and_the_rest_canceled_whatever_the_venue_calls_it(
    world: World, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    world.venue.fault("partial_fill", endpoint="order", fraction="0.4")
    placed = binance.placed
    monkeypatch.setattr(
        binance, "placed", lambda answer, request: placed({**answer, "status": word}, request)
    )

    for order, key in zip(world.copy("buy", "0.05"), world.keys, strict=True):
        filled = Decimal(world.venue.audit(key)[0]["executed"])
        assert (order.status, order.filled_amount) == (Status.CANCELED, filled)
        assert 0 < filled < (order.requested_amount or 0) / 2
        position = Position.objects.get(subscription=order.subscription_id)
        assert position.held == filled * Decimal("0.999"), "less the fee in the coin"
        assert position.target - position.held < Decimal("0.00001"), "what was not filled is not chased"


def test_an_exit_waits_for_the_entry_in_flight_and_ends_flat(world: World) -> None:
    entries = world.fan_out(world.master_trades("buy", "0.01"))
    claimed = claiming.claim(entries, worker="w", now=timezone.now()).to_send
    exits = world.fan_out(world.master_trades("sell", "0.01"))
    assert claiming.claim(exits, worker="w", now=timezone.now()).to_send == []

    released: list[int] = []
    for outcomes in placing.send(claimed):
        released += settle(outcomes, now=timezone.now()).exits
    assert sorted(released) == sorted(exits)
    execute(released)

    assert set(CopyOrder.objects.values_list("status", flat=True)) == {Status.FILLED}
    assert audits(world) == [2, 2, 2]


def test_the_rest_of_a_half_filled_exit_is_sold_by_a_further_part(world: World) -> None:
    world.copy("buy", "0.05")
    world.venue.fault("expire_half", endpoint="order", side="SELL", count=3)
    order_ids = world.fan_out(world.master_trades("sell", "0.05"))
    work = execute(order_ids)
    parts = execute(work.exits)

    assert parts.exits == []
    last = CopyOrder.objects.filter(kind="exit").order_by("subscription_id", "part")
    assert [(order.part, order.status) for order in last] == [(1, "canceled"), (2, "filled")] * 3


def test_an_order_that_was_given_up_and_still_fills_is_asked_about_until_its_fills_are_booked(
    world: World,
) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    world.venue.fault("drop_after", endpoint="order")
    execute(order_ids)
    world.venue.ask("DELETE", "/control/faults")
    CopyOrder.objects.update(status=Status.CANCELED, finished_at=timezone.now(), look_up_at=timezone.now())
    look_up_due(now=later(2))

    assert set(CopyOrder.objects.values_list("status", "look_up_at")) == {(Status.FILLED, None)}
    assert Trade.objects.filter(subscription__isnull=False).count() == 3
