"""One account, follower, venue or symbol with which nothing can be done: all the others go on."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from exchanges import gateway
from exchanges.types import Credentials
from execution import leases, master_feed, reconcile
from execution.models import MasterFeed
from execution.states import Status
from strategies.models import Signal
from subscriptions.models import Subscription
from tests.execution.conftest import reach
from tests.execution.world import (
    NOBODY_LISTENS,
    World,
    change_account,
    come_due,
    die_after_sending,
    execute,
    look_up_twice,
)
from tests.paper_exchange.venue_process import PaperExchange
from wallets import vault
from wallets.models import ExchangeAccount

pytestmark = pytest.mark.django_db

SEALED_UNDER_NO_KEY = "deadbeef.AAAA"


@pytest.fixture
def silent_venue(venue: PaperExchange) -> Iterator[str]:
    """An exchange at which nobody answers, and whose rules were never read."""
    gateway.configure(url_overrides={"kraken": NOBODY_LISTENS}, paper_exchange_url=venue.address)
    yield "kraken"
    reach(venue)


def change_first_account(world: World, **values: Any) -> None:
    """The account of the first follower."""
    change_account(world.subscriptions[0].exchange_account_id, **values)


@pytest.mark.parametrize("sealed", [SEALED_UNDER_NO_KEY, "of another", "cut short", "no base64"])
def test_keys_that_cannot_be_opened_keep_no_other_order_waiting(world: World, sealed: str) -> None:
    whole = vault.seal(Credentials("key", "secret"), owner="another")
    sealed = {"of another": whole, "cut short": whole[:13], "no base64": whole[:14]}.get(sealed, sealed)
    change_first_account(world, sealed_credentials=sealed)
    first, *others = world.copy("buy", "0.01")

    assert (first.status, first.reason_code) == (Status.SKIPPED, "account_invalid")
    assert [order.status for order in others] == [Status.FILLED] * 2
    assert ExchangeAccount.objects.get(status="invalid").pk == first.exchange_account_id


def test_keys_that_cannot_be_opened_keep_no_other_order_from_being_looked_up(world: World) -> None:
    signal = world.master_trades("buy", "0.01")
    die_after_sending(world.fan_out(signal))
    change_first_account(world, sealed_credentials=SEALED_UNDER_NO_KEY)
    look_up_twice()

    assert [order.status for order in world.orders(signal)] == [Status.SUBMITTING] + [Status.FILLED] * 2


@pytest.mark.parametrize("mode", ["multiplier", "fixed_notional"])
def test_a_share_beyond_all_reason_keeps_nobody_else_from_copying(world: World, mode: str) -> None:
    absurd = {"sizing_mode": mode, "sizing_value": Decimal("999999999999999999")}
    Subscription.objects.filter(pk=world.subscriptions[0].pk).update(**absurd)
    world.venue.set_price("ETHUSDT", "0.01")
    orders = world.copy("buy", "10000", price="0.01", symbol="ETH/USDT")

    assert [order.attempt for order in orders] == [1, 1, 1], "everybody's order has left"
    assert (orders[0].requested_amount or 0) * Decimal("0.01") <= world.subscriptions[0].allocation


def test_a_silent_venue_keeps_nobody_else_from_copying(world: World, silent_venue: str) -> None:
    change_first_account(world, exchange=silent_venue)
    first, *others = world.copy("buy", "0.01")

    assert (first.status, first.reason_code) == (Status.SKIPPED, "venue_unavailable")
    assert [order.status for order in others] == [Status.FILLED] * 2


def test_an_exit_waits_for_a_silent_venue_and_the_others_are_sold(world: World, silent_venue: str) -> None:
    world.copy("buy", "0.01")
    change_first_account(world, exchange=silent_venue)
    signal = world.master_trades("sell", "0.01")
    execute(world.fan_out(signal))
    assert [order.status for order in world.orders(signal)] == [Status.PENDING] + [Status.FILLED] * 2

    change_first_account(world, exchange="paper")
    come_due()
    execute([world.orders(signal)[0].pk])
    assert world.orders(signal)[0].status == Status.FILLED


def test_one_slow_answer_does_not_lose_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = world.master_trades("buy", "0.01")
    die_after_sending(world.fan_out(signal))
    world.venue.fault("hold", endpoint="look_up", key=world.keys[0], seconds=2)
    monkeypatch.setattr(reconcile, "LOOK_UP_LIMIT_SECONDS", 0.5)
    look_up_twice()

    assert [order.status for order in world.orders(signal)] == [Status.SUBMITTING] + [Status.FILLED] * 2


def test_a_symbol_that_is_not_listed_hides_no_trade_of_the_others(world: World) -> None:
    watch = world.watch()
    watch.strategies = {"GONE/USDT": world.strategy.pk} | watch.strategies
    world.master_trades_by_hand("buy", "0.01")
    master_feed._back_fill(watch, world.strategy.exchange_account.open())

    assert Signal.objects.get().symbol == "BTC/USDT"
    assert MasterFeed.objects.get().filled_until > watch.started_at, "it is not asked for over and over"


def test_a_master_who_could_not_be_reached_is_watched_on(world: World) -> None:
    account = ExchangeAccount.objects.filter(pk=world.strategy.exchange_account_id)
    account.update(status=ExchangeAccount.Status.UNREACHABLE)
    assert list(leases.accounts_to_watch()) == [world.strategy.exchange_account_id]
    account.update(status=ExchangeAccount.Status.INVALID)
    assert not leases.accounts_to_watch()
