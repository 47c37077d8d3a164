"""One strategy with many followers on the paper exchange, and one master's trade copied by all of them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from accounts.models import User
from benchmarks.orders import PRICE, SYMBOL, Keys, Order
from benchmarks.processes import Meter
from benchmarks.stage import Stage
from exchanges.types import Credentials, FillReport, Side
from execution.models import CopyOrder
from execution.tasks import enqueue_fan_out
from execution.watcher import AccountSnapshot, take_fills
from ledger.models import Trade
from local.report import Refusal
from records.bulk import select
from strategies.models import Signal, Strategy, StrategySymbol
from subscriptions.models import Subscription
from wallets import vault
from wallets.models import ExchangeAccount

POLL_SECONDS = 0.01
PATIENCE_SECONDS = 300.0
# A master's 10 USDT of 100000 are 100 USDT of a follower's million, at the bound a little less.
EQUITY = {"USDT": Decimal(100_000)}
ALLOCATION = Decimal(1_000_000)
MASTER_AMOUNT = Decimal("0.0001")
# What that makes the platform place: bare copiers place the same.
ORDER = Order(amount="0.00099", price="100300")


@dataclass(frozen=True, slots=True)
class Copied:
    """One signal, from its commit until every follower's order is settled and booked, in seconds.

    First and last order by the venue's own clock, at acceptance.
    """

    seconds: float
    first_order_seconds: float
    last_order_seconds: float
    cpu_seconds: dict[str, float]


@dataclass
class Crowd:
    """A published strategy and its followers; `keys` are the followers'."""

    stage: Stage
    strategy: Strategy
    keys: list[Keys]
    meter: Meter
    trades: int = field(default=0)

    def copy(self) -> Copied:
        """Let the master trade, wait for the last follower's books, and prove that all is right."""
        self.stage.accepted()
        before = self.meter.read()
        signal = self._master_trades()
        committed_at, began = time.time(), time.perf_counter()
        enqueue_fan_out(signal.pk)
        _wait_until_settled(signal)
        seconds = time.perf_counter() - began
        cpu_seconds = self.meter.since(before)
        times = self._accepted_once_by_each(signal)
        return Copied(seconds, min(times) - committed_at, max(times) - committed_at, cpu_seconds)

    def _master_trades(self) -> Signal:
        """As the watcher does it."""
        self.trades += 1
        now = timezone.now()
        fill = FillReport(
            symbol=SYMBOL,
            venue_order_id=f"{self.strategy.pk}-{self.trades}",
            trade_id=str(self.trades),
            client_order_id="",
            side=Side.BUY,
            price=Decimal(PRICE),
            quantity=MASTER_AMOUNT,
            fee=Decimal(0),
            fee_asset="",
            at=now,
        )
        snapshot = AccountSnapshot(asked_at=now, at=now, equity=EQUITY, holdings={})
        signal = take_fills(strategy_id=self.strategy.pk, fills=[fill], snapshot=snapshot, now=now)
        assert signal is not None
        return signal

    def _accepted_once_by_each(self, signal: Signal) -> list[float]:
        """When the venue accepted each follower's one order; a benchmark of wrong work is none."""
        orders = self.stage.accepted()
        if Counter(order["key"] for order in orders) != Counter(keys.api_key for keys in self.keys):
            raise Refusal(f"{len(orders)} orders at the exchange, not one for each of {len(self.keys)}.")
        for order in orders:
            # The amount differs by a lot step at times: what was too small joins the next order.
            if (order["status"], Decimal(order["price"])) != ("FILLED", Decimal(ORDER.price)):
                raise Refusal(f"not the order that bare ccxt places: {order}")
        filled = CopyOrder.objects.filter(signal=signal, status="filled").count()
        booked = Trade.objects.filter(subscription__isnull=False, signal_at=signal.at).count()
        if (filled, booked) != (len(self.keys), len(self.keys)):
            raise Refusal(f"of {len(self.keys)} orders {filled} are filled and {booked} booked.")
        return [order["accepted_at"] / 1000 for order in orders]


def gather(stage: Stage, followers: int) -> Crowd:
    """A strategy with so many new followers, each with an account of their own."""
    keys = stage.open_accounts(followers + 1)
    name = f"crowd-{keys[0].uid}"
    people = User.objects.bulk_create(
        [User(email=f"{name}-{number}@example.com", password="!") for number in range(len(keys))],
        batch_size=1000,
    )
    accounts = ExchangeAccount.objects.bulk_create(
        [_account(person, own) for person, own in zip(people, keys, strict=True)], batch_size=1000
    )
    strategy = _strategy(name, people[0], accounts[0])
    Subscription.objects.bulk_create(
        [_subscription(strategy, account) for account in accounts[1:]], batch_size=1000
    )
    analyze()
    return Crowd(stage, strategy, keys[1:], Meter(workers=stage.worker_pids, venue=stage.venue_pid))


def analyze() -> None:
    """What autovacuum does within a minute of much being written; PostgreSQL's plans depend on it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _strategy(name: str, owner: User, account: ExchangeAccount) -> Strategy:
    strategy = Strategy.objects.create(
        owner=owner,
        exchange_account=account,
        name=name,
        slug=name,
        symbols=[SYMBOL],
        quote="USDT",
        status=Strategy.Status.PUBLISHED,
        published_at=timezone.now() - timedelta(days=1),
        # A slow machine must be measured too, not skipped.
        max_signal_age_seconds=int(PATIENCE_SECONDS),
    )
    StrategySymbol.objects.create(strategy=strategy, exchange_account=account, symbol=SYMBOL)
    return strategy


def _account(owner: User, keys: Keys) -> ExchangeAccount:
    account = ExchangeAccount(owner=owner, exchange="paper", label="Paper", venue_account_id=keys.uid)
    account.sealed_credentials = vault.seal(
        Credentials(keys.api_key, keys.secret), owner=str(account.public_id)
    )
    return account


def _subscription(strategy: Strategy, account: ExchangeAccount) -> Subscription:
    return Subscription(
        follower_id=account.owner_id,
        strategy=strategy,
        exchange_account=account,
        allocation=ALLOCATION,
        cash=ALLOCATION,
        sizing_mode=Subscription.SizingMode.PROPORTIONAL,
        sizing_value=Decimal(1),
        starts_after_number=0,
    )


def _wait_until_settled(signal: Signal) -> None:
    """Until the platform says that every follower has an order and each of them is final."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_settled(signal):
        if time.monotonic() > deadline:
            orders = CopyOrder.objects.filter(signal=signal)
            statuses = Counter(orders.values_list("status", "reason_code"))
            raise Refusal(f"not copied within {PATIENCE_SECONDS:.0f} s: {dict(statuses)}")
        time.sleep(POLL_SECONDS)


def _is_settled(signal: Signal) -> bool:
    # Asked a hundred times a second, of the very database and machine that are being measured: one row.
    return bool(select("SELECT 1 FROM strategies_signal WHERE id = %s AND status = 'done'", (signal.pk,)))
