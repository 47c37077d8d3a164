"""A small world on the paper exchange: one published strategy and its followers, with real accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from exchanges import gateway, loop
from exchanges.types import Credentials, FillReport, OrderRequest, OrderType, Side
from execution import claiming, placing, services, slices
from execution.endings import Work
from execution.fan_out import write_slice
from execution.leases import lease
from execution.models import CopyOrder
from execution.reconcile import look_up_due
from execution.services import Request
from execution.settling import settle
from execution.states import Status
from execution.watcher import AccountSnapshot, take_fills
from execution.watching import Watch
from ledger.models import Position
from strategies.models import Signal, Strategy, StrategySymbol
from subscriptions.models import Subscription
from tests.paper_exchange.venue_process import PaperExchange
from wallets import vault
from wallets.models import ExchangeAccount

# As a venue or a proxy: no request is ever taken.
NOBODY_LISTENS = "http://127.0.0.1:1"


def connect(venue: PaperExchange, owner: User, opened: dict[str, Any]) -> ExchangeAccount:
    """An account of the paper exchange, connected as the platform stores it."""
    account = ExchangeAccount(
        owner=owner, exchange="paper", label="Paper", venue_account_id=str(opened["uid"])
    )
    account.sealed_credentials = vault.seal(
        Credentials(opened["api_key"], opened["secret"]), owner=str(account.public_id)
    )
    account.save()
    return account


@dataclass
class World:
    """`keys[i]` is the venue's key of `subscriptions[i]`."""

    venue: PaperExchange
    strategy: Strategy
    subscriptions: list[Subscription]
    keys: list[str]
    trades: int = 0

    def master_trades(
        self, side: str, amount: str, price: str = "100000", symbol: str = "BTC/USDT", **changes: Any
    ) -> Signal:
        """A master's fill, seen by the watcher. The equity is 10000 USDT unless said otherwise."""
        self.trades += 1
        now = timezone.now()
        fill = FillReport(
            symbol=symbol,
            venue_order_id=changes.get("order_id", f"m{self.trades}"),
            trade_id=changes.get("trade_id", str(self.trades)),
            client_order_id="",
            side=Side(side),
            price=Decimal(price),
            quantity=Decimal(amount),
            fee=Decimal(0),
            fee_asset="USDT",
            at=changes.get("at", now),
        )
        snapshot = AccountSnapshot(
            asked_at=now,
            at=now,
            equity={"USDT": Decimal(changes.get("equity", "10000"))},
            holdings=changes.get("holdings", {"BTC": Decimal(100)}),
        )
        signal = take_fills(strategy_id=self.strategy.pk, fills=[fill], snapshot=snapshot, now=now)
        assert signal is not None
        return signal

    def master_trades_by_hand(self, side: str, amount: str) -> None:
        """A market order of BTC/USDT at the exchange itself; nobody is told."""
        self.trades += 1
        request = OrderRequest(
            client_order_id=f"hand{self.strategy.pk}x{self.trades}",
            symbol="BTC/USDT",
            side=Side(side),
            type=OrderType.MARKET,
            quantity=Decimal(amount),
            price=None,
            signed_at=gateway.venue_now("paper"),
        )
        loop.run(gateway.place(self.strategy.exchange_account.open(), request), timeout=10)

    def master_asks(
        self, price: str | None = None, *, at: datetime | None = None
    ) -> tuple[Signal, CopyOrder]:
        """A master asks the platform to buy 0.01 BTC, at the market where there is no `price`."""
        request = Request(
            client_signal_id="one",
            symbol="BTC/USDT",
            side="buy",
            type="limit" if price else "market",
            amount=Decimal("0.01"),
            price=Decimal(price) if price else None,
        )
        signal, order = services.send_signal(
            strategy=self.strategy, request=request, source="api", now=at or timezone.now()
        )
        assert order is not None
        return signal, order

    def watch(self, *more: Strategy) -> Watch:
        """A watch over the master's account, for these strategies too, whose signals nobody fans out."""
        account_id = self.strategy.exchange_account_id
        lease(account_id, watcher="test", now=timezone.now())
        return Watch(
            account_id=account_id,
            exchange="paper",
            strategies={symbol: row.pk for row in (*more, self.strategy) for symbol in row.symbols},
            started_at=timezone.now(),
            on_signal=lambda signal_id: None,
        )

    def fan_out(self, signal: Signal) -> list[int]:
        order_ids: list[int] = []
        while True:
            plan = slices.plan(signal.pk, now=timezone.now())
            for slice_id in plan.slice_ids:
                order_ids += write_slice(slice_id, now=timezone.now()).order_ids
            if plan.is_complete:
                return order_ids

    def copy(self, side: str, amount: str, price: str = "100000", **changes: Any) -> list[CopyOrder]:
        """A master's trade, copied by everybody to the end; the orders of its signal."""
        signal = self.master_trades(side, amount, price, **changes)
        execute(self.fan_out(signal))
        return self.orders(signal)

    def orders(self, signal: Signal) -> list[CopyOrder]:
        return list(CopyOrder.objects.filter(signal=signal).order_by("subscription_id", "part"))

    def held(self) -> list[Decimal]:
        """What each follower holds of each symbol."""
        positions = Position.objects.filter(subscription__isnull=False)
        return list(positions.order_by("subscription_id").values_list("held", flat=True))

    def sent(self, number: int = 0) -> list[str]:
        """The sides of all orders that a follower's account has taken."""
        return [order["side"] for order in self.venue.audit(self.keys[number])]

    def works_again(self) -> None:
        """The exchange is as it should be, and all that waited for it is due."""
        self.venue.ask("DELETE", "/control/faults")
        come_due()


