"""Perform one master trade and prove, against the exchange's own list, that everybody got it once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from copytrade.demo import MASTERS, Move, free_and_held, trade
from exchanges.types import Side
from execution.explain import latencies_ms
from execution.models import CopyOrder
from execution.states import FINAL
from ledger.models import Trade
from strategies.models import PerformanceSnapshot, Signal, Strategy
from subscriptions.models import Subscription

PATIENCE_SECONDS = 60.0
SHARE = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Result:
    """Of one trade: followers, their orders at the exchange, and what is missing or too much."""

    copied: int
    lost: int
    duplicated: int


class Command(BaseCommand):
    help = "One master trade, copied by all followers and compared with the exchange's own records."

    def handle(self, *args: Any, **options: Any) -> None:
        strategy = Strategy.objects.select_related("exchange_account").get(name=MASTERS[0].strategy)
        followers = Subscription.objects.following(strategy.pk).count()
        _wait_for_master_feed(strategy)
        traded_at = timezone.now()
        self._trade(strategy)
        signal = _wait_for_copies(strategy, traded_at, followers)
        result = _compare(signal, traded_at)
        self._table(signal)
        self.stdout.write(
            f"{result.copied} orders copied, {result.lost} lost, {result.duplicated} duplicated"
        )
        if result.lost or result.duplicated or result.copied != followers:
            raise CommandError(f"{followers} followers should each have exactly one order.")

    def _trade(self, strategy: Strategy) -> None:
        account = strategy.exchange_account.open()
        symbols = MASTERS[0].symbols
        free, held = free_and_held(account, symbols)
        report = trade(account, Move(symbols[0], Side.BUY, SHARE), free_quote=free, held=held)
        if report is None:
            raise CommandError("The master's trade was too small for the exchange.")
        self.stdout.write(f"{MASTERS[0].name} bought {report.filled} {report.symbol}")

    def _table(self, signal: Signal) -> None:
        orders = list(CopyOrder.objects.filter(signal=signal))
        self.stdout.write(f"\n{'status':<20}{'orders':>8}")
        for status, count in Counter(order.status for order in orders).most_common():
            self.stdout.write(f"{status:<20}{count:>8}")
        self.stdout.write(f"\n{'stage':<20}{'p50':>8}{'worst':>8}")
        for stage in ("detect", "size", "submit", "fill"):
            known = sorted(ms for order in orders if (ms := latencies_ms(order)[stage]) is not None)
            if known:
                self.stdout.write(f"{stage:<20}{known[len(known) // 2]:>5} ms{known[-1]:>5} ms")
        self.stdout.write("")


def _wait_for_master_feed(strategy: Strategy) -> None:
    """The master is watched once the equity has been read."""
    for _moment in _moments():
        if PerformanceSnapshot.objects.filter(strategy=strategy).exists():
            return
    raise CommandError("Nobody watches the master's account.")


def _wait_for_copies(strategy: Strategy, since: datetime, followers: int) -> Signal:
    for _moment in _moments():
        signal = Signal.objects.filter(strategy=strategy, created_at__gte=since).first()
        if signal and _is_done(signal, followers):
            return signal
    raise CommandError(f"The copies were not complete after {PATIENCE_SECONDS:.0f} s.")


def _is_done(signal: Signal, followers: int) -> bool:
    final = CopyOrder.objects.filter(signal=signal, status__in=FINAL)
    return signal.fanned_out_at is not None and final.count() >= followers


def _moments() -> Iterator[float]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        yield time.monotonic()
        time.sleep(0.1)


def _compare(signal: Signal, since: datetime) -> Result:
    """The followers of the signal against what the exchange says it accepted from each of them."""
    orders = CopyOrder.objects.filter(signal=signal).select_related("exchange_account")
    keys = {order.exchange_account.open().credentials.api_key: order for order in orders}
    accepted: Counter[str] = Counter()
    for entry in _audit():
        if entry["key"] in keys and entry["accepted_at"] >= since.timestamp() * 1000:
            accepted[entry["key"]] += 1
    booked = set(
        Trade.objects.filter(subscription__in=[order.subscription_id for order in orders]).values_list(
            "subscription_id", flat=True
        )
    )
    copied = [key for key, order in keys.items() if accepted[key] and order.subscription_id in booked]
    return Result(
        copied=len(copied),
        lost=len(keys) - len(copied),
        duplicated=sum(count - 1 for count in accepted.values() if count > 1),
    )


def _audit() -> Iterator[dict[str, Any]]:
    """Every order that the paper exchange has accepted."""
    after = 0
    while True:
        url = f"{settings.PAPER_EXCHANGE_URL}/control/audit"
        page = requests.get(url, params={"after": after}, timeout=10).json()
        yield from page["orders"]
        if page["next"] == after:
            return
        after = page["next"]
