"""A follower's own trading, fees and withdrawals that eat into what was copied."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.notifications.models import Notification
from copytrade import self_checks
from exchanges import gateway, loop
from exchanges.types import OrderRequest, OrderType, Side
from execution import claiming, drift, missed_sales, placing, reconcile
from execution.drift import Comparison
from execution.models import CoinDifference, CopyOrder
from ledger.adjustments import shares
from ledger.checking import check_books
from ledger.models import Adjustment, Position, Posting, Trade
from strategies.models import Strategy
from subscriptions.models import Subscription
from tests.execution.test_reconcile_command import reconcile as run_reconcile
from tests.execution.world import World, come_due, connect, execute, subscribe
from wallets.models import ExchangeAccount

MINUTE_AGO = timedelta(seconds=61)


def account_of(world: World, number: int = 0) -> ExchangeAccount:
    return world.subscriptions[number].exchange_account


def count(world: World) -> Comparison:
    (comparison,) = drift.compare([account_of(world)])
    return comparison


def a_minute_passes() -> None:
    then = timezone.now() - MINUTE_AGO
    CoinDifference.objects.update(since=then, counted_at=then)


def sell_by_hand(account: ExchangeAccount, amount: str, symbol: str = "BTC/USDT") -> None:
    trade_by_hand(account, Side.SELL, amount, symbol)


def trade_by_hand(account: ExchangeAccount, side: Side, amount: str, symbol: str = "BTC/USDT") -> None:
    """The follower's own market order at the exchange."""
    request = OrderRequest(
        client_order_id=f"own{CopyOrder.objects.count()}x{amount[-3:]}",
        symbol=symbol,
        side=side,
        type=OrderType.MARKET,
        quantity=Decimal(amount),
        price=None,
        signed_at=gateway.venue_now("paper"),
    )
    loop.run(gateway.place(account.open(), request), timeout=10)


def position_of(world: World, number: int = 0, symbol: str = "BTC/USDT") -> Position:
    return Position.objects.get(subscription=world.subscriptions[number], symbol=symbol)


@given(
    missing=st.decimals(0, 100, places=18),
    held=st.lists(st.decimals("0.000000000000000001", 50, places=18), min_size=1, max_size=5),
)
def test_what_is_missing_is_taken_in_proportion_and_to_the_last_place(
    missing: Decimal, held: list[Decimal]
) -> None:
    parts = shares(missing, held)
    assert sum(parts) == min(missing, sum(held))
    assert all(0 <= part <= one for part, one in zip(parts, held, strict=True))


@pytest.mark.django_db
def test_own_trading_is_seen_twice_before_a_copy_shrinks(world: World) -> None:
    world.copy("buy", "0.05")
    before, cash = position_of(world), Subscription.objects.get(pk=world.subscriptions[0].pk).cash
    sell_by_hand(account_of(world), "0.002")

    (first,) = count(world).counts
    (again,) = count(world).counts
    assert (first.is_settled, again.is_settled, first.cause) == (False, False, "own_trading")
    assert position_of(world).held == before.held

    a_minute_passes()
    missed_sales.look_again(now=timezone.now())
    after = position_of(world)
    assert (before.held - after.held, before.target - after.target) == (Decimal("0.002"), Decimal("0.002"))
    entry = Adjustment.objects.get()
    assert (entry.cause, entry.amount) == ("own_trading", Decimal("0.002"))
    assert after.cost == before.cost - entry.cost
    assert Subscription.objects.get(pk=world.subscriptions[0].pk).cash == cash + entry.cost
    assert count(world).counts == ()
    assert world.sent() == ["BUY", "SELL"]
    assert list(check_books()) == []
    assert Trade.objects.filter(subscription=world.subscriptions[0]).count() == 1


