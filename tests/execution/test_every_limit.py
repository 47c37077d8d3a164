"""Each limit on the way of a trade, of the owner and of one copy; what was reached is written down once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from accounts.notifications.models import Notification
from exchanges import gateway
from exchanges.types import Quote
from execution import breaches, claiming, guard
from execution.models import CopyOrder
from execution.states import Status
from ledger.models import Mark
from ledger.valuation import worth_of
from risk import platform
from risk.models import Breach, DayOpening, RiskLimits, SubscriptionLimits
from subscriptions.models import Subscription
from tests.execution.world import World, build, connect, execute, subscribe
from tests.paper_exchange.venue_process import PaperExchange

pytestmark = pytest.mark.django_db


def limit(world: World, **values: object) -> RiskLimits:
    return RiskLimits.objects.create(user=world.subscriptions[0].follower, **values)


def limit_copy(world: World, **values: object) -> SubscriptionLimits:
    return SubscriptionLimits.objects.create(subscription=world.subscriptions[0], **values)


def mark(price: str, symbol: str = "BTC/USDT", **changes: object) -> None:
    values = {"price": Decimal(price), "at": timezone.now()} | changes
    Mark.objects.update_or_create(exchange="paper", symbol=symbol, defaults=values)


def test_what_is_too_large_is_cut_where_its_owner_says_so(world: World) -> None:
    limit(world, max_order_notional=Decimal(50), oversize="cut")
    order = world.copy("buy", "0.01")[0]
    assert (order.status, order.filled_amount) == (Status.FILLED, Decimal("0.00049"))
    assert order.sizing[-1]["label"] == "Cut to your limits"
    # What was cut off is never chased.
    assert world.copy("buy", "0.004")[0].requested_amount == Decimal("0.00039")


def test_what_is_cut_below_the_minimum_is_denied(world: World) -> None:
    limit(world, max_order_notional=Decimal(3), oversize="cut")
    assert world.copy("buy", "0.01")[0].reason_code == "max_order_notional"


def test_the_limits_of_a_copy_hold_beside_its_owners(world: World) -> None:
    limit(world, max_order_notional=Decimal(500))
    limit_copy(world, max_order_notional=Decimal(50))
    denied, *others = world.copy("buy", "0.01")
    assert (denied.status, denied.reason_code) == (Status.DENIED, "max_order_notional")
    assert {order.status for order in others} == {Status.FILLED}
    breach = Breach.objects.get()
    assert (breach.subscription, breach.client_order_id) == (world.subscriptions[0], denied.client_order_id)


def test_a_copy_frozen_by_itself_sells_nothing_and_the_others_do(world: World) -> None:
    world.copy("buy", "0.01")
    limit_copy(world, kill_switch="freeze")
    frozen, *others = world.copy("sell", "0.01")
    assert (frozen.status, frozen.reason_code) == (Status.PENDING, "kill_switch")
    assert {order.status for order in others} == {Status.FILLED}


def test_orders_of_a_day_are_counted_and_exits_pass(world: World) -> None:
    limit(world, max_orders_per_day=1)
    statuses = [world.copy(side, "0.01")[0].status for side in ("buy", "buy", "sell")]
    assert statuses == [Status.FILLED, Status.DENIED, Status.FILLED]
    # Yesterday's do not count.
    CopyOrder.objects.update(created_at=timezone.now() - timedelta(hours=26))
    assert world.copy("buy", "0.01")[0].status == Status.FILLED


def test_more_of_an_open_position_is_no_further_one(world: World) -> None:
    limit(world, max_open_positions=1)
    assert world.copy("buy", "0.01")[0].status == Status.FILLED
    assert world.copy("buy", "0.01")[0].status == Status.FILLED
    other = world.copy("buy", "0.1", "4000", symbol="ETH/USDT")[0]
    assert (other.status, other.reason_code) == (Status.DENIED, "max_open_positions")
    world.copy("sell", "0.02")
    assert world.copy("buy", "0.1", "4000", symbol="ETH/USDT")[0].status == Status.FILLED


def test_a_limit_in_another_currency_is_judged_at_the_middle_of_bid_and_ask(world: World) -> None:
    limit(world, currency="EUR", max_order_notional=Decimal(90))
    # The last price would make it 83 EUR, far within the limit.
    mark("1.2", "EUR/USDT", middle=Decimal("1.0"))
    order = world.copy("buy", "0.01")[0]
    assert (order.status, order.reason_code) == (Status.DENIED, "max_order_notional")


def test_a_limit_in_another_currency_is_judged_at_a_fresh_rate_only(world: World) -> None:
    limit(world, currency="BTC", max_order_notional=Decimal("0.0009"))
    assert world.copy("buy", "0.01")[0].reason_code == "price_unknown"
    mark("100000", at=timezone.now() - timedelta(seconds=61))
    assert world.copy("buy", "0.01")[0].reason_code == "price_unknown"
    mark("100000")
    assert world.copy("buy", "0.01")[0].reason_code == "max_order_notional"
    assert world.copy("buy", "0.005")[0].status == Status.FILLED


def test_where_nobody_bids_or_asks_the_last_price_values_and_converts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_sided(exchange: str, symbols: list[str]) -> dict[str, Quote]:
        now = timezone.now()
        return {name: Quote(name, None, None, Decimal(100_000), Decimal(0), now) for name in symbols}

    world.copy("buy", "0.01")
    monkeypatch.setattr(gateway, "fetch_quotes", one_sided)
    assert guard.read_venue("paper", {"BTC/USDT"}, timezone.now()) == 1
    copy = world.subscriptions[0]
    assert worth_of([copy], now=timezone.now())[copy.pk].pnl is not None
    limit(world, currency="BTC", max_order_notional=Decimal("0.0009"))
    assert world.copy("buy", "0.01")[0].reason_code == "max_order_notional"
    assert world.copy("buy", "0.004")[0].status == Status.FILLED


def test_one_cause_is_written_down_once_a_day(world: World) -> None:
    limit(world, max_order_notional=Decimal(50))
    first = world.copy("buy", "0.01")[0]
    world.copy("buy", "0.01")
    breach = Breach.objects.get()
    assert (breach.rule, breach.limit, breach.subscription) == ("max_order_notional", 50, None)
    assert breach.client_order_id == first.client_order_id
    assert Subscription.objects.filter(status="active").count() == 3


# --- A day's loss -------------------------------------------------------------------------------------


def test_a_days_open_loss_pauses_all_copies_of_its_owner_once(world: World) -> None:
    limit(world, max_daily_loss=Decimal(5))
    mark("100000")
    world.copy("buy", "0.01")
    mark("96000")
    assert breaches.watch_losses(now=timezone.now()) == 0
    mark("94000")
    assert breaches.watch_losses(now=timezone.now()) == 1
    paused = world.subscriptions[0]
    assert list(Subscription.objects.filter(status="paused")) == [paused]
    breach = Breach.objects.get()
    assert (breach.rule, breach.limit) == ("max_daily_loss", 5)
    assert breach.value > 5
    told = Notification.objects.get(user=paused.follower)
    assert told.kind == "subscription_paused"
    assert f"You lost {round(breach.value, 2)} USDT since your day began; your limit is 5 USDT." in told.body
    # Who resumes is not paused again today, but buys nothing either.
    Subscription.objects.update(status="active")
    assert breaches.watch_losses(now=timezone.now()) == 0
    assert world.copy("buy", "0.01")[0].reason_code == "max_daily_loss"
    assert world.copy("sell", "0.02")[0].status == Status.FILLED


def test_yesterdays_loss_is_not_todays(world: World) -> None:
    world.copy("buy", "0.01")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE ledger_trade SET at = at - interval '2 days'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    limit(world, max_daily_loss=Decimal(5))
    mark("90000")
    assert breaches.watch_losses(now=timezone.now()) == 0
    assert DayOpening.objects.get().result < -9
    mark("86000")
    assert breaches.watch_losses(now=timezone.now()) == 0
    mark("84000")
    assert breaches.watch_losses(now=timezone.now()) == 1


@pytest.mark.parametrize(
    ("before", "within", "after"),
    [
        # Berlin, 29 March 2026: 23 hours, from 23:00 to 22:00 UTC.
        ("2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        # Berlin, 25 October 2026: 25 hours, from 22:00 to 23:00 UTC.
        ("2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ],
    ids=["23 hours", "25 hours"],
)
def test_a_loss_counts_for_the_whole_of_a_day_whose_clock_changes_and_no_longer(
    world: World, before: str, within: str, after: str
) -> None:
    follower = world.subscriptions[0].follower
    type(follower).objects.filter(pk=follower.pk).update(time_zone="Europe/Berlin")
    first, begins, ends = (datetime.fromisoformat(moment) for moment in (before, within, after))
    world.copy("buy", "0.01")
    world.copy("sell", "0.01")
    # What it lost are fees, of about 0.1 at both sides.
    limit(world, max_daily_loss=Decimal("0.1"))
    last = ends - timedelta(seconds=1)
    mark("100000", at=ends)

    def traded_at(moment: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE ledger_trade SET at = %s", [moment])
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        DayOpening.objects.all().delete()

    # Lost the moment before it began: none of this day's, to its end.
    traded_at(first)
    assert breaches.watch_losses(now=last) == 0
    # Lost in its first moment: this day's to its last one, and the next day's no more.
    traded_at(begins)
    assert breaches.watch_losses(now=ends) == 0
    assert breaches.watch_losses(now=last) == 1
    assert Breach.objects.get().day == last.astimezone(ZoneInfo("Europe/Berlin")).date()


def test_without_a_fresh_price_nothing_is_paused_and_nothing_is_bought(world: World) -> None:
    limit_copy(world, max_daily_loss=Decimal(5))
    assert world.copy("buy", "0.01")[0].status == Status.FILLED
    assert breaches.watch_losses(now=timezone.now()) == 0
    assert world.copy("buy", "0.01")[0].reason_code == "price_unknown"
    assert not Breach.objects.exists()


def test_a_flat_account_breaches_nothing(world: World) -> None:
    limit(world, max_daily_loss=Decimal("0.01"))
    limit_copy(world, kill_switch="close_only")
    assert breaches.watch_losses(now=timezone.now()) == 0
    world.copy("buy", "0.01")
    assert not Breach.objects.exists()


# --- The platform's own switches ----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["all", "venue", "strategy"])
def test_staff_stop_a_place_and_let_it_go_on(world: World, place: str) -> None:
    world.copy("buy", "0.01")
    staff = world.strategy.owner
    switch = platform.stop_platform(
        staff=staff,
        mode="freeze",
        reason="Test",
        now=timezone.now(),
        exchange="paper" if place == "venue" else "",
        strategy=world.strategy if place == "strategy" else None,
    )
    assert {order.reason_code for order in world.copy("buy", "0.01")} == {"platform_stopped"}
    assert {order.status for order in world.copy("sell", "0.02")} == {Status.PENDING}
    assert platform.lift(switch=switch, staff=staff, now=timezone.now())
    assert not platform.lift(switch=switch, staff=staff, now=timezone.now())
    CopyOrder.objects.filter(status="pending").update(due_at=timezone.now())
    execute(list(CopyOrder.objects.filter(status="pending").values_list("pk", flat=True)))
    assert max(world.held()) < Decimal("0.00001")


def test_a_switch_for_another_venue_stops_nothing_here(world: World) -> None:
    platform.stop_platform(
        staff=world.strategy.owner, mode="freeze", reason="Test", now=timezone.now(), exchange="kraken"
    )
    assert {order.status for order in world.copy("buy", "0.01")} == {Status.FILLED}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "limits", [{"max_open_notional": Decimal(150)}, {"max_orders_per_day": 1}, {"max_open_positions": 1}]
)
def test_of_fifty_orders_at_once_only_those_pass_that_there_is_room_for(
    venue: PaperExchange, limits: dict[str, object]
) -> None:
    world = build(venue, followers=1)
    person = world.subscriptions[0].follower
    for number in range(49):
        opened = {"uid": f"race-{number}", "api_key": "key", "secret": "secret"}
        world.subscriptions.append(subscribe(world, person, connect(venue, person, opened)))
    RiskLimits.objects.create(user=person, **limits)
    order_ids = world.fan_out(world.master_trades("buy", "0.01"))
    assert len(order_ids) == 50

    def claim_one(order_id: int) -> int:
        try:
            return len(claiming.claim([order_id], worker="race", now=timezone.now()).to_send)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim_one, order_ids)) == 1
    assert CopyOrder.objects.filter(status=Status.DENIED, reason_code=next(iter(limits))).count() == 49
    assert Breach.objects.count() == 1
