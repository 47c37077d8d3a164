"""How copying ends: leaving with or without selling, the kill switch, a master's cancel."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from exchanges.types import FillReport, OrderReport, Side
from execution import leaving, services
from execution.models import CopyOrder
from execution.placing import Outcome
from execution.reconcile import look_up_due
from execution.services import Request
from execution.settling import settle
from execution.states import Status
from ledger.models import Mark, Position
from risk.services import set_kill_switch
from strategies.models import Signal
from subscriptions.models import Subscription
from tests.execution.world import World, execute, subscribe

pytestmark = pytest.mark.django_db


def leave(subscription: Subscription, positions: str) -> Subscription:
    leaving.leave(subscription=subscription, positions=positions, now=timezone.now())
    subscription.refresh_from_db()
    return subscription


def test_leaving_with_close_sells_what_was_copied_and_then_ends(world: World) -> None:
    world.copy("buy", "0.01")
    subscription = leave(world.subscriptions[0], "close")
    assert subscription.status == "closing"

    execute(leaving.advance(now=timezone.now()).exits)
    leaving.advance(now=timezone.now())

    subscription.refresh_from_db()
    assert subscription.status == "closed"
    assert Position.objects.get(subscription=subscription).held < Decimal("0.00001")
    assert [order["side"] for order in world.venue.audit(world.keys[0])] == ["BUY", "SELL"]


def test_dust_that_cannot_be_sold_does_not_keep_anybody(world: World) -> None:
    world.copy("buy", "0.01")
    Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=Decimal(100000), at=timezone.now())
    Position.objects.filter(subscription=world.subscriptions[0]).update(held=Decimal("0.00002"))
    leave(world.subscriptions[0], "close")
    execute(leaving.advance(now=timezone.now()).exits)
    leaving.advance(now=timezone.now())

    order = CopyOrder.objects.get(origin="closing")
    assert (order.status, order.reason_code) == (Status.SKIPPED, "below_minimum")
    assert Subscription.objects.get(pk=world.subscriptions[0].pk).status == "closed"


def close(subscription: Subscription) -> None:
    """Sell what is held, in as many turns as it takes."""
    execute(leaving.advance(now=timezone.now()).exits)
    leaving.advance(now=timezone.now())
    subscription.refresh_from_db()


def late_fill(order: CopyOrder) -> None:
    """The exchange tells of a purchase that was believed not to be there."""
    fill = FillReport(
        symbol="BTC/USDT",
        venue_order_id="late",
        trade_id="late",
        client_order_id=order.client_order_id,
        side=Side.BUY,
        price=Decimal(100000),
        quantity=Decimal("0.001"),
        fee=Decimal(0),
        fee_asset="USDT",
        at=timezone.now(),
    )
    report = OrderReport(
        client_order_id=order.client_order_id,
        venue_order_id="late",
        symbol="BTC/USDT",
        side=Side.BUY,
        requested=Decimal("0.001"),
        filled=Decimal("0.001"),
        average_price=Decimal(100000),
        is_final=True,
        fills=(fill,),
        at=timezone.now(),
    )
    settle(
        [Outcome(order.pk, order.subscription_id, order.attempt, report, None, timezone.now())],
        now=timezone.now(),
    )


@pytest.fixture
def left(world: World) -> tuple[Subscription, CopyOrder]:
    """A closed copy that sold what it held, and an order of it that ended without a fill."""
    world.copy("buy", "0.01")
    world.venue.fault("reject", endpoint="order", key=world.keys[0], count=1, code=-1013, msg="No.")
    world.copy("buy", "0.01")
    subscription = leave(world.subscriptions[0], "close")
    close(subscription)
    assert subscription.status == "closed"
    return subscription, CopyOrder.objects.get(subscription=subscription, status=Status.REJECTED)


def test_a_fill_after_the_end_reopens_the_copy_and_is_sold_too(
    world: World, left: tuple[Subscription, CopyOrder]
) -> None:
    subscription, order = left
    # This exchange never saw the purchase: its coins come to the account another way.
    world.venue.post("/control/deposit", {"key": world.keys[0], "asset": "BTC", "amount": "0.001"})
    late_fill(order)
    subscription.refresh_from_db()
    assert (subscription.status, subscription.closed_at) == ("closing", None)

    close(subscription)

    assert subscription.status == "closed"
    assert Position.objects.get(subscription=subscription).held < Decimal("0.00001")
    assert [order["side"] for order in world.venue.audit(world.keys[0])] == ["BUY", "SELL", "SELL"]
    late_fill(order)
    subscription.refresh_from_db()
    assert subscription.status == "closed", "known fills reopen nothing"


def test_a_late_fill_is_booked_also_where_the_account_follows_anew(
    world: World, left: tuple[Subscription, CopyOrder]
) -> None:
    subscription, order = left
    subscribe(world, subscription.follower, subscription.exchange_account)
    late_fill(order)

    subscription.refresh_from_db()
    assert subscription.status == "closed"
    assert Position.objects.get(subscription=subscription).held >= Decimal("0.001")


def test_leaving_with_keep_sells_nothing(world: World) -> None:
    world.copy("buy", "0.01")
    assert leave(world.subscriptions[0], "keep").status == "closed"
    assert [order["side"] for order in world.venue.audit(world.keys[0])] == ["BUY"]


def test_somebody_who_is_leaving_buys_nothing_more(world: World) -> None:
    world.copy("buy", "0.01")
    leave(world.subscriptions[0], "close")
    orders = {order.subscription_id: order for order in world.copy("buy", "0.01")}
    order = orders[world.subscriptions[0].pk]
    assert (order.status, order.reason_code) == (Status.SKIPPED, "closing")


@pytest.mark.parametrize(("mode", "exits"), [("close_only", "filled"), ("freeze", "pending")])
def test_the_kill_switch_stops_entries_and_only_a_freeze_stops_exits(
    world: World, mode: str, exits: str
) -> None:
    world.copy("buy", "0.01")
    pending = world.fan_out(world.master_trades("buy", "0.01"))
    person = world.subscriptions[0].follower
    set_kill_switch(user=person, mode=mode, now=timezone.now())
    execute(pending)
    execute(world.fan_out(world.master_trades("sell", "0.02")))

    own = CopyOrder.objects.filter(subscription=world.subscriptions[0]).order_by("pk")
    assert [order.status for order in own] == ["filled", "denied", exits]
    assert own[1].reason_code == "kill_switch"
    others = CopyOrder.objects.exclude(subscription=world.subscriptions[0])
    assert {order.status for order in others} == {"filled"}


def test_exits_that_a_freeze_held_back_are_sold_as_soon_as_it_ends(world: World) -> None:
    world.copy("buy", "0.01")
    person = world.subscriptions[0].follower
    set_kill_switch(user=person, mode="freeze", now=timezone.now())
    execute(world.fan_out(world.master_trades("sell", "0.01")))
    parked = CopyOrder.objects.get(subscription=world.subscriptions[0], kind="exit")
    assert (parked.status, parked.reason_code) == (Status.PENDING, "kill_switch")

    set_kill_switch(user=person, mode="off", now=timezone.now())
    execute(services.release_parked_exits(user_id=person.pk, now=timezone.now()))

    parked.refresh_from_db()
    assert (parked.status, parked.reason_code) == (Status.FILLED, "")
    assert services.release_parked_exits(user_id=person.pk, now=timezone.now()) == []


def request(kind: str = "market", price: str | None = None, amount: str = "0.01") -> Request:
    return Request(
        client_signal_id="one",
        symbol="BTC/USDT",
        side="buy",
        type=kind,
        amount=Decimal(amount),
        price=None if price is None else Decimal(price),
    )


def send(world: World, wanted: Request) -> tuple[Signal, Any]:
    return services.send_signal(strategy=world.strategy, request=wanted, source="api", now=timezone.now())


def test_a_signal_through_the_api_is_placed_on_the_masters_own_account(world: World) -> None:
    signal, order = send(world, request())
    execute([order.pk])

    order.refresh_from_db()
    assert order.status == Status.FILLED
    assert order.client_order_id.startswith("m")
    assert send(world, request()) == (signal, None)


def test_a_resting_signal_is_shown_open_and_can_be_canceled(world: World) -> None:
    signal, order = send(world, request("limit", "90000"))
    execute([order.pk])
    signal.refresh_from_db()
    assert signal.status == Signal.Status.OPEN

    services.cancel_signal(signal=signal, now=timezone.now())
    look_up_due(now=timezone.now())

    order.refresh_from_db()
    signal.refresh_from_db()
    assert (order.status, order.reason_code) == (Status.CANCELED, "canceled_by_master")
    assert signal.status == Signal.Status.CANCELED


def test_a_signal_that_the_exchange_refuses_says_why(world: World) -> None:
    signal, order = send(world, request(amount="1"))
    execute([order.pk])

    signal.refresh_from_db()
    assert signal.status == Signal.Status.REJECTED
    assert "-2010" in signal.reason_text