@pytest.mark.django_db
def test_a_followers_own_withdrawal_is_named_and_told_and_the_next_exit_sells_what_is_left(
    world: World, client: Client
) -> None:
    world.copy("buy", "0.05")
    bought = position_of(world).held
    world.venue.post("/control/withdraw", {"key": world.keys[0], "asset": "BTC", "amount": "0.001"})
    count(world)
    a_minute_passes()
    missed_sales.look_again(now=timezone.now())

    gone = Adjustment.objects.get()
    assert (gone.cause, gone.amount) == ("withdrawal", Decimal("0.001"))
    follower = world.subscriptions[0].follower
    client.force_login(follower)
    (position,) = client.get("/api/v1/positions/").json()["results"]
    assert Decimal(position["amount"]) == bought - gone.amount
    (told,) = position["adjustments"]
    assert (told["cause"], told["amount"]) == ("withdrawal", "0.001")
    notice = Notification.objects.get(user=follower, kind="coins_gone")
    assert notice.title == "You hold 0.001 BTC less than was copied"
    assert ("they were withdrawn" in notice.body, notice.link) == (True, "/positions/")

    # Coins that are put back are the follower's own.
    world.venue.post("/control/deposit", {"key": world.keys[0], "asset": "BTC", "amount": "0.001"})
    sold = world.copy("sell", "0.05", holdings={"BTC": Decimal("0.05")})[0]
    assert (sold.status, sold.filled_amount <= bought - gone.amount) == ("filled", True)
    assert list(check_books()) == []


@pytest.mark.django_db
def test_entries_of_the_coin_wait_until_the_difference_is_settled(world: World) -> None:
    world.copy("buy", "0.05")
    sell_by_hand(account_of(world), "0.002")
    count(world)

    signal = world.master_trades("buy", "0.05")
    order_ids = world.fan_out(signal)
    execute(order_ids)
    waiting = world.orders(signal)[0]
    assert (waiting.status, waiting.reason_code, waiting.attempt) == ("pending", "coins_differ", 0)
    assert [order.status for order in world.orders(signal)[1:]] == ["filled", "filled"]
    other = world.copy("buy", "0.5", "4000", symbol="ETH/USDT")
    assert other[0].status == "filled"

    a_minute_passes()
    missed_sales.look_again(now=timezone.now())
    come_due()
    execute(order_ids)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.requested_amount) == ("filled", world.orders(signal)[1].requested_amount)


@pytest.mark.django_db
def test_nothing_is_judged_while_an_order_is_in_flight(world: World) -> None:
    world.copy("buy", "0.05")
    order_ids = world.fan_out(world.master_trades("sell", "0.02"))
    for _outcomes in placing.send(claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send):
        pass
    assert count(world).is_busy
    assert not CoinDifference.objects.exists()


@pytest.mark.django_db
def test_coins_in_an_open_order_of_the_owner_are_there(world: World) -> None:
    world.copy("buy", "0.05")
    held = position_of(world).held.quantize(Decimal("0.00001"))
    request = OrderRequest(
        client_order_id="ownlimit1",
        symbol="BTC/USDT",
        side=Side.SELL,
        type=OrderType.LIMIT,
        quantity=held - Decimal("0.0001"),
        price=Decimal(120000),
        signed_at=gateway.venue_now("paper"),
    )
    loop.run(gateway.place(account_of(world).open(), request), timeout=10)
    assert count(world).counts == ()


@pytest.mark.django_db
def test_coins_that_come_back_end_the_difference(world: World) -> None:
    world.copy("buy", "0.05")
    world.venue.post("/control/withdraw", {"key": world.keys[0], "asset": "BTC", "amount": "0.001"})
    assert len(count(world).counts) == 1
    world.venue.post("/control/deposit", {"key": world.keys[0], "asset": "BTC", "amount": "0.001"})
    a_minute_passes()
    assert count(world).counts == ()
    assert not CoinDifference.objects.exists()
    assert not Adjustment.objects.exists()


@pytest.mark.django_db
def test_only_what_was_missing_both_times_is_let_go(world: World) -> None:
    world.copy("buy", "0.05")
    sell_by_hand(account_of(world), "0.001")
    count(world)
    sell_by_hand(account_of(world), "0.002")
    a_minute_passes()
    (settled,) = count(world).counts
    assert not settled.is_settled
    assert Adjustment.objects.get().amount == Decimal("0.001")
    assert CoinDifference.objects.get().missing == Decimal("0.002")


@pytest.mark.django_db
def test_two_copies_on_one_account_shrink_in_proportion(world: World) -> None:
    """Two masters, one account: each loses its part."""
    first = world.subscriptions[0]
    world.copy("buy", "0.05")
    other = follow_another_master(world, first)
    Position.objects.create(
        strategy=other.strategy,
        subscription=other,
        symbol="BTC/USDT",
        target=Decimal("0.0015"),
        held=Decimal("0.0015"),
        cost=Decimal(150),
    )
    held = position_of(world).held
    there = loop.run(gateway.fetch_balances(account_of(world).open()), timeout=10)["BTC"].total
    count(world)
    a_minute_passes()
    count(world)
    left = position_of(world).held + Position.objects.get(subscription=other).held
    assert left == there
    lost = {row.subscription_id: row.amount for row in Adjustment.objects.all()}
    ratio = lost[first.pk] / lost[other.pk]
    assert abs(ratio - held / Decimal("0.0015")) < Decimal("1e-9")


