"""What all copies of a signal buy together is a small part of what a venue trades of the coin in a day."""

from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
from django.utils import timezone

from execution import guard, thin, wishes
from execution.preview import preview_signal
from execution.services import Request
from ledger.models import Mark
from records.bulk import select
from subscriptions.models import Subscription
from subscriptions.sizing import FollowerSettings, MasterFill, size_entry
from tests.execution.world import World
from wallets.models import ExchangeAccount

pytestmark = pytest.mark.django_db


def traded_in_a_day(volume: str | None, symbol: str = "BTC/USDT", minutes_ago: int = 0) -> None:
    Mark.objects.create(
        exchange="paper",
        symbol=symbol,
        price=Decimal(100_000),
        quote_volume_24h=volume and Decimal(volume),
        at=timezone.now() - timedelta(minutes=minutes_ago),
    )


def test_a_thin_coin_is_cut_for_all_alike_and_each_order_tells_it(world: World) -> None:
    # Each of the three wants 100 USDT, and 1 % of 15000 is 150.
    traded_in_a_day("15000")
    orders = world.copy("buy", "0.01")
    assert {order.filled_amount for order in orders} == {Decimal("0.00049")}
    for order in orders:
        (step,) = [step for step in order.sizing if step.get("cut")]
        assert (step["cut"], step["label"], step["result"]) == ("thin_coin", "Thin coin", "0.0004985")
    assert orders[0].signal is not None and orders[0].signal.thin_shares == {"paper": "0.5"}
    # What was cut off is not bought with the next trade.
    Mark.objects.update(quote_volume_24h=None)
    assert {order.filled_amount for order in world.copy("buy", "0.001")} == {Decimal("0.0001")}


@pytest.mark.parametrize(
    ("volume", "minutes_ago"), [("30000", 0), (None, 0), ("1", 61)], ids=["enough", "not told", "old"]
)
def test_a_coin_that_is_not_known_to_be_thin_is_not_cut(
    world: World, volume: str | None, minutes_ago: int
) -> None:
    traded_in_a_day(volume, minutes_ago=minutes_ago)
    orders = world.copy("buy", "0.01")
    assert {order.filled_amount for order in orders} == {Decimal("0.00099")}
    assert orders[0].signal is not None and orders[0].signal.thin_shares == {}


def test_an_exit_of_a_thin_coin_is_never_cut(world: World) -> None:
    world.copy("buy", "0.01")
    traded_in_a_day("1")
    world.copy("sell", "0.01")
    assert max(world.held()) < Decimal("0.00001")


def test_what_counts_is_what_sizing_gives_each_and_no_more_than_they_have(world: World) -> None:
    terms = [("multiplier", "0.02"), ("fixed_notional", "40"), ("proportional", "3")]
    for subscription, (mode, value) in zip(world.subscriptions, terms, strict=True):
        Subscription.objects.filter(pk=subscription.pk).update(sizing_mode=mode, sizing_value=value)
    # The third wants 300 and has 250 left; who is paused wants nothing.
    Subscription.objects.filter(pk=world.subscriptions[2].pk).update(cash=300, reserved=50)
    signal = world.master_trades("buy", "0.01")
    signal.order_amount = Decimal("0.02")
    master = MasterFill(signal.amount, Decimal(100_000), Decimal(10_000), signal.order_amount)
    wishes = []
    for mode, value in terms:
        settings = FollowerSettings(mode, Decimal(value), Decimal(1000), Decimal(0))
        sized = size_entry(master, settings, bound=Decimal(100_000), quote="USDT")
        wishes.append((sized.amount or Decimal(0)) * 100_000)
    assert wishes == [20, 20, 300]
    traded_in_a_day("14500")
    assert thin.shares_of(signal, now=timezone.now()) == {"paper": "0.5"}
    Subscription.objects.filter(pk=world.subscriptions[2].pk).update(status="paused")
    assert thin.shares_of(signal, now=timezone.now()) == {}


def test_the_preview_of_a_signal_tells_the_same_cut(world: World) -> None:
    ExchangeAccount.objects.filter(pk=world.strategy.exchange_account_id).update(equity=10_000)
    world.strategy.refresh_from_db()
    traded_in_a_day("15000")
    asked = Request(
        client_signal_id="", symbol="BTC/USDT", side="buy", type="market", amount=Decimal("0.01"), price=None
    )
    told = preview_signal(strategy=world.strategy, request=asked, now=timezone.now())
    assert (told.cut, told.amount) == ({"thin_coin": 3}, Decimal("0.00147"))
    assert sum(order.filled_amount for order in world.copy("buy", "0.01")) == told.amount


def test_the_volume_of_what_may_be_bought_is_read_before_anybody_holds_it(world: World) -> None:
    now = timezone.now()
    assert guard.read_marks(now=now) == 3
    volumes = dict(Mark.objects.values_list("symbol", "quote_volume_24h"))
    assert set(volumes) == set(world.strategy.symbols)
    assert all(volume and volume > 1_000_000 for volume in volumes.values())
    # It changes slowly: nobody asks again at once.
    assert guard.read_marks(now=now + timedelta(minutes=9)) == 0
    assert guard.read_marks(now=now + timedelta(minutes=11)) == 3


# --- What all wish for together is kept, so that a signal waits for no sum ------------------------------


@pytest.fixture
def kept(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three copies, one of each kind of sizing: they wish for 20, 40 and 300 USDT of a signal of 1,000."""
    monkeypatch.setattr(wishes, "MANY", 3)
    terms = [("multiplier", "0.02"), ("fixed_notional", "40"), ("proportional", "3")]
    for subscription, (mode, value) in zip(world.subscriptions, terms, strict=True):
        Subscription.objects.filter(pk=subscription.pk).update(sizing_mode=mode, sizing_value=value)
    assert wishes.keep(now=timezone.now()) == 1
    return world


def asked(world: World, *, at: datetime) -> bool:
    """Whether the wishes were summed up one by one for the master's next signal."""
    signal = world.master_trades("buy", "0.01")
    with patch.object(thin, "select", wraps=select) as summed_up:
        thin.shares_of(signal, now=at)
    return any(call.args[0] == thin._WISHES for call in summed_up.call_args_list)


def test_where_twice_what_is_kept_is_within_the_volume_nothing_is_summed_up(kept: World) -> None:
    now = timezone.now()
    traded_in_a_day("72000")
    assert not asked(kept, at=now)
    Mark.objects.update(quote_volume_24h=71_999)
    assert asked(kept, at=now)


def test_what_was_kept_too_long_ago_or_of_few_counts_for_nothing(
    kept: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    traded_in_a_day("1000000")
    now = timezone.now()
    assert not asked(kept, at=now + timedelta(minutes=14))
    assert asked(kept, at=now + timedelta(minutes=16))
    monkeypatch.setattr(wishes, "MANY", 4)
    assert wishes.keep(now=timezone.now()) == 0
    assert asked(kept, at=now)
