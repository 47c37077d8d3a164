"""Money and coins that come to a master's account or leave it otherwise than by a copied trade."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from exchanges import gateway, loop
from exchanges.types import OrderRequest, OrderType, Side
from execution import departures, master_account, master_feed
from execution.models import CopyOrder, MasterFeed
from execution.watching import Watch
from ledger.models import Transfer
from ledger.transfers import book_transfers
from strategies.models import Signal, StrategySymbol
from tests.execution.world import World, execute

pytestmark = pytest.mark.django_db


class Master:
    """The master's hands at the exchange, and one watch whose turns the test takes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = world.strategy.exchange_account.open()
        self.watch: Watch = world.watch()
        self.orders = 0

    def move(self, way: str, asset: str, amount: str) -> None:
        body = {"key": self.account.credentials.api_key, "asset": asset, "amount": amount}
        self.world.venue.post(f"/control/{way}", body)

    def trade(self, side: str, amount: str, symbol: str = "BTC/USDT") -> None:
        self.orders += 1
        request = OrderRequest(
            client_order_id=f"dep{self.world.strategy.pk}x{self.orders}",
            symbol=symbol,
            side=Side(side),
            type=OrderType.MARKET,
            quantity=Decimal(amount),
            price=None,
            signed_at=gateway.venue_now("paper"),
        )
        loop.run(gateway.place(self.account, request), timeout=10)

    def is_asked(self) -> None:
        """Trades and then the balances, as each minute and each 15 s."""
        master_feed._back_fill(self.watch, self.account)
        master_feed._take_snapshot(self.watch, self.account)

    def trades_and_is_copied(self, side: str, amount: str) -> list[CopyOrder]:
        self.trade(side, amount)
        master_feed._back_fill(self.watch, self.account)
        if self.watch.snapshot:
            master_feed._take_snapshot(self.watch, self.account)
        signal = Signal.objects.order_by("-number")[0]
        execute(self.world.fan_out(signal))
        return self.world.orders(signal)


@pytest.fixture
def master(world: World) -> Master:
    master = Master(world)
    master.is_asked()
    return master


def stopped() -> list[str]:
    return list(StrategySymbol.objects.exclude(coins_left_at=None).values_list("symbol", flat=True))


def ends(orders: list[CopyOrder]) -> set[tuple[str, str]]:
    return {(order.status, order.reason_code) for order in orders}


# --- Deposits and withdrawals -----------------------------------------------------------------------


def test_deposits_and_withdrawals_of_a_master_are_booked_once(master: Master) -> None:
    master.move("deposit", "USDT", "500")
    master.move("withdraw", "USDT", "20.5")
    for _time in range(3):
        master_account.read_transfers(master.watch, master.account)

    booked = Transfer.objects.order_by("id").values_list("kind", "asset", "amount")
    assert sorted(booked) == [("deposit", "USDT", Decimal(500)), ("withdrawal", "USDT", Decimal("20.5"))]
    assert set(Transfer.objects.values_list("exchange_account_id", flat=True)) == {master.watch.account_id}


def test_what_was_moved_while_nobody_watched_is_booked_later(master: Master) -> None:
    master.move("deposit", "ETH", "1")
    MasterFeed.objects.update(transfers_until=timezone.now() - timedelta(days=3))
    master_account.read_transfers(master.watch, master.account)
    assert Transfer.objects.get().asset == "ETH"


def test_a_transfer_that_took_days_to_be_done_is_booked_though_others_were_read_since(master: Master) -> None:
    master.move("withdraw", "USDT", "50")
    MasterFeed.objects.update(transfers_until=timezone.now() + timedelta(days=6))
    master_account.read_transfers(master.watch, master.account)
    assert Transfer.objects.get().kind == "withdrawal"


def test_a_venue_that_does_not_list_transfers_now_is_asked_again(master: Master) -> None:
    master.move("deposit", "USDT", "500")
    master.world.venue.fault("status", endpoint="transfers", status=503)
    master_account.read_transfers(master.watch, master.account)
    assert not Transfer.objects.exists()
    master.world.venue.ask("DELETE", "/control/faults")
    master_account.read_transfers(master.watch, master.account)
    assert Transfer.objects.count() == 1


def test_two_watchers_that_book_the_same_transfer_book_it_once(master: Master) -> None:
    master.move("deposit", "USDT", "500")
    since = timezone.now() - timedelta(minutes=5)
    told = loop.run(gateway.fetch_transfers(master.account, since=since), timeout=10)
    counts = [
        book_transfers(account_id=master.watch.account_id, reports=told, now=timezone.now())
        for _watcher in range(2)
    ]
    assert counts == [1, 0]


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_booked_transfer_stays_as_it_is(master: Master, change: str) -> None:
    master.move("deposit", "USDT", "500")
    master_account.read_transfers(master.watch, master.account)
    rows = Transfer.objects.all()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(amount=1) if change == "update" else rows._raw_delete(rows.db)


# --- Coins that leave -------------------------------------------------------------------------------