def follow_another_master(world: World, first: Subscription) -> Subscription:
    master = User.objects.create_user("another@example.com")
    strategy = Strategy.objects.create(
        owner=master,
        exchange_account=connect(world.venue, master, world.venue.open_account(balances={"USDT": "1"})),
        name="Another",
        slug="another",
        symbols=["BTC/USDT"],
        quote="USDT",
        status=Strategy.Status.PUBLISHED,
        published_at=timezone.now(),
    )
    return Subscription.objects.create(
        follower=first.follower,
        strategy=strategy,
        exchange_account=first.exchange_account,
        allocation=Decimal(500),
        cash=Decimal(350),
        sizing_mode=Subscription.SizingMode.PROPORTIONAL,
        sizing_value=Decimal(1),
        starts_after_number=0,
    )


# --- Fees in BNB that eat the BNB of a copy ----------------------------------------------------------


@pytest.fixture
def bnb_payer(world: World) -> Subscription:
    """A follower who pays fees in BNB and holds none but those of the copy."""
    person = User.objects.create_user("bnb@example.com")
    opened = world.venue.open_account(balances={"USDT": "2000"}, fees_in_bnb=True)
    world.keys.insert(0, opened["api_key"])
    subscription = subscribe(world, person, connect(world.venue, person, opened))
    world.subscriptions.insert(0, subscription)
    return subscription


@pytest.mark.django_db
def test_fees_paid_in_bnb_come_off_the_copied_bnb_and_the_exit_sells_what_is_there(
    world: World, bnb_payer: Subscription
) -> None:
    world.copy("buy", "4", "500", symbol="BNB/USDT")
    bought = position_of(world, symbol="BNB/USDT").held
    world.copy("buy", "0.02")
    fee = Trade.objects.get(subscription=bnb_payer, symbol="BTC/USDT")
    assert fee.fee_asset == "BNB"

    (seen,) = count(world).counts
    assert (seen.asset, seen.cause, seen.booked - seen.there) == ("BNB", "fee", fee.fee)
    a_minute_passes()
    count(world)
    assert position_of(world, symbol="BNB/USDT").held == bought - fee.fee
    entry = Adjustment.objects.get()
    posting = Posting.objects.get(adjustment=entry, asset="BNB")
    assert (posting.source, posting.destination, posting.amount) == (
        f"subscription:{bnb_payer.pk}:position",
        f"account:{bnb_payer.exchange_account_id}:unallocated",
        fee.fee,
    )

    sold = world.copy("sell", "4", "500", symbol="BNB/USDT", holdings={"BNB": Decimal(4)})[0]
    assert (sold.status, sold.attempt) == ("filled", 1)
    assert position_of(world, symbol="BNB/USDT").held < Decimal("0.001")


@pytest.mark.django_db
def test_fees_paid_in_bnb_come_from_the_owners_own_bnb_first(world: World, bnb_payer: Subscription) -> None:
    world.venue.post("/control/deposit", {"key": world.keys[0], "asset": "BNB", "amount": "1"})
    world.copy("buy", "4", "500", symbol="BNB/USDT")
    world.copy("buy", "0.02")
    assert count(world).counts == ()
    assert not Adjustment.objects.exists()


@pytest.mark.django_db
def test_an_exit_that_meets_eaten_coins_sells_what_is_there_at_once(
    world: World, bnb_payer: Subscription
) -> None:
    world.copy("buy", "4", "500", symbol="BNB/USDT")
    for _ in range(3):
        world.copy("buy", "0.02")
    signal = world.master_trades("sell", "4", "500", symbol="BNB/USDT", holdings={"BNB": Decimal(4)})
    work = execute(world.fan_out(signal))
    reconcile.cap_exits(work.short, now=timezone.now())
    execute(work.short)
    assert CopyOrder.objects.get(pk=work.short[0]).status == "filled"
    assert CoinDifference.objects.get().asset == "BNB"


# --- What reconcile says and does ---------------------------------------------------------------------