def execute(order_ids: list[int]) -> Work:
    """What the task does, with all that it releases."""
    claim = claiming.claim(order_ids, worker="test", now=timezone.now())
    work = claim.work
    for outcomes in placing.send(claim.to_send):
        work += settle(outcomes, now=timezone.now())
    return work


def die_after_sending(order_ids: list[int]) -> None:
    """A worker that is killed before it could write an answer back."""
    claimed = claiming.claim(order_ids, worker="dies", now=timezone.now()).to_send
    for _outcomes in placing.send(claimed):
        pass


def change_account(account_id: int, **values: Any) -> None:
    ExchangeAccount.objects.filter(pk=account_id).update(**values)


def status_of(signal: Signal) -> str:
    signal.refresh_from_db()
    return signal.status


def later(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def come_due() -> None:
    """Let every pending order's wait pass."""
    CopyOrder.objects.filter(status=Status.PENDING).update(due_at=timezone.now())


def look_up_twice(*, claimed_ago: timedelta = timedelta(seconds=6)) -> None:
    """Ask about every order of which only the exchange knows, once its request is surely too old."""
    CopyOrder.objects.exclude(claimed_at=None).update(claimed_at=timezone.now() - claimed_ago)
    for seconds in (10, 20):
        look_up_due(now=later(seconds))
    come_due()


def build(venue: PaperExchange, *, followers: int = 3, **settings: Any) -> World:
    master = User.objects.create_user("master@example.com")
    account = connect(venue, master, venue.open_account(balances={"USDT": "10000"}))
    now = timezone.now()
    strategy = Strategy.objects.create(
        owner=master,
        exchange_account=account,
        name="Calm swing",
        slug="calm-swing",
        symbols=["BTC/USDT", "ETH/USDT", "BNB/USDT"],
        quote="USDT",
        status=Strategy.Status.PUBLISHED,
        published_at=now - timedelta(days=1),
    )
    StrategySymbol.objects.bulk_create(
        StrategySymbol(strategy=strategy, exchange_account=account, symbol=symbol)
        for symbol in strategy.symbols
    )
    world = World(venue, strategy, [], [])
    for number in range(followers):
        opened = venue.open_account(balances={"USDT": "2000"})
        person = User.objects.create_user(f"follower{number}@example.com")
        world.keys.append(opened["api_key"])
        world.subscriptions.append(subscribe(world, person, connect(venue, person, opened), **settings))
    return world


def subscribe(world: World, follower: User, account: ExchangeAccount, **settings: Any) -> Subscription:
    allocation = Decimal(settings.pop("allocation", "1000"))
    values: dict[str, Any] = {
        "sizing_mode": Subscription.SizingMode.PROPORTIONAL,
        "sizing_value": Decimal(1),
        "starts_after_number": world.strategy.last_signal_number,
    }
    return Subscription.objects.create(
        follower=follower,
        strategy=world.strategy,
        exchange_account=account,
        allocation=allocation,
        cash=allocation,
        **(values | settings),
    )
