"""A small world on the paper exchange: one published strategy and its followers, with real accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from exchanges.types import Credentials, FillReport, Side
from execution import claiming, placing
from execution.endings import Work
from execution.fan_out import fan_out_slice
from execution.models import CopyOrder
from execution.settling import settle
from execution.watcher import AccountSnapshot, take_fills
from strategies.models import Signal, Strategy, StrategySymbol
from subscriptions.models import Subscription
from tests.paper_exchange.venue_process import PaperExchange
from wallets import vault
from wallets.models import ExchangeAccount


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

    def fan_out(self, signal: Signal) -> list[int]:
        order_ids: list[int] = []
        while True:
            piece = fan_out_slice(signal.pk, now=timezone.now())
            order_ids += piece.order_ids
            if piece.is_last:
                return order_ids

    def copy(self, side: str, amount: str, price: str = "100000", **changes: Any) -> list[CopyOrder]:
        """A master's trade, copied by everybody to the end; the orders of its signal."""
        signal = self.master_trades(side, amount, price, **changes)
        execute(self.fan_out(signal))
        return self.orders(signal)

    def orders(self, signal: Signal) -> list[CopyOrder]:
        return list(CopyOrder.objects.filter(signal=signal).order_by("subscription_id", "part"))


def execute(order_ids: list[int]) -> Work:
    """What the task does, with all that it releases."""
    claim = claiming.claim(order_ids, worker="test", now=timezone.now())
    work = claim.work
    for outcomes in placing.send(claim.to_send):
        more = settle(outcomes, now=timezone.now())
        work.exits += more.exits
        work.entries += more.entries
    return work


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