def test_coins_withdrawn_stop_the_entries_of_their_symbol_and_no_others(
    master: Master, told: Callable[[], list[tuple[str, int]]]
) -> None:
    master.trades_and_is_copied("buy", "0.02")
    master.move("withdraw", "BTC", "0.01")
    for _time in range(3):
        master_feed._take_snapshot(master.watch, master.account)
    assert stopped() == ["BTC/USDT"]
    assert [kind for kind, _who in told()] == ["master_moved_coins"] * 3, "each follower, once"

    assert ends(master.trades_and_is_copied("buy", "0.01")) == {("skipped", "master_moved_coins")}
    master.trade("buy", "0.1", "ETH/USDT")
    master.is_asked()
    signal = Signal.objects.get(symbol="ETH/USDT")
    execute(master.world.fan_out(signal))
    assert {order.status for order in master.world.orders(signal)} == {"filled"}


@pytest.mark.parametrize("is_read", [True, False])
def test_exits_after_a_withdrawal_follow_the_part_of_what_is_left(master: Master, is_read: bool) -> None:
    master.trades_and_is_copied("buy", "0.04")
    held = master.world.held()
    master.move("withdraw", "BTC", "0.02")
    for _time in range(2):
        master_feed._take_snapshot(master.watch, master.account)

    # Half of the 0.02 that are left, though a quarter of what was bought.
    if not is_read:
        master.watch.snapshot = None
    assert {order.status for order in master.trades_and_is_copied("sell", "0.01")} == {"filled"}
    for before, after in zip(held, master.world.held(), strict=True):
        assert Decimal("0.49") < after / before < Decimal("0.51")


def test_coins_sold_in_another_pair_stop_the_entries(master: Master) -> None:
    master.trade("buy", "0.5", "ETH/USDT")
    master.is_asked()
    master.trade("sell", "0.25", "ETH/BTC")
    for _time in range(2):
        master_feed._take_snapshot(master.watch, master.account)
    assert stopped() == ["ETH/USDT"]


def test_coins_that_come_back_let_entries_go_on(
    master: Master, told: Callable[[], list[tuple[str, int]]]
) -> None:
    master.trades_and_is_copied("buy", "0.02")
    master.move("withdraw", "BTC", "0.01")
    for _time in range(2):
        master_feed._take_snapshot(master.watch, master.account)
    master.move("deposit", "BTC", "0.01")
    master_feed._take_snapshot(master.watch, master.account)

    assert stopped() == []
    assert {kind for kind, _who in told()} == {"master_moved_coins", "master_coins_back"}
    assert ends(master.trades_and_is_copied("buy", "0.01")) == {("filled", "")}


def test_entries_begin_anew_once_the_rest_is_sold_and_everybody_is_out(master: Master) -> None:
    master.trades_and_is_copied("buy", "0.04")
    master.move("withdraw", "BTC", "0.02")
    for _time in range(2):
        master_feed._take_snapshot(master.watch, master.account)
    # All but what fees have taken of it.
    master.trades_and_is_copied("sell", "0.01996")
    assert max(master.world.held()) < Decimal("0.00001")

    assert ends(master.trades_and_is_copied("buy", "0.02")) == {("filled", "")}
    for _time in range(2):
        master_feed._take_snapshot(master.watch, master.account)
    assert stopped() == [], "what left before is not counted twice"
    master.trades_and_is_copied("sell", "0.01")
    part = Signal.objects.order_by("-number")[0].exit_fraction or 0
    assert Decimal("0.49") < part < Decimal("0.51"), "half of what was bought anew"


def test_an_account_read_before_the_books_moved_says_nothing_of_them(master: Master) -> None:
    before = timezone.now()
    master.trades_and_is_copied("buy", "0.02")
    strategies = master.watch.strategies
    seen = departures.missing_coins(strategies=strategies, holdings={}, asked_at=before)
    assert "BTC/USDT" not in seen
    seen = departures.missing_coins(strategies=strategies, holdings={}, asked_at=timezone.now())
    assert seen["BTC/USDT"] > 0


def test_a_sale_that_was_not_seen_yet_is_no_departure(master: Master) -> None:
    master.trades_and_is_copied("buy", "0.02")
    master.trade("sell", "0.01")
    for _time in range(3):
        master_feed._take_snapshot(master.watch, master.account)
    assert stopped() == []
    assert list(Signal.objects.order_by("number").values_list("side", flat=True)) == ["buy", "sell"]


def test_coins_locked_in_a_resting_order_have_not_left(master: Master) -> None:
    master.trades_and_is_copied("buy", "0.02")
    request = OrderRequest(
        client_order_id=f"rest{master.world.strategy.pk}",
        symbol="BTC/USDT",
        side=Side.SELL,
        type=OrderType.LIMIT,
        quantity=Decimal("0.019"),
        price=Decimal(120000),
        signed_at=gateway.venue_now("paper"),
    )
    loop.run(gateway.place(master.account, request), timeout=10)
    for _time in range(2):
        master_feed._take_snapshot(master.watch, master.account)
    assert stopped() == []
