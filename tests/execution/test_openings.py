"""What a master holds already: opened by an explicit choice alone, once, at today's prices, within limits."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from execution import guard, leaving, openings, orders
from execution.explain import reason_sentence
from execution.models import CopyOrder
from ledger.models import Mark, Position
from rest.errors import Conflict
from risk.models import RiskLimits
from strategies.models import PerformanceSnapshot, Strategy
from subscriptions import services
from subscriptions.models import Opening, Subscription
from tests.execution.world import World, execute

pytestmark = pytest.mark.django_db


@pytest.fixture
def joined(world: World) -> Subscription:
    """The master holds 0.01 BTC, a tenth of 10,000 USDT; the first follower came afterwards with 1,000."""
    world.master_trades("buy", "0.01")
    world.strategy.refresh_from_db()
    Subscription.objects.update(starts_after_number=world.strategy.last_signal_number)
    priced()
    PerformanceSnapshot.objects.create(strategy=world.strategy, at=timezone.now(), equity=Decimal(10_000))
    return Subscription.objects.get(pk=world.subscriptions[0].pk)


def priced(price: int = 100_000, seconds_ago: float = 0) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Mark.objects.update_or_create(exchange="paper", symbol="BTC/USDT", defaults={"price": price, "at": at})


def ask(copy: Subscription, *, seconds_ago: float = 0) -> None:
    services.open_positions(subscription=copy, now=timezone.now() - timedelta(seconds=seconds_ago))


def sweep() -> None:
    for opening_id in openings.asked():
        execute(openings.write(opening_id, now=timezone.now()).entries)


def opened() -> list[tuple[str, str]]:
    rows = CopyOrder.objects.filter(origin="opening").order_by("pk")
    return list(rows.values_list("status", "reason_code"))


def held(copy: Subscription) -> Decimal:
    row = Position.objects.filter(subscription=copy, symbol="BTC/USDT").first()
    return row.held if row else Decimal(0)


def test_nothing_is_opened_unless_asked_for(joined: Subscription) -> None:
    sweep()
    assert opened() == []


def test_the_share_is_of_the_followers_own_money_at_todays_price(world: World, joined: Subscription) -> None:
    priced(110_000)
    world.venue.set_price("BTCUSDT", "110000")
    ask(joined)
    sweep()
    order = CopyOrder.objects.get(origin="opening")
    # 0.01 BTC are 1,100 of 10,000 USDT; of 1,000 that is 110, at 110,000 and 30 bps.
    assert (order.status, order.price) == ("filled", Decimal(110_330))
    assert order.requested_amount == Decimal("0.00099")
    assert order.expires_at
    assert (order.master_price, order.signal_id) == (None, None)
    assert not Opening.objects.exists()


@pytest.mark.parametrize(
    ("terms", "amount"),
    [
        ({"sizing_mode": "multiplier", "sizing_value": Decimal("0.5")}, "0.005"),
        ({"sizing_mode": "fixed_notional", "sizing_value": Decimal(200)}, "0.00199"),
        ({"realised_pnl": Decimal(-500)}, "0.00049"),
        ({"sizing_value": Decimal(2), "max_slippage_bps": 0}, "0.002"),
    ],
)
def test_each_way_of_sizing_keeps_its_rule(joined: Subscription, terms: dict[str, Any], amount: str) -> None:
    Subscription.objects.filter(pk=joined.pk).update(**terms)
    ask(joined)
    sweep()
    assert CopyOrder.objects.get(origin="opening").requested_amount == Decimal(amount)


def test_asked_twice_it_is_opened_once(world: World, joined: Subscription) -> None:
    ask(joined)
    ask(joined)
    sweep()
    priced(120_000)
    ask(joined)
    sweep()
    assert opened() == [("filled", "")]
    assert world.sent() == ["BUY"]
    assert not Opening.objects.exists()


def test_a_worker_killed_before_the_commit_has_done_nothing(
    joined: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    ask(joined)
    with monkeypatch.context() as patch:
        patch.setattr(orders, "insert", die)
        with pytest.raises(KeyboardInterrupt):
            openings.write(openings.asked()[0], now=timezone.now())
    assert opened() == []
    sweep()
    assert opened() == [("filled", "")]


def test_a_worker_killed_after_the_commit_leaves_orders_for_anybody(joined: Subscription) -> None:
    ask(joined)
    openings.write(openings.asked()[0], now=timezone.now())
    assert openings.asked() == []
    (due,) = CopyOrder.objects.due(now=timezone.now())
    execute([due.pk])
    assert held(joined) > 0


def test_a_trade_that_is_being_copied_is_not_bought_twice(world: World, joined: Subscription) -> None:
    signal = world.master_trades("buy", "0.01")
    ask(joined)
    sweep()
    assert opened() == []
    order_ids = world.fan_out(signal)
    sweep()
    assert opened() == []
    execute(order_ids)
    sweep()
    # A fifth of 1,000 USDT in all, half of it by the signal.
    assert opened() == [("filled", "")]
    assert Decimal("0.00197") <= held(joined) <= Decimal("0.002")


def test_an_exit_that_is_under_way_comes_first(world: World, joined: Subscription) -> None:
    signal = world.master_trades("sell", "0.01")
    ask(joined)
    sweep()
    assert opened() == []
    execute(world.fan_out(signal))
    sweep()
    assert opened() == []
    assert not Opening.objects.exists()


def test_a_full_exit_overtakes_an_opening_that_has_not_left(world: World, joined: Subscription) -> None:
    ask(joined)
    late = openings.write(openings.asked()[0], now=timezone.now()).entries
    execute(world.fan_out(world.master_trades("sell", "0.01")))
    execute(late)
    assert opened() == [("skipped", "overtaken_by_exit")]
    assert world.sent() == []


def test_exits_that_follow_sell_what_was_opened(world: World, joined: Subscription) -> None:
    ask(joined)
    sweep()
    world.copy("sell", "0.005")
    assert Decimal("0.00048") <= held(joined) <= Decimal("0.0005")
    world.copy("sell", "0.005")
    assert held(joined) < Decimal("0.00001")


def test_sold_again_it_may_be_opened_anew(world: World, joined: Subscription) -> None:
    ask(joined)
    sweep()
    Position.objects.filter(subscription=joined).update(target=0, held=0)
    ask(joined)
    sweep()
    assert opened() == [("filled", ""), ("filled", "")]


def test_without_a_fresh_price_none_is_bought(joined: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "read_venue", lambda *_: 0)
    priced(seconds_ago=61)
    ask(joined)
    sweep()
    assert opened() == [("skipped", "price_unknown")]
    order = CopyOrder.objects.select_related("exchange_account").get(origin="opening")
    assert "ask again" in reason_sentence(order)


def test_an_old_price_is_read_anew(world: World, joined: Subscription) -> None:
    priced(1, seconds_ago=61)
    ask(joined)
    sweep()
    assert opened() == [("filled", "")]


def test_an_equity_that_nobody_read_lately_is_unknown(joined: Subscription) -> None:
    PerformanceSnapshot.objects.update(at=timezone.now() - timedelta(seconds=61))
    ask(joined)
    sweep()
    assert opened() == [("skipped", "master_equity_unknown")]


def test_asked_for_too_long_ago_it_is_not_bought_any_more(joined: Subscription) -> None:
    ask(joined, seconds_ago=121)
    sweep()
    assert opened() == [("expired", "not_placed_in_time")]


def test_an_order_that_waited_too_long_expires(joined: Subscription) -> None:
    ask(joined)
    (order_id,) = openings.write(openings.asked()[0], now=timezone.now()).entries
    CopyOrder.objects.filter(pk=order_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    execute([order_id])
    assert opened() == [("expired", "not_placed_in_time")]


def test_paused_closing_and_closed_copies_open_nothing(joined: Subscription) -> None:
    ask(joined)
    services.pause(subscription=joined, now=timezone.now())
    sweep()
    assert opened() == [("skipped", "paused")]
    with pytest.raises(Conflict) as refusal:
        ask(joined)
    assert refusal.value.get_codes() == "subscription_paused"
    services.resume(subscription=joined, now=timezone.now())
    ask(joined)
    leaving.leave(subscription=joined, positions="keep", now=timezone.now())
    sweep()
    assert len(opened()) == 1
    assert not Opening.objects.exists()
    with pytest.raises(Conflict):
        ask(joined)


def test_limits_hold_for_openings_too(joined: Subscription) -> None:
    RiskLimits.objects.create(user=joined.follower, max_order_notional=Decimal(50))
    ask(joined)
    sweep()
    assert opened() == [("denied", "max_order_notional")]


def test_a_symbol_that_the_follower_blocked_is_not_opened(joined: Subscription) -> None:
    Subscription.objects.filter(pk=joined.pk).update(symbols_blocked=["BTC/USDT"])
    ask(joined)
    sweep()
    assert opened() == [("skipped", "symbol_blocked")]


def test_a_closed_strategy_is_not_opened(world: World, joined: Subscription) -> None:
    Strategy.objects.filter(pk=world.strategy.pk).update(status="closed")
    with pytest.raises(Conflict):
        ask(joined)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_race_write_one_order(joined: Subscription) -> None:
    ask(joined)
    (opening_id,) = openings.asked()

    def write(_number: int) -> int:
        try:
            return len(openings.write(opening_id, now=timezone.now()).entries)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(write, range(2))) == [0, 1]
    assert len(opened()) == 1
