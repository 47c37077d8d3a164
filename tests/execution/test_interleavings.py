"""Steps that meet in an unlucky order: whichever comes first, the books end where the master's trades say."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from execution import claiming, leaving, reconcile, tasks
from execution.models import CopyOrder
from execution.states import Status
from ledger.models import Mark, Position
from risk.models import RiskLimits
from strategies.models import Signal
from subscriptions import ending
from subscriptions.models import Subscription
from tests import factories
from tests.execution.world import (
    NOBODY_LISTENS,
    World,
    change_account,
    come_due,
    die_after_sending,
    execute,
    look_up_twice,
    status_of,
)
from wallets.models import ExchangeAccount

DUST = Decimal("0.00001")


def mark(price: str) -> None:
    Mark.objects.update_or_create(
        exchange="paper", symbol="BTC/USDT", defaults={"price": Decimal(price), "at": timezone.now()}
    )


# --- Exits and the entries that they close ----------------------------------------------------------


@pytest.mark.django_db
def test_an_exit_waits_until_the_entries_it_closes_are_written(world: World) -> None:
    bought = world.master_trades("buy", "0.01")
    sold = world.master_trades("sell", "0.01")
    execute(world.fan_out(sold))
    execute(world.fan_out(bought))

    assert [len(world.orders(signal)) for signal in (bought, sold)] == [3, 3]
    assert max(world.held(), default=Decimal(0)) < DUST
    assert {status_of(bought), status_of(sold)} == {Signal.Status.DONE}


@pytest.mark.django_db
def test_an_exit_goes_on_when_the_entry_before_it_ends_at_its_claim(world: World) -> None:
    world.copy("buy", "0.01")
    entries = world.fan_out(world.master_trades("buy", "0.01"))
    exits = world.fan_out(world.master_trades("sell", "0.01"))
    assert claiming.claim(exits, worker="w", now=timezone.now()).to_send == []

    CopyOrder.objects.filter(pk__in=entries).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sorted(execute(entries).exits) == sorted(exits)


@pytest.mark.django_db
def test_exits_that_cannot_go_yet_take_no_place_from_those_that_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_send", lambda task, arguments, queue: None)
    monkeypatch.setattr(tasks, "SWEEP_MOST", 2)
    world.copy("buy", "0.01")
    entries = world.fan_out(world.master_trades("buy", "0.01"))
    claiming.claim(entries[:2], worker="dead", now=timezone.now())
    free = CopyOrder.objects.get(pk=entries[2]).subscription_id
    CopyOrder.objects.filter(pk=entries[2]).update(status=Status.SKIPPED, reason_code="paused")
    exits = CopyOrder.objects.filter(pk__in=world.fan_out(world.master_trades("sell", "0.02")))
    exits.update(due_at=timezone.now() - timedelta(seconds=20))
    exits.filter(subscription=free).update(due_at=timezone.now() - timedelta(seconds=10))
    tasks.sweep()

    assert {row.status for row in exits.filter(subscription=free)} == {Status.FILLED}
    assert {row.status for row in exits.exclude(subscription=free)} == {Status.PENDING}


@pytest.mark.django_db
def test_an_exit_waits_for_keys_that_work_and_then_sells(world: World) -> None:
    world.copy("buy", "0.01")
    account_id = world.subscriptions[0].exchange_account_id
    change_account(account_id, status=ExchangeAccount.Status.INVALID)
    (waiting, *_others) = world.copy("sell", "0.01")
    assert (waiting.status, waiting.reason_code) == (Status.PENDING, "account_invalid")

    change_account(account_id, status=ExchangeAccount.Status.ACTIVE)
    come_due()
    execute([waiting.pk])
    assert max(world.held()) < DUST


@pytest.mark.django_db
def test_an_exit_that_the_market_has_made_too_small_ends_and_holds_up_nothing(world: World) -> None:
    world.copy("buy", "0.001")
    mark("40000")
    world.venue.fault("reject", endpoint="order", side="SELL", code=-1013, msg="Filter failure: NOTIONAL")
    orders = world.copy("sell", "0.001")
    come_due()
    execute([order.pk for order in orders])

    ended = CopyOrder.objects.filter(signal=orders[0].signal)
    assert {(order.status, order.reason_code) for order in ended} == {(Status.SKIPPED, "below_minimum")}
    assert {order.status for order in world.copy("buy", "0.01")} == {Status.FILLED}


@pytest.mark.django_db
def test_an_exit_for_which_coins_are_missing_sells_what_is_there(world: World) -> None:
    world.copy("buy", "0.01")
    world.venue.post("/control/withdraw", {"key": world.keys[0], "asset": "BTC", "amount": "0.0005"})
    signal = world.master_trades("sell", "0.01")
    work = execute(world.fan_out(signal))
    short, *_others = world.orders(signal)
    assert work.short == [short.pk]
    reconcile.cap_exits(work.short, now=timezone.now())
    execute(work.short)

    short.refresh_from_db()
    assert short.status == Status.FILLED
    assert Decimal("0.0003") < short.filled_amount < Decimal("0.0005")


@pytest.mark.django_db
def test_an_order_that_the_exchange_may_have_forgotten_is_not_sent_again(world: World) -> None:
    world.copy("buy", "0.05")
    exits = world.fan_out(world.master_trades("sell", "0.02"))
    die_after_sending(exits)
    world.venue.fault("lagging_look_up", endpoint="look_up", seconds=60)
    look_up_twice(claimed_ago=timedelta(days=120))
    execute(exits)

    assert world.sent() == ["BUY", "SELL"]
    reasons = CopyOrder.objects.filter(pk__in=exits).values_list("status", "reason_code")
    assert set(reasons) == {(Status.SUBMITTING, "outcome_unknown")}


# --- Cash and targets -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_order_that_is_sent_again_is_neither_cut_by_its_own_cash_nor_keeps_it(world: World) -> None:
    world.venue.fault("reset_before", endpoint="order")
    signal = world.master_trades("buy", "0.08")
    order_ids = world.fan_out(signal)
    execute(order_ids)
    before = [order.requested_amount for order in world.orders(signal)]
    world.works_again()
    look_up_twice()
    execute(order_ids)

    orders = world.orders(signal)
    assert {order.status for order in orders} == {Status.FILLED}
    assert [order.requested_amount for order in orders] == before
    assert set(Subscription.objects.values_list("reserved", flat=True)) == {0}


@pytest.mark.django_db
def test_a_second_attempt_that_is_cut_takes_nothing_off_what_is_held(world: World) -> None:
    world.copy("buy", "0.04")
    subscription = world.subscriptions[0]
    change_account(subscription.exchange_account_id, proxy_url=NOBODY_LISTENS)
    signal = world.master_trades("buy", "0.02")
    order_ids = world.fan_out(signal)
    execute(order_ids)
    assert world.orders(signal)[0].status == Status.PENDING

    change_account(subscription.exchange_account_id, proxy_url="")
    Subscription.objects.filter(pk=subscription.pk).update(cash=1)
    come_due()
    execute(order_ids)
    order, position = world.orders(signal)[0], Position.objects.get(subscription=subscription)
    assert (order.status, order.reason_code) == (Status.SKIPPED, "allocation_used")
    assert position.target == position.held


@pytest.mark.django_db
def test_what_was_carried_into_an_order_counts_towards_its_limit(world: World) -> None:
    world.copy("buy", "0.0004")
    RiskLimits.objects.create(user=world.subscriptions[0].follower, max_order_notional=Decimal(20))
    denied, *others = world.copy("buy", "0.0019")

    assert (denied.status, denied.reason_code) == (Status.DENIED, "max_order_notional")
    assert {order.status for order in others} == {Status.FILLED}


# --- What becomes of the signal ---------------------------------------------------------------------


@pytest.mark.django_db
def test_a_signal_is_done_when_all_its_orders_end_before_they_leave(world: World) -> None:
    signal = world.master_trades("buy", "0.00001")
    execute(world.fan_out(signal))
    assert status_of(signal) == Signal.Status.DONE


@pytest.mark.django_db
def test_a_signal_that_an_exit_overtook_is_done(world: World) -> None:
    bought = world.master_trades("buy", "0.01")
    world.fan_out(bought)
    execute(world.fan_out(world.master_trades("sell", "0.01")))

    assert {order.reason_code for order in world.orders(bought)} == {"overtaken_by_exit"}
    assert status_of(bought) == Signal.Status.DONE


# --- Leaving ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_leaving_goes_on_until_what_was_sold_in_part_is_sold(world: World) -> None:
    world.copy("buy", "0.05")
    mark("100000")
    subscription = world.subscriptions[0]
    leaving.leave(subscription=subscription, positions="close", now=timezone.now())
    world.venue.fault("expire_half", endpoint="order", side="SELL", count=1)
    order_ids = leaving.advance(now=timezone.now()).exits
    while order_ids:
        order_ids = execute(order_ids).exits
    leaving.advance(now=timezone.now())

    subscription.refresh_from_db()
    assert (world.sent(), subscription.status) == (["BUY", "SELL", "SELL"], "closed")
    assert world.held()[0] < DUST


@pytest.mark.django_db(transaction=True)
def test_two_people_leave_the_same_strategies_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = factories.StrategyFactory.create_batch(2)
    people = factories.UserFactory.create_batch(2)
    for person, strategies in zip(people, ((first, second), (second, first)), strict=True):
        for strategy in strategies:
            factories.SubscriptionFactory.create(follower=person, strategy=strategy)
    both, met, end = threading.Barrier(2, timeout=10), threading.local(), ending.end

    def end_one_and_wait_for_the_other(**arguments: Any) -> None:
        end(**arguments)
        if not hasattr(met, "other"):
            met.other = both.wait()

    monkeypatch.setattr(leaving, "end", end_one_and_wait_for_the_other)

    def leave(person: Any) -> None:
        try:
            leaving.leave_all(follower=person, positions="keep", now=timezone.now())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=leave, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Subscription.objects.values_list("status", flat=True)) == {"closed"}
