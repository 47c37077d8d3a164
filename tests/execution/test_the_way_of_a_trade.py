"""From a master's fill to every follower's books, on the paper exchange."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from execution import slices
from execution.fan_out import write_slice
from execution.models import CopyOrder, FanOutSlice
from execution.states import Status
from ledger.models import Fill, Position, Posting, Trade
from strategies.models import Signal
from subscriptions.models import Subscription
from tests.execution.world import World, build, execute
from tests.paper_exchange.venue_process import PaperExchange

pytestmark = pytest.mark.django_db


def test_a_masters_buy_reaches_every_follower_and_is_in_the_books(world: World) -> None:
    orders = world.copy("buy", "0.01")

    assert [order.status for order in orders] == [Status.FILLED] * 3
    for key, order, subscription in zip(world.keys, orders, world.subscriptions, strict=True):
        (placed,) = world.venue.audit(key)
        assert placed["clientOrderId"] == order.client_order_id
        trade = Trade.objects.get(subscription=subscription)
        assert trade.quantity == order.filled_amount == Decimal("0.00099")
        position = Position.objects.get(subscription=subscription)
        assert position.held == trade.quantity - trade.fee
        # What the lot step cut off is carried.
        assert 0 <= position.target - position.held < Decimal("0.00001")
        subscription.refresh_from_db()
        assert subscription.cash == Decimal(1000) - trade.cost
        assert subscription.reserved == 0


def test_a_full_exit_leaves_nothing_but_dust(world: World) -> None:
    world.copy("buy", "0.01")
    orders = world.copy("sell", "0.01")

    assert {order.status for order in orders} == {Status.FILLED}
    for position in Position.objects.filter(subscription__isnull=False):
        assert position.target == 0
        assert position.held < Decimal("0.00001")


def test_half_an_exit_sells_half(world: World) -> None:
    world.copy("buy", "0.02")
    before = Position.objects.get(subscription=world.subscriptions[0]).held
    world.copy("sell", "0.01")

    after = Position.objects.get(subscription=world.subscriptions[0]).held
    assert abs(after - before / 2) <= Decimal("0.00001")


def test_the_same_fill_twice_is_one_signal(world: World) -> None:
    world.copy("buy", "0.01", trade_id="7", order_id="same")
    with pytest.raises(AssertionError):
        world.master_trades("buy", "0.01", trade_id="7", order_id="same")

    assert Signal.objects.count() == 1
    assert Trade.objects.filter(subscription=None).count() == 1


def test_trade_ids_that_repeat_across_symbols_are_two_trades(world: World) -> None:
    world.master_trades("buy", "0.01", symbol="BTC/USDT", trade_id="748", order_id="1")
    world.master_trades("buy", "0.1", price="4000", symbol="ETH/USDT", trade_id="748", order_id="1")

    assert Fill.objects.filter(trade_id="748").count() == 2


def test_a_batch_delivered_twice_places_each_order_once(world: World) -> None:
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    execute(order_ids)
    execute(order_ids)

    assert [len(world.venue.audit(key)) for key in world.keys] == [1, 1, 1]


def test_a_fan_out_that_died_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.slices.FIRST_SLICE", 2)
    monkeypatch.setattr("execution.slices.ROTATION", 0)
    signal = world.master_trades("buy", "0.01")
    (first,) = slices.plan(signal.pk, now=timezone.now()).slice_ids
    assert len(write_slice(first, now=timezone.now()).order_ids) == 2
    slices.plan(signal.pk, now=timezone.now())
    world.fan_out(signal)

    owners = CopyOrder.objects.filter(signal=signal).values_list("subscription_id", flat=True)
    assert sorted(owners) == [subscription.pk for subscription in world.subscriptions]


def test_who_is_below_the_start_is_handed_out_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.slices.FIRST_SLICE", 2)
    monkeypatch.setattr("execution.slices.ROTATION", 1)
    world.copy("buy", "0.01")
    signal = world.master_trades("buy", "0.01")

    plan = slices.plan(signal.pk, now=timezone.now())
    assert plan.is_complete
    assert len(plan.slice_ids) == 2


@pytest.mark.parametrize("number", range(8))
def test_wherever_the_round_begins_everybody_gets_one_order(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("execution.slices.FIRST_SLICE", 1)
    monkeypatch.setattr("execution.slices.SLICE", 1)
    monkeypatch.setattr("execution.slices.ROTATION", number)
    signal = world.master_trades("buy", "0.01")

    assert len(world.fan_out(signal)) == 3


@pytest.mark.parametrize(
    ("side", "age_seconds", "holds_up"),
    [("buy", 10, True), ("buy", 3600, False), ("sell", 10, True), ("sell", 3600, True)],
)
def test_an_earlier_signal_is_written_first_unless_nobody_buys_it_any_more(
    world: World, side: str, age_seconds: int, holds_up: bool
) -> None:
    world.copy("buy", "0.02")
    earlier = world.master_trades(side, "0.01", at=timezone.now() - timedelta(seconds=age_seconds))
    later = world.master_trades("buy", "0.01")

    plan = slices.plan(later.pk, now=timezone.now())
    assert plan.is_complete != holds_up
    written = set(FanOutSlice.objects.filter(pk__in=plan.slice_ids).values_list("signal_id", flat=True))
    assert written == {earlier.pk if holds_up else later.pk}


def test_what_is_written_for_everybody_begins_no_later_signal(world: World) -> None:
    earlier, later = world.master_trades("buy", "0.01"), world.master_trades("buy", "0.01")
    world.fan_out(earlier)

    plan = slices.plan(earlier.pk, now=timezone.now())
    assert (plan.slice_ids, plan.is_complete) == ([], True)
    assert not FanOutSlice.objects.filter(signal=later).exists()


def test_a_paused_follower_is_accounted_for_and_still_follows_exits(world: World) -> None:
    world.copy("buy", "0.01")
    paused = world.subscriptions[0]
    Subscription.objects.filter(pk=paused.pk).update(status="paused")

    bought = {order.subscription_id: order for order in world.copy("buy", "0.01")}
    assert bought[paused.pk].status == Status.SKIPPED
    assert bought[paused.pk].reason_code == "paused"
    sold = {order.subscription_id: order for order in world.copy("sell", "0.02")}
    assert sold[paused.pk].status == Status.FILLED


def test_what_is_too_small_is_carried_into_the_next_trade(db: None, venue: PaperExchange) -> None:
    world = build(venue, followers=1, allocation="100")
    first = world.copy("buy", "0.003")  # 3 % of 100 USDT: below 5
    assert (first[0].status, first[0].reason_code) == (Status.SKIPPED, "below_minimum")
    second = world.copy("buy", "0.003")

    assert second[0].status == Status.FILLED
    assert second[0].filled_amount == Decimal("0.00005")


def test_an_entry_beyond_the_slippage_bound_is_canceled_and_not_chased(world: World) -> None:
    world.venue.set_price("BTCUSDT", "101000")
    orders = world.copy("buy", "0.01", "100000")

    assert {(order.status, order.reason_code) for order in orders} == {(Status.CANCELED, "beyond_slippage")}
    targets = Position.objects.filter(subscription__isnull=False).values_list("target", flat=True)
    assert max(targets) < Decimal("0.00001")


def test_an_entry_never_spends_more_than_the_allocation(db: None, venue: PaperExchange) -> None:
    world = build(venue, followers=1, sizing_value=Decimal(3))
    world.copy("buy", "0.05")  # 50 % × 3 of 1000 USDT
    subscription = Subscription.objects.get()
    assert 0 <= subscription.cash < 10
    last = world.copy("buy", "0.05")
    assert (last[0].status, last[0].reason_code) == (Status.SKIPPED, "allocation_used")


def test_an_old_entry_is_skipped_and_an_old_exit_is_not(world: World) -> None:
    world.copy("buy", "0.01")
    old = timezone.now() - timedelta(minutes=5)
    entries = world.copy("buy", "0.01", at=old)
    exits = world.copy("sell", "0.02", at=old)

    assert {order.reason_code for order in entries} == {"signal_too_old"}
    assert {order.status for order in exits} == {Status.FILLED}


def test_the_books_balance_per_asset(world: World) -> None:
    world.copy("buy", "0.01")
    world.copy("sell", "0.004")
    held: dict[tuple[str, str], Decimal] = {}
    for posting in Posting.objects.all():
        held[posting.source, posting.asset] = (
            held.get((posting.source, posting.asset), Decimal(0)) - posting.amount
        )
        key = (posting.destination, posting.asset)
        held[key] = held.get(key, Decimal(0)) + posting.amount

    for position in Position.objects.filter(subscription__isnull=False):
        assert held[f"subscription:{position.subscription_id}:position", "BTC"] == position.held