@pytest.mark.django_db
def test_reconcile_names_the_cause_settles_the_second_time_and_then_says_nothing(world: World) -> None:
    world.copy("buy", "0.05")
    sell_by_hand(account_of(world), "0.002")
    code, output = run_reconcile()
    assert (code, output.splitlines()[-1]) == (1, "1 differences")
    assert "own trading" in output
    assert "nothing of it is bought until that is settled" in output
    a_minute_passes()
    assert "the copies were lowered to what is there" in run_reconcile()[1]
    assert run_reconcile() == (0, "0 differences\n")
    assert Adjustment.objects.count() == 1


@pytest.mark.django_db
def test_a_position_of_long_ago_is_reconciled_from_the_books(world: World) -> None:
    """Older than any history that a venue tells: what is booked is compared with what is there."""
    world.copy("buy", "0.05")
    long_ago = timezone.now() - timedelta(days=30)
    CopyOrder.objects.update(created_at=long_ago, finished_at=long_ago, updated_at=long_ago)
    Position.objects.update(updated_at=long_ago)
    assert run_reconcile() == (0, "0 differences\n")
    sell_by_hand(account_of(world), "0.002")
    assert run_reconcile()[0] == 1
    a_minute_passes()
    run_reconcile()
    assert run_reconcile() == (0, "0 differences\n")


@pytest.mark.django_db
def test_a_sale_of_ours_that_was_missed_is_adopted_and_nobody_is_suspected(world: World) -> None:
    world.copy("buy", "0.05")
    order_ids = world.fan_out(world.master_trades("sell", "0.02"))
    for _outcomes in placing.send(claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send):
        pass
    # As if the look-ups had been told that it ended unfilled.
    CopyOrder.objects.filter(pk__in=order_ids).update(
        status="canceled", reason_code="partly_filled", finished_at=timezone.now(), look_up_at=None
    )
    held = position_of(world).held
    assert run_reconcile() == (0, "0 differences\n")
    sold = CopyOrder.objects.get(pk=order_ids[0])
    assert (sold.status, sold.reason_code, sold.filled_amount) == ("filled", "", sold.requested_amount)
    assert position_of(world).held == held - sold.filled_amount
    assert not Adjustment.objects.exists()


@pytest.mark.django_db
def test_an_adjustment_cannot_be_changed_or_removed(world: World) -> None:
    world.copy("buy", "0.05")
    sell_by_hand(account_of(world), "0.002")
    count(world)
    a_minute_passes()
    count(world)
    changes: list[Any] = [lambda: Adjustment.objects.update(amount=1), Adjustment.objects.all().delete]
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


# --- More is there than was copied --------------------------------------------------------------------


@pytest.mark.django_db
def test_coins_that_were_deposited_beside_a_copy_are_listed_with_that_reason_and_touch_nothing(
    world: World,
) -> None:
    world.copy("buy", "0.05")
    held = position_of(world).held
    world.venue.post("/control/deposit", {"key": world.keys[0], "asset": "BTC", "amount": "0.5"})
    first = run_reconcile()
    assert (first[0], first[1].splitlines()[-1]) == (0, "0 differences")
    assert f"BTC are there and {held.normalize():f} of them were copied" in first[1]
    assert "they were deposited" in first[1]
    assert run_reconcile() == first
    assert self_checks.check_exchanges() == 0
    assert position_of(world).held == held
    assert not list(check_books())


@pytest.mark.django_db
def test_coins_that_the_owner_bought_beside_a_copy_are_listed_as_own_trading(world: World) -> None:
    world.copy("buy", "0.05")
    trade_by_hand(account_of(world), Side.BUY, "0.002")
    code, output = run_reconcile()
    assert code == 0
    assert "own trading" in output and "deposited" not in output


@pytest.mark.django_db
def test_a_purchase_of_ours_that_was_missed_is_adopted_and_is_no_surplus(world: World) -> None:
    world.copy("buy", "0.05")
    held = position_of(world).held
    order_ids = world.fan_out(world.master_trades("buy", "0.02"))
    for _outcomes in placing.send(claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send):
        pass
    CopyOrder.objects.filter(pk__in=order_ids).update(
        status="canceled", reason_code="beyond_slippage", finished_at=timezone.now(), look_up_at=None
    )
    assert run_reconcile() == (0, "0 differences\n")
    bought = CopyOrder.objects.get(pk=order_ids[0])
    assert (bought.status, bought.filled_amount) == ("filled", bought.requested_amount)
    assert held < position_of(world).held <= held + bought.filled_amount
